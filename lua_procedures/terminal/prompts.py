"""What a line is asked for with, and who reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

__all__ = ["Closed", "Prompt", "Reader", "reader_for", "terminal_stream"]

#: Terminals that cannot move their cursor.
_DUMB = ("dumb", "unknown")


class Closed(Exception):
    """The question is settled otherwise, while a person was typing."""


@dataclass(frozen=True)
class Prompt:
    """What an answer is asked for with.

    Attributes:
        text: stands before what is typed.
        words: what Tab completes.
        several: whether words follow each other, with commas between them.
        lines: whether the answer may have several lines.
        first: what stands there at first.
        placeholder: shown while nothing is typed.
        remaining: says how long there still is; None where that is for ever.
    """

    text: str
    words: Sequence[str] = ()
    several: bool = False
    lines: bool = False
    first: str = ""
    placeholder: str = ""
    remaining: Callable[[], str] | None = None


class Reader(Protocol):
    """Reads what a person types, on a thread that may wait for it.

    Attributes:
        line_end: how an answer of several lines is ended, as a person is told.
    """

    line_end: str

    def begin(self) -> None:
        """A new question is asked."""

    def read(self, prompt: Prompt) -> str:
        """Read one answer.

        Raises:
            EOFError: the person ended the input.
            KeyboardInterrupt: the person pressed Ctrl-C.
            Closed: ``close`` was called meanwhile.
        """

    def close(self) -> None:
        """End what is being read, from another thread, and drop what was typed of it."""


def terminal_stream() -> TextIO | None:
    """Where a person who can type sees what is written: standard output, else standard error; None where nobody is.

    Output that is captured for a while (``%%capture``) does not take the person away.
    """
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        return None
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return next((each for each in streams if each is not None and not each.closed and each.isatty()), None)


def reader_for(stream: TextIO, *, plain: bool = False) -> Reader:
    """Who reads at this terminal.

    Args:
        stream: where prompts are written.
        plain: whether to take lines as the terminal gives them; it is so on one that cannot move its cursor.
    """
    if plain or os.environ.get("TERM", "").casefold() in _DUMB:
        from .typed import TypedLines

        return TypedLines(sys.stdin.fileno(), stream)
    from .toolkit import ToolkitLines

    return ToolkitLines(stream)
