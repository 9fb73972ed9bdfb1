"""The journal of a run: what was done, found again by what was asked.

An operation's *key* is a hash of everything that came before it in its frame (the chain), its kind, its name
and what it asks. So one look-up answers "was exactly this done before, after exactly that?", an edit makes a
branch and undoing the edit finds the old tail again.

What an operation asks is a text of named parts, ``label US text RS label US text …`` (US and RS are the ASCII
unit and record separators), so that a change can be explained part by part.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from itertools import takewhile
from typing import Any, Final

from .entries import HIDDEN_KINDS, Entry, JournalRow
from .stores import Store

__all__ = [
    "Journal",
    "asked_parts",
    "chain_after",
    "changed_parts",
    "digest",
    "frame_chain",
    "key_of",
    "parts_text",
    "root_key",
]

_RS: Final = "\x1e"
_US: Final = "\x1f"
_LONG_PART: Final = 48  # characters of a part that is kept as it is; longer ones are kept as their digest


def digest(text: str) -> str:
    """A short hex digest of a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def root_key(root: str) -> bytes:
    """What the outermost frame of a run with these inputs hangs below."""
    return blake2b(b"root\0" + root.encode(), digest_size=16).digest()


def key_of(chain: bytes, kind: str, name: str, asked: str) -> bytes:
    """The key of an operation that comes after ``chain``."""
    return blake2b(chain + f"{kind}{_RS}{name}{_RS}{asked}".encode(), digest_size=16).digest()


def chain_after(key: bytes, outcome: str, *, failed: bool) -> bytes:
    """The chain after an operation with that key came out so."""
    return blake2b((b"!" if failed else b"=") + key + outcome.encode(), digest_size=16).digest()


def frame_chain(key: bytes, variant: int) -> bytes:
    """The chain at the start of an operation's own frame.

    ``variant`` counts how often the operation was completed before: done again, it does nothing of its inside
    from the journal, but interrupted, it finds what it finished.
    """
    return blake2b(b"/%d/" % variant + key, digest_size=16).digest()


def parts_text(asked: str) -> str:
    """What was asked, with long parts as their digests: what an entry keeps."""
    if len(asked) <= _LONG_PART:
        return asked
    return _RS.join([_short(part) for part in asked.split(_RS)])


def _short(part: str) -> str:
    if len(part) <= _LONG_PART:
        return part
    label, _, text = part.partition(_US)
    return f"{label}{_US}#{digest(text)}"


def changed_parts(before: str, after: str) -> list[str]:
    """The labels of the parts that differ between two ``parts_text``."""
    old, new = asked_parts(before), asked_parts(after)
    return [label for label in {**old, **new} if old.get(label) != new.get(label)]


def asked_parts(asked: str) -> dict[str, str]:
    """The parts of what was asked, by label."""
    return {label: text for label, _, text in (part.partition(_US) for part in asked.split(_RS))}


class Journal:
    """The entries of one journal in memory, and appended to its store.

    Args:
        store: where it is kept.
        row: its head.
        epoch: of the ownership that it is written under; None where nobody else can know the journal.

    Attributes:
        row: the journal's head.
        entries: all entries, in the order they were written.
        recorded: how many there were when they were read, which is when somebody first looks.
    """

    entries: list[Entry]
    recorded: int
    has_cuts: bool
    _by_key: dict[bytes, Entry | list[Entry]]

    def __init__(self, store: Store, row: JournalRow, epoch: int | None = None) -> None:
        self.store = store
        self.row = row
        self._epoch = epoch
        self._after: dict[bytes, Entry] | None = None
        self._beside: dict[bytes, list[Entry]] | None = None
        self._forgotten: Counter[bytes] = Counter()
        self._until: Entry | None = None

    def __getattr__(self, name: str) -> Any:
        # Called for what is not there yet: what the entries give. Afterwards each is as fast as any attribute.
        if name not in ("entries", "recorded", "has_cuts", "_by_key"):
            raise AttributeError(name)
        self.entries = list(self.store.entries(self.row.id))
        if self._until is not None:
            del self.entries[next((at for at, each in enumerate(self.entries, 1) if each == self._until), 0) :]
        self.recorded = len(self.entries)
        self.has_cuts = any(entry.kind == "cut" for entry in self.entries)
        self._index_all()
        return self.__dict__[name]

    def read_until(self, entry: Entry) -> None:
        """When the entries are read, leave out what was written after this one."""
        self._until = entry

    def forget_index(self) -> None:
        """Give back the memory of the look-up by key; who asks again has the entries read again."""
        self.__dict__.pop("_by_key", None)
        self._after = self._beside = None

    def _index_all(self) -> None:
        # one entry is the rule: only a key with several has a list, oldest first
        self._by_key = {entry.key: entry for entry in self.entries}
        if len(self._by_key) == len(self.entries) and not self.has_cuts:
            return
        self._by_key = {}
        cuts: dict[str, Entry] = {}
        for entry in self.entries:
            self._index(entry)
            if entry.kind == "cut":
                cuts[entry.key.hex()] = entry
            elif entry.kind == "end":  # a run completed: what its cuts forgot stays forgotten
                for key in entry.outcome.split():
                    self.forget(cuts[key])

    def _index(self, entry: Entry) -> None:
        before = self._by_key.setdefault(entry.key, entry)
        if before is not entry:
            self._by_key[entry.key] = [*before, entry] if isinstance(before, list) else [before, entry]

    def find(self, key: bytes) -> list[Entry]:
        """The entries with that key, newest first; empty where there is none."""
        found = self._by_key.get(key)
        if found is None:
            return []
        return found[::-1] if type(found) is list else [found]  # type: ignore[list-item]  # an Entry is a tuple

    def times(self, key: bytes) -> int:
        """How often that was done, also what a cut has forgotten."""
        found = self._by_key.get(key)
        return self._forgotten[key] + (0 if found is None else len(found) if type(found) is list else 1)

    def only(self, key: bytes) -> Entry | None:
        """The entry with that key where there is just one."""
        found = self._by_key.get(key)
        return None if type(found) is list else found  # type: ignore[return-value]  # an Entry, or None

    def append(self, entry: Entry) -> None:
        """Write an entry; when this returns, a killed process cannot lose it.

        Raises:
            StoreError: it could not be written; the journal is as before.
        """
        entries = self.entries  # read before this one is among them
        self.store.append(self.row.id, entry, self._epoch)
        entries.append(entry)
        self._after = None
        if entry.key in self._by_key:
            self._index(entry)
        else:
            self._by_key[entry.key] = entry
        if entry.kind == "cut":
            self.has_cuts = True

    def save(self) -> None:
        """Write the head again.

        Raises:
            StoreError: it could not be written.
        """
        self.store.save(self.row, self._epoch)

    # -- cuts --------------------------------------------------------------------------------------------

    def newest_cut(self, key: bytes) -> Entry | None:
        """The recorded cut with that key that no completed run has left behind."""
        for entry in self.entries[::-1]:
            if entry.kind == "end":
                return None
            if entry.kind == "cut" and entry.key == key:
                return entry
        return None

    def forget(self, cut: Entry) -> None:
        """Take what a cut forgets out of the look-up; it stays among the entries, as history."""
        older = {id(entry) for entry in takewhile(lambda each: each is not cut, self.entries)}
        position = int(cut.outcome)
        for key, found in list(self._by_key.items()):
            listed = found if isinstance(found, list) else [found]
            kept = [each for each in listed if id(each) not in older or not _is_from(each.path, cut.name, position)]
            self._forgotten[key] += len(listed) - len(kept)
            if not kept:
                del self._by_key[key]
            elif len(kept) != len(listed):
                self._by_key[key] = kept

    # -- history -----------------------------------------------------------------------------------------

    def siblings(self, prev: bytes) -> list[Entry]:
        """The checkpoints that earlier passes recorded after that chain, oldest first."""
        if self._beside is None:
            self._beside = {}
            for entry in self.entries[: self.recorded]:
                self._beside.setdefault(entry.prev, []).append(entry)
        return [entry for entry in self._beside.get(prev, ()) if entry.kind not in HIDDEN_KINDS]

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
        if self._after is None:
            self._after = {each.chain: each for each in self.entries if each.kind not in HIDDEN_KINDS}
        inner: list[Entry] = []
        position = sys.maxsize
        while (last := self._after.get(chain)) is not None:
            chain = last.prev
            place = int(last.path.rpartition("/")[2])
            if place < position:  # otherwise a cut has forgotten it
                inner.append(last)
                position = place
        return inner[::-1]

    def all_inside(self, entry: Entry) -> Iterator[Entry]:
        """The checkpoints inside an entry, at any depth, outer before inner."""
        for inner in self.inside(entry):
            yield inner
            yield from self.all_inside(inner)

    def newest(self, prefix: str, which: str | int) -> Entry | None:
        """The newest checkpoint of a frame by name or position that no cut has forgotten."""
        for entry in self.entries[::-1]:
            if entry.kind not in HIDDEN_KINDS and _is(entry, prefix, which) and self._holds(entry):
                return entry
        return None

    def _holds(self, entry: Entry) -> bool:
        return any(each is entry for each in self.find(entry.key))


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
