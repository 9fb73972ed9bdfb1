"""One output per run: the live panel, the form while a person is asked, the record at the end."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from ..events import Asked, Event, GraphGrew, RunEnded, RunStarted
from ..human.responders import LATER, Deliver
from ..rendering.elements import block, muted, page, safe
from ..rendering.panel import panel_html
from ..rendering.progress import Progress
from ..rendering.record import record_bundle, record_html, record_text
from ..rendering.runs import known
from ..rendering.text import one_line
from .ended import Ended
from .keeping import Keeping
from .output import Output, is_captured

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import AnswerRefused, ProcedureError
    from ..human.requests import HumanRequest
    from ..runs import Run
    from .forms import Form

__all__ = ["FormResponder", "Panel"]

_INTERVAL: Final = 0.25  # seconds between two drawings
_STREAMING: Final = 0.1  # the same while a model's text comes
_DELAY: Final = 0.2  # seconds before the first: a short run shows its record only
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_LATER: Final = "The kernel is free. Answer here when you like; the run goes on then."

_ended = Ended()


class Panel:
    """An event sink that draws, in one output of the cell.

    Args:
        quiet: show no live panel, only forms and the record.
        live: whether somebody looks while the run goes on.
        told: what a record here tells of an error, for ``ProcedureError.told``.

    Attributes:
        shown: the run whose record is the output, once it has ended.
        store_name: the run's store, where the line that answers its question must name it.
    """

    def __init__(self, *, quiet: bool = False, live: bool = True, told: Literal["", "message", "all"] = "") -> None:
        self._progress = Progress()
        self._quiet = quiet or not live
        self._captured = False
        self._told = told
        self._remark = ""
        self._fault = ""
        self._mark = f"lpf-live-{secrets.token_hex(4)}"
        self._keeping = Keeping(self._mark, self._tell)
        self._output = Output()
        self._drawn = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._form: Form | None = None
        self._asking = False
        self.shown: Run | None = None
        self.store_name = ""

    def __call__(self, event: Event) -> None:
        """Take an event; draw at most four times a second, ten times while a model's text comes.

        A fault of ours on the way is shown in the panel, and is not the run's.
        """
        try:
            self._take(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
            self._show_fault(error, last=isinstance(event, RunEnded))

    def _take(self, event: Event) -> None:
        self._progress(event)
        if isinstance(event, RunEnded):
            self._end(event.run)
        elif isinstance(event, RunStarted):
            self._drawn = time.monotonic() + _DELAY - _INTERVAL
            self._captured = is_captured()
            self.store_name = known(event.run).store_name
            self._keeping.begin(event.ask_to_stop)
        elif not self._silent and not isinstance(event, Asked):  # a question's form follows at once
            self._draw_soon(at_rest=isinstance(event, GraphGrew))

    @property
    def _silent(self) -> bool:
        return self._quiet or self._captured

    def _draw_soon(self, *, at_rest: bool) -> None:
        """Draw now, or as soon as it may be; an event after which nothing happens for long is shown, too.

        ``at_rest`` says that Lua does not run now, so that its tree can be looked at; it never runs in the loop's turn.
        """
        interval = _STREAMING if self._progress.streaming else _INTERVAL
        rest = self._drawn + interval - time.monotonic()
        if rest <= 0:
            self._draw(at_rest=at_rest)
        elif self._timer is None:
            with suppress(RuntimeError):  # no loop, nobody who looks
                self._timer = asyncio.get_running_loop().call_later(rest, partial(self._draw, at_rest=True))

    def _draw(self, *, at_rest: bool = False) -> None:
        self._drawn = time.monotonic()
        self._stop_timer()
        html = self._html(at_rest=at_rest)
        if self._form is not None:
            self._form.panel = html
        if not self._asking:
            self._publish({"text/plain": f"{self._progress.name}: running", "text/html": html})
        self._keeping.soon()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _html(self, *, at_rest: bool) -> str:
        """The panel; or what is wrong with it, for a question can be asked and answered all the same."""
        if self._silent:
            return ""
        try:
            if at_rest:
                self._progress.look_at_tree()
            html = panel_html(self._progress, mark=self._mark)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
            html = page([block(safe(_fault_text(error), 2000))], mark=self._mark)
        return html + (page([block(muted(safe(self._remark, 500)))]) if self._remark else "")

    def _tell(self, remark: str) -> None:
        """Say something below the panel, while it is live."""
        self._remark = remark
        self._draw()

    def _show_fault(self, error: Exception, *, last: bool) -> None:
        text = _fault_text(error)
        bundle = {"text/plain": text, "text/html": page([block(safe(text, 2000))])}
        if last:
            self._finish(bundle)
        elif not self._asking and text != self._fault:
            self._publish(bundle)
        self._fault = text

    # -- questions -----------------------------------------------------------------------------------------

    def ask(self, request: HumanRequest, name: str) -> Form:
        """Show a question's form below the panel."""
        from .forms import Form

        self._asking = True
        self._stop_timer()
        if self._form is None:
            self._form = Form(request, name=name, store=self.store_name)
        else:
            self._form.ask(request)
        self._form.panel = self._html(at_rest=True)
        self._publish(self._form.mimebundle())
        if not self._silent:
            self._keeping.soon()  # a pass that does not wait is over before
        return self._form

    def answered(self, how: str) -> None:
        """The question is settled: the panel is left, and no widget in the output."""
        self._asking = False
        if self._form is not None:
            self._form.settle("answered", muted(safe(how, 200)))
            self._draw()

    def withdraw(self, how: str) -> None:
        """A question that no pass waits for is asked elsewhere from now on: what is left is the paused run's record."""
        if self.shown is not None:
            text, html = record_text(self.shown, question=False), record_html(self.shown, question=False)
            remark = page([block(muted(safe(how, 200)))])
            self._finish({"text/plain": f"{text}\n{one_line(how, 200)}", "text/html": html + remark})

    def fail(self, error: ProcedureError) -> None:
        """The run could not go on at all."""
        self._finish({"text/plain": str(error), "text/html": page([block(safe(str(error), 2000))])})

    # -- the end -------------------------------------------------------------------------------------------

    def _end(self, run: Run) -> None:
        self.shown = run
        if run.error is not None:
            run.error.told = self._told
        record = record_bundle(run)
        if self._asking and self._form is not None and run.status == "paused":
            self._form.panel = record_html(run, question=False)
            self._leave({**record, _WIDGET: self._form.mimebundle()[_WIDGET]})
        else:
            self._finish(record)

    def _finish(self, bundle: dict[str, str]) -> None:
        """There are no more questions, and this is what is left."""
        self._asking = False
        self._leave(bundle)
        if self._form is not None:
            self._form.end(bundle)
            _ended.add(self._form)
            self._form = None

    def _leave(self, bundle: dict[str, Any]) -> None:
        """Nothing is drawn over this until another pass begins."""
        self._stop_timer()
        self._remark = ""
        self._output.show(bundle)
        self._keeping.end(bundle)

    def _publish(self, bundle: dict[str, Any]) -> None:
        self._output.show(bundle)
        self._keeping.show(bundle)


def _fault_text(error: Exception) -> str:
    return f"the panel could not be drawn: {type(error).__name__}: {error}"


class FormResponder:
    """Asks with a form in the panel's output.

    Args:
        panel: where the form is shown.
        name: the run's name.
        later: called with an answer that comes when the run no longer waits for it.
    """

    channel = "form"

    def __init__(self, panel: Panel, name: str, later: Callable[[HumanRequest, Any, FormAsking], None]) -> None:
        self._panel = panel
        self._name = name
        self._later = later
        self.asking: FormAsking | None = None

    def ask(self, request: HumanRequest, deliver: Deliver) -> FormAsking:
        """Show the form."""
        form = self._panel.ask(request, self._name)
        asking = self.asking = FormAsking(self._panel, form)

        def answered(raw: Any) -> None:
            if asking.waiting:
                deliver(raw)
            else:
                self._later(request, raw, asking)

        def postponed() -> None:
            if asking.waiting:
                deliver(LATER)

        form.on_answer(answered)
        form.on_later(postponed)
        return asking


class FormAsking:
    """A form that is shown.

    Attributes:
        waiting: whether a pass waits for its answer; otherwise an answer starts one.
    """

    def __init__(self, panel: Panel, form: Form) -> None:
        self._panel = panel
        self._form = form
        self.waiting = True

    def refuse(self, error: AnswerRefused) -> None:
        """Show at the fields what does not fit."""
        self._form.refuse(error.faults or [{"field": "", "message": error.message}])

    def postpone(self, remark: str = _LATER) -> None:
        """Nothing waits any longer; the form stays, with a remark on what follows an answer."""
        self.waiting = False
        self._form.settle("later", remark)

    def go_on(self, how: str) -> None:
        """A question that no pass waited for is settled: the run goes on in the same output."""
        self._panel.answered(how)

    def close(self, how: str) -> None:
        """The question is settled: the form goes, and says how to other views of it."""
        if self.waiting:
            self._panel.answered(how)
        else:
            self._panel.withdraw(how)
