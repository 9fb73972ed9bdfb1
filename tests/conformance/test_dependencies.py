"""What a step depends on without being told: an edit of any of it runs the step again."""

from __future__ import annotations

import os

import pytest

from lua_procedures import UsageError, run

EDITS = {
    "the default of an input": ("input{n = field.integer{default = 5}} %s function() return input.n end)", "5", "6"),
    "an assigned input": ("input.n = 5 %s function() return input.n end)", "5", "6"),
    "a function added to a library": (
        "function string.twice(s) return 5 end %s function() return ('x'):twice() end)", "5", "6",
    ),
    "a function added to State": ("function State.own() return 5 end %s function() return State.own() end)", "5", "6"),
    "a loaded function": ("%s load('return 5'))", "5", "6"),
    "a global of a loaded function": ("rate = 5 %s load('return rate'))", "5", "6"),
    "a global by name": ("rate = 5 local k = 'rate' %s function() return _G[k] end)", "5", "6"),
    "a chunk that is named like the cell": (
        "local f = function() return 1 end local g = load('return function() return 5 end', '=cell')() %s g)", "5", "6",
    ),
    "an environment": ("local f = load('return n', 'c', 't', {n = 5}) %s f)", "5", "6"),
    "the declared stages": (
        "Stages{'one', '5', '6'} Stage.set('one') %s function() return Stage.advance() end)", "'5', '6'", "'6', '5'",
    ),
    "the stages so far": ("Stage.set('5') %s function() return Stage.history()[1].to_stage end)", "5", "6"),
    "a declaration of a question": (
        ("Hitl('k', {message = 'Go?', default = '5', timeout = 0}) "
        "%s function() return Human.input{config_key = 'k'} end)"),
        "5", "6",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "before", "after"), EDITS.values(), ids=EDITS)
def test_an_edit_of_it_runs_the_step_again(cell, text, before, after):
    """The new result is there after the edit, and the old one, from the journal, when it is undone."""
    program = text % "return Step.run('s',"
    first = cell(program)
    edited = cell(program.replace(before, after))
    assert str(first.value) == "5"
    assert (str(edited.value), edited.executed) == ("6", edited.executed)
    undone = cell(program)
    assert (undone.value, undone.executed) == (first.value, 0)


def test_other_bytes_are_other_inputs():
    """Inputs that are bytes tell journals apart by their content."""
    program = "return Step.run('s', function() return input.b end)"
    for _ in range(60):
        given = os.urandom(16)
        assert run(program, name="bytes", params={"b": given}).value in (given, given.decode("latin-1"))
    again = run(program, name="bytes", params={"b": given})
    assert again.executed == 0


def test_another_object_is_another_input():
    """An object of the session is itself, also where another one took its address."""

    class Thing:
        pass

    program = "return Step.run('s', function() return input.o end)"
    for _ in range(60):
        thing = Thing()
        assert run(program, name="objects", params={"o": thing}).value is thing


def test_a_store_on_disk_refuses_an_object_as_input(tmp_path):
    """It could not be given again; the error says what to do."""
    with pytest.raises(UsageError, match="store on disk cannot keep"):
        run("return 1", name="x", params={"o": object()}, store=str(tmp_path / "runs.db"))


def test_a_step_may_not_add_to_a_library(cell):
    """What it adds would be missing on replay."""
    error = cell.fails("Step.run('s', function() string.twice = print end)")
    assert "changes the table of 'a library'" in str(error)


def test_a_change_through_a_reference_counts_also_where_the_key_is_replaced(cell):
    """The program still holds the table that the step changed and took out of State."""
    ran = cell.twice("""
        state.s = {"x"}
        local held = state.s
        Step.run("i", function() state.s[2] = "y" state.s = {} end)
        return #held""")
    assert ran.value == 2


def test_a_captured_table_of_state_is_read_as_it_was(cell):
    """A step that changes it first and reads its key then is kept."""
    cell.twice("""
        state.p = {1}
        local held = state.p
        return Step.run("s", function() table.insert(held, 2) return #State.get("p") end)""")


def test_two_keys_of_one_dict_are_read_alike(cell):
    """The order of its keys does not tell under which it was looked at."""
    cell.twice("""
        state.q = {c = 0, a = 8}
        state.s = state.q
        return Step.run("b", function() return {State.get("q"), State.get("s")} end)""")
