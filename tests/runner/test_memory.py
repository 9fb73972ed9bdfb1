"""What a run takes of the process's memory."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import suppress

import pytest

from lua_procedures import ProcedureError, run

STEPS = 2_000
MOST = 500  # bytes a step
PROGRAM = "for i = 1, {} do Step.run('s' .. i, function() return i end) end {}"


@pytest.mark.parametrize("walked", [False, True])
@pytest.mark.parametrize("store", ["memory:", "sqlite"])
def test_a_step_takes_half_a_kilobyte_at_most(tmp_path, store, walked):
    """A run that is held, with its store, whether its steps ran in it or were replayed."""
    url = store if store == "memory:" else str(tmp_path / "runs.db")
    run(PROGRAM.format(5, ""), name="warm", store=url)
    if walked:
        run(PROGRAM.format(STEPS, ""), name="steps", store=url)
    gc.collect()
    tracemalloc.start()
    try:
        held = run(PROGRAM.format(STEPS, "-- again" if walked else ""), name="steps", store=url)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held.replayed == (STEPS if walked else 0)
    assert taken / STEPS < MOST
    assert [each.value for each in held.checkpoints] == [*range(1, STEPS + 1)]


def add(first: int, second: int) -> int:
    """Adds."""
    return first + second


ENDINGS = {
    "steps": 'for i = 1, 3 do Step.run("s" .. i, function() State.increment("x") return {i} end) end',
    "caught": 'return pcall(Step.run, "a", function() error("so") end)',
    "a question": 'return Human.approve("Go?")',
    "tools": 't = Tool {input = {a = "number"}, function(a) return a end} return t{a = 1}, add{first = 1, second = 2}',
    "a sub-procedure": 'p = Procedure {function() return Step.run("in", function() return 1 end) end} return p{}',
    "an agent": 'Mocks{a = {message = "hi"}} a = Agent{system_prompt = "x"} return a("hello").content',
    "files": 'File.write("a.txt", "1") return File.read("a.txt")',
    "a failure": 'Step.run("a", function() return {1} end) error("so")',
    "a limit": 'Step.run("a", function() return {1} end) while true do end',
}


def _left(program, store, files):
    """Names of the types that only the collector of garbage finds after a run that nobody holds."""
    for source in ("return 1", program, "return 2"):  # a session holds the last run of each name
        with suppress(ProcedureError):
            run(source, name="left", store=store, files=files, tools=[add], limits={"max_seconds": 0.1})
        if source == "return 1":
            gc.collect()
            gc.disable()
            gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    return {type(each).__name__ for each in gc.garbage}


@pytest.mark.parametrize("program", ENDINGS.values(), ids=ENDINGS)
def test_what_a_run_took_is_free_when_nobody_holds_it(tmp_path, program):
    """The Lua world at the end of the pass, however it ended, and the journal and its store with the run."""
    held = {"LuaRuntime", "_LuaTable", "_LuaFunction"}
    if program not in (ENDINGS["a failure"], ENDINGS["a limit"]):  # an error and its run hold each other
        held |= {"Driver", "Guest", "Ledger", "Journal", "Run", "SqliteStore"}
    try:
        assert not held & _left(program, str(tmp_path / "runs.db"), tmp_path)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
