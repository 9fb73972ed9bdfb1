"""One ``%%procedure`` cell: a job with a panel, a form responder, and a way to go on when an answer comes later."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .. import api, jobs
from ..errors import AnswerRefused, ProcedureError, RunLocked, RunStopped, StoreError
from ..histories.pruning import prune
from ..runner.people import settled, timed_out
from ..session import Waiting, get_session
from ..terminal.prompts import terminal_stream
from ..terminal.responder import TerminalResponder
from .kernel import can_wait, in_kernel, is_console, is_headless
from .panel import FormAsking, FormResponder, Panel
from .watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..human.requests import HumanRequest, HumanResponse
    from ..runs import Run

__all__ = ["Cell", "open_cell"]

_FIRST: Final = 1.0  # seconds in which whoever answered elsewhere may go on with the run first
_UNREADABLE: Final = "An answer is in the store, but it is damaged: nobody can read it. The question stays as it is."


@dataclass(eq=False)
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
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _waiting: Waiting | None = None  # the paused run's, in the session
    _clock: asyncio.TimerHandle | None = None  # at most one: see _at
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
        if run.status != "paused":
            self._prune()
        elif self.loop is not None and not self.job.plan:
            if (asking := self._asking(run)) is not None:
                asking.postpone()
            self._waiting = get_session().waiting[self._key(run)] = Waiting(self._close, self._rest, self._attend)
            self._attend()

    def _key(self, run: Run) -> tuple[str, str, str]:
        return run._data.store_url, self.job.name, self.job.root or ""  # noqa: SLF001 - our own run

    def _asking(self, run: Run) -> FormAsking | None:
        """The form of the question that a paused run waits for; None where it waits for a ``Sleep``."""
        return self.responder.asking if self.responder is not None and run.pending is not None else None

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

    # -- while it is paused --------------------------------------------------------------------------------

    def _attend(self) -> None:
        """Let the paused run go on by itself: at its time, or with an answer from elsewhere.

        Without the extension nothing goes on by itself; a form still takes an answer.
        """
        self._rest()
        run = self.job.run
        if run is None or self.loop is None or get_session().show is None:
            return
        asking, request = self._asking(run), run.pending
        if asking is not None and request is not None:
            answered = partial(self._answered_elsewhere, request, asking)
            unreadable = partial(asking.postpone, _UNREADABLE)
            self._watch = Watch(self.job, request, self.loop, answered, unreadable)
        until = run._data.until  # noqa: SLF001 - when a paused run can go on by itself
        if until is not None:
            self._at(until - time.time() + 0.05, self._wake)

    def _at(self, seconds: float, then: Callable[[], None]) -> None:
        """Set the clock, for one of three moments, each of which ends this pause and no later one.

        They are the end of a ``Sleep``, the expiry of the question, and the end of the time in which whoever answered
        it elsewhere may go on first.
        """
        paused = self._pause()

        def due() -> None:
            if self._pause() == paused:
                then()

        if self.loop is not None:
            self._clock = self.loop.call_later(max(0.0, seconds), due)

    def _pause(self) -> tuple[str, str] | None:
        """What tells this pause from others: the run's status and its open question."""
        run = self.job.run
        return None if run is None else (run.status, run.pending.id if run.pending is not None else "")

    def _rest(self) -> None:
        """Nothing goes on by itself any more."""
        if self._clock is not None:
            self._clock.cancel()
        if self._watch is not None:
            self._watch.end()
        self._clock = self._watch = None

    def _close(self, how: str) -> None:
        """The run goes on elsewhere, or is gone: the session does not hold this pause any more."""
        self._rest()
        asking = None if self.job.run is None else self._asking(self.job.run)
        if asking is not None:
            asking.close(how)

    def _answered_elsewhere(self, request: HumanRequest, asking: FormAsking, response: HumanResponse) -> None:
        """The form that is left says so; whoever answered may go on with the run, else it goes on here."""
        self._rest()
        how = settled(request, response)
        asking.go_on(how)
        self._at(_FIRST, partial(self._start_again, how))

    def _wake(self) -> None:
        """A sleep is over, or a question has expired: the paused run goes on by itself."""
        run = self.job.run
        asking = None if run is None else self._asking(run)
        if run is not None and run.pending is not None and asking is not None:
            asking.go_on(settled(run.pending, timed_out(run.pending, "expiry")))
        self._start_again()

    def answered_later(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        """An answer came from a form that no pass waits for: record it, then go on in the same output."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._resume, request, raw, asking)

    def _resume(self, request: HumanRequest, raw: Any, asking: FormAsking) -> None:
        answer = partial(api.answer, self.job.name, raw, request.id, store=self.job.store, root=self.job.root)
        try:
            response = answer(channel="form")
        except AnswerRefused as error:
            asking.refuse(error)
        except ProcedureError as error:
            self._end_pause()
            asking.close(str(error))
        else:
            asking.go_on(settled(request, response))
            self._start_again()

    def _start_again(self, elsewhere: str = "") -> None:
        """Another pass of the job, in the same output: it goes on where the last one paused.

        ``elsewhere`` says how another process answered, which may drive the run by now.
        """
        self._end_pause()
        self.job.fresh, self.job.redo = False, ()
        task = asyncio.ensure_future(self._go_on(elsewhere))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end_pause(self) -> None:
        """A later pass has nothing to close here any more, unless it pauses again."""
        self._rest()
        waiting = get_session().waiting
        for key in [key for key, each in waiting.items() if each is self._waiting]:
            del waiting[key]

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
