"""Mocks: what stands in for tools and models, whoever calls."""

from __future__ import annotations

import pytest

from lua_procedures import LuaRuntimeError, ToolError

from .cells import messages, paths

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


def idle(name, meant=None):
    """The warning of a mock that stands in for nothing."""
    told = f"Mocks: '{name}' is no tool, model or agent of this program"
    return f"{told}. Did you mean '{meant}'?" if meant else told


def pay(amount: int) -> str:
    """A tool of Python."""
    return f"paid {amount}"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("Mocks{pya = {returns = 'mock'}} return pay{amount = 1}", [idle("pya", "pay")]),
        ("pay{amount = 1} Mocks{pya = {returns = 1}} Mocks{pya = {returns = 2}}", [idle("pya", "pay")]),
        ("Mocks{serach = {returns = 1}} search = Tool{function() return 2 end} search{}", [idle("serach", "search")]),
        ("Mocks{wirter = {message = 'm'}} writer = Agent{}", [idle("wirter", "writer")]),
        ("Mocks{n_tol = {returns = 1}} n = Toolset{tools = {tool = Tool{function() end}}}", [idle("n_tol", "n_tool")]),
        ("Mocks{prise = {returns = 1}} Model 'price' {type = 'mock', value = 1}", [idle("prise", "price")]),
        ("Mocks{['pya'] = {returns = 1}, zebra = {message = 'm'}} return pay{amount = 1}",
         [idle("pya", "pay"), idle("zebra")]),
        ("Mocks{helper = {returns = 1}} function helper() return 2 end return helper()", [idle("helper")]),
    ],
)  # fmt: skip
def test_a_mock_that_stands_in_for_nothing_is_told(cell, program, told):
    """Once for each name, whether it is declared before what it was meant for or after; a replay tells it too."""
    ran = cell.twice(program, tools=[pay])
    assert sorted(messages(ran, "warning")) == sorted(told)
    assert ran.notices[0].line == 1


def test_a_run_that_failed_tells_of_it_too(cell):
    """The real tool may be why it failed."""
    failed = cell.failed("Mocks{pya = {returns = 1}}\npay{amount = 1} error('no')", tools=[pay])
    assert messages(failed, "warning") == [idle("pya", "pay")]


@pytest.mark.parametrize(
    "program",
    [
        "Mocks{pay = {returns = 1}}",
        "Mocks{pay = {temporal = {1, 2}}} return pay{amount = 1}",
        "Mocks{pay = {conditional = {{when = {amount = 2}, returns = 1}}}}",
        "Mocks{ghost = {returns = 1}} return Tool('ghost'){}",
        "Mocks{ghost = {returns = 1}} if input.real then Tool('ghost'){} end",
        "Mocks{late = {returns = 1}} if input.real then late = Tool{function() end} end",
        "Mocks{ghost = {message = 'm'}} return Agent('ghost')('x').output",
        "Mocks{ghost = {returns = 1}} a = Agent{tools = {'ghost'}}",
        "Mocks{guess = {returns = 1}} return Model('guess'){}.output",
        "Mocks{given = {returns = 1}}",
        "Mocks{done = {returns = 'd'}} local done = require('done')",
        "Mocks{n_tool = {returns = 1}} n = Toolset{tools = {tool = Tool{function() end}}}",
        "Mocks{ghost = {returns = 1}} local name = 'gh' .. 'ost' Step.run('s', function() return Tool(name){} end)",
        "Mocks{ghost = {returns = 1}} local name = 'gh' .. 'ost' Step.run('s', function() Tool(name) end)",
        "Mocks{a = {message = 'm'}} local a = Agent{} return a('x').output",
    ],
)
def test_a_mock_of_what_there_is_tells_nothing(cell, program):
    """Also where it was not used, where nothing but the mock is there, and where the program did not come to it."""
    ran = cell.twice(program, tools=[pay], predictors={"given": lambda row: row})
    assert messages(ran, "warning") == []


def test_mocks_and_modules(cell, tmp_path, monkeypatch):
    """What a module declares can be mocked; mocks that a module declares for many programs are no slips."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tools.lua").write_text("search = Tool {function() return 'real' end}")
    mocks = "Mocks{search = {returns = 'mock'}, zebra = {returns = 1}, paay = {returns = 1}}"
    (tmp_path / "mocked.lua").write_text(mocks)
    program = "local mocks, tools = require('mocked'), require('tools') return tools.search{}"
    ran = cell.twice(program, tools=[pay])
    assert (ran.value, messages(ran, "warning")) == ("mock", [idle("paay", "pay")])
    assert ran.notices[0].line is None
