"""A connection to a PostgreSQL server: opening it, running statements, and saying what went wrong."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import psycopg
from psycopg import sql as compose
from psycopg.types.numeric import Int8Dumper

from ...errors import StoreError
from . import postgresql_schema as sql
from .refusals import missing, newer

__all__ = ["FAILURES", "Connection", "PostgresqlServer", "Row", "packed", "unpacked"]

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]

_SCHEMA: Final = "lua_procedures"
_SECRET: Final = ("password", "sslpassword")
#: What a statement may raise.
FAILURES: Final = (psycopg.Error, OverflowError, ValueError)
#: An owner whose machine went away is noticed by the server within half a minute (TCP only; else at once).
_SETTINGS: Final = """
SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET search_path = {}
"""
_GONE: Final = ("has no tables of ours any more", "They were deleted or renamed: put them back, or use another store.")
_READ_ONLY: Final = ("cannot be written", "Use a user who may write there, and the primary server.")
_DAMAGED: Final = ("is damaged", "It was left as it is: have the server's administrator restore it from a backup.")
_UNREACHED: Final = "Check the server, the URL, and the password (there, or in PGPASSWORD); what was recorded is kept."
_FULL: Final = ("cannot grow: the disk is full", "Free some space and run again; what was recorded is kept.")
#: By SQLSTATE, which a connection that fails does not have.
_EXPLANATIONS: Final = {
    "3F000": _GONE,
    "42P01": _GONE,
    "42703": _GONE,
    "42P07": ("has tables of another application", "They were left as they are: give another ?schema=NAME."),
    "42501": _READ_ONLY,
    "25006": _READ_ONLY,
    "53100": _FULL,
    "58030": ("cannot be read or written", "Check the server's disk and run again."),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "22021": _DAMAGED,
}
_KEPT_PASSWORDS: Final[dict[str, str]] = {}  # what the URL of a store shows → the URL that it was given


class PostgresqlServer:
    """Runs statements in autocommit, and connects again on the next use where the connection was lost.

    Args:
        url: ``postgresql://user@host/database``, with libpq's options after ``?`` and ``schema=`` for the tables.

    Raises:
        StoreError: the server cannot be reached, or what is there is no store of ours; nothing was changed.
    """

    def __init__(self, url: str) -> None:
        self._shown, self._url, secret, self._schema = _parts(url)
        self._target = _target(url if secret else _KEPT_PASSWORDS.get(self._url, url))
        self._process = os.getpid()
        self._closed = False
        self._connecting = threading.Lock()
        self._open: list[Connection] = []
        weakref.finalize(self, _close, self._open, self._process)
        self._connection()
        if secret:
            _KEPT_PASSWORDS[self._url] = url

    @property
    def url(self) -> str:
        """The URL without its password; this process remembers that, others need ``PGPASSWORD`` or ``~/.pgpass``."""
        return self._url

    def close(self) -> None:
        """Close the connection; every later call is a ``StoreError``."""
        self._closed = True
        _close(self._open, self._process)

    def _connection(self) -> Connection:
        if os.getpid() != self._process:
            raise self._error("was opened by the process that this one was forked from", "Open the store again here.")
        if self._closed:
            raise self._error("was closed", "Open the store again.")
        with self._connecting:
            if not self._open or self._open[0].closed:
                self._open[:] = [self._ready()]
            return self._open[0]

    def _ready(self) -> Connection:
        """A new connection, to tables of this version."""
        connection = self._connect()
        try:
            self._prepare(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, FAILURES):
                raise self._explained(error) from error
            raise
        return connection

    def _connect(self) -> Connection:
        """A new connection, whose names are those of our schema."""
        settings = compose.SQL(_SETTINGS).format(compose.Identifier(self._schema)).as_string()
        with contextlib.ExitStack() as failing:
            try:
                connection = failing.enter_context(contextlib.closing(_connected(self._target)))
                connection.execute(settings, prepare=False)
            except FAILURES as error:
                raise self._explained(error) from error
            failing.pop_all()
        return connection

    def _prepare(self, connection: Connection) -> None:
        """Make the tables where they are missing, and bring older ones to this version, whole or not at all."""
        version = _version(connection)
        if version > sql.SCHEMA_VERSION:
            raise newer(self._shown, version, sql.SCHEMA_VERSION)
        if version == sql.SCHEMA_VERSION:
            return
        connection.execute(sql.BEGIN_MAKING)
        with connection.transaction():  # begun when nobody else makes them, so that it sees what was made
            version = _version(connection)
            if version < sql.SCHEMA_VERSION:
                connection.execute(compose.SQL(sql.CREATE_SCHEMA).format(compose.Identifier(self._schema)).as_string())
                connection.execute("".join([sql.CREATE_VERSION, *sql.STEPS[version:]]), prepare=False)
                connection.execute(sql.SET_VERSION)
        connection.execute(sql.END_MAKING)

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """What a statement finds or returns; what it changed is committed when this returns."""
        connection = self._connection()
        try:
            return connection.execute(statement, _packed(values), binary=True).fetchall()
        except FAILURES as error:
            raise self._explained(error) from error

    def _changed(self, statement: str, values: Sequence[Any]) -> int:
        """The number of rows that a statement changed; committed when this returns."""
        connection = self._connection()
        try:
            return connection.execute(statement, _packed(values)).rowcount
        except psycopg.errors.ForeignKeyViolation:
            raise missing(self._shown, values[0]) from None
        except FAILURES as error:
            raise self._explained(error) from error

    def _error(self, what: str, hint: str) -> StoreError:
        return StoreError(f"{self._shown} {what}", hint=hint)

    def _explained(self, error: Exception) -> StoreError:
        if not isinstance(error, psycopg.Error):
            return self._error(f"cannot keep this: {error}", "Return plain data; texts must be valid Unicode.")
        state = error.sqlstate or ""
        said = (error.diag.message_primary or str(error)).strip().splitlines()[0]
        if state in _EXPLANATIONS:
            return self._error(*_EXPLANATIONS[state])
        if isinstance(error, (psycopg.DataError, psycopg.IntegrityError)) or state[:2] == "54":
            return self._error(f"cannot keep this: {said}", "Return plain data, or less of it.")
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return self._error(f"cannot be reached: {said.rpartition('FATAL: ')[2].strip()}", _UNREACHED)
        return self._error(f"cannot be used: {said}", "Check the database, or use another one.")


def _connected(target: str) -> Connection:
    connection = psycopg.connect(
        target, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.RawCursor, client_encoding="utf8"
    )
    connection.adapters.register_dumper(int, Int8Dumper)  # one type for all, so that a statement is prepared once
    return connection


def _version(connection: Connection) -> int:
    """The version of the tables that are there; 0 where none are."""
    [[known]] = connection.execute(sql.HAS_VERSION)
    if not known:
        return 0
    [[version]] = connection.execute(sql.VERSION)
    return version or 0


def _parts(url: str) -> tuple[str, str, bool, str]:
    """What messages show of a URL, the URL without its password, whether it had one, and the schema."""
    split = urlsplit(url)
    options = parse_qsl(split.query, keep_blank_values=True)
    user, _, host = split.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}@{host}" if name else host
    kept = [(key, value) for key, value in options if key not in _SECRET]
    schema = dict(options).get("schema") or _SCHEMA
    public = _joined(netloc, split.path, kept)
    return unquote(_joined(host, split.path, [])), public, bool(colon) or len(kept) < len(options), schema


def _target(url: str) -> str:
    """The URL as libpq takes it: without our own option, and not waiting for ever, also for a host that is gone."""
    split = urlsplit(url)
    options = dict(parse_qsl(split.query, keep_blank_values=True))
    options.pop("schema", None)
    options.setdefault("connect_timeout", "10")
    options.setdefault("tcp_user_timeout", "10000")  # milliseconds
    return _joined(split.netloc, split.path, list(options.items()))


def _joined(netloc: str, path: str, options: list[tuple[str, str]]) -> str:
    query = urlencode(options, quote_via=quote)
    return f"postgresql://{netloc}{path}" + (f"?{query}" if query else "")


def _packed(values: Sequence[Any]) -> list[Any]:
    """The values with their texts as PostgreSQL can keep them: it knows no NUL."""
    return [packed(value) if type(value) is str else value for value in values]


def packed(text: str) -> str:
    """A text without NUL from which ``unpacked`` makes the same again."""
    if "\0" in text or "\x10" in text:
        return text.replace("\x10", "\x10d").replace("\0", "\x10n")
    return text


def unpacked(text: Any) -> Any:
    """The text that was packed; what is no text stays."""
    if type(text) is str and "\x10" in text:
        return text.replace("\x10n", "\0").replace("\x10d", "\x10")
    return text


def _close(opened: list[Connection], process: int) -> None:
    """Close, unless this is a fork: the connection is the parent's."""
    if os.getpid() == process:
        for connection in opened:
            connection.close()
