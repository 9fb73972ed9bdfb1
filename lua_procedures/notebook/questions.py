"""Questions of runs that another runtime drives: a form in the output of the cell that runs it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Literal

from .. import api
from ..durable.finding import stored
from ..durable.stores import Store
from ..errors import AnswerRefused, ProcedureError
from ..events import RunEnded
from ..human.requests import HumanRequest
from ..runs import Run
from ..session import Waiting, get_session
from .kernel import in_kernel, is_headless
from .panel import FormAsking, FormResponder, Panel

__all__ = ["QuestionOutput", "kernel_loop", "place_to_ask"]


def place_to_ask() -> Literal["form", "terminal", "nowhere"]:
    """Where a person can be asked by this process."""
    shell = _shell()
    if is_headless(shell):
        return "nowhere"
    return "form" if in_kernel(shell) else "terminal"


def kernel_loop() -> asyncio.AbstractEventLoop:
    """The loop of the kernel, the only one that displays; for any thread of a process that is a kernel."""
    loop: asyncio.AbstractEventLoop = _shell().kernel.io_loop.asyncio_loop
    return loop


def _shell() -> Any:
    ipython = sys.modules.get("IPython")  # where it was never imported, this is no notebook
    return None if ipython is None else ipython.get_ipython()


class QuestionOutput:
    """One output, with the form while the run waits and else with what is kept of the run.

    Everything here runs in the kernel's loop.

    Args:
        name: the run's name.
        store: where its question is kept.
        go_on: called once an answer is kept that no pass waited for; it gives the run as it is then.
        by_itself: whether the run goes on then, or when its cell is run again.

    Attributes:
        responder: asks in this output.
    """

    def __init__(self, name: str, store: Store, go_on: Callable[[], Run], *, by_itself: bool) -> None:
        self._name, self._store, self._go_on, self._by_itself = name, store, go_on, by_itself
        self._panel = Panel(quiet=True)
        self._panel.store_name = get_session().name_to_type(store.url)
        self._loop = asyncio.get_running_loop()
        self.responder = FormResponder(self._panel, name, self._answered)

    def leave(self, request: HumanRequest, run: Run) -> None:
        """Show a question that no pass waits for from now on."""
        get_session().supersede(self._store.url, self._name, "the run goes on elsewhere")
        asking = self.responder.ask(request, _nobody_waits)
        then = "the run goes on then." if self._by_itself else "the run goes on when its cell is run again."
        asking.postpone(f"The kernel is free. Answer here when you like; {then}")
        self._panel(RunEnded(run))
        get_session().waiting[self._key] = Waiting(asking.close)

    def show(self, run: Run) -> None:
        """Show what is kept of the run."""
        self._panel(RunEnded(run))

    def fail(self, error: ProcedureError) -> None:
        """Say that the run could not go on."""
        self._panel.fail(error)

    @property
    def _key(self) -> tuple[str, str, str]:
        return self._store.url, self._name, stored(self._store, self._name).root

    def _answered(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        self._loop.call_soon_threadsafe(self._keep, request, raw, asking)

    def _keep(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        try:
            api.answer(self._name, raw, request.id, store=self._store, channel="form")
        except AnswerRefused as error:
            asking.refuse(error)
            return
        except ProcedureError as error:
            asking.close(str(error))
            return
        get_session().waiting.pop(self._key, None)
        self._panel.shown = self._go_on()
        asking.close("answered" if self._by_itself else "answered; run the cell again to go on")


def _nobody_waits(_raw: Any) -> None:
    """An answer that comes while no pass waits is kept by ``QuestionOutput``."""
