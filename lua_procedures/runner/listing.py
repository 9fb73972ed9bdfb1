"""The checkpoints of a pass as users see them."""

from __future__ import annotations

from ..durable.entries import Entry
from ..runs import Checkpoint, Usage
from .ledger import Ledger
from .outcomes import checkpoint_of, usage_of
from .spending import sum_of

__all__ = ["listing", "planned", "under_way"]


def listing(ledger: Ledger) -> list[tuple[Entry, bool]]:
    """All checkpoints of a pass and whether they were replayed, in path order, outer before inner.

    Those inside a replayed step are among them, although it was not entered.
    """
    rows: dict[str, tuple[Entry, bool]] = {}
    for entry, replayed in zip(ledger.passed, ledger.kept, strict=True):
        if replayed and entry.tail is not None:
            before = ledger.moved.get(entry.path, entry.line)
            for inner in ledger.journal.all_inside(entry):
                rows.setdefault(inner.path, (_moved_with(entry, before, inner), True))
        rows[entry.path] = (entry, bool(replayed))
    return [rows[path] for path in sorted(rows, key=_places)]


def planned(ledger: Ledger) -> list[Checkpoint]:
    """What a pass with ``--plan`` found recorded from where it stopped, each with the tokens that it had cost.

    One whose own frame is where the pass stopped is followed by what is superseded in it, and has no tokens itself.
    """
    paths = [entry.path for entry in ledger.planned]
    return [_with_usage(ledger, entry, after) for entry, after in zip(ledger.planned, [*paths, ""][1:], strict=True)]


def _with_usage(ledger: Ledger, entry: Entry, after: str) -> Checkpoint:
    checkpoint = checkpoint_of(entry, replayed=False)
    if after.startswith(entry.path + "/"):
        return checkpoint
    return checkpoint.model_copy(update={"usage": _usage_inside(ledger, entry)})


def under_way(ledger: Ledger) -> list[Checkpoint]:
    """The operations that a pass came to rest in, outer before inner."""
    return [
        Checkpoint(
            position=int(frame.path.rpartition("/")[2]),
            path=frame.path,
            kind=frame.kind,
            name=frame.name,
            line=frame.line or None,
        )
        for frame in ledger.frames[1:]
    ]


def _usage_inside(ledger: Ledger, entry: Entry) -> Usage | None:
    """The tokens of an entry and of all inside it."""
    found = [usage for each in (entry, *ledger.journal.all_inside(entry)) if (usage := usage_of(each)) is not None]
    return sum_of(found) if found else None


def _moved_with(entry: Entry, before: int, inner: Entry) -> Entry:
    """What a replayed step has inside, by as many lines further down as the step is: it is not entered to look."""
    return inner._replace(line=inner.line + entry.line - before) if inner.line >= before != entry.line else inner


def _places(path: str) -> list[int]:
    return [int(place) for place in path.split("/")]
