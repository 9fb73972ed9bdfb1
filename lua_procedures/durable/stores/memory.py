"""Journals in this process's memory: the kernel session's own, and any number of separate ones."""

from __future__ import annotations

import functools
import itertools
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..entries import Entry, JournalRow, StoredRequest
from ..ownership import Owner, Ownership, locked, owner_here, patiently, taken_over
from ..packed import Entries
from .refusals import missing

__all__ = ["MemoryStore", "kernel_session_store"]


@dataclass(slots=True)
class _Journal:
    row: JournalRow
    entries: Entries = field(default_factory=Entries)
    requests: dict[str, StoredRequest] = field(default_factory=dict)
    owner: Owner | None = None
    driver: int = 0  # the process that drives it now; a fork drives none of its parent's


class MemoryStore:
    """Keeps journals, and the live objects of their entries, until the process ends.

    Each instance has journals of its own; ``open_store("memory:")`` always gives the kernel session's.
    """

    def __init__(self) -> None:
        self._journals: dict[int, _Journal] = {}
        self._ids = itertools.count(1)
        self._taking = threading.Lock()

    @property
    def url(self) -> str:
        """``memory:``, which opens the kernel session's store."""
        return "memory:"

    @property
    def keeps_objects(self) -> bool:
        """True: entries may carry any Python object."""
        return True

    def create(self, row: JournalRow) -> JournalRow:
        """Add a journal; sets ``id`` and ``generation`` of ``row`` and returns it."""
        previous = self.find(row.name, row.root)
        row.generation = previous.generation + 1 if previous else 0
        row.id = next(self._ids)
        self._journals[row.id] = _Journal(replace(row))
        return row

    def save(self, row: JournalRow, epoch: int | None = None) -> None:
        """Write the head of a journal again; of an owner, only while its epoch is the journal's."""
        self._writable(row.id, epoch).row = replace(row)

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        """The newest generation with that name and root; without ``root``, the journal of that name updated last."""
        rows = self._named(name)
        if root is None:
            found = max(rows, key=lambda row: (row.updated, row.id), default=None)
        else:
            found = max((row for row in rows if row.root == root), key=lambda row: row.generation, default=None)
        return replace(found) if found else None

    def journals(self, name: str | None = None) -> list[JournalRow]:
        """All journals (of that name), oldest first."""
        return [replace(row) for row in self._named(name)]

    def _named(self, name: str | None) -> list[JournalRow]:
        rows = [journal.row for journal in list(self._journals.values())]
        return [row for row in rows if name is None or row.name == name]

    def entries(self, journal: int) -> Iterator[Entry]:
        """All entries of a journal in the order they were written."""
        found = self._journals.get(journal)
        return iter(found.entries if found else ())

    def last(self, journal: int) -> Entry | None:
        """The entry that was written last, or None where there is none."""
        found = self._journals.get(journal)
        return found.entries[-1] if found and found.entries else None

    def append(self, journal: int, entry: Entry, epoch: int | None = None) -> None:
        """Add an entry, with its objects; of an owner, only while its epoch is the journal's."""
        self._writable(journal, epoch).entries.append(entry)

    def own(self, journal: int) -> Ownership:
        """Take a journal to drive it; ``RunLocked`` where another pass of this process does."""
        found = self._journal(journal)
        owner = patiently(lambda: self._take(found))
        if owner is None:
            raise locked(found.row.name, found.owner)
        return Ownership(owner, functools.partial(_let_go, found, owner))

    def owner(self, journal: int) -> Owner | None:
        """Who took a journal last, or None where nobody ever did."""
        found = self._journals.get(journal)
        return found.owner if found else None

    def driven(self, journal: int) -> bool:
        """Whether a pass of this process drives a journal now."""
        found = self._journals.get(journal)
        return found is not None and found.driver == os.getpid()

    def _take(self, journal: _Journal) -> Owner | None:
        with self._taking:
            if journal.driver == os.getpid():
                return None
            journal.owner, journal.driver = owner_here(journal.owner), os.getpid()
            return journal.owner

    def ask(self, journal: int, request_id: str, request: str) -> StoredRequest:
        """Keep a question, once: where the id is known, what is there already is returned unchanged."""
        return self._journal(journal).requests.setdefault(request_id, StoredRequest(request_id, request))

    def request(self, journal: int, request_id: str) -> StoredRequest | None:
        """The question of that id, with its answer if it has one."""
        found = self._journals.get(journal)
        return found.requests.get(request_id) if found else None

    def requests(self, journal: int) -> list[StoredRequest]:
        """All questions of a journal, oldest first."""
        found = self._journals.get(journal)
        return list(found.requests.values()) if found else []

    def open_requests(self, journal: int) -> list[StoredRequest]:
        """The questions that have no answer yet, oldest first."""
        return [request for request in self.requests(journal) if request.answer is None]

    def answer(self, journal: int, request_id: str, answer: str) -> bool:
        """Record an answer; False where the question is unknown or was answered before."""
        request = self.request(journal, request_id)
        if request is None or request.answer is not None:
            return False
        self._journals[journal].requests[request_id] = replace(request, answer=answer)
        return True

    def forget(self, journal: int) -> None:
        """Delete a journal with its entries and questions."""
        self._journals.pop(journal, None)

    def close(self) -> None:
        """Does nothing: the journals stay."""

    def _writable(self, journal: int, epoch: int | None) -> _Journal:
        found = self._journal(journal)
        if epoch is not None and found.owner is not None and found.owner.epoch != epoch:
            raise taken_over(found.row.name, found.owner)
        return found

    def _journal(self, journal: int) -> _Journal:
        try:
            return self._journals[journal]
        except KeyError:
            raise missing("memory:", journal) from None


def _let_go(journal: _Journal, owner: Owner) -> None:
    if journal.owner is owner:
        journal.driver = 0


@functools.cache
def kernel_session_store() -> MemoryStore:
    """The store behind ``memory:``, one in a process."""
    return MemoryStore()
