"""A run found by its name."""

from __future__ import annotations

from ..errors import StoreError
from .entries import JournalRow
from .stores import Store

__all__ = ["stored"]


def stored(store: Store, name: str, root: str | None = None) -> JournalRow:
    """The head of a run's latest journal.

    Args:
        store: where it is.
        name: the run's name.
        root: the digest of the inputs, where several journals share the name.

    Raises:
        StoreError: there is no such run; the known ones are listed.
    """
    row = store.find(name, root)
    if row is None:
        known = ", ".join(sorted({each.name for each in store.journals() if each.name.isprintable()})) or "none"
        raise StoreError(f"no run {name!r} in {store.url}", hint=f"The runs there: {known}.")
    return row
