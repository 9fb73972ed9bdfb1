"""What the programs of all peers share; it needs nothing but Python 3.11."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: A step's row as lua_procedures writes it.
_ROW = (
    b"k" * 16, b"p" * 16, b"c" * 16, "17", "step", "s17", "function\x1f0123456789abcdef\x1ei\x1fi1234", "[1234]", 0,
    None, None, 2, 1.5, 2.5, None, None,
)  # fmt: skip


def cpu(call: Callable[[], object]) -> float:
    """Seconds of CPU, of all threads of this process."""
    started = time.process_time()
    call()
    return time.process_time() - started


def raw_commits(folder: Path, count: int) -> float:
    """One insert per commit in a SQLite file with a write-ahead log, with nothing around it."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    columns = ", ".join(f"c{place}" for place in range(len(_ROW)))
    connection.execute(f"CREATE TABLE raw(id INTEGER PRIMARY KEY, {columns})")
    statement = f"INSERT INTO raw({columns}) VALUES ({', '.join('?' * len(_ROW))})"

    def commit() -> None:
        for _ in range(count):
            connection.execute(statement, _ROW)

    return cpu(commit)


def report(count: int, steps: Callable[[], object], again: Callable[[], object], replay: Callable[[], object]) -> None:
    """Time the three in this order, and a raw commit before and after; one line of JSON.

    Args:
        count: how many steps there are.
        steps: runs them for the first time.
        again: asks for the completed run once more.
        replay: answers all of them from what is recorded, and does one more step.
    """
    folder = Path(sys.argv[2])
    (folder / "before").mkdir()
    (folder / "after").mkdir()
    before = raw_commits(folder / "before", count)
    step, other, replayed = cpu(steps), cpu(again), cpu(replay)
    raw = (before + raw_commits(folder / "after", count)) / 2
    times = {"raw": raw / count, "step": step / count, "again": other, "replay": replayed}
    sys.stdout.write(json.dumps(times) + "\n")
