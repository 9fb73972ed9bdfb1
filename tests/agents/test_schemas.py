"""Fields of Lua as the schemas that models are given."""

from __future__ import annotations

import pytest

from lua_procedures import SchemaError
from lua_procedures.agents.schemas import output_schema, parameters_of
from lua_procedures.tools.checking import schema_fault


def test_parameters():
    """A table of fields is an object, with what each field says."""
    fields = {
        "city": {"type": "string", "required": True, "description": "Where."},
        "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "place": {"type": "object", "fields": {"lat": {"type": "float", "required": True}}},
        "extra": "object",
        "anything": {},
    }
    assert parameters_of(fields) == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "days": {"type": "array", "items": {"type": "integer"}},
            "place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]},
            "extra": {"type": "object"},
            "anything": {},
        },
        "required": ["city"],
    }
    assert schema_fault(parameters_of(fields)) is None


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_no_parameters(nothing):
    """A tool without arguments takes an object without properties."""
    assert parameters_of(nothing) == {"type": "object", "properties": {}}


def test_lists_of_anything():
    """A list whose items are not declared says so, in any depth: providers refuse it otherwise."""
    fields = {"rows": {"type": "array", "items": "array"}, "inner": {"type": "object", "fields": {"list": "array"}}}
    properties = parameters_of(fields)["properties"]
    assert properties["rows"] == {"type": "array", "items": {"type": "array", "items": {}}}
    assert properties["inner"]["properties"]["list"] == {"type": "array", "items": {}}


@pytest.mark.parametrize(
    ("declared", "schema"),
    [
        ("string", {"type": "string"}),
        ({"type": "array", "items": "integer"}, {"type": "array", "items": {"type": "integer"}}),
        ({"type": "object"}, {"type": "object"}),
        ({"ok": "boolean"}, {"type": "object", "properties": {"ok": {"type": "boolean"}}}),
        ({"type": {"type": "string"}}, {"type": "object", "properties": {"type": {"type": "string"}}}),
    ],
)
def test_outputs(declared, schema):
    """An output is one field, or a table of fields, in which one may be called “type”."""
    assert output_schema(declared) == schema


@pytest.mark.parametrize("declared", [{"n": "numeral"}, {"type": "numeral"}, 3])
def test_wrong_declarations(declared):
    """A type that there is not is an error of the schema."""
    with pytest.raises(SchemaError):
        output_schema(declared)
    with pytest.raises(SchemaError):
        parameters_of(declared if isinstance(declared, dict) else {"x": declared})
