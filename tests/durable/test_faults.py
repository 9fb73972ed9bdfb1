"""Runs whose store fails: the program stops before it uses what is not recorded, and goes on once the fault is gone."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lua_procedures import StoreError, answer, history, resume, run
from lua_procedures.api import show
from lua_procedures.durable.stores import Store, open_store
from lua_procedures.durable.stores.sqlite import SqliteStore
from lua_procedures.histories.standing import newest_runs

PROGRAM = """
local first = before{}
local second = effect{}
after{}
return {first, #second}
"""

mounts = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a small disk")


class Faulty:
    """A run in which the store fails while the tool ``effect`` works.

    Args:
        url: of the store.
        fault: what happens to the store.
    """

    def __init__(self, url: str | Store, fault: Callable[[], object]) -> None:
        self.url = url
        self._fault: Callable[[], object] | None = fault
        self.done: list[str] = []

    def before(self) -> int:
        """Is recorded."""
        self.done.append("before")
        return 1

    def effect(self) -> str:
        """Cannot be recorded."""
        self.done.append("effect")
        if self._fault is not None:
            self._fault()
            time.sleep(0.002)
        return "x" * 3_000_000

    def after(self) -> None:
        """Follows what was recorded, and that only."""
        self.done.append("after")

    def run(self) -> object:
        return run(PROGRAM, name="faulty", store=self.url, tools=[self.before, self.effect, self.after]).value

    def fails(self) -> str:
        """The sentence of the error; the program has stopped right where it came up."""
        with pytest.raises(StoreError) as caught:
            self.run()
        assert self.done == ["before", "effect"]
        assert caught.value.hint
        assert caught.value.run is not None
        assert caught.value.run.status == "failed"
        return caught.value.message

    def goes_on(self) -> None:
        """Without the fault the run completes; nothing that was recorded is done again."""
        self._fault = None
        self.done.clear()
        assert standing(open_store(self.url)) == ("faulty", True)
        assert self.run() == [1, 3_000_000]
        assert self.done == ["effect", "after"]


def standing(store: Store) -> tuple[str, bool]:
    """The name of the store's only run, and whether that says that it came to no good end."""
    [row] = newest_runs(store)
    statuses = {row.status, show(row.name, store=store).status, history(row.name, store=store).journals[0].status}
    assert len(statuses) == 1
    return row.name, statuses <= {"failed", "cancelled"}


class Paused:
    """A run that waits for an answer while its store fails."""

    def __init__(self, url: str) -> None:
        self.url = url
        program = "local a = Step.run('first', function() return {1} end) return Human.input('?') .. a[1]"
        assert run(program, name="paused", store=url).status == "paused"

    def fails(self) -> str:
        """The sentence of the error of going on, each time."""
        for _ in range(2):
            with pytest.raises(StoreError) as caught:
                resume("paused", store=self.url)
            assert caught.value.hint
        return caught.value.message

    def goes_on(self) -> None:
        """Without the fault it takes its answer."""
        assert resume("paused", store=self.url).status == "paused"
        answer("paused", "n", store=self.url)
        resumed = resume("paused", store=self.url)
        assert (resumed.value, [each.name for each in resumed.checkpoints if each.replayed]) == ("n1", ["first"])


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 64 MB that is full when its file ``filler`` is there."""
    folder = Path(tempfile.mkdtemp(prefix="lua-procedures-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=777", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(1_000_000)):
            continue


def test_what_a_store_refused_is_the_end_of_a_failed_run(tmp_path):
    """A store that refuses one value works on: the run's head has failed, with the reason."""
    store = open_store(str(tmp_path / "runs.db"))

    def connection() -> object:
        return object()

    for _ in range(2):
        with pytest.raises(StoreError, match="which a store on disk cannot keep"):
            run(
                "Step.run('first', function() return 1 end) return connection{}",
                name="t",
                store=store,
                tools=[connection],
            )
        [row] = newest_runs(store)
        assert row.status == "failed"
        assert 'tool "connection" returned' in str(row.error)
        assert [each.name for each in show("t", store=store).checkpoints] == ["first"]
    store.close()


# SQLite


def test_a_text_that_is_too_large_sqlite(tmp_path):
    """SQLite's own limit of 1 GB, here a lower one, refuses that value only: the run has failed, past any pcall."""
    store = SqliteStore(str(tmp_path / "runs.db"))
    store._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
    program = "Step.run('small', function() end) pcall(Step.run, 'large', function() return ('x'):rep(2e6) end)"
    with pytest.raises(StoreError, match="cannot keep a value of this size"):
        run(program, name="t", store=store)
    [row] = newest_runs(store)
    assert row.status == "failed"
    assert [each.name for each in show("t", store=store).checkpoints] == ["small"]
    store.close()


@mounts
def test_full_disk_sqlite(small_disk):
    """A disk that fills up while an effect is under way stops the run until there is space."""
    faulty = Faulty(str(small_disk / "runs.db"), lambda: fill(small_disk))
    assert "runs.db cannot" in faulty.fails()
    (small_disk / "filler").unlink()
    faulty.goes_on()


@pytest.mark.skipif(os.name != "posix", reason="moves open files")
def test_deleted_file_sqlite(tmp_path):
    """A file that is moved away while an effect is under way stops the run until it is back."""
    away = tmp_path / "away"

    def move() -> None:
        away.mkdir()
        for file in tmp_path.glob("runs.db*"):
            file.rename(away / file.name)

    faulty = Faulty(str(tmp_path / "runs.db"), move)
    assert "was deleted or replaced while it was open" in faulty.fails()
    for file in away.iterdir():
        shutil.move(file, tmp_path / file.name)
    faulty.goes_on()


def test_locked_file_sqlite(tmp_path):
    """A file that another program keeps locked for long stops the run until it lets go."""
    path = tmp_path / "runs.db"
    open_store(str(path)).close()
    other = sqlite3.connect(path, isolation_level=None)
    faulty = Faulty(str(path), lambda: other.execute("BEGIN IMMEDIATE"))
    assert "is locked by another process" in faulty.fails()
    other.execute("ROLLBACK")
    other.close()
    faulty.goes_on()


@pytest.mark.skipif(os.name != "posix", reason="asks for another user's rights")
def test_read_only_file_sqlite():
    """A file that became read-only stops the run before anything of it, until it may be written."""
    folder = Path(tempfile.mkdtemp(prefix="lua-procedures-"))
    nobody, before = 65534, os.geteuid()
    if before == 0:
        os.chown(folder, nobody, -1)
        os.seteuid(nobody)
    try:
        path = folder / "runs.db"
        paused = Paused(str(path))
        path.chmod(0o400)
        assert "runs.db cannot be written" in paused.fails()
        path.chmod(0o600)
        paused.goes_on()
    finally:
        os.seteuid(before)
        shutil.rmtree(folder)


@pytest.mark.parametrize("damage", ["CAST(x'ff' AS TEXT)", "'[1'"])
def test_corrupted_row_sqlite(tmp_path, damage):
    """A row that is not what was written stops the run, and is left as it is; put right, the run goes on."""
    path = tmp_path / "runs.db"
    paused = Paused(str(path))
    connection = sqlite3.connect(path, isolation_level=None)
    [[kept]] = connection.execute("SELECT outcome FROM entry WHERE name = 'first'")
    connection.execute(f"UPDATE entry SET outcome = {damage} WHERE name = 'first'")
    assert "is damaged" in paused.fails()
    connection.execute("UPDATE entry SET outcome = ? WHERE name = 'first'", [kept])
    connection.close()
    paused.goes_on()


def test_newer_schema_sqlite(tmp_path):
    """A store that a newer version has taken stops the run, and changes nothing."""
    path = tmp_path / "runs.db"
    paused = Paused(str(path))
    connection = sqlite3.connect(path, isolation_level=None)
    [[version]] = connection.execute("PRAGMA user_version")
    connection.execute("PRAGMA user_version = 99")
    assert "newer lua_procedures" in paused.fails()
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    paused.goes_on()


# PostgreSQL


@pytest.mark.database
@pytest.mark.parametrize("by_url", [True, False])
def test_lost_connection_postgresql(cluster, by_url):
    """A connection that is lost while an effect is under way stops the run; run again, it connects again."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    url = cluster.url()
    store = url if by_url else open_store(url)
    faulty = Faulty(store, lambda: cluster.execute(ends))
    assert "cannot be reached" in faulty.fails()
    faulty.goes_on()
    if not isinstance(store, str):
        store.close()


@pytest.mark.database
def test_stopped_server_postgresql(cluster):
    """A server that stops while an effect is under way stops the run until it is there again."""
    faulty = Faulty(cluster.url(), cluster.stop)
    try:
        assert "cannot be reached" in faulty.fails()
    finally:
        cluster.start()
    faulty.goes_on()


@pytest.mark.database
@mounts
def test_full_disk_postgresql(cluster, small_disk):
    """A server's disk that fills up while an effect is under way stops the run until there is space."""
    place = small_disk / "data"
    place.mkdir()
    shutil.chown(place, "postgres")
    cluster.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    cluster.execute("CREATE DATABASE small TABLESPACE small")
    faulty = Faulty(cluster.url("small"), lambda: fill(small_disk))
    assert "cannot grow: the disk is full" in faulty.fails()
    (small_disk / "filler").unlink()
    faulty.goes_on()
    cluster.execute("DROP DATABASE small WITH (FORCE)")
    cluster.execute("DROP TABLESPACE small")


@pytest.mark.database
def test_read_only_database_postgresql(cluster):
    """A database that became read-only stops the run before anything of it, until it may be written."""
    cluster.execute("CREATE DATABASE fixed")
    paused = Paused(cluster.url("fixed"))
    cluster.execute("ALTER DATABASE fixed SET default_transaction_read_only = on")
    assert "cannot be written" in paused.fails()
    cluster.execute("ALTER DATABASE fixed RESET default_transaction_read_only")
    paused.goes_on()


@pytest.mark.database
def test_corrupted_row_postgresql(cluster):
    """A page that the disk garbled stops the run; put right, the run goes on."""
    url = cluster.url()
    paused = Paused(url)
    schema = url.partition("schema=")[2]
    [[name]] = cluster.execute(f"SELECT pg_relation_filepath('{schema}.entry')")
    page = cluster.data / name
    cluster.stop()
    content = page.read_bytes()
    try:
        page.write_bytes(content[:8000] + bytes(byte ^ 255 for byte in content[8000:]))
        cluster.start()
        assert "is damaged" in paused.fails()
        cluster.stop()
    finally:
        page.write_bytes(content)
        cluster.start()
    paused.goes_on()


@pytest.mark.database
def test_newer_schema_postgresql(cluster):
    """A store that a newer version has taken stops the run, and changes nothing."""
    url = cluster.url()
    paused = Paused(url)
    schema = url.partition("schema=")[2]
    cluster.execute(f"INSERT INTO {schema}.version VALUES (99)")
    assert "newer lua_procedures" in paused.fails()
    cluster.execute(f"DELETE FROM {schema}.version WHERE version = 99")
    paused.goes_on()
