"""Asking at a terminal: a prompt instead of a form."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import AnswerRefused, ProcedureError
from .answers import parse_text
from .requests import HumanRequest
from .responders import LATER, Deliver

__all__ = ["PROMPTS", "TerminalResponder"]


class TerminalResponder:
    """Asks on standard input and output.

    Args:
        read: reads one line; ``input`` by default.
        write: writes one line; ``print`` by default.
    """

    channel = "terminal"

    def __init__(self, read: Callable[[str], str] = input, write: Callable[[str], object] = print) -> None:
        self._read = read
        self._write = write

    def ask(self, request: HumanRequest, deliver: Deliver) -> TerminalAsking:
        """Prompt for an answer and deliver it; an end of input is an answer later."""
        asking = TerminalAsking(self, request, deliver)
        self._write(request.message)
        if request.artifact is not None:
            self._write(str(request.artifact))
        for option in request.options:
            self._write(f"  - {option.label}")
        for field in request.fields:
            self._write(f"  {field.id}: {field.message}")
        asking.prompt()
        return asking

    def read_answer(self, request: HumanRequest) -> object:
        """One line as a raw answer; ``LATER`` at the end of input."""
        sys.stdout.flush()
        try:
            with _interruptible():
                text = self._read(PROMPTS[request.kind])
        except EOFError:
            return LATER
        if not text and request.kind != "input":
            return LATER
        return parse_text(request, text)


class TerminalAsking:
    """A question at the terminal."""

    def __init__(self, responder: TerminalResponder, request: HumanRequest, deliver: Deliver) -> None:
        self._responder = responder
        self._request = request
        self._deliver = deliver

    def prompt(self) -> None:
        """Read one answer and deliver it."""
        try:
            answer = self._responder.read_answer(self._request)
        except ProcedureError as error:
            self._responder._write(str(error))  # noqa: SLF001 - the asking is the responder's own
            answer = LATER
        self._deliver(answer)

    def refuse(self, error: AnswerRefused) -> None:
        """Say what does not fit, and ask again."""
        self._responder._write(error.message)  # noqa: SLF001 - the asking is the responder's own
        self.prompt()

    def close(self, how: str) -> None:
        """Nothing is left to close at a terminal."""


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the prompt at once; an event loop's own handler waits for the next await, behind the prompt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


#: What stands before the answer, by the kind of question.
PROMPTS = {
    "approve": "yes or no: ",
    "input": "answer: ",
    "select": "choice (several as a JSON list): ",
    "review": "decision: ",
    "multiple": "answers as a JSON object by id: ",
    "escalate": "press Enter after typing anything when it is resolved: ",
}
