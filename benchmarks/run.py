"""The figures that the contract promises, each against a limit taken in the same run.

``python benchmarks/run.py [NAME …]`` prints a table. Times are CPU times of this process (the machines are noisy),
each the best of several rounds; the two sides of a ratio are taken in turns.
``peers.py`` has the same durable step in other systems, side by side.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import first_agent, turns
from conversion import values_growth, values_into, values_out
from forms import click_to_lua, form_on_screen, stop
from graph import graph
from panel import panel

from lua_procedures import run
from lua_procedures.durable.entries import Entry, JournalRow
from lua_procedures.durable.stores.sqlite import SqliteStore
from lua_procedures.language.runtime import MAIN, Guest
from lua_procedures.limits import Limits

ROUNDS = 5


class _Silent:
    """A host that answers 0 to everything."""

    def __getattr__(self, _name: str) -> Callable[..., int]:
        return lambda *_: 0


def _cpu(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _guest(source: str) -> Callable[[], Any]:
    guest = Guest(_Silent(), Limits())  # type: ignore[arg-type]
    guest.start(guest.load(source, "cell", first_line=1))
    return lambda: guest.resume(MAIN)


def state_get() -> list[str]:
    """``State.get`` against a bare Lua→Python call, both from a program under the hook."""
    times = 200_000
    head = f"State.set('k', 1) local loop = function(f, k) for i = 1, {times} do f(k) end end "
    ratios = []
    for _ in range(ROUNDS):
        ours = _cpu(_guest(f"{head} loop(State.get, 'k')"))
        bare = _cpu(_guest(f"{head} loop(Checkpoint.next_position, 'k')"))
        ratios.append(ours / bare)
    return [f"State.get / bare Lua→Python call: {min(ratios):.2f} (median {statistics.median(ratios):.2f}; target 0.5)"]


def _steps(count: int) -> str:
    return f"for i = 1, {count} do Step.run('s' .. i, function() return i end) end"


def _raw_commits(folder: Path, count: int) -> float:
    """One insert of a step's row per commit, with nothing of ours around it."""
    store = SqliteStore(folder / f"raw-{time.monotonic_ns()}.db")
    connection = store._connection  # noqa: SLF001 - the same settings, without our code
    connection.execute("CREATE TABLE raw AS SELECT * FROM entry")
    connection.execute("DROP TABLE raw")
    columns = ", ".join(("seq", *Entry._fields[:-1]))
    statement = f"INSERT INTO entry({columns}) VALUES ({', '.join('?' * len(Entry._fields))})"
    key = bytes(16)
    asked = "function\x1f0123456789abcdef\x1ei\x1fi1234"
    rows = [
        (n, n.to_bytes(16, "little"), key, key, str(n), "step", f"s{n}", asked, "[1234]", 0, None, None, 2, 1.5, 2.5,
         None, None)
        for n in range(1, count + 1)
    ]  # fmt: skip

    def commit() -> None:
        for row in rows:
            connection.execute(statement, row)

    return _cpu(commit)


def _run(source: str, name: str, store: Path | str) -> float:
    return _cpu(lambda: run(source, name=name, store=str(store)))


def _step(folder: Path, count: int, times: int = 1) -> float:
    """What a run of so many steps takes over one that does nothing, by the step, in a file that is there."""
    store = folder / f"{time.monotonic_ns()}.db"
    empty = min(_run("return 1", f"empty {each}", store) for each in range(5 * times))
    return (min(_run(_steps(count), f"steps {each}", store) for each in range(times)) - empty) / count


def durable_step() -> list[str]:
    """A durable step against a raw commit on the same SQLite settings, and its growth."""
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for count, rounds in ((1_000, 4 * ROUNDS), (10_000, ROUNDS), (100_000, 2)):
            ratios = [_step(folder, count) / (_raw_commits(folder, count) / count) for _ in range(rounds)]
            figures.append(f"durable step / raw commit, of {count:,}: {_told(ratios, 2.0)}")
        growths = [_step(folder, 10_000) / _step(folder, 100, times=20) for _ in range(ROUNDS)]
    return [*figures, f"step at 10,000 / step at 100: {_told(growths, 1.2)}"]


def _told(ratios: list[float], target: float) -> str:
    return f"{min(ratios):.2f} (median {statistics.median(ratios):.2f}; target {target})"


_MEMORY = """
import gc, sys
from lua_procedures import run
from lua_procedures.session import get_session

def resident():
    gc.collect()
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * 4096

steps = "for i = 1, {{}} do Step.run('s' .. i, function() return i end) end"
run(steps.format(1000), name="first", store={0!r})
before = resident()
run(steps.format({1}), name="a", store={0!r})
held = resident()
get_session().runs.clear()
print((held - before) / {1}, (resident() - before) / {1})
"""


def _memory(store: Path | str, count: int) -> str:
    command = [sys.executable, "-c", _MEMORY.format(str(store), count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    held, left = map(float, done.split())
    return f"{held:.0f} bytes a step, {left:.0f} without the Run"


def memory() -> list[str]:
    """What a process holds of a run of 100,000 steps that has completed: resident memory, Linux only."""
    count = 100_000
    with tempfile.TemporaryDirectory() as name:
        return [
            f"memory of a run in memory: {_memory('memory:', count)} (target 500)",
            f"memory of a run on SQLite: {_memory(Path(name) / 'runs.db', count)} (target 500)",
        ]


def replay() -> list[str]:
    """A run of 10,000 steps from a file again, after imports: unchanged, and with a comment changed."""
    short, kilobyte = (
        _steps(10_000),
        "for i = 1, 10000 do Step.run('s' .. i, function() return ('x'):rep(1000) end) end",
    )
    with tempfile.TemporaryDirectory() as name:
        store = Path(name) / "replay.db"
        _run(short, "a", store)
        unchanged = min(_run(short, "a", store) for _ in range(ROUNDS))
        walked = min(_run(f"{short} -- {turn}", "a", store) for turn in range(ROUNDS))
        _run(kilobyte, "b", store)
        walked_kilobyte = min(_run(f"{kilobyte} -- {turn}", "b", store) for turn in range(ROUNDS))
    return [
        f"a completed run of 10,000 steps again, unchanged: {unchanged * 1000:.0f} ms of CPU (target 30)",
        f"replay of 10,000 steps: {walked * 1000:.0f} ms of CPU (target 150)",
        f"replay of 10,000 steps of 1 kB: {walked_kilobyte * 1000:.0f} ms of CPU (target 100)",
    ]


_LOAD = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.process_time()
{}
print(time.process_time() - started)
"""


def _load(line: str) -> float:
    command = [sys.executable, "-c", _LOAD.format(line)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def load_extension() -> list[str]:
    """``%load_ext`` over a bare IPython, and from there to the first Lua."""
    load = min(_load("shell.run_line_magic('load_ext', 'lua_procedures')") for _ in range(ROUNDS))
    first = min(
        _load("shell.run_line_magic('load_ext', 'lua_procedures')\nfrom lua_procedures import run\nrun('return 1')")
        for _ in range(ROUNDS)
    )
    return [
        f"%load_ext: {load * 1000:.0f} ms of CPU (target 60)",
        f"%load_ext to the first Lua: {first * 1000:.0f} ms of CPU",
    ]


def start() -> list[str]:
    """One run of an empty program, after imports."""
    run("return 1")
    times = [_cpu(lambda: run("return 1")) for _ in range(50)]
    return [f"an empty run: {statistics.median(times) * 1000:.1f} ms of CPU"]


def many_journals() -> list[str]:
    """How a store with a thousand runs finds one."""
    with tempfile.TemporaryDirectory() as name:
        store = SqliteStore(Path(name) / "many.db")
        for n in range(1000):
            store.create(JournalRow(name=f"run-{n}", root="0", seed=1, started=1.0, updated=1.0))
        listing = min(_cpu(store.journals) for _ in range(ROUNDS))
        finding = min(_cpu(lambda: store.find("run-500")) for _ in range(ROUNDS))
    return [
        f"listing 1,000 runs: {listing * 1000:.1f} ms of CPU",
        f"finding one of 1,000 runs: {finding * 1_000_000:.0f} µs of CPU",
    ]


FIGURES = {
    each.__name__: each
    for each in (
        state_get,
        durable_step,
        memory,
        replay,
        values_out,
        values_into,
        values_growth,
        load_extension,
        start,
        many_journals,
        graph,
        panel,
        turns,
        first_agent,
        click_to_lua,
        stop,
        form_on_screen,
    )
}


def main() -> None:
    """Print the figures that are named, or all."""
    for name in sys.argv[1:] or FIGURES:
        for line in FIGURES[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
