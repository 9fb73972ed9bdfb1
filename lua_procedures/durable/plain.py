"""Python values as plain data.

*Plain data* is None, bool, int (64 bit), float (finite), str, bytes, lists, dicts with string keys, and *handles*:
any other Python object, which is passed on and never looked into.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from ..errors import ConversionError

__all__ = ["TooLarge", "Unreadable", "normalise", "path_step"]


class TooLarge(ConversionError):
    """A value that is over a limit of size, and would cross otherwise."""


class Unreadable(ConversionError):
    """A value that raises where it is looked at."""


_LEAST, _MOST = -(2**63), 2**63 - 1


def normalise(value: Any, *, max_depth: int = 100, max_leaves: int = 10_000_000, max_bytes: int = 100_000_000) -> Any:
    """A Python value as plain data: a copy, with containers and known types turned into what Lua can have.

    Tuples become lists; pydantic models and dataclasses dicts; datetimes, dates and times ISO 8601; ``Decimal``,
    ``UUID`` and paths text; enums their values; sets sorted lists; numpy scalars numbers. Any other object is a handle.

    Args:
        value: any Python value.
        max_depth: how many containers may be inside each other.
        max_leaves: how many values there may be in all, repeated ones counted each time.
        max_bytes: how many bytes of text, keys and ``bytes``, counted likewise.

    Raises:
        ConversionError: with the path as Lua counts (``$.items[3].price``): NaN, infinities, integers outside 64 bits,
            keys that are no strings, text that is no valid Unicode, cycles, what is over a limit, and objects that
            raise where they are looked at.
    """
    walk = _Walk(max_depth, max_leaves, max_bytes)
    try:
        plain = walk.plain(value)
        walk.check_size()
    except _Refused as refused:
        what, path = refused.explain()
        raise refused.kind(f"{what} at {path} cannot cross between Lua and Python", path=path) from refused.__cause__
    return plain


class _Refused(Exception):
    """What is refused, and on the way up where it is: each container with the key in it."""

    def __init__(self, what: str, kind: type[ConversionError] = ConversionError, *, of_key: bool = False) -> None:
        self.what = what
        self.kind = kind
        self.of_key = of_key  # the path of a key is that of its dict
        self.trail: list[tuple[Any, str | int | None]] = []

    def explain(self) -> tuple[str, str]:
        """What is refused, and its path; of a depth that never ends the first turn."""
        above: set[int] = set()
        path = "$"
        for container, key in reversed(self.trail):
            if id(container) in above:
                return "a cycle", path
            above.add(id(container))
            path += path_step(key)
        return self.what, path


def path_step(key: str | int | None) -> str:
    """A key of a dict, or a place in a list from 1, as a path shows it; None is no step."""
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isascii() and key.isidentifier() else f"[{json.dumps(key, ensure_ascii=False)}]"


# Says nothing of a handle but its type: its address is another one in each process.
_order: Final = json.JSONEncoder(default=lambda item: str(item if isinstance(item, bytes) else type(item))).encode


class _Walk:
    """One walk through a value, counting as it goes."""

    def __init__(self, max_depth: int, max_leaves: int, max_bytes: int) -> None:
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.max_bytes = max_bytes
        self.depth = 0
        self.leaves = 1
        self.size = 0

    def plain(self, value: Any) -> Any:  # noqa: PLR0911 - the hot path, one line for each type
        """A value as plain data."""
        kind = type(value)
        if kind is str:
            self.size += len(value) if value.isascii() else _utf8_size(value)
            return value
        if kind is int:
            if _LEAST <= value <= _MOST:
                return value
            raise _Refused("an integer outside 64 bits")
        if kind is float:
            if math.isfinite(value):
                return value
            raise _Refused("NaN" if math.isnan(value) else "an infinity")
        if value is None or kind is bool:
            return value
        if kind is dict:
            return self.plain_dict(value, value)
        if kind is list:
            return self.plain_list(value, value)
        return self.convert(value)

    def plain_list(self, items: Sequence[Any], source: Any) -> list[Any]:
        """The plain items; ``source`` is the object that they were taken from."""
        self._enter(len(items))
        plain, done = self.plain, []
        try:
            for item in items:
                done.append(plain(item))  # noqa: PERF401 - its length is the path of what is refused
        except _Refused as refused:
            refused.trail.append((source, len(done) + 1))
            raise
        self.depth -= 1
        return done

    def plain_dict(self, items: Mapping[Any, Any], source: Any) -> dict[str, Any]:
        """The plain items; ``source`` is the object that they were taken from."""
        self._enter(len(items))
        plain, done, size = self.plain, {}, 0
        key = None
        try:
            for key, item in items.items():
                if type(key) is str and key.isascii():
                    size += len(key)
                    done[key] = plain(item)
                else:
                    done[self._key(key)] = plain(item)
        except _Refused as refused:
            refused.trail.append((source, None if refused.of_key else key))
            refused.of_key = False
            raise
        self.size += size
        self.depth -= 1
        return done

    def convert(self, value: Any) -> Any:
        """The plain data of a type that is no plain data itself, or a handle."""
        try:
            return self._converted(value)
        except (_Refused, RecursionError):
            raise
        except Exception as error:  # whatever an object of somebody else's raises
            what = f"a {type(value).__name__} that cannot be looked at ({type(error).__name__}: {error})"
            raise _Refused(what, Unreadable) from error

    def _converted(self, value: Any) -> Any:
        scalar = _numpy_scalar(value)
        if scalar is not value:
            return self.plain(scalar)
        for types, conversion in _CONVERSIONS:
            if isinstance(value, types):
                return conversion(self, value)
        fields = _fields(value)
        return (
            value
            if fields is None
            else self.plain(fields)
            if type(fields) is not dict
            else self.plain_dict(fields, value)
        )

    def plain_bytes(self, value: bytes) -> bytes:
        """Bytes of exactly that type, counted."""
        self.size += len(value)
        return bytes(value)

    def plain_set(self, value: Iterable[Any]) -> list[Any]:
        """The plain items in an order that is the same in every process."""
        items = self.plain_list(list(value), value)
        try:
            return sorted(items)
        except TypeError:
            return sorted(items, key=lambda item: (type(item).__name__, _order(item)))

    def plain_time(self, value: datetime | date | time) -> str:
        """ISO 8601; pandas' NaT is a datetime, too, and no time."""
        if value != value:  # noqa: PLR0124 - only NaT is not equal to itself
            raise _Refused("NaT")
        return self.plain_text(value.isoformat())

    def plain_text(self, value: Any) -> str:
        """The text of a value whose text says all."""
        text: str = self.plain(str.__str__(value) if isinstance(value, str) else str(value))
        return text

    def check_size(self) -> None:
        """Refuse what is over the limits."""
        if self.leaves > self.max_leaves:
            raise _Refused(f"more than {self.max_leaves:,} values", TooLarge)
        if self.size > self.max_bytes:
            raise _Refused(f"more than {self.max_bytes:,} bytes", TooLarge)

    def _enter(self, count: int) -> None:
        self.depth += 1
        self.leaves += count
        if self.depth > self.max_depth:
            raise _Refused(f"a depth over {self.max_depth}")
        if self.leaves > self.max_leaves or self.size > self.max_bytes:
            self.check_size()

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise _Refused(f"a key that is no string but of type {type(key).__name__}", of_key=True)
        self.size += _utf8_size(key, of_key=True)
        return str.__str__(key)


_CONVERSIONS: Final[Sequence[tuple[Any, Callable[[_Walk, Any], Any]]]] = (
    (Enum, lambda walk, value: walk.plain(value.value)),
    (str, _Walk.plain_text),
    (int, lambda walk, value: walk.plain(int.__index__(value))),
    (float, lambda walk, value: walk.plain(float.__float__(value))),
    (bytes, _Walk.plain_bytes),
    ((list, tuple), lambda walk, value: walk.plain_list(value, value)),
    (dict, lambda walk, value: walk.plain_dict(value, value)),
    ((set, frozenset), _Walk.plain_set),
    ((date, time), _Walk.plain_time),
    ((Decimal, UUID, PurePath), _Walk.plain_text),
)

#: What a numpy scalar becomes, by the kind of its type; other kinds are handles.
_NUMPY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "b": bool, "i": int, "u": int, "f": float, "U": str, "S": bytes, "M": str,
}  # fmt: skip


def _numpy_scalar(value: Any) -> Any:
    """A numpy scalar as Python's; anything else as it is. Who has none pays no import."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic):
        return value
    if value.dtype.kind == "M" and numpy.isnat(value):
        raise _Refused("NaT")
    return _NUMPY.get(value.dtype.kind, lambda value: value)(value)


def _fields(value: Any) -> Any:
    """What a pydantic model or a dataclass holds; None for other objects."""
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        try:
            return value.model_dump()
        except Exception as error:
            raise _Refused(f"a {type(value).__name__} that cannot be turned into a dict ({error})") from error
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _utf8_size(text: str, *, of_key: bool = False) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise _Refused("text that is no valid Unicode", of_key=of_key) from None
