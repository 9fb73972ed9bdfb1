"""Lua's errors, told in the lines of the cell and with what to do about them.

Lua says ``cell:3: attempt to call a nil value (global 'Stepp')``; users get the line, the message without it,
and a hint where one helps: the habits of Python and JavaScript, misspelt names, and what Lua 5.5 does differently.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import LuaRuntimeError, LuaSyntaxError
from .hints import LONGEST, closest, place_of, runtime_hint, syntax_hint, unknown_name_hint
from .source import FIRST_LINE, split_lines

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "PRELUDE",
    "PROGRAM",
    "closest",
    "mark",
    "runtime_error",
    "split_position",
    "syntax_error",
    "tidy_traceback",
    "unknown_name_hint",
]

#: The chunk name of the program's own text, and how those of our prelude begin.
PROGRAM = "cell"
PRELUDE = "(lua_procedures"

_POSITION = re.compile(r'(\[string ".*?"\]|[^:\n]+):(\d+|\?): ?(.*)', re.DOTALL)
_OPENED_AT = re.compile(r"at line (\d+)\) near <eof>$")
_FRAME = re.compile(r"\t(\[string .*?\]|[^:\n]+):(\d+): in (.+)")


def split_position(message: str) -> tuple[str | None, int | None, str]:
    """``cell:3: text`` as chunk, line and the rest; chunk and line are None where the message has no position."""
    match = _POSITION.fullmatch(message)
    if match is None:
        return None, None, message
    return match[1], int(match[2]) if match[2] != "?" else None, match[3]


def mark(text: str, line: int, first_line: int = FIRST_LINE, context: int = 1) -> str:
    """The lines around ``line``, numbered as the editor counts, with an arrow at it.

    A line behind the end marks the last one; the result is empty where there is no line to mark.
    """
    lines = split_lines(text.rstrip())
    place = min(line - first_line, len(lines) - 1)
    if place < 0 or not text.strip():
        return ""
    begin, end = max(0, place - context), min(len(lines), place + context + 1)
    width = len(str(end - 1 + first_line))
    return "\n".join(
        f"{'->' if index == place else '  '} {index + first_line:>{width}} | {lines[index]}".rstrip()
        for index in range(begin, end)
    )


def tidy_traceback(lua_traceback: str, chunk: str = PROGRAM) -> str:
    """The program's own frames, innermost first, one a line: ``line 4, in 'fetch'``.

    Frames of C functions and of our prelude are left out; those of another chunk begin with its name.
    """
    return "\n".join(
        f"{'' if where == chunk else f'{where}, '}line {line}, in {_function(what, where, chunk)}"
        for where, line, what in _frames(lua_traceback)
    )


def _frames(lua_traceback: str) -> list[tuple[str, str, str]]:
    return [frame for frame in _FRAME.findall(lua_traceback) if not frame[0].startswith(PRELUDE)]


def _function(what: str, where: str, chunk: str) -> str:
    """Lua's ``upvalue 'f'``, ``function <cell:3>`` or ``main chunk`` in plain words."""
    if what == "main chunk":
        return "the program" if where == chunk else "its main part"
    if defined := re.fullmatch(r"function <.*:(\d+)>", what):
        return f"the function at line {defined[1]}"
    named = re.search(r"'(.+)'$", what)
    return f"'{named[1]}'" if named else what


# --- errors -----------------------------------------------------------------------------------------------------


def syntax_error(message: str, text: str, first_line: int = FIRST_LINE) -> LuaSyntaxError:
    """The error of a program that does not compile.

    Where something is never closed, its line is that of the opening, and the message tells where Lua noticed.
    """
    _, line, rest = split_position(message)
    hint = syntax_hint(rest, place_of(text, line, first_line, ()))
    if len(rest) > LONGEST:
        rest = f"{rest[:LONGEST]}…"
    if (opened := _OPENED_AT.search(rest)) and line is not None:
        rest, line = f"{rest} at line {line}", int(opened[1])
    elif line is not None:  # the end is noticed behind the newline that a cell ends with
        line = min(line, first_line + len(split_lines(text.rstrip())) - 1)
    return LuaSyntaxError(rest, line=line, hint=hint)


def runtime_error(
    message: str,
    value: Any,
    lua_traceback: str,
    text: str,
    known: Collection[str],
    *,
    chunk: str = PROGRAM,
    first_line: int = FIRST_LINE,
) -> LuaRuntimeError:
    """The error of a program that raised.

    Args:
        message: Lua's message; empty where the program raised a table.
        value: what was raised, as plain Python data.
        lua_traceback: the text of ``debug.traceback``.
        text: the program.
        known: the names that exist, dotted ones such as ``Human.approve`` included.
        chunk: the name of the program's own chunk; a position in another one stays in the message, and the
            line is that of the program's innermost frame.
        first_line: the number of the text's first line.
    """
    where, line, rest = split_position(message)
    frames = [(frame_chunk, int(frame_line)) for frame_chunk, frame_line, _ in _frames(lua_traceback)]
    if where != chunk:
        line = next((frame_line for frame_chunk, frame_line in frames if frame_chunk == chunk), None)
    if where is not None and where != chunk and not where.startswith(PRELUDE):
        rest = message
    return LuaRuntimeError(
        re.sub(rf"(?<![\w.]){re.escape(chunk)}:(\d+): ", r"line \1: ", rest) or _described(value),
        line=line,
        hint=runtime_hint(rest, place_of(text, line, first_line, known)),
        value=value,
        lua_traceback=lua_traceback,
    )


def _described(value: Any) -> str:
    """A raised value that is no string, for the message."""
    if value is None:
        return "raised nil (or null)"
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return str(value["message"])
    return f"raised {json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]}"
