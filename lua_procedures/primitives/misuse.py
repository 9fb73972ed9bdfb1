"""Arguments that cannot be meant: checked by the primitives' own table, raised in Lua at the call's line.

``language/misuse.lua`` checks by the same rules in Lua; ``expectations`` is how the table gets there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from ..errors import ProcedureError
from .catalog import PRIMITIVES
from .rows import Argument, Expected

__all__ = ["Misuse", "check_options", "expectations", "kind_of"]

_SHOWN: Final = 60  # characters of a value in a message
_KINDS: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "table", dict: "table"}


class Misuse(ProcedureError):
    """An argument of a primitive is wrong.

    It goes to the program, which may catch it; where nothing does, users meet it as a ``LuaRuntimeError``.
    """


def check_options(options: Iterable[Argument], given: Mapping[str, Any], within: str = "") -> None:
    """Check a table of named options that came out of Lua.

    Args:
        options: the rows of the options.
        given: the table; None stands for nil, and what has no row is not looked at.
        within: where the table is, before an option's name in the message.

    Raises:
        Misuse: an option is not what the catalog expects; the message names it.
    """
    for option in options:
        value = given.get(option.name)
        if not _fits(option, value):
            said = f"{option.expected.words} expected, got {_given(option.expected, value)}"
            raise Misuse(f"{within}{option.name}: {said}")


def _fits(argument: Argument, value: Any) -> bool:
    """Whether plain data that came out of Lua is what an argument must be."""
    if value is None:
        return not argument.required
    expected = argument.expected
    if expected.form == "any":  # what got here could be kept
        return True
    if _KINDS.get(type(value), "") not in expected.kinds.split():
        return False
    if isinstance(value, str):
        return not (expected.filled and not value) and (not expected.among or value in expected.among)
    if isinstance(value, (list, dict)):
        return _fits_form(expected, value)
    return isinstance(value, bool) or _fits_number(expected, value)


def _fits_form(expected: Expected, value: list[Any] | dict[str, Any]) -> bool:
    """An empty table may be either."""
    if not value:
        return not expected.filled
    return expected.form == "plain" or (expected.form == "list") is isinstance(value, list)


def _fits_number(expected: Expected, value: float) -> bool:
    if expected.whole and value != int(value):
        return False
    return (expected.least is None or value >= expected.least) and (expected.most is None or value <= expected.most)


def kind_of(value: Any) -> str:
    """What a value is, in Lua's words."""
    if value is None:
        return "nil"
    if isinstance(value, (list, dict)):
        return "an empty table" if not value else "a list" if isinstance(value, list) else "a table with named keys"
    if isinstance(value, bytes):
        return "text that is not UTF-8"
    return f"a {_KINDS[type(value)]}" if type(value) in _KINDS else "a handle"


def _given(expected: Expected, value: Any) -> str:
    """A value of a right type as itself, any other by its type."""
    if isinstance(value, (list, dict)) or _KINDS.get(type(value), "none") not in expected.kinds.split():
        return kind_of(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@cache
def expectations() -> str:
    """What Lua knows of all arguments, as text: it is looked through only when a call is to be checked."""
    return "\n".join(["", *(line for each in PRIMITIVES for line in _lines(each.name, each.arguments)), ""])


def _lines(primitive: str, arguments: Iterable[Argument], within: str = "") -> Iterable[str]:
    """The arguments of a primitive for Lua: a line each, its fields separated by the ASCII unit separator."""
    for argument in arguments:
        expected = argument.expected
        flags = {"required": argument.required, "filled": expected.filled, "whole": expected.whole}
        least, most = ("" if bound is None else str(bound) for bound in (expected.least, expected.most))
        said = " ".join(flag for flag, holds in flags.items() if holds)
        fields = (expected.words, expected.kinds, expected.form, said, least, most, " ".join(expected.among))
        yield "\x1f".join((primitive, argument.name, within, *fields))
        yield from _lines(primitive, argument.options, argument.name)
