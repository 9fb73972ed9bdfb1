"""The journal's side of a pass: what is answered from it, what runs, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..durable.entries import Entry
from ..durable.journal import Journal, chain_after, frame_chain, key_of, parts_text, root_key
from ..errors import DivergenceError, LimitExceeded
from ..events import Changed, CheckpointFinished, CheckpointStarted, Sink
from .explaining import called, difference
from .frames import INSIDE, Frame

__all__ = ["Ledger", "PlanReached", "Policy", "Sought"]


_DEEPEST = 100  # operations inside each other


class PlanReached(Exception):
    """With ``--plan``: the first operation that would run is reached."""


@dataclass(frozen=True)
class Policy:
    """How a pass treats the journal.

    Attributes:
        strict: a changed checkpoint is an error.
        plan: nothing runs and nothing is written.
        redo: names, paths or ``failed``: what runs again although it is recorded.
        takes_defaults: whether answers that ``--answers default`` took count.
        max_checkpoints: how many a run may have.
        max_depth: how many sub-procedures may be inside each other.
    """

    strict: bool = False
    plan: bool = False
    redo: frozenset[str] = frozenset()
    takes_defaults: bool = False
    max_checkpoints: int = 100_000
    max_depth: int = 16


class Sought:
    """An operation that the program asks for now, before it is known whether it is recorded.

    Attributes:
        found: its recorded entries, newest first.
        variant: how often it was done before, which tells its frame from those of other times.
    """

    __slots__ = ("asked", "found", "key", "kind", "line", "name", "path", "variant")

    def __init__(  # noqa: PLR0917 - made for every operation, where keywords cost
        self, kind: str, name: str, asked: str, line: int, key: bytes, path: str, found: list[Entry]
    ) -> None:
        self.kind = kind
        self.name = name
        self.asked = asked
        self.line = line
        self.key = key
        self.path = path
        self.found = found
        self.variant = 0


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
        planned: with ``--plan``, what would run.
        now: the run's own time, in UNIX seconds.
        replayed, executed: how many checkpoints of the outermost frame were replayed, and ran.
        on_move: called when an operation was passed.
    """

    def __init__(self, journal: Journal, policy: Policy, emit: Sink, *, watched: bool = True) -> None:
        self.journal = journal
        self.policy = policy
        self._emit = emit
        self._watched = watched
        self._careful = policy.strict or policy.plan or bool(policy.redo)
        self.frames = [Frame("", root_key(journal.row.root), 0)]
        self.passed: list[Entry] = []
        self.kept = bytearray()
        self._caught: list[Entry] = []
        self.change: str | None = None
        self.planned: list[Entry] = []
        self.now = journal.row.started
        self.replayed = 0
        self.executed = 0
        self._redone: set[str] = set()
        self._moved: dict[str, int] = {}  # path → the line in which it was recorded
        self._cuts: list[Entry] = []
        self.on_move: Callable[[], object] | None = None

    @property
    def frame(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    # -- looking up ----------------------------------------------------------------------------------

    def key(self, kind: str, name: str, asked: str) -> bytes:
        """The key of an operation that comes next in the innermost frame."""
        return key_of(self.frames[-1].chain, kind, name, asked)

    def settled(self, key: bytes) -> Entry | None:
        """The entry that answers an operation beyond question: the only one, which depends on nothing else.

        The common case of a replay, so it makes nothing; ``seek`` is for all others.
        """
        if self.policy.redo:
            return None
        found = self.journal.only(key)
        return found if found is not None and found.reads is None else None

    def seek(self, kind: str, name: str, asked: str, line: int, key: bytes | None = None) -> Sought:
        """An operation and what the journal knows of it; ``key`` where it is known already."""
        frame = self.frames[-1]
        key = key or key_of(frame.chain, kind, name, asked)
        sought = Sought(kind, name, asked, line, key, f"{frame.prefix}{frame.next}", self.journal.find(key))
        sought.variant = self.journal.times(key)
        if sought.found and self.policy.redo:
            self._redo(sought)
        return sought

    def _redo(self, sought: Sought) -> None:
        """Forget what is recorded of an operation that is to run again, or that has such a one inside it."""
        newest = sought.found[0]
        if self._is_redone(newest):
            sought.found = []
        elif any(self._is_redone(inner) for inner in self._inside(newest)):
            sought.found = []
            sought.variant = self.journal.index_of(newest)  # entered again, it finds what it did inside

    def _is_redone(self, entry: Entry) -> bool:
        redo = self.policy.redo
        why = {entry.name, entry.path, "failed" if entry.failed else ""} & redo
        self._redone |= why
        return bool(why)

    def never_redone(self) -> list[str]:
        """What was asked to run again and is not there."""
        return sorted(self.policy.redo - self._redone - {"failed"})

    def replay(self, entry: Entry, line: int = 0) -> None:
        """Pass over a recorded operation; ``line`` is where it stands now, 0 where it was recorded."""
        if line and line != entry.line:
            self._moved[entry.path] = entry.line
            entry = entry._replace(line=line)
        frame = self.frames[-1]
        frame.chain = entry.chain
        frame.next += 1
        if frame.entered:
            frame.note(entry)
        if self._caught:
            self.settle()
        self._done(entry, replayed=True)

    def _done(self, entry: Entry, *, replayed: bool) -> None:
        if entry.kind == "step" and not entry.failed:
            self.frames[-1].names[entry.name] = entry
        self.passed.append(entry)
        self.kept.append(replayed)
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
            self._emit(
                CheckpointFinished(entry.path, entry.kind, entry.name, entry.line, replayed, entry.failed, seconds)
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
        before = self.journal.superseded(self.frames[-1].chain)
        sentence = difference(sought, before) if before else None
        if policy.redo and not sought.found and self.journal.find(sought.key):
            sentence = f"{_place_of(sought)}{called(sought)} runs again, as asked"
        if self.change is None and sentence is not None:
            self.change = sentence
            self._emit(Changed(sentence))
        if policy.strict and (sentence or self.journal.row.tail is not None):
            raise DivergenceError(
                sentence or f"{_place_of(sought)}{called(sought)} is new; the recorded run completed without it",
                hint="Without --strict it runs, and what follows runs again.",
            )
        if policy.plan:
            self.planned = list(self.journal.tail_from(before)) if before else []
            self.change = self.change or f"{_place_of(sought)}{called(sought)} is new"
            raise PlanReached

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
        if journal.times(key) or (journal.recorded and journal.superseded(chain)) or frame.entry_named(name):
            return False
        path = str(frame.next)
        opened = Frame(path + "/", key, 0, frame)
        opened.kind, opened.name, opened.asked, opened.line, opened.path = kind, name, parts_text(asked), line, path
        opened.prev = chain
        opened.notices_from = notices
        opened.started = time.time()
        self.frames.append(opened)
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
        prev = self.frames[-1].chain
        frame = Frame(sought.path + "/", sought.key, sought.variant, self.frames[-1])
        frame.kind, frame.name, frame.line, frame.path = sought.kind, sought.name, sought.line, sought.path
        frame.asked = parts_text(sought.asked)
        frame.prev = prev
        frame.notices_from = notices
        frame.started = time.time()
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
        self._keep(entry)
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
        self._keep(entry)
        return entry

    def _keep(self, entry: Entry) -> None:
        if entry.failed:
            self._caught.append(entry)
        else:
            self.journal.append(entry)
        self._pass_live(entry)

    def _pass_live(self, entry: Entry) -> None:
        frame = self.frames[-1]
        frame.chain = entry.chain
        frame.next += 1
        if frame.entered:
            frame.note(entry)
            frame.ran = True
        self._done(entry, replayed=False)

    # -- what is entered on each pass --------------------------------------------------------------------

    def enter(self, kind: str, name: str, line: int, notices: int) -> None:
        """Go into an operation that has no answer of its own: what is inside it is answered from the journal.

        Raises:
            LimitExceeded: too many are inside each other.
            DivergenceError: with ``--strict``, where it is new.
            PlanReached: with ``--plan``, where it is new.
        """
        sought = self.seek(kind, name, "", line)
        sought.variant = self._begun_anew(sought)
        known = sought.found or self.journal.siblings(frame_chain(sought.key, sought.variant))
        if not known:
            self.go_live(sought)
        self._check_depth(kind, line)
        frame = self.open(sought, notices)
        frame.entered, frame.announced = True, not known

    def _begun_anew(self, sought: Sought) -> int:
        """How often an operation that is entered was asked to run again, now included."""
        again = key_of(sought.key, "redo", "", "")
        times = len(self.journal.find(again))
        why = {sought.name, sought.path} & self.policy.redo
        if why:
            self._redone |= why
            sought.found = []
            self._write(_hidden(again, sought.key, "redo", ""))
        return times + bool(why)

    def _check_depth(self, kind: str, line: int) -> None:
        depth = self.policy.max_depth
        if kind == "procedure_call" and sum(frame.kind == kind for frame in self.frames) >= depth:
            raise LimitExceeded(
                f"more than {depth} sub-procedures are inside each other",
                line=line or None,
                hint="Look for one that calls itself without an end, or raise limits max_depth.",
            )

    def leave(self, outcome: str, *, failed: bool = False, objects: tuple[Any, ...] | None = None) -> Entry:
        """Leave an operation that was entered; it counts as replayed when nothing inside it ran."""
        frame = self.frames.pop()
        asked = INSIDE + frame.content.hex()
        chain = chain_after(frame.key, asked, failed=failed)
        before = (
            None if frame.ran else next((each for each in self.journal.find(frame.key) if each.chain == chain), None)
        )
        if before is not None:
            entry = before._replace(outcome=outcome, line=frame.line, path=frame.path, objects=objects)
            self.replay(entry)
            return entry
        if self._caught and not failed:
            self.settle()
        entry = Entry(
            frame.key, frame.prev, chain, frame.path, frame.kind, frame.name, asked, outcome, failed,
            line=frame.line, started=frame.started, finished=time.time(), tail=frame.tail, objects=objects,
        )  # fmt: skip
        self._keep(entry)
        return entry

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
            self._write(_hidden(key_of(chain, kind, name, asked), chain, kind, name, asked=asked, outcome=outcome))
        return outcome

    def peek(self, kind: str, name: str, *, asked: str = "") -> str | None:
        """The recorded outcome of something that takes no position, if it is recorded here."""
        found = self.journal.find(key_of(self._place_of(kind), kind, name, asked))
        return found[0].outcome if found else None

    def _place_of(self, kind: str) -> bytes:
        # a step's clock is drawn once for the whole step, wherever in it the program first looks
        return self.frame.root if kind == "clock" else self.frame.chain

    def _write(self, entry: Entry) -> None:
        # with --strict a program that is refused must have changed nothing
        if not (self.policy.plan or self.policy.strict):
            self.journal.append(entry)

    def known(self, which: str | int) -> Entry | None:
        """A checkpoint of this frame by name or position: of this pass, or else what the journal held before."""
        prefix = self.frame.prefix
        for entry in self.passed[::-1]:
            head, _, place = entry.path.rpartition("/")
            if (head + "/" if head else "") == prefix and (entry.name == which or int(place) == which):
                return entry
        return self.journal.newest(prefix, which)

    def cut(self, which: str | int) -> None:
        """Forget a checkpoint of this frame and all later ones; the next operation takes its place."""
        frame = self.frame
        key = key_of(frame.chain, "cut", frame.prefix, repr(which))
        cut = self.journal.newest_cut(key)
        if cut is None:
            entry = self.known(which)
            if entry is None:
                return
            place = entry.path.rpartition("/")[2]
            cut = _hidden(key, frame.chain, "cut", frame.prefix, asked=repr(which), outcome=place)
            self._write(cut)
        self._cuts.append(cut)
        self.journal.forget(cut)
        self._rewind(frame, int(cut.outcome))

    def _rewind(self, frame: Frame, position: int) -> None:
        if position >= frame.next:
            return
        passed, kept = self.passed, self.kept
        self.passed, self.kept = [], bytearray()
        for entry, replayed in zip(passed, kept, strict=True):
            if _position(entry.path, frame.prefix) < position:
                self.passed.append(entry)
                self.kept.append(replayed)
        frame.next = position
        for name in [name for name, entry in frame.names.items() if _position(entry.path, frame.prefix) >= position]:
            del frame.names[name]

    # -- the end -----------------------------------------------------------------------------------------

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
        if self._cuts:
            self._write(_hidden(b"end", b"", "end", "", outcome=" ".join(cut.key.hex() for cut in self._cuts)))

    def listing(self) -> list[tuple[Entry, bool]]:
        """All checkpoints of this pass in path order, outer before inner, also those inside replayed steps."""
        rows: dict[str, tuple[Entry, bool]] = {}
        for entry, replayed in zip(self.passed, self.kept, strict=True):
            if replayed and entry.tail is not None:
                for inner in self._inside(entry):
                    rows.setdefault(inner.path, (self._moved_with(entry, inner), True))
            rows[entry.path] = (entry, bool(replayed))
        return [rows[path] for path in sorted(rows, key=_places)]

    def _moved_with(self, entry: Entry, inner: Entry) -> Entry:
        """What a replayed step has inside, by as many lines further down as the step is: it is not entered to look."""
        before = self._moved.get(entry.path, entry.line)
        return inner._replace(line=inner.line + entry.line - before) if inner.line >= before != entry.line else inner

    def _inside(self, entry: Entry) -> Iterator[Entry]:
        for inner in self.journal.inside(entry):
            yield inner
            yield from self._inside(inner)


def _hidden(key: bytes, chain: bytes, kind: str, name: str, *, asked: str = "", outcome: str = "null") -> Entry:
    now = time.time()
    return Entry(key, chain, chain, "", kind, name, asked, outcome, started=now, finished=now)


def _place_of(sought: Sought) -> str:
    return f"line {sought.line}: " if sought.line else ""


def _places(path: str) -> list[int]:
    return [int(place) for place in path.split("/")]


def _position(path: str, prefix: str) -> int:
    """The position of a path in the frame with that prefix, or of what it is inside of; -1 outside."""
    if not path.startswith(prefix):
        return -1
    return int(path[len(prefix) :].partition("/")[0])
