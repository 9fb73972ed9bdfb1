"""What a pass has come past."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from ..durable.entries import Entry
from ..durable.journal import Journal

__all__ = ["Passed"]


class Passed(Sequence[Entry]):
    """The checkpoints of a pass in the order of completion: most of them nothing but places in its journal.

    Args:
        journal: the run's.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._places = array("q")
        #: Add an entry of the journal by its place.
        self.append: Callable[[int], None] = self._places.append
        self._lines: dict[int, int] = {}
        self._own: dict[int, Entry] = {}

    def append_moved(self, place: int, line: int) -> None:
        """Add an entry of the journal that stands elsewhere now."""
        self._lines[len(self._places)] = line
        self._places.append(place)

    def append_own(self, entry: Entry) -> None:
        """Add an entry that the journal has not, or has otherwise."""
        self._own[len(self._places)] = entry
        self._places.append(-1)

    def cut(self, length: int) -> None:
        """Take back all but the first."""
        for place in range(length, len(self._places)):
            self._lines.pop(place, None)
            self._own.pop(place, None)
        del self._places[length:]

    def recorded(self, number: int) -> Entry:
        """A checkpoint as it was recorded."""
        own = self._own.get(number)
        return self._journal.entries[self._places[number]] if own is None else own

    @property
    def stays(self) -> bool:
        """Whether each is in the journal, and stands where it was recorded."""
        return not (self._own or self._lines)

    @property
    def moved(self) -> dict[int, int]:
        """Line in which checkpoints were recorded → where they stand now, of those that stand elsewhere."""
        return {self.recorded(number).line: line for number, line in self._lines.items()}

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> Entry: ...
    @overload
    def __getitem__(self, number: slice) -> list[Entry]: ...
    def __getitem__(self, number: int | slice) -> Entry | list[Entry]:
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        entry = self.recorded(number)
        line = self._lines.get(number)
        return entry if line is None else entry._replace(line=line)

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, range(len(self)))

    def __reversed__(self) -> Iterator[Entry]:
        return map(self.__getitem__, reversed(range(len(self))))
