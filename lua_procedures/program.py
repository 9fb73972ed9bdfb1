"""Schemas of a program's inputs and outputs: declared in Lua, checked here, all faults together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .errors import SchemaError

__all__ = ["check_inputs", "check_output"]

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
    values = _check_fields(_fields(schema), given, "", faults)
    undeclared = [name for name in given if name not in values]
    if faults:
        raise SchemaError(f"the input does not fit: {_sentence(faults)}", faults)
    return {**{name: given[name] for name in given if name in undeclared}, **values}, undeclared


def check_output(schema: Any, value: Any) -> tuple[Any, list[str]]:
    """Check what a program returned against its declaration: a table of fields, or one field.

    Returns:
        The output with undeclared keys dropped, and their names.

    Raises:
        SchemaError: it does not fit.
    """
    faults: list[Fault] = []
    dropped: list[str] = []
    if isinstance(schema, str) or (isinstance(schema, dict) and isinstance(schema.get("type"), str)):
        result = _check_value(_field(schema), value, "output", faults)
    else:
        given = {} if value is None or value == [] else value
        if isinstance(given, dict):
            result = _check_fields(_fields(schema), given, "", faults)
            dropped = [name for name in given if name not in _fields(schema)]
        else:
            faults.append(_fault("output", "a table of fields", value))
            result = None
    if faults:
        raise SchemaError(f"the output does not fit: {_sentence(faults)}", faults)
    return result, dropped


def _sentence(faults: list[Fault]) -> str:
    return "; ".join(f"{fault['field']}: {fault['expected']} expected, got {fault['actual']}" for fault in faults)


def _fields(schema: Any) -> dict[str, dict[str, Any]]:
    if schema == [] or schema is None:
        return {}
    if not isinstance(schema, dict):
        raise SchemaError("a schema is a table of fields by name")
    return {name: _field(field, name) for name, field in schema.items()}


def _field(field: Any, name: str = "output") -> dict[str, Any]:
    if isinstance(field, str):
        field = {"type": field}
    if field == []:
        field = {}
    if not isinstance(field, dict):
        raise SchemaError(f"field {name!r}: a type name or a table expected, got {_shown(field)}")
    kind = _ALIASES.get(field.get("type", ""), field.get("type"))
    if kind is not None and kind not in _TYPES:
        raise SchemaError(f"field {name!r}: unknown type {kind!r}; the types are {', '.join(_TYPES)}")
    return {**field, "type": kind}


def _check_fields(
    fields: Mapping[str, dict[str, Any]], given: Mapping[str, Any], path: str, faults: list[Fault]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in fields.items():
        at = f"{path}.{name}" if path else name
        value = given.get(name)
        if value is None and "default" in field:
            value = field["default"]
        if value is None:
            if field.get("required"):
                faults.append({"field": at, "expected": f"a {field['type'] or 'value'}", "actual": "nothing"})
            continue
        values[name] = _check_value(field, value, at, faults)
    return values


def _check_value(field: Mapping[str, Any], value: Any, at: str, faults: list[Fault]) -> Any:
    kind = field["type"]
    if value is None and not field.get("required"):
        return None
    if kind == "object" and value == []:
        value = {}
    if kind == "array" and value == {}:
        value = []
    if kind is not None and not _fits(kind, value):
        faults.append(_fault(at, f"{'an' if kind[0] in 'aio' else 'a'} {kind}", value))
        return value
    if kind == "integer":
        value = int(value)
    choices = field.get("enum")
    if choices and value not in choices:
        faults.append(_fault(at, f"one of {', '.join(map(_shown, choices))}", value))
    if kind == "array" and field.get("items"):
        items = _field(field["items"], f"{at} items")
        items["required"] = True
        return [_check_value(items, item, f"{at}[{place}]", faults) for place, item in enumerate(value, 1)]
    if kind == "object" and field.get("fields"):
        inner = _fields(field["fields"])
        kept = {name: item for name, item in value.items() if name not in inner}
        return {**kept, **_check_fields(inner, value, at, faults)}
    return value


def _fits(kind: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "number":
        return number
    if kind == "integer":
        return number and value == int(value)
    return isinstance(value, _CLASSES[kind])


def _fault(at: str, expected: str, value: Any) -> Fault:
    return {"field": at, "expected": expected, "actual": _shown(value)}


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a table"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
