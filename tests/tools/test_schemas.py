"""Schemas as Lua declares them, and as JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures import SchemaError
from lua_procedures.program import check_inputs, declared_fields
from lua_procedures.tools.checking import Checker, schema_fault
from lua_procedures.tools.schemas import declared_from, field_schema, json_schema

names = st.text("abc é\"'.[", min_size=1, max_size=4)
plain = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
details = st.fixed_dictionaries(
    {},
    optional={
        "required": st.booleans(),
        "description": st.text(max_size=5),
        "default": plain,
        "enum": st.lists(plain, min_size=1, max_size=3),
    },
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Fields of lists and of tables of other fields."""
    lists = st.fixed_dictionaries({"type": st.just("array"), "items": inner})
    tables = st.fixed_dictionaries({"type": st.just("object"), "fields": st.dictionaries(names, inner, max_size=3)})
    return st.builds(lambda field, more: {**field, **more}, lists | tables, details)


kinds = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "float", "table"])
leaves = kinds | st.builds(lambda kind, more: {"type": kind, **more}, kinds, details) | details
declarations = st.dictionaries(names, st.recursive(leaves, nested, max_leaves=6), max_size=4)


def settled(field: Any) -> Any:
    """A normal declaration without what says nothing."""
    kept = {key: value for key, value in field.items() if value is not None and key in _SAID}
    if not kept.get("required"):
        kept.pop("required", None)
    if "items" in kept:
        kept["items"] = {key: value for key, value in settled(kept["items"]).items() if key != "required"}
    if "fields" in kept:
        kept["fields"] = {name: settled(inner) for name, inner in kept["fields"].items()}
    return kept


_SAID = ("type", "required", "description", "default", "enum", "items", "fields")


@given(declarations)
def test_there_and_back(declared):
    """What fields say survives JSON Schema, which is a right one."""
    schema = json_schema(declared)
    assert schema_fault(schema) is None
    back = declared_from(schema)
    normal = {name: settled(field) for name, field in declared_fields(declared).items()}
    assert {name: settled(field) for name, field in back.items()} == normal
    assert json_schema(back) == schema


@given(declarations, st.dictionaries(names, plain, max_size=4))
def test_both_refuse_the_same(declared, values):
    """A value fits the fields where it fits their JSON Schema, defaults apart."""
    bare = {name: _without_defaults(field) for name, field in declared_fields(declared).items()}
    values = Checker(json_schema(bare)).settled({**values, **dict.fromkeys(list(bare)[:1], 1)})
    refused = False
    try:
        check_inputs(bare, values)
    except SchemaError:
        refused = True
    assert refused is bool(Checker(json_schema(bare)).faults(values))


def _without_defaults(field: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in field.items() if key != "default"}
    if kept.get("items"):
        kept["items"] = _without_defaults(kept["items"])
    if kept.get("fields"):
        kept["fields"] = {name: _without_defaults(inner) for name, inner in kept["fields"].items()}
    return kept


def test_fields():
    """Each option of a field has its word in JSON Schema."""
    declared = {
        "city": {"type": "string", "required": True, "description": "Where."},
        "days": {"type": "int", "default": 3},
        "unit": {"enum": ["C", "F"]},
        "tags": {"type": "list", "items": "string"},
        "place": {"type": "table", "fields": {"zip": {"type": "string", "required": True}}},
        "any": {},
    }
    assert json_schema(declared) == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": "integer", "default": 3},
            "unit": {"enum": ["C", "F"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {"type": "object", "properties": {"zip": {"type": "string"}}, "required": ["zip"]},
            "any": {},
        },
        "required": ["city"],
    }
    assert json_schema([]) == {"type": "object", "properties": {}}
    assert field_schema("float") == {"type": "number"}


def test_what_fields_cannot_say():
    """Alternatives, references and bounds are left out, so that nothing is refused that fits."""
    schema = {
        "properties": {
            "a": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "b": {"$ref": "#/$defs/X"},
            "c": {"type": ["string", "integer"]},
            "d": {"type": "integer", "minimum": 5},
            "e": {"type": "array", "prefixItems": [{}], "items": {"type": "string"}},
            "f": True,
        },
        "required": ["d"],
    }
    assert declared_from(schema) == {
        "a": {},
        "b": {},
        "c": {},
        "d": {"type": "integer", "required": True},
        "e": {"type": "array"},
        "f": {},
    }


@pytest.mark.parametrize("declared", [5, {"a": 5}, {"a": "strin"}])
def test_wrong_declarations(declared):
    """A wrong declaration is refused as everywhere."""
    with pytest.raises(SchemaError):
        json_schema(declared)
