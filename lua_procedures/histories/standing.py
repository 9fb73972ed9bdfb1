"""How a run stands now: what its journal's head says, unless nobody is there any more of whom it says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

from ..durable.entries import JournalRow
from ..durable.finding import is_tentative
from ..durable.stores import Store
from ..runs import RunStatus
from .foreign import runtime_of

__all__ = ["newest_runs", "status_of"]

_ACTIVE: Final = ("pending", "running")


def status_of(store: Store, row: JournalRow) -> RunStatus:
    """The status of a run.

    Args:
        store: where its journal is.
        row: the journal's head.

    Returns:
        What the head says; ``"cancelled"`` where it says that the run is under way and nobody drives it: its process
        was killed, or its store failed. It goes on when it is run again.

    Raises:
        StoreError: the store cannot be read.
    """
    left = row.status in _ACTIVE and runtime_of(row) is None and not store.driven(row.id)
    return cast("RunStatus", "cancelled" if left else row.status)


def newest_runs(store: Store) -> list[JournalRow]:
    """The head of each run's newest journal, with the run's status as it is now; the one updated last at the end.

    Raises:
        StoreError: the store cannot be read.
    """
    rows: dict[str, JournalRow] = {}
    for row in sorted(store.journals(), key=lambda each: (each.updated, each.id)):
        if row.name.isprintable() and not is_tentative(row):  # other names are no runs, but records of such
            rows.pop(row.name, None)
            rows[row.name] = row
    return [replace(row, status=status_of(store, row)) for row in rows.values()]
