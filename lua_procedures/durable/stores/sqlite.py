"""Journals in one SQLite file: many runs, readers in any process, one writer at a time.

Every operation is a single statement in autocommit, so that it is whole or absent after a kill, and two
threads or processes never see half of one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import starmap
from operator import attrgetter
from typing import Any, Final, get_type_hints

from ...errors import StoreError
from ..entries import KEPT_FIELDS, Entry, JournalRow, StoredRequest
from ..ownership import Owner, Ownership, locked, owner_here, patiently, taken_over
from . import sqlite_schema as sql
from .locks import lock_byte
from .refusals import unkept
from .sqlite_file import FAILURES, Row, SqliteFile

__all__ = ["SqliteStore"]

_as_requests: Final = partial(starmap, StoredRequest)
_as_owners: Final = partial(starmap, Owner)
#: SQLite keeps a text where a number is declared, and others make files, too.
_JOURNAL_TYPES: Final = tuple(get_type_hints(JournalRow)[name] for name in KEPT_FIELDS)
_row_values: Final = attrgetter(*sql.SAVED_FIELDS)


class SqliteStore(SqliteFile):
    """Keeps journals in one SQLite file (WAL), which is made where it is missing.

    Beside it is a file of the same name and ``-locks``, of which each byte stands for a journal: the process that
    drives its run has locked it. It is always empty; deleting it lets others drive what is being driven.

    Args:
        path: the file; a relative one is taken from the current folder, now.
        synchronous: ``"normal"`` is safe against a killed process, ``"full"`` also against a power cut.
        busy_timeout: how long a call waits for another process that is writing, in seconds.

    Raises:
        StoreError: the file cannot be opened or made, or is no store of ours; nothing was changed.
    """

    def __init__(self, path: str | os.PathLike[str], synchronous: str = "normal", *, busy_timeout: float = 5.0) -> None:
        super().__init__(path, synchronous, busy_timeout=busy_timeout)
        real = self._path.resolve()  # the same for all who come to it by links
        self._locks = real.with_name(f"{real.name}-locks")
        self._appending = threading.Lock()  # a place is looked for and taken by one thread at a time
        self._cursor = self._connection.cursor()  # of the thread that is appending
        #: journal and epoch → row number of the entry that was written last by that owner (None: by none) here
        self._last: dict[tuple[int, int | None], int] = {}

    @property
    def keeps_objects(self) -> bool:
        """False: a file keeps plain data only."""
        return False

    def create(self, row: JournalRow) -> JournalRow:
        """Add a journal; sets ``id`` and ``generation`` of ``row`` and returns it."""
        while True:
            previous = self.find(row.name, row.root)
            row.generation = previous.generation + 1 if previous else 0
            # Not when another process made this generation meanwhile.
            if self._changed(sql.CREATE, _row_values(row)):
                break
        [created] = self._journals(sql.CREATED, (row.name, row.root, row.generation))
        row.id = created.id
        return row

    def save(self, row: JournalRow, epoch: int | None = None) -> None:
        """Write the head of a journal again; of an owner, only while its epoch is the journal's."""
        if not self._changed(sql.SAVE, (*_row_values(row), row.id, epoch)):
            raise self._refused(row.id, epoch)

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        """The newest generation with that name and root; without ``root``, the journal of that name updated last."""
        found = (sql.FIND, (name,)) if root is None else (sql.FIND_ROOT, (name, root))
        return next(iter(self._journals(*found)), None)

    def journals(self, name: str | None = None) -> list[JournalRow]:
        """All journals (of that name), oldest first."""
        if name is None:
            return self._journals(sql.JOURNALS)
        return self._journals(sql.JOURNALS_NAMED, (name,))

    def _journals(self, statement: str, values: Sequence[Any] = ()) -> list[JournalRow]:
        rows = self._rows(list, statement, values)
        if not all(isinstance(*pair) for row in rows for pair in zip(row, _JOURNAL_TYPES, strict=True)):
            raise self._damaged()
        return list(starmap(JournalRow, rows))

    def entries(self, journal: int) -> Iterator[Entry]:
        """All entries of a journal in the order they were written, as they are at this moment."""
        return iter(self._rows(_as_entries, sql.ENTRIES, (journal,)))

    def last(self, journal: int) -> Entry | None:
        """The entry that was written last, or None where there is none."""
        return next(iter(self._rows(_as_entries, sql.LAST, (journal,))), None)

    def append(self, journal: int, entry: Entry, epoch: int | None = None) -> None:
        """Add an entry; of an owner, only while its epoch is the journal's.

        Raises:
            StoreError: it was not added; among others, because it carries objects, which a file cannot keep.
        """
        if entry.objects:
            raise unkept(entry)
        owner = journal, epoch
        with self._appending:
            last = self._last.get(owner)
            if last is not None and os.getpid() == self._process and self._append_next(journal, entry, last + 1):
                self._last[owner] = last + 1
            else:
                self._append_at_end(journal, entry, epoch)

    def _append_next(self, journal: int, entry: Entry, seq: int) -> bool:
        """Add it right after what its owner wrote last here; False where that is not the place any more."""
        if time.monotonic() > self._look_again:
            self._check_handle()
        try:
            return self._cursor.execute(*_next_row(journal, entry, seq)).rowcount == 1
        except sqlite3.IntegrityError:
            return False  # another handle wrote there meanwhile
        except FAILURES as error:
            raise self._explained(error) from error

    def _append_at_end(self, journal: int, entry: Entry, epoch: int | None) -> None:
        if (journal, epoch) not in self._last:
            self._changed(sql.BEGIN_STRETCH, (journal,))
        if not self._changed(sql.APPEND, (journal, *entry[:-1], epoch)):
            raise self._refused(journal, epoch)
        [[self._last[journal, epoch]]] = self._rows(list, sql.LAST_ROW)

    def own(self, journal: int) -> Ownership:
        """Take a journal to drive it; it is locked until the ownership is released or this process ends.

        Raises:
            RunLocked: it is being driven.
            StoreError: there is no such journal, or nothing can be locked beside the file.
        """
        release = patiently(lambda: self._lock(journal))
        if release is None:
            raise locked(self._name(journal), self.owner(journal))
        try:
            owner = self._sign(journal)
        except BaseException:
            release()
            raise
        return Ownership(owner, partial(self._let_go, journal, owner.epoch, release))

    def owner(self, journal: int) -> Owner | None:
        """Who took a journal last, or None where nobody ever did."""
        return next(iter(self._rows(_as_owners, sql.OWNER, (journal,))), None)

    def driven(self, journal: int) -> bool:
        """Whether a journal has an owner now: a process that has died has lost its lock."""
        if not self._locks.exists():
            return False
        release = self._lock(journal)
        if release is not None:
            release()
        return release is None

    def _lock(self, journal: int) -> Callable[[], None] | None:
        self._check_handle()
        try:
            return lock_byte(self._locks, journal)
        except OSError as error:
            raise self._explained(error) from error

    def _sign(self, journal: int) -> Owner:
        while True:
            owner = owner_here(self.owner(journal))
            if self._changed(sql.OWN, (journal, owner.epoch, owner.host, owner.process, owner.since)):
                return owner
            self._name(journal)  # which raises where there is no such journal

    def _let_go(self, journal: int, epoch: int, release: Callable[[], None]) -> None:
        self._last.pop((journal, epoch), None)
        release()

    def _name(self, journal: int) -> str:
        found = self._rows(list, sql.NAME, (journal,))
        if not found:
            raise self._missing(journal)
        return str(found[0][0])

    def _refused(self, journal: int, epoch: int | None) -> StoreError:
        """Why nothing was written to a journal."""
        owner = self.owner(journal)
        if epoch is None or owner is None:
            return self._missing(journal)
        return taken_over(self._name(journal), owner)

    def ask(self, journal: int, request_id: str, request: str) -> StoredRequest:
        """Keep a question, once: where the id is known, what is there already is returned unchanged."""
        self._changed(sql.ASK, (journal, request_id, request))
        kept = self.request(journal, request_id)
        if kept is None:
            raise self._missing(journal)
        return kept

    def request(self, journal: int, request_id: str) -> StoredRequest | None:
        """The question of that id, with its answer if it has one."""
        return next(iter(self._rows(_as_requests, sql.REQUEST, (journal, request_id))), None)

    def requests(self, journal: int) -> list[StoredRequest]:
        """All questions of a journal, oldest first."""
        return self._rows(_as_requests, sql.REQUESTS, (journal,))

    def open_requests(self, journal: int) -> list[StoredRequest]:
        """The questions that have no answer yet, oldest first."""
        return self._rows(_as_requests, sql.OPEN_REQUESTS, (journal,))

    def answer(self, journal: int, request_id: str, answer: str) -> bool:
        """Record an answer; False where the question is unknown or was answered before."""
        return self._changed(sql.ANSWER, (journal, request_id, answer)) == 1

    def forget(self, journal: int) -> None:
        """Delete a journal with its entries and questions."""
        self._changed(sql.FORGET, (journal,))


def _next_row(journal: int, entry: Entry, seq: int) -> tuple[str, tuple[Any, ...]]:
    (
        key, prev, chain, path, kind, name, asked, outcome, failed,
        effects, reads, line, started, finished, usage, tail, _,
    ) = entry  # fmt: skip
    if failed or effects is not None or reads is not None or usage is not None or tail is not None:
        return sql.APPEND_NEXT, (*entry[:-1], journal, seq)
    # Of all that holds bytes, sqlite3 takes a bytearray as it is; for anything else it looks for an adapter first.
    return sql.APPEND_NEXT_PLAIN, (
        bytearray(key), bytearray(prev), bytearray(chain), path, kind, name, asked, outcome, 0,
        line, started, finished, journal, seq,
    )  # fmt: skip


def _as_entries(rows: Iterable[Row]) -> list[Entry]:
    # Spelled out, because this is the fastest way to a real bool: all of a run's checkpoints are read in one go.
    return [
        tuple.__new__(
            Entry,
            (
                key, prev, chain, path, kind, name, asked, outcome, failed == 1,
                effects, reads, line, started, finished, usage, tail, objects,
            ),
        )
        for (
            key, prev, chain, path, kind, name, asked, outcome, failed,
            effects, reads, line, started, finished, usage, tail, objects,
        ) in rows
    ]  # fmt: skip
