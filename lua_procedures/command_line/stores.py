"""The store that a command means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from ..durable.stores import Store, open_store
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
    path = _file_of(url or DEFAULT_STORE)
    if path is not None and not path.exists():
        hint = "No program has run in this folder; --store names another place." if url is None else None
        raise StoreError(f"there is no store {path}", hint=hint)
    return new_store(url)


def _file_of(url: str) -> Path | None:
    """The file that a URL names, or None where it names no file."""
    path = url.partition("?")[0]
    if path.startswith("sqlite:///"):
        return Path(unquote(path.removeprefix("sqlite:///")))
    return None if "://" in path or path == "memory:" else Path(path)
