"""A run found by its name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from ..errors import StoreError
from .entries import JournalRow
from .serialization import loads
from .stores import Store

__all__ = ["TENTATIVE", "is_tentative", "newest", "stored"]

#: Among the options of a journal that was begun where there seemed to be none.
TENTATIVE: Final = "tentative"

_MOST_NAMED: Final = 20  # runs that a message lists


def is_tentative(row: JournalRow) -> bool:
    """Whether another process was first to begin the run, so that this journal is about to be deleted."""
    return row.generation > 0 and TENTATIVE in loads(row.options)


def newest(store: Store, name: str, root: str | None = None) -> JournalRow | None:
    """The newest journal of that name and inputs; without ``root``, that which was updated last."""
    found = store.find(name, root)
    if found is None or not is_tentative(found):
        return found
    rows = [row for row in store.journals(name) if root in (None, row.root) and not is_tentative(row)]
    return max(rows, key=lambda row: (row.updated, row.id) if root is None else (row.generation, 0), default=None)


def stored(store: Store, name: str, root: str | None = None) -> JournalRow:
    """The head of a run's latest journal.

    Args:
        store: where it is.
        name: the run's name.
        root: the digest of the inputs, where several journals share the name.

    Raises:
        StoreError: there is no such run; those that may be meant are named.
    """
    row = newest(store, name, root)
    if row is None:
        raise StoreError(f"no run {name!r} in {store.url}", hint=_there(store, name))
    return row


def _there(store: Store, name: str) -> str:
    """What runs there are; of many the nearest ones, or how many they are."""
    known = sorted({each.name for each in store.journals() if each.name.isprintable()})
    if len(known) <= _MOST_NAMED:
        return f"The runs there: {', '.join(known) or 'none'}."
    near = get_close_matches(name, known, n=3)
    return (
        f"Did you mean {' or '.join(near)}?" if near else f"There are {len(known):,} runs; none has a name like that."
    )
