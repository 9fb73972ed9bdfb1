"""The questions of one output as one widget: the form in the browser.

A page that was loaded again while a run waits receives no more outputs of that cell, but it does receive what
changes in the widget that it shows. So the widget stays the same for all questions of an output, and says at the end
how the run ended.

Importing this module imports ipywidgets; the rest of the package does so only when the first form is shown.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import anywidget
from traitlets import Dict, Float, Unicode

from ..human.requests import HumanRequest
from ..rendering.elements import Html, as_html
from ..rendering.requests import request_html, request_text
from .browser_files import source
from .controls import browser_view, read_answer

__all__ = ["Form", "Phase"]

Phase = Literal["open", "later", "answered", "closed"]

#: In this order: together they are one module.
_SCRIPTS = (
    "dom",
    "sections",
    "markdown",
    "differences",
    "artifact",
    "drafts",
    "fields",
    "notebook",
    "question",
    "form",
)


class Form(anywidget.AnyWidget):
    """One question at a time as one widget; what was typed arrives in one message when a button is pressed.

    Callbacks may run while a cell awaits, on whatever thread the kernel uses for messages: they should hand the
    answer over and do nothing else. Several answers may come, as when a button is pressed again after no reply;
    what was meant for an earlier question is dropped.

    Args:
        request: the question.
        panel: HTML shown above the form, made by this package with everything in it escaped.
        name: the run's name, for the saved question's line on how to answer it.
        store: the run's store, where that line must name it.
    """

    _esm = source(*(f"{name}.js" for name in _SCRIPTS))
    _css = source("theme.css", "form.css", "artifact.css")

    request = Dict().tag(sync=True)
    panel = Unicode().tag(sync=True)
    problems = Dict().tag(sync=True)
    phase = Unicode("open").tag(sync=True)
    outcome = Unicode().tag(sync=True)
    settled_at = Float().tag(sync=True)
    record = Dict().tag(sync=True)
    output = Unicode().tag(sync=True)

    def __init__(self, request: HumanRequest, panel: str = "", *, name: str = "NAME", store: str = "") -> None:
        self.question = request
        self.run_name = name
        self.store_name = store
        self._answer_callbacks: list[Callable[[Any], None]] = []
        self._later_callbacks: list[Callable[[], None]] = []
        model_id = secrets.token_hex(16)  # known to the browser, which finds the output that shows this widget
        super().__init__(request=browser_view(request), panel=panel, model_id=model_id, output=model_id)
        self.on_msg(self._receive)

    def ask(self, request: HumanRequest) -> None:
        """Ask another question in the same place; the callbacks of the one before are forgotten."""
        self.question = request
        self._answer_callbacks.clear()
        self._later_callbacks.clear()
        with self.hold_sync():
            self.problems = {}
            self.outcome = ""
            self.phase = "open"
            self.request = browser_view(request)

    def on_answer(self, callback: Callable[[Any], None]) -> None:
        """Call ``callback(raw)`` for each answer sent; ``raw`` is for ``accept``."""
        self._answer_callbacks.append(callback)

    def on_later(self, callback: Callable[[], None]) -> None:
        """Call ``callback()`` when the person presses “Later”."""
        self._later_callbacks.append(callback)

    def refuse(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Show what is wrong at the fields and let the person go on; the same faults twice show twice.

        Args:
            faults: those of an ``AnswerRefused``, each ``{"field", "message"}``.
        """
        messages: dict[str, str] = {}
        for fault in faults:
            before = messages.get(fault["field"])
            messages[fault["field"]] = f"{before} {fault['message']}" if before else str(fault["message"])
        self.problems = {}  # a trait set to what it holds would reach nobody
        self.problems = messages

    def settle(self, phase: Phase, outcome: str = "") -> None:
        """Change the form's phase.

        Args:
            phase: ``later`` keeps the form alive; ``answered`` (until the next question) and ``closed`` replace it.
            outcome: a text, or ``Html``, trusted like ``panel``, that replaces the form or, with ``later``, stands
                above its buttons. The browser says beside it when that was, in its own time zone.
        """
        with self.hold_sync():
            self.settled_at = time.time()
            self.outcome = as_html(outcome)
            self.phase = phase

    def end(self, record: Mapping[str, str]) -> None:
        """There are no more questions: the record replaces the form, also in a page that no output reaches any more.

        Args:
            record: the record by MIME type, ``text/html`` among them, trusted like ``panel``.
        """
        with self.hold_sync():
            self.panel = ""
            self.record = dict(record)
            self.settle("closed", Html(record["text/html"]))

    def mimebundle(self) -> dict[str, Any]:
        """The form for ``display(…, raw=True)`` and ``update_display``: the widget, and what is shown without it."""
        return {
            "text/plain": repr(self),
            "text/html": self.panel + request_html(self.question, self.run_name, self.store_name),
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            },
        }

    def __repr__(self) -> str:
        return request_text(self.question, self.run_name, self.store_name)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.mimebundle(), {}

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        sent = content if isinstance(content, Mapping) else {}
        kind = sent.get("type") if sent.get("request") == self.question.id else None
        if kind == "answer":
            raw = read_answer(self.question, sent.get("value"))
            for answered in self._answer_callbacks:
                answered(raw)
        elif kind == "later":
            for postponed in self._later_callbacks:
                postponed()
