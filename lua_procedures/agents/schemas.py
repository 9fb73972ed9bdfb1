"""Fields as Lua declares them, as the JSON Schemas that chat models are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tools.schemas import field_schema, json_schema

__all__ = ["output_schema", "parameters_of"]


def parameters_of(fields: Any) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments.

    Args:
        fields: field name → ``{type, required, default, description, enum, items, fields}`` or a type's name; an empty
            table, or None, for a tool without arguments.

    Raises:
        SchemaError: the declaration is wrong.
    """
    return _complete(json_schema([] if fields is None else fields))


def output_schema(declared: Any) -> dict[str, Any]:
    """The JSON Schema of an agent's ``output``: one field, a type's name, or a table of fields.

    Raises:
        SchemaError: the declaration is wrong.
    """
    is_field = isinstance(declared, str) or (isinstance(declared, Mapping) and isinstance(declared.get("type"), str))
    return _complete(field_schema(declared) if is_field else json_schema(declared))


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what a provider insists on: lists say what their items are, if only anything."""
    if "properties" in schema:
        schema["properties"] = {name: _complete(part) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        schema["items"] = _complete(schema.get("items", {}))
    return schema
