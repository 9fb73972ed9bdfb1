"""A completed run whose program is unchanged is known without being walked again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings

from lua_procedures import Run
from lua_procedures.durable.entries import Entry
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore
from lua_procedures.jobs import Job, run_here
from lua_procedures.runner import worlds
from lua_procedures.testing import ScriptedChatModel

from .cells import Cell, differing, outcome
from .programs import PROGRAMS, answer

PROGRAM = """
Stages{"load", "sum"}
Stage.set("load")
local total = 0
for i = 1, 5 do
  total = total + Step.run("part " .. i, function()
    State.increment("parts")
    print("part", i)
    return Step.run("inner", function() return i end)
  end)
end
Stage.advance("sum")
Session.append{role = "user", content = "so much: " .. total}
GraphNode.create{label = "sum", score = total}
Log.info("done", {total = total})
return {total = total, at = os.time()}
"""


class Watched(MemoryStore):
    """Counts how often all entries of a journal are read."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = 0

    def entries(self, journal: int) -> Iterator[Entry]:
        self.readings += 1
        return super().entries(journal)


@pytest.fixture(autouse=True)
def kept_from_the_first_checkpoint(monkeypatch) -> None:
    """Also small programs leave what they came to."""
    monkeypatch.setattr(worlds, "FEWEST", 0)


@pytest.fixture
def cell() -> Cell:
    return Cell(Watched())


def is_walked(cell: Cell, source: str, **options: Any) -> bool:
    """Whether a run reads the journal."""
    assert isinstance(cell.store, Watched)
    before = cell.store.readings
    cell(source, **options)
    return cell.store.readings > before


def whole(run: Run) -> dict[str, Any]:
    """Everything that a run tells of itself."""
    data, fixture = run._data, run._data.fixture()
    return {
        **outcome(run),
        "rows": run.checkpoints,
        "stage": run.stage,
        "declared": data.stages_declared,
        "iterations": run.iterations,
        "usage": run.usage,
        "agents": run.agents,
        "counts": (run.replayed, run.executed),
        "status": run.status,
        "modules": data.modules,
        "fixture": fixture and (fixture.models, fixture.tools, fixture.rows, fixture.times),
        "change": data.change,
        "text": run._repr_mimebundle_()["text/plain"],
    }


def walked(cell: Cell, source: str, **options: Any) -> Run:
    """The run as it is when it is walked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds.Worlds, "find", lambda _: None)
        return cell(source, **options)


def test_nothing_is_walked(cell):
    """The second run reads one entry, whatever their number, and holds what the first one did."""
    cell(PROGRAM)
    as_walked = whole(walked(cell, PROGRAM))
    assert not is_walked(cell, PROGRAM)
    assert differing(as_walked, whole(cell(PROGRAM))) == {}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PROGRAMS)
def test_it_is_as_if_it_had_been_walked(program):
    """Whatever the program does, everything that its run tells is the same."""
    note(program.text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "FEWEST", 0)
        cell = Cell()
        cell(program.text, answers=answer)
        as_walked = whole(walked(cell, program.text))
        assert differing(as_walked, whole(cell(program.text))) == {}


def test_small_runs_leave_nothing(monkeypatch):
    """A run of few checkpoints is as fast walked; its journal holds its checkpoints only."""
    monkeypatch.undo()
    cell = Cell()
    cell("Step.run('a', function() end)")
    [(_, entries, _)] = cell.held()
    assert [entry.kind for entry in entries] == ["step"]


def test_it_survives_the_process(tmp_path):
    """In a file it is found by the next process, which goes on from it."""
    first = Cell(SqliteStore(tmp_path / "runs.db"))(PROGRAM)
    again = Cell(SqliteStore(tmp_path / "runs.db"))
    assert differing(outcome(first), outcome(again(PROGRAM))) == {}
    assert again.resume().replayed == 5
    assert again(PROGRAM + "\n-- one more line").executed == 0


def test_comments_and_lines(cell):
    """A changed comment walks the run once more; then the lines of its checkpoints are those of the new text."""
    lines = [each.line for each in cell(PROGRAM).checkpoints]
    later = "-- a comment\n" + PROGRAM
    assert is_walked(cell, later)
    assert not is_walked(cell, later)
    assert [each.line for each in cell(later).checkpoints] == [line + 1 for line in lines]


def test_a_line_that_was_two(cell):
    """Where two checkpoints of one line stand in different ones now, they are told right."""
    cell("Step.run('a', function() end) Step.run('b', function() end)")
    apart = "Step.run('a', function() end)\nStep.run('b', function() end)"
    cell(apart)
    assert [each.line for each in cell(apart).checkpoints] == [1, 2]


@pytest.mark.parametrize(
    "changed",
    [
        {"source": PROGRAM.replace('"load", "sum"', '"load", "sum", "more"')},
        {"limits": {"max_seconds": 5}},
        {"answers": {}},
        {"redo": ["part 2"]},
        {"tools": {"lookup": lambda key: key}},
        {"predictors": {"risk": lambda given: 1}},
        {"env_allowed": ["HOME"]},
        {"chat_model": ScriptedChatModel(["hello"])},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_the_program_may_depend_on(cell, changed):
    """Whatever of it has changed, the run is walked."""
    cell(PROGRAM)
    assert is_walked(cell, **{"source": PROGRAM, **changed})


def test_the_folder_of_its_files(cell, tmp_path):
    """Another folder for ``File`` is another world."""
    cell(PROGRAM)
    assert is_walked(cell, PROGRAM, files=tmp_path)


def test_a_module(cell, tmp_path, monkeypatch):
    """A module whose text has changed is met; the same one need not be loaded."""
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "sums.lua"
    module.write_text("return {add = function(a, b) return a + b end}", encoding="utf-8")
    program = "local sums = require('sums') return Step.run('sum', function() return sums.add(1, 2) end)"
    assert cell(program).value == 3
    assert not is_walked(cell, program)
    module.write_text("return {add = function(a, b) return a + b + 1 end}", encoding="utf-8")
    assert cell(program).value == 4


def test_a_tool_whose_source_changed(cell):
    """What it gave is no longer what it gives."""

    def twice(n: int) -> int:
        return 2 * n

    one = twice

    def twice(n: int) -> int:  # type: ignore[no-redef]  # the cell was run again
        return 3 * n

    program = "return Tool.get('twice')({n = 2})"
    assert cell(program, tools={"twice": one}).value == 4
    assert not is_walked(cell, program, tools={"twice": one})
    assert cell(program, tools={"twice": twice}).value == 6


def test_what_was_done_since(cell):
    """After a pass that recorded more, the old program is walked once, and known again."""
    cell(PROGRAM)
    cell(PROGRAM.replace("return i", "return i + 1"))
    assert is_walked(cell, PROGRAM)
    assert not is_walked(cell, PROGRAM)
    assert cell(PROGRAM).value["total"] == 15


def test_a_cut_is_made_again(cell):
    """A program that forgot its checkpoints starts from what the cut left, each time."""
    program = "Step.run('a', function() end) Checkpoint.clear_all() return 1"
    assert [cell(program).executed for _ in range(3)] == [1, 1, 1]


def test_live_values(cell):
    """A run that holds an object of this process is walked: the object is not in the text."""

    def make() -> object:
        return object()

    program = "State.set('it', Tool.get('make')()) return 1"
    made = {"make": make}
    first = cell(program, tools=made)
    assert is_walked(cell, program, tools=made)
    assert cell(program, tools=made).state["it"] is first.state["it"]


def test_agents(cell):
    """A run with agents is walked: which model answers is found by asking."""
    program = "local w = Agent{system_prompt = 'Write.'} return w('hello').output"
    model = ScriptedChatModel(["hi"])
    assert cell(program, chat_model=model).value == "hi"
    assert is_walked(cell, program, chat_model=model)


def test_a_damaged_world_is_walked(cell):
    """What cannot be read is not needed: everything is in the other entries."""
    first = cell(PROGRAM)
    [row] = cell.store.journals()
    last = cell.store.last(row.id)
    assert last is not None
    assert last.kind == "world"
    cell.store.append(row.id, last._replace(outcome=last.outcome[:-9]))
    assert differing(outcome(first), outcome(cell(PROGRAM))) == {}


def test_it_is_not_exported(cell, tmp_path):
    """A file of a run holds what was done; where it is imported the run is walked once."""
    run = cell(PROGRAM)
    run.export(tmp_path / "run.pkl")
    assert b"world" not in (tmp_path / "run.pkl").read_bytes()


def test_strict_and_plan(cell):
    """Both find that nothing would run, and write nothing."""
    first = cell(PROGRAM)
    entries = [each[1] for each in cell.held()]
    for options in ({"strict": True}, {"plan": True}):
        again = cell(PROGRAM, **options)
        assert differing(outcome(first), outcome(again)) == {}
        assert again.status == "completed"
    assert [each[1] for each in cell.held()] == entries


def test_a_shorter_program_in_between(cell):
    """What a program that ends earlier completed with is not taken for the end of the longer one."""
    longer = "for i = 1, 3 do Step.run('s' .. i, function() return i end) end return 3"
    cell(longer)
    cell("for i = 1, 1 do Step.run('s' .. i, function() return i end) end return 1")
    assert [each.name for each in cell(longer).checkpoints] == ["s1", "s2", "s3"]
    assert [each.name for each in cell(longer).checkpoints] == ["s1", "s2", "s3"]


def test_what_was_shown_is_told_again(cell):
    """Who listens hears of stages and notices, as of a run that is walked."""
    cell(PROGRAM)
    told: list[Any] = []
    run_here(Job(PROGRAM, "triage", store=cell.store, sink=told.append))
    kinds = [type(each).__name__ for each in told]
    assert kinds == ["RunStarted", "StagesDeclared", "StageMoved", "StageMoved", *["Noticed"] * 6, "RunEnded"]


def test_a_module_that_was_not_there(cell, tmp_path, monkeypatch):
    """A program that goes on without a module meets it once it is there."""
    monkeypatch.chdir(tmp_path)
    program = "Step.run('a', function() end) local ok, m = pcall(require, 'optional') return ok and m or 'none'"
    assert cell(program).value == "none"
    assert not is_walked(cell, program)
    (tmp_path / "optional.lua").write_text("return 42", encoding="utf-8")
    assert cell(program).value == 42


def test_a_module_that_cannot_be_read_any_more(cell, tmp_path, monkeypatch):
    """Where only a step needed it, the run needs it no more."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib.lua").write_text("return 42", encoding="utf-8")
    program = "return Step.run('a', function() return require('lib') end)"
    assert cell(program).value == 42
    (tmp_path / "lib.lua").write_bytes(b"return \xff")
    assert cell(program).value == 42


def test_the_same_outcome_of_other_reads(cell):
    """Of steps that came out alike from other State, the inside is that of the one which answers."""
    program = """
        State.set("x", %d)
        return Step.run("a", function() Step.run("in " .. State.get("x"), function() end) return "same" end)
    """
    for x in (1, 2, 1):
        cell(program % x)
    assert [each.name for each in cell(program % 1).checkpoints] == ["a", "in 1"]


def test_a_procedure_whose_result_was_edited(cell):
    """A procedure's call is listed with what it gives now."""
    program = """
        Procedure "p" {function(i) Step.run("a", function() end) return i.n%s end}
        return Procedure("p")({n = 1})
    """
    cell(program % "")
    for _ in range(2):
        assert cell(program % " + 1").checkpoints[0].value == 2


def test_a_variable_of_the_environment(cell, monkeypatch):
    """The values of variables that the program may name count, too."""
    monkeypatch.setenv("LUA_PROCEDURES_TEST", "one")
    cell(PROGRAM, env_allowed=["LUA_PROCEDURES_TEST"])
    assert not is_walked(cell, PROGRAM, env_allowed=["LUA_PROCEDURES_TEST"])
    monkeypatch.setenv("LUA_PROCEDURES_TEST", "two")
    assert is_walked(cell, PROGRAM, env_allowed=["LUA_PROCEDURES_TEST"])


def test_what_is_large_is_walked(cell):
    """Each edit would leave it again, so a run that holds much is walked."""
    program = "State.set('text', ('x'):rep(100000)) Step.run('a', function() end)"
    cell(program)
    assert is_walked(cell, program)


def test_rows_are_those_of_that_run(cell):
    """Its checkpoints are read when somebody looks; what was done since is not among them."""
    cell(PROGRAM)
    rows = cell(PROGRAM).checkpoints
    known = cell(PROGRAM)
    cell(PROGRAM, redo=["inner"])
    assert known.checkpoints == rows
