"""Forks: a copied path replays what it kept, for every program and position, and goes on as the old run did."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, assume, example, given, note, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

import lua_procedures
from lua_procedures import ProcedureError, Run, StoreError, UsageError, fork, history
from lua_procedures.durable.journal import Journal
from lua_procedures.durable.stores import open_store
from lua_procedures.histories.branches import Branches
from lua_procedures.testing import ScriptedChatModel

from .cells import Cell, Died, DyingStore, differing, paths, timeless
from .helpers import Helpers
from .nesting import FAMILIES, declared
from .programs import PROGRAMS, STATEMENTS, Program, answer
from .writing import Text, Writer

DRAWING = """
local a = Step.run("a", function() return math.random() end)
local b = Step.run("b", function()
  return Step.run("inner", function() return math.random() .. os.clock() end)
end)
local q = Human.approve("Go?")
local c = Step.run("c", function() return math.random() end)
return {a, b, q, c, math.random()}
"""

modest = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=["memory", "sqlite"])
def cell(request, tmp_path):
    store = open_store(str(tmp_path / "runs.db")) if request.param == "sqlite" else None
    cell = Cell(store)
    yield cell
    cell.store.close()


def top(run: Run) -> int:
    """How many checkpoints the outermost frame has."""
    return sum("/" not in path for path in paths(run))


# -- what is kept --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", range(5))
def test_a_fork_keeps_what_lies_before_its_position(cell, position):
    """That replays with the same values, the rest runs, and the old run stays as it was."""
    first = cell(DRAWING, answers=[True])
    before = cell.held()
    made = fork("triage", position, "other", store=cell.store)
    assert (made.position, made.kept) == (position, len([path for path in paths(first) if int(path[0]) < position]))
    assert cell.held()[: len(before)] == before
    other = lua_procedures.resume("other", store=cell.store, answers=[False] if position <= 2 else None)
    assert (other.replayed, other.executed) == (position, 4 - position)
    assert other.value[:position] == first.value[:position]
    assert other.value[0] == first.value[0]  # drawn again from the same seed where it was not kept


@pytest.mark.parametrize(
    ("which", "position"), [("b", 1), ("1", 1), ("1/0", 1), ("inner", 1), ("Go?", 2), ("4", 4), (3, 3)]
)
def test_a_position_may_be_a_path_or_a_name(cell, which, position):
    """Of a path the outermost position counts, and a name inside a step means that step."""
    cell(DRAWING, answers=[True])
    assert fork("triage", which, "other", store=cell.store).position == position


def test_a_cell_of_the_new_name_goes_on(cell):
    """With the same inputs it continues the fork, also with an edited program."""
    first = cell(DRAWING, answers=[True], params={"x": 1})
    fork("triage", "Go?", "other", store=cell.store)
    edited = DRAWING.replace("Go?", "Really?")
    other = lua_procedures.run(edited, name="other", store=cell.store, params={"x": 1}, answers=[True])
    assert (other.replayed, other.executed) == (2, 2)
    assert other.value[:2] == first.value[:2]
    assert cell(DRAWING, params={"x": 1}).executed == 0


def test_an_open_question_is_not_copied(cell):
    """The fork asks its own, and an answer to the old one does not reach it."""
    assert cell(DRAWING).status == "paused"
    fork("triage", 2, "other", store=cell.store)
    with pytest.raises(lua_procedures.AnswerRefused):
        lua_procedures.answer("other", value=True, store=cell.store)
    cell.answer(value=False)
    other = lua_procedures.resume("other", store=cell.store)
    assert other.status == "paused"
    assert (other.replayed, other.executed) == (2, 0)


def test_a_fork_of_a_seeded_run_keeps_its_seed(cell):
    """What runs anew draws what the old run drew."""
    first = cell(DRAWING, seed=7, answers=[True])
    fork("triage", 0, "other", store=cell.store)
    other = lua_procedures.resume("other", store=cell.store, answers=[True])
    assert (other.value[0], other.value[3:]) == (first.value[0], first.value[3:])


def test_the_things_of_python_go_with_the_fork(cell):
    """In the same process its tools need not be given again."""

    def look(x: int) -> int:
        """Look."""
        return x + 1

    cell("return {look{x = 1}, look{x = 2}}", tools=[look])
    fork("triage", 1, "other", store=cell.store)
    assert lua_procedures.resume("other", store=cell.store).value == [2, 3]


def test_a_fork_between_turns_asks_the_model_only_for_what_follows(cell):
    """A kept turn is walked through, with its calls answered from the copy."""
    asked: list[str] = []

    def thinks(said: list[BaseMessage]) -> str:
        asked.append(str(said[-1].content))
        return f"{said[-1].content}!"

    program = """
        writer = Agent{system_prompt = "Write."}
        return {writer("one").content, writer("two").content}"""
    first = cell(program, chat_model=ScriptedChatModel(answers=thinks))
    made = fork("triage", 1, "other", store=cell.store)
    assert made.kept == 2  # the turn, and the call inside it
    other = lua_procedures.resume("other", store=cell.store)
    assert (other.value, other.replayed, other.executed) == (first.value, 1, 1)
    assert asked == ["one", "two", "two"]


def test_what_a_redone_step_did_inside_is_not_taken_for_new(cell):
    """A step that was done twice counts as done twice in the fork: redone, it runs what is inside it again."""
    cell(DRAWING, answers=[True])
    second = cell(DRAWING, redo="b", answers=[True])
    fork("triage", 2, "other", store=cell.store)
    kept = lua_procedures.resume("other", store=cell.store, answers=[True])
    assert kept.value[:2] == second.value[:2]
    again = lua_procedures.run(DRAWING, name="other", store=cell.store, redo="b", answers=[True])
    assert again.value[1] != second.value[1]


def test_a_fork_behind_a_cut_replays_across_it(cell):
    """A run that waits behind its own `Checkpoint.clear_after` is copied with what it took back."""
    program = """
        local a = Step.run("a", function() return math.random() end)
        local b = Step.run("b", function() return math.random() end)
        if not state.cut then state.cut = true Checkpoint.clear_after("b") end
        local c = Step.run("c", function() return math.random() end)
        return {a, b, c, Human.approve("Go?")}"""
    cell(program)
    assert fork("triage", 2, "other", store=cell.store).kept == 2
    straight = cell(program, answers=[True])
    other = lua_procedures.resume("other", store=cell.store, answers=[True])
    assert other.value == straight.value
    assert paths(other, replayed=False) == ["2"]


# -- refusals ------------------------------------------------------------------------------------------------------


def test_what_cannot_be_forked_is_said(cell):
    """An unknown run, an unknown position with the nearest ones, a name that is taken; nothing is made."""
    cell(DRAWING, answers=[True])
    before = cell.held()
    with pytest.raises(StoreError, match="no run 'unknown'") as unknown:
        fork("unknown", 0, "other", store=cell.store)
    assert "triage" in str(unknown.value)
    with pytest.raises(UsageError, match="no checkpoint 'Goo'") as misspelt:
        fork("triage", "Goo", "other", store=cell.store)
    assert 'The nearest: 2 question "Go?".' in str(misspelt.value)
    for position in (5, -1, "9/1", "1/x"):
        with pytest.raises(UsageError, match="The nearest: "):
            fork("triage", position, "other", store=cell.store)
    with pytest.raises(UsageError, match="there is a run 'triage'"):
        fork("triage", 0, "triage", store=cell.store)
    with pytest.raises(UsageError, match="printable"):
        fork("triage", 0, "", store=cell.store)
    assert cell.held() == before


# -- every program -------------------------------------------------------------------------------------------------


@modest
@given(PROGRAMS, st.integers(0, 12))
def test_every_fork_ends_as_the_old_run(program, position):
    """From any position, with the same answers, and nothing of what it kept runs again."""
    note(program.text)
    cell = Cell()
    first = cell(program.text, answers=answer)
    position = min(position, top(first))
    fork("triage", position, "other", store=cell.store)
    other = lua_procedures.resume("other", store=cell.store, answers=answer)
    assert (other.replayed, other.executed) == (position, top(first) - position)
    assert differing(timeless(first), timeless(other)) == {}


@modest
@given(PROGRAMS, st.integers(0, 6), st.integers(0, 3), st.integers(0, 12))
def test_every_fork_of_a_program_that_cuts_ends_as_the_old_run(program, place, cut, position):
    """What it took back on the way is copied as far as it is needed, and taken back again."""
    text = program.edited(place, f"Checkpoint.clear_after({cut})").text
    note(text)
    cell = Cell()
    first = cell(text, answers=answer)
    # a cut of what lies ahead has no effect in the first run, and one in the fork that kept it, as in any second run
    assume(position <= cut or any(entry.kind == "cut" for entry in cell.store.entries(1)))
    fork("triage", min(position, top(first)), "other", store=cell.store)
    other = lua_procedures.resume("other", store=cell.store, answers=answer)
    assert differing(timeless(first), timeless(other)) == {}


@modest
@given(st.randoms(use_true_random=False), st.integers(0, 12))
def test_every_fork_of_a_nested_program_ends_as_the_old_run(chance, position):
    """With tools, predictors, sub-procedures and all else inside each other; no kept call is made again."""
    text = Writer(chance, FAMILIES).program(declared)
    note(str(text))
    cell, helpers = Cell(), Helpers()
    first = _ended(cell, text, helpers)
    if first.status != "completed":
        return
    position = min(position, top(first))
    fork("triage", position, "other", store=cell.store)
    again = Helpers()
    other = lua_procedures.resume("other", store=cell.store, **again.options)
    assert other.replayed >= position
    assert differing(timeless(first), timeless(other)) == {}
    assert not again.asked - helpers.asked
    if position == top(first):
        assert not again.asked


def _ended(cell: Cell, text: Text, helpers: Helpers) -> Run:
    """The run at its end, which may be an error."""
    try:
        return cell(str(text), **helpers.options)
    except ProcedureError as error:
        if error.run is None:
            raise
        return error.run


# -- the branches that a history shows -------------------------------------------------------------------------------

EDITS = st.lists(st.tuples(st.integers(0, 6), st.none() | STATEMENTS), min_size=1, max_size=3)


@modest
@given(PROGRAMS, EDITS, st.randoms(use_true_random=False))
@example(Program(("Sleep(0)",)), [(0, "Sleep(0)"), (0, None)], random.Random(1))
def test_the_newest_branch_is_what_the_last_pass_did(program, edits, chance):
    """After edits, and edits undone, its checkpoints are those of the run; all others are superseded, once each."""
    texts = [program.text, *(program.edited(*edit).text for edit in edits)]
    cell = Cell()
    for text in [*texts, chance.choice(texts)]:
        last = cell(text, answers=answer)
    branches = Branches(_journal(cell))
    assert [(each.path, each.kind, each.name) for each in branches.checkpoints] == [
        (each.path, each.kind, each.name) for each in last.checkpoints
    ]
    outer = [entry for entry in cell.store.entries(1) if entry.path and "/" not in entry.path]
    listed = [*branches.path, *(entry for branch in branches.superseded for entry in branch.entries)]
    assert Counter(listed) == Counter(outer)
    assert history("triage", store=cell.store).journals[0].checkpoints == len(last.checkpoints)


@pytest.mark.parametrize("write", range(3, 9))
def test_a_killed_pass_is_told_by_what_it_wrote_last(write):
    """It could not say how far it came; its branch is the newest, and a fork of it goes on."""
    cell = Cell()
    cell(DRAWING, answers=[True])
    edited = DRAWING.replace('"b", function()', '"b", function() local new')
    with suppress(Died):
        Cell(DyingStore(cell.store, write, before=False))(edited, answers=[True])
    branches = Branches(_journal(cell))
    written = [entry for entry in cell.store.entries(1) if entry.path]
    assert written[-1] in branches.checkpoints
    made = fork("triage", len(branches.visible), "other", store=cell.store)
    other = lua_procedures.resume("other", store=cell.store, answers=[True])
    assert other.replayed == made.position
    assert other.status == "completed"


def _journal(cell: Cell) -> Journal:
    [row] = cell.store.journals("triage")
    return Journal(cell.store, row)
