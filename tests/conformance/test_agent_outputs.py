"""Structured output of agents, and what goes wrong with their models."""

from __future__ import annotations

import json

import pytest

from lua_procedures import LuaRuntimeError, ModelError, run

from .cells import messages
from .scripts import calls, chat, sent

SEARCH = """
search = Tool { description = "Finds.", input = {q = field.string{required = true}}, function(t)
  return {hit = t.q}
end }
"""


# -- structured output ---------------------------------------------------------------------------------------------

JUDGE = "judge = Agent { output = {verdict = field.string{required = true, enum = {'yes', 'no'}}, score = 'integer'} } "


@pytest.mark.parametrize("structured", [True, False])
def test_structured_output(structured, cell):
    """The value by the schema, undeclared keys dropped with a notice, from models of both kinds."""
    model = chat({"data": {"verdict": "yes", "score": 3, "more": 1}}, structured=structured)
    ran = cell.twice(
        f"{JUDGE} local r = judge('x') return {{r.output, judge.output, type(r.content)}}", chat_model=model
    )
    assert ran.value == [{"verdict": "yes", "score": 3}, {"verdict": "yes", "score": 3}, "string"]
    assert "more" in messages(ran, "warning")[0]
    assert ("output_schema" in model.requests[0]["kwargs"]) is structured
    assert ("JSON Schema" in sent(model.requests[0])[0]) is not structured


@pytest.mark.parametrize("structured", [True, False])
def test_output_that_does_not_fit_is_asked_for_once_more(structured):
    """The model is told what is wrong; then it is an error that can be caught."""
    bad, good = {"data": {"verdict": "maybe"}}, {"data": {"verdict": "no"}}
    model = chat(bad, good, structured=structured)
    assert run(f"{JUDGE} return judge('x').output", chat_model=model).value == {"verdict": "no"}
    assert "verdict" in sent(model.requests[1])[-1]
    program = f"{JUDGE} local ok, why = pcall(judge, 'x') return {{ok, why, #judge.history}}"
    ran = run(program, chat_model=chat("no JSON", bad, structured=structured))
    assert (ran.value[0], "does not fit" in ran.value[1], ran.value[2]) == (False, True, 0)
    with pytest.raises(ModelError, match="does not fit"):
        run(f"{JUDGE} judge('x')", chat_model=chat(bad, bad, structured=structured))


@pytest.mark.parametrize("structured", [True, False])
def test_structured_output_after_tools(structured):
    """The tools come first; the last answer is checked."""
    program = f"{SEARCH} {JUDGE.replace('output =', 'tools = {search}, output =')} return judge('x').output"
    model = chat(calls(("search", {"q": "x"})), json.dumps({"verdict": "yes"}), structured=structured)
    assert run(program, chat_model=model).value == {"verdict": "yes"}


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        ("'integer'", "7", 7),
        ("'string'", "text", "text"),
        ("field.array{items = 'string'}", '["a"]', ["a"]),
        ("field.boolean{}", '{"value": true}', True),
    ],
)
def test_output_of_a_single_field(schema, answer, value):
    """A value that is no table."""
    program = f"w = Agent {{ output = {schema} }} return w('x').output"
    assert run(program, chat_model=chat(answer)).value == value


# -- errors --------------------------------------------------------------------------------------------------------


def test_models_that_are_not_there(monkeypatch):
    """None at all, unknown, of a missing package, without a key: one sentence each, and what to do."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for model, told in (
        ("nil", "the agent names no model, and none is given"),
        ("'acme/x'", "acme"),
        ("'mistralai/small'", "mistralai"),
        ("'openai/gpt-4o-mini'", "api_key|OPENAI_API_KEY"),
    ):
        with pytest.raises(ModelError, match=told) as error:
            run(f"w = Agent {{ model = {model} }}\nw('x')")
        assert error.value.line == 2
        assert error.value.hint or "pip install" in error.value.message


@pytest.mark.parametrize("retry", ["3", "{max_attempts = 3, initial_delay = 0.01}", "{retries = 3, base_delay = 0.01}"])
def test_a_model_that_fails_is_asked_again(retry, monkeypatch):
    """As often as `retry` says, while the error may pass."""
    monkeypatch.setattr("lua_procedures.agents.retrying.Retry.delay", lambda *_: 0.001)
    program = f"w = Agent {{ retry = {retry} }} return w('x').output"
    model = chat(TimeoutError(), ConnectionError("gone"), "there")
    ran = run(program, chat_model=model)
    assert (ran.value, len(model.requests)) == ("there", 3)
    assert len(messages(ran, "log")) == 2
    with pytest.raises(ModelError):
        run(program, chat_model=chat(*[TimeoutError() for _ in range(3)], "late"))


def test_an_error_of_a_tool_of_ours_is_not_the_model_s():
    """What Lua itself calls raises, in the middle of the same program."""
    with pytest.raises(LuaRuntimeError, match="boom"):
        run("t = Tool { function() error('boom') end } w = Agent { tools = {t} } w('x') t{}", chat_model=chat("1"))


# -- turns that done ends ------------------------------------------------------------------------------------------


def test_done_before_an_answer_by_the_schema():
    """Then there is no output, and a notice says why."""
    program = f"""{JUDGE.replace("output =", "tools = {require('done')}, output =")}
        local r = judge('x') return {{r.output == nil, r.content, judge.output == nil}}
    """
    ran = run(program, chat_model=chat(calls(("done", {"reason": "enough"}))))
    assert ran.value == [True, "enough", True]
    assert "done ended the turn before an answer by its output" in messages(ran, "warning")[0]


def test_a_mocked_done_gives_text():
    """Whatever the mock returns, the result of the turn can be printed."""
    program = """
        Mocks { done = { returns = {a = 1} } }
        done = require("done") w = Agent { tools = {done} }
        local r = w("x") return {tostring(r), r.output, "" .. r}
    """
    assert run(program, chat_model=chat(calls(("done", {})))).value == ['{"a":1}'] * 3


def test_the_output_of_a_turn_is_its_own_table():
    """Changing what the turn gave does not change the agent's output."""
    program = f"{JUDGE} local r = judge('x') r.output.verdict = 'no' return judge.output.verdict"
    assert run(program, chat_model=chat({"data": {"verdict": "yes"}})).value == "yes"
