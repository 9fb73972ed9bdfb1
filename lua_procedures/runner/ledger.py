"""The journal's side of a pass: what is answered from it, what runs, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ..durable.entries import Entry
from ..durable.journal import Journal, chain_after, key_of, parts_text, root_key
from ..durable.serialization import loads
from ..errors import DivergenceError, LimitExceeded
from ..events import Changed, CheckpointFinished, CheckpointStarted, Sink
from ..fixtures.rows import CALLS
from .explaining import difference, is_new, runs_again
from .frames import Frame
from .hidden import hidden_entry
from .policy import PlanReached, Policy
from .redoing import Redoing
from .sought import Sought

__all__ = ["Ledger"]

_DEEPEST = 100  # operations inside each other
_SKIPPED: Final = ("step", "checkpoint")  # kinds that a replay does not enter
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
        passed: the checkpoints of this pass in the order of completion; ``kept`` says which were replayed.
        change: a sentence on the first checkpoint that was recorded otherwise, or None.
        planned: with ``--plan``, what is recorded from where it stopped, in path order.
        now: the run's own time, in UNIX seconds.
        replayed, executed: how many checkpoints of the outermost frame were replayed, and ran.
        moved: path → the line in which a replayed checkpoint was recorded, where it stands elsewhere now.
        cuts: the cuts that were passed.
        calls: what was passed and may have asked the world outside, or has such inside it, and was not entered; in
            order, each with the agent whose turn it was in. What a cut takes back stays here.
        redoing: what runs again although it is recorded.
        on_move: called when an operation was passed.
    """

    def __init__(self, journal: Journal, policy: Policy, emit: Sink, *, watched: bool = True) -> None:
        self.journal = journal
        self.policy = policy
        self._emit = emit
        self._watched = watched
        self._careful = policy.strict or policy.plan or bool(policy.redo)
        self.frames = [Frame(root_key(journal.row.root))]
        self.passed: list[Entry] = []
        self.kept = bytearray()
        self._caught: list[Entry] = []
        self.change: str | None = None
        self.planned: list[Entry] = []
        self.now = journal.row.started
        self.replayed = 0
        self.executed = 0
        self.redoing = Redoing(journal, policy, self.write)
        self.moved: dict[str, int] = {}
        self.cuts: list[Entry] = []
        self.calls: list[tuple[Entry, str]] = []
        self.on_move: Callable[[], object] | None = None

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

    def settled(self, key: bytes) -> Entry | None:
        """The entry that answers an operation beyond question: the only one, which depends on nothing else.

        The common case of a replay, so it makes nothing; ``seek`` is for all others.
        """
        if self.redoing.names:
            return None
        found = self.journal.only(key)
        return found if found is not None and found.reads is None else None

    def seek(self, kind: str, name: str, asked: str, line: int, key: bytes | None = None) -> Sought:
        """An operation and what the journal knows of it; ``key`` where it is known already."""
        frame = self.frames[-1]
        key = key or key_of(frame.chain, kind, name, asked)
        sought = Sought(kind, name, asked, line, key, f"{frame.prefix}{frame.next}", self.journal.find(key))
        sought.variant = self.journal.times(key)
        if sought.found and self.redoing.names:
            self.redoing.look(sought)
        return sought

    def replay(self, entry: Entry, line: int = 0) -> None:
        """Pass over a recorded operation; ``line`` is where it stands now, 0 where it was recorded."""
        if line and line != entry.line:
            self.moved[entry.path] = entry.line
            entry = entry._replace(line=line)
        self._advance(entry)
        if self._caught:
            self.settle()
        self._done(entry, replayed=True)

    def _done(self, entry: Entry, *, replayed: bool) -> None:
        if entry.kind == "step" and not entry.failed:
            self.frames[-1].names[entry.name] = entry
        self.passed.append(entry)
        self.kept.append(replayed)
        if entry.kind in CALLS or (replayed and entry.tail is not None and entry.kind in _SKIPPED):
            self.calls.append((entry, self.agent))
        if len(self.passed) > self.policy.max_checkpoints:
            raise LimitExceeded(f"the run has more than {self.policy.max_checkpoints:,} checkpoints")
        self.now = max(self.now, entry.finished)
        if len(self.frames) == 1:
            if replayed:
                self.replayed += 1
            else:
                self.executed += 1
        if self.on_move is not None:
            self.on_move()
        if self._watched:
            seconds = entry.finished - entry.started
            read = partial(_told, entry) if entry.kind in _AGENTS else None
            self._emit(
                CheckpointFinished(
                    entry.path, entry.kind, entry.name, entry.line, replayed, entry.failed, seconds, read
                )
            )

    # -- going live ------------------------------------------------------------------------------------

    def go_live(self, sought: Sought) -> None:
        """The operation is not recorded (so): say what changed, or refuse to run it.

        Raises:
            DivergenceError: with ``--strict``.
            PlanReached: with ``--plan``.
        """
        if self._caught:
            self.settle()
        if self.journal.recorded or self.policy.plan or self.policy.strict:
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
        if self.change is not None and not (policy.plan or policy.strict):
            return
        agent = self.agent
        before = self.journal.superseded(self.frames[-1].chain)
        sentence = difference(sought, before, agent) if before else None
        if self.redoing.names and not sought.found and self.journal.find(sought.key):
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

    def begin_new(self, kind: str, name: str, asked: str, line: int, notices: int) -> bool:
        """Open a step of which nothing can be recorded, and that nothing forbids to run; False for any other.

        The common case of a live pass: what ``seek``, ``go_live`` and ``open`` do, in one.
        """
        if self._caught or self._careful or len(self.frames) > 1:
            return False
        frame = self.frames[0]
        chain = frame.chain
        key = key_of(chain, kind, name, asked)
        journal = self.journal
        if frame.entry_named(name):
            return False
        if (journal.recorded or journal.has_cuts) and (journal.times(key) or journal.superseded(chain)):
            return False
        path = str(frame.next)
        self.frames.append(Frame(key, 0, frame, path, kind, name, parts_text(asked), line, notices))
        if self._watched:
            self._emit(CheckpointStarted(path, kind, name, line))
        return True

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
        else:
            self.journal.append(entry)
        self._pass_live(entry)

    def pass_over(self, entry: Entry) -> None:
        """Write what was answered from elsewhere in the run's journals; it counts as replayed."""
        self.journal.append(entry)
        self._advance(entry)
        self.frames[-1].spared = True
        self._done(entry, replayed=True)

    def _advance(self, entry: Entry) -> None:
        frame = self.frames[-1]
        frame.chain = entry.chain
        frame.next += 1
        if frame.entered:
            frame.note(entry)

    def _pass_live(self, entry: Entry) -> None:
        self._advance(entry)
        self.frames[-1].ran = True
        self._done(entry, replayed=False)

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

    def write(self, entry: Entry) -> None:
        """Write an entry that takes no position, where the policy lets anything be written."""
        # with --strict a program that is refused must have changed nothing
        if not (self.policy.plan or self.policy.strict):
            self.journal.append(entry)

    # -- the end -----------------------------------------------------------------------------------------

    def rest(self) -> None:
        """The pass is over: what it looked things up by takes as much memory as a third of its entries."""
        self.frames = self.frames[:1]
        self.frames[0].forget_names()
        self.journal.forget_index()

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
