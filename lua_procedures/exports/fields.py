"""What each field of a file may hold, told of one value alone."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

from ..durable.serialization import loads, normalise
from ..errors import ConversionError
from ..runs import RunStatus

__all__ = [
    "ENTRY",
    "HANDLES",
    "OPTIONS",
    "ROW",
    "Check",
    "is_digest",
    "is_int",
    "is_json",
    "is_text",
    "is_time",
    "or_none",
    "require_plain",
]

_PATH: Final = re.compile(r"[0-9]{1,9}(/[0-9]{1,9}){0,99}")
_INT64: Final = range(-(2**63), 2**63)
_LATEST: Final = 1e12  # seconds; far beyond what a clock can say
#: What stands for live objects, of which a file says only which ones they are.
HANDLES: Final = tuple(object() for _ in range(10_000))

Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Whether it is text of valid Unicode."""
    return type(value) is str and (value.isascii() or _is_unicode(value))


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_name(value: Any) -> bool:
    return is_text(value) and value.isprintable() and 1 <= len(value) <= 128


def is_digest(value: Any) -> bool:
    """Whether it is 16 bytes."""
    return type(value) is bytes and len(value) == 16


def _is_key(value: Any) -> bool:
    """A digest, or what an entry has there that has no place in the tree."""
    return type(value) is bytes and len(value) <= 16


def is_time(value: Any) -> bool:
    """Whether it is a UNIX time in seconds that a clock can say."""
    return type(value) in (int, float) and abs(value) < _LATEST  # not so for NaN


def is_int(value: Any) -> bool:
    """Whether it is an integer of 64 bits."""
    return type(value) is int and value in _INT64


def is_json(value: Any) -> bool:
    """Whether it is JSON text."""
    if not is_text(value):
        return False
    try:
        json.loads(value, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def require_plain(text: str, objects: Sequence[object] | None) -> None:
    """Refuse a text of what is no plain data, such as a number beyond 64 bits, or of other objects than these.

    Raises:
        ConversionError: it is none.
    """
    normalise(loads(text, objects or ()), max_leaves=sys.maxsize, max_bytes=sys.maxsize)


def _is_object(value: Any) -> bool:
    """Whether it is the text of a JSON object without live objects."""
    try:
        return is_json(value) and type(loads(value)) is dict
    except ConversionError:
        return False


def _is_inputs(value: Any) -> bool:
    try:
        require_plain(value, HANDLES)
    except ConversionError:
        return False
    return is_json(value) and type(json.loads(value, strict=False)) is dict


def _are_options(value: Any) -> bool:
    if not _is_object(value):
        return False
    options = loads(value)
    return all(name in OPTIONS and OPTIONS[name](option) for name, option in options.items())


def _are_modules(value: Any) -> bool:
    return type(value) is dict and all(_is_module(each) for each in value.values())


def _is_module(value: Any) -> bool:
    return type(value) is list and len(value) == 3 and is_text(value[0]) and is_text(value[1]) and is_int(value[2])


def _are_tools(value: Any) -> bool:
    return type(value) is dict and all(_is_tool(each) for each in value.values())


def _is_tool(value: Any) -> bool:
    if type(value) is not dict or value.keys() not in (_TOOL.keys(), _TOOL.keys() | _SERVED.keys()):
        return False
    return all({**_TOOL, **_SERVED}[name](each) for name, each in value.items())


def _are_texts(value: Any) -> bool:
    return type(value) is dict and all(map(is_text, value.values()))


def _is_bool(value: Any) -> bool:
    return type(value) is bool


def or_none(check: Check) -> Check:
    """The check that lets None through, too."""
    return lambda value: value is None or check(value)


#: What ``Registry.rows`` says of a tool.
_TOOL: Final[Mapping[str, Check]] = {
    "description": is_text,
    "digest": is_text,
    "requires_approval": _is_bool,
    "single": or_none(is_text),
    "is_global": _is_bool,
    "order": lambda value: type(value) is list and all(map(is_text, value)),
    "schema": lambda value: type(value) is dict,
}
#: And besides, where an MCP server has it.
_SERVED: Final[Mapping[str, Check]] = {"server": is_text, "tool": is_text}
OPTIONS: Final[Mapping[str, Check]] = {
    "chunk": is_text,
    "first_line": is_int,
    "models": _are_texts,
    "modules": _are_modules,
    "pending": or_none(is_text),
    "title": is_text,
    "tools": _are_tools,
}
ROW: Final[Mapping[str, Check]] = {
    "name": _is_name,
    "root": is_text,
    "seed": is_int,
    "started": is_time,
    "updated": is_time,
    "status": get_args(RunStatus).__contains__,
    "program": is_text,
    "inputs": _is_inputs,
    "options": _are_options,
    "tail": or_none(is_digest),
    "outcome": or_none(is_json),
    "error": or_none(is_text),
}
ENTRY: Final[Mapping[str, Check]] = {
    "key": _is_key,
    "prev": _is_key,
    "chain": _is_key,
    "path": lambda value: value == "" or (is_text(value) and _PATH.fullmatch(value) is not None),
    "kind": _is_name,
    "name": is_text,
    "asked": is_text,
    "outcome": is_text,
    "failed": _is_bool,
    "effects": or_none(is_json),
    "reads": or_none(_is_object),
    "line": is_int,
    "started": is_time,
    "finished": is_time,
    "usage": or_none(_is_object),
    "tail": or_none(is_digest),
    "objects": or_none(lambda value: type(value) is list),
}
