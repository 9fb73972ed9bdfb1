"""One pass of a program, from the top: resumes it and dispatches what it asks, until it ends."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Collection, Coroutine
from typing import Any, TypeVar

from .. import errors
from ..durable.journal import Journal
from ..durable.serialization import loads
from ..errors import ProcedureError
from ..events import RunStarted, Sink
from ..files import Folder
from ..language.runtime import MAIN, Guest, Interrupted
from ..limits import Limits
from ..primitives.misuse import expectations
from ..runs import Run, RunData
from .calls import Calls
from .declaring import Declaring
from .ending import Ending
from .entering import Entering
from .failing import CATCHABLE, Failing
from .filing import Filing
from .growing import Growth
from .hosting import BREATH, Hosting
from .ledger import Ledger
from .outside import Outside
from .passes import Handler, LateHandler, Pass, Program, Reply
from .people import People, Suspended
from .policy import PlanReached, Policy
from .pricing import Pricing
from .questions import Questions
from .signals import Interrupts
from .sleeping import Sleeping
from .spending import Spending
from .steps import Steps
from .traces import forget_locals
from .turns import Turns
from .worlds import Worlds

__all__ = ["Driver"]

T = TypeVar("T")

_ENDINGS = ("done", "failed")


class Driver:
    """Drives one pass.

    Args:
        program: what is run.
        journal: what was done before, and where this pass is recorded.
        people: who answers.
        run: the run that users hold; it is brought up to date as the pass goes on.
        policy: how to treat the journal.
        limits: bounds on the program.
        known: the names of all primitives, for messages.
        sink: who is told what happens, or None.
    """

    def __init__(
        self,
        program: Program,
        journal: Journal,
        people: People,
        run: Run,
        *,
        policy: Policy,
        limits: Limits,
        known: Collection[str] = (),
        sink: Sink | None = None,
    ) -> None:
        self._program = program
        self._journal = journal
        self._people = people
        self._limits = limits
        self._run = run
        self._data: RunData = run._data  # noqa: SLF001 - the run is the driver's own
        self._emit: Sink = sink or _ignore
        self._ledger = Ledger(journal, policy, self._emit, watched=sink is not None)
        self._host = Hosting(
            self._ledger, self._emit, known, limits.max_notice_bytes, program.seeded,
            spending=Spending(self._ledger, Pricing(program.prices, program.chat_models.identities)),
        )  # fmt: skip
        self._guest = Guest(self._host, limits, expectations())
        self._interrupts = Interrupts(self._guest.interrupt)
        self._failing = Failing(program, self._guest.converter, known)
        self._growth = Growth(self._guest, self._data, self._emit)
        self._outside = Outside(program, self._ledger)
        self._host.on_look = self._outside.seen_time
        self._worlds = Worlds(program, self._ledger, self._outside, limits, scripted=bool(people.scripted))
        self._ending = Ending(
            program, journal, self._ledger, self._host, self._guest, run, self._growth.tree, self._emit, self._outside,
            self._worlds,
        )  # fmt: skip
        self._now, self._later = self._handlers(Folder(program.files, limits.max_bytes))

    def _handlers(self, files: Folder) -> tuple[dict[str, Handler], dict[str, LateHandler]]:
        within = Pass(
            self._program, self._journal, self._ledger, self._host, self._people, self._guest.converter, self._data,
            self._emit, self._wait, self._ending.save, self._check_stop, self._interrupts.raising, files, self._outside,
            self._failing.refuse, self._limits,
        )  # fmt: skip
        calls, turns = Calls(within), Turns(within)
        now: dict[str, Handler] = {
            **Steps(within).handlers,
            **Entering(within).handlers,
            **Filing(within).handlers,
            **Declaring(within, self._guest).handlers,
            **calls.handlers,
            **turns.handlers,
        }
        later: dict[str, LateHandler] = {
            **Questions(within).late_handlers,
            **Sleeping(within).late_handlers,
            **calls.late_handlers,
            **turns.late_handlers,
        }
        return now, later

    @property
    def key(self) -> tuple[str, int]:
        """Which journal it drives."""
        return self._journal.store.url, self._journal.row.id

    @property
    def run(self) -> Run:
        """The run that users hold."""
        return self._run

    # -- the pass ----------------------------------------------------------------------------------------

    async def drive(self) -> Run:
        """Run the program to its end, its pause or its error; the run says which.

        Returns:
            The run; ``run.error`` carries what ended it.

        Raises:
            KeyboardInterrupt: the person pressed stop while Lua ran.
            asyncio.CancelledError: the pass was cancelled while it waited.
        """
        try:
            self._start()
            world = self._worlds.find()
            if world is not None:
                self._ending.recall(world)
            else:
                with self._interrupts:
                    await self._drive()
        except Suspended as pause:
            self._data.until = pause.until
            self._ending.finish("paused", pending=pause.request)
        except PlanReached as plan:
            self._ending.finish("pending", first=plan.first)
        except errors.HumanInputRequired as error:
            self._ending.finish("paused", error=error, pending=error.request)
        except errors.AnswerRefused as error:  # a scripted answer that does not fit: the question stays
            self._ending.finish("paused", error=error, pending=self._data.pending)
        except (Interrupted, KeyboardInterrupt, SystemExit):
            self._ending.finish("cancelled", pending=self._data.pending)
            raise KeyboardInterrupt from None
        except ProcedureError as error:
            self._ending.finish("failed", error=error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of what a user's callable raised
            fault = ProcedureError(f"{type(error).__name__}: {error}")
            fault.__cause__ = error
            self._ending.finish("failed", error=fault)
        except BaseException:
            self._ending.finish("cancelled", pending=self._data.pending)
            raise
        finally:
            self._let_go()
        return self._run

    def _let_go(self) -> None:
        """Free what the pass took: its Lua world at once, for that may be large; the rest with the run."""
        self._now, self._later = {}, {}  # which share what refers to this driver
        forget_locals((sys.exception(), self._data.error))  # where a table of Lua's may be

    def _start(self) -> None:
        self._data.status = "running"
        self._data.program = self._program.text
        if not self._ledger.policy.strict:  # which may yet refuse the program, and then changes nothing
            self._ending.save("running")
        self._emit(RunStarted(self._run, self.ask_to_stop if "Stop" in self._program.text else None))

    def _load(self) -> None:
        guest, program = self._guest, self._program
        self._ledger.redoing.begin()
        self._host.recorded_stops()
        self._offer_stops()
        compiled = guest.load(program.text, program.chunk, first_line=program.first_line)
        guest.kit.set_input(guest.converter.push(dict(program.inputs)))
        if program.tool_rows:
            rows = {name: {**row, "schema": None} for name, row in program.tool_rows.items()}  # of no use to Lua
            guest.kit.set_tools(guest.converter.push(rows))
        guest.start(compiled)

    async def _drive(self) -> None:
        self._load()
        guest, host, now = self._guest, self._host, self._now
        stops = host.stops
        host.breathed = time.monotonic()
        passed = 0
        reply: Reply = ()
        while True:
            said = self._resumed(reply)
            if guest.interrupted:  # the stop may have come where Lua had too little left to notice
                raise Interrupted
            if len(self._ledger.kept) != passed:
                passed = len(self._ledger.kept)
                guest.restart_clock()
            handle = now.get(said[0])
            if handle is not None:
                try:
                    reply = handle(*said[1:])
                except CATCHABLE as error:
                    reply = self._failing.refuse(error)
                if time.monotonic() - host.breathed > BREATH:
                    self._growth.tell()
                    await self._wait(asyncio.sleep(0))
                    host.breathed = time.monotonic()
            elif said[0] in self._later:
                self._growth.tell()
                reply = await self._answered(said)
            elif said[0] in _ENDINGS:
                self._conclude(said)
                return
            else:
                raise RuntimeError(f"the prelude asked for {said[0]!r}, which nothing answers")
            if host.offered < len(stops):
                self._offer_stops()

    def _resumed(self, reply: Reply) -> tuple[Any, ...]:
        try:
            return self._guest.resume(MAIN, *reply)
        except UnicodeDecodeError as error:
            raise ProcedureError("bytes that are no UTF-8 text were given where only text can be") from error

    async def _answered(self, said: tuple[Any, ...]) -> Reply:
        try:
            return await self._later[said[0]](*said[1:])
        except CATCHABLE as error:
            return self._failing.refuse(error)

    def _conclude(self, said: tuple[Any, ...]) -> None:
        if said[0] == "failed":
            raise self._failing.ended(*said[1:])
        self._ending.complete(said[1], self._people.unused())

    # -- stopping ----------------------------------------------------------------------------------------

    async def _wait(self, awaitable: Awaitable[T]) -> T:
        with self._interrupts.lifted():
            if self._guest.interrupted:  # a stop that came just before would be met only after the wait
                if isinstance(awaitable, Coroutine):
                    awaitable.close()
                raise Interrupted
            return await awaitable

    def _check_stop(self) -> None:
        if self._guest.interrupted:
            raise Interrupted

    def ask_to_stop(self, reason: str, *, success: bool = True) -> None:
        """Ask for a stop from outside; the program sees it where it next looks at ``Stop``, unless it is over."""
        if self._now:
            self._host.ask_to_stop(reason, success)

    def _offer_stops(self) -> None:
        host = self._host
        for number, text in enumerate(host.stops[host.offered :], host.offered + 1):
            self._guest.kit.offer_stop(number, *loads(text))
        host.offered = len(host.stops)


def _ignore(_: object) -> None:
    return None
