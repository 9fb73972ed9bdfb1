"""Mocks: what stands in for tools and models, whoever calls."""

from __future__ import annotations

import pytest

from lua_procedures import LuaRuntimeError, ToolError

from .cells import paths

TOOLS = """
search = Tool { input = {q = 'string'}, function(t) error('the real one ran') end }
"""
STARTS = "{when = {q = 'startswith:x'}, returns = 's'}"
ENDS = "{when = {q = 'endswith:z'}, returns = 'e'}"


@pytest.mark.parametrize(
    ("mock", "results"),
    [
        ("returns = {hits = 1}", [{"hits": 1}] * 3),
        ("returns = false", [False] * 3),
        ("temporal = {'a', 'b'}", ["a", "b", "b"]),
        ("conditional = {{when = {q = 'x'}, returns = 'exactly'}}, returns = 'else'", ["exactly", "else", "else"]),
        ("conditional = {{when = {q = 'contains:y'}, returns = 'has'}}, temporal = {1, 2, 3}", [1, "has", 3]),
        (f"conditional = {{{STARTS}, {ENDS}}}, returns = 0", ["s", 0, "e"]),
    ],
)
def test_what_a_mock_gives(cell, mock, results):
    """The first of error, conditional, temporal and returns that fits answers."""
    calls = "{search{q = 'x'}, search{q = 'y'}, search{q = 'z'}}"
    program = f"{TOOLS} Mocks {{search = {{{mock}}}}} return {calls}"
    assert cell.twice(program).value == results


def test_an_error_mock_raises_a_tool_error(cell):
    """It comes first, can be caught and replays."""
    mocked = f"{TOOLS} Mocks {{search = {{error = 'no net', returns = 1}}}}"
    ran = cell.twice(f"{mocked} return {{pcall(search, {{q = 'x'}})}}")

    assert ran.value == [False, "cell:3: search: no net"]
    assert isinstance(cell.fails(f"{mocked} search{{q = 'x'}}"), ToolError)


def test_no_fitting_mock_is_an_error(cell):
    """A mocked tool is never run for real."""
    mocked = "Mocks {search = {conditional = {{when = {q = 'x'}, returns = 1}}}}"
    error = cell.fails(f"{TOOLS} {mocked} search{{q = 'y'}}")
    assert "no mock of search fits these arguments" in error.message


def test_mocks_reach_python_tools_bundles_and_tools_that_are_not_here(cell):
    """A mock needs no tool, and stands in wherever the name is called."""

    def fetch(url: str) -> str:
        raise AssertionError(url)

    program = """
        net = Toolset { tools = {'fetch'} }
        Mocks { fetch = {returns = 'page'}, absent = {returns = 'here'} }
        return {fetch{url = 'u'}, net.fetch{url = 'u'}, Tool('absent'){}, Tool.get_call_count()}
    """
    ran = cell.twice(program, tools=[fetch])
    assert ran.value == ["page", "page", "here", 3]
    assert [call.name for call in ran.tool_calls] == ["fetch", "net_fetch", "absent"]


def test_a_changed_mock_runs_again(cell):
    """A mocked operation is found by its mock and its arguments."""
    program = f"{TOOLS} Mocks {{search = {{returns = 1}}}} return search{{q = 'x'}}"
    cell(program)
    changed = cell(program.replace("returns = 1", "returns = 2"))
    assert (changed.value, paths(changed, replayed=False)) == (2, ["0"])
    assert "mock" in changed._data.change


def test_a_mocks_turn_is_counted_through_replayed_steps(cell):
    """A call inside a step that is not entered again still counts."""
    program = f"""{TOOLS} Mocks {{search = {{temporal = {{1, 2, 3}}}}}}
        local inner = Step.run('s', function() return search{{q = 'a'}} end)
        return {{inner, search{{q = 'a'}}, search{{q = 'a'}}}}"""
    assert cell.twice(program).value == [1, 2, 3]
    assert cell(program + " -- edited").value == [1, 2, 3]


def test_agents_mocks_are_understood(cell):
    """What agents' mocks say is checked where it is declared."""
    agents = """Mocks { writer = {
        message = 'hi', tool_calls = {{tool = 'done', args = {reason = 'x'}}}, data = {a = 1},
        usage = {total_tokens = 3}, temporal = {{message = 'a', when_message = 'b'}},
    } }"""
    assert cell(f"{agents} return 1").value == 1


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("Mocks('x')", "declarations: a table of mocks by name expected, got a string"),
        ("Mocks{1}", "declarations: a table of mocks by name expected, got a list"),
        ("Mocks{a = 1}", "a: a table expected, got a number"),
        ("Mocks{a = {}}", "a: it says nothing; the fields are message, tool_calls"),
        ("Mocks{a = {retruns = 1}}", "a.retruns: unknown field"),
        ("Mocks{a = {error = 1}}", "a.error: a string expected, got a number"),
        ("Mocks{a = {conditional = {{returns = 1}}}}", "a.conditional[1].when: a table of arguments expected, got "),
        ("Mocks{a = {conditional = {{when = {}}}}}", "a.conditional[1].returns: a value expected, got nothing"),
        ("Mocks{a = {tool_calls = {{args = {}}}}}", "a.tool_calls[1].tool: a string expected, got nothing"),
        ("Mocks{a = {returns = print}}", "a function cannot be kept or passed on, at $.a.returns"),
    ],
)
def test_a_wrong_mock_is_refused_where_it_is_declared(cell, declared, told):
    """The error names the field, what was given and what is expected."""
    error = cell.fails(f"\n{declared}")

    assert isinstance(error, LuaRuntimeError) or error.message.startswith("Mocks: ")
    assert error.line == 2
    assert f"Mocks: {told}" in error.message


def test_a_mock_declared_in_a_step_is_put_back(cell):
    """It stands in for what is called after the step, also when the step is not run again."""
    program = """
        Step.run('s', function() Mocks{absent = {temporal = {1, 2}}} return Tool('absent'){} end)
        return Tool('absent'){}"""
    assert cell.twice(program).value == 2
