"""A step's results: all of them, as recorded copies, and what cannot be recorded."""

from __future__ import annotations

import pytest

from lua_procedures import (
    ConversionError,
)

RESULTS = {
    "none": ("", 0, []),
    "one nil": ("nil", 1, [None]),
    "nil between": ("1, nil, 'x'", 3, [1, None, "x"]),
    "nil at both ends": ("nil, 2, nil", 3, [None, 2, None]),
    "with a table": ("{1}, nil", 2, [[1], None]),
    "false": ("false", 1, [False]),
    "numbers": ("3, 3.0, -0.0, 0.1, 2^53, math.mininteger", 6, [3, 3.0, -0.0, 0.1, 2.0**53, -(2**63)]),
    "texts": (r"'', 'ünï', 'a\0b', '\255'", 4, ["", "ünï", "a\0b", b"\xff"]),
    "nested": ("{a = {b = {1, {c = {null}}}}}, {}, object{}", 3, [{"a": {"b": [1, {"c": [None]}]}}, [], {}]),
}


@pytest.mark.parametrize(("results", "count", "values"), RESULTS.values(), ids=RESULTS)
def test_all_results_come_back(cell, results, count, values):
    """A step gives all its results, live as on replay, with nil where it was and numbers of their kind."""
    ran = cell.twice(f"""
        local got = table.pack(Step.run("s", function() return {results} end))
        local kinds = {{}}
        for i = 1, got.n do
          kinds[i] = math.type(got[i]) or type(got[i])
          if got[i] == nil then got[i] = null end
        end
        local count = got.n
        got.n = nil
        return {{count, got, kinds}}
    """)
    assert ran.value[:2] == [count, values]
    kinds = {int: "integer", float: "float", bool: "boolean", str: "string", bytes: "string", type(None): "nil"}
    assert ran.value[2] == [kinds.get(type(value), "table") for value in values]


def test_an_object_of_nulls_stays_an_object(cell):
    """A null in a table with names is an absent key, and what is left empty is still no list."""
    assert cell.twice("return Step.run('s', function() return {c = null} end)").value == {}


def test_a_result_is_the_recorded_copy(cell):
    """The table that a step returns is not the one it made, live as on replay."""
    ran = cell.twice("""
        state.keep = {}
        local shared = state.keep
        local got = Step.run("s", function() shared.inner = {1} return shared end)
        got.inner[2] = 2
        return {rawequal(got, shared), #state.keep.inner, #got.inner}
    """)
    assert ran.value == [False, 1, 2]


def test_one_table_returned_twice_becomes_two(cell):
    """Identity is no part of what is recorded: two references to one table are two copies, live as on replay."""
    ran = cell.twice("""
        local a, b, c = Step.run("s", function() local t = {1} return t, t, {t, t} end)
        a[1] = 2
        return {rawequal(a, b), rawequal(c[1], c[2]), b[1]}
    """)
    assert ran.value == [False, False, 1]


def test_results_share_no_more_with_the_step_than_with_its_journal(cell):
    """Changing a result later changes neither State nor what the journal gives next time."""
    program = """
        local t = Step.run("s", function() State.set("t", {1}) return state.t end)
        table.insert(t, 2)
        return {#t, #state.t}
    """
    assert cell.twice(program).value == [2, 1]


UNCONVERTIBLE = {
    "a function": ("{items = {1, 2, {fn = print}}}", "$.items[3].fn", "a function"),
    "a coroutine": ("{co = coroutine.create(print)}", "$.co", "a coroutine"),
    "a hole": ("{list = {1, nil, 3}}", "$.list", "holes"),
    "mixed keys": ("{1, x = 2}", "$", "mixes"),
    "NaN": ("{deep = {0 / 0}}", "$.deep[1]", "NaN"),
    "infinity": ("{['a b'] = 1 / 0}", '$["a b"]', "infinity"),
    "a metatable": ("{setmetatable({}, {})}", "$[1]", "a metatable"),
    "a key that is a boolean": ("{x = {[true] = 1}}", "$.x", "a boolean"),
}


@pytest.mark.parametrize(("value", "path", "what"), UNCONVERTIBLE.values(), ids=UNCONVERTIBLE)
def test_a_result_that_cannot_be_recorded_is_refused(cell, value, path, what):
    """The error names the kind of value and its path as Lua counts, and the line of the call."""
    error = cell.fails(f"local x = 1\nStep.run('s', function() return {value} end)")
    assert isinstance(error, ConversionError)
    assert (error.path, error.line) == (path, 2)
    assert what in error.message


def test_a_cycle_is_refused(cell):
    """A table that contains itself is refused where it comes round."""
    error = cell.fails("Step.run('s', function() local t = {} t.a = {t} return t end)")
    assert isinstance(error, ConversionError)
    assert error.path == "$.a[1]"


def test_a_refused_result_is_a_failure_of_its_step(cell):
    """It can be caught, the step has its place among the checkpoints, and what follows stands beside it."""
    ran = cell.twice("""
        local ok, message = pcall(Step.run, "bad", function() return {print} end)
        local after = Step.run("after", function() return 1 end)
        return {ok, message:find("$[1]", 1, true) ~= nil, after, Checkpoint.next_position()}
    """)
    assert ran.value == [False, True, 1, 2]
    assert [(each.path, each.error is None) for each in ran.checkpoints] == [("0", False), ("1", True)]


def test_a_returned_list_with_holes_says_what_keeps_a_place(cell):
    """Without a position, for the end of a program has no line."""
    error = cell.fails("return {1, nil, 3}")
    assert isinstance(error, ConversionError)
    assert error.message.startswith("return: a list with holes")
    assert "{1, null, 3}" in (error.hint or "")
