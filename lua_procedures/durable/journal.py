"""The journal of a run: what was done, found again by what was asked (see ``durable.keys``)."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice

from .entries import HIDDEN_KINDS, Entry, JournalRow
from .packed import Entries
from .stores import Store

__all__ = ["Journal"]


class Journal:
    """The entries of one journal in memory, and appended to its store.

    An entry's *place* is its number among all that were written, from 0. They are read when somebody first looks.

    Args:
        store: where it is kept.
        row: its head.
        epoch: of the ownership that it is written under; None where nobody else can know the journal.

    Attributes:
        row: the journal's head.
    """

    def __init__(self, store: Store, row: JournalRow, epoch: int | None = None) -> None:
        self.store = store
        self.row = row
        self._epoch = epoch
        self._entries: Entries | None = None
        self._recorded = 0
        #: key → place; one entry is the rule: only a key with several has a list, oldest first
        self._by_key: dict[bytes, int | list[int]] | None = None
        self._kinds: set[str] = set()  # that are not hidden
        self._hidden: dict[str, list[int]] = {}
        self._after: dict[bytes, int] | None = None
        self._beside: dict[bytes, list[int]] | None = None
        self._doubled = False
        self._forgotten: Counter[bytes] = Counter()
        self._until: Entry | None = None

    @property
    def entries(self) -> Entries:
        """All entries, in the order they were written."""
        return self._read() if self._entries is None else self._entries

    @property
    def recorded(self) -> int:
        """How many entries there were when they were read."""
        if self._entries is None:
            self._read()
        return self._recorded

    def _read(self) -> Entries:
        with _uncollected():
            entries = list(self.store.entries(self.row.id))
        if self._until is not None:
            del entries[next((at for at, each in enumerate(entries, 1) if each == self._until), 0) :]
        self._entries = Entries(entries)
        self._recorded = len(entries)
        for place, entry in enumerate(entries):
            self._count(entry.kind, place)
        return self._entries

    def _count(self, kind: str, place: int) -> None:
        if kind in HIDDEN_KINDS:
            self._hidden.setdefault(kind, []).append(place)
        else:
            self._kinds.add(kind)

    def read_until(self, entry: Entry) -> None:
        """When the entries are read, leave out what was written after this one."""
        self._until = entry

    def rest(self) -> None:
        """Take little memory from now on; who looks something up has the look-up made again."""
        self._by_key = self._after = self._beside = None
        if self._entries is not None:
            self._entries.pack()

    def _index(self) -> dict[bytes, int | list[int]]:
        entries = self.entries
        newest = {entry.key: place for place, entry in enumerate(entries)}
        self._by_key = by_key = dict[bytes, int | list[int]](newest)
        self._doubled = False
        if "cut" in self._hidden:
            by_key.clear()
            self._index_cuts()
        elif len(newest) < len(entries):
            doubles = [place for place, entry in enumerate(entries) if newest[entry.key] != place]
            for key in {entries[place].key for place in doubles}:
                del by_key[key]
                doubles.append(newest[key])
            for place in sorted(doubles):
                self._add(entries[place], place)
        return by_key

    def _index_cuts(self) -> None:
        self._forgotten.clear()
        cuts, ends = set(self._hidden["cut"]), set(self._hidden.get("end", ()))
        made: dict[str, int] = {}
        for place, entry in enumerate(self.entries):
            self._add(entry, place)
            if place in cuts:
                made[entry.key.hex()] = place
            elif place in ends:  # a run completed: what its cuts forgot stays forgotten
                for key in entry.outcome.split():
                    self._forget(self.entries[made[key]], made[key])

    def _add(self, entry: Entry, place: int) -> None:
        by_key = self._look_up
        before = by_key.setdefault(entry.key, place)
        if isinstance(before, list):
            before.append(place)
        elif before != place:
            by_key[entry.key] = [before, place]
            self._doubled = self._doubled or entry.kind not in HIDDEN_KINDS

    @property
    def doubled(self) -> bool:
        """Whether any checkpoint was recorded twice, so that its chain alone does not tell which is meant."""
        return bool(self._look_up) and self._doubled

    @property
    def _look_up(self) -> dict[bytes, int | list[int]]:
        return self._index() if self._by_key is None else self._by_key

    def _places(self, key: bytes) -> list[int]:
        found = self.look(key)
        return [] if found is None else found if isinstance(found, list) else [found]

    def find(self, key: bytes) -> list[Entry]:
        """The entries with that key, newest first; empty where there is none."""
        return [self.entries[place] for place in reversed(self._places(key))]

    def times(self, key: bytes) -> int:
        """How often that was done, also what a cut has forgotten."""
        return self._forgotten[key] + len(self._places(key))

    def look(self, key: bytes) -> int | list[int] | None:
        """The place of the entry with that key, or the places of several, oldest first."""
        by_key = self._by_key
        return (self._index() if by_key is None else by_key).get(key)

    def forgot(self, key: bytes) -> bool:
        """Whether a cut has forgotten an entry with that key."""
        return key in self._forgotten

    def place_of(self, entry: Entry) -> int:
        """The place of an entry that ``find`` gave."""
        found = self._look_up[entry.key]
        return found if not isinstance(found, list) else next(at for at in found[::-1] if self.entries[at] == entry)

    def has(self, kinds: Collection[str]) -> bool:
        """Whether any entry is of one of these kinds."""
        return bool(self.entries) and any(kind in self._kinds or kind in self._hidden for kind in kinds)

    def hidden(self, kind: str) -> list[Entry]:
        """The entries of one of ``HIDDEN_KINDS``, oldest first."""
        entries = self.entries
        return [entries[place] for place in self._hidden.get(kind, ())]

    def append(self, entry: Entry) -> int:
        """Write an entry; when this returns, a killed process cannot lose it.

        Returns:
            Its place.

        Raises:
            StoreError: it could not be written; the journal is as before.
        """
        entries, by_key = self._entries, self._by_key
        if entries is None or by_key is None:  # read before this one is among them
            entries, by_key = self.entries, self._look_up
        self.store.append(self.row.id, entry, self._epoch)
        place = entries.append(entry)
        self._after = None
        if by_key.setdefault(entry.key, place) != place:
            self._add(entry, place)
        if entry.kind not in self._kinds:
            self._count(entry.kind, place)
        return place

    def save(self) -> None:
        """Write the head again.

        Raises:
            StoreError: it could not be written.
        """
        self.store.save(self.row, self._epoch)

    # -- cuts --------------------------------------------------------------------------------------------

    def newest_cut(self, key: bytes) -> Entry | None:
        """The recorded cut with that key that no completed run has left behind."""
        entries = self.entries
        end = self._hidden.get("end", [-1])[-1]
        cuts = (entries[place] for place in reversed(self._hidden.get("cut", ())) if place > end)
        return next((cut for cut in cuts if cut.key == key), None)

    def forget(self, cut: Entry, *, is_written: bool = True) -> None:
        """Take what a cut forgets out of the look-up; it stays among the entries, as history.

        One that is not written, as with ``--strict``, is younger than all.
        """
        self._forget(cut, self.place_of(cut) if is_written else len(self.entries))

    def _forget(self, cut: Entry, made: int) -> None:
        entries, by_key, position = self.entries, self._look_up, int(cut.outcome)
        for key, found in list(by_key.items()):
            listed = found if isinstance(found, list) else [found]
            kept = [each for each in listed if each >= made or not _is_from(entries[each].path, cut.name, position)]
            if len(kept) == len(listed):
                continue
            self._forgotten[key] += len(listed) - len(kept)
            if kept:
                by_key[key] = kept
            else:
                del by_key[key]

    # -- history -----------------------------------------------------------------------------------------

    def siblings(self, prev: bytes) -> list[Entry]:
        """The checkpoints that earlier passes recorded after that chain, oldest first."""
        entries = self.entries
        if self._beside is None:
            self._beside = {}
            for place, entry in enumerate(islice(entries, self._recorded)):
                if entry.kind not in HIDDEN_KINDS:
                    self._beside.setdefault(entry.prev, []).append(place)
        return [entries[place] for place in self._beside.get(prev, ())]

    def superseded(self, prev: bytes) -> Entry | None:
        """What an earlier pass last did after that chain, if anything."""
        found = self.siblings(prev)
        return found[-1] if found else None

    def tail_from(self, entry: Entry) -> Iterator[Entry]:
        """An entry and what followed it in its frame, along the newest branch."""
        follower: Entry | None = entry
        while follower is not None:
            yield follower
            follower = self.superseded(follower.chain)

    def inside(self, entry: Entry) -> list[Entry]:
        """The checkpoints of an entry's own frame, in order."""
        return [] if entry.tail is None else self.up_to(entry.tail)

    def up_to(self, chain: bytes) -> list[Entry]:
        """The checkpoints of a frame that led to that chain, in order."""
        entries = self.entries
        if self._after is None:
            self._after = {each.chain: place for place, each in enumerate(entries) if each.kind not in HIDDEN_KINDS}
        inner: list[Entry] = []
        position = sys.maxsize
        while (place := self._after.get(chain)) is not None:
            last = entries[place]
            chain = last.prev
            here = int(last.path.rpartition("/")[2])
            if here < position:  # otherwise a cut has forgotten it
                inner.append(last)
                position = here
        return inner[::-1]

    def all_inside(self, entry: Entry) -> Iterator[Entry]:
        """The checkpoints inside an entry, at any depth, outer before inner."""
        for inner in self.inside(entry):
            yield inner
            yield from self.all_inside(inner)

    def newest(self, prefix: str, which: str | int) -> Entry | None:
        """The newest checkpoint of a frame by name or position that no cut has forgotten."""
        place = len(self.entries)
        for entry in reversed(self.entries):
            place -= 1
            if entry.kind not in HIDDEN_KINDS and _is(entry, prefix, which) and place in self._places(entry.key):
                return entry
        return None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of garbage, which would go through all that is read again and again, and find nothing.

    Of 100,000 entries that is a third of the time of reading them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is(entry: Entry, prefix: str, which: str | int) -> bool:
    head, _, position = entry.path.rpartition("/")
    if (head + "/" if head else "") != prefix:
        return False
    return entry.name == which if isinstance(which, str) else int(position) == which


def _is_from(path: str, prefix: str, position: int) -> bool:
    if not path.startswith(prefix):
        return False
    place = path[len(prefix) :].partition("/")[0]
    return place.isdigit() and int(place) >= position
