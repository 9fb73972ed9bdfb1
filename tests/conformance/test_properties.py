"""Rules that hold for every program: replay, edits undone, plans, and deaths at any write."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from lua_procedures.durable.entries import HIDDEN_KINDS
from lua_procedures.durable.stores import Store
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore

from .cells import Cell, Died, DyingStore, differing, outcome, timeless
from .programs import PROGRAMS, STATEMENTS, STEP, Program, answer

SEED = 11
modest = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(modest, max_examples=30)


@modest
@given(PROGRAMS)
@example(Program((STEP % "State.increment('n', 0)\nState.clear()",)))
@example(Program((STEP % "State.append('list', 1)\nnote(out, State.get('list'))",)))
def test_a_second_run_is_the_first(program):
    """Value, State, stages, notices, answers and checkpoints are the same, and nothing runs."""
    note(program.text)
    Cell().twice(program.text, answers=answer)


@modest
@given(PROGRAMS, st.integers(0, 6), st.none() | STATEMENTS)
def test_an_edit_undone_is_as_if_it_had_not_been(program, place, statement):
    """The first program finds all that it had recorded; so does the second one, when it comes back."""
    note(program.text)
    cell, other = Cell(), program.edited(place, statement)
    first = cell(program.text, answers=answer)
    second = cell(other.text, answers=answer)
    for text, before in ((program.text, first), (other.text, second)):
        again = cell(text, answers=answer)
        assert again.executed == 0
        assert differing(outcome(before), outcome(again)) == {}


@modest
@given(PROGRAMS, st.integers(0, 6), st.none() | STATEMENTS)
def test_a_plan_leaves_the_store_as_it_was(program, place, statement):
    """Whatever would run."""
    cell = Cell()
    cell(program.text, answers=answer)
    before = cell.held()
    cell(program.edited(place, statement).text, plan=True, answers=answer)
    assert cell.held() == before


@modest
@given(PROGRAMS)
def test_a_run_that_pauses_at_each_question_is_the_same(program):
    """Answered one by one, each after a pause, it ends as if all answers had been there."""
    note(program.text)
    cell = Cell()
    straight = Cell()(program.text, answers=answer, seed=SEED)
    ran = cell(program.text, seed=SEED)
    while ran.pending is not None:
        cell.answer(answer(ran.pending), ran.pending.id)
        ran = cell(program.text, seed=SEED)
    assert differing(timeless(straight), timeless(ran)) == {}


DEATHS = st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=4)


def die_and_go_on(store: Store, text: str, deaths: list[tuple[int, bool]]) -> None:
    """Die at each of these writes, run to the end, and compare with a run that never died."""
    undisturbed = Cell()(text, answers=answer, seed=SEED)
    recorded: list[object] = []
    for write, before in deaths:
        with suppress(Died):
            Cell(DyingStore(store, write, before=before))(text, answers=answer, seed=SEED)
        held = [entry for row in store.journals() for entry in store.entries(row.id)]
        assert held[: len(recorded)] == recorded, "something that was recorded is lost"
        recorded = [*held]
    ended = Cell(store)(text, answers=answer, seed=SEED)
    assert differing(timeless(undisturbed), timeless(ended)) == {}
    entries = [entry for entry in store.entries(1) if entry.kind not in HIDDEN_KINDS]
    twice = [key for key, times in Counter((entry.key, entry.reads) for entry in entries).items() if times > 1]
    assert not twice, "something was done twice after it was recorded"


@modest
@given(PROGRAMS, DEATHS)
def test_a_process_may_die_at_any_write(program, deaths):
    """Before or after it, and again: the run ends as one that was never disturbed, and repeats nothing recorded."""
    note(program.text)
    die_and_go_on(MemoryStore(), program.text, deaths)


@few
@given(PROGRAMS, DEATHS)
def test_a_process_on_sqlite_may_die_at_any_write(program, deaths):
    """The same on a file."""
    note(program.text)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(str(Path(folder) / "runs.db"), "normal")
        try:
            die_and_go_on(store, program.text, deaths)
        finally:
            store.close()


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("write", range(24))
def test_a_process_may_die_at_each_write_of_a_full_program(write, before):
    """Every single write of a program that has something of everything."""
    text = """
        Stage.set("begin")
        local a = Step.run("a", function()
          State.increment("n")
          print("in a", os.clock() >= 0)
          local inner = Step.run("inner", function() State.append("l", math.random(100)) return math.random(100) end)
          return {inner, math.random(100)}
        end)
        local ok, why = pcall(Step.run, "bad", function()
          Step.run("fine", function() return math.random(100) end)
          Step.run("worse", function() State.set("t", {1}) error({code = math.random(100)}) end)
        end)
        table.insert(state.t, 2)
        local known = Checkpoint.exists("bad")
        local name = Human.input("Name?")
        Sleep(0)
        local c = checkpoint(function() Stage.set("end") return #state.l end)
        return {a, why.code, known, name, c, math.random(100)}"""
    die_and_go_on(MemoryStore(), text, [(write, before)])
