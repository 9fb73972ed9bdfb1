"""One driver per run, across real processes, on a SQLite file and on a PostgreSQL database."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import lua_procedures
from lua_procedures import RunLocked, StoreError, answer, history, run
from lua_procedures.durable.entries import JournalRow
from lua_procedures.durable.stores import open_store
from lua_procedures.durable.stores.locks import lock_byte
from lua_procedures.histories.standing import newest_runs

posix = pytest.mark.skipif(os.name != "posix", reason="stops or forks processes")


class Place(NamedTuple):
    """A store that several processes open, and how its locks are lost."""

    url: str
    break_locks: Callable[[], object]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.database)])
def place(request, tmp_path) -> Place:
    if request.param == "sqlite":
        return Place(str(tmp_path / "runs.db"), (tmp_path / "runs.db-locks").unlink)
    cluster = request.getfixturevalue("cluster")
    url = cluster.url()
    open_store(url).close()
    ends = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    return Place(url, lambda: cluster.execute(ends))


class Process:
    """A process that drives runs as `driving.py` says."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, str(Path(__file__).with_name("driving.py")), url]
        package = {**os.environ, "PYTHONPATH": str(Path(lua_procedures.__file__).parents[1])}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=package)
        self.pid = self.process.pid
        assert self.heard() == ["ready"]

    def tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def heard(self) -> list[Any]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def asked(self, line: str) -> list[Any]:
        """The next thing it says after a line."""
        self.tell(line)
        return self.heard()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def started(place) -> Iterator[Callable[[], Process]]:
    """Starts processes on the store, and kills them in the end."""
    processes: list[Process] = []

    def start() -> Process:
        processes.append(Process(place.url))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()


def checkpoints(url: str, name: str = "held") -> list[tuple[str, str]]:
    """The checkpoints of the only journal of that name."""
    store = open_store(url)
    [row] = store.journals(name)
    found = [(entry.kind, entry.name) for entry in store.entries(row.id)]
    store.close()
    return [each for each in found if each[1]]


def statuses(url: str) -> dict[str, str]:
    """The runs of a store, and how they stand."""
    store = open_store(url)
    found = {row.name: row.status for row in newest_runs(store)}
    store.close()
    return found


def test_second_process_is_refused_and_follows_a_killed_one(place, started):
    """A run that is being driven is refused with its driver's process and host; once that is killed, it goes on."""
    first, second = started(), started()
    assert first.asked("held") == ["holding"]
    locked, process, host, message = second.asked("held")
    assert (locked, process, host) == ("locked", first.pid, socket.gethostname())
    assert f"the run 'held' is being driven by process {first.pid} on host {host} since " in message
    assert second.asked("other") == ["holding"]
    assert second.asked("1") == ["done", [1, "1", "1"]]
    assert statuses(place.url) == {"held": "running", "other": "completed"}
    first.kill()
    assert statuses(place.url) == {"held": "cancelled", "other": "completed"}
    assert second.asked("held") == ["holding"]
    assert second.asked("2") == ["done", [1, "2", "2"]]
    assert checkpoints(place.url) == [("step", "first"), ("tool_call", "hold"), ("step", "last")]


@posix
def test_stalled_owner_that_comes_back_cannot_write(place, started):
    """A process that stood still, lost its lock and was followed records nothing more and goes no further."""
    stalled, second = started(), started()
    assert stalled.asked("held") == ["holding"]
    os.kill(stalled.pid, signal.SIGSTOP)
    assert second.asked("held")[0] == "locked"
    place.break_locks()
    assert second.asked("held") == ["holding"]
    assert second.asked("2") == ["done", [1, "2", "2"]]
    os.kill(stalled.pid, signal.SIGCONT)
    kind, message = stalled.asked("1")
    assert kind == "StoreError"
    assert f"the run 'held' was taken over by process {second.pid} on host {socket.gethostname()} at " in message
    assert checkpoints(place.url) == [("step", "first"), ("tool_call", "hold"), ("step", "last")]
    assert stalled.asked("held") == ["done", [1, "2", "2"]]


@posix
def test_forks_of_a_killed_owner_own_nothing(place, started):
    """What an owner forked lives on without its lock."""
    first, second = started(), started()
    assert first.asked("held forked") == ["holding"]
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert second.asked("held") == ["holding"]
    assert second.asked("2") == ["done", [1, "2", "2"]]


@posix
def test_a_fork_that_goes_on_with_the_run_records_nothing(place):
    """A tool that comes back twice, in its process and in a fork, has been called once; the fork's pass ends there."""
    parent, forked = os.getpid(), []

    def twice() -> int:
        """Come back in both."""
        forked.append(os.fork())
        return 2

    try:
        done = run("local n = twice{} return Step.run('after', function() return n end)", name="held", store=place.url,
                   tools=[twice])  # fmt: skip
    except StoreError as error:
        os._exit(7 if "was opened by the process that this one was forked from" in error.message else 1)
    finally:
        if os.getpid() != parent:
            os._exit(2)
    [child] = forked
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert done.value == 2
    assert checkpoints(place.url) == [("tool_call", "twice"), ("step", "after")]


def test_threads_of_a_process_drive_a_run_one_at_a_time(place):
    """A thread that comes while another one drives is refused with this process; afterwards it goes on."""
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> int:
        """Wait for the other thread."""
        inside.set()
        assert go_on.wait(60)
        return 1

    def drive() -> object:
        return run("return hold{}", name="held", store=place.url, tools=[hold]).value

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(drive)
        try:
            assert inside.wait(60)
            for refused in (pool.submit(drive).exception(), failure(drive)):
                assert isinstance(refused, RunLocked)
                assert (refused.process, refused.host) == (os.getpid(), socket.gethostname())
        finally:
            go_on.set()
        assert first.result() == 1
        assert pool.submit(drive).result() == 1
    assert checkpoints(place.url) == [("tool_call", "hold")]


def failure(call: Callable[[], object]) -> BaseException | None:
    """What a call raises in this thread."""
    try:
        call()
    except RunLocked as error:
        return error
    return None


ANSWERING = """
import sys
from lua_procedures import answer, resume
answer("asked", "Ada", store=sys.argv[1])
print(resume("asked", store=sys.argv[1]).value)
"""


def test_paused_run_is_free(place):
    """While a run waits for a person nobody owns it: another process answers and goes on."""
    program = "return Human.input('Name?')"
    assert run(program, name="asked", store=place.url).status == "paused"
    done = subprocess.run([sys.executable, "-c", ANSWERING, place.url], capture_output=True, text=True, check=True)
    assert done.stdout == "Ada\n"
    assert run(program, name="asked", store=place.url).value == "Ada"


def test_what_a_killed_process_began_second_is_nothing(place):
    """A journal that was begun beside the run's and never taken back is not the run, and goes with the next pass."""
    asking = "local a = Step.run('a', function() return 1 end) return a .. Human.input('Name?')"
    assert run(asking, name="asked", store=place.url).status == "paused"
    store = open_store(place.url)
    [row] = store.journals("asked")
    left = store.create(replace(row, id=0, status="pending", options='{"tentative":true}', updated=row.updated + 1))
    assert (left.generation, store.find("asked")) == (1, left)
    assert [each.checkpoints for each in history("asked", store=place.url).journals] == [0, 1]
    answer("asked", "Ada", store=place.url)
    assert [each.id for each in store.journals("asked")] == [row.id, left.id]
    again = run(asking, name="asked", store=place.url)
    assert (again.value, again.replayed) == ("1Ada", 1)
    assert [each.id for each in store.journals("asked")] == [row.id]
    store.close()


def test_a_run_that_is_driven_takes_answers(place):
    """An answer needs no ownership."""
    paused = run("return Human.input('Name?')", name="asked", store=place.url)
    assert paused.pending is not None
    store = open_store(place.url)
    [row] = store.journals("asked")
    with store.own(row.id):
        answer("asked", "Ada", store=place.url)
        with pytest.raises(RunLocked, match=f"process {os.getpid()} on"):
            run("return Human.input('Name?')", name="asked", store=place.url)
    assert run("return Human.input('Name?')", name="asked", store=place.url).value == "Ada"
    store.close()


def test_processes_that_start_a_run_at_once_start_one(place, started):
    """Of two processes that meet at a run that is not there yet, one drives it, and no second journal is left."""
    pair = [started(), started()]
    for number in range(10):
        for process in pair:
            process.tell(f"new-{number}")
        answers = [process.heard() for process in pair]
        assert sorted(each[0] for each in answers) == ["holding", "locked"]
        driver = next(process for process, said in zip(pair, answers, strict=True) if said == ["holding"])
        assert driver.asked("1") == ["done", [1, "1", "1"]]
        store = open_store(place.url)
        assert [row.generation for row in store.journals(f"new-{number}")] == [0]
        store.close()


def test_a_tool_cannot_start_its_own_run(place):
    """A pass cannot be driven inside itself, and the run goes on with the tool's failure."""

    def again() -> str:
        """Start it again."""
        return str(run(program, name="nested", store=place.url, tools=[again]).value)

    program = "local ok, why = pcall(again) return {ok, tostring(why):match('being driven') }"
    assert run(program, name="nested", store=place.url, tools=[again]).value == [False, "being driven"]


# Locks of the system


def test_bytes_are_locked_one_by_one(tmp_path):
    """Each byte of a file is a lock of its own, within a process too, and the file is closed with the last one."""
    path = tmp_path / "locks"
    first, second = lock_byte(path, 1), lock_byte(path, 2)
    assert first
    assert second
    assert lock_byte(path, 1) is None
    first()
    again = lock_byte(path, 1)
    assert again
    again()
    second()
    assert path.read_bytes() == b""
    if os.name == "posix":
        opened = Path("/dev/fd")
        assert str(path) not in {os.path.realpath(each) for each in opened.iterdir()}


@posix
def test_a_fork_neither_has_nor_drops_its_parents_locks(tmp_path):
    """A fork finds its parent's lock taken, and what it does with its copy leaves the lock alone."""
    path = tmp_path / "locks"
    release = lock_byte(path, 1)
    assert release
    child = os.fork()
    if not child:
        code = 1
        try:
            release()
            code = 0 if lock_byte(path, 1) is None and lock_byte(path, 2) is not None else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lock_byte(path, 1) is None
    release()


@posix
def test_links_to_a_file_lead_to_one_lock(tmp_path):
    """A store that is opened by a link has the same owners as the file itself."""
    (tmp_path / "link.db").symlink_to(tmp_path / "runs.db")
    store = open_store(str(tmp_path / "runs.db"))
    journal = store.create(JournalRow("triage", "00", seed=1, started=1.0, updated=1.0)).id
    linked = open_store(str(tmp_path / "link.db"))
    with store.own(journal), pytest.raises(RunLocked):
        linked.own(journal)
    store.close()
    linked.close()


def test_what_cannot_be_locked_is_refused(tmp_path):
    """Where the file of the locks cannot be opened, nothing is driven, and the error names the store."""
    store = open_store(str(tmp_path / "runs.db"))
    journal = store.create(JournalRow("triage", "00", seed=1, started=1.0, updated=1.0)).id
    (tmp_path / "runs.db-locks").mkdir()
    with pytest.raises(StoreError, match=r"runs\.db cannot be reached"):
        store.own(journal)
    assert store.owner(journal) is None
    store.close()
