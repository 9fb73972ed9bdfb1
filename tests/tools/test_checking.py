"""Values against a JSON Schema."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lua_procedures.tools.checking import Checker, schema_fault

names = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
leaves = (
    st.booleans()
    | st.builds(lambda kind: {"type": kind}, kinds)
    | st.builds(lambda kinds: {"type": kinds}, st.lists(kinds, min_size=1, max_size=2, unique=True))
    | st.builds(lambda choices: {"enum": choices}, st.lists(values, min_size=1, max_size=3))
    | st.builds(lambda least: {"minimum": least}, st.integers(-3, 3))
    | st.just({"$ref": "#/$defs/text"})
)


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of lists, of tables and of alternatives."""
    return (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3))
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(names, inner, max_size=3)},
            optional={"required": st.lists(names, unique=True), "additionalProperties": inner},
        )
        | st.builds(_both, inner, inner)
    )


def _both(one: Any, other: Any) -> Any:
    """A schema that says what two say."""
    return {**one, **other} if isinstance(one, dict) and isinstance(other, dict) else one


schemas = st.recursive(leaves, larger, max_leaves=6)


def checker(part: Any) -> Checker:
    """A checker of that part, in a schema with a definition."""
    return Checker({"allOf": [part], "$defs": {"text": {"type": "string"}}})


@given(schemas, values)
def test_what_surely_fits_fits(schema, value):
    """The quick look accepts nothing that the library refuses."""
    whole = {"$defs": {"text": {"type": "string"}}, "properties": {"x": schema}}
    if Checker(whole).surely_fits(schema, value):
        assert Draft202012Validator(whole).is_valid({"x": value})


@given(schemas, values)
def test_faults_are_there_where_the_library_finds_some(schema, value):
    """There is a fault exactly where the library refuses the value."""
    whole = {"type": "object", "$defs": {"text": {"type": "string"}}, "properties": {"x": schema}}
    faults = Checker(whole).faults({"x": value})
    assert bool(faults) is not Draft202012Validator(whole).is_valid({"x": value})
    assert all(fault["expected"] and fault["actual"] for fault in faults)
    if "False" not in str(schema):  # the library does not say where a schema is that accepts nothing
        assert all(fault["field"].startswith("x") for fault in faults)


@given(schemas, values)
def test_settling_changes_empty_tables_only(schema, value):
    """Only empty tables become something else, and never is something refused that was accepted before."""
    found = checker(schema)
    settled = found.settled(value)
    assert _leaves(settled) == _leaves(value)
    if not found.faults(value):
        assert not found.faults(settled)


def _leaves(value: Any) -> Any:
    if isinstance(value, (list, dict)) and not value:
        return "empty"
    if isinstance(value, list):
        return [_leaves(item) for item in value]
    return {key: _leaves(item) for key, item in value.items()} if isinstance(value, dict) else value


EXPECTED: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "least": ({"minimum": 3}, 2, "at least 3", "2"),
    "most": ({"maximum": 3}, 4, "at most 3", "4"),
    "more": ({"exclusiveMinimum": 3}, 3, "more than 3", "3"),
    "less": ({"exclusiveMaximum": 3}, 3, "less than 3", "3"),
    "multiple": ({"multipleOf": 2}, 3, "a multiple of 2", "3"),
    "longer": ({"minLength": 2}, "a", "at least 2 characters", '"a"'),
    "shorter": ({"maxLength": 2}, "abc", "at most 2 characters", '"abc"'),
    "more items": ({"minItems": 1}, [], "at least 1 items", "a list"),
    "fewer items": ({"maxItems": 1}, [1, 2], "at most 1 items", "a list"),
    "differ": ({"uniqueItems": True}, [1, 1], "items that differ", "a list"),
    "pattern": ({"pattern": "^a"}, "b", "text that matches ^a", '"b"'),
    "const": ({"const": 5}, 6, "5", "6"),
    "other": ({"minProperties": 1}, {}, "a value with minProperties 1", "a table"),
    "alternatives": ({"oneOf": [{"type": "string"}, {"enum": [1, 2]}]}, 3, "a string or one of 1, 2", "3"),
    "a handle": ({"type": "object"}, pd.DataFrame({"a": [1, 2]}), "an object", "a DataFrame"),
    "a handle of several": ({"enum": [1]}, pd.Series([1, 2]), "one of 1", "a Series"),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_words(case):
    """Each keyword has its words."""
    schema, value, expected, actual = EXPECTED[case]
    found = Checker({"properties": {"x": schema}}).faults({"x": value})
    assert found == [{"field": "x", "expected": expected, "actual": actual}]


def test_faulty_schemas():
    """A schema that is none is told where; one that refers to its own parts is right."""
    assert schema_fault({"properties": {"a": {"type": 5}}}).startswith("no JSON Schema, at $.properties.a.type: ")  # type: ignore[union-attr]
    assert schema_fault({"$ref": "other.json"}) == "no JSON Schema: it refers to 'other.json', which it does not define"
    assert schema_fault({"$ref": "#/$defs/x"}) == "no JSON Schema: it refers to '#/$defs/x', which it does not define"
    tree = {"$defs": {"a/b": {"items": {"$ref": "#/$defs/a~1b"}, "type": "array"}}, "$ref": "#/$defs/a~1b"}
    assert schema_fault(tree) is None
    assert Checker(tree).faults([[], [[]]]) == []
    assert Checker(tree).faults([[5]]) == [{"field": "[1][1]", "expected": "an array", "actual": "5"}]


def test_a_plain_call_needs_no_library():
    """A call that fits is checked without the import of jsonschema and of LangChain."""
    code = """
import sys
from lua_procedures.tools.python import tool_of
def f(city: str, days: int = 1, tags: list[str] = [], more: dict[str, float] | None = None): return city
made = tool_of(f)
assert made.call(made.check({"city": "x", "days": 2, "tags": ["a"], "more": []})) == "x"
print(*({"jsonschema", "langchain_core"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
