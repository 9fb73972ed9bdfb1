"""The checkpoints of a pass as users see them."""

from __future__ import annotations

from ..durable.entries import Entry
from .ledger import Ledger

__all__ = ["listing"]


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


def _moved_with(entry: Entry, before: int, inner: Entry) -> Entry:
    """What a replayed step has inside, by as many lines further down as the step is: it is not entered to look."""
    return inner._replace(line=inner.line + entry.line - before) if inner.line >= before != entry.line else inner


def _places(path: str) -> list[int]:
    return [int(place) for place in path.split("/")]
