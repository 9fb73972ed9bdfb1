"""Asking at a terminal while the run goes on listening: an answer from elsewhere closes the prompt."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final

from ..errors import AnswerRefused, ProcedureError
from ..human.answers import parse_text
from ..human.requests import HumanRequest
from ..human.responders import LATER, Deliver
from ..human.terminal import PROMPTS
from ..rendering.requests import question_text

__all__ = ["PromptResponder", "TypedLines"]

_LOOK: Final = 0.05  # seconds between two looks at what was typed


class TypedLines:
    """The lines that a person types, without waiting for them.

    Args:
        descriptor: of the terminal; it gives whole lines.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def take(self) -> str | None:
        """The next line without its end, or None where none is there yet.

        Raises:
            EOFError: the person ended the input.
        """
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

    def forget(self) -> None:
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


class PromptResponder:
    """Asks by prompts, and keeps the event loop turning meanwhile.

    Args:
        lines: what the person types.
        write: writes a text as it is.
    """

    channel = "terminal"

    def __init__(self, lines: TypedLines, write: Callable[[str], object]) -> None:
        self.lines = lines
        self.write = write

    def ask(self, request: HumanRequest, deliver: Deliver) -> PromptAsking:
        """Show the question with its prompt; an end of input is an answer later."""
        self.write(f"{question_text(request)}\n")
        asking = PromptAsking(self, request, deliver)
        asking.prompt()
        return asking


class PromptAsking:
    """A question with an open prompt."""

    def __init__(self, responder: PromptResponder, request: HumanRequest, deliver: Deliver) -> None:
        self._lines = responder.lines
        self._write = responder.write
        self._request = request
        self._deliver = deliver
        self._timer: asyncio.TimerHandle | None = None

    def prompt(self) -> None:
        """Write the prompt, and look for a line from now on."""
        self._write(PROMPTS[self._request.kind])
        self._look()

    def _look(self) -> None:
        try:
            line = self._lines.take()
            if line is not None:
                self._answer(line)
                return
        except EOFError:
            self._write("\n")
            self._stop()
            self._deliver(LATER)
            return
        self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _answer(self, line: str) -> None:
        self._stop()
        if not line and self._request.kind != "input":
            self.prompt()
            return
        try:
            answer = parse_text(self._request, line)
        except ProcedureError as error:
            self._write(f"{error}\n")
            self.prompt()
            return
        self._deliver(answer)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def refuse(self, error: AnswerRefused) -> None:
        """Say what does not fit, and ask again."""
        self._write(f"{error.message}\n")
        self.prompt()

    def close(self, how: str) -> None:
        """Close a prompt that is still open, and say why: somebody else answered, or the time is up."""
        if self._timer is None:
            return
        self._stop()
        self._lines.forget()
        self._write("\n" if how.startswith("stopped") else f"\n{how}\n")
