"""One pass of a program, from the top: resumes it and dispatches what it asks, until it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .. import errors
from ..durable.journal import Journal
from ..durable.serialization import dumps, loads
from ..errors import ProcedureError, StoreError
from ..events import GraphGrew, RunEnded, RunStarted, Sink
from ..files import Folder
from ..graphs import Graph
from ..language.diagnostics import mark, runtime_error
from ..language.runtime import MAIN, Guest, Interrupted
from ..limits import Limits
from ..primitives.misuse import Misuse, expectations
from ..program import check_inputs, check_output, check_output_schema, typed_strings
from ..rendering.graph import graph_bundle
from ..runs import Message, Run, RunData, RunStatus, Stop, ToolCall
from .calls import Calls
from .entering import Entering
from .explaining import plan
from .filing import Filing
from .hosting import BREATH, Hosting
from .ledger import Ledger, PlanReached, Policy
from .outcomes import checkpoint_of, response_of
from .passes import Handler, LateHandler, Pass, Program, Reply
from .people import People, Suspended
from .questions import Questions
from .signals import Interrupts
from .sleeping import Sleeping
from .steps import Steps

if TYPE_CHECKING:
    from ..human.requests import HumanRequest

__all__ = ["Driver"]

T = TypeVar("T")

_REMEMBERED = 100  # errors of the host that the program caught, or may yet let through

_ENDINGS = ("done", "failed")

#: Errors that the prelude raises by their class.
_OWN = {"ToolError": errors.ToolError, "ModelError": errors.ModelError}

#: Errors of the host that a program may catch; all others end it.
_CATCHABLE = (Misuse, errors.SchemaError, errors.ConversionError, errors.ToolError, errors.ModelError)


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
        self._run = run
        self._data: RunData = run._data  # noqa: SLF001 - the run is the driver's own
        self._known = known
        self._emit: Sink = sink or _ignore
        self._ledger = Ledger(journal, policy, self._emit, watched=sink is not None)
        self._host = Hosting(self._ledger, self._emit, known, limits.max_notice_bytes, program.seeded)
        self._guest = Guest(self._host, limits, expectations())
        self._interrupts = Interrupts(self._interrupt)
        self._refused: dict[int, ProcedureError] = {}
        self._refusals = 0
        self._offered = 0
        self._grown = 0
        self._now, self._later = self._handlers(Folder(program.files, limits.max_bytes))

    def _handlers(self, files: Folder) -> tuple[dict[str, Handler], dict[str, LateHandler]]:
        within = Pass(
            self._program, self._journal, self._ledger, self._host, self._people, self._guest.converter, self._data,
            self._emit, self._wait, self._save, self._check_stop, self._interrupts.raising, files,
        )  # fmt: skip
        calls = Calls(within)
        now: dict[str, Handler] = {
            **Steps(within).handlers,
            **Entering(within).handlers,
            **Filing(within).handlers,
            **calls.handlers,
            "inputs": self._inputs,
            "module": self._module,
            "arguments": self._arguments,
            "schema": self._schema,
            "outputs": self._outputs,
        }
        return now, {**Questions(within).late_handlers, **Sleeping(within).late_handlers, **calls.late_handlers}

    @property
    def key(self) -> tuple[str, int]:
        """Which journal it drives."""
        return self._journal.store.url, self._journal.row.id

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
            with self._interrupts:
                await self._drive()
        except Suspended as pause:
            self._data.until = pause.until
            self._finish("paused", pending=pause.request)
        except PlanReached:
            self._ledger.change = plan(self._ledger.change, self._ledger.planned)
            self._finish("pending")
        except errors.HumanInputRequired as error:
            self._finish("paused", error=error, pending=error.request)
        except errors.AnswerRefused as error:  # a scripted answer that does not fit: the question stays
            self._finish("paused", error=error, pending=self._data.pending)
        except (Interrupted, KeyboardInterrupt, SystemExit):
            self._finish("cancelled", pending=self._data.pending)
            raise KeyboardInterrupt from None
        except ProcedureError as error:
            self._finish("failed", error=error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, or of what a user's callable raised
            fault = ProcedureError(f"{type(error).__name__}: {error}")
            fault.__cause__ = error
            self._finish("failed", error=fault)
        except BaseException:
            self._finish("cancelled", pending=self._data.pending)
            raise
        return self._run

    def _start(self) -> None:
        self._data.status = "running"
        self._data.program = self._program.text
        self._host.recorded_stops()
        self._ledger.on_move = self._guest.kit.reset_looks if self._host.stops else None
        if not self._ledger.policy.strict:  # which may yet refuse the program, and then changes nothing
            self._save("running")
        self._emit(RunStarted(self._run))

    def _load(self) -> None:
        guest, program = self._guest, self._program
        compiled = guest.load(program.text, program.chunk, first_line=program.first_line)
        guest.kit.set_input(guest.converter.push(dict(program.inputs)))
        if program.tool_rows:
            guest.kit.set_tools(guest.converter.push(dict(program.tool_rows)))
        guest.start(compiled)

    async def _drive(self) -> None:
        self._load()
        guest, host, now = self._guest, self._host, self._now
        stops = host.stops
        host.breathed = time.monotonic()
        passed = 0
        reply: Reply = ()
        while True:
            said = guest.resume(MAIN, *reply)
            if guest.interrupted:  # the stop may have come where Lua had too little left to notice
                raise Interrupted
            if len(self._ledger.passed) != passed:
                passed = len(self._ledger.passed)
                guest.restart_clock()
            handle = now.get(said[0])
            if handle is not None:
                try:
                    reply = handle(*said[1:])
                except _CATCHABLE as error:
                    reply = self._refuse(error)
                if time.monotonic() - host.breathed > BREATH:
                    self._tell_growth()
                    await self._wait(asyncio.sleep(0))
                    host.breathed = time.monotonic()
            elif said[0] in self._later:
                self._tell_growth()
                reply = await self._answered(said)
            elif said[0] in _ENDINGS:
                self._conclude(said)
                return
            else:
                raise RuntimeError(f"the prelude asked for {said[0]!r}, which nothing answers")
            if self._offered < len(stops):
                self._offer_stops()

    async def _answered(self, said: tuple[Any, ...]) -> Reply:
        try:
            return await self._later[said[0]](*said[1:])
        except _CATCHABLE as error:
            return self._refuse(error)

    def _refuse(self, error: ProcedureError) -> Reply:
        """Raise a host's error in Lua, at the call's line; the error itself is found again if nothing catches it."""
        self._refused[self._refusals] = error
        self._refused.pop(self._refusals - _REMEMBERED, None)
        self._refusals += 1
        kind = "" if isinstance(error, Misuse) else type(error).__name__
        return ("refuse", error.message, kind, str(self._refusals - 1))

    # -- the tree ------------------------------------------------------------------------------------------

    def _tell_growth(self) -> None:
        """Tell who watches that there are more nodes; Lua rests meanwhile."""
        size = self._guest.kit.graph_size()
        if size != self._grown:
            self._grown = size
            self._emit(GraphGrew(size, self._tree))

    def _tree(self, limit: int | None = None) -> Graph:
        """The tree, or so many of its nodes: the path to the current one, then breadth first from the root."""
        kit = self._guest.kit
        if kit is None:  # the run is over
            return self._data.graph
        return Graph.read(
            self._guest.read(lambda: kit.graph_text(limit)) or "", self._guest.converter.objects, graph_bundle
        )

    # -- stopping ----------------------------------------------------------------------------------------

    async def _wait(self, awaitable: Awaitable[T]) -> T:
        with self._interrupts.lifted():
            return await awaitable

    def _check_stop(self) -> None:
        if self._guest.interrupted:
            raise Interrupted

    def _interrupt(self) -> None:
        self._guest.interrupted = True

    def ask_to_stop(self, reason: str, *, success: bool = True) -> None:
        """Ask for a stop from outside; the program sees it where it next looks at ``Stop``."""
        self._host.ask_to_stop(reason, success)
        self._ledger.on_move = self._guest.kit.reset_looks

    def _offer_stops(self) -> None:
        for number, text in enumerate(self._host.stops[self._offered :], self._offered + 1):
            self._guest.kit.offer_stop(number, *loads(text))
        self._offered = len(self._host.stops)

    # -- other texts ---------------------------------------------------------------------------------------

    def _module(self, name: str, line: int) -> Reply:
        module = self._program.modules(name)
        if module is None:
            raise Misuse(f"no module {name!r}: define a cell of that name with --define, or put {name}.lua beside it")
        self._data.modules[name] = module
        try:
            return ("value", self._guest.load(module.text, module.chunk, first_line=module.first_line))
        except errors.LuaSyntaxError as error:
            error.message, error.line = f"{module.chunk}:{error.line}: {error.message}", line
            raise

    # -- schemas -------------------------------------------------------------------------------------------

    def _inputs(self, schema: str, line: int) -> Reply:
        declared = loads(schema)
        return self._checked(declared, {**self._program.inputs, **typed_strings(declared, self._program.texts)}, line)

    def _arguments(self, schema: str, text: str, line: int) -> Reply:
        given = loads(text, self._guest.converter.objects) or {}
        if not isinstance(given, dict):
            raise Misuse("input: a table of named fields expected, got a list")
        return self._checked(loads(schema), given, line)

    def _checked(self, declared: Any, given: Mapping[str, Any], line: int) -> Reply:
        values, undeclared = check_inputs(declared, given)
        for name in undeclared:
            self._host.warn(f"the input {name!r} is not declared; it is passed on", line)
        return ("value", self._guest.converter.push(values))

    def _schema(self, schema: str) -> Reply:
        check_output_schema(loads(schema))
        return ("value",)

    def _outputs(self, schema: str, text: str, line: int) -> Reply:
        value, dropped = check_output(loads(schema), loads(text, self._guest.converter.objects))
        for name in dropped:
            self._host.warn(f"the output {name!r} is not declared; it is dropped", line)
        return ("value", self._guest.converter.push(value))

    # -- how it ended ----------------------------------------------------------------------------------------

    def _conclude(self, said: tuple[Any, ...]) -> None:
        if said[0] == "failed":
            raise self._error(*said[1:])
        self._ledger.end()
        values = loads(said[1], self._guest.converter.objects)
        self._warn_of_unused()
        for name in self._ledger.never_redone():
            self._host.warn(f"--redo {name}: no checkpoint has that name or path")
        self._data.value = None if not values else values[0] if len(values) == 1 else values
        self._finish("completed", outcome=said[1])

    def _error(self, text: str, kind: str, detail: str, line: int = 0, traceback: str = "") -> ProcedureError:
        """The error that ended the program: the host's own one where it was raised by the host."""
        value = loads(text, self._guest.converter.objects)
        program = self._program
        error = runtime_error(
            value if isinstance(value, str) else "", value, traceback, program.text, self._known,
            chunk=program.chunk, first_line=program.first_line,
        )  # fmt: skip
        error.line = error.line or line or None
        if kind and detail.isdigit() and int(detail) in self._refused:
            original = self._refused[int(detail)]
            original.line, original.message = original.line or error.line, error.message
            return original
        if kind == "ConversionError":
            return errors.ConversionError(error.message, path=detail, line=error.line)
        if kind in _OWN:
            return _OWN[kind](error.message, line=error.line)
        return error

    def _warn_of_unused(self) -> None:
        unused = self._people.unused()
        if unused:
            shown = ", ".join(json.dumps(answer, default=str, ensure_ascii=False) for answer in unused[:5])
            self._host.warn(f"{len(unused)} scripted answer{'s' * (len(unused) > 1)} nobody asked for: {shown}")

    def _finish(
        self,
        status: RunStatus,
        *,
        error: ProcedureError | None = None,
        pending: HumanRequest | None = None,
        outcome: str | None = None,
    ) -> None:
        data, ledger, host = self._data, self._ledger, self._host
        data.status, data.error, data.pending = status, error, pending
        data.change, data.replayed, data.executed = ledger.change, ledger.replayed, ledger.executed
        self._read_world()
        data.notices, data.stages, data.stages_declared = host.notices, host.stages, host.declared
        data.list_checkpoints = lambda: [checkpoint_of(each, replayed=kept) for each, kept in ledger.listing()]
        data.list_answers = lambda: [response_of(each) for each, _ in ledger.listing() if each.kind == "human"]
        data.planned = [checkpoint_of(each, replayed=False) for each in ledger.planned]
        if error is not None:
            error.run = self._run
            if error.line is not None:
                error.excerpt = mark(self._program.text, error.line, self._program.first_line)
        if not isinstance(error, (errors.DivergenceError, StoreError)):
            self._save(status, outcome=outcome, error=error)
        self._guest.close()
        self._emit(RunEnded(self._run))

    def _read_world(self) -> None:
        """What the guest's own tables hold; after an error too, as far as it can cross."""
        kit = self._guest.kit
        world = self._guest.read(kit.world_text)
        self._data.state_text = self._guest.read(kit.state_text) or "{}"
        objects = self._data.state_objects = self._guest.converter.objects
        messages = loads(self._guest.read(kit.messages_text) or "[]", objects)
        self._data.messages = [Message(**message) for message in messages]
        calls = loads(self._guest.read(kit.tool_calls_text) or "[]", objects)
        self._data.tool_calls = [ToolCall(**call) for call in calls]
        self._data.graph = self._tree()
        if world is not None:
            read = loads(world)
            self._data.iterations, self._data.stop = read["iterations"], Stop(**read["stop"])

    def _save(self, status: str, *, outcome: str | None = None, error: ProcedureError | None = None) -> None:
        if self._ledger.policy.plan:
            return
        row = self._journal.row
        row.status, row.program, row.updated = status, self._program.text, time.time()
        row.error = None if error is None else str(error)
        pending = self._data.pending
        modules = {name: [each.text, each.chunk, each.first_line] for name, each in self._data.modules.items()}
        kept = {"pending": pending.id if pending is not None else None, "modules": modules}
        row.options = dumps({**loads(row.options), **kept})
        if status == "completed":
            row.outcome, row.tail = outcome, self._ledger.frames[0].chain
        self._journal.store.save(row)


def _ignore(_: object) -> None:
    return None
