"""The journal of a run: what was done, found again by what was asked.

An operation's *key* is a hash of everything that came before it in its frame (the chain), its kind, its name
and what it asks. So one look-up answers "was exactly this done before, after exactly that?", an edit makes a
branch and undoing the edit finds the old tail again.

What an operation asks is a text of named parts, ``label US text RS label US text …`` (US and RS are the ASCII
unit and record separators), so that a change can be explained part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import takewhile
from typing import Final

from .entries import HIDDEN_KINDS, Entry, JournalRow
from .stores import Store

__all__ = ["Journal", "chain_after", "changed_parts", "digest", "frame_chain", "key_of", "parts_text", "root_chain"]

_RS: Final = "\x1e"
_US: Final = "\x1f"
_LONG_PART: Final = 48  # characters of a part that is kept as it is; longer ones are kept as their digest


def digest(text: str) -> str:
    """A short hex digest of a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def root_chain(root: str) -> bytes:
    """The chain at the start of a run with these inputs."""
    return blake2b(root.encode(), digest_size=16, person=b"root").digest()


def key_of(chain: bytes, kind: str, name: str, asked: str) -> bytes:
    """The key of an operation that comes after ``chain``."""
    return blake2b(f"{kind}{_RS}{name}{_RS}{asked}".encode(), digest_size=16, key=chain).digest()


def chain_after(key: bytes, outcome: str, failed: bool) -> bytes:  # noqa: FBT001 - hot path, two call sites
    """The chain after an operation with that key came out so."""
    return blake2b(outcome.encode(), digest_size=16, key=key, person=b"failed" if failed else b"").digest()


def frame_chain(key: bytes, variant: int) -> bytes:
    """The chain at the start of an operation's own frame.

    ``variant`` counts how often the operation was completed before: done again, it does nothing of its inside
    from the journal, but interrupted, it finds what it finished.
    """
    return blake2b(b"%d" % variant, digest_size=16, key=key, person=b"frame").digest()


def parts_text(asked: str) -> str:
    """What was asked, with long parts as their digests: what an entry keeps."""
    if len(asked) <= _LONG_PART:
        return asked
    return _RS.join(_short(part) for part in asked.split(_RS))


def _short(part: str) -> str:
    label, _, text = part.partition(_US)
    return part if len(text) <= _LONG_PART else f"{label}{_US}#{digest(text)}"


def changed_parts(before: str, after: str) -> list[str]:
    """The labels of the parts that differ between two ``parts_text``."""
    old, new = _parts(before), _parts(after)
    return [label for label in {**old, **new} if old.get(label) != new.get(label)]


def _parts(asked: str) -> dict[str, str]:
    return {label: text for label, _, text in (part.partition(_US) for part in asked.split(_RS))}


class Journal:
    """The entries of one journal in memory, and appended to its store.

    Attributes:
        row: the journal's head.
        entries: all entries, in the order they were written.
        recorded: how many there were when it was opened.
    """

    def __init__(self, store: Store, row: JournalRow) -> None:
        self.store = store
        self.row = row
        self.entries: list[Entry] = []
        self._by_key: dict[bytes, list[Entry]] = {}
        self._after: dict[bytes, Entry] | None = None
        self._beside: dict[bytes, list[Entry]] | None = None
        for entry in store.entries(row.id):
            self._index(entry)
            if entry.kind == "end":
                self._forget_cut()
        self.recorded = len(self.entries)

    def _index(self, entry: Entry) -> None:
        self.entries.append(entry)
        found = self._by_key.get(entry.key)
        if found is None:
            self._by_key[entry.key] = [entry]
        else:
            found.append(entry)
        if self._after is not None:
            self._after[entry.chain] = entry
        if self._beside is not None:
            self._beside.setdefault(entry.prev, []).append(entry)

    def _forget_cut(self) -> None:
        """A run ended: what its cuts forgot stays forgotten."""
        for entry in [each for each in self.entries if each.kind == "cut"]:
            self.forget(entry)

    def forget(self, cut: Entry) -> None:
        """Take what a cut forgets out of the look-up; it stays among the entries, as history."""
        older = {id(entry) for entry in takewhile(lambda each: each is not cut, self.entries)}
        position = int(cut.outcome)
        for key, found in list(self._by_key.items()):
            kept = [each for each in found if id(each) not in older or not _is_from(each.path, cut.name, position)]
            if kept:
                self._by_key[key] = kept
            else:
                del self._by_key[key]

    def find(self, key: bytes) -> list[Entry]:
        """The entries with that key, oldest first; empty where there is none."""
        return self._by_key.get(key) or []

    def append(self, entry: Entry) -> None:
        """Write an entry; when this returns, a killed process cannot lose it.

        Raises:
            StoreError: it could not be written; the journal is as before.
        """
        self.store.append(self.row.id, entry)
        self._index(entry)

    def siblings(self, prev: bytes) -> list[Entry]:
        """The checkpoints recorded after that chain, oldest first: what was done here before."""
        if self._beside is None:
            self._beside = {}
            for entry in self.entries:
                self._beside.setdefault(entry.prev, []).append(entry)
        return [entry for entry in self._beside.get(prev, ()) if entry.kind not in HIDDEN_KINDS]

    def tail_after(self, entry: Entry) -> Iterator[Entry]:
        """What followed an entry in its frame, along the newest branch."""
        follower: Entry | None = entry
        while follower is not None:
            yield follower
            following = self.siblings(follower.chain)
            follower = following[-1] if following else None

    def inside(self, entry: Entry) -> list[Entry]:
        """The checkpoints of an entry's own frame, in order."""
        if entry.tail is None:
            return []
        if self._after is None:
            self._after = {each.chain: each for each in self.entries}
        inner: list[Entry] = []
        chain = entry.tail
        while (last := self._after.get(chain)) is not None and last.path.startswith(entry.path + "/"):
            inner.append(last)
            chain = last.prev
        return inner[::-1]

    def newest(self, prefix: str, which: str | int) -> Entry | None:
        """The newest checkpoint of a frame by name or position that no cut has forgotten."""
        known = {id(entry) for found in self._by_key.values() for entry in found}
        for entry in reversed(self.entries):
            if id(entry) in known and entry.kind not in HIDDEN_KINDS and _is(entry, prefix, which):
                return entry
        return None


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
