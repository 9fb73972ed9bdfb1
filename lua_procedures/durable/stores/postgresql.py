"""Journals in a PostgreSQL database: many runs, processes and machines.

Every operation is a single statement in autocommit, so that it is whole or absent after a kill or a lost connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Final

from ...errors import StoreError
from ..entries import Entry, JournalRow, StoredRequest
from ..ownership import Owner, Ownership, locked, owner_here, patiently, taken_over
from . import postgresql_schema as sql
from .postgresql_server import FAILURES, Connection, PostgresqlServer, Row, packed, unpacked
from .refusals import missing, unkept

__all__ = ["PostgresqlStore"]

_row_values: Final = attrgetter(*sql.SAVED_FIELDS)
_locking: Final[set[Connection]] = set()  # the connections that hold a lock


class PostgresqlStore(PostgresqlServer):
    """Keeps journals in the tables of one schema (``lua_procedures``), which are made where they are missing.

    The process that drives a run holds an advisory lock of the database, on a connection of its own; so the server
    must be reached directly, or through a pool that gives each client a session.

    Args:
        url: ``postgresql://user@host/database``, with libpq's options after ``?`` and ``schema=`` for another schema.

    Raises:
        StoreError: the server cannot be reached, or what is there is no store of ours; nothing was changed.
    """

    @property
    def keeps_objects(self) -> bool:
        """False: a database keeps plain data only."""
        return False

    def create(self, row: JournalRow) -> JournalRow:
        """Add a journal; sets ``id`` and ``generation`` of ``row`` and returns it."""
        while True:
            previous = self.find(row.name, row.root)
            row.generation = previous.generation + 1 if previous else 0
            created = self._rows(sql.CREATE, _row_values(row))
            if created:  # otherwise another process made this generation meanwhile
                [[row.id]] = created
                return row

    def save(self, row: JournalRow, epoch: int | None = None) -> None:
        """Write the head of a journal again; of an owner, only while its epoch is the journal's."""
        if not self._changed(sql.SAVE, (*_row_values(row), row.id, epoch)):
            raise self._refused(row.id, epoch)

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        """The newest generation with that name and root; without ``root``, the journal of that name updated last."""
        found = (sql.FIND, (name,)) if root is None else (sql.FIND_ROOT, (name, root))
        return next(map(_as_journal, self._rows(*found)), None)

    def journals(self, name: str | None = None) -> list[JournalRow]:
        """All journals (of that name), oldest first."""
        rows = self._rows(sql.JOURNALS) if name is None else self._rows(sql.JOURNALS_NAMED, (name,))
        return list(map(_as_journal, rows))

    def entries(self, journal: int) -> Iterator[Entry]:
        """All entries of a journal in the order they were written, as they are at this moment."""
        return map(_as_entry, self._rows(sql.ENTRIES, (journal,)))

    def last(self, journal: int) -> Entry | None:
        """The entry that was written last, or None where there is none."""
        return next(map(_as_entry, self._rows(sql.LAST, (journal,))), None)

    def append(self, journal: int, entry: Entry, epoch: int | None = None) -> None:
        """Add an entry; of an owner, only while its epoch is the journal's.

        Raises:
            StoreError: it was not added; among others, because it carries objects, which a database cannot keep.
        """
        if entry.objects:
            raise unkept(entry)
        escaped = any(packed(value) is not value for value in entry if type(value) is str)
        if not self._changed(sql.APPEND, (journal, *entry[:-1], escaped, epoch)):
            raise self._refused(journal, epoch)

    def own(self, journal: int) -> Ownership:
        """Take a journal to drive it; it is locked until the ownership is released or this process ends.

        Raises:
            RunLocked: it is being driven.
            StoreError: there is no such journal, or the server cannot be reached.
        """
        connection = self._connect()
        try:
            owner = self._sign(journal) if patiently(lambda: self._lock(connection, journal)) else None
        except BaseException:
            connection.close()
            raise
        if owner is None:
            connection.close()
            raise locked(self._name(journal), self.owner(journal))
        _locking.add(connection)
        return Ownership(owner, partial(_let_go, connection, os.getpid()))

    def owner(self, journal: int) -> Owner | None:
        """Who took a journal last, or None where nobody ever did."""
        return next((Owner(*row) for row in self._rows(sql.OWNER, (journal,))), None)

    def driven(self, journal: int) -> bool:
        """Whether a journal has an owner now: one whose connection ended has lost its lock."""
        [[driven]] = self._rows(sql.DRIVEN, (journal,))
        return bool(driven)

    def ask(self, journal: int, request_id: str, request: str) -> StoredRequest:
        """Keep a question, once: where the id is known, what is there already is returned unchanged."""
        self._changed(sql.ASK, (journal, request_id, request))
        kept = self.request(journal, request_id)
        if kept is None:
            raise missing(self._shown, journal)
        return kept

    def request(self, journal: int, request_id: str) -> StoredRequest | None:
        """The question of that id, with its answer if it has one."""
        return next(map(_as_request, self._rows(sql.REQUEST, (journal, request_id))), None)

    def requests(self, journal: int) -> list[StoredRequest]:
        """All questions of a journal, oldest first."""
        return list(map(_as_request, self._rows(sql.REQUESTS, (journal,))))

    def open_requests(self, journal: int) -> list[StoredRequest]:
        """The questions that have no answer yet, oldest first."""
        return list(map(_as_request, self._rows(sql.OPEN_REQUESTS, (journal,))))

    def answer(self, journal: int, request_id: str, answer: str) -> bool:
        """Record an answer; False where the question is unknown or was answered before."""
        return self._changed(sql.ANSWER, (journal, request_id, answer)) == 1

    def forget(self, journal: int) -> None:
        """Delete a journal with its entries and questions."""
        self._changed(sql.FORGET, (journal,))

    def _lock(self, connection: Connection, journal: int) -> bool | None:
        try:
            [[got]] = connection.execute(sql.LOCK, (journal,))
        except FAILURES as error:
            raise self._explained(error) from error
        return got or None

    def _sign(self, journal: int) -> Owner:
        draft = owner_here(None)
        signed = self._rows(sql.OWN, (journal, draft.host, draft.process, draft.since))
        if not signed:
            raise missing(self._shown, journal)
        return replace(draft, epoch=signed[0][0])

    def _name(self, journal: int) -> str:
        found = self._rows(sql.NAME, (journal,))
        if not found:
            raise missing(self._shown, journal)
        return str(unpacked(found[0][0]))

    def _refused(self, journal: int, epoch: int | None) -> StoreError:
        """Why nothing was written to a journal."""
        owner = self.owner(journal)
        if epoch is None or owner is None:
            return missing(self._shown, journal)
        return taken_over(self._name(journal), owner)


def _as_journal(row: Row) -> JournalRow:
    return JournalRow(*map(unpacked, row))


def _as_request(row: Row) -> StoredRequest:
    return StoredRequest(*map(unpacked, row))


def _as_entry(row: Row) -> Entry:
    return Entry(*map(unpacked, row[:-1])) if row[-1] else Entry(*row[:-1])


def _let_go(connection: Connection, process: int) -> None:
    """Drop the lock with its connection, unless this is a fork: it is the parent's."""
    if os.getpid() == process:
        _locking.discard(connection)
        with suppress(*FAILURES):  # of a connection that is lost, the lock is, too
            connection.execute("SELECT pg_advisory_unlock_all()")  # closed alone, it is free a moment later only
        connection.close()


def _after_fork() -> None:
    """Drop a fork's copies of its parent's locks: the server must see the connections end with the parent."""
    for connection in _locking:
        os.close(connection.fileno())
    _locking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
