"""Captured values are read-only: a step that changes one ends the run, naming it."""

from __future__ import annotations

import pytest

from lua_procedures import LuaRuntimeError

CHANGES = {
    "assigns a captured local": ("local n = 0", "n = n + 1", "n"),
    "sets it to nil": ("local n = 0", "n = nil", "n"),
    "gives a local its first value": ("local n", "n = 1", "n"),
    "assigns a global": ("total = 0", "total = 1", "total"),
    "makes a global": ("", "total = 1", "total"),
    "removes a global": ("total = 0", "total = nil", "total"),
    "adds to a captured table": ("local t = {}", "t[1] = 1", "t"),
    "changes a captured table": ("local t = {a = {b = 1}}", "t.a.b = 2", "t"),
    "removes from a captured table": ("local t = {1, 2}", "table.remove(t)", "t"),
    "sorts a captured table": ("local t = {2, 1}", "table.sort(t)", "t"),
    "changes a global table": ("t = {}", "t.x = 1", "t"),
    "puts an equal table in its place": ("local t = {a = {}}", "t.a = {1}", "t"),
    "through a captured function": ("local n = 0 local function bump() n = n + 1 end", "bump()", "n"),
    "through a global function": ("n = 0 function bump() n = n + 1 end", "bump()", "n"),
    "through two functions": (
        "local t = {} local function put() t.x = 1 end local function call() put() end",
        "call()",
        "t",
    ),
    "through a function in a table": ("local n = 0 local lib = {bump = function() n = n + 1 end}", "lib.bump()", "n"),
    "in a coroutine of its own": ("local n = 0", "coroutine.wrap(function() n = 1 end)()", "n"),
    "in an inner step": ("local n = 0", "Step.run('inner', function() n = 1 end)", "n"),
    "a global by _G": ("", "_G.total = 1", "total"),
    "a global by rawset": ("", "rawset(_G, 'total', 1)", "total"),
    "a global by _ENV": ("", "_ENV.total = 1", "total"),
    "a global by load": ("", "load('total = 1')()", "total"),
}


@pytest.mark.parametrize("caught", [False, True], ids=["plain", "in pcall"])
@pytest.mark.parametrize(("before", "change", "name"), CHANGES.values(), ids=CHANGES)
def test_a_step_may_not_change_what_it_captured(cell, before, change, name, caught):
    """The run ends, also inside pcall, with an error that names the variable and says what to do instead."""
    call = "pcall(Step.run," if caught else "Step.run("
    error = cell.fails(f"{before}\n{call} 's', function() {change} end)\nreturn 1")
    assert isinstance(error, LuaRuntimeError)
    assert f"'{name}'" in error.message
    assert "return the value" in str(error)
    assert error.line == 2


@pytest.mark.parametrize("change", ["n = 1", "t[1] = 1"])
def test_a_step_that_fails_may_not_have_changed_it_either(cell, change):
    """A change before an error that the program catches would be missing on replay, too."""
    error = cell.fails(f"local n, t = 0, {{}}\npcall(Step.run, 's', function() {change} error('x') end)\nreturn n")
    assert "captured" in error.message


def test_nothing_is_recorded_of_such_a_step(cell):
    """Corrected, it runs as if it had never been there."""
    cell.fails("local n = 0\nreturn Step.run('s', function() n = 1 return n end)")
    fixed = cell("local n = 0\nreturn Step.run('s', function() return n end)")
    assert (fixed.value, fixed.replayed, fixed.executed) == (0, 0, 1)


ALLOWED = {
    "its own locals": ("", "local n = 0 n = n + 1 return n", 1),
    "its own tables": ("", "local t = {} t.x = 1 return t.x", 1),
    "a parameter of a captured function": ("local function add(n) n = n + 1 return n end", "return add(0)", 1),
    "a shadow": ("local n = 0", "local n = n n = n + 1 return n", 1),
    "and put it back": ("local t = {}", "t.x = 1 t.x = nil return 1", 1),
    "a table read from a captured one and copied": (
        "local t = {1}",
        "local c = table.move(t, 1, 1, 1, {}) c[1] = 2 return c[1] - 1",
        1,
    ),
    "an upvalue of a function that it makes": (
        "",
        "local n = 0 local function bump() n = n + 1 end bump() return n",
        1,
    ),
    "a global of its own library use": ("", "return select('#', string.gsub('a', 'a', 'b')) - 1", 1),
}


@pytest.mark.parametrize(("before", "body", "value"), ALLOWED.values(), ids=ALLOWED)
def test_what_a_step_makes_itself_is_its_own(cell, before, body, value):
    """Locals, new tables and what comes back as it was are no change."""
    assert cell.twice(f"{before}\nreturn Step.run('s', function() {body} end)").value == value


def test_captures_may_change_between_steps(cell):
    """Outside a step the program changes its variables as it likes."""
    ran = cell.twice("""
        local n, t = 0, {}
        for i = 1, 3 do
          local got = Step.run("s" .. i, function() return n + #t + i end)
          n = n + got
          t[#t + 1] = got
        end
        return {n, t}
    """)
    assert ran.value == [15, [1, 4, 10]]


def test_captured_state_may_change(cell):
    """A captured table that is State's, or lies in State, may be changed, and the change is put back."""
    ran = cell.twice("""
        state.list, state.deep = {1}, {a = {{}}}
        local list, inner = state.list, state.deep.a[1]
        local function put(v) inner[#inner + 1] = v end
        Step.run("s", function() list[#list + 1] = 2 put("x") put("y") list[1] = nil list[1] = 0 end)
        return {#list, list[1], #inner, rawequal(list, state.list)}
    """)
    assert ran.value == [2, 0, 2, True]
    assert ran.state == {"list": [0, 2], "deep": {"a": [["x", "y"]]}}


def test_a_captured_table_put_into_state_by_the_step(cell):
    """A table captured first and put into State inside the step is a change of State, not of the capture."""
    ran = cell.twice("""
        local t = {1}
        Step.run("s", function() state.t = t end)
        return {#t, #state.t, rawequal(t, state.t)}
    """)
    assert ran.value == [1, 1, False]


def test_input_is_read_only_in_a_step(cell):
    """The inputs are a global table: a step that changes them would not do so on replay."""
    error = cell.fails("Step.run('s', function() input.x = 2 end) return input.x", params={"x": 1})
    assert "input" in error.message
