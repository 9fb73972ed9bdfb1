"""What stores on disk refuse in the same words."""

from __future__ import annotations

from ...errors import StoreError
from ..entries import Entry
from ..kinds import called

__all__ = ["missing", "newer", "unkept"]


def missing(where: str, journal: int) -> StoreError:
    """The journal is not there any more."""
    return StoreError(
        f"{where} has no journal {journal}: it was deleted", hint="Run the program again to start another."
    )


def newer(where: str, version: int, known: int) -> StoreError:
    """A newer version of this package made the tables."""
    return StoreError(
        f"{where} was written by a newer lua_procedures (its schema is {version}, here it is {known})",
        hint="Upgrade with `pip install -U lua_procedures`, or use another store.",
    )


def unkept(entry: Entry) -> StoreError:
    """The entry carries live objects, which no disk keeps."""
    kind = type((entry.objects or [None])[0]).__name__
    return StoreError(
        f"{called(entry.kind, entry.name)} returned a {kind}, which a store on disk cannot keep",
        line=entry.line or None,
        hint="Return plain data, or use --store memory:",
    )
