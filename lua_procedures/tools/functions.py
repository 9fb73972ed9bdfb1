"""A Python function as a tool: its parameters are the arguments, its hints what these must be."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..durable.plain import normalise
from ..errors import ConversionError, SchemaError, UsageError
from ..program import sentence, shown
from .checking import Checker, Fault
from .docstrings import split_docstring
from .sources import source_text

__all__ = ["FunctionBody", "refuse"]

_REFERENCES = "#/$defs/{model}"


def refuse(faults: list[Fault]) -> SchemaError:
    """The error that reports all faults of a call's arguments together."""
    return SchemaError(f"the arguments do not fit: {sentence(faults)}", faults)


class FunctionBody:
    """What is known of a callable, and how it is called.

    Args:
        function: a function, method, callable object or ``functools.partial`` of one.
        name: the tool's name, for messages.

    Raises:
        UsageError: its parameters cannot be read.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function = function
        self._signature = _signature(function, name)
        docstring = inspect.getdoc(_documented(function)) or ""
        self.description, described = split_docstring(docstring)
        self._parameters = {
            parameter.name: _Parameter(parameter, hint, described.get(parameter.name))
            for parameter, hint in _hinted(function, self._signature)
        }
        self._rest = next((each for each in self._parameters.values() if each.is_rest), None)
        self._named = {name: each for name, each in self._parameters.items() if each is not self._rest}
        self.schema = self._schema()
        self._checker = Checker(self.schema)
        self.is_async = inspect.iscoroutinefunction(_called(function))

    @property
    def single(self) -> str | None:
        """The parameter that ``t(value)`` means: the only required one, or the only one."""
        required = [name for name, each in self._named.items() if each.required]
        candidates = required or list(self._named)
        return candidates[0] if len(candidates) == 1 else None

    def source(self) -> str:
        """What the tool's result depends on besides its arguments."""
        return source_text(self._function)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them: a model as an object, an ISO time as a datetime.

        Raises:
            SchemaError: with all faults.
        """
        given = {name: value for name, value in arguments.items() if value is not None or self._takes_none(name)}
        given = self._checker.settled(given)
        faults = self._checker.faults(given)
        converted = {} if faults else {name: self._convert(name, value, faults) for name, value in given.items()}
        if faults:
            raise refuse(faults)
        return converted

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """Call the function with checked arguments."""
        named = {name: value for name, value in arguments.items() if name in self._named}
        if self._rest:
            named[self._rest.name] = {name: value for name, value in arguments.items() if name not in named}
        ordered = {name: named[name] for name in self._signature.parameters if name in named}
        bound = inspect.BoundArguments(self._signature, ordered)
        bound.apply_defaults()
        return self._function(*bound.args, **bound.kwargs)

    def _schema(self) -> dict[str, Any]:
        from pydantic import TypeAdapter

        adapters = [(name, "validation", each.adapter) for name, each in self._parameters.items()]
        parts, definitions = TypeAdapter.json_schemas(
            adapters,  # type: ignore[arg-type]
            ref_template=_REFERENCES,
            schema_generator=lenient_generator(),
        )
        properties = {name: each.described(parts[name, "validation"]) for name, each in self._named.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name, each in self._named.items() if each.required],
            "additionalProperties": parts[self._rest.name, "validation"] or True if self._rest else False,
            **definitions,
        }

    def _takes_none(self, name: str) -> bool:
        if name not in self._named:
            return self._rest is not None
        return self._checker.accepts(self.schema["properties"][name], None)

    def _convert(self, name: str, value: Any, faults: list[Fault]) -> Any:
        from pydantic import ValidationError

        parameter = self._named.get(name) or self._rest
        try:
            return parameter.adapter.validate_python(value) if parameter else value
        except ValidationError as error:
            faults += [conversion_fault([name, *each["loc"]], each) for each in error.errors(include_url=False)]


class _Parameter:
    """One parameter of a function."""

    def __init__(self, parameter: inspect.Parameter, hint: Any, description: str | None) -> None:
        self.name = parameter.name
        self.is_rest = parameter.kind is parameter.VAR_KEYWORD
        is_list = parameter.kind is parameter.VAR_POSITIONAL
        self.required = parameter.default is parameter.empty and not self.is_rest and not is_list
        self._default = parameter.default
        self._description = description or _annotation(hint)
        adapter = _adapter(hint)
        self.adapter = _adapter(list[hint]) if is_list and adapter else adapter or _adapter(Any)

    def described(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Its schema with what else is known of it."""
        default = {} if self._default is inspect.Parameter.empty else _plain_default(self._default)
        return {**schema, **default, **({"description": self._description} if self._description else {})}


def conversion_fault(path: list[str | int], error: Mapping[str, Any]) -> Fault:
    """A fault that pydantic found, in a program's words."""
    place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    if error["type"] == "missing":
        return {"field": place, "expected": "a value", "actual": "nothing"}
    kind = error.get("ctx", {}).get("class")
    message = error["msg"]
    expected = f"a {kind}" if kind else f"a value that fits ({message})"
    if not kind and message.startswith("Input should be "):
        expected = message.removeprefix("Input should be ")
    return {"field": place, "expected": expected, "actual": shown(error["input"])}


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except NameError:  # from Python 3.14 on: a hint that only type checkers know
        from annotationlib import Format  # type: ignore[import-not-found, unused-ignore]

        return inspect.signature(function, annotation_format=Format.FORWARDREF)  # type: ignore[call-arg, unused-ignore]
    except (TypeError, ValueError):
        raise UsageError(
            f"tool {name!r}: its parameters cannot be read",
            hint="Write a function with named parameters that calls it.",
        ) from None


def _called(function: Any) -> Any:
    """The function that runs in the end: of a partial its own, of an object its ``__call__``."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) or isinstance(function, type) else type(function).__call__


def _documented(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) or not inspect.getdoc(_called(function)) else _called(function)


def _hinted(function: Any, signature: inspect.Signature) -> list[tuple[inspect.Parameter, Any]]:
    """Each parameter with its hint; Any where there is none, or none that can be resolved at run time."""
    function = inspect.unwrap(_called(function))
    names = getattr(getattr(function, "__func__", function), "__globals__", {})
    return [(parameter, _hint(parameter.annotation, names)) for parameter in signature.parameters.values()]


def _hint(annotation: Any, names: dict[str, Any]) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any

    def bare() -> None: ...

    bare.__annotations__ = {"hint": annotation}
    try:
        return get_type_hints(bare, globalns=names, include_extras=True)["hint"]
    except (NameError, TypeError, SyntaxError, AttributeError):
        return Any


def _annotation(hint: Any) -> str | None:
    """What ``Annotated[int, "how many"]`` says."""
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((extra for extra in extras if isinstance(extra, str)), None)


def _adapter(hint: Any) -> Any:
    """What checks values against a hint; None for a hint that is no type."""
    import warnings

    from pydantic import ConfigDict, PydanticUserError, TypeAdapter

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError as error:
        if error.code == "type-adapter-config-unused":  # a model, a dataclass or a TypedDict has its own
            return TypeAdapter(hint)
        return None
    except (Warning, TypeError, ValueError):
        return None


@functools.cache
def lenient_generator() -> Any:
    """Makes JSON Schemas in which a type that JSON has not, such as a DataFrame, is any value."""
    from pydantic.json_schema import GenerateJsonSchema

    class Lenient(GenerateJsonSchema):
        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's own form

        def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
            return {}

    return Lenient


def _plain_default(value: Any) -> dict[str, Any]:
    try:
        plain = normalise(value)
        json.dumps(plain)
    except (ConversionError, TypeError):
        return {}
    return {"default": plain}
