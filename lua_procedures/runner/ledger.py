"""The journal's side of a pass: what is answered from it, what runs, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ..durable.entries import Entry
from ..durable.journal import Journal
from ..durable.keys import chain_after, key_of, parts_text, root_key
from ..durable.serialization import loads
from ..errors import DivergenceError, LimitExceeded
from ..events import Changed, CheckpointFinished, CheckpointStarted, Sink
from ..fixtures.rows import CALLS
from .explaining import difference, is_new, runs_again
from .frames import Frame
from .hidden import hidden_entry
from .passed import Passed
from .policy import PlanReached, Policy
from .redoing import Redoing
from .sought import Sought

__all__ = ["SKIPPED", "Ledger"]

_DEEPEST = 100  # operations inside each other
#: Kinds that a replay does not enter.
SKIPPED: Final = frozenset({"step", "checkpoint"})
_AGENTS: Final = frozenset({"agent_turn", "model_call", "tool_call"})  # whose results those who listen may read


class Ledger:
    """What was passed and what is open in one pass.

    Args:
        journal: what was done before, and where this pass is recorded.
        policy: how to treat it.
        emit: who is told what happens.
        watched: whether anybody listens.

    Attributes:
        frames: the open frames, outermost first.
        passed: the checkpoints of this pass in the order of completion, with the line where each stands now; ``kept``
            says which were replayed.
        change: a sentence on the first checkpoint that was recorded otherwise, or None.
        planned: with ``--plan``, what is recorded from where it stopped, in path order.
        now: the run's own time, in UNIX seconds.
        replayed, executed: how many checkpoints of the outermost frame were replayed, and ran.
        cuts: the cuts that were passed.
        calls: what was passed and may have asked the world outside, or has such inside it, and was not entered; in
            order, each with the agent whose turn it was in. What a cut takes back stays here.
        redoing: what runs again although it is recorded.
    """

    def __init__(self, journal: Journal, policy: Policy, emit: Sink, *, watched: bool = True) -> None:
        self.journal = journal
        self.policy = policy
        self._emit = emit
        self._watched = watched
        self._careful = policy.keeps_to_record or bool(policy.redo)
        self.frames = [Frame(root_key(journal.row.root))]
        self.passed = Passed(journal)
        self.kept = bytearray()
        self._caught: list[Entry] = []
        self.change: str | None = None
        self.planned: list[Entry] = []
        self.now = journal.row.started
        self.replayed = 0
        self.executed = 0
        self.redoing = Redoing(journal, policy)
        self.cuts: list[Entry] = []
        self.calls: list[tuple[Entry, str]] = []

    @property
    def frame(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    @property
    def agent(self) -> str:
        """Whose turn it is, or ``""``."""
        return next((frame.name for frame in self.frames[::-1] if frame.kind == "agent_turn"), "")

    @property
    def reached(self) -> bytes:
        """The chain of the outermost frame as far as it is recorded: a failure that ends the run is not."""
        unwritten = next((entry for entry in self._caught if "/" not in entry.path), None)
        return self.frames[0].chain if unwritten is None else unwritten.prev

    # -- looking up ----------------------------------------------------------------------------------

    def key(self, kind: str, name: str, asked: str) -> bytes:
        """The key of an operation that comes next in the innermost frame."""
        return key_of(self.frames[-1].chain, kind, name, asked)

    def settled(self, key: bytes) -> int | None:
        """The place of the entry that may answer an operation beyond question: the only one.

        The common case of a replay, so it makes nothing; ``seek`` is for all others.
        """
        found = None if self.redoing.asked else self.journal.look(key)
        return None if isinstance(found, list) else found

    def seek(self, kind: str, name: str, asked: str, line: int, key: bytes | None = None) -> Sought:
        """An operation and what the journal knows of it; ``key`` where it is known already."""
        frame = self.frames[-1]
        key = key or key_of(frame.chain, kind, name, asked)
        sought = Sought(kind, name, asked, line, key, f"{frame.prefix}{frame.next}", self.journal.find(key))
        sought.variant = self.journal.times(key)
        if sought.found and self.redoing.asked:
            self.redoing.look(sought)
        return sought

    def replay(self, entry: Entry, line: int = 0, place: int | None = None) -> None:
        """Pass over a recorded operation.

        Args:
            entry: what is recorded.
            line: where it stands now, 0 where it was recorded.
            place: of the entry in the journal, where that is known.
        """
        if self._caught:
            self.settle()
        if place is None:
            place = self.journal.place_of(entry)
        if line == entry.line or not line:
            self.passed.append(place)
        else:
            self.passed.append_moved(place, line)
        self._pass(entry, line or entry.line, replayed=True)

    def replay_as(self, entry: Entry) -> None:
        """Pass over a recorded operation that was entered: what it came out with now is its program's."""
        if self._caught:
            self.settle()
        self.passed.append_own(entry)
        self._pass(entry, entry.line, replayed=True)

    def _pass(self, entry: Entry, line: int, *, replayed: bool) -> None:
        """Go on after an operation that was added to what is passed."""
        _, _, chain, path, kind, name, _, _, failed, _, _, _, started, finished, _, tail, _ = entry
        frame = self.frames[-1]
        frame.last = chain
        frame.next += 1
        if frame.entered:
            frame.note(entry)
        if kind == "step" and not failed:
            if frame.names is None:
                frame.names = {}
            frame.names[name] = len(self.kept)
        self.kept.append(replayed)
        if kind in CALLS or (replayed and tail is not None and kind in SKIPPED):
            self.calls.append((entry, self.agent))
        if len(self.kept) > self.policy.max_checkpoints:
            raise LimitExceeded(f"the run has more than {self.policy.max_checkpoints:,} checkpoints")
        self.now = max(self.now, finished)
        if len(self.frames) == 1:
            if replayed:
                self.replayed += 1
            else:
                self.executed += 1
        if self._watched:
            read = partial(_told, entry) if kind in _AGENTS else None
            self._emit(CheckpointFinished(path, kind, name, line, replayed, failed, finished - started, read))

    # -- going live ------------------------------------------------------------------------------------

    def go_live(self, sought: Sought) -> None:
        """The operation is not recorded (so): say what changed, or refuse to run it.

        Raises:
            DivergenceError: with ``--strict``.
            PlanReached: with ``--plan``.
        """
        if self._caught:
            self.settle()
        if self.journal.recorded or self.policy.keeps_to_record:
            self._explain(sought)
        if self._watched:
            self._announce()
            self._emit(CheckpointStarted(sought.path, sought.kind, sought.name, sought.line))

    def _announce(self) -> None:
        """Operations that were entered, and turn out to run: something inside them is not recorded."""
        for frame in self.frames:
            if not frame.announced:
                frame.announced = True
                self._emit(CheckpointStarted(frame.path, frame.kind, frame.name, frame.line))

    def _explain(self, sought: Sought) -> None:
        policy = self.policy
        if self.change is not None and not policy.keeps_to_record:
            return
        agent = self.agent
        before = self.journal.superseded(self.frames[-1].chain)
        sentence = difference(sought, before, agent) if before else None
        if self.redoing.asked and not sought.found and self.journal.find(sought.key):
            sentence = runs_again(sought, agent)
        if self.change is None and sentence is not None:
            self.change = sentence
            self._emit(Changed(sentence))
        if policy.strict and (sentence or self.journal.row.tail is not None):
            raise DivergenceError(
                sentence or f"{is_new(sought, agent)}; the recorded run completed without it",
                hint="Without --strict it runs, and what follows runs again.",
            )
        if policy.plan:
            self.planned = self._superseded(before)
            self.change = self.change or is_new(sought, agent)
            raise PlanReached(sought)

    def _superseded(self, before: Entry | None) -> list[Entry]:
        """An entry, what followed it, and what followed the operations that it is inside of, in path order."""
        planned = list(self.journal.tail_from(before)) if before else []
        for frame in self.frames[:0:-1]:
            around = self.journal.superseded(frame.prev)
            if around is not None and around.key == frame.key:
                entry, *rest = self.journal.tail_from(around)
                planned = [entry, *planned, *rest]
        return planned

    def begin(self, kind: str, name: str, asked: str, line: int, notices: int) -> int | None:
        """Begin a step, as most are: recorded once, or new and not inside another.

        What ``seek``, ``go_live`` and ``open`` do, in one.

        Returns:
            The place of its entry in the journal, which is still to be replayed; -1 where nothing of it can be
            recorded, and it was opened; None where it must be looked at closely.
        """
        frame, journal = self.frames[-1], self.journal
        if self.redoing.asked or (frame.names and name in frame.names):
            return None
        chain = frame.last or frame.root
        key = key_of(chain, kind, name, asked)
        found = journal.look(key)
        if found is not None:
            return None if isinstance(found, list) else found
        if self._caught or self._careful or len(self.frames) > 1 or journal.forgot(key):
            return None
        if journal.recorded and journal.superseded(chain):
            return None
        path = str(frame.next)
        self.frames.append(Frame(key, 0, frame, path, kind, name, parts_text(asked), line, notices))
        if self._watched:
            self._emit(CheckpointStarted(path, kind, name, line))
        return -1

    def open(self, sought: Sought, notices: int) -> Frame:
        """Go into a composite operation's own frame."""
        if len(self.frames) > _DEEPEST:
            raise LimitExceeded(
                f"more than {_DEEPEST} operations are inside each other",
                line=sought.line or None,
                hint="Look for a step that runs itself.",
            )
        asked = parts_text(sought.asked)
        frame = Frame(
            sought.key, sought.variant, self.frames[-1], sought.path, sought.kind, sought.name, asked, sought.line,
            notices,
        )  # fmt: skip
        self.frames.append(frame)
        return frame

    def close(
        self,
        outcome: str,
        *,
        failed: bool = False,
        effects: str | None = None,
        reads: str | None = None,
        objects: tuple[Any, ...] | None = None,
    ) -> Entry:
        """Leave the innermost frame and record its operation; a failed one waits until the program goes on."""
        if self._caught and not failed:
            self.settle()
        inner = self.frames.pop()
        chain = chain_after(inner.key, outcome, failed=failed)
        entry = Entry(
            inner.key, inner.prev, chain, inner.path, inner.kind, inner.name, inner.asked, outcome, failed,
            effects, reads, inner.line, inner.started, time.time(), None, inner.tail, objects,
        )  # fmt: skip
        self.keep(entry)
        return entry

    def record(
        self,
        sought: Sought,
        outcome: str,
        *,
        started: float,
        failed: bool = False,
        effects: str | None = None,
        usage: str | None = None,
        objects: tuple[Any, ...] | None = None,
    ) -> Entry:
        """Record a simple operation, which has no frame of its own; a failed one waits until the program goes on."""
        entry = Entry(
            sought.key, self.frames[-1].chain, chain_after(sought.key, outcome, failed=failed), sought.path,
            sought.kind, sought.name, parts_text(sought.asked), outcome, failed, effects, None, sought.line, started,
            time.time(), usage, None, objects,
        )  # fmt: skip
        self.keep(entry)
        return entry

    def adopt(self, sought: Sought, entry: Entry) -> Entry:
        """Answer an operation by what answers the same elsewhere in the run's journals; it counts as replayed."""
        self.go_live(sought)
        chain = chain_after(sought.key, entry.outcome, failed=False)
        adopted = entry._replace(
            key=sought.key, prev=self.frames[-1].chain, chain=chain, path=sought.path, line=sought.line
        )
        self.pass_over(adopted)
        return adopted

    def keep(self, entry: Entry) -> None:
        """Write what ran and pass over it; a failed one is written when the program goes on."""
        if entry.failed:
            self._caught.append(entry)
            self.passed.append_own(entry)
        else:
            self.passed.append(self.journal.append(entry))
        self.frames[-1].ran = True
        self._pass(entry, entry.line, replayed=False)

    def pass_over(self, entry: Entry) -> None:
        """Write what was answered from elsewhere in the run's journals; it counts as replayed."""
        self.passed.append(self.journal.append(entry))
        self.frames[-1].spared = True
        self._pass(entry, entry.line, replayed=True)

    def settle(self) -> None:
        """The program went on after a failure (or completed): what failed is part of what happened."""
        for entry in self._caught:
            self.journal.append(entry)
        self._caught.clear()

    # -- what takes no position --------------------------------------------------------------------------

    def hidden(self, kind: str, name: str, compute: Callable[[], str], *, asked: str = "") -> str:
        """The recorded outcome of something that takes no position; computed and recorded the first time."""
        outcome = self.peek(kind, name, asked=asked)
        if outcome is None:
            outcome = compute()
            chain = self._place_of(kind)
            self.write(hidden_entry(key_of(chain, kind, name, asked), chain, kind, name, asked=asked, outcome=outcome))
        return outcome

    def peek(self, kind: str, name: str, *, asked: str = "") -> str | None:
        """The recorded outcome of something that takes no position, if it is recorded here."""
        found = self.journal.find(key_of(self._place_of(kind), kind, name, asked))
        return found[0].outcome if found else None

    def _place_of(self, kind: str) -> bytes:
        # a step's clock is drawn once for the whole step, wherever in it the program first looks
        return self.frame.root if kind == "clock" else self.frame.chain

    def write(self, entry: Entry) -> bool:
        """Write an entry that takes no position; False where the policy lets nothing be written."""
        # with --strict a program that is refused must have changed nothing
        if self.policy.keeps_to_record:
            return False
        self.journal.append(entry)
        return True

    # -- the end -----------------------------------------------------------------------------------------

    def rest(self) -> None:
        """The pass is over: take little memory from now on."""
        self.frames = self.frames[:1]
        self.frames[0].names = None
        self.journal.rest()

    def end(self) -> None:
        """The program completed: what its cuts forgot stays forgotten, and the next run meets them anew.

        Raises:
            DivergenceError: with ``--strict``, where the recorded run had completed elsewhere.
        """
        tail = self.journal.row.tail
        if self.policy.strict and tail is not None and tail != self.frames[0].chain:
            raise DivergenceError(
                "the program ends earlier than the recorded run",
                hint="Without --strict the recorded rest is kept as history.",
            )
        self.settle()
        if self.cuts:
            self.write(hidden_entry(b"end", b"", "end", "", outcome=" ".join(cut.key.hex() for cut in self.cuts)))


def _told(entry: Entry) -> Any:
    """An entry's result, or its error."""
    value = loads(entry.outcome, entry.objects or ())
    return value["value"] if entry.failed else value
