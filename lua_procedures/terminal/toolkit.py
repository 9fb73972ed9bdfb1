"""Lines that can be edited, with words completed by Tab and the time that is left below them.

Importing this module imports prompt_toolkit; the rest of the package does so only when the first question is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from ..rendering.text import clean
from .prompts import Closed, Prompt

__all__ = ["ToolkitLines"]


class ToolkitLines:
    """Reads by prompt_toolkit.

    Args:
        stream: where prompts are written.
    """

    line_end = "Esc and Enter end it"

    def __init__(self, stream: TextIO) -> None:
        self._input = create_input()
        self._output = create_output(stdout=stream)
        if isinstance(self._output, Vt100_Output):
            self._output.enable_cpr = False  # nothing here needs to know the line, and not every terminal answers
        self._lock = threading.Lock()
        self._closed = False
        self._session: PromptSession[str] | None = None

    def begin(self) -> None:
        """A new question is asked."""
        self._closed = False

    def read(self, prompt: Prompt) -> str:
        """Read a line, or several."""
        session: PromptSession[str] = PromptSession(
            prompt.text,
            completer=_Words(prompt) if prompt.words else None,
            complete_while_typing=False,
            multiline=prompt.lines,
            placeholder=clean(prompt.placeholder) or None,
            bottom_toolbar=prompt.remaining,
            refresh_interval=0 if prompt.remaining is None else 1,
            history=DummyHistory(),
            reserve_space_for_menu=min(len(prompt.words), 8),
            input=self._input,
            output=self._output,
        )
        with self._lock:
            self._session = session
        try:
            answer: str = session.prompt(
                default=prompt.first, pre_run=self._check, set_exception_handler=False, handle_sigint=False
            )
            return answer
        finally:
            with self._lock:
                self._session = None

    def close(self) -> None:
        """End what is being read."""
        with self._lock:
            self._closed = True
            app = None if self._session is None else self._session.app
            loop = None if app is None else app.loop
            if app is not None and loop is not None:
                loop.call_soon_threadsafe(self._leave, app)

    def _check(self) -> None:
        if self._closed and self._session is not None:
            self._leave(self._session.app)

    @staticmethod
    def _leave(app: Any) -> None:
        if app.is_running and not app.is_done:
            app.exit(exception=Closed())


class _Words(Completer):
    """Completes the words of a prompt, also after a comma where several are asked for."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        typed = document.text_before_cursor
        if self._prompt.several:
            typed = typed.rpartition(",")[2].lstrip()
        for word in self._prompt.words:
            if word.casefold().startswith(typed.casefold()):
                yield Completion(word, start_position=-len(typed), display=clean(word))
