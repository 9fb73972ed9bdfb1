"""The ``response_schema`` of an input: JSON Schema, with messages for the person who answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

__all__ = ["normal_schema", "schema_fault", "schema_faults"]

_NO_SCHEMA: Final = frozenset({"enum", "const", "default", "examples", "required", "type", "dependentRequired"})
_LIST_OF_SCHEMAS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})


def schema_faults(schema: Mapping[str, Any], value: Any) -> list[tuple[str, str]]:
    """Everything in which the value misses the schema.

    Returns:
        Pairs of a place and a message. The place is the name of the object's property that is wrong, ``""`` for
        the value as a whole. A schema that is itself wrong is one fault.
    """
    wrong = schema_fault(schema)
    if wrong:
        return [("", wrong)]
    from referencing.exceptions import Unresolvable

    try:
        return [_fault(error) for error in _errors(schema, value)]
    except Unresolvable as error:
        return [("", f"The response_schema refers to “{error.ref}”, which it does not define.")]


def schema_fault(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with the schema itself, or None. A ``$ref`` outside it is refused: nothing is fetched."""
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    plain = normal_schema(schema)
    try:
        validator_for(plain, default=Draft202012Validator).check_schema(plain)
    except SchemaError as error:
        return f"The response_schema is wrong at {error.json_path}: {error.message}"
    outside = next((ref for ref in _references(plain) if not ref.startswith("#")), None)
    return f"The response_schema refers to “{outside}”, which is outside it." if outside else None


def normal_schema(schema: Any) -> Any:
    """The schema with ``{}`` where Lua's empty table came out as ``[]``."""
    if isinstance(schema, Mapping):
        return {key: value if key in _NO_SCHEMA else _part(key, value) for key, value in schema.items()}
    return schema


def _part(key: str, value: Any) -> Any:
    if value == [] and key not in _LIST_OF_SCHEMAS:
        return {}
    return [normal_schema(item) for item in value] if isinstance(value, (list, tuple)) else normal_schema(value)


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference
    parts = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ()
    for part in parts:
        yield from _references(part)


def _errors(schema: Mapping[str, Any], value: Any) -> list[Any]:
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    plain = normal_schema(schema)
    cls = validator_for(plain, default=Draft202012Validator)
    # An explicit registry: the library's own would fetch references from the network.
    checker = cls(plain, format_checker=cls.FORMAT_CHECKER, registry=Registry())
    return sorted(checker.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])


def _fault(error: Any) -> tuple[str, str]:
    path = list(error.absolute_path)
    if error.validator == "required":
        missing = [name for name in error.validator_value if error.message.startswith(repr(name))]
        path += missing[:1]
    message = _MESSAGES.get(error.validator, lambda _: _capital(error.message))(error.validator_value)
    inner = "".join(f" item {part + 1}" if isinstance(part, int) else f".{part}" for part in path[1:])
    if path and isinstance(path[0], str):
        return path[0], f"{_capital(inner.lstrip(' .'))[:-1]}: {message}" if inner else message
    return "", f"Item {path[0] + 1}{inner}: {message}" if path else message


def _types(names: Any) -> str:
    article = {"integer": "a whole number", "object": "a table", "array": "a list", "null": "empty", "string": "a text"}
    names = [names] if isinstance(names, str) else names
    return " or ".join(article.get(name, f"a {name}") for name in names)


def _capital(message: str, limit: int = 200) -> str:
    short = message if len(message) <= limit else message[: limit - 1] + "…"
    return short[:1].upper() + short[1:] + ("" if short.endswith((".", "…")) else ".")


_MESSAGES: Final[Mapping[str, Callable[[Any], str]]] = {
    "required": lambda _: "An answer is required.",
    "type": lambda names: f"This must be {_types(names)}.",
    "enum": lambda values: f"This must be one of {', '.join(map(str, values))}.",
    "minimum": lambda least: f"This must be at least {least}.",
    "maximum": lambda most: f"This must be at most {most}.",
    "exclusiveMinimum": lambda limit: f"This must be more than {limit}.",
    "exclusiveMaximum": lambda limit: f"This must be less than {limit}.",
    "multipleOf": lambda step: f"This must be a multiple of {step}.",
    "minLength": lambda least: f"At least {least} characters are needed.",
    "maxLength": lambda most: f"At most {most} characters are allowed.",
    "minItems": lambda least: f"At least {least} items are needed.",
    "maxItems": lambda most: f"At most {most} items are allowed.",
    "pattern": lambda pattern: f"This must match {pattern}.",
    "format": lambda name: f"This must be a valid {name}.",
}
