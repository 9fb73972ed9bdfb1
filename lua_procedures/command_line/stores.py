"""The store that a command means."""

from __future__ import annotations

from pathlib import Path

from ..durable.stores import Store, file_of, open_store
from ..errors import StoreError
from .options import DEFAULT_STORE

__all__ = ["existing_store", "new_store"]


def new_store(url: str | None) -> Store:
    """The store of that URL, made where it is missing.

    Raises:
        StoreError: it cannot be opened.
    """
    return open_store(url or DEFAULT_STORE)


def existing_store(url: str | None) -> Store:
    """The store of that URL; a file that is missing is an error, since nothing can be found in it.

    Raises:
        StoreError: it is not there, or cannot be opened.
    """
    path = file_of(url or DEFAULT_STORE)
    if path is not None and not Path(path).exists():
        hint = "No program has run in this folder; --store names another place." if url is None else None
        raise StoreError(f"there is no store {path}", hint=hint)
    return new_store(url)
