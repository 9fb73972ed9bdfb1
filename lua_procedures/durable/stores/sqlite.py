"""Journals in one SQLite file: many runs, readers in any process, one writer at a time.

Every operation is a single statement in autocommit, so that it is whole or absent after a kill, and two
threads or processes never see half of one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import starmap
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TypeVar

from ...errors import StoreError
from ..entries import Entry, JournalRow, StoredRequest
from . import sqlite_schema as sql

__all__ = ["SqliteStore"]

_SYNCHRONOUS: Final = {"normal": "PRAGMA synchronous = NORMAL", "full": "PRAGMA synchronous = FULL"}
_FAILURES: Final = (sqlite3.Error, OverflowError, ValueError)
_LOCKED: Final = ("is locked by another process", "Close what holds it, or wait for it, and run again.")
_READ_ONLY: Final = ("cannot be written", "Make the file and its folder writable, or use another file.")
_DAMAGED: Final = (
    "is damaged",
    "It was left as it is: use a copy of it from before, or recover what is left with `sqlite3 FILE .recover`.",
)
_FOREIGN: Final = "It was left as it is: use another file for the runs."
_EXPLANATIONS: Final = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Check the path, and that its folder may be written."),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "Free some space and run again; what was recorded is kept."),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Check the disk (space, quota, connection) and run again."),
    sqlite3.SQLITE_NOTADB: ("is no SQLite database", _FOREIGN),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_TOOBIG: (
        "cannot keep a value of this size",
        "Return less, or write it to a file and return its path.",
    ),
}

Row = tuple[Any, ...]
T = TypeVar("T")
_as_journals = partial(starmap, JournalRow)
_as_requests = partial(starmap, StoredRequest)
_row_values = attrgetter(*sql.SAVED_FIELDS)


class SqliteStore:
    """Keeps journals in one SQLite file (WAL), which is made where it is missing.

    Args:
        path: the file; a relative one is taken from the current folder, now.
        synchronous: ``"normal"`` is safe against a killed process, ``"full"`` also against a power cut.
        busy_timeout: how long a call waits for another process that is writing, in seconds.

    Raises:
        StoreError: the file cannot be opened or made, or is no store of ours; nothing was changed.
    """

    def __init__(self, path: str | os.PathLike[str], synchronous: str = "normal", *, busy_timeout: float = 5.0) -> None:
        if synchronous not in _SYNCHRONOUS:
            raise StoreError(f"synchronous={synchronous!r} is unknown", hint="It is normal or full.")
        self._path = Path(_checked(os.fspath(path))).absolute()
        self._synchronous = synchronous
        self._process = os.getpid()
        self._appending = threading.Lock()  # a place is looked for and taken by one thread at a time
        self._last: dict[int, int] = {}  # journal -> row number of the entry that this handle wrote last
        self._connection = self._connect(busy_timeout)
        weakref.finalize(self, _close, self._connection, self._process)

    @property
    def url(self) -> str:
        """``sqlite:///`` and the absolute path, with the options that are not the default."""
        path = self._path.as_posix().replace("%", "%25").replace("?", "%3F")
        return f"sqlite:///{path}" + ("?synchronous=full" if self._synchronous == "full" else "")

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
        [created] = self._rows(_as_journals, sql.CREATED, (row.name, row.root, row.generation))
        row.id = created.id
        return row

    def save(self, row: JournalRow) -> None:
        """Write the head of a journal again."""
        if not self._changed(sql.SAVE, (*_row_values(row), row.id)):
            raise self._missing(row.id)

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        """The newest generation with that name and root; without ``root``, the journal of that name updated last."""
        found = (sql.FIND, (name,)) if root is None else (sql.FIND_ROOT, (name, root))
        return next(iter(self._rows(_as_journals, *found)), None)

    def journals(self, name: str | None = None) -> list[JournalRow]:
        """All journals (of that name), oldest first."""
        if name is None:
            return self._rows(_as_journals, sql.JOURNALS)
        return self._rows(_as_journals, sql.JOURNALS_NAMED, (name,))

    def entries(self, journal: int) -> Iterator[Entry]:
        """All entries of a journal in the order they were written, as they are at this moment."""
        return iter(self._rows(_as_entries, sql.ENTRIES, (journal,)))

    def append(self, journal: int, entry: Entry) -> None:
        """Add an entry; ``StoreError`` where it carries objects, which a file cannot keep."""
        if entry.objects:
            raise _unkept(entry)
        with self._appending:
            if not self._append_next(journal, entry):
                self._append_at_end(journal, entry)

    def _append_next(self, journal: int, entry: Entry) -> bool:
        """Add it right after what this handle wrote last; False where that is not the place any more."""
        last = self._last.get(journal)
        if last is None or os.getpid() != self._process:
            return False
        try:
            added = self._connection.execute(sql.APPEND_NEXT, (journal, *entry[:-1], last + 1)).rowcount == 1
        except sqlite3.IntegrityError:
            return False  # another handle wrote there meanwhile
        except _FAILURES as error:
            raise self._explained(error) from error
        if added:
            self._last[journal] = last + 1
        return added

    def _append_at_end(self, journal: int, entry: Entry) -> None:
        if journal not in self._last:
            self._changed(sql.BEGIN_STRETCH, (journal,))
        self._changed(sql.APPEND, (journal, *entry[:-1]))
        [[self._last[journal]]] = self._rows(list, sql.LAST_ROW)

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

    def close(self) -> None:
        """Close the file; every later call is a ``StoreError``."""
        _close(self._connection, self._process)

    def _connect(self, busy_timeout: float) -> sqlite3.Connection:
        try:
            self._check_place()
            connection = sqlite3.connect(
                self._path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
            )
        except (*_FAILURES, OSError) as error:
            raise self._explained(error) from error
        try:
            self._prepare(connection)
            _switch_to_wal(connection, busy_timeout)
            connection.execute(_SYNCHRONOUS[self._synchronous])
        except BaseException as error:
            connection.close()
            if isinstance(error, _FAILURES):
                raise self._explained(error) from error
            raise
        return connection

    def _check_place(self) -> None:
        """Refuse what SQLite would report in words that help nobody."""
        if self._path.exists():
            if not self._path.is_file():
                raise self._error("is a folder or a device, no file", "Give the path of a file in it, such as runs.db.")
            if not _writable(self._path):
                raise self._error(*_READ_ONLY)
        elif not self._path.parent.is_dir():
            raise self._error("cannot be made: its folder is missing", f"Make the folder {self._path.parent} first.")
        if not _writable(self._path.parent):
            raise self._error(*_READ_ONLY)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")  # one look at all three, for another process may be making the file
        [[application]] = connection.execute("PRAGMA application_id")
        [[version]] = connection.execute("PRAGMA user_version")
        [[objects]] = connection.execute("SELECT count(*) FROM sqlite_master")
        connection.execute("COMMIT")
        if not (application or version or objects):
            connection.executescript(sql.SCHEMA)
        elif application != sql.APPLICATION_ID:
            raise self._error("is a database of another application", _FOREIGN)
        elif version != sql.SCHEMA_VERSION:
            raise self._error(
                f"was written by a newer lua_procedures (its schema is {version}, here it is {sql.SCHEMA_VERSION})",
                "Upgrade with `pip install -U lua_procedures`, or use another file.",
            )

    def _rows(
        self, read: Callable[[Iterable[Row]], Iterable[T]], statement: str, values: Sequence[Any] = ()
    ) -> list[T]:
        """What a statement finds, as ``read`` makes it of the rows."""
        self._check_process()
        try:
            return list(read(self._connection.execute(statement, values)))
        except _FAILURES as error:
            raise self._explained(error) from error

    def _changed(self, statement: str, values: Sequence[Any]) -> int:
        """The number of rows that a statement changed; committed when this returns."""
        self._check_process()
        try:
            return self._connection.execute(statement, values).rowcount
        except _FAILURES as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_MISMATCH:
                raise self._missing(values[0]) from None
            raise self._explained(error) from error

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise self._error("was opened by the process that this one was forked from", "Open the store again here.")

    def _error(self, what: str, hint: str) -> StoreError:
        return StoreError(f"{self._path} {what}", hint=hint)

    def _missing(self, journal: int) -> StoreError:
        return self._error(f"has no journal {journal}: it was deleted", "Run the program again to start another.")

    def _explained(self, error: Exception) -> StoreError:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None:
            unknown = (f"cannot be used: {error}", "Check the file, or use another one.")
            return self._error(*_EXPLANATIONS.get(code & 0xFF, unknown))
        if isinstance(error, OSError):
            return self._error(f"cannot be reached: {error.strerror}", "Check the path and who may use its folders.")
        if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
            return self._error("was closed", "Open the store again.")
        if isinstance(error, sqlite3.OperationalError):  # sqlite3 itself: text that is not UTF-8
            return self._error(*_DAMAGED)
        return self._error(f"cannot keep this: {error}", "Return plain data; texts must be valid Unicode.")


def _checked(path: str) -> str:
    if path in ("", ":memory:"):
        raise StoreError(f"{path!r} is no path of a file", hint="For journals in memory, the store is memory:")
    return path


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _unkept(entry: Entry) -> StoreError:
    kind = type((entry.objects or [None])[0]).__name__
    return StoreError(
        f'{entry.kind} "{entry.name}" returned a {kind}, which a store on disk cannot keep',
        line=entry.line or None,
        hint="Return plain data, or use --store memory:",
    )


def _switch_to_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch once nobody else is making the file: for this statement alone SQLite does not wait by itself."""
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _close(connection: sqlite3.Connection, process: int) -> None:
    """Close, unless this is a fork: the file and its locks are the parent's."""
    if os.getpid() == process:
        connection.close()


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
