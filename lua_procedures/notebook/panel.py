"""One output per run: the live panel, the form while a person is asked, the record at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..events import Asked, Event, RunEnded
from ..human.responders import LATER, Deliver
from .progress import Progress
from .rendering import panel_html, record_html, record_text

if TYPE_CHECKING:
    from ..errors import AnswerRefused
    from ..human.requests import HumanRequest
    from ..runs import Run
    from .forms import Form

__all__ = ["FormResponder", "Panel"]

_INTERVAL: Final = 0.25  # seconds between two drawings
_DELAY: Final = 0.2  # seconds before the first: a short run shows its record only
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"


class Panel:
    """An event sink that draws, in one output of the cell.

    Args:
        quiet: show no live panel, only forms and the record.
        live: whether somebody looks while the run goes on.
    """

    def __init__(self, *, quiet: bool = False, live: bool = True) -> None:
        self._progress = Progress()
        self._quiet = quiet or not live
        self._handle: Any = None
        self._drawn = time.monotonic() + _DELAY - _INTERVAL
        self._form: Form | None = None
        self.shown: Run | None = None

    def __call__(self, event: Event) -> None:
        """Take an event; draw at most four times a second."""
        self._progress(event)
        if isinstance(event, RunEnded):
            self._end(event.run)
        elif isinstance(event, Asked) or (not self._quiet and time.monotonic() - self._drawn >= _INTERVAL):
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        html = "" if self._quiet else panel_html(self._progress)
        if self._form is not None:
            self._form.panel = html
        elif html and not isinstance(self._progress.request, type(None)):
            return  # the form follows at once, with the panel in it
        elif html:
            self._publish({"text/plain": f"{self._progress.name}: running", "text/html": html})

    def show_form(self, form: Form) -> None:
        """Show a form in place of the panel, which goes on above it."""
        form.panel = "" if self._quiet else panel_html(self._progress)
        self._form = form
        self._publish(form.mimebundle())

    def hide_form(self, form: Form) -> None:
        """The form is done: what is left is the panel, and no widget."""
        if self._form is form:
            self._form = None
            self._publish({"text/plain": f"{self._progress.name}: running", "text/html": panel_html(self._progress)})
        form.close()

    def _end(self, run: Run) -> None:
        self.shown = run
        bundle = {"text/plain": record_text(run), "text/html": record_html(run)}
        if self._form is not None and run.status == "paused":
            self._form.panel = bundle["text/html"]
            self._publish({**bundle, _WIDGET: self._form.mimebundle()[_WIDGET]})
            return
        if self._form is not None:
            self._form.close()
            self._form = None
        self._publish(bundle)

    def _publish(self, bundle: dict[str, Any]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


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
        from .forms import Form

        form = Form(request, name=self._name)
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
        self._panel.show_form(form)
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

    def postpone(self) -> None:
        """Nothing waits any longer; the form stays."""
        self.waiting = False
        self._form.settle("later", "The kernel is free. Answer here when you like; the run goes on then.")

    def close(self, how: str) -> None:
        """The question is settled: the form goes, and says how to other views of it."""
        from .elements import safe

        self._form.settle("answered", safe(how, 200))
        self._panel.hide_form(self._form)
