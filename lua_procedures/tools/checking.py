"""Values against a JSON Schema: what does not fit, in the words of a program's own schemas.

What surely fits is seen without ``jsonschema``, whose import takes more than a second where Jupyter is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from ..program import shown

__all__ = ["Checker", "Fault", "schema_fault"]

Fault = dict[str, Any]

_INSIDE: Final = frozenset(("additionalProperties", "items", "properties", "required"))
_ANNOTATIONS: Final = frozenset(("$defs", "$ref", "default", "description", "format", "title"))
_SIMPLE: Final = _INSIDE | _ANNOTATIONS | {"anyOf", "enum", "type"}
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str, bytes),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_MOST_REFERENCES = 100  # one after the other, before a reference is taken for a circle
_WORDS: Final = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "nothing",
}
_EXPECTED: Final[Mapping[str, Callable[[Any], str]]] = {
    "enum": lambda values: f"one of {', '.join(map(shown, values))}",
    "const": shown,
    "minimum": lambda least: f"at least {least}",
    "maximum": lambda most: f"at most {most}",
    "exclusiveMinimum": lambda bound: f"more than {bound}",
    "exclusiveMaximum": lambda bound: f"less than {bound}",
    "multipleOf": lambda step: f"a multiple of {step}",
    "minLength": lambda least: f"at least {least} characters",
    "maxLength": lambda most: f"at most {most} characters",
    "minItems": lambda least: f"at least {least} items",
    "maxItems": lambda most: f"at most {most} items",
    "uniqueItems": lambda _: "items that differ",
    "pattern": lambda pattern: f"text that matches {pattern}",
}


def schema_fault(schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a JSON Schema itself, or None. It may refer to its own parts only: nothing is fetched."""
    from jsonschema import SchemaError
    from jsonschema.validators import Draft202012Validator

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"no JSON Schema, at {error.json_path}: {error.message}"
    checker = Checker(schema)
    for reference in _references(schema):
        try:
            checker.resolved({"$ref": reference})
        except LookupError:
            return f"no JSON Schema: it refers to {reference!r}, which it does not define"
    return None


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference
    for part in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from _references(part)


class Checker:
    """Checks values against one schema.

    Args:
        schema: a JSON Schema (2020-12) without references to outside.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    @cached_property
    def _validator(self) -> Any:
        from jsonschema.validators import Draft202012Validator
        from referencing import Registry

        return Draft202012Validator(self.schema, registry=Registry())  # its own registry would fetch references

    def settled(self, value: Any) -> Any:
        """The value with each empty table as what the schema says: Lua has one for lists and objects."""
        return self._settled(self.schema, value)

    def faults(self, value: Any) -> list[Fault]:
        """Everything in which the value misses the schema, each ``{field, expected, actual}``."""
        if self.surely_fits(self.schema, value):
            return []
        errors = sorted(
            self._validator.iter_errors(_view(value)), key=lambda error: list(map(str, error.absolute_path))
        )
        found = [fault for error in errors for fault in self._of_error(error)]
        return list({fault["field"]: fault for fault in reversed(found)}.values())[::-1]

    def accepts(self, schema: Any, value: Any) -> bool:
        """Whether a part of this checker's schema accepts the value."""
        return self.surely_fits(schema, value) or bool(self._validator.evolve(schema=schema).is_valid(_view(value)))

    def resolved(self, schema: Any) -> Any:
        """The schema that is referred to, or the schema itself.

        Raises:
            LookupError: there is none.
        """
        for _ in range(_MOST_REFERENCES):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                return schema
            start, *parts = schema["$ref"].split("/")
            if start != "#":
                break
            schema = self.schema
            for part in parts:
                schema = schema[part.replace("~1", "/").replace("~0", "~")]
        raise LookupError("the reference leads nowhere")

    def surely_fits(self, schema: Any, value: Any) -> bool:
        """Whether a part of the schema that only says simple things accepts the value; False where it may not."""
        if not isinstance(schema, Mapping):
            return schema is True
        if "$ref" in schema:
            return _ANNOTATIONS.issuperset(schema) and self.surely_fits(self.resolved(schema), value)
        if not _SIMPLE.issuperset(schema) or ("enum" in schema and not _is_among(value, schema["enum"])):
            return False
        if "anyOf" in schema and not any(self.surely_fits(option, value) for option in schema["anyOf"]):
            return False
        if "type" not in schema:
            return _INSIDE.isdisjoint(schema)
        return _is_of(schema["type"], value) and self._inside_surely_fits(schema, value)

    def _inside_surely_fits(self, schema: Mapping[str, Any], value: Any) -> bool:
        if not isinstance(value, (list, dict)):
            return True
        if isinstance(value, list):
            items = schema.get("items", True)
            return items is True or all(self.surely_fits(items, item) for item in value)
        declared, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return all(name in value for name in schema.get("required", ())) and all(
            self.surely_fits(declared.get(name, others), item) for name, item in value.items()
        )

    # Empty tables

    def _settled(self, schema: Any, value: Any) -> Any:
        schema = self.resolved(schema)
        if not isinstance(schema, Mapping) or not isinstance(value, (list, dict)):
            return value
        for option in schema.get("anyOf") or schema.get("oneOf") or ():
            settled = self._settled(option, value)
            if self.accepts(option, settled):
                return settled
        for part in schema.get("allOf", ()):
            value = self._settled(part, value)
        if not value:
            return _empty(schema.get("type"), value)
        return self._settled_items(schema, value) if isinstance(value, list) else self._settled_fields(schema, value)

    def _settled_items(self, schema: Mapping[str, Any], items: list[Any]) -> list[Any]:
        first: Sequence[Any] = schema.get("prefixItems", ())
        schemas = [*first, *[schema.get("items", True)] * (len(items) - len(first))]
        return [self._settled(part, item) for part, item in zip(schemas, items, strict=False)] + items[len(schemas) :]

    def _settled_fields(self, schema: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
        declared, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return {name: self._settled(declared.get(name, others), value) for name, value in fields.items()}

    # Faults

    def _of_error(self, error: Any) -> Iterator[Fault]:
        at = _path(error.absolute_path)
        if error.validator == "required":
            properties = error.schema.get("properties", {})
            for name in error.validator_value:
                if name not in error.instance:
                    expected = self._expected(properties.get(name, True))
                    yield {"field": _path([*error.absolute_path, name]), "expected": expected, "actual": "nothing"}
        elif error.validator == "additionalProperties" and error.validator_value is False:
            declared = error.schema.get("properties", {})
            for name in error.instance:
                if name not in declared:
                    expected = f"nothing of that name (known: {', '.join(declared) or 'none'})"
                    actual = _shown(error.instance[name])
                    yield {"field": _path([*error.absolute_path, name]), "expected": expected, "actual": actual}
        else:
            yield {"field": at, "expected": self._expected_by(error), "actual": _shown(error.instance)}

    def _expected_by(self, error: Any) -> str:
        if error.validator is None:  # nothing is accepted here
            return "nothing"
        if error.validator in ("type", "anyOf", "oneOf"):
            return self._expected(error.schema)
        known = _EXPECTED.get(error.validator)
        return known(error.validator_value) if known else f"a value with {error.validator} {error.validator_value}"

    def _expected(self, schema: Any) -> str:
        """What a schema expects, in few words."""
        schema = self.resolved(schema)
        if not isinstance(schema, Mapping):
            return "a value"
        for choices in ("enum", "const"):
            if choices in schema:
                return _EXPECTED[choices](schema[choices])
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return " or ".join(dict.fromkeys(map(self._expected, options)))
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return " or ".join(_WORDS[kind] for kind in kinds) or "a value"


def _is_among(value: Any, choices: list[Any]) -> bool:
    """Whether it surely is; of other values than texts equality is the library's."""
    return isinstance(value, str) and value in choices


def _is_of(kind: Any, value: Any) -> bool:
    """Whether it surely is of a type that has one name."""
    if kind == "integer" and type(value) is float:
        return value.is_integer()
    return isinstance(kind, str) and type(value) in _KINDS[kind]


def _empty(kinds: Any, value: Any) -> Any:
    kinds = [kinds] if isinstance(kinds, str) else kinds or []
    own, other = ("array", "object") if isinstance(value, list) else ("object", "array")
    if other not in kinds or own in kinds:
        return value
    return {} if other == "object" else []


def _path(parts: Sequence[str | int]) -> str:
    """Where in the arguments, as Lua counts."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


class _Opaque:
    """Stands for a handle, which no schema may look into."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def _view(value: Any) -> Any:
    """A value as a schema looks at it: bytes are text, and any other object equals nothing."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {key: _view(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_view(item) for item in value]
    return value.decode("latin-1") if isinstance(value, bytes) else _Opaque(type(value).__name__)


def _shown(value: Any) -> str:
    return f"a {value.kind}" if isinstance(value, _Opaque) else shown(value)
