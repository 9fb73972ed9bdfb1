r"""Values of run records as JSON text, and back with the types that they had.

What JSON has no word for is a *tag*, an object with the key U+0000::

    tuple, set, frozenset, a dict with other keys than texts     {"\u0000":"tuple","v":[…]}
    bytes, datetime, date, time, timedelta, Decimal, UUID, Path  {"\u0000":"date","v":"2026-11-20"}
    NaN and the infinities                                       {"\u0000":"float","v":"nan"}

Every other type is refused, by its place: nothing comes back as something else than it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ..durable.plain import path_step
from ..errors import ConversionError
from ..records import FrozenDict, FrozenList, FrozenSet

__all__ = ["decoded", "encoded"]

_TAG: Final = "\0"


def _timedelta(text: str) -> timedelta:
    return timedelta(*map(int, text.split()))


#: How a value of that very type is written as text, and read.
_TEXTS: Final[Mapping[type, tuple[str, Callable[[Any], str], Callable[[str], Any]]]] = {
    bytes: ("bytes", bytes.hex, bytes.fromhex),
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    timedelta: ("timedelta", lambda value: f"{value.days} {value.seconds} {value.microseconds}", _timedelta),
    Decimal: ("Decimal", str, Decimal),
    UUID: ("UUID", str, UUID),
    type(Path()): ("Path", str, Path),
    float: ("float", repr, float),
}
_LISTS: Final[Mapping[type, str]] = {tuple: "tuple", set: "set", FrozenSet: "set", frozenset: "frozenset"}
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    **{name: read for name, _, read in _TEXTS.values()},
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
}


def encoded(value: Any) -> str:
    """The JSON text of a value.

    Raises:
        ConversionError: with the path of what cannot be kept.
    """
    tagged = _tagged(value, "$")
    text = json.dumps(tagged, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # half a surrogate pair is no text that a store on disk can keep
    return text if text.isascii() or _is_unicode(text) else json.dumps(tagged, separators=(",", ":"))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def decoded(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ConversionError: the text is damaged, or was written by a newer version.
    """
    try:
        return json.loads(text, object_hook=_untagged)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ConversionError(f"the text of a run record is damaged: {error}") from error


def _tagged(value: Any, path: str) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
        return value
    if kind in (list, FrozenList):
        return [_tagged(item, path + path_step(place)) for place, item in enumerate(value, 1)]
    if kind in (dict, FrozenDict):
        return _tagged_dict(value, path)
    if kind in _LISTS:
        return {_TAG: _LISTS[kind], "v": [_tagged(item, path + path_step(None)) for item in _ordered(value)]}
    if kind in _TEXTS:
        name, write, _ = _TEXTS[kind]
        return {_TAG: name, "v": write(value)}
    raise ConversionError(
        f"a {kind.__name__} at {path} cannot be kept in a run record",
        path=path,
        hint="Keep plain data of it, such as `vars(value)`, or its id.",
    )


def _tagged_dict(value: Mapping[Any, Any], path: str) -> dict[str, Any]:
    if _TAG not in value and all(type(key) is str for key in value):
        return {key: _tagged(item, path + path_step(key)) for key, item in value.items()}
    pairs = [[_tagged(key, path), _tagged(item, f"{path}[{key!r}]")] for key, item in value.items()]
    return {_TAG: "dict", "v": pairs}


def _ordered(values: Any) -> Any:
    """A set in an order that is the same in every process."""
    return values if isinstance(values, tuple) else sorted(values, key=lambda item: (type(item).__name__, repr(item)))


def _untagged(parsed: dict[str, Any]) -> Any:
    if _TAG not in parsed:
        return parsed
    name = parsed[_TAG]
    if name not in _READ:
        raise ConversionError(f"a run record has the unknown tag {name!r}", hint="Upgrade lua_procedures.")
    return _READ[name](parsed["v"])
