r"""Plain data (see ``durable.plain``) as JSON text, and back.

What JSON has no word for is a *tag*, an object with the key U+0000, which is always written ``"\u0000"``::

    bytes                        {"\u0000":"bytes","v":"<each byte as one character>"}
    a handle                     {"\u0000":"handle","i":<place among the objects>,"t":"<name of its type>"}
    a dict with that very key    {"\u0000":"dict","v":[[key,value],…]}

So a text without ``"\u0000"`` in it has no tag and is read at the full speed of ``json``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from json import JSONDecoder, JSONEncoder
from typing import Any, Final, NoReturn

from ..errors import ConversionError
from .plain import normalise, path_step

__all__ = ["Damaged", "dumps", "loads", "normalise", "only_scalar"]


class Damaged(ConversionError):
    """A text that was written as JSON and is none any more."""


_TAG: Final = "\0"
_TAG_TEXT: Final = '"\\u0000"'
_only_number: Final = re.compile(r"\[(-?(?:0|[1-9][0-9]{0,17})(\.[0-9]+)?)]").fullmatch  # as most are
_SCALARS: Final = frozenset((bool, int, float, str, type(None)))

_encode: Final = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# Integers outside 64 bits have at least 19 digits; a text with so many is looked at closely.
_find_long_number: Final = re.compile(r"[0-9]{19}").search


def dumps(value: Any, objects: list[Any] | None = None) -> str:
    """The JSON text of plain data.

    Args:
        value: plain data, as ``normalise`` gives it. Of anything else the keys of dicts are not checked.
        objects: where handles are added; each object once. None where there may be no handles.

    Raises:
        ConversionError: a number is NaN, infinite or outside 64 bits, or there are handles and no ``objects``.
    """
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _dumps_tagged(value, objects)
    if _TAG_TEXT in text or _find_long_number(text):
        return _dumps_tagged(value, objects)
    return text


def loads(text: str, objects: Sequence[Any] = ()) -> Any:
    """The plain data of a JSON text; handles become the ``objects`` that they stand for.

    Strings may hold raw control characters, as Lua writes them.

    Raises:
        Damaged: the text is no JSON.
        ConversionError: it has an unknown tag, or an object that it refers to is not among ``objects``.
    """
    if text.startswith('["') and (only := _only_string(text)) is not None:
        return [only]
    try:
        if _TAG_TEXT in text:
            return _tag_decoder(objects).decode(text)
        value, end = _scan(text, 0)  # past ``decode``, which looks for white space around the value
        return value if end == len(text) else _decoder.decode(text)
    except StopIteration:
        raise Damaged("the text of a recorded value is damaged: there is no value in it") from None
    except (ValueError, RecursionError) as error:
        raise Damaged(f"the text of a recorded value is damaged: {error}") from error


def only_scalar(text: str) -> str | int | float | None:
    """The string or number that is all a list holds, as most steps return; None of anything else."""
    if text.startswith('["'):
        return _only_string(text)
    found = _only_number(text)
    if found is None:
        return None
    return float(found[1]) if found[2] else int(found[1])


def _only_string(text: str) -> str | None:
    """The string that is all a list holds; None where there is more, or where anything in it is escaped."""
    if "\\" in text or text.find('"', 2) != len(text) - 2 or not text.endswith("]"):
        return None
    return text[2:-2]  # the parser would go through it character by character


# Writing


def _dumps_tagged(value: Any, objects: list[Any] | None) -> str:
    """The thorough way: with tags, and with the path of what is refused."""
    plain = normalise(value, max_leaves=sys.maxsize, max_bytes=sys.maxsize)
    places: dict[int, int] = {}

    def place(handle: Any) -> int:
        if objects is None:
            path = _path_of(plain, handle)
            kind = type(handle).__name__
            raise ConversionError(f"a {kind} at {path} cannot be kept here: it is no plain data", path=path)
        if id(handle) not in places:
            places[id(handle)] = len(objects)
            objects.append(handle)
        return places[id(handle)]

    return _encode(_tagged(plain, place))


def _tagged(value: Any, place: Callable[[Any], int]) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is list:
        return [_tagged(item, place) for item in value]
    if kind is bytes:
        return {_TAG: "bytes", "v": value.decode("latin-1")}
    if kind is dict:
        items = {key: _tagged(item, place) for key, item in value.items()}
        return {_TAG: "dict", "v": [list(pair) for pair in items.items()]} if _TAG in items else items
    return {_TAG: "handle", "i": place(value), "t": kind.__name__}


def _path_of(value: Any, sought: Any) -> str:
    """Where the first occurrence of an object is; it is there."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if value is sought:
        return "$"
    if type(value) is list:
        pairs = enumerate(value, 1)
    elif type(value) is dict:
        pairs = value.items()
    for key, item in pairs:
        path = _path_of(item, sought)
        if path:
            return "$" + path_step(key) + path[1:]
    return ""


# Reading


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_decoder: Final = JSONDecoder(strict=False, parse_constant=_refuse_constant)
_scan: Final[Callable[[str, int], tuple[Any, int]]] = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed does not know it


def _tag_decoder(objects: Sequence[Any]) -> JSONDecoder:
    return JSONDecoder(strict=False, parse_constant=_refuse_constant, object_hook=partial(_untagged, objects))


def _untagged(objects: Sequence[Any], parsed: dict[str, Any]) -> Any:
    if _TAG not in parsed:
        return parsed
    try:
        match parsed[_TAG]:
            case "bytes":
                return parsed["v"].encode("latin-1")
            case "dict":
                return dict(parsed["v"])
            case "handle" if 0 <= parsed["i"] < len(objects):
                return objects[parsed["i"]]
            case "handle":
                kind = parsed.get("t", "Python object")
                raise ConversionError(
                    f"a {kind} was recorded here, which is not there any more", hint="Run what made it again."
                )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConversionError(f"the text of a recorded value is damaged: {error!r}") from error
    raise ConversionError(f"a recorded value has the unknown tag {parsed[_TAG]!r}", hint="Upgrade lua_procedures.")
