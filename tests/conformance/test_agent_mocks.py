"""Mocks of agents: scripted turns without a model."""

from __future__ import annotations

import pytest

from lua_procedures import ModelError

from .cells import paths

SEARCH = "search = Tool { input = {q = 'string'}, function(t) return 'real ' .. t.q end }"


class NoModel(dict):
    """Chat models of which none may be asked for."""

    def get(self, key, default=None):
        raise AssertionError(f"a mocked run asked for the model {key}")

    __getitem__ = get


@pytest.fixture
def mocked(cell):
    """A cell that may make no model."""
    return lambda program, **options: cell.twice(program, chat_models=NoModel({"*": None}), **options)


def test_a_message_and_its_tokens(mocked):
    """The turn says it; what it is said to have cost counts."""
    program = """
        worker = Agent { model = "openai/gpt-4o-mini" }
        Mocks { worker = {message = "hello", usage = {prompt_tokens = 3, completion_tokens = 2, total_tokens = 5}} }
        local r = worker("x")
        return {r.output, r.content, r.usage.total_tokens, #worker.history, Iterations.current()}
    """
    ran = mocked(program)
    assert ran.value == ["hello", "hello", 5, 2, 1]
    assert (ran.usage.total_tokens, ran.agents["worker"].total_tokens) == (5, 5)
    assert [(each.path, each.kind, each.name) for each in ran.checkpoints] == [
        ("0", "agent_turn", "worker"), ("0/0", "model_call", "mock"),
    ]  # fmt: skip


def test_a_mock_that_says_nothing_of_tokens_cost_none(mocked):
    """A turn's usage is there to be read: zeros, with a schema too."""
    program = """
        plain = Agent {}
        strict = Agent { output = {n = "integer"} }
        Mocks { plain = {message = "hello"}, strict = {data = {n = 1}} }
        return {plain("x").usage, strict("x").usage}
    """
    ran = mocked(program)
    assert ran.value == [{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}] * 2
    assert ran.usage.total_tokens == 0
    assert all(each.usage is None for each in ran.checkpoints)


def test_tool_calls_are_really_made(mocked):
    """Tools that are mocked themselves answer by their own mock; `done` ends the loop."""
    program = f"""{SEARCH}
        other = Tool {{ function() error("the real one ran") end }}
        done = require("done")
        worker = Agent {{ tools = {{search, other, done}} }}
        Mocks {{
          worker = {{
            tool_calls = {{
              {{tool = "search", args = {{q = "x"}}}}, {{tool = "other"}}, {{tool = "done", args = {{reason = "r"}}}},
            }},
            message = "called",
          }},
          other = {{returns = {{1, 2}}}},
        }}
        local r = worker("x")
        local results = {{}}
        for i, call in ipairs(r.tool_calls) do results[i] = call.result end
        return {{r.output, results, Stop.reason(), done.called(), #worker.history}}
    """
    ran = mocked(program)
    assert ran.value == ["called", ["real x", [1, 2], "r"], "r", True, 5]
    assert [(each.path, each.kind) for each in ran.checkpoints][1:] == [
        ("0/0", "model_call"), ("0/1", "tool_call"), ("0/2", "tool_call"), ("0/3", "tool_call"),
    ]  # fmt: skip


def test_a_tool_call_that_fails_is_told(mocked):
    """As a real model would be told it; the turn goes on."""
    program = f"""{SEARCH} worker = Agent {{ tools = {{search}} }}
        local wrong = {{tool = "search", args = {{q = 5}}}}
        Mocks {{ worker = {{message = "m", tool_calls = {{{{tool = "absent"}}, wrong}}}} }}
        local r = worker("x")
        return {{r.output, worker.history[3].content, worker.history[4].content}}
    """
    said, absent, wrong = mocked(program).value
    assert (said, "there is no tool" in absent, "a string expected" in wrong) == ("m", True, True)


def test_data_is_the_structured_output(mocked):
    """Checked like a model's; a text stands for a single field."""
    program = """
        judge = Agent { output = {score = field.integer{required = true}} }
        rate = Agent { output = "string" }
        Mocks { judge = {data = {score = 4}}, rate = {message = "fine"} }
        local r = judge("x")
        return {r.output, r.content, rate("y").output}
    """
    assert mocked(program).value == [{"score": 4}, '{"score":4}', "fine"]


def test_data_that_does_not_fit_is_an_error(cell):
    """A mock must be a possible answer."""
    error = cell.fails("j = Agent { output = {score = 'integer'} } Mocks { j = {data = {score = 'x'}} } j('x')")
    assert "score: an integer expected" in error.message


def test_one_row_for_each_turn(mocked):
    """The last repeats; one whose `when_message` fits comes before; each is a row like a mock."""
    program = """
        worker = Agent {}
        Mocks { worker = {temporal = {
          {message = "first"}, {message = "second"}, {when_message = "contains:help", message = "helping"},
          {when_message = "exact", message = "exactly"},
        }} }
        local said = {}
        for i, text in ipairs {"a", "help me", "b", "exact", "c", "not exact"} do said[i] = worker(text).output end
        return said
    """
    assert mocked(program).value == ["first", "helping", "second", "exactly", "second", "second"]


def test_an_error_is_the_model_s(cell, mocked):
    """Raised, catchable, and the conversation stays as it was."""
    program = """worker = Agent {}
        Mocks { worker = {temporal = {{message = "1"}, {error = "overloaded"}}} }
        worker("a")
        local ok, why = pcall(worker, "b")
        return {ok, why, #worker.history}
    """
    assert mocked(program).value == [False, "cell:4: worker: overloaded", 2]
    error = cell.fails("w = Agent {} Mocks { w = {error = 'down'} } w('x')")
    assert (type(error), "down" in error.message) == (ModelError, True)


def test_a_mock_stands_in_for_an_agent_that_is_not_here(mocked):
    """As for tools and models."""
    assert mocked("Mocks { ghost = {message = 'boo'} } return Agent('ghost')('x').output").value == "boo"


def test_a_changed_mock_runs_the_turn_again(cell):
    """And what follows; other agents' turns before it stay."""
    program = """a = Agent {} b = Agent {}
        Mocks { a = {message = "one"}, b = {message = "two"} }
        return {a("x").output, b("y").output}
    """
    cell(program)
    changed = cell(program.replace("two", "three"))
    assert (changed.value, paths(changed, replayed=False)) == (["one", "three"], ["1", "1/0"])
    assert cell(program).executed == 0


def test_a_mocked_turn_in_a_step_is_put_back(mocked):
    """Its place among the rows, the conversation, the tools called, and the number of turns."""
    program = f"""{SEARCH} worker = Agent {{ tools = {{search}} }}
        local asked = {{{{tool = "search", args = {{q = "x"}}}}}}
        Mocks {{ worker = {{temporal = {{{{message = "1", tool_calls = asked}}, {{message = "2"}}}}}} }}
        local first = Step.run("s", function() return worker("a").output end)
        return {{first, worker("b").output, search.call_count(), Iterations.current(), #worker.history}}
    """
    assert mocked(program).value == ["1", "2", 1, 2, 5]


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ("returns = 'Hallo'", "only returns"),
        ("usage = {total_tokens = 1}, conditional = {}", "only conditional, usage"),
        ("temporal = {'Hallo'}", "is a string"),
        ("temporal = {{}}", "nothing"),
        ("temporal = {{when_message = 'x', usage = {}}}", "only usage, when_message"),
    ],
)
def test_a_mock_that_is_none_of_an_agent_s_is_an_error(cell, mock, said):
    """At the turn, as for tools: it can be caught, and replays."""
    program = f"writer = Agent{{}} Mocks{{writer = {{{mock}}}}}\n"
    fields = "message, tool_calls, data, temporal or error"
    told = f"cell:2: writer: no mock of writer fits this turn: an agent's mock says {fields}, and this one {said}"
    assert cell.twice(f"{program}return {{pcall(writer, 'x')}}").value == [False, told]
    assert isinstance(cell.fails(f"{program}writer('x')"), ModelError)


def test_an_empty_message_is_one(mocked):
    """It was said; so are tool calls alone, and data that is false."""
    program = """
        a = Agent{} b = Agent{} c = Agent{output = "boolean"}
        Mocks{a = {message = ""}, b = {tool_calls = {}}, c = {data = false}}
        return {a("x").output, b("x").output, c("x").output}"""
    assert mocked(program).value == ["", "", False]
