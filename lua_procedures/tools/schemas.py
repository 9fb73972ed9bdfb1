"""Schemas as Lua declares them and as JSON Schema: the same fields in two forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..program import declared_field, declared_fields

__all__ = ["declared_from", "field_schema", "json_schema"]

_KEPT = ("default", "description", "enum")


def json_schema(declared: Any) -> dict[str, Any]:
    """The JSON Schema of a table of fields.

    Args:
        declared: field name → ``{type, required, default, description, enum, items, fields}`` or a type's name.

    Raises:
        SchemaError: the declaration is wrong.
    """
    return _object(declared_fields(declared))


def field_schema(declared: Any, name: str = "output") -> dict[str, Any]:
    """The JSON Schema of one field; ``name`` is for messages.

    Raises:
        SchemaError: the declaration is wrong.
    """
    return _schema(declared_field(declared, name))


def _object(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    required = [name for name, field in fields.items() if field.get("required")]
    properties = {name: _schema(field) for name, field in fields.items()}
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _schema(field: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": field["type"]} if field["type"] else {}
    if field["type"] == "object" and field["fields"] is not None:
        schema |= _object(field["fields"])
    if field["type"] == "array" and field["items"] is not None:
        schema["items"] = _schema(field["items"])
    return {**schema, **{key: field[key] for key in _KEPT if field.get(key) is not None}}


def declared_from(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The table of fields that says the same as the JSON Schema of an object, as far as fields can say it.

    What they cannot say (bounds, patterns, alternatives, references) is left out: a field of such a type takes any
    value. So the fields refuse nothing that the schema accepts.
    """
    required = schema.get("required", ())
    return {
        name: {**_declared(part), **({"required": True} if name in required else {})}
        for name, part in schema.get("properties", {}).items()
    }


def _declared(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    kind = schema.get("type")
    field: dict[str, Any] = {"type": kind} if isinstance(kind, str) and kind != "null" else {}
    if "properties" in schema and kind == "object":
        field["fields"] = declared_from(schema)
    if isinstance(schema.get("items"), Mapping) and kind == "array" and "prefixItems" not in schema:
        field["items"] = _declared(schema["items"])
    return {**field, **{key: schema[key] for key in _KEPT if schema.get(key) is not None}}
