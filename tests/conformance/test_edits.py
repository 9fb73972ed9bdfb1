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
    "its text": (
        "helper() global_helper() return math.random() .. os.clock()",
        "helper() global_helper() return math.random() .. os.clock() + 1",
    ),
    "a captured value": ("captured = 1", "captured = 2"),
    "the kind of a captured number": ("captured = 1", "captured = 1.0"),
    "a captured function's text": ("return captured end", "return captured + 0 end"),
    "a global helper's text": ("global_helper() return 1 end", "global_helper() return 2 end"),
    "its name": ('Step.run("b"', 'Step.run("b2"'),
    "its kind": ('Step.run("b", ', "checkpoint("),
    "its inputs": (
        "return math.random() .. os.clock() end)\nlocal c",
        "return math.random() .. os.clock() end, {inputs = {v = 2}})\nlocal c",
    ),
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
    steps = [
        "local a = Step.run('a', function() return math.random() .. os.clock() end)",
        "Step.run('b', function() return 1 end)",
    ]
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
    inputs = "{inputs = {model = 'm', list = {1, %d}}}"
    text = f"return Step.run('s', function() return math.random() .. os.clock() end, {inputs})"
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


def test_an_edit_is_explained(cell):
    """The cell says which line changed and what."""
    cell(DRAWS)
    assert cell(edited(RE_RUN["a captured value"]))._data.change == 'line 6: step "b" changed (helper)'
    assert paths(cell(DRAWS), replayed=False) == []


def test_what_is_kept_has_the_line_where_it_stands_now(cell, tmp_path):
    """Lines above a call, or comments, move the checkpoint's line with it, and those of what is inside a kept step."""
    (tmp_path / "a").write_text("text", encoding="utf-8")
    program = (
        "local function early()\nSleep(0)\nend\n"
        "Step.run('s', function()\n  Step.checkpoint(function() return 1 end)\n  early()\nend)\n"
        "Sleep(0)\nFile.read('a')\nHuman.approve('go on?')\n"
        "local t = Tool {function() return Sleep(0) end} t{}\nMocks {m = {returns = 1}} Tool('m'){}"
    )
    options = {"answers": [True], "files": tmp_path}
    lines = [4, 5, 2, 8, 9, 10, 11, 11, 12]
    assert [each.line for each in cell(program, **options).checkpoints] == lines
    moved = cell(program.replace("Step.run", "-- a comment\n\nStep.run"), **options)
    assert moved.executed == 0
    assert [each.line for each in moved.checkpoints] == [6, 7, 2, *(line + 2 for line in lines[3:])]
    assert [each.line for each in cell(program, **options).checkpoints] == lines
