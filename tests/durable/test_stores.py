"""The stores behind the journal: the shared rules, and what is SQLite's own."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lua_procedures.durable.entries import Entry, JournalRow
from lua_procedures.durable.stores import open_store, store_name
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore
from lua_procedures.durable.stores.sqlite_schema import APPLICATION_ID, STEPS
from lua_procedures.errors import StoreError
from lua_procedures.testing.stores import StoreConformance

posix = pytest.mark.skipif(os.name != "posix", reason="asks the system for what only POSIX has")


def row(name: str = "triage") -> JournalRow:
    return JournalRow(name, "00", seed=1, started=1.0, updated=1.0)


def entry(number: int, size: int = 10) -> Entry:
    return Entry(b"k" * 16, b"p" * 16, b"c" * 16, str(number), "step", f"s{number}", "{}", "x" * size)


class TestMemoryStore(StoreConformance):
    @pytest.fixture
    def store(self):
        return MemoryStore()

    def reopen(self, store):
        return store


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        store = open_store(str(tmp_path / "runs.db"))
        yield store
        store.close()


class TestSynchronousSqliteStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        store = open_store(f"sqlite:///{tmp_path}/runs.db?synchronous=full")
        yield store
        store.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def store(path):
    store = SqliteStore(path, busy_timeout=0.2)
    yield store
    store.close()


def content(path: Path) -> bytes | None:
    return path.read_bytes() if os.path.isfile(path) else None  # noqa: PTH113 - False also for an impossible path


def refused(path: Path) -> str:
    """The message of the refusal to open what is at a path, which must not change by it."""
    before = content(path)
    with pytest.raises(StoreError) as caught:
        SqliteStore(path, busy_timeout=0.2).close()
    assert content(path) == before
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value.message


# URLs


def test_memory_is_one_store_in_a_process():
    """``memory:`` is the kernel session's store each time, and a store made by hand is another."""
    assert open_store("memory:") is open_store("memory:")
    assert open_store("memory:") is not MemoryStore()
    assert open_store(open_store("memory:").url) is open_store("memory:")


def test_store_is_returned_as_it_is(store):
    """A ``Store`` object may stand wherever a URL may."""
    assert open_store(store) is store


@pytest.mark.parametrize(
    "url",
    ["x.db", "./x.db", "x.sqlite", "x.sqlite3", "X.DB", "sqlite:///x.db", "sqlite:///x.runs", "sqlite:///a b?.db", "sqlite:///%25.db"],
)  # fmt: skip
def test_relative_paths_count_from_the_current_folder(tmp_path, monkeypatch, url):
    """A relative path is taken from the folder at opening, and its URL opens the same file from any other."""
    monkeypatch.chdir(tmp_path)
    url = url.replace("b?", "b%3F")
    first = open_store(url)
    created = first.create(row())
    [file] = [file for file in tmp_path.iterdir() if not file.name.endswith(("-wal", "-shm"))]
    monkeypatch.chdir("/")
    second = open_store(first.url)
    assert second.find("triage") == created
    assert second.url == first.url
    assert file.is_file()
    first.close()
    second.close()


def test_absolute_urls(tmp_path):
    """An absolute path is taken as it is, with or without the scheme."""
    folder = tmp_path.as_posix()
    for url in (f"sqlite:///{folder}/a.db", f"{folder}/a.db"):
        store = open_store(url)
        assert store.url == f"sqlite:///{folder}/a.db"
        store.close()
    assert (tmp_path / "a.db").is_file()


@pytest.mark.parametrize(("query", "level"), [("", 1), ("?synchronous=normal", 1), ("?synchronous=full", 2)])
def test_synchronous_is_set_by_the_url(tmp_path, query, level):
    """``?synchronous=full`` reaches SQLite and stays in the URL; a bare path takes it, too."""
    for url in (f"sqlite:///{tmp_path}/a.db{query}", f"{tmp_path}/a.db{query}"):
        store = open_store(url)
        assert isinstance(store, SqliteStore)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (level,)
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store.url.endswith("?synchronous=full") == (level == 2)
        store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory", "'memory'"),
        (":memory:", "':memory:'"),
        ("sqlite:///:memory:", "':memory:'"),
        ("sqlite:///", "no path"),
        ("sqlite://x.db", "sqlite://…"),
        ("runs.txt", "'runs.txt'"),
        ("", "''"),
        ("mysql://me:secret@host/x", "mysql://…"),
        ("x.db?synchronous=off", "'off'"),
        ("x.db?synchronous=", "''"),
        ("x.db?mode=ro", "mode"),
        ("x.db?synchronous=full&cache=shared", "cache"),
    ],
)
def test_unknown_urls_are_refused(tmp_path, monkeypatch, url, says):
    """A URL of no known form is refused with the forms there are, without showing a password or making a file."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert says in caught.value.message
    assert "secret" not in str(caught.value)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


# Files that are no store


def test_text_file_is_refused(path):
    """A file that is no SQLite database is refused and left."""
    path.write_text("id,name\n1,x\n" * 1000)
    assert "is no SQLite database" in refused(path)


@pytest.mark.parametrize("setting", ["CREATE TABLE t(x)", "PRAGMA user_version = 3", "PRAGMA application_id = 77"])
def test_other_applications_database_is_refused(path, setting):
    """A database that another application made is refused and left, even without a table."""
    connection = sqlite3.connect(path)
    connection.execute(setting)
    connection.close()
    assert "another application" in refused(path)


def test_newer_schema_is_refused(path, store):
    """A store that a newer version wrote is refused and left, with the advice to upgrade."""
    store._connection.execute("PRAGMA user_version = 99")
    store.close()
    assert "newer lua_procedures (its schema is 99" in refused(path)


def test_older_schema_is_brought_forward(path):
    """A store of the first version keeps all that it holds, and its journals can be owned."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(STEPS[0])
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    columns = "name, root, seed, started, updated, status, generation, program, inputs, options"
    connection.execute(
        f"INSERT INTO journal({columns}) VALUES ('triage', '00', 1, 1.0, 1.0, 'pending', 0, '', '{{}}', '{{}}')"
    )
    connection.execute(
        "INSERT INTO entry(seq, key, prev, chain, path, kind, name, asked, outcome, failed, line, started, finished) "
        "VALUES ((1 << 32) + 1, x'6b', x'70', x'63', '0', 'step', 's0', '{}', 'x', 0, 0, 0.0, 0.0)"
    )
    connection.execute("INSERT INTO request(journal, id, request) VALUES (1, 'r', '{}')")
    connection.close()
    for _ in range(2):
        store = SqliteStore(path)
        [found] = store.journals()
        assert (found.id, found.name, store.owner(found.id) is None) == (1, "triage", True)
        assert [each.outcome for each in store.entries(1)] == ["x"]
        assert [each.id for each in store.open_requests(1)] == ["r"]
        store.close()
    store = SqliteStore(path)
    with store.own(1) as ownership:
        store.append(1, entry(1), ownership.epoch)
    assert [each.path for each in store.entries(1)] == ["0", "1"]
    store.forget(1)
    assert store.owner(1) is None
    store.close()


def test_folder_is_refused(tmp_path):
    """A folder is no store."""
    assert "is a folder" in refused(tmp_path)


def test_what_names_no_store_is_told_what_is_missing(tmp_path):
    """Of a path without an ending the endings are named; a folder is called one."""
    with pytest.raises(StoreError, match=r"'runs' is no store .* must end in \.db, \.sqlite or \.sqlite3"):
        open_store("runs")
    with pytest.raises(StoreError, match=r"is a folder; a store is a file in it, such as .*runs\.db"):
        open_store(str(tmp_path))


def test_a_store_is_named_as_it_was_typed_without_a_password(tmp_path):
    """A path stays what was typed; of a server, and of a ``Store``, the name is the URL of the open one."""
    opened = open_store(str(tmp_path / "a.db"))
    assert store_name("a.db", opened.url) == "a.db"
    assert store_name(opened, opened.url) == opened.url
    for scheme in ("postgresql", "postgres"):
        named = store_name(f"{scheme}://ann:secret@host/runs", "postgresql://ann@host/runs")
        assert named == "postgresql://ann@host/runs"


def test_missing_folder_is_refused(tmp_path):
    """A folder that is missing is named and not made."""
    assert "its folder is missing" in refused(tmp_path / "no" / "runs.db")
    assert list(tmp_path.iterdir()) == []


def test_unusable_path_is_refused(tmp_path):
    """A path that the system cannot take is refused like any other."""
    refused(tmp_path / ("x" * 300 + ".db"))
    refused(tmp_path / "a\0b.db")


def test_empty_file_becomes_a_store(path):
    """An empty file, as a tool or a killed start may leave it, is taken."""
    path.touch()
    store = SqliteStore(path)
    assert store.create(row()).id == 1
    store.close()


@pytest.fixture
def unprivileged():
    """A folder of somebody who is not root, and their rights; root may write everywhere."""
    folder = Path(tempfile.mkdtemp())
    nobody = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(folder, nobody, -1)
    before = os.geteuid()
    os.seteuid(nobody)
    yield folder
    os.seteuid(before)
    folder.chmod(0o700)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@posix
def test_read_only_places_are_refused(unprivileged):
    """A read-only file, and a file or a new one in a read-only folder, are refused and left."""
    path = unprivileged / "runs.db"
    SqliteStore(path).close()
    path.chmod(0o400)
    assert "cannot be written" in refused(path)
    path.chmod(0o600)
    unprivileged.chmod(0o500)
    assert "cannot be written" in refused(path)
    assert "cannot be written" in refused(unprivileged / "new.db")
    unprivileged.chmod(0)
    with pytest.raises(StoreError, match="cannot be"):
        SqliteStore(path)


# Failures of the medium


def test_locked_file_is_waited_for_and_then_refused(path, store):
    """While another process writes, reading works, and writing waits and then says so; afterwards it works."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE journal SET status = 'half'")
    start = time.monotonic()
    with pytest.raises(StoreError, match="locked by another process"):
        store.append(journal, entry(1))
    assert time.monotonic() - start >= 0.2
    assert list(store.entries(journal)) == [entry(0)]
    reader = SqliteStore(path, busy_timeout=0.2)
    assert [found.status for found in reader.journals()] == ["pending"]
    reader.close()
    writer.execute("ROLLBACK")
    writer.close()
    store.append(journal, entry(1))
    assert list(store.entries(journal)) == [entry(0), entry(1)]


def test_exclusively_locked_file_is_refused(path):
    """A file that another process keeps to itself is refused and left."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert "is locked by another process" in refused(path)
    connection.close()


def test_full_disk_loses_nothing(store):
    """A full disk is an error at that entry; what was written stays, and writing goes on when there is space."""
    journal = store.create(row()).id
    [[pages]] = store._connection.execute("PRAGMA page_count")
    store._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    written = 0
    with pytest.raises(StoreError, match="the disk is full"):  # noqa: PT012 - which append fails is SQLite's matter
        for number in range(100):
            store.append(journal, entry(number, 1000))
            written += 1
    assert 0 < written < 100
    assert [found.path for found in store.entries(journal)] == [str(number) for number in range(written)]
    store._connection.execute("PRAGMA max_page_count = 100000")
    store.append(journal, entry(written, 1000))
    assert len(list(store.entries(journal))) == written + 1


@posix
def test_failed_write_loses_nothing(path, store):
    """A write that the system refuses midway is an error, and every entry before it is there."""
    journal = store.create(row()).id
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    written = 0
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100_000, limits[1]))
        with pytest.raises(StoreError, match=rf"{path} cannot"):  # noqa: PT012 - the same
            for number in range(1000):
                store.append(journal, entry(number, 1000))
                written += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert 0 < written < 1000
    store.close()
    again = SqliteStore(path)
    assert [found.path for found in again.entries(journal)] == [str(number) for number in range(written)]
    again.close()


def test_damaged_file_is_reported_and_left(path, store):
    """Damaged pages are an error when they are met, not an empty journal, and the file stays as it is."""
    journal = store.create(row()).id
    for number in range(200):
        store.append(journal, entry(number, 500))
    store.close()
    content = bytearray(path.read_bytes())
    content[20_000:] = random.Random(1).randbytes(len(content) - 20_000)
    path.write_bytes(content)
    damaged = SqliteStore(path)
    with pytest.raises(StoreError, match="is damaged"):
        damaged.entries(journal)
    damaged.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("column", "value"),
    [("seed", "<img>"), ("generation", "<img>"), ("updated", "now"), ("status", b"x"), ("tail", "x"), ("error", b"x")],
)
def test_a_journal_of_other_types_is_reported(path, store, column, value):
    """SQLite keeps a text where a number is declared: whoever made the file, what is read has the types it should."""
    store.create(row())
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE journal SET {column} = ?", (value,))
    connection.close()
    for read in (store.journals, lambda: store.journals("triage"), lambda: store.find("triage")):
        with pytest.raises(StoreError, match="is damaged"):
            read()


def test_damaged_row_is_reported(store):
    """A text that is no text any more is an error that names the file."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    store._connection.execute("UPDATE entry SET outcome = CAST(x'ff' AS TEXT)")
    with pytest.raises(StoreError, match="is damaged"):
        store.entries(journal)


def test_truncated_file_is_refused(path, store):
    """A file that was cut off is an error when it is opened or read, and is left."""
    journal = store.create(row()).id
    for number in range(200):
        store.append(journal, entry(number, 500))
    store.close()
    content = path.read_bytes()[:30_000]
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):  # noqa: PT012 - SQLite may notice early or late
        cut = SqliteStore(path)
        try:
            cut.entries(journal)
        finally:
            cut.close()
    assert path.read_bytes() == content


@posix
def test_file_that_is_gone_is_reported(path, store, tmp_path):
    """What was deleted, moved or replaced while it was open takes nothing more, and goes on once it is back."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    store.append(journal, entry(1))
    away = tmp_path / "away"
    away.mkdir()
    for file in path.parent.glob("runs.db*"):
        file.rename(away / file.name)
    time.sleep(0.002)
    for replaced in (False, True):
        if replaced:
            path.touch()
        for use in (lambda: store.append(journal, entry(2)), store.journals, lambda: store.own(journal)):
            with pytest.raises(StoreError, match=r"runs\.db was deleted or replaced"):
                use()
    for file in away.iterdir():
        file.replace(path.parent / file.name)
    store.append(journal, entry(2))
    assert list(store.entries(journal)) == [entry(0), entry(1), entry(2)]


def test_what_cannot_be_kept_is_refused(store):
    """A text that is no Unicode, or a number beyond 64 bits, is an error and nothing is written."""
    created = store.create(row())
    with pytest.raises(StoreError, match="cannot keep this"):
        store.append(created.id, entry(0)._replace(name="\ud800"))
    created.seed = 2**63
    with pytest.raises(StoreError, match="cannot keep this"):
        store.save(created)
    assert list(store.entries(created.id)) == []


def test_row_that_lacks_its_name_is_refused(store):
    """A head that breaks the schema is an error, and not tried for ever."""
    broken = row()
    setattr(broken, "status", None)  # noqa: B010 - what a type checker would not let pass
    with pytest.raises(StoreError, match="NOT NULL"):
        store.create(broken)


def test_closed_store_says_so(store):
    """After ``close`` every call is an error that says what to do."""
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.journals()
    with pytest.raises(StoreError, match="was closed"):
        store.append(1, entry(0))


def test_forgotten_store_closes_its_file(path):
    """A store that nobody holds any more closes its file without a warning, and leaves no side files."""
    SqliteStore(path).create(row())
    assert [file.name for file in path.parent.iterdir()] == ["runs.db"]


@posix
def test_fork_cannot_use_the_parents_store(path, store):
    """In a forked process the store is an error, closing it there harms nothing, and the parent goes on."""
    journal = store.create(row()).id
    child = os.fork()
    if not child:
        code = 1
        try:
            store.append(journal, entry(0))
        except StoreError as error:
            code = 0 if "forked" in str(error) else 2
        store.close()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.append(journal, entry(1))
    assert list(store.entries(journal)) == [entry(1)]


# Several writers


def test_threads_share_a_store(store):
    """Threads may use one handle at once: no entry is lost or mixed up."""
    journals = [store.create(row(str(number))).id for number in range(4)]

    def write(journal: int) -> None:
        for number in range(100):
            store.append(journal, entry(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, journals))
    for journal in journals:
        assert list(store.entries(journal)) == [entry(number) for number in range(100)]


MAKER = """
import sys
from lua_procedures.durable.entries import Entry, JournalRow
from lua_procedures.durable.stores import open_store, store_name
for line in sys.stdin:
    store = open_store(line.rstrip())
    journal = store.create(JournalRow("triage", "00", seed=1, started=1.0, updated=1.0)).id
    for number in range(20):
        store.append(journal, Entry(b"k" * 16, b"p" * 16, b"c" * 16, str(number), "step", "s", "{}", str(journal)))
    store.close()
    print(journal, flush=True)
"""


@pytest.mark.slow
def test_processes_make_a_file_at_once(tmp_path):
    """Processes that meet at a file that is not there yet all get their journals into it, each with its entries."""
    pipe = subprocess.PIPE
    makers = [subprocess.Popen([sys.executable, "-c", MAKER], stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    for attempt in range(40):
        path = tmp_path / f"{attempt}.db"
        for maker in makers:
            print(path, file=maker.stdin, flush=True)
        journals = [int(maker.stdout.readline()) for maker in makers if maker.stdout]
        store = SqliteStore(path)
        assert sorted(found.generation for found in store.journals()) == list(range(6))
        for journal in journals:
            expected = [(str(number), str(journal)) for number in range(20)]
            assert [(each.path, each.outcome) for each in store.entries(journal)] == expected
        store.close()
    for maker in makers:
        maker.communicate()
        assert maker.returncode == 0


WRITER = """
import sys
from lua_procedures.durable.entries import Entry
from lua_procedures.durable.stores import open_store, store_name
store = open_store(sys.argv[1])
journal = int(sys.argv[2])
start = len(list(store.entries(journal)))
for number in range(start, start + 1_000_000):
    entry = Entry(b"k" * 16, b"p" * 16, b"c" * 16, str(number), "step", "s", "{}", "x" * (number * 37 % 3000))
    store.append(journal, entry)
    print(number, flush=True)
"""


def test_older_journal_goes_on_at_the_end_of_the_table(path, store):
    """A store that goes on with a journal before others writes behind them, which is fast, and keeps its order."""
    older = store.create(row("a")).id
    store.append(older, entry(0))
    store.append(store.create(row("b")).id, entry(0))
    again = SqliteStore(path)
    for number in (1, 2):
        again.append(older, entry(number))
        store.append(older, entry(number + 10))
    written = [found for (found,) in store._connection.execute("SELECT path FROM entry ORDER BY seq")]
    assert written == ["0", "0", "1", "11", "2", "12"]
    assert [found.path for found in again.entries(older)] == ["0", "1", "11", "2", "12"]
    assert again._connection.execute("SELECT count(*) FROM stretch").fetchone() == (3,)
    again.close()


@pytest.mark.slow
def test_killed_process_loses_nothing(path, store):
    """After each of 25 kills every acknowledged entry is there, in order, and nothing half written."""
    journal = store.create(row()).id
    store.close()
    acknowledged = 0
    for kill in range(25):
        command = [sys.executable, "-c", WRITER, str(path), str(journal)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            told = [writer.stdout.readline() for _ in range(1 + kill % 9)]
            time.sleep(kill % 4 * 0.0007)  # somewhere in the next write
            writer.kill()
            last = int([*told, *writer.stdout.read().split("\n")[:-1]][-1])
        assert writer.returncode != 0
        again = SqliteStore(path)
        found = list(again.entries(journal))
        again.close()
        assert [each.path for each in found] == [str(number) for number in range(len(found))]
        assert [len(each.outcome) for each in found] == [number * 37 % 3000 for number in range(len(found))]
        # At most one entry was written and not yet acknowledged.
        assert last + 1 <= len(found) <= last + 2
        assert len(found) > acknowledged
        acknowledged = len(found)
    assert acknowledged > 100
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
