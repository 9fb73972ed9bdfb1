"""Editing a cell: what runs again, what is kept, and what undoing the edit finds."""

from __future__ import annotations

import pytest

from .cells import paths

#: Steps whose draws tell which execution a value is of, with something to edit before, in and after them.
DRAWS = """
local captured = 1
local function helper() return captured end
function global_helper() return 1 end
local a = Step.run("a", function() return math.random() .. os.clock() end)
local b = Step.run("b", function() helper() global_helper() return math.random() .. os.clock() end)
local c = Step.run("c", function() return math.random() .. os.clock() end)
return {a, b, c}
"""


def edited(*changes):
    """The program with texts replaced, each of which is there once."""
    program = DRAWS
    for before, after in changes:
        assert program.count(before) == 1
        program = program.replace(before, after)
    return program


RE_RUN = {
    "its text": ("helper() global_helper() return math.random() .. os.clock()", "helper() global_helper() return math.random() .. os.clock() + 1"),
    "a captured value": ("captured = 1", "captured = 2"),
    "the kind of a captured number": ("captured = 1", "captured = 1.0"),
    "a captured function's text": ("return captured end", "return captured + 0 end"),
    "a global helper's text": ("global_helper() return 1 end", "global_helper() return 2 end"),
    "its name": ('Step.run("b"', 'Step.run("b2"'),
    "its kind": ('Step.run("b", ', "checkpoint("),
    "its inputs": ("return math.random() .. os.clock() end)\nlocal c", "return math.random() .. os.clock() end, {inputs = {v = 2}})\nlocal c"),
}


@pytest.mark.parametrize("change", RE_RUN.values(), ids=RE_RUN)
def test_a_changed_step_and_what_follows_run_again(cell, change):
    """What is before is kept; undoing the edit finds the old tail, and doing it again finds the new one."""
    first = cell(DRAWS)
    second = cell(edited(change))
    assert (second.replayed, second.executed) == (1, 2)
    assert second.value[0] == first.value[0]
    assert not set(second.value[1:]) & set(first.value)
    undone = cell(DRAWS)
    assert (undone.value, undone.executed) == (first.value, 0)
    again = cell(edited(change))
    assert (again.value, again.executed) == (second.value, 0)


KEPT = {
    "a comment": ("local c = ", "-- a remark\nlocal c = "),
    "a comment in the function": ("helper() global_helper()", "helper() --[[ see\nbelow ]] global_helper()"),
    "lines": ("helper() global_helper() return", "\n\nhelper()\n  global_helper()\n  return"),
    "a comment in a captured function": ("return captured end", "return captured -- so far\nend"),
    "a comment in a global helper": ("global_helper() return 1 end", "global_helper()\n--[==[ ]==] return 1\nend"),
    "lines above": ("local captured", "\n\n\nlocal unused = {}\n\nlocal captured"),
    "a semicolon between statements of the program": ("captured = 1", "captured = 1;"),
    "what it does not capture": ("local function helper", "local other = 1\nlocal function helper"),
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_comments_and_layout_do_not_count(cell, change):
    """Nothing runs again."""
    first, second = cell(DRAWS), cell(edited(change))
    assert (second.value, second.executed) == (first.value, 0)


def test_functions_of_one_line_are_told_apart(cell):
    """A step is not changed by another function that joins it on its line."""
    draw = "local a = Step.run('a', function() return math.random() .. os.clock() end)"
    first = cell(f"{draw}\nreturn a")
    second = cell(f"{draw} local b = Step.run('b', function() return 1 end)\nreturn a")
    assert (second.value, second.replayed) == (first.value, 1)


def test_putting_steps_on_lines_of_their_own_is_layout(cell):
    """Two steps of one line are the same steps on two lines."""
    steps = ["local a = Step.run('a', function() return math.random() .. os.clock() end)", "Step.run('b', function() return 1 end)"]
    cell(" ".join(steps))
    assert cell("\n".join(steps)).executed == 0


# -- inserting, removing, reordering -----------------------------------------------------------------------


def program(*names):
    """Steps of these names, each on a line of its own."""
    return "\n".join(
        [f'{name} = Step.run("{name}", function() return math.random() .. os.clock() end)' for name in names]
        + [f"return {{{', '.join(f'{name} = {name}' for name in names)}}}"]
    )


def test_an_inserted_step_shifts_no_value(cell):
    """A step inserted above takes no later step's result: it and what follows run again."""
    first = cell(program("a", "b", "c"))
    second = cell(program("a", "new", "b", "c"))
    assert (second.replayed, second.executed) == (1, 3)
    assert second.value["a"] == first.value["a"]
    assert not {second.value["new"], second.value["b"], second.value["c"]} & set(first.value.values())


@pytest.mark.parametrize("names", [("b", "c"), ("a", "c"), ("b", "a", "c"), ("a", "c", "b")], ids="-".join)
def test_removed_and_reordered_steps_run_again_from_there(cell, names):
    """The longest unchanged beginning is kept, the rest runs, and the old order finds its old values."""
    first = cell(program("a", "b", "c"))
    same = next((place for place, (one, other) in enumerate(zip(names, "abc", strict=False)) if one != other), 2)
    changed = cell(program(*names))
    assert changed.replayed == same
    assert changed.executed == len(names) - same
    undone = cell(program("a", "b", "c"))
    assert (undone.value, undone.executed) == (first.value, 0)


def test_a_shorter_program_keeps_what_it_has(cell):
    """Removing the last steps runs nothing, and putting them back finds them."""
    first = cell(program("a", "b", "c"))
    assert cell(program("a")).executed == 0
    assert (cell(program("a", "b", "c")).value, cell(program("a", "b", "c")).executed) == (first.value, 0)


def test_edits_in_nested_steps(cell):
    """A change of an inner step's function changes the outer one; what stands before it inside is not kept."""
    text = """
        return Step.run("outer", function()
          local x = Step.run("first", function() return math.random() .. os.clock() end)
          return {x, Step.run("second", function() return %s end)}
        end)"""
    first, second = cell(text % "1"), cell(text % "2")
    assert (second.replayed, second.executed) == (0, 1)
    assert second.value[1] == 2
    assert cell(text % "1").value == first.value


# -- captures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{1, 2}", "{1, 3}"),
        ("{a = {b = 1}}", "{a = {b = 2}}"),
        ("{}", "object{}"),
        ("'1'", "1"),
        ("nil", "false"),
        ("{f = function() return 1 end}", "{f = function() return 2 end}"),
        ("{1}", "{1, nil, 3}"),
    ],
)
def test_captured_values_count_in_depth(cell, before, after):
    """Any difference in a captured value, in depth, runs the step again; the same value made anew does not."""
    text = "local value = %s\nreturn Step.run('s', function() local v = value return math.random() .. os.clock() end)"
    first = cell(text % before)
    assert cell(text % before).executed == 0
    assert cell(text % after).executed == 1
    assert cell(text % before).value == first.value


def test_captures_count_through_captured_functions(cell):
    """A value that only a captured function's captured function captures counts, too."""
    text = """
        local deep = %s
        local function inner() return deep end
        local function outer() return inner() end
        return Step.run("s", function() outer() return math.random() .. os.clock() end)"""
    cell(text % "1")
    assert cell(text % "1").executed == 0
    assert cell(text % "2").executed == 1


def test_mutual_recursion_can_be_captured(cell):
    """Functions that call each other are compared, and a change in one of them counts."""
    text = """
        local even
        local function odd(n) if n == 0 then return false end return even(n - 1) end
        function even(n) if n == 0 then return %s end return odd(n - 1) end
        return Step.run("s", function() return even(4) end)"""
    assert cell.twice(text % "true").value is True
    assert cell(text % "'yes'").value == "yes"


def test_a_step_may_capture_an_earlier_result(cell):
    """A step that captures an earlier step's result runs again when that changed."""
    text = """
        local a = Step.run("a", function() return %s end)
        return Step.run("b", function() return a * 2 end)"""
    assert [cell(text % n).value for n in (1, 2, 1)] == [2, 4, 2]


def test_declared_inputs_count(cell):
    """What `inputs=` names is compared in depth, and a change back finds the old result."""
    text = "return Step.run('s', function() return math.random() .. os.clock() end, {inputs = {model = 'm', list = {1, %d}}})"
    first = cell(text % 2)
    assert cell(text % 2).executed == 0
    assert cell(text % 3).executed == 1
    assert cell(text % 2).value == first.value


def test_what_could_not_be_checked_is_named(cell):
    """A captured table of more than 10,000 leaves is named in the record, of a replay too; the step still replays."""
    text = """
        local big = {}
        for i = 1, 10001 do big[i] = i end
        return Step.run("s", function() return #big end)"""
    first, second = cell(text), cell(text)
    assert "big" in first.notices[0].message
    assert (second.notices, second.executed) == (first.notices, 0)
    assert second.value == 10001


# -- State that a step read --------------------------------------------------------------------------------

READS = {
    "the key": "local v = state.k",
    "State.get": "local v = State.get('k')",
    "increment": "State.increment('k')",
    "pairs": "for k, v in pairs(state) do end",
    "State.all": "local all = State.all()",
    "a captured helper": "read()",
}


@pytest.mark.parametrize("how", READS.values(), ids=READS)
def test_a_step_depends_on_the_state_it_read(cell, how):
    """It replays while the key it read is the same, runs again where it changed, and is found again after."""
    text = f"""
        state.k = %s
        local function read() return state.k end
        return Step.run("s", function() {how} return math.random() .. os.clock() end)"""
    first = cell(text % "1")
    assert (cell(text % "1").value, cell(text % "1").executed) == (first.value, 0)
    second = cell(text % "2")
    assert second.executed == 1
    assert second.value != first.value
    assert (cell(text % "1").value, cell(text % "1").executed) == (first.value, 0)
    assert cell(text % "2").value == second.value


def test_state_that_a_step_did_not_read_does_not_count(cell):
    """Another key may change, and a key that the step only writes."""
    text = """
        state.other, state.written = %s, %s
        return Step.run("s", function() state.written = 5 return math.random() .. os.clock() end)"""
    first = cell(text % (1, 1))
    second = cell(text % (2, 2))
    assert (second.value, second.executed) == (first.value, 0)


def test_state_read_in_a_nested_step_counts_for_the_outer_one(cell):
    """The outer step depends on what its inner steps read."""
    text = """
        state.k = %s
        return Step.run("outer", function() return Step.run("inner", function() return state.k end) end)"""
    assert [cell(text % n).value for n in (1, 2, 1)] == [1, 2, 1]


WORLD = {
    "the current stage": "return Stage.current()",
    "is": "return Stage.is('two')",
    "progress": "return Stage.progress()",
    "count": "return Stage.count()",
    "history": "return #Stage.history()",
    "stop": "return Stop.requested()",
    "reason": "return Stop.reason()",
    "iterations": "return Iterations.current()",
    "an empty State": "for k in pairs(state) do end",
}


@pytest.mark.parametrize("how", WORLD.values(), ids=WORLD)
def test_a_step_that_looked_at_stage_or_stop_replays(cell, how):
    """What a step read of Stage, Stop and Iterations is the same on replay, so it does not run again."""
    cell.twice(f"""
        Stages{{"one", "two"}}
        Stage.set("two")
        Stop.request("enough")
        return Step.run("s", function() {how} end)""")


OWN = {
    "the stage": "Stage.set('one') return Stage.current()",
    "two stages": "Stage.advance() Stage.advance() return Stage.progress()",
    "the history": "Stage.set('one') return Stage.count()",
    "a stop": "Stop.request('x') return Stop.reason()",
    "a new key": "state.new = 1 local n = 0 for k in pairs(state) do n = n + 1 end return n",
    "a deleted key": "state.k = nil return State.all()",
    "an appended item": "State.append('list', 1) return #state.list",
    "a new list": "State.append('made', 1) State.append('made', 2) return #state.made",
    "an inner step's item": "Step.run('i', function() State.append('list', 1) end) return #state.list",
    "an inner step's stage": "Step.run('i', function() Stage.set('two') end) return Stage.current()",
}


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_a_step_that_reads_what_it_did_itself_replays(cell, body):
    """It depends on what it found before it began, not on its own doing."""
    cell.twice(f"""
        Stages{{"one", "two"}}
        state.k, state.list = 1, {{0}}
        return Step.run("s", function() {body} end)""")


def test_state_keys_named_like_something_else_are_only_keys(cell):
    """No name of a State key means Stage, Stop or the like to the journal."""
    names = "stage", "Stop", "Iterations", "keys of State", "the current stage"
    read = " ".join(f"got[#got + 1] = state['{name}']" for name in names)
    text = (
        "\n".join([*(f"state['{name}'] = %d" for name in names), "Stop.request('x')", "Stage.set('y')"])
        + f"""
        return Step.run("s", function()
          local got = {{Stop.reason(), Stage.current(), Iterations.current()}}
          {read}
          return got
        end)"""
    )
    assert cell.twice(text % (1, 2, 3, 4, 5)).value == ["x", "y", 0, 1, 2, 3, 4, 5]
    assert cell(text % (1, 2, 3, 4, 6)).value == ["x", "y", 0, 1, 2, 3, 4, 6]


@pytest.mark.parametrize("how", ["Stage.current()", "Stage.is('b')", "Stage.progress()", "Stage.advance()"])
def test_a_step_depends_on_the_stage_it_read(cell, how):
    """It runs again when the stage that it looked at is another one."""
    text = f"Stages{{'a', 'b', 'c'}}\nStage.set('%s')\nreturn Step.run('s', function() return {how} end)"
    values = [cell(text % stage).value for stage in "aba"]
    assert values[0] == values[2] != values[1]


def test_an_edit_is_explained(cell):
    """The cell says which line changed and what."""
    cell(DRAWS)
    assert cell(edited(RE_RUN["a captured value"]))._data.change == 'line 6: step "b" changed (helper)'
    assert paths(cell(DRAWS), replayed=False) == []
