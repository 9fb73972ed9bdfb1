"""Many entries in little memory."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from .entries import Entry

__all__ = ["Entries"]

_LONG = 500  # characters of an outcome, of which packing would spare a small part only
_VERSION = 2  # of marshal: its later versions look for what a value shares with others, which takes longer


class Entries(Sequence[Entry]):
    """Entries in the order they were written; what is appended is packed, into a third of an entry's memory.

    Packed, an entry is one value that Python's collector of garbage need not visit: a journal of 100,000 entries would
    cost it a tenth of a second at a time. What has live objects or a long outcome stays as it is.

    Args:
        entries: what is there already; it is packed by ``pack``, for most of it is soon looked up.
    """

    __slots__ = ("_rows",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._rows: list[Entry | bytes] = list(entries)

    def append(self, entry: Entry) -> int:
        """Add an entry, packed; returns its place."""
        rows = self._rows
        rows.append(_packed(entry))
        return len(rows) - 1

    def pack(self) -> None:
        """Pack what is not packed yet."""
        self._rows = [_packed(row) if type(row) is Entry else row for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        row = self._rows[place]
        if type(row) is Entry:
            return row
        return list(map(_entry, row)) if isinstance(row, list) else _entry(row)

    def __iter__(self) -> Iterator[Entry]:
        """The entries that are there now; what is appended meanwhile is not among them."""
        return map(_entry, islice(self._rows, len(self._rows)))

    def __reversed__(self) -> Iterator[Entry]:
        return map(_entry, reversed(self._rows))


#: What was packed last: a store in memory and the journal that writes to it keep the same.
_last: tuple[Entry | None, bytes] = (None, b"")


def _packed(entry: Entry) -> Entry | bytes:
    global _last  # noqa: PLW0603 - both at once, so that threads cannot mix them up
    if entry.objects or len(entry.outcome) > _LONG:
        return entry
    known, row = _last
    if known is not entry:
        row = marshal.dumps(entry[:-1], _VERSION)
        _last = entry, row
    return row


def _entry(row: Entry | bytes) -> Entry:
    if type(row) is not bytes:
        return row  # type: ignore[return-value]  # an Entry, for it is not packed
    return tuple.__new__(Entry, (*marshal.loads(row), None))  # noqa: S302 - packed here, in this process
