"""What `strict`, `plan`, `fresh`, `redo`, the inputs and the seed do to a run that is recorded."""

from __future__ import annotations

import pytest

from lua_procedures import DivergenceError, LuaRuntimeError, StoreError, UsageError
from lua_procedures.durable.stores import open_store

from .cells import Cell, paths

STEP = 'Step.run("%s", function() return math.random() .. os.clock() end)'
ASK = 'local ok = Human.approve{message = "Go?"}'
PROGRAM = "\n".join([*(f"local {name} = {STEP % name}" for name in "abc"), ASK, "return {a, b, c}"])


@pytest.fixture(params=["memory", "sqlite"])
def cell(request, tmp_path):
    store = open_store(str(tmp_path / "runs.db")) if request.param == "sqlite" else None
    cell = Cell(store)
    yield cell
    cell.store.close()


# -- strict ------------------------------------------------------------------------------------------------

DIVERGING = {
    "changed": PROGRAM.replace('"b", function() return', '"b", function() return 1 +'),
    "inserted": PROGRAM.replace("local b", STEP % "new" + "\nlocal b"),
    "removed": PROGRAM.replace(f"local b = {STEP % 'b'}", "local b"),
    "reordered": PROGRAM.replace('"b"', '"x"').replace('"c"', '"b"').replace('"x"', '"c"'),
    "a changed question": PROGRAM.replace("Go?", "Go on?"),
    "new at the end": PROGRAM.replace("return {a", f"local d = {STEP % 'd'}\nreturn {{a"),
    "ending earlier": PROGRAM.replace(ASK, ""),
    "without any": "return 1",
}


@pytest.mark.parametrize("program", DIVERGING.values(), ids=DIVERGING)
def test_strict_refuses_another_program_and_changes_nothing(cell, program):
    """A completed run must be met exactly: a changed, new, missing or earlier-ending operation is an error."""
    cell(PROGRAM, answers=[True])
    before = cell.held()
    error = cell.fails(program, strict=True, answers=[True])
    assert isinstance(error, DivergenceError)
    assert cell.held() == before


def test_strict_accepts_the_recorded_program(cell):
    """The same program replays, with other comments too."""
    first = cell(PROGRAM, answers=[True])
    second = cell("-- again\n" + PROGRAM, strict=True)
    assert (second.value, second.executed) == (first.value, 0)


def test_strict_lets_an_unfinished_run_go_on(cell):
    """Operations after the end of a paused run's journal are no divergence; changed ones before are."""
    assert cell(PROGRAM).status == "paused"
    assert isinstance(cell.fails(DIVERGING["changed"], strict=True), DivergenceError)
    assert cell(PROGRAM, strict=True, answers=[True]).status == "completed"


def test_strict_counts_state_that_a_step_reads(cell):
    """A step whose State changed is a changed checkpoint."""
    program = "state.k = %d\nreturn Step.run('s', function() return state.k end)"
    cell(program % 1)
    assert isinstance(cell.fails(program % 2, strict=True), DivergenceError)
    assert cell(program % 1, strict=True).value == 1


def test_a_first_strict_run_runs(cell):
    """Where nothing is recorded, nothing diverges."""
    assert cell(PROGRAM, strict=True, answers=[True]).executed == 4


def test_a_divergence_cannot_be_caught_in_the_program(cell):
    """`pcall` does not swallow it."""
    cell("Step.run('a', function() return 1 end)")
    error = cell.fails("local ok = pcall(Step.run, 'b', function() return 1 end)\nreturn ok", strict=True)
    assert isinstance(error, DivergenceError)
    assert error.message.startswith("line 1: ")


# -- plan --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [PROGRAM, *DIVERGING.values()], ids=["the same", *DIVERGING])
def test_a_plan_changes_nothing(cell, program):
    """Whatever would run, the store holds what it held, to the byte."""
    cell(PROGRAM, answers=[True])
    before = cell.held()
    cell(program, plan=True)
    assert cell.held() == before


def test_a_plan_of_a_paused_run_changes_nothing(cell):
    """The open question stays as it was, and is not asked anew."""
    cell(PROGRAM)
    before = cell.held()
    assert cell(PROGRAM, plan=True, answers=[True]).executed == 0
    assert cell.held() == before


def test_a_plan_of_a_new_run_leaves_no_trace(cell):
    """Nothing runs, and no journal is made."""
    planned = cell(PROGRAM, plan=True)
    assert (planned.replayed, planned.executed) == (0, 0)
    assert cell.held() == []


def test_a_plan_replays_up_to_what_would_run(cell):
    """It stops there, with what is kept counted and the change said."""
    cell(PROGRAM, answers=[True])
    planned = cell(DIVERGING["changed"], plan=True)
    assert (planned.replayed, planned.executed, planned.status) == (1, 0, "pending")
    assert planned._data.change == 'line 2: step "b" changed (its function)'
    assert planned.planned[0].name == "b"


def test_a_plan_of_a_completed_run_gives_its_value(cell):
    """Where nothing would run the plan is the run."""
    first = cell(PROGRAM, answers=[True])
    planned = cell(PROGRAM, plan=True)
    assert (planned.status, planned.value) == ("completed", first.value)


# -- fresh and inputs ---------------------------------------------------------------------------------------


def test_fresh_starts_over_and_stays(cell):
    """It uses nothing older, keeps that as history, and is what later runs continue."""
    first = cell(PROGRAM, answers=[True])
    second = cell(PROGRAM, fresh=True, answers=[True])
    assert (second.replayed, second.executed) == (0, 4)
    assert not set(second.value) & set(first.value)
    assert cell(PROGRAM).value == second.value
    old = cell.store.journals("triage")[0]
    assert [entry.name for entry in cell.store.entries(old.id) if entry.path] == ["a", "b", "c", "Go?"]


def test_each_set_of_inputs_has_its_own_journal(cell):
    """Other inputs start another journal, and going back finds the old one."""
    first = cell(STEP % "a" + "\nreturn " + STEP % "b", params={"x": [1, {"y": 2}]})
    other = cell(STEP % "a" + "\nreturn " + STEP % "b", params={"x": [1, {"y": 3}]})
    back = cell(STEP % "a" + "\nreturn " + STEP % "b", params={"x": [1, {"y": 2}]})
    assert (other.replayed, other.executed) == (0, 2)
    assert (back.value, back.executed) == (first.value, 0)
    assert first.run_id == back.run_id != other.run_id


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (1, "1"), ([], {}), (None, False), ([1, 2], [2, 1])])
def test_inputs_differ_by_kind(cell, one, other):
    """Values that Lua can tell apart are other inputs."""
    assert cell("return Step.run('s', function() return 1 end)", params={"x": one}).executed == 1
    assert cell("return Step.run('s', function() return 1 end)", params={"x": other}).executed == 1


def test_the_order_of_inputs_does_not_count(cell):
    """Inputs are compared by name."""
    cell("return " + STEP % "s", params={"x": 1, "y": {"a": 1, "b": 2}})
    assert cell("return " + STEP % "s", params={"y": {"b": 2, "a": 1}, "x": 1}).executed == 0


# -- redo ----------------------------------------------------------------------------------------------------

CHAINED = """
local a = Step.run("a", function() return 1 end)
local b = Step.run("b", function()
  local drawn = Step.run("inner", function() return math.random() .. os.clock() end)
  return %s
end)
local c = Step.run("c", function() return math.random() .. os.clock() end)
return {a, b, c}
"""


@pytest.mark.parametrize("what", ["b", "1", ["b"], ["1", "unknown"]])
def test_redo_keeps_what_follows_an_equal_outcome(cell, what):
    """What is named, by name or path, runs again; the same outcome leaves what follows as it was."""
    first = cell(CHAINED % "'same'")
    second = cell(CHAINED % "'same'", redo=what)
    assert second.value == first.value
    assert paths(second, replayed=False) == ["1", "1/0"]
    assert (second.replayed, second.executed) == (2, 1)


def test_redo_runs_on_after_another_outcome(cell):
    """Another outcome runs what follows again, and from then on the new ones count."""
    first = cell(CHAINED % "drawn")
    second = cell(CHAINED % "drawn", redo="b")
    assert (second.replayed, second.executed) == (1, 2)
    assert not set(second.value[1:]) & set(first.value[1:])
    third = cell(CHAINED % "drawn")
    assert (third.value, third.executed) == (second.value, 0)


@pytest.mark.parametrize("what", ["inner", "1/0"])
def test_redo_reaches_into_a_step(cell, what):
    """An inner step that is named runs again, and so its outer step is entered."""
    first = cell(CHAINED % "drawn")
    second = cell(CHAINED % "drawn", redo=what)
    assert second.value[0] == first.value[0]
    assert second.value[1] != first.value[1]


def test_redo_of_a_question_asks_again(cell):
    """A person's answer is asked for anew."""
    cell(PROGRAM, answers=[True])
    again = cell(PROGRAM, redo="Go?")
    assert again.status == "paused"
    assert cell(PROGRAM, redo="Go?", answers=[False]).answers[0].value is False


def test_redo_failed_tries_caught_failures_again(cell):
    """Recorded failures run again, and nothing else does."""
    program = """
        local a = Step.run("a", function() return math.random() .. os.clock() end)
        local ok = pcall(Step.run, "bad", function() error("no") end)
        return {a, ok, Step.run("c", function() return math.random() .. os.clock() end)}"""
    first = cell(program)
    second = cell(program, redo="failed")
    assert paths(second, replayed=False) == ["1"]
    assert second.value == first.value


def test_redo_with_a_plan_only_says_so(cell):
    """Nothing runs and nothing changes."""
    cell(CHAINED % "drawn")
    before = cell.held()
    assert cell(CHAINED % "drawn", redo="b", plan=True).executed == 0
    assert cell.held() == before


# -- resume and misuse -----------------------------------------------------------------------------------------


def test_resume_uses_the_kept_program_and_inputs(cell):
    """`resume` needs only the name; it goes on with the journal that was used last."""
    cell("return {input.x, Human.approve{message = '?'}}", params={"x": 1})
    assert cell.resume(answers=[True]).value == [1, True]
    assert cell.resume().replayed == 1


def test_resume_keeps_the_seed(cell):
    """A run with a seed of its own is resumed in its own journal."""
    first = cell("local a = " + STEP % "a" + "\nreturn {a, Human.approve{message = '?'}}", seed=5)
    assert first.status == "paused"
    assert cell.resume(answers=[True]).replayed == 1


def test_resume_after_an_error_tries_again(cell):
    """A failed run is resumed from its last checkpoint."""
    error = cell.fails("Step.run('a', function() return 1 end)\nerror('late')")
    assert isinstance(error, LuaRuntimeError)
    with pytest.raises(LuaRuntimeError, match="late") as raised:
        cell.resume()
    assert raised.value.run is not None
    assert raised.value.run.replayed == 1


def test_an_unknown_run_cannot_be_resumed(cell):
    """The error names the runs that are there."""
    cell("return 1")
    with pytest.raises(StoreError, match="triage"):
        Cell(cell.store, name="other").resume()


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "a\0b", 7])
def test_a_run_has_a_printable_name(cell, name):
    """Any printable text of 1 to 128 characters is a name, and nothing else."""
    with pytest.raises(UsageError):
        Cell(cell.store, name=name)("return 1")
    assert Cell(cell.store, name="../ü漢 " + "x" * 100)("return 1").value == 1


def test_a_plan_names_what_would_run(cell):
    """A plan says which line changed and which recorded checkpoints would run; those that are kept are only counted."""
    program = 'Step.run("before", function() end)\nlocal a = Step.run("a", function() return 1 end)\n'
    program += 'return a + Step.run("b", function() return 2 end)'
    cell(program)
    planned = cell(program.replace("return 1 end", "return 3 end"), plan=True)
    assert planned._repr_mimebundle_()["text/plain"].split("\n") == [
        "triage: pending · kept 1, would run 2 again",
        'line 2: step "a" changed (its function)',
        "  to run  step  a  line 2",
        "  to run  step  b  line 3",
        "the first is certain; the others are as recorded and may change once it has run",
    ]
    assert [(each.name, each.value) for each in planned.planned] == [("a", 1), ("b", 2)]


def test_a_plan_says_what_is_new(cell):
    """What would run first is in the plan where it is not recorded too, at its line; the rest is not known."""
    program = 'Step.run("a", function() return 1 end)\n%sreturn Step.run("b", function() return 2 end)'
    cell(program % "")
    inserted = cell(program % 'Human.approve("Go?")\n', plan=True)
    assert inserted._repr_mimebundle_()["text/plain"].split("\n") == [
        "triage: pending · kept 1, would run 1 new, 1 again",
        'line 2: question "Go?" is where step "b" was',
        "  to run  person  Go?  line 2",
        "  to run  step    b    line 2",
        "the first is certain; the others are as recorded and may change once it has run",
    ]
    assert [(each.path, each.name, each.line, each.value) for each in inserted.planned] == [
        ("1", "Go?", 2, None),
        ("1", "b", 2, 2),
    ]
    new = cell(program.replace('"a"', '"other"') % "", plan=True, fresh=True)
    assert new._repr_mimebundle_()["text/plain"].split("\n") == [
        "triage: pending · kept 0, would run 1 new",
        'line 1: step "other" is new',
        "  to run  step  other  line 1",
        "what follows is known once that has run",
    ]


def test_a_plan_says_what_is_new_inside(cell):
    """Inside a sub-procedure the first that would run stands below it, which runs again."""
    program = 'part = Procedure { function() Step.run("a", function() end)%s end }\npart{}'
    cell(program % "")
    planned = cell(program % ' Step.run("new", function() end)', plan=True)
    assert planned._repr_mimebundle_()["text/plain"].split("\n")[0] == "triage: pending · kept 0, would run 1 again"
    assert [(each.path, each.name, each.line) for each in planned.planned] == [("0", "part", 2), ("0/1", "new", 1)]
