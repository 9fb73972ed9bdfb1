"""What Lua calls on its way without suspending: notices, time, chance, stages, stops.

Answers are integers or None. A ``ProcedureError`` raised here ends the program and cannot be caught in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from ..durable.serialization import dumps, loads, only_scalar
from ..errors import LimitExceeded, LuaRuntimeError
from ..events import Noticed, Sink, StageMoved, StagesDeclared, StopRequested
from ..language.hints import suggestion, unknown_name_hint
from ..language.slips import slip_of
from ..primitives.notices import notice_from, notice_options
from ..runs import Notice, StageMove
from .ledger import Ledger
from .spending import Spending

__all__ = ["BREATH", "Hosting"]

BREATH = 0.05  # seconds after which a pass lets the event loop turn

_LONGEST = 1000  # characters of a warning of ours
_LONG = 50_000  # characters of a result that is given with the memory limit on again
_OVERHEAD = 100  # bytes that a notice counts at least: an empty one takes memory too

Level = Literal["debug", "info", "warning", "error", "critical"]


@dataclass
class Hosting:
    """The host of one pass.

    Attributes:
        known: the names of all primitives, for "did you mean".
        max_notice_bytes: all that a run may show.
        notices, stages, declared: what the program showed and did so far.
        seeded: whether the user gave the run's seed.
        hitl: the ``Hitl`` declarations by key.
        stops: stops asked for from outside, as JSON texts of ``[reason, success]``.
        offered: how many of these Lua knows.
        breathed: the monotonic time at which the event loop last turned.
        spending: the model calls that were passed.
        on_look: given the run's own time where the program asks for it, gives the time that it sees.
    """

    ledger: Ledger
    emit: Sink
    known: Collection[str]
    max_notice_bytes: int
    seeded: bool = False
    spending: Spending = field(kw_only=True)
    notices: list[Notice] = field(default_factory=list)
    stages: list[StageMove] = field(default_factory=list)
    declared: tuple[str, ...] = ()
    hitl: dict[str, dict[str, Any]] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    offered: int = 0
    breathed: float = 0.0
    on_look: Callable[[int], int] | None = None
    _shown: int = 0
    _waiting: str | None = None
    _looks: int = 0
    _looked_from: bytes = b""

    # -- notices ---------------------------------------------------------------------------------------

    def notice(self, kind: str, text: str, line: int) -> int:
        """Show something; 1 when the run has shown more than it may."""
        self._count(len(text) + _OVERHEAD, line)
        notice = notice_from(kind, loads(text), line)
        self.show(notice)
        if notice.fields:
            primitive, known = notice_options(kind)
            for name in notice.fields:
                self._warn_of_slip(primitive, name, known, line)
        return 0

    def _count(self, size: int, line: int | None) -> None:
        self._shown += size
        if self._shown > self.max_notice_bytes:
            raise LimitExceeded(
                f"the run shows more than {self.max_notice_bytes / 1e6:g} MB of notices",
                line=line or None,
                hint="Print less, or raise limits max_notice_bytes.",
            )

    def show(self, notice: Notice) -> None:
        """Add a notice to the run."""
        self.notices.append(notice)
        self.emit(Noticed(notice))

    def warn(self, message: str, line: int | None = None, level: Level = "warning") -> None:
        """A notice of our own; it counts like those of the program."""
        message = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
        self._count(len(message) + _OVERHEAD, line)
        self.show(Notice(kind="warning", level=level, message=message, line=line or None))

    def warn_once(self, message: str, line: int) -> None:
        """A notice of our own, but for what the run was told of this line already."""
        if not any(each.line == (line or None) and each.message == message for each in self.notices):
            self.warn(message, line)

    def remark(self, message: str, line: int) -> None:
        """A notice of our own that is no warning."""
        self.warn(message, line, "info")

    def unknown_global(self, name: str, line: int) -> None:
        """A global that is not defined was read: nil, and one warning that names what is close."""
        hint = unknown_name_hint(name, self.known)
        self.warn(f"the global '{name}' is not defined and reads as nil{f'. {hint}' if hint else ''}", line)

    def unknown_field(self, said: str, name: str, known: str, line: int) -> None:
        """A declaration has a field without a meaning: a warning, which names what is close."""
        near = suggestion(name, known.split("\x1f"))
        self.warn_once(f"{said} {name} is ignored{f'. {near}' if near else ''}", line)

    def unknown_key(self, primitive: str, name: str, known: str, line: int) -> None:
        """A key of the program's own: a warning where it is a slip, once for all calls."""
        self._warn_of_slip(primitive, name, known.split("\x1f"), line)

    def _warn_of_slip(self, primitive: str, name: str, known: Iterable[str], line: int) -> None:
        meant = slip_of(name, known)
        message = f"{primitive}: unknown field '{name}'; did you mean '{meant}'?"
        if meant is not None and all(each.message != message for each in self.notices):
            self.warn(message, line)

    def put_back(self, effects: list[Any]) -> list[Any]:
        """Show the notices of a replayed operation again; what is left is for Lua."""
        rest = []
        for effect in effects:
            if effect[0] == "notice":
                self.show(Notice.model_validate(effect[1]))
            else:
                rest.append(effect)
        return rest

    # -- stages and stops ------------------------------------------------------------------------------

    def stages_declared(self, names: str) -> None:
        """``Stages{…}``; names are separated by the ASCII unit separator."""
        self._count(len(names) + _OVERHEAD, None)
        self.declared = tuple(names.split("\x1f"))
        self.emit(StagesDeclared(self.declared))

    def stage_moved(self, name: str, timestamp: float) -> None:
        """The current stage changed; moves count like notices, for they are kept like them."""
        self._count(len(name) + _OVERHEAD, None)
        before = self.stages[-1].to_stage if self.stages else None
        self.stages.append(StageMove(from_stage=before, to_stage=name, timestamp=timestamp))
        self.emit(StageMoved(before, name))

    def stop_requested(self, reason: str, success: bool) -> None:  # noqa: FBT001 - called by Lua
        """The program (or what it looked at) asked for a stop; the run reads it from Lua at its end."""
        self.emit(StopRequested(reason, success, seen=True))

    def recorded_stops(self) -> None:
        """Know the stops that the journal holds, so that a replay meets them again."""
        for entry in self.ledger.journal.hidden("stop"):
            self._number(entry.outcome)

    def ask_to_stop(self, reason: str, success: bool) -> None:  # noqa: FBT001 - as in Lua
        """Ask for a stop from outside; it counts from where the program next looks."""
        self._waiting = dumps([reason, success])
        self._number(self._waiting)
        self.emit(StopRequested(reason, success, seen=False))

    def _number(self, outcome: str) -> int:
        if outcome not in self.stops:
            self.stops.append(outcome)
        return self.stops.index(outcome) + 1

    def poll_stop(self) -> int:
        """The number of the outside stop that this look sees (it is offered to Lua beforehand), or 0.

        Looks are counted from where the chain last moved, so that a replay counts alike.
        """
        chain = self.ledger.frame.chain
        self._looks = self._looks + 1 if chain == self._looked_from else 1
        self._looked_from = chain
        if not self.offered:
            return 0
        looks = str(self._looks)
        outcome = self.ledger.peek("stop", looks)
        if outcome is None and self._waiting is not None and self.offered == len(self.stops):
            waiting, self._waiting = self._waiting, None
            outcome = self.ledger.hidden("stop", looks, lambda: waiting)
        return 0 if outcome is None else self._number(outcome)

    # -- programs ----------------------------------------------------------------------------------------

    def declare_hitl(self, key: str, text: str) -> None:
        """``Hitl("key", {…})``."""
        self._count(len(text) + _OVERHEAD, None)
        options = loads(text)
        self.hitl[key] = options if isinstance(options, dict) else {}

    def captured_changed(self, message: str, name: str) -> None:
        """A step changed what it captured: on replay that change would be missing."""
        raise LuaRuntimeError(
            message,
            line=self.ledger.frame.line or None,
            hint=f"A replayed step does not run, so '{name}' would keep its old value: return the value from the step "
            f"instead, or keep it in State.",
        )

    def next_position(self) -> int:
        """The position that the next operation of this frame takes."""
        return self.ledger.frame.next

    def step_position(self, depth: int) -> int:
        """The position at that depth, from 0, in the path of the innermost step that is open; -1 beyond its end."""
        path = next((frame.path for frame in self.ledger.frames[::-1] if frame.is_step()), "")
        positions = path.split("/") if path else []
        return int(positions[depth]) if depth < len(positions) else -1

    # -- steps -------------------------------------------------------------------------------------------

    def begin_step(self, kind: str, name: str, asked: str, line: int) -> bool | str | int | float | None:
        """Begin a step, as most are: new, or recorded beyond question.

        Returns:
            True where it runs; its result where that is recorded and a string or number, or None where it is recorded
            that it returned nothing; False where it must be looked at closely. Now and then the event loop must turn;
            then, too, the answer is False.
        """
        if time.monotonic() - self.breathed > BREATH:
            return False
        ledger = self.ledger
        place = ledger.begin(kind, name, asked, line, len(self.notices))
        if place is None:
            return False
        if place < 0:
            return True
        entry = ledger.journal.entries[place]
        if entry.failed or entry.effects is not None or entry.reads is not None or len(entry.outcome) > _LONG:
            return False
        value = only_scalar(entry.outcome)
        if value is None and entry.outcome != "[]":
            return False
        ledger.replay(entry, line, place)
        return value

    def end_step(self, text: str) -> bool:
        """Record a step that returned a scalar and did nothing else; False where it showed something."""
        ledger = self.ledger
        if ledger.frames[-1].notices_from != len(self.notices):
            return False
        ledger.close(text)
        return True

    # -- tokens ------------------------------------------------------------------------------------------

    def tokens_over(self, granted: int) -> int:
        """How many tokens the run has spent, where a person decides whether it goes on; else 0.

        Args:
            granted: how many it had spent when a person last let it go on.
        """
        limit = self.ledger.policy.max_tokens
        if limit is None:
            return 0
        spent = self.spending.tokens
        return spent if spent >= limit * (granted // limit + 1) else 0

    def refuse_tokens(self, spent: int) -> int:
        """A person let the run not go on beyond so many tokens; 1 where an earlier run was told so: it asks again."""
        if self.ledger.kept[-1]:
            return 1
        raise LimitExceeded(
            f"the run has spent {spent:,} tokens, and nobody let it go on",
            hint="Raise --max-tokens, or run it again and say yes.",
        )

    # -- time and chance ---------------------------------------------------------------------------------

    def now(self) -> int:
        """The time in microseconds: the run's own, or in a step the real one from its drawn start on."""
        ledger = self.ledger
        frame = ledger.frame
        if not frame.is_step():
            return int(ledger.now * 1e6)
        if frame.clock is None:
            frame.clock = float(ledger.hidden("clock", "", lambda: repr(time.time())))
            frame.asked_at = time.monotonic()
        return int((frame.clock + time.monotonic() - frame.asked_at) * 1e6)

    def looked_at(self) -> int:
        """The time as a program asks for it: as ``now``, or outside a step that of the fixture which is replayed."""
        now = self.now()
        return now if self.on_look is None or self.ledger.frame.is_step() else self.on_look(now)

    def elapsed(self) -> int:
        """Microseconds since the run was started, on the same clock as ``now``."""
        return self.now() - int(self.ledger.journal.row.started * 1e6)

    def seed(self) -> int:
        """The seed of the innermost frame's random numbers, as a signed 64-bit integer.

        A seed that the user gave repeats all draws, whatever a person answered and when. Otherwise what runs again
        because something before it changed draws other numbers.
        """
        frame = self.ledger.frame
        drawn_for = frame.place if self.seeded else frame.root
        seed = self.ledger.journal.row.seed.to_bytes(8, "little", signed=True)
        return int.from_bytes(blake2b(drawn_for, digest_size=8, key=seed).digest(), "little", signed=True)
