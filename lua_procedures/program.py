"""Schemas of a program's inputs and outputs: declared in Lua, checked here, all faults together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .errors import SchemaError

__all__ = [
    "check_inputs",
    "check_output",
    "check_output_schema",
    "declared_field",
    "declared_fields",
    "sentence",
    "shown",
    "typed_strings",
]

_ALIASES: Final = {
    "float": "number",
    "int": "integer",
    "bool": "boolean",
    "str": "string",
    "list": "array",
    "dict": "object",
    "table": "object",
}
_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object")
_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str, bytes),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_EXPECTED: Final = {kind: f"{'an' if kind[0] in 'aio' else 'a'} {kind}" for kind in _TYPES}
_OPTIONS: Final = {"required": (bool, "true or false"), "enum": (list, "a list of values")}
_SHOWN = 60  # characters of a value in a message
Fault = dict[str, Any]


def check_inputs(schema: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Check inputs against a declaration.

    Args:
        schema: field name → ``{type, required, default, description, enum, items, fields}`` or a bare type name.
        given: the run's inputs.

    Returns:
        The inputs with defaults filled in, and the names that are not declared (they are passed on).

    Raises:
        SchemaError: a field is missing or does not fit, or the declaration itself is wrong.
    """
    faults: list[Fault] = []
    values = _check_fields(declared_fields(schema), given, "", faults)
    undeclared = [name for name in given if name not in values]
    if faults:
        raise SchemaError(f"the input does not fit: {sentence(faults)}", faults)
    return {**{name: given[name] for name in given if name in undeclared}, **values}, undeclared


def typed_strings(schema: Any, texts: Mapping[str, str]) -> dict[str, str]:
    """Inputs as they were typed, for the fields that are declared as strings: ``-p version=2.1`` is text there."""
    return {
        name: texts[name]
        for name, field in declared_fields(schema).items()
        if name in texts and field["type"] == "string"
    }


def check_output_schema(schema: Any) -> None:
    """Check the declaration of an output by itself, where it is made.

    Raises:
        SchemaError: it is no table of fields and no field.
    """
    if _is_field(schema):
        declared_field(schema, "output")
    else:
        declared_fields(schema)


def _is_field(schema: Any) -> bool:
    return isinstance(schema, str) or (isinstance(schema, dict) and isinstance(schema.get("type"), str))


def check_output(schema: Any, value: Any) -> tuple[Any, list[str]]:
    """Check what a program returned against its declaration: a table of fields, or one field.

    Returns:
        The output with undeclared keys dropped, and their names.

    Raises:
        SchemaError: it does not fit, or the declaration itself is wrong.
    """
    faults: list[Fault] = []
    dropped: list[str] = []
    result = None
    if _is_field(schema):
        result = _check_one(declared_field(schema, "output"), value, "output", faults)
    else:
        fields = declared_fields(schema)
        given = {} if value is None or (isinstance(value, list) and not value) else value
        if isinstance(given, dict):
            result = _check_fields(fields, given, "", faults)
            dropped = [name for name in given if name not in fields]
        else:
            faults.append(_fault("output", "a table of fields", value))
    if faults:
        raise SchemaError(f"the output does not fit: {sentence(faults)}", faults)
    return result, dropped


def sentence(faults: list[Fault]) -> str:
    """All faults in one sentence."""
    return "; ".join(f"{fault['field']}: {fault['expected']} expected, got {fault['actual']}" for fault in faults)


# Declarations


def declared_fields(schema: Any, within: str = "") -> dict[str, dict[str, Any]]:
    """A table of fields as declared, each as ``declared_field`` has it; ``within`` is for messages.

    Raises:
        SchemaError: the declaration is wrong.
    """
    if schema == []:
        return {}
    if not isinstance(schema, dict):
        raise SchemaError(f"{within or 'a schema'}: a table of fields by name expected, got {shown(schema)}")
    return {name: declared_field(field, f"{within}.{name}" if within else name) for name, field in schema.items()}


def declared_field(field: Any, name: str) -> dict[str, Any]:
    """A field as declared, with what is nested in it checked too and its type by its one name, or None for any.

    Raises:
        SchemaError: the declaration is wrong.
    """
    if isinstance(field, str):
        field = {"type": field}
    if field == []:
        field = {}
    if not isinstance(field, dict):
        raise SchemaError(f"field {name!r}: a type name or a table expected, got {shown(field)}")
    kind = field.get("type")
    kind = _ALIASES.get(kind, kind) if isinstance(kind, str) else kind
    if kind is not None and kind not in _TYPES:
        raise SchemaError(f"field {name!r}: unknown type {shown(kind)}; the types are {', '.join(_TYPES)}")
    for option, (type_, expected) in _OPTIONS.items():
        if field.get(option) is not None and not isinstance(field[option], type_):
            raise SchemaError(f"field {name!r}: {option}: {expected} expected, got {shown(field[option])}")
    items, inner = field.get("items"), field.get("fields")
    return {
        **field,
        "type": kind,
        "items": None if items is None else {**declared_field(items, f"{name} items"), "required": True},
        "fields": None if inner is None else declared_fields(inner, name),
    }


# Values


def _check_fields(
    fields: Mapping[str, dict[str, Any]], given: Mapping[str, Any], path: str, faults: list[Fault]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in fields.items():
        value = _check_one(field, given.get(name), f"{path}.{name}" if path else name, faults)
        if value is not None:
            values[name] = value
    return values


def _check_one(field: Mapping[str, Any], value: Any, at: str, faults: list[Fault]) -> Any:
    """A value, or the field's default in its place; None where there is neither."""
    if value is None:
        value = field.get("default")
    if value is not None:
        return _check_value(field, value, at, faults)
    if field.get("required"):
        faults.append({"field": at, "expected": _EXPECTED.get(field["type"], "a value"), "actual": "nothing"})
    return None


def _check_value(field: Mapping[str, Any], value: Any, at: str, faults: list[Fault]) -> Any:
    kind = field["type"]
    if kind in ("array", "object") and isinstance(value, (list, dict)) and not value:
        value = [] if kind == "array" else {}
    if kind is not None and not _fits(kind, value):
        faults.append(_fault(at, _EXPECTED[kind], value))
        return value
    if kind == "integer":
        value = int(value)
    choices = field.get("enum")
    if choices and not any(_equal(value, choice) for choice in choices):
        faults.append(_fault(at, f"one of {', '.join(map(shown, choices))}", value))
    if kind == "array" and field["items"] is not None:
        return [_check_one(field["items"], item, f"{at}[{place}]", faults) for place, item in enumerate(value, 1)]
    if kind == "object" and field["fields"] is not None:
        kept = {name: item for name, item in value.items() if name not in field["fields"]}
        return {**kept, **_check_fields(field["fields"], value, at, faults)}
    return value


def _fits(kind: str, value: Any) -> bool:
    if kind in _CLASSES:
        return isinstance(value, _CLASSES[kind])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return kind == "number" or (value == int(value) and -(2**63) <= value < 2**63)


def _equal(value: Any, choice: Any) -> bool:
    """Equality as Lua has it: 1 is 1.0, and true is no number."""
    if not isinstance(value, (str, bytes, int, float, list, dict)):  # what a handle equals is its own affair
        return value is choice
    return bool(value == choice) and isinstance(value, bool) == isinstance(choice, bool)


def _fault(at: str, expected: str, value: Any) -> Fault:
    return {"field": at, "expected": expected, "actual": shown(value)}


def shown(value: Any) -> str:
    """A value for a message: short, and in Lua's words."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a table"
    if value is None or isinstance(value, (bool, int, float, str)):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return f"a {type(value).__name__}"
