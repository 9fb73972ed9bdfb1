"""What the history of runs is told in: records that read well as text and as HTML."""

from __future__ import annotations

from typing import Any, Literal

from ..records import Record
from ..rendering.history import deletion_text, difference_html, difference_text, history_html, history_text
from ..rendering.text import count_of, one_line

__all__ = ["Change", "Cleared", "Difference", "Forked", "History", "JournalHistory", "Pruned", "Tail"]


class _Told(Record):
    """A record that is read as the sentence or the table which it shows."""

    def __str__(self) -> str:
        return repr(self)


class Tail(Record):
    """Checkpoints that were done in a row, and that something else took the place of.

    Attributes:
        path: where the first one stood.
        kind, name: the first one's.
        checkpoints: how many they are, those inside others included.
        tokens: what their model calls had cost.
        recorded: when the last one was recorded, in UNIX seconds.
        why: a sentence on what changed.
    """

    path: str
    kind: str
    name: str
    checkpoints: int
    tokens: int
    recorded: float
    why: str


class JournalHistory(Record):
    """One journal of a run: one set of inputs, started once.

    Attributes:
        run_id: tells it from the others of the name.
        generation: 0, and one more each time that the run was started over with these inputs.
        newest: whether the run's name means this one.
        inputs: JSON text of the inputs.
        seed: of ``math.random`` where the run was given one, which tells journals of the same inputs apart; else None.
        status: of its last pass.
        started, updated: UNIX times in seconds.
        checkpoints: how many its newest pass has, those inside others included.
        tokens: what all model calls that it ever made have cost.
        superseded: what earlier passes did otherwise, the newest first.
    """

    run_id: str
    generation: int
    newest: bool
    inputs: str
    seed: int | None = None
    status: str
    started: float
    updated: float
    checkpoints: int
    tokens: int
    superseded: tuple[Tail, ...] = ()


class History(_Told):
    """All that a store keeps of one run's name, shown as a table.

    Attributes:
        name: the run's name.
        journals: the one updated last first.
    """

    name: str
    journals: tuple[JournalHistory, ...]

    def __repr__(self) -> str:
        return history_text(self)

    def _repr_html_(self) -> str:
        return history_html(self)


class Change(Record):
    """A checkpoint in which two runs differ.

    Attributes:
        how: ``changed``, or ``only in a``, or ``only in b``.
        path: where it stands: in a, or in b where it is only there.
        kind, name: the checkpoint's.
        line: of the call in the same run, where known.
        before, after: its value in a and in b; None where it is not there or failed.
        error_before, error_after: the messages of its failures.
        why: a sentence on how what was asked differs, where it does.
        diff: the two values as a unified diff.
    """

    how: Literal["changed", "only in a", "only in b"]
    path: str
    kind: str
    name: str
    line: int | None = None
    before: Any = None
    after: Any = None
    error_before: str | None = None
    error_after: str | None = None
    why: str | None = None
    diff: str = ""


class Difference(_Told):
    """How two runs differ, checkpoint by checkpoint, shown with the values as diffs.

    Attributes:
        a, b: the names of the runs.
        same: how many checkpoints are the same in both.
        changes: all others, in the order of the runs.
        program: the two programs as a unified diff.
    """

    a: str
    b: str
    same: int
    changes: tuple[Change, ...] = ()
    program: str = ""

    @property
    def first(self) -> Change | None:
        """The first checkpoint in which they differ, or None."""
        return self.changes[0] if self.changes else None

    def __repr__(self) -> str:
        return difference_text(self)

    def _repr_html_(self) -> str:
        return difference_html(self)


class Forked(_Told):
    """What a fork made.

    Attributes:
        name: the new run.
        source: the run that it was copied from.
        position: where the new run goes on: the first position that it has nothing of.
        kept: how many checkpoints it has, those inside others included.
    """

    name: str
    source: str
    position: int
    kept: int

    def __repr__(self) -> str:
        return (
            f"forked {one_line(self.source, 128)} to {one_line(self.name, 128)}: "
            f"{count_of(self.kept, 'checkpoint')} kept, it goes on at position {self.position}"
        )


class Cleared(_Told):
    """What was cleared of a run.

    Attributes:
        name: the run.
        journals: how many journals were deleted.
        after: the checkpoint after which the newest journal was cut, or None where all journals were deleted.
        kept, forgotten: how many checkpoints of the newest pass stay, and how many do not.
    """

    name: str
    journals: int = 0
    after: str | None = None
    kept: int = 0
    forgotten: int = 0

    def __repr__(self) -> str:
        name = one_line(self.name, 128)
        if self.after is None:
            return f"cleared {name}: {count_of(self.journals, 'journal')} deleted"
        kept, forgotten = count_of(self.kept, "checkpoint"), f"{self.forgotten:,} forgotten"
        return f"cleared {name} after {one_line(self.after, 80)}: {kept} kept, {forgotten}"


class Pruned(_Told):
    """What was deleted of old journals.

    Attributes:
        journals: the name of the run and the ``run_id`` of each that was deleted.
    """

    journals: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return deletion_text([name for name, _ in self.journals])
