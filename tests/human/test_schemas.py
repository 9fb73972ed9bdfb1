"""The JSON Schema of an input."""

from __future__ import annotations

import socket

import pytest

from lua_procedures.human.schemas import normal_schema, schema_fault, schema_faults


@pytest.mark.parametrize(
    ("schema", "value", "faults"),
    [
        ({"type": "integer"}, 2.0, []),
        ({"type": "integer"}, True, [("", "This must be a whole number.")]),
        ({"type": ["string", "null"]}, 1, [("", "This must be a text or empty.")]),
        ({"enum": ["a", 2]}, "b", [("", "This must be one of a, 2.")]),
        ({"type": "string", "minLength": 3}, "ab", [("", "At least 3 characters are needed.")]),
        ({"type": "string", "format": "date"}, "tomorrow", [("", "This must be a valid date.")]),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], [("", "Item 2: This must be a text.")]),
        (
            {"properties": {"a": {"properties": {"b": {"type": "boolean"}}}}},
            {"a": {"b": 1}},
            [("a", "B: This must be a boolean.")],
        ),
    ],
)
def test_faults_are_said_for_people(schema, value, faults):
    """Each fault has its place and a sentence; a number without a fraction is a whole number, a boolean is none."""
    assert schema_faults(schema, value) == faults


def test_a_wrong_schema_is_told():
    """A schema that is itself wrong is a fault that says where."""
    assert "$.type" in (schema_fault({"type": "text"}) or "")
    assert schema_faults({"type": "text"}, 1) == [("", schema_fault({"type": "text"}))]
    assert schema_fault({"type": "string"}) is None


def test_nothing_is_fetched(monkeypatch):
    """A reference outside the schema is refused without a look at the network; one that leads nowhere is told."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it went to the network"))
    for reference in ("http://127.0.0.1:9/x.json", "file:///etc/passwd"):
        assert schema_faults({"$ref": reference}, 1) == [
            ("", f"The response_schema refers to “{reference}”, which is outside it.")
        ]
    assert "does not define" in schema_faults({"$ref": "#/nowhere"}, 1)[0][1]
    assert schema_faults({"$defs": {"n": {"type": "null"}}, "$ref": "#/$defs/n"}, None) == []


def test_an_empty_lua_table_is_an_empty_schema():
    """Where a schema is meant, an empty list means no condition; lists of values stay lists."""
    schema = {"type": "object", "properties": {"any": []}, "required": [], "enum": [], "items": [], "allOf": []}
    assert normal_schema(schema) == {
        "type": "object",
        "properties": {"any": {}},
        "required": [],
        "enum": [],
        "items": {},
        "allOf": [],
    }
    assert schema_faults({"type": "object", "properties": {"any": []}}, {"any": 1}) == []
