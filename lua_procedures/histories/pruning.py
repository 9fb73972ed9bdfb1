"""Old journals deleted, by number and by age."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..durable.entries import JournalRow
from ..durable.serialization import loads
from ..durable.stores import Store, open_store
from ..errors import RunLocked, UsageError
from .records import Pruned

__all__ = ["prune"]

_DAY = 86_400.0


def prune(
    name: str | None = None, *, keep: int | None = None, days: float | None = None, store: str | Store = "memory:"
) -> Pruned:
    """Delete old journals of runs.

    The newest journal of a name stays, and so does one that waits for a person or is being driven.

    Args:
        name: the run whose journals are looked at; None for all runs.
        keep: how many journals of a name stay, the ones updated last; None for any number.
        days: after how many days without a pass a journal goes; None for never.
        store: where the journals are.

    Returns:
        What was deleted.

    Raises:
        UsageError: ``keep`` is less than 1, or ``days`` is negative.
        StoreError: the store cannot be read or written.
    """
    if keep is not None and keep < 1:
        raise UsageError(f"keep: at least 1 journal of a name stays, so {keep} is too few")
    if days is not None and days < 0:
        raise UsageError(f"days: a number of days expected, got {days:g}")
    if keep is None and days is None:
        return Pruned()
    opened = open_store(store)
    old = [row for rows in _by_name(opened, name) for row in _old(opened, rows, keep, days)]
    gone = [row for row in old if _deleted(opened, row)]
    return Pruned(journals=tuple((row.name, f"{row.root}-{row.generation}") for row in gone))


def _by_name(store: Store, name: str | None) -> Iterator[list[JournalRow]]:
    """The journals of each name, the one updated last first."""
    names: dict[str, list[JournalRow]] = defaultdict(list)
    for row in store.journals(name):
        names[row.name].append(row)
    for rows in names.values():
        yield sorted(rows, key=lambda row: (row.updated, row.id), reverse=True)


def _old(store: Store, rows: Sequence[JournalRow], keep: int | None, days: float | None) -> Iterator[JournalRow]:
    """Those of one name that go."""
    oldest = None if days is None else time.time() - days * _DAY
    for place, row in enumerate(rows):
        too_many = keep is not None and place >= keep
        too_old = oldest is not None and row.updated < oldest
        if place and (too_many or too_old) and not _is_needed(store, row):
            yield row


def _is_needed(store: Store, row: JournalRow) -> bool:
    """Whether it waits for a person."""
    pending = loads(row.options).get("pending")
    return pending is not None and any(each.id == pending for each in store.open_requests(row.id))


def _deleted(store: Store, row: JournalRow) -> bool:
    """Delete it, unless somebody drives it."""
    try:
        ownership = store.own(row.id)
    except RunLocked:
        return False
    with ownership:
        store.forget(row.id)
    return True
