"""Turns: the conversation, the tools a model asks for, structured output, and what goes wrong in them."""

from __future__ import annotations

import json

import pytest
from langchain_core.tools import StructuredTool

from lua_procedures import LuaRuntimeError, ModelError, run

from .cells import messages
from .scripts import calls, chat, sent, sent_all

SEARCH = "search = Tool { description = 'Finds.', input = {q = field.string{required = true}}, function(t) return {hit = t.q} end }"


# -- the conversation ----------------------------------------------------------------------------------------------


def test_messages_come_in_the_order_they_were_made(cell):
    """Session's and the agent's own; what a tool appends comes after all results of its round."""
    program = """
        log = Tool { function(t) Session.append("user", "noted " .. t.x) return "ok " .. t.x end }
        worker = Agent { tools = {log} }
        Session.append("user", "before")
        Step.run("s", function() return worker("go") end)
        Session.append("user", "between")
        worker("more")
        Session.append("user", "after")
        return #worker.history
    """
    model = chat(calls(("log", {"x": "1"}), ("log", {"x": "2"})), "first", "second")
    ran = cell.twice(program, chat_model=model)
    asked = ["user: before", "user: go", "assistant:  [log] [log]", "tool: ok 1", "tool: ok 2", "user: noted 1", "user: noted 2"]
    assert sent(model.requests[1]) == asked
    assert sent(model.requests[2]) == [*asked, "assistant: first", "user: between", "user: more"]
    assert [each.content for each in ran.messages][-3:] == ["more", "second", "after"]


def test_history_false_sees_only_its_message():
    """As a field of the agent, or for one turn; what was said is the agent's all the same."""
    program = """
        Session.append("user", "shared")
        alone = Agent { system_prompt = "P", history = false }
        worker = Agent {}
        alone("1") alone{message = "2"} alone{message = "3", history = true}
        worker("4") worker{message = "5", history = false}
        return {#alone.history, #worker.history}
    """
    model = chat(*"abcde")
    assert run(program, chat_model=model).value == [6, 4]
    told = sent_all(model)
    assert told[1] == ["system: P", "user: 2"]
    assert told[2] == ["system: P", "user: shared", "user: 1", "assistant: a", "user: 2", "assistant: b", "user: 3"]
    assert told[4] == ["user: 5"]


def test_reset_forgets_and_two_agents_do_not_hear_each_other(cell):
    """Each has a conversation of its own; `output` is the last turn's."""
    program = """
        one = Agent {} two = Agent {}
        one("x") two("y")
        local before = {one.output, #one.history}
        Step.run("s", function() one.reset() return 1 end)
        local after = {one.output == nil, #one.history}
        one("z")
        return {before, after, one.history[1].content, two.output}
    """
    model = chat("1", "2", "3")
    assert cell.twice(program, chat_model=model).value == [["1", 2], [True, 0], "z", "2"]
    assert sent(model.requests[2]) == ["user: z"]


def test_an_agent_may_call_itself_by_a_tool():
    """The inner turn ends first; the messages stay a conversation that any model takes."""
    program = """
        ask = Tool { function(t) return Agent("worker")("inner") end }
        worker = Agent { tools = {ask} }
        worker("outer")
        worker{message = "more"}
    """
    model = chat(calls(("ask", {})), "deep", "end", "last")
    run(program, chat_model=model)
    assert sent(model.requests[3]) == [
        "user: outer", "assistant:  [ask]", "tool: deep", "user: inner", "assistant: deep", "assistant: end", "user: more",
    ]  # fmt: skip


def test_a_failed_turn_leaves_the_conversation_as_it_was(cell):
    """Nothing of it is said to the next one; the error is caught."""
    program = """
        worker = Agent {}
        worker("one")
        local ok, why = pcall(worker, "two")
        worker("three")
        return {ok, why, #worker.history, Iterations.current()}
    """
    model = chat("1", ValueError("overloaded"), "3")
    ran = cell.twice(program, chat_model=model)
    assert (ran.value[0], "overloaded" in ran.value[1], ran.value[2:]) == (False, True, [4, 3])
    assert sent(model.requests[2]) == ["user: one", "assistant: 1", "user: three"]
    assert ran.agents["worker"].errors == 1


# -- tools ---------------------------------------------------------------------------------------------------------


def test_tools_of_every_kind(cell):
    """In Lua, in Python, of LangChain and of a toolset: one call is one record, whoever calls."""

    def add(a: int, b: int = 1) -> int:
        """Adds."""
        return a + b

    upper = StructuredTool.from_function(func=lambda text: text.upper(), name="upper", description="Shouts.")
    program = f"""{SEARCH}
        kit = Toolset {{ tools = {{search, "add"}} }}
        worker = Agent {{ tools = {{search, "add", upper, kit, "kit"}} }}
        local r = worker("go")
        local results = {{}}
        for i, call in ipairs(r.tool_calls) do results[i] = call.result end
        search{{q = "lua"}}
        return {{results, search.call_count(), Tool.called("kit_add"), Tool.get_call_count(), kit.search.last_result()}}
    """
    asked = calls(("search", {"q": "x"}), ("add", {"a": 1}), ("upper", {"text": "y"}), ("kit_search", {"q": "z"}), ("kit_add", {"a": 2, "b": 2}))
    model = chat(asked, "done")
    ran = cell.twice(program, chat_model=model, tools=[add, upper])
    assert ran.value == [[{"hit": "x"}, 2, "Y", {"hit": "z"}, 4], 2, True, 6, {"hit": "z"}]
    assert model.requests[0]["tools"] == ["search", "add", "upper", "kit_add", "kit_search"]
    assert [each.name for each in ran.tool_calls] == ["search", "add", "upper", "kit_search", "kit_add", "search"]


def test_a_turn_offers_its_own_tools_only():
    """`tools={}` offers none; what is not offered is not called, though it is there."""
    program = f"{SEARCH} other = Tool {{print}} w = Agent {{ tools = {{search}} }} w{{message = 'x', tools = {{}}}} w{{message = 'y', tools = {{other}}}}"
    model = chat("1", calls(("search", {"q": "x"})), "2")
    ran = run(program, chat_model=model)
    assert [each["tools"] for each in model.requests] == [[], ["other"], ["other"]]
    assert sent(model.requests[2])[-1] == 'tool: Error: there is no tool "search"; the tools are other'
    assert ran.tool_calls == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("search", {}), "search: the input does not fit: q: a string expected, got nothing"),
        (("search", {"q": 5}), "q: a string expected, got 5"),
        (("search", "{broken"), "JSON"),
        (("absent", {}), 'there is no tool "absent"; the tools are search, raises, fails'),
        (("raises", {}), "raises: in Lua"),
        (("fails", {}), "in Python"),
    ],
)
def test_what_is_wrong_with_a_call_is_told_to_the_model(asked, told):
    """The turn goes on; the model reads one sentence without a line or a traceback."""

    def fails() -> None:
        raise ValueError("in Python")

    program = f"""{SEARCH}
        raises = Tool {{ function() error("raises: in Lua") end }}
        w = Agent {{ tools = {{search, raises, "fails"}} }}
        local r = w("x")
        return {{r.output, r.error == nil}}
    """
    model = chat(calls(asked), "sorry")
    assert run(program, chat_model=model, tools=[fails]).value == ["sorry", True]
    said = sent(model.requests[1])[-1]
    assert said.startswith("tool: Error: ")
    assert told in said
    assert "cell:" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("lua", "told"),
    [
        ("('x'):rep(10000000)", "… (cut: 10000000 bytes in all)"),
        ("{('é'):rep(10000000)}", "… (cut: 20000004 bytes in all)"),
        ("'\\xff\\xfe'", "<2 bytes>, which nobody can read"),
        ("input.handle", "<object>, which tools can take and nobody can read"),
        ("{a = input.handle}", '{"a":"<object>"}'),
        ("{raw = '\\xff'}", '{"raw":"<1 bytes>"}'),
        ("nil", "null"),
        ("12", "12"),
        ("array{}", "[]"),
    ],
)
def test_any_result_of_a_tool_becomes_a_bounded_text(lua, told):
    """What is large, binary or no data at all is named; the program has the value itself."""
    program = f"big = Tool {{ function() return {lua} end }} w = Agent {{ tools = {{big}} }} local r = w('x') return r.output"
    model = chat(calls(("big", {})), "seen")
    assert run(program, chat_model=model, params={"handle": object()}).value == "seen"
    said = model.requests[1]["messages"][-1]["content"]
    assert said.endswith(told)
    assert len(said) < 101_000


def test_done_ends_the_turn():
    """It asks for a stop; its reason is the output where the model said nothing; all calls of the answer are made."""
    program = f"""{SEARCH}
        done = require("done")
        w = Agent {{ tools = {{done, search}} }}
        local r = w("x")
        local seen = {{r.output, Stop.requested(), Stop.reason(), Stop.success(), search.call_count(), done.called()}}
        return {{seen, w("y").output}}
    """
    model = chat(calls(("done", {"reason": "all set", "success": False}), ("search", {"q": "x"})), "still here")
    assert run(program, chat_model=model).value == [["all set", True, "all set", False, 1, True], "still here"]
    assert sent(model.requests[1])[-3:] == ["tool: all set", 'tool: {"hit":"x"}', "user: y"]
    assert run(program, chat_model=chat(calls(("done", {}), content="Said"), "z")).value[0][0] == "Said"


def test_a_loop_until_done_ends():
    """By `done`, or by the number of turns."""
    program = """
        done = require("done")
        worker = Agent { tools = {done} }
        repeat worker() until done.called() or Iterations.exceeded(20)
        return Iterations.current()
    """
    assert run(program, chat_model=chat("1", "2", calls(("done", {})))).value == 3
    assert run(program, chat_model=chat(*map(str, range(30)))).value == 20


def test_too_many_rounds_end_the_turn():
    """With an error in the result and a notice; the conversation stays one that a model takes."""
    program = f"{SEARCH} w = Agent {{ tools = {{search}}, max_tool_rounds = 2 }} local r = w('x') return {{r.error, search.call_count(), w('y').output}}"
    again = calls(("search", {"q": "x"}))
    model = chat(again, again, again, "fine")
    ran = run(program, chat_model=model)
    assert ran.value == ["it asked for tools in more than 2 rounds", 2, "fine"]
    assert "max_tool_rounds" in messages(ran, "warning")[0]
    assert sent(model.requests[3])[-3:] == [
        "assistant:  [search]", "tool: Error: not run: it asked for tools in more than 2 rounds", "user: y",
    ]  # fmt: skip
    assert run(program.replace("= 2 }", "= 0 }"), chat_model=chat(again, "fine")).value[1:] == [0, "fine"]


# -- structured output ---------------------------------------------------------------------------------------------

JUDGE = "judge = Agent { output = {verdict = field.string{required = true, enum = {'yes', 'no'}}, score = 'integer'} } "


@pytest.mark.parametrize("structured", [True, False])
def test_structured_output(structured, cell):
    """The value by the schema, undeclared keys dropped with a notice, from models with structured output and without."""
    model = chat({"data": {"verdict": "yes", "score": 3, "more": 1}}, structured=structured)
    ran = cell.twice(f"{JUDGE} local r = judge('x') return {{r.output, judge.output, type(r.content)}}", chat_model=model)
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


@pytest.mark.parametrize(("schema", "answer", "value"), [("'integer'", "7", 7), ("'string'", "text", "text"), ("field.array{items = 'string'}", '["a"]', ["a"]), ("field.boolean{}", '{"value": true}', True)])
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
