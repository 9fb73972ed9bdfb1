"""One ``%%procedure`` cell: a job with a panel, a form responder, and a way to go on when an answer comes later."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .. import api, jobs
from ..errors import AnswerRefused, ProcedureError, RunLocked, RunStopped, StoreError
from ..histories.pruning import prune
from ..runner.people import settled
from ..session import get_session
from ..terminal.prompts import terminal_stream
from ..terminal.responder import TerminalResponder
from .kernel import can_wait, in_kernel, is_console, is_headless
from .panel import FormAsking, FormResponder, Panel
from .watching import Watch

if TYPE_CHECKING:
    from ..human.requests import HumanRequest, HumanResponse
    from ..runs import Run

__all__ = ["Cell", "open_cell"]

_FIRST: Final = 1.0  # seconds in which whoever answered elsewhere may go on with the run first


@dataclass
class Cell:
    """A job shown in a cell's output.

    Attributes:
        job: what is run; its ``run`` is the same object for all passes.
        panel: where it is shown.
        responder: asks with forms, or None where nobody can answer.
        keep_runs, keep_days: which old journals of the run are kept when it has ended, as for ``prune``.
    """

    job: jobs.Job
    panel: Panel
    responder: FormResponder | None = None
    loop: asyncio.AbstractEventLoop | None = None
    keep_runs: int | None = None
    keep_days: float | None = None
    _tasks: set[asyncio.Task[None]] | None = None
    _timer: asyncio.TimerHandle | None = None
    _watch: Watch | None = None

    async def drive(self) -> Run:
        """Run the job; an error of the program is in the run.

        Raises:
            RunStopped: the person pressed stop.
        """
        try:
            run = await jobs.drive(self.job)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise RunStopped(self.job.name) from None
        self._after(run)
        return run

    def _after(self, run: Run) -> None:
        self.job.run = run
        asking = self.responder.asking if self.responder else None
        if run.status != "paused":
            self._prune()
            return
        if run.pending is not None and asking is not None:
            asking.postpone()
            get_session().waiting[self.job.name] = partial(self._close, asking)
            self._watch_for(run.pending, asking)
        until = run._data.until  # noqa: SLF001 - when a paused run can go on by itself
        if until is not None and self.loop is not None:
            self._timer = self.loop.call_later(max(0.0, until - time.time()) + 0.05, self._wake)

    def _prune(self) -> None:
        """Delete what is configured not to be kept of the run's old journals, and say so."""
        if self.job.plan:
            return
        try:
            pruned = prune(self.job.name, keep=self.keep_runs, days=self.keep_days, store=self.job.store)
        except StoreError as error:
            print(f"old journals were not deleted: {error}")  # noqa: T201 - the cell's output
            return
        if pruned.journals:
            print(pruned)  # noqa: T201 - the cell's output

    def _watch_for(self, request: HumanRequest, asking: FormAsking) -> None:
        if self.loop is not None:
            answered = partial(self._answered_elsewhere, request, asking)
            self._watch = Watch(self.job, request, self.loop, answered)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()

    def _close(self, asking: FormAsking, how: str) -> None:
        self._end_watch()
        asking.close(how)

    def _answered_elsewhere(self, request: HumanRequest, asking: FormAsking, response: HumanResponse) -> None:
        """The form that is left says so; whoever answered may go on with the run, else it goes on here."""
        get_session().waiting.pop(self.job.name, None)
        how = settled(request, response)
        asking.go_on(how)
        if self.loop is not None:
            self._timer = self.loop.call_later(_FIRST, self._go_on_after, how)

    def _go_on_after(self, how: str) -> None:
        if self._is_paused():
            self._start_again(how)

    def _is_paused(self) -> bool:
        """Whether the run still is as this cell left it: it may have gone on otherwise, or been started again."""
        run = self.job.run
        return run is not None and run.status == "paused" and get_session().runs.get(self.job.name) is run

    def _wake(self) -> None:
        """A sleep is over, or a question has expired: the paused run goes on by itself."""
        if not self._is_paused():
            return
        self._end_watch()
        get_session().waiting.pop(self.job.name, None)
        if self.responder is not None and self.responder.asking is not None:
            self.responder.asking.go_on()
        self._start_again()

    def answered_later(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        """An answer came from a form that no pass waits for: record it, then go on in the same output."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._resume, request, raw, asking)

    def _resume(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        try:
            api.answer(self.job.name, raw, request.id, store=self.job.store, root=self.job.root, channel="form")
        except AnswerRefused as error:
            asking.refuse(error)
            return
        except ProcedureError as error:
            asking.close(str(error))
            return
        self._end_watch()
        get_session().waiting.pop(self.job.name, None)
        asking.go_on()
        self._start_again()

    def _start_again(self, elsewhere: str = "") -> None:
        """Another pass of the job, in the same output: it goes on where the last one paused.

        ``elsewhere`` says how another process answered, which may drive the run by now.
        """
        self.job.fresh, self.job.redo = False, ()
        task = asyncio.ensure_future(self._go_on(elsewhere))
        self._tasks = self._tasks or set()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _go_on(self, elsewhere: str = "") -> None:
        # nothing but CancelledError may leave a task of ours: anything else ends the kernel's process
        try:
            self._after(await jobs.drive(self.job))
        except KeyboardInterrupt:
            return  # the record says that it was stopped
        except RunLocked as error:
            if elsewhere:
                self.panel.withdraw(f"{elsewhere}; the run goes on there")
            else:
                self.panel.fail(error)
        except ProcedureError as error:
            self.panel.fail(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, which nobody else would show
            fault = ProcedureError(f"{type(error).__name__}: {error}")
            fault.__cause__ = error
            self.panel.fail(fault)


def open_cell(shell: Any, job: jobs.Job, *, quiet: bool, may_wait: bool) -> Cell:
    """A cell for a job, with whoever can answer where this shell runs.

    Args:
        shell: the IPython shell.
        job: what to run; its sink, responder and ``wait`` are set.
        quiet: show no live panel.
        may_wait: whether the cell is awaited, so that it can wait for a click.
    """
    headless = is_headless(shell)
    panel = Panel(
        quiet=quiet,
        live=in_kernel(shell) and not headless,
        told="" if headless else "all" if in_kernel(shell) else "message",
    )
    defaults = shell.lua_procedures.defaults
    cell = Cell(job, panel, keep_runs=defaults.keep_runs, keep_days=defaults.keep_days)
    job.headless, job.sink = headless, panel
    if headless:
        return cell
    if in_kernel(shell):
        cell.loop = asyncio.get_running_loop()
        cell.responder = FormResponder(panel, job.name, cell.answered_later)
        job.responder = cell.responder
        job.can_hold = may_wait and can_wait() and not is_console(shell)
    elif job.wait and not jobs.in_loop():  # else the run pauses: nothing would take what is typed at a prompt
        job.responder = _terminal(shell)
    return cell


def _terminal(shell: Any) -> TerminalResponder | None:
    stream = terminal_stream()
    return None if stream is None else TerminalResponder(stream, plain=bool(getattr(shell, "simple_prompt", False)))
