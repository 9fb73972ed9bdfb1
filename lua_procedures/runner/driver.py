"""One pass of a program, from the top: resumes it and dispatches what it asks, until it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .. import errors
from ..durable.entries import Entry
from ..durable.journal import Journal, digest, parts_text
from ..durable.serialization import dumps, loads
from ..errors import ProcedureError, StoreError
from ..events import Answered, Asked, RunEnded, RunStarted, Sink
from ..human.requests import HumanRequest, HumanResponse
from ..language.diagnostics import mark, runtime_error
from ..language.runtime import MAIN, Guest, Interrupted
from ..limits import Limits
from ..primitives.human import Misuse, build_request
from ..program import check_inputs, check_output
from ..runs import Checkpoint, Run, RunData, Stop
from .hosting import Hosting
from .ledger import Ledger, PlanReached, Policy, Sought
from .people import People, Suspended
from .signals import Interrupts

__all__ = ["Driver", "Program"]

T = TypeVar("T")

_BREATH = 0.05  # seconds after which a pass lets the event loop turn
_SLICE = 0.1  # seconds; a longer await would keep the stop button waiting

#: Errors of the host that a program may catch; all others end it.
_CATCHABLE = (Misuse, errors.SchemaError, errors.ConversionError, errors.ToolError, errors.ModelError)


@dataclass(frozen=True)
class Program:
    """What is run.

    Attributes:
        text: the Lua.
        chunk: its name in messages.
        first_line: the line number of its first line.
        inputs: plain data by name.
    """

    text: str
    chunk: str = "cell"
    first_line: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)


class Driver:
    """Drives one pass.

    Args:
        program: what is run.
        journal: what was done before; None of it is changed with ``policy.plan``.
        people: who answers.
        run: the run that users hold; it is brought up to date as the pass goes on.
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
        self.program = program
        self.journal = journal
        self.people = people
        self.run = run
        self.data: RunData = run._data  # noqa: SLF001 - the run is the driver's own
        self._known = known
        self._emit: Sink = sink or _ignore
        self.ledger = Ledger(journal, policy, self._emit, watched=sink is not None)
        self.host = Hosting(self.ledger, self._emit, known, limits.max_notice_bytes)
        self.guest = Guest(self.host, limits)
        self.ledger.on_move = self.guest.kit.reset_looks if journal.recorded else _nothing
        self._push = self.guest.converter.push
        self._pack = self.guest.converter.pack
        self._refused: list[ProcedureError] = []
        self._interrupts = Interrupts(self._interrupt)
        self._sought: Sought | None = None
        self._offered = 0
        self._now: dict[str, Callable[..., tuple[Any, ...]]] = {
            "begin": self._begin,
            "reads": self._reads,
            "end": self._end,
            "fail": self._fail,
            "query": self._query,
            "cut": self._cut,
            "inputs": self._inputs,
            "outputs": self._outputs,
        }
        self._later: dict[str, Callable[..., Awaitable[tuple[Any, ...]]]] = {
            "human": self._human,
            "sleep": self._sleep,
        }

    # -- the pass ----------------------------------------------------------------------------------------

    async def drive(self) -> Run:
        """Run the program to its end, its pause or its error; the run says which.

        Returns:
            The run; ``run.error`` carries what ended it.

        Raises:
            KeyboardInterrupt: the person pressed stop while Lua ran.
            asyncio.CancelledError: the pass was cancelled while it waited.
        """
        self._start()
        try:
            with self._interrupts:
                await self._drive()
        except Suspended as pause:
            self._finish("paused", pending=pause.request)
        except PlanReached:
            self._finish("pending")
        except errors.HumanInputRequired as error:
            self._finish("paused", error=error, pending=error.request)
        except (Interrupted, KeyboardInterrupt):
            self._finish("cancelled")
            raise KeyboardInterrupt from None
        except asyncio.CancelledError:
            self._finish("cancelled", pending=self.data.pending)
            raise
        except ProcedureError as error:
            self._finish("failed", error=error)
        except BaseException:
            self._finish("cancelled")
            raise
        return self.run

    def _start(self) -> None:
        self.data.status = "running"
        self.data.program = self.program.text
        self.host.recorded_stops()
        self._save("running")
        self._emit(RunStarted(self.run))

    async def _drive(self) -> None:
        compiled = self.guest.load(self.program.text, self.program.chunk, first_line=self.program.first_line)
        self.guest.kit.set_input(self._push(dict(self.program.inputs)))
        self.guest.start(compiled)
        resume, now = self.guest.resume, self._now
        reply: tuple[Any, ...] = ()
        breathed = time.monotonic()
        while True:
            said = resume(MAIN, *reply)
            handle = now.get(said[0])
            if handle is not None:
                try:
                    reply = handle(*said[1:])
                except _CATCHABLE as error:
                    reply = self._refuse(error)
                if time.monotonic() - breathed > _BREATH:
                    await self._wait(asyncio.sleep(0))
                    breathed = time.monotonic()
            elif said[0] in self._later:
                reply = await self._answer_later(said)
            else:
                self._conclude(said)
                return
            if self._offered < len(self.host.stops):
                self._offer_stops()

    async def _answer_later(self, said: tuple[Any, ...]) -> tuple[Any, ...]:
        try:
            return await self._later[said[0]](*said[1:])
        except _CATCHABLE as error:
            return self._refuse(error)

    async def _wait(self, awaitable: Awaitable[T]) -> T:
        with self._interrupts.lifted():
            return await awaitable

    def _interrupt(self) -> None:
        self.guest.interrupted = True

    def _offer_stops(self) -> None:
        for number, text in enumerate(self.host.stops[self._offered :], self._offered + 1):
            self.guest.kit.offer_stop(number, *loads(text))
        self._offered = len(self.host.stops)

    def _refuse(self, error: ProcedureError) -> tuple[Any, ...]:
        """Raise a host's error in Lua, at the call's line; the error itself is found again if nothing catches it."""
        self._refused.append(error)
        return ("refuse", error.message, type(error).__name__, str(len(self._refused)))

    # -- how it ended ------------------------------------------------------------------------------------

    def _conclude(self, said: tuple[Any, ...]) -> None:
        if said[0] == "failed":
            raise self._error(*said[1:])
        self.ledger.check_end()
        self.ledger.settle()
        values = loads(said[1], self.guest.converter.objects)
        self._warn_of_unused()
        self.ledger.end()
        self.data.value = None if not values else values[0] if len(values) == 1 else values
        self._finish("completed", outcome=said[1])

    def _error(self, text: str, kind: str, detail: str, line: int = 0, traceback: str = "") -> ProcedureError:
        value = loads(text, self.guest.converter.objects)
        message = value if isinstance(value, str) else ""
        source = self.program.text
        error = runtime_error(
            message, value, traceback, source, self._known, chunk=self.program.chunk, first_line=self.program.first_line
        )
        if error.line is None and line:
            error.line = line
        if kind and detail.isdigit() and int(detail) <= len(self._refused):
            original = self._refused[int(detail) - 1]
            original.line = original.line or error.line
            original.message = error.message
            return original
        if kind == "ConversionError":
            return errors.ConversionError(error.message, path=detail, line=error.line)
        return error

    def _warn_of_unused(self) -> None:
        unused = self.people.unused()
        if unused:
            shown = ", ".join(json.dumps(answer, default=str) for answer in unused[:5])
            self.host.warn(f"{len(unused)} scripted answer{'s' * (len(unused) > 1)} nobody asked for: {shown}")

    def _finish(
        self,
        status: Any,
        *,
        error: ProcedureError | None = None,
        pending: HumanRequest | None = None,
        outcome: str | None = None,
    ) -> None:
        data, ledger = self.data, self.ledger
        data.status, data.error, data.pending = status, error, pending
        data.change, data.replayed, data.executed = ledger.change, ledger.replayed, ledger.executed
        data.notices, data.stages, data.stages_declared = self.host.notices, self.host.stages, self.host.declared
        self._read_world()
        listing = ledger.listing
        objects = self.guest.converter.objects
        data.list_checkpoints = lambda: [_checkpoint(entry, replayed, objects) for entry, replayed in listing()]
        data.answers = [_response(entry) for entry, _ in listing() if entry.kind == "human"]
        if error is not None:
            error.run = self.run
            if error.line is not None:
                error.excerpt = mark(self.program.text, error.line, self.program.first_line)
        if not isinstance(error, (errors.DivergenceError, StoreError)):
            self._save(status, outcome=outcome, error=error)
        self.guest.close()
        self._emit(RunEnded(self.run))

    def _read_world(self) -> None:
        """What the guest's own tables hold; after an error too, as far as it can cross."""
        for name, take in (("state_text", self._take_state), ("world_text", self._take_world)):
            try:
                take(getattr(self.guest.kit, name)())
            except Exception as error:  # noqa: BLE001, PERF203 - the run's own end must not be lost to this
                self.host.warn(f"State could not be read: {error}")

    def _take_state(self, text: str) -> None:
        self.data.state_text = text

    def _take_world(self, text: str) -> None:
        world = loads(text)
        self.data.iterations = world["iterations"]
        self.data.stop = Stop(**world["stop"])

    def _save(self, status: str, *, outcome: str | None = None, error: ProcedureError | None = None) -> None:
        if self.ledger.policy.plan:
            return
        row = self.journal.row
        row.status, row.program, row.updated = status, self.program.text, time.time()
        row.error = None if error is None else str(error)
        if status == "completed":
            row.outcome, row.tail = outcome, self.ledger.frames[0].chain
        self.journal.store.save(row)

    # -- composites: steps ---------------------------------------------------------------------------------

    def _begin(self, kind: str, name: str, asked: str, line: int, unchecked: str | None) -> tuple[Any, ...]:
        frame = self.ledger.frames[-1]
        seen = frame.names.get(name) if kind == "step" else None
        if seen is not None:
            return self._again(asked, line, seen)
        sought = self.ledger.seek(kind, name, asked, line)
        self._sought = sought
        if sought.found:
            return self._choose(sought)
        return self._run_live(sought, unchecked)

    def _again(self, asked: str, line: int, before: Entry) -> tuple[Any, ...]:
        """A step's name is used a second time in its frame."""
        shown = json.dumps(before.name, ensure_ascii=False)
        if parts_text(asked) != before.asked:
            raise Misuse(
                f"the name {shown} is taken in line {before.line} by another function (or other captures); "
                f"a step's name is unique"
            )
        self.host.warn(f"step {shown} is there twice and does the same: its result is taken, it does not run", line)
        return self._outcome(before)

    def _choose(self, sought: Sought) -> tuple[Any, ...]:
        """The recorded entry that fits; where entries depend on State, Lua says what State holds now."""
        newest = sought.found[0]
        if newest.reads is None:
            return self._replay(sought, newest)
        keys = list(dict.fromkeys(key for entry in sought.found for key in loads(entry.reads or "{}")))
        return ("check", self._push(keys))

    def _reads(self, text: str) -> tuple[Any, ...]:
        sought = self._sought
        assert sought is not None  # noqa: S101 - Lua answers what `_choose` asked
        keys = list(dict.fromkeys(key for entry in sought.found for key in loads(entry.reads or "{}")))
        now = dict(zip(keys, map(_read_digest, loads(text)), strict=True))
        for entry in sought.found:
            if all(now[key] == read for key, read in loads(entry.reads or "{}").items()):
                return self._replay(sought, entry)
        sought.found = []
        return self._run_live(sought, None)

    def _run_live(self, sought: Sought, unchecked: str | None) -> tuple[Any, ...]:
        self.ledger.go_live(sought)
        if unchecked:
            self.host.warn(f"{sought.kind} {json.dumps(sought.name)}: not checked for changes: {unchecked}", sought.line)
        self.ledger.open(sought, len(self.host.notices))
        return ("run",)

    def _replay(self, sought: Sought, entry: Entry) -> tuple[Any, ...]:
        self.ledger.replay(entry)
        if entry.kind == "step" and not entry.failed:
            self.ledger.frames[-1].names[entry.name] = entry
        outcome = self._outcome(entry)
        if entry.effects is None:
            return outcome
        effects = self.host.put_back(loads(entry.effects, entry.objects or ()))
        return ("replay", self._push(effects), self._pack(outcome))

    def _outcome(self, entry: Entry) -> tuple[Any, ...]:
        value = loads(entry.outcome, entry.objects or ())
        if entry.failed:
            return ("raise", self._push(value["value"]), value["class"], value["detail"])
        return ("value", *map(self._push, value))

    def _end(self, text: str, effects: str | None, reads: str | None, copied: bool) -> tuple[Any, ...]:  # noqa: FBT001 - from Lua
        text, effects, objects = self._portable(text, self._with_notices(effects))
        entry = self.ledger.close(text, effects=effects, reads=_read_digests(reads), objects=objects)
        if entry.kind == "step":
            self.ledger.frames[-1].names[entry.name] = entry
        copies = self._copies(effects)
        if not copied:
            return ("value", copies)
        return ("value", copies, *map(self._push, loads(text, objects or ())))

    def _fail(
        self, text: str, effects: str | None, reads: str | None, kind: str, detail: str
    ) -> tuple[Any, ...]:
        outcome = f'{{"value":{text},"class":{json.dumps(kind)},"detail":{json.dumps(detail)}}}'
        outcome, effects, objects = self._portable(outcome, self._with_notices(effects))
        self.ledger.close(outcome, failed=True, effects=effects, reads=_read_digests(reads), objects=objects)
        return ("raise", self._copies(effects), self._push(loads(outcome, objects or ())["value"]), kind, detail)

    def _with_notices(self, effects: str | None) -> str | None:
        """Effects and what was shown inside, which a replay shows again."""
        shown = self.host.notices[self.ledger.frames[-1].notices_from :]
        if not shown:
            return effects
        listed = loads(effects) if effects else []
        return dumps([*listed, *(["notice", notice.model_dump()] for notice in shown)])

    def _portable(self, text: str, effects: str | None) -> tuple[str, str | None, tuple[Any, ...] | None]:
        """Texts whose handles count from 0 and stand for the entry's own objects."""
        known = self.guest.converter.objects
        if not known or ('"handle"' not in text and '"handle"' not in (effects or "")):
            return text, effects, None
        objects: list[Any] = []
        text = dumps(loads(text, known), objects)
        if effects is not None:
            effects = dumps(loads(effects, known), objects)
        return text, effects, tuple(objects) or None

    def _copies(self, effects: str | None) -> Any:
        """The recorded copies of tables put into State, by the effect's place; None where there are none."""
        if effects is None or ("{" not in effects and "[" not in effects[2:]):
            return None
        return self._push([effect if effect[0] != "notice" else False for effect in loads(effects)])

    # -- the journal, asked by the program --------------------------------------------------------------------

    def _query(self, what: str, which: str | int) -> tuple[Any, ...]:
        def look() -> str:
            entry = self.ledger.known(which)
            if what == "exists":
                return json.dumps(entry is not None)
            if entry is None or entry.failed:
                return "[]"
            return entry.outcome if entry.kind in ("step", "checkpoint") else f"[{entry.outcome}]"

        self.ledger.settle()
        found = loads(self.ledger.hidden("query", what, look, asked=repr(which)))
        if what == "exists":
            return ("value", found)
        return ("value", *map(self._push, found))

    def _cut(self, which: str | int) -> tuple[Any, ...]:
        self.ledger.settle()
        self.ledger.cut(which, 0)
        return ("value",)

    # -- schemas -------------------------------------------------------------------------------------------------

    def _inputs(self, schema: str, line: int) -> tuple[Any, ...]:
        values, undeclared = check_inputs(loads(schema), self.program.inputs)
        for name in undeclared:
            self.host.warn(f"the input {name!r} is not declared; it is passed on", line)
        return (self._push(values),)

    def _outputs(self, schema: str, text: str, line: int) -> tuple[Any, ...]:
        value, dropped = check_output(loads(schema), loads(text, self.guest.converter.objects))
        for name in dropped:
            self.host.warn(f"the output {name!r} is not declared; it is dropped", line)
        return (self._push(value),)

    # -- people ------------------------------------------------------------------------------------------------------

    async def _human(self, kind: str, text: str, line: int) -> tuple[Any, ...]:
        options = loads(text, self.guest.converter.objects)
        draft = build_request(kind, options, self.host.hitl, id="", asked_at=time.time(), line=line)
        sought = self.ledger.seek("human", draft.message, _asked_of(draft), line)
        entry = next((each for each in sought.found if self._counts(each)), None)
        if entry is not None:
            self.ledger.replay(entry)
            return ("value", self._push(loads(entry.outcome, entry.objects or ())))
        self.ledger.go_live(sought)
        request = draft.model_copy(update={"id": f"{sought.key.hex()[:12]}{sought.variant or ''}"})
        response = await self._response(request)
        entry = self.ledger.record(
            sought, dumps(response.value), started=request.asked_at, effects=dumps(response.model_dump(exclude={"value"}))
        )
        self.people.settle(response)
        self.data.pending = None
        self._emit(Answered(request, response))
        return ("value", self._push(loads(entry.outcome)))

    def _counts(self, entry: Entry) -> bool:
        """Whether a recorded answer counts: one that ``--answers default`` took does only with that option."""
        if self.ledger.policy.takes_defaults or entry.effects is None:
            return True
        answer = loads(entry.effects)
        return not (answer["timed_out"] and answer["channel"] == "default")

    async def _response(self, request: HumanRequest) -> HumanResponse:
        request, response = self.people.kept(request)
        self.data.pending = request
        if response is None:
            response = self.people.immediate(request)
        if response is not None:
            return response
        unanswerable = self.people.cannot_wait(request, self.run.name)
        if unanswerable is not None:
            raise unanswerable
        self.data.status = "paused"
        self._save("paused")
        self._emit(Asked(request))
        response = await self._wait(self.people.answer(request))
        self.data.status = "running"
        return response

    # -- time ----------------------------------------------------------------------------------------------------------

    async def _sleep(self, seconds: float, line: int) -> tuple[Any, ...]:
        sought = self.ledger.seek("sleep", "", f"seconds\x1f{seconds!r}", line)
        if sought.found:
            self.ledger.replay(sought.found[0])
            return ("value",)
        self.ledger.go_live(sought)
        started = time.time()
        stored = self.journal.store.ask(self.journal.row.id, f"sleep-{sought.key.hex()}", dumps({"until": started + seconds}))
        until = loads(stored.request)["until"]
        if until > started and not self.people.wait:
            raise Suspended(until=until)
        while (rest := until - time.time()) > 0:
            await self._wait(asyncio.sleep(min(rest, _SLICE)))
        self.ledger.record(sought, "null", started=started)
        self.journal.store.answer(self.journal.row.id, stored.id, "null")
        return ("value",)


def _ignore(_: object) -> None:
    return None


def _nothing() -> None:
    return None


def _read_digest(text: str) -> str:
    return text if len(text) <= 32 else "#" + digest(text)


def _read_digests(reads: str | None) -> str | None:
    return None if reads is None else dumps({key: _read_digest(text) for key, text in loads(reads).items()})


def _asked_of(request: HumanRequest) -> str:
    """What makes a question the same question: its content, not when or where it is asked."""
    content = request.model_dump(exclude={"id", "asked_at", "expires_at", "line"}, exclude_defaults=True)
    return "\x1e".join(f"{key}\x1f{json.dumps(content[key], sort_keys=True, default=repr)}" for key in sorted(content))


def _response(entry: Entry) -> HumanResponse:
    return HumanResponse(value=loads(entry.outcome, entry.objects or ()), **loads(entry.effects or "{}"))


def _checkpoint(entry: Entry, replayed: bool, objects: Sequence[Any]) -> Checkpoint:  # noqa: FBT001 - internal
    value = loads(entry.outcome, entry.objects or objects)
    error = None
    if entry.failed:
        error = value["value"] if isinstance(value["value"], str) else dumps(value["value"])
        value = None
    elif entry.kind in ("step", "checkpoint"):
        value = None if not value else value[0] if len(value) == 1 else value
    return Checkpoint(
        position=int(entry.path.rpartition("/")[2]),
        path=entry.path,
        kind=entry.kind,
        name=entry.name,
        value=value,
        error=error,
        line=entry.line or None,
        replayed=replayed,
        duration_seconds=max(0.0, entry.finished - entry.started),
    )

