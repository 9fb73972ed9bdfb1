"""The journal's side of a pass: what is answered from it, what runs, what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..durable.entries import Entry
from ..durable.journal import Journal, chain_after, changed_parts, frame_chain, key_of, parts_text, root_chain
from ..errors import DivergenceError, LimitExceeded
from ..events import CheckpointFinished, CheckpointStarted, Sink
from .frames import Frame, Opened

__all__ = ["Ledger", "PlanReached", "Policy", "Sought"]


class PlanReached(Exception):  # noqa: N818 - no error: the plan is complete
    """With ``--plan``: the first operation that would run is reached."""


@dataclass(frozen=True)
class Policy:
    """How a pass treats the journal.

    Attributes:
        strict: a changed checkpoint is an error.
        plan: nothing runs.
        redo: names, paths or ``failed``: what runs again although it is recorded.
        takes_defaults: whether answers that ``--answers default`` took count.
        max_checkpoints: how many a run may have.
    """

    strict: bool = False
    plan: bool = False
    redo: frozenset[str] = frozenset()
    takes_defaults: bool = False
    max_checkpoints: int = 100_000


@dataclass(slots=True)
class Sought:
    """An operation that the program asks for now, before it is known whether it is recorded.

    Attributes:
        found: its recorded entries, newest first.
        variant: how many entries its key had.
    """

    kind: str
    name: str
    asked: str
    line: int
    key: bytes
    path: str
    found: list[Entry]
    variant: int


@dataclass
class Ledger:
    """What was passed and what is open in one pass.

    Attributes:
        frames: the open frames, outermost first.
        passed: the checkpoints of this pass with whether they were replayed, in the order of completion.
        caught: entries of operations that failed and whose error the program may yet catch.
        change: a sentence on the first checkpoint that was recorded otherwise, or None.
        planned: with ``--plan``, what would run.
        now: the run's own time, in UNIX seconds.
    """

    journal: Journal
    policy: Policy
    emit: Sink
    watched: bool = True
    frames: list[Frame] = field(default_factory=list)
    passed: list[tuple[Entry, bool]] = field(default_factory=list)
    caught: list[Entry] = field(default_factory=list)
    change: str | None = None
    planned: list[Entry] = field(default_factory=list)
    now: float = 0.0
    replayed: int = 0
    executed: int = 0
    count: int = 0
    on_move: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        root = root_chain(self.journal.row.root)
        self.frames.append(Frame(prefix="", root=root, chain=root))
        self.now = self.journal.row.started
        self.completed_before = self.journal.row.tail is not None

    @property
    def frame(self) -> Frame:
        """The innermost frame."""
        return self.frames[-1]

    # -- looking up ----------------------------------------------------------------------------------

    def seek(self, kind: str, name: str, asked: str, line: int) -> Sought:
        """An operation and what the journal knows of it."""
        frame = self.frames[-1]
        key = key_of(frame.chain, kind, name, asked)
        found = self.journal.find(key)
        path = f"{frame.prefix}{frame.next}"
        variant = len(found)
        if found and self.policy.redo and self._redone(kind, name, path, found[-1]):
            found = []
        return Sought(kind, name, asked, line, key, path, found[::-1] if variant > 1 else found, variant)

    def _redone(self, kind: str, name: str, path: str, newest: Entry) -> bool:
        redo = self.policy.redo
        return name in redo or path in redo or ("failed" in redo and newest.failed)

    def replay(self, entry: Entry) -> None:
        """Pass over a recorded operation."""
        frame = self.frames[-1]
        frame.chain = entry.chain
        frame.next += 1
        self._done(frame, entry, replayed=True)
        if self.caught:
            self._write_caught()

    def _done(self, frame: Frame, entry: Entry, *, replayed: bool) -> None:
        self.count += 1
        if self.count > self.policy.max_checkpoints:
            raise LimitExceeded(f"the run has more than {self.policy.max_checkpoints:,} checkpoints")
        self.now = max(self.now, entry.finished)
        self.passed.append((entry, replayed))
        if len(self.frames) == 1:
            if replayed:
                self.replayed += 1
            else:
                self.executed += 1
        self.on_move()
        if self.watched:
            self.emit(
                CheckpointFinished(
                    entry.path, entry.kind, entry.name, entry.line, replayed, entry.failed, entry.finished - entry.started
                )
            )

    # -- going live ------------------------------------------------------------------------------------

    def go_live(self, sought: Sought) -> None:
        """The operation is not recorded (so): say what changed, or refuse to run it.

        Raises:
            DivergenceError: with ``--strict``.
            PlanReached: with ``--plan``.
        """
        if self.caught:
            self._write_caught()
        if self.change is None or self.policy.plan or self.policy.strict:
            self._explain(sought)
        if self.watched:
            self.emit(CheckpointStarted(sought.path, sought.kind, sought.name, sought.line))

    def _explain(self, sought: Sought) -> None:
        beside = self.journal.siblings(self.frames[-1].chain) if self.journal.recorded else []
        sentence = _difference(sought, beside[-1]) if beside else None
        if sought.variant and not sought.found:
            sentence = f"line {sought.line}: {_called(sought)} runs again, as asked"
        if self.change is None:
            self.change = sentence
        if self.policy.strict and (sentence or self.completed_before):
            raise DivergenceError(
                sentence or f"line {sought.line}: {_called(sought)} is new; the recorded run had completed without it",
                hint="Without --strict it runs, and what follows runs again.",
            )
        if self.policy.plan:
            self.planned = list(self.journal.tail_after(beside[-1])) if beside else []
            raise PlanReached

    def open(self, sought: Sought, notices: int) -> None:
        """Enter a composite operation's own frame."""
        frame = self.frames[-1]
        opened = Opened(
            sought.kind, sought.name, parts_text(sought.asked), sought.line, sought.key, frame.chain, sought.path
        )
        root = frame_chain(sought.key, sought.variant)
        self.frames.append(
            Frame(prefix=sought.path + "/", root=root, chain=root, opened=opened, notices_from=notices)
        )

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
        inner = self.frames[-1]
        if self.caught and not failed:
            self._write_caught()
        self.frames.pop()
        opened = inner.opened
        assert opened is not None  # noqa: S101 - the outermost frame is never closed
        chain = chain_after(opened.key, outcome, failed)
        entry = Entry(
            opened.key, opened.prev, chain, opened.path, opened.kind, opened.name, opened.asked, outcome, failed,
            effects, reads, opened.line, opened.started, time.time(), None, inner.chain if inner.next else None, objects,
        )  # fmt: skip
        frame = self.frames[-1]
        frame.chain = chain
        frame.next += 1
        if failed:
            self.caught.append(entry)
        else:
            self.journal.append(entry)
        self._done(frame, entry, replayed=False)
        return entry

    def record(self, sought: Sought, outcome: str, *, started: float, effects: str | None = None, usage: str | None = None) -> Entry:
        """Record a simple operation, which has no frame of its own."""
        frame = self.frames[-1]
        chain = chain_after(sought.key, outcome, False)
        entry = Entry(
            sought.key, frame.chain, chain, sought.path, sought.kind, sought.name, parts_text(sought.asked), outcome,
            False, effects, None, sought.line, started, time.time(), usage,
        )  # fmt: skip
        self.journal.append(entry)
        frame.chain = chain
        frame.next += 1
        self._done(frame, entry, replayed=False)
        return entry

    def settle(self) -> None:
        """The program went on after a failure (or completed): what failed is part of what happened."""
        if self.caught:
            self._write_caught()

    def _write_caught(self) -> None:
        for entry in self.caught:
            self.journal.append(entry)
        self.caught.clear()

    # -- hidden entries --------------------------------------------------------------------------------

    def hidden(self, kind: str, name: str, compute: Callable[[], str], *, asked: str = "") -> str:
        """The recorded outcome of something that takes no position; computed and recorded the first time."""
        frame = self.frames[-1]
        key = key_of(frame.chain if kind != "clock" else frame.root, kind, name, asked)
        found = self.journal.find(key)
        if found:
            return found[-1].outcome
        outcome = compute()
        if not self.policy.plan:
            self.journal.append(_hidden(key, frame.chain, kind, name, asked, outcome))
        return outcome

    def peek(self, kind: str, name: str) -> str | None:
        """The recorded outcome of something that takes no position, if it is recorded here."""
        found = self.journal.find(key_of(self.frames[-1].chain, kind, name, ""))
        return found[-1].outcome if found else None

    def cut(self, which: str | int, line: int) -> None:
        """Forget a checkpoint of this frame and all later ones; the next operation takes its place."""
        frame = self.frames[-1]
        key = key_of(frame.chain, "cut", frame.prefix, repr(which))
        ended = self._ended_at()
        cut = next((entry for entry in reversed(self.journal.find(key)) if entry.started > ended), None)
        if cut is None:
            entry = self.known(which)
            if entry is None:
                return
            position = entry.path.rpartition("/")[2]
            cut = _hidden(key, frame.chain, "cut", frame.prefix, repr(which), position, line)
            if not self.policy.plan:
                self.journal.append(cut)
        self.journal.forget(cut)
        self._rewind(frame, int(cut.outcome))

    def _ended_at(self) -> float:
        return next((entry.finished for entry in reversed(self.journal.entries) if entry.kind == "end"), 0.0)

    def _rewind(self, frame: Frame, position: int) -> None:
        if position >= frame.next:
            return
        kept = []
        for entry, replayed in self.passed:
            if _place(entry.path, frame.prefix) >= position:
                if len(self.frames) == 1 and "/" not in entry.path:
                    self.replayed -= replayed
                    self.executed -= not replayed
                continue
            kept.append((entry, replayed))
        self.passed = kept
        frame.next = position
        frame.names = {name: seen for name, seen in frame.names.items() if _place(seen.path, frame.prefix) < position}

    def known(self, which: str | int) -> Entry | None:
        """A checkpoint of this frame by name or position: of this pass, or else what the journal held before."""
        prefix = self.frames[-1].prefix
        for entry, _ in reversed(self.passed):
            head, _, place = entry.path.rpartition("/")
            if (head + "/" if head else "") == prefix and (entry.name == which or int(place) == which):
                return entry
        return self.journal.newest(prefix, which)

    # -- the end -----------------------------------------------------------------------------------------

    def end(self) -> None:
        """The program ended: what a cut forgot stays forgotten, and the next run meets the cut anew."""
        if not self.policy.plan and any(entry.kind == "cut" for entry in self.journal.entries):
            self.journal.append(_hidden(b"end", b"", "end", "", "", "null"))

    def check_end(self) -> None:
        """With ``--strict``: a run that had completed must end where it ended.

        Raises:
            DivergenceError: it ends elsewhere.
        """
        tail = self.journal.row.tail
        if self.policy.strict and tail is not None and tail != self.frames[0].chain:
            raise DivergenceError(
                "the program ends earlier than the recorded run", hint="Without --strict the recorded rest is kept as history."
            )

    def listing(self) -> list[tuple[Entry, bool]]:
        """All checkpoints of this pass in path order, outer before inner, also those inside replayed steps."""
        rows: dict[str, tuple[Entry, bool]] = {}
        for entry, replayed in self.passed:
            if replayed:
                for inner in self._inside(entry):
                    rows.setdefault(inner.path, (inner, True))
            rows[entry.path] = (entry, replayed)
        return [rows[path] for path in sorted(rows, key=_places)]

    def _inside(self, entry: Entry) -> Iterable[Entry]:
        for inner in self.journal.inside(entry):
            yield inner
            yield from self._inside(inner)


def _hidden(key: bytes, chain: bytes, kind: str, name: str, asked: str, outcome: str, line: int = 0) -> Entry:
    now = time.time()
    return Entry(key, chain, chain, "", kind, name, asked, outcome, line=line, started=now, finished=now)


def _places(path: str) -> list[int]:
    return [int(place) for place in path.split("/")]


def _place(path: str, prefix: str) -> int:
    if not path.startswith(prefix):
        return -1
    return int(path[len(prefix) :].partition("/")[0])


def _called(operation: Sought | Entry) -> str:
    return f'{operation.kind} "{operation.name}"' if operation.name else operation.kind


def _difference(sought: Sought, before: Entry) -> str:
    place = f"line {sought.line}: "
    if (before.kind, before.name) != (sought.kind, sought.name):
        return f"{place}{_called(sought)} is where {_called(before)} was"
    parts = changed_parts(before.asked, parts_text(sought.asked))
    if not parts:
        why = "changed (the State it reads)" if before.reads else "runs again (its checkpoint was cleared)"
        return f"{place}{_called(sought)} {why}"
    return f"{place}{_called(sought)} changed ({_listed([_part(label) for label in parts])})"


def _part(label: str) -> str:
    return {"function": "its function", "inputs": "its inputs"}.get(label, label)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

