"""A run found by its name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from ..errors import StoreError
from .entries import JournalRow
from .stores import Store

__all__ = ["stored"]

_MOST_NAMED: Final = 20  # runs that a message lists


def stored(store: Store, name: str, root: str | None = None) -> JournalRow:
    """The head of a run's latest journal.

    Args:
        store: where it is.
        name: the run's name.
        root: the digest of the inputs, where several journals share the name.

    Raises:
        StoreError: there is no such run; those that may be meant are named.
    """
    row = store.find(name, root)
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
