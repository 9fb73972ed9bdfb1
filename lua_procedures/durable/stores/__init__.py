"""Where journals live: one protocol, and ``open_store`` to get a store from a URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl, unquote

from ...errors import StoreError
from ..entries import Entry, JournalRow, StoredRequest
from ..ownership import Owner, Ownership

__all__ = ["Store", "file_of", "open_store", "store_name"]

_SUFFIXES: Final = (".db", ".sqlite", ".sqlite3")
_POSTGRESQL: Final = ("postgresql://", "postgres://")
_FORMS: Final = (
    "A store is memory:, runs.db, sqlite:///runs.db or sqlite:////folder/runs.db (with ?synchronous=full), "
    "or postgresql://user@host/database."
)


@runtime_checkable
class Store(Protocol):
    """What a journal needs of its store.

    Every call is complete when it returns: what it wrote survives a killed process. Every failure of the
    medium is a ``StoreError`` that names the store, and leaves what was there.
    """

    @property
    def url(self) -> str:
        """The URL that opens this store again."""

    @property
    def keeps_objects(self) -> bool:
        """Whether entries may carry live Python objects."""

    def create(self, row: JournalRow) -> JournalRow:
        """Add a journal; its ``id`` is set, and its ``generation`` is the next one of its name and root."""

    def save(self, row: JournalRow, epoch: int | None = None) -> None:
        """Write the head of a journal again (not its entries); with ``epoch`` as ``append`` does."""

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        """The newest generation with that name and root; without ``root``, the journal of that name updated last."""

    def journals(self, name: str | None = None) -> list[JournalRow]:
        """All journals (of that name), oldest first."""

    def entries(self, journal: int) -> Iterator[Entry]:
        """All entries of a journal in the order they were written."""

    def last(self, journal: int) -> Entry | None:
        """The entry that was written last, without looking at the others; None where there is none."""

    def append(self, journal: int, entry: Entry, epoch: int | None = None) -> None:
        """Add an entry.

        With an owner's ``epoch``, the same write checks that it is still the journal's; without one nothing is
        checked, for a journal that nobody drives yet, such as one that is being imported.

        Raises:
            StoreError: it carries objects that this store cannot keep, or another owner has taken over.
        """

    def own(self, journal: int) -> Ownership:
        """Take a journal to drive its run: the only owner until it is released, or until this process dies.

        Each taking counts the journal's epoch up, and is kept with host, process and time. A fork owns nothing.

        Raises:
            RunLocked: it has an owner, in this process or another, on this machine or another.
        """

    def owner(self, journal: int) -> Owner | None:
        """Who took a journal last, whether it still drives it or not; None where nobody ever did."""

    def driven(self, journal: int) -> bool:
        """Whether a journal has an owner now, here or elsewhere; False of one whose owner died without a word."""

    def ask(self, journal: int, request_id: str, request: str) -> StoredRequest:
        """Keep a question, once: where the id is known, what is there already is returned unchanged."""

    def request(self, journal: int, request_id: str) -> StoredRequest | None:
        """The question of that id, with its answer if it has one."""

    def requests(self, journal: int) -> list[StoredRequest]:
        """All questions of a journal, oldest first."""

    def open_requests(self, journal: int) -> list[StoredRequest]:
        """The questions that have no answer yet, oldest first."""

    def answer(self, journal: int, request_id: str, answer: str) -> bool:
        """Record an answer; False where the question is unknown or was answered before (the first answer stays)."""

    def forget(self, journal: int) -> None:
        """Delete a journal with its entries and questions."""

    def close(self) -> None:
        """Release what the store holds open; a memory store keeps its journals."""


def open_store(url: str | Store) -> Store:
    """The store behind a URL: ``memory:``, ``path.db``, ``sqlite:///relative.db`` or ``postgresql://…``.

    ``memory:`` is the same store each time, in one process. A relative path is taken from the current folder.
    A path ends in ``.db``, ``.sqlite`` or ``.sqlite3``, or has ``sqlite:///`` before it; ``?synchronous=full`` after
    it makes the file safe against a power cut, too. ``sqlite:////absolute.db`` has four strokes. A PostgreSQL URL is
    libpq's; ``?schema=NAME`` names the schema of the tables, else ``lua_procedures``. A ``Store`` is returned as it is.

    Raises:
        StoreError: the URL is of no known kind, or the store cannot be opened or is no store of ours.
    """
    if not isinstance(url, str):
        return url
    if url == "memory:":
        from .memory import kernel_session_store

        return kernel_session_store()
    if url.startswith(_POSTGRESQL):
        return _open_postgresql(url)
    return _open_sqlite(url)


def store_name(given: str | Store, url: str) -> str:
    """A store as it can be typed again: what was given, without a password.

    Args:
        given: a URL, or a ``Store``.
        url: of that store once it is open.
    """
    return given if isinstance(given, str) and not given.startswith(_POSTGRESQL) else url


def file_of(url: str) -> str | None:
    """The path of the SQLite file that a URL names; None of another store.

    Raises:
        StoreError: the URL is of no known kind.
    """
    if url == "memory:" or url.startswith(_POSTGRESQL):
        return None
    path = url.partition("?")[0]
    if path.startswith("sqlite:///"):
        return unquote(path.removeprefix("sqlite:///"))
    if "://" in path or not path.lower().endswith(_SUFFIXES):
        raise StoreError(_unknown(path), hint=_FORMS)
    return path


def _unknown(path: str) -> str:
    scheme, colon, _ = path.partition("://")
    if colon:  # only the scheme is shown: a URL may hold a password
        return f"'{scheme}://…' is no store that is known here"
    if Path(path).is_dir():
        return f"{path!r} is a folder; a store is a file in it, such as {Path(path) / 'runs.db'}"
    return f"{path!r} is no store that is known here: the name of a file must end in .db, .sqlite or .sqlite3"


def _open_postgresql(url: str) -> Store:
    try:
        from .postgresql import PostgresqlStore
    except ImportError as error:
        raise StoreError(
            f"a store on PostgreSQL needs psycopg, which cannot be imported: {error}",
            hint="Install it with `pip install 'lua-procedures[postgres]'`.",
        ) from None
    return PostgresqlStore(url)


def _open_sqlite(url: str) -> Store:
    from .sqlite import SqliteStore

    path = file_of(url) or ""
    options = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    synchronous = options.pop("synchronous", "normal")
    if options:
        raise StoreError(f"a store on SQLite has no option {', '.join(options)}", hint=_FORMS)
    return SqliteStore(path, synchronous)
