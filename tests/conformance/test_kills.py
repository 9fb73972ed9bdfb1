"""A process that is really killed, again and again, on a store on disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

import lua_procedures
from lua_procedures.durable.entries import HIDDEN_KINDS, Entry
from lua_procedures.durable.stores import open_store

from ..bounds import PATIENCE
from .cells import Cell, differing, timeless

KILLS = 30

PROGRAM = """
local function work() local x = 0 for i = 1, 30000 do x = x + i end return x end
Stages{"first", "second"}
Stage.set("first")
local drawn = {}
for i = 1, 8 do
  drawn[#drawn + 1] = Step.run("outer " .. i, function()
    State.increment("begun")
    print("outer", i)
    local a = Step.run("inner", function() State.append("list", math.random(100)) work() return math.random(1000) end)
    work()
    local ok, why = pcall(Step.run, "failing", function() State.increment("failed") work() error({code = a}) end)
    return {a, why.code, os.clock() >= 0, math.random(1000)}
  end)
end
local name = Human.input("Name?")
Stage.advance()
for i = 1, 10 do checkpoint(function() State.append("list", name .. i) work() return i end) end
Sleep(0.01)
return {drawn, name, State.get("begun"), State.get("failed"), #state.list, math.random(1000)}
"""


@contextmanager
def forking(store: Path, program: Path):
    """A process that forks one for each run's name that is written to it."""
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(store), str(program)]
    package = {**os.environ, "PYTHONPATH": str(Path(lua_procedures.__file__).parents[1])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=package) as server:
        yield server
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(timeout=PATIENCE) == 0


def run_for(server, name, seconds):
    """Let a process run the program, killed after so many seconds (0: never); whether it was before its end."""
    server.stdin.write(f"{name} {seconds}\n")
    server.stdin.flush()
    code = int(server.stdout.readline())
    assert code in (0, -signal.SIGKILL)
    return code != 0


def recorded(path, name):
    """The entries of the only journal of that name, oldest first."""
    store = open_store(str(path))
    try:
        return [entry for row in store.journals(name) for entry in store.entries(row.id)]
    finally:
        store.close()


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_kill_9_loses_and_repeats_nothing(tmp_path):
    """What was recorded stays, is never done again, and each run ends as one that nobody killed."""
    path, program = tmp_path / "runs.db", tmp_path / "program.lua"
    program.write_text(PROGRAM, encoding="utf-8")
    undisturbed = Cell()(PROGRAM, seed=5, answers=["Ada"])
    chance, kills, number = random.Random(3), 0, 0
    with forking(path, program) as server:
        while kills < KILLS:
            name = f"run-{number}"
            before: list[Entry] = []
            for _ in range(6):
                killed = run_for(server, name, chance.uniform(0, 0.06))
                kills += killed
                now = recorded(path, name)
                assert now[: len(before)] == before
                before = now
                if not killed:
                    break
            run_for(server, name, 0)
            check_ended(path, name, undisturbed)
            number += 1
    assert number > 1


def check_ended(path, name, undisturbed):
    """The run has ended as the undisturbed one, and nothing of it is recorded twice."""
    times = Counter((entry.key, entry.reads) for entry in recorded(path, name) if entry.kind not in HIDDEN_KINDS)
    assert set(times.values()) == {1}
    cell = Cell(open_store(str(path)), name=name)
    ended = cell(PROGRAM, seed=5)
    cell.store.close()
    assert ended.executed == 0
    assert differing(timeless(undisturbed), timeless(ended)) == {}
