"""One SQLite file of ours: opening it, running statements on it, and saying what went wrong."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from ...errors import StoreError
from . import sqlite_schema as sql
from .refusals import missing, newer

__all__ = ["FAILURES", "Row", "SqliteFile"]

#: What a statement may raise.
FAILURES: Final = (sqlite3.Error, OverflowError, ValueError)

_SYNCHRONOUS: Final = {"normal": "PRAGMA synchronous = NORMAL", "full": "PRAGMA synchronous = FULL"}
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
_LOOK: Final = 0.001  # seconds between two looks whether the file is still there: a look costs a tenth of an entry

Row = tuple[Any, ...]
T = TypeVar("T")


class SqliteFile:
    """An open file; made where it is missing, and brought to this version's schema.

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
        self._place = str(self._path)
        self._synchronous = synchronous
        self._process = os.getpid()
        self._connection = self._connect(busy_timeout)
        self._identity = self._found()
        self._look_again = 0.0
        weakref.finalize(self, _close, self._connection, self._process)

    @property
    def url(self) -> str:
        """``sqlite:///`` and the absolute path, with the options that are not the default."""
        path = self._path.as_posix().replace("%", "%25").replace("?", "%3F")
        return f"sqlite:///{path}" + ("?synchronous=full" if self._synchronous == "full" else "")

    def close(self) -> None:
        """Close the file; every later call is a ``StoreError``."""
        _close(self._connection, self._process)

    def _connect(self, busy_timeout: float) -> sqlite3.Connection:
        try:
            self._check_place()
            connection = sqlite3.connect(
                self._path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
            )
        except (*FAILURES, OSError) as error:
            raise self._explained(error) from error
        try:
            self._prepare(connection)
            _switch_to_wal(connection, busy_timeout)
            connection.execute(_SYNCHRONOUS[self._synchronous])
        except BaseException as error:
            connection.close()
            if isinstance(error, FAILURES):
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
        if application != sql.APPLICATION_ID and (application or version or objects):
            raise self._error("is a database of another application", _FOREIGN)
        if version > sql.SCHEMA_VERSION:
            raise newer(str(self._path), version, sql.SCHEMA_VERSION)
        if version < sql.SCHEMA_VERSION:
            connection.executescript(sql.upgrade(version))

    def _rows(
        self, read: Callable[[Iterable[Row]], Iterable[T]], statement: str, values: Sequence[Any] = ()
    ) -> list[T]:
        """What a statement finds, as ``read`` makes it of the rows."""
        self._check_handle()
        try:
            return list(read(self._connection.execute(statement, values)))
        except FAILURES as error:
            raise self._explained(error) from error

    def _changed(self, statement: str, values: Sequence[Any]) -> int:
        """The number of rows that a statement changed; committed when this returns."""
        self._check_handle()
        try:
            return self._connection.execute(statement, values).rowcount
        except FAILURES as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_MISMATCH:
                raise self._missing(values[0]) from None
            raise self._explained(error) from error

    def _check_handle(self) -> None:
        """Refuse in a fork, and where writing would go into a file that nobody finds any more."""
        if os.getpid() != self._process:
            raise self._error("was opened by the process that this one was forked from", "Open the store again here.")
        if self._found() != self._identity:
            raise self._error(
                "was deleted or replaced while it was open",
                "Put it back, or run again to start another there; what was recorded is in the file that is gone.",
            )
        self._look_again = time.monotonic() + _LOOK

    def _found(self) -> tuple[int, int] | None:
        """Which file is at the path now."""
        try:
            status = os.stat(self._place)  # noqa: PTH116 - asked after every millisecond of writing
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _error(self, what: str, hint: str) -> StoreError:
        return StoreError(f"{self._path} {what}", hint=hint)

    def _damaged(self) -> StoreError:
        return self._error(*_DAMAGED)

    def _missing(self, journal: int) -> StoreError:
        return missing(str(self._path), journal)

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
            return self._damaged()
        return self._error(f"cannot keep this: {error}", "Return plain data; texts must be valid Unicode.")


def _checked(path: str) -> str:
    if path in ("", ":memory:"):
        raise StoreError(f"{path!r} is no path of a file", hint="For journals in memory, the store is memory:")
    return path


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


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
