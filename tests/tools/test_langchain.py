"""LangChain tools as tools of a program."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from langchain_core.tools import BaseTool, InjectedToolArg, InjectedToolCallId, StructuredTool, Tool, ToolException
from langchain_core.tools import tool as langchain_tool
from pydantic import BaseModel, Field, field_validator

from lua_procedures import SchemaError, ToolError, UsageError, tool
from lua_procedures.tools.python import tool_of


@langchain_tool
def multiply(a: int, b: int = 2) -> int:
    """Multiply two numbers."""
    return a * b


async def later(a: int, b: int = 2) -> int:
    """Multiply two numbers."""
    await asyncio.sleep(0)
    return a * b


multiply_later = langchain_tool(later)


class Search(BaseTool):
    name: str = "search-it"
    description: str = "Searches."

    def _run(self, query: str, run_manager: Any = None) -> str:
        return query.upper()


class Later(BaseTool):
    name: str = "later"
    description: str = "Searches later."

    def _run(self, query: str) -> str:
        raise NotImplementedError

    async def _arun(self, query: str) -> str:
        return query.lower()


class Even(BaseModel):
    n: int = Field(description="an even number", ge=0)
    options: dict[str, int] = {}

    @field_validator("n")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("it is odd")
        return value


def test_a_decorated_function():
    """`@tool` of LangChain: name, description, schema and call are LangChain's."""
    made = tool_of(multiply)
    assert (made.name, made.description, made.is_async, made.single) == (
        "multiply",
        "Multiply two numbers.",
        False,
        "a",
    )
    assert {name: part["type"] for name, part in made.schema["properties"].items()} == {"a": "integer", "b": "integer"}
    assert made.schema["required"] == ["a"]
    assert made.call(made.check({"a": 4, "b": None})) == 8
    assert asyncio.run(made.acall({"a": 4, "b": 3})) == 12


def test_a_coroutine_where_there_is_nothing_else():
    """A tool that can only be awaited is; one that can be called is called."""
    both = StructuredTool.from_function(func=lambda a: a, coroutine=later, name="both", description="")
    assert not tool_of(both).is_async
    for only in (multiply_later, Later()):
        assert tool_of(only).is_async
    assert asyncio.run(tool_of(multiply_later).acall({"a": 4})) == 8
    assert tool_of(Later()).call({"query": "Ab"}) == "ab"


def test_a_subclass():
    """A subclass with `_run` has its parameters as the schema, without what LangChain passes itself."""
    made = tool_of(Search())
    assert list(made.schema["properties"]) == ["query"]
    assert not made.is_global
    assert made.call(made.check({"query": "a"})) == "A"


def test_the_oldest_kind():
    """A `Tool` takes one text, by its name."""
    made = tool_of(Tool("lookup", lambda query: query * 2, "Looks up."))
    assert made.bind("ab") == {"tool_input": "ab"}
    assert made.call(made.check({"tool_input": "ab"})) == "abab"


def test_faults():
    """All faults are reported together, unknown arguments too, and what the tool's own validators say."""
    with pytest.raises(SchemaError) as error:
        tool_of(multiply).check({"b": "x", "c": 1})
    assert {fault["field"]: fault["expected"] for fault in error.value.faults} == {
        "a": "an integer",
        "b": "an integer",
        "c": "nothing of that name (known: a, b)",
    }
    even = tool_of(StructuredTool.from_function(lambda n, options: n, name="even", description="", args_schema=Even))
    assert even.check({"n": 2, "options": []}) == {"n": 2, "options": {}}
    with pytest.raises(SchemaError, match=r"n: a value that fits \(Value error, it is odd\) expected, got 3"):
        even.check({"n": 3})


def test_a_schema_that_is_json():
    """A tool whose schema is a dict is checked by it, and by nothing else."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "object"}}, "required": ["a"]}
    made = tool_of(StructuredTool.from_function(lambda **all: all, name="t", description="d", args_schema=schema))
    assert made.check({"a": 1, "b": [], "c": 5}) == {"a": 1, "b": {}, "c": 5}
    assert made.call({"a": 1, "b": {}}) == {"a": 1, "b": {}}
    with pytest.raises(SchemaError, match="a: an integer expected, got nothing"):
        made.check({})
    wrong = StructuredTool.from_function(lambda: 1, name="w", description="d", args_schema={"properties": {"a": 5}})
    with pytest.raises(UsageError, match="tool 'w': no JSON Schema"):
        tool_of(wrong)


def test_injected_arguments():
    """What LangChain injects is no argument; a tool that cannot do without it is refused."""

    @langchain_tool
    def greet(text: str, id: Annotated[str, InjectedToolCallId], user: Annotated[str, InjectedToolArg] = "me") -> str:
        """Greet."""
        return f"{text} {user} {id}"

    @langchain_tool
    def needs(text: str, user: Annotated[str, InjectedToolArg]) -> str:
        """Greet."""
        return text + user

    made = tool_of(greet)
    assert list(made.schema["properties"]) == ["text"]
    assert made.call(made.check({"text": "hi"})).startswith("hi me ")
    with pytest.raises(SchemaError, match=r"user: nothing of that name \(known: text\)"):
        made.check({"text": "hi", "user": "you"})
    with pytest.raises(UsageError, match="tool 'needs': it needs user, which a program cannot give"):
        tool_of(needs)


def test_results_keep_their_type():
    """A result is what the tool returned, of an artifact the content."""
    made = tool_of(StructuredTool.from_function(lambda: {"a": [1]}, name="t", description="d"))
    assert made.call({}) == {"a": [1]}

    @langchain_tool(response_format="content_and_artifact")
    def both() -> Any:
        """Both."""
        return "content", object()

    assert tool_of(both).call({}) == "content"


def test_failures():
    """An error of the tool is a `ToolError`, one that the tool handles itself is its result."""

    def fail() -> None:
        raise ToolException("no luck")

    with pytest.raises(ToolError, match="ToolException: no luck"):
        tool_of(StructuredTool.from_function(fail, name="t", description="d")).call({})
    handled = StructuredTool.from_function(fail, name="t", description="d", handle_tool_error=True)
    assert tool_of(handled).call({}) == "no luck"


def test_approval():
    """Its metadata say that a person is asked; `@tool` of ours says so where it cannot mark it."""
    made = StructuredTool.from_function(lambda: 1, name="t", description="d", metadata={"requires_approval": True})
    assert tool_of(made).requires_approval
    assert not tool_of(multiply).requires_approval
    with pytest.raises(UsageError, match="metadata="):
        tool(requires_approval=True)(multiply)  # type: ignore[type-var]


def test_digests():
    """A LangChain tool's digest is that of its function, of a subclass that of its methods."""

    def variant(body: str) -> BaseTool:
        namespace: dict[str, Any] = {"__name__": "cells", "BaseTool": BaseTool}
        text = "class V(BaseTool):\n  name: str = 'v'\n  description: str = ''\n  def _run(self): return self.help()\n"
        exec(f"{text}  def help(self): return {body}", namespace)
        found: BaseTool = namespace["V"]()
        return found

    assert tool_of(variant("1")).digest == tool_of(variant("1")).digest
    assert tool_of(variant("1")).digest != tool_of(variant("2")).digest
    assert tool_of(multiply).digest != tool_of(multiply_later).digest
    renamed = StructuredTool.from_function(vars(multiply)["func"], name="other", description="d")
    assert tool_of(renamed).digest == tool_of(multiply).digest
