"""Tools described by data."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lua_procedures import SchemaError, ToolAuth, ToolError, ToolSpec, ToolType, UsageError
from lua_procedures.tools.python import PythonTool, tool_of

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n"]}


@pytest.fixture(autouse=True)
def given_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions of `given.py` can be imported, and are imported anew in each test."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delitem(sys.modules, "given", raising=False)


def made(reference: str = "given:double", **fields: Any) -> PythonTool:
    """A tool of a function of `given.py`."""
    return tool_of(ToolSpec(name="t", function_ref=reference, **fields))


def test_a_function_is_imported_at_first_use():
    """A spec imports its function when the tool is first asked for something that needs it."""
    tool = made(description="Doubles.", schema_def=SCHEMA, requires_approval=True)
    assert (tool.name, tool.description, tool.requires_approval, tool.single) == ("t", "Doubles.", True, "n")
    assert tool.schema == SCHEMA
    assert "given" not in sys.modules
    assert tool.call(tool.check({"n": 4.0})) == 8
    assert "given" in sys.modules


def test_what_a_spec_leaves_out_the_function_says():
    """Without a description or a schema the function's own are used."""
    tool = made()
    assert tool.description == "Twice a number."
    assert tool.schema["properties"] == {"n": {"type": "integer"}}
    assert made("given:Nested.half").call({"n": 3}) == 1.5


def test_both_schemas_are_checked():
    """Arguments have to fit the spec's schema, and then the function."""
    tool = made(schema_def={**SCHEMA, "properties": {"n": {}}})
    with pytest.raises(SchemaError, match='n: an integer expected, got "x"'):
        tool.check({"n": "x"})
    with pytest.raises(SchemaError, match="n: at least 0 expected, got -1"):
        made(schema_def=SCHEMA).check({"n": -1})
    with pytest.raises(SchemaError, match="n: an integer expected, got nothing"):
        made(schema_def=SCHEMA).check({})


@pytest.mark.parametrize("reference", ["given:nothing", "no_such_module:f", "given:Nested", "given:Nested.half.more"])
def test_references_that_lead_nowhere(reference):
    """A function that cannot be imported is an error that names the spec and the reference."""
    tool = made(reference)
    with pytest.raises(UsageError, match=f"ToolSpec 't': function_ref '{reference}'"):
        tool.check({})


def test_timeouts():
    """An async tool over its time is stopped; a sync function cannot have a timeout."""
    assert made("given:slow", timeout_seconds=100).call({"seconds": 0}) == 0
    tool = made("given:slow", timeout_seconds=0.05)
    assert tool.is_async
    with pytest.raises(ToolError, match=r"took longer than 0\.05 seconds"):
        asyncio.run(tool.acall({"seconds": 3600}))
    with pytest.raises(UsageError, match="timeout_seconds is for async functions"):
        made(timeout_seconds=1).check({"n": 1})


def test_results_are_checked():
    """A result that misses `return_schema` is the tool's failure."""
    tool = made("given:anything", return_schema={"type": "object", "required": ["a"]})
    assert tool.call({"value": {"a": 1}}) == {"a": 1}
    with pytest.raises(ToolError, match="the result does not fit return_schema: a: a value expected, got nothing"):
        tool.call({"value": {}})
    with pytest.raises(ToolError, match="result: an object expected, got 5"):
        tool.call({"value": 5})
    later = made("given:slow", return_schema={"type": "string"})
    with pytest.raises(ToolError, match=r"result: a string expected, got 0\.0"):
        later.call({"seconds": 0.0})


def test_secrets(monkeypatch):
    """A secret is named by its variable; a tool is not called while that is not set."""
    tool = made(auth={"type": "bearer", "env_var": "A_TEST_TOKEN"})
    monkeypatch.delenv("A_TEST_TOKEN", raising=False)
    with pytest.raises(ToolError, match="the environment variable A_TEST_TOKEN is not set"):
        tool.call({"n": 1})
    monkeypatch.setenv("A_TEST_TOKEN", "x")
    assert tool.call({"n": 1}) == 2
    assert ToolAuth(type="bearer", env_var="A_TEST_TOKEN").secret() == "x"
    assert ToolAuth().secret() is None


@pytest.mark.parametrize("secret", ["sk-1234567890", "hunter2", "AKIAIOSFODNN7EXAMPLE", "eyJhbGciOi.x.y", "a b", ""])
def test_a_literal_secret_is_refused(secret):
    """What is no name of an environment variable is refused, and not shown."""
    with pytest.raises(ValidationError, match="the name of an environment variable expected") as error:
        ToolAuth(type="api_key", env_var=secret)
    assert not secret or secret not in str(error.value)


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "mcp without server": ({"tool_type": "mcp"}, "an mcp tool needs mcp_server"),
    "mcp with function": (
        {"tool_type": "mcp", "mcp_server": "s", "function_ref": "a:b"},
        "function_ref is for functions, not for mcp",
    ),
    "function without reference": ({}, "a function needs function_ref"),
    "function with server": (
        {"function_ref": "a:b", "mcp_server": "s"},
        "mcp_server is for mcp tools, not for a function",
    ),
    "builtin with reference": ({"tool_type": "builtin", "function_ref": "a:b"}, "not for builtin"),
    "builtin with server": ({"tool_type": "builtin", "mcp_server": "s"}, "not for a builtin"),
    "none with secret": ({"function_ref": "a:b", "auth": {"env_var": "X"}}, "auth of type none has no env_var"),
    "bearer without secret": ({"function_ref": "a:b", "auth": {"type": "bearer"}}, "auth of type bearer needs env_var"),
    "unknown auth": (
        {"function_ref": "a:b", "auth": {"type": "magic", "env_var": "X"}},
        "one of none, api_key, bearer, oauth expected",
    ),
    "a literal secret by another name": (
        {"function_ref": "a:b", "auth": {"type": "bearer", "token": "x"}},
        "Extra inputs are not permitted",
    ),
    "no reference": ({"function_ref": "json.dumps"}, '"package.module:name" expected'),
    "no schema": ({"function_ref": "a:b", "schema_def": {"type": 5}}, "no JSON Schema, at "),
    "no object": ({"function_ref": "a:b", "schema_def": {"type": "array"}}, "type: object expected, got array"),
    "reference outside": (
        {"function_ref": "a:b", "schema_def": {"properties": {"x": {"$ref": "http://h/s"}}}},
        "it refers to 'http://h/s', which it does not define",
    ),
    "reference in a circle": (
        {"function_ref": "a:b", "return_schema": {"$defs": {"x": {"$ref": "#/$defs/x"}}}},
        "which it does not define",
    ),
    "no time": ({"function_ref": "a:b", "timeout_seconds": 0}, "greater than 0"),
    "unknown type": ({"tool_type": "shell"}, "'mcp', 'function' or 'builtin'"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions(case):
    """A spec that contradicts itself is refused, and says in what."""
    fields, message = CONTRADICTIONS[case]
    with pytest.raises(ValidationError) as error:
        ToolSpec(name="t", **fields)
    assert message in str(error.value)


def test_all_contradictions_together():
    """What contradicts is said at once."""
    with pytest.raises(
        ValidationError, match=r"function_ref is for functions.*; an mcp tool needs mcp_server"
    ) as error:
        ToolSpec(name="t", tool_type=ToolType.MCP, function_ref="a:b")
    assert "ToolSpec 't'" in str(error.value)


def test_specs_of_other_kinds():
    """A tool of a server needs the server, when it is used; one of the language is not given by a spec."""
    served = tool_of(ToolSpec(name="t", tool_type="mcp", mcp_server="files"))
    assert served.mcp == ("files", "t")
    with pytest.raises(ToolError, match="there is no MCP server 'files'"):
        _ = served.schema
    with pytest.raises(UsageError, match='require\\("done"\\)'):
        tool_of(ToolSpec(name="done", tool_type="builtin"))


def test_a_spec_is_a_record():
    """A spec survives JSON and cannot be changed."""
    spec = ToolSpec(name="t", function_ref="a:b", schema_def=SCHEMA, auth={"type": "oauth", "env_var": "X"})
    assert ToolSpec.model_validate_json(spec.model_dump_json()) == spec
    with pytest.raises(ValidationError):
        spec.name = "u"  # type: ignore[misc]


def test_digests():
    """A spec's digest changes with the spec."""
    assert made().digest == made().digest
    assert made().digest != made(description="x").digest
    assert made().digest != made("given:anything").digest
