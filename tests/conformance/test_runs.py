"""The attributes of a `Run`, as the contract lists them."""

from __future__ import annotations

import asyncio
import sys

import pytest
from pydantic import ValidationError

import lua_procedures
from lua_procedures import LuaRuntimeError, LuaSyntaxError

from .cells import Cell

FULL = """
Stages{"prepare", "ship"}
Stage.set("prepare")
local notes = Step.run("collect", function() State.increment("n") print("collecting") return {lines = {1, 2}} end)
Stage.advance()
local ok, why = pcall(Step.run, "risky", function() error({code = 7}) end)
local name = Human.input{message = "Name?", placeholder = "who", context = {a = 1}}
Log.warn("almost", {left = 1})
Stop.request("enough", false)
return {notes = notes, why = why.code, name = name}
"""


def test_a_completed_run(cell):
    """Status, value, state, stages, stop, notices, answers, checkpoints and counts."""
    ran = cell(FULL, answers=["Ada"])
    assert (ran.name, ran.status, ran.error, ran.pending) == ("triage", "completed", None, None)
    assert ran.value == {"notes": {"lines": [1, 2]}, "why": 7, "name": "Ada"}
    assert ran.state == {"n": 1}
    assert (ran.stage, [(move.from_stage, move.to_stage) for move in ran.stages]) == (
        "ship",
        [(None, "prepare"), ("prepare", "ship")],
    )
    assert (ran.iterations, ran.stop.requested, ran.stop.reason, ran.stop.success) == (0, True, "enough", False)
    assert [(notice.kind, notice.level, notice.message) for notice in ran.notices] == [
        ("print", "info", "collecting"),
        ("log", "warning", "almost"),
    ]
    assert [(each.value, each.channel) for each in ran.answers] == [("Ada", "scripted")]
    assert (ran.replayed, ran.executed) == (0, 3)
    assert (ran.tool_calls, ran.messages, ran.agents, ran.usage.total_tokens) == ([], [], {}, 0)
    assert (ran.graph.root, ran.graph.nodes) == (None, ())


def test_checkpoints_of_a_run(cell):
    """Position, path, kind, name, value or error, line, replayed, and how long it took."""
    cell(FULL, answers=["Ada"])
    first, second, third = cell(FULL).checkpoints
    assert (first.kind, first.name, first.value, first.error) == ("step", "collect", {"lines": [1, 2]}, None)
    assert first.line == 4
    assert (second.kind, second.value, second.error, second.line) == ("step", None, '{"code":7}', 6)
    assert (third.kind, third.name, third.value, third.position) == ("human", "Name?", "Ada", 2)
    assert all(each.replayed and each.duration_seconds >= 0 and each.usage is None for each in (first, second, third))


def test_a_paused_run(cell):
    """`pending` is the request with all that the call gave."""
    ran = cell(FULL)
    asked = ran.pending
    assert (ran.status, ran.value, ran.state) == ("paused", None, {"n": 1})
    assert (asked.kind, asked.message, asked.placeholder, asked.context) == ("input", "Name?", "who", {"a": 1})
    assert (asked.timeout_seconds, asked.expires_at, asked.line) == (None, None, 7)


def test_a_failed_run(cell):
    """The error carries the run, and the run the error and all that was done."""
    error = cell.fails("state.k = 1\nprint('x')\nStep.run('a', function() return 1 end)\nerror({code = 5})")
    assert isinstance(error, LuaRuntimeError)
    ran = error.run
    assert ran is not None
    assert (ran.status, ran.error, ran.value, ran.state) == ("failed", error, None, {"k": 1})
    assert (error.value, error.line) == ({"code": 5}, 4)
    assert [each.name for each in ran.checkpoints] == ["a"]
    assert ran.notices[0].message == "x"


def test_a_program_that_does_not_compile(cell):
    """Nothing ran, and what was recorded before stays."""
    cell("return Step.run('a', function() return 1 end)")
    error = cell.fails("local x = = 1")
    assert isinstance(error, LuaSyntaxError)
    assert error.line == 1
    assert cell.failed("local x = = 1").status == "failed"
    assert cell("return Step.run('a', function() return 1 end)").executed == 0


@pytest.mark.parametrize(
    ("returned", "value"),
    [("", None), ("return", None), ("return nil", None), ("return 1, nil, 'x'", [1, None, "x"]), ("return {1}", [1])],
)
def test_the_value_of_a_run(cell, returned, value):
    """No `return` gives None, several values a list."""
    assert cell.twice(returned).value == value


def test_a_run_gives_copies(cell):
    """Changing the State or a list that a run gave changes nothing of it."""
    ran = cell(FULL, answers=["Ada"])
    ran.state["n"] = 9
    ran.notices.clear()
    ran.stages.clear()
    ran.checkpoints.clear()
    ran.answers.clear()
    assert ran.state == {"n": 1}
    assert ran.notices
    assert ran.stages
    assert ran.checkpoints
    assert ran.answers


def test_records_are_frozen(cell):
    """No record of a run can be changed."""
    ran = cell(FULL, answers=["Ada"])
    for record in (ran.checkpoints[0], ran.notices[0], ran.stages[0], ran.answers[0], ran.stop, ran.usage):
        with pytest.raises(ValidationError):
            setattr(record, next(iter(type(record).model_fields)), 1)


def test_a_run_shows_itself(cell):
    """`text/plain` and `text/html`, without a clock, a duration, an id or an address in the text."""
    cell(FULL, answers=["Ada"])
    first, second = cell(FULL)._repr_mimebundle_(), cell(FULL)._repr_mimebundle_()
    assert set(first) == {"text/plain", "text/html"}
    assert first["text/plain"] == second["text/plain"]
    assert first["text/plain"].startswith("triage")
    assert "0x" not in first["text/plain"]


def test_run_id_tells_histories_apart(cell):
    """The same journal has the same id; other inputs and a fresh start have others."""
    ids = [
        cell("return 1").run_id,
        cell("return 2").run_id,
        cell("return 1", params={"x": 1}).run_id,
        cell("return 1", fresh=True).run_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_arun_is_the_same_awaited(cell):
    """Inside a running event loop both work, and a question pauses the run."""

    async def both():
        first = await lua_procedures.arun(FULL, name=cell.name, store=cell.store)
        second = cell(FULL, answers=["Ada"])
        return first, second

    first, second = asyncio.run(both())
    assert (first.status, second.status, second.replayed) == ("paused", "completed", 2)


def test_sleep_inside_a_running_event_loop(cell):
    """A synchronous run waits out a sleep there, too."""

    async def inside():
        return cell("Sleep(0.15) return 1")

    assert asyncio.run(inside()).value == 1


def test_memory_runs_are_of_this_process():
    """`memory:` is one store for the kernel session."""
    name = f"session {sys.version}"[:100]
    lua_procedures.run("return Step.run('a', function() return 1 end)", name=name)
    assert lua_procedures.run("return Step.run('a', function() return 1 end)", name=name).executed == 0
    assert Cell(name=name)("return Step.run('a', function() return 1 end)").executed == 1


@pytest.mark.parametrize("source", ["// comment", "/ 2", ".. 'a'", "+ 1"])
def test_a_program_that_begins_with_an_operator(source, cell):
    """It is a syntax error like any other."""
    assert isinstance(cell.fails(source), LuaSyntaxError)


@pytest.mark.parametrize(("source", "meant"), [("io.open('a')", "File.read"), ("os.getenv('A')", "as an input")])
def test_what_is_not_in_this_lua_has_a_hint(source, meant, cell):
    """Libraries that a program cannot reach."""
    assert meant in (cell.fails(source).hint or "")
