"""Lines as the terminal gives them: for one that cannot move its cursor, such as a shell inside an editor."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final, TextIO

from .prompts import Closed, Prompt

__all__ = ["TypedLines"]

_LOOK: Final = 0.05  # seconds between two looks at what was typed
_END: Final = "."


class TypedLines:
    """The lines that a person types.

    Args:
        descriptor: of the terminal; it gives whole lines.
        stream: where prompts are written.
    """

    line_end = "end with a line that is only a dot"

    def __init__(self, descriptor: int, stream: TextIO) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._typed = b""
        self._closed = threading.Event()

    def begin(self) -> None:
        """A new question is asked."""
        self._closed.clear()

    def read(self, prompt: Prompt) -> str:
        """Read a line, or lines up to a dot."""
        if not prompt.lines:
            return self._line(f"{prompt.text}[{prompt.first}] " if prompt.first else prompt.text) or prompt.first
        first = self._line(prompt.text)
        lines = []
        while first != _END:
            lines.append(first)
            first = self._line("")
        return "\n".join(lines)

    def close(self) -> None:
        """End what is being read."""
        self._closed.set()

    def _line(self, text: str) -> str:
        self._write(text)
        while (line := self._take()) is None:
            if self._closed.wait(_LOOK):
                self._forget()
                self._write("\n")
                raise Closed
        return line

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _take(self) -> str | None:
        """The next line without its end, or None where none is there yet."""
        if self._closed.is_set():
            return None
        if b"\n" not in self._typed and _has_input(self._descriptor):
            typed = os.read(self._descriptor, 65536)
            if not typed:
                raise EOFError
            self._typed += typed
        line, end, rest = self._typed.partition(b"\n")
        if not end:
            return None
        self._typed = rest
        return line.decode("utf-8", "replace").rstrip("\r")

    def _forget(self) -> None:
        """Drop what was typed and is no answer any more."""
        self._typed = b""
        if sys.platform != "win32":
            import termios

            termios.tcflush(self._descriptor, termios.TCIFLUSH)


def _has_input(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        return bool(msvcrt.kbhit())
    import select

    return bool(select.select([descriptor], [], [], 0)[0])
