"""Agents: how they are declared and called, what a turn gives, and the texts they are told."""

from __future__ import annotations

from typing import Any

import pytest

from lua_procedures import LuaRuntimeError, run

from .scripts import calls, chat, sent, sent_all


def fails(source: str, **options: Any) -> LuaRuntimeError:
    with pytest.raises(LuaRuntimeError) as error:
        run(source, **options)
    return error.value


# -- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    [
        "worker = Agent {} return worker('x'), worker.name",
        "local worker = Agent {} return worker('x'), worker.name",
        "Agent 'worker' {} return Agent('worker')('x'), Agent('worker').name",
        "local a = Agent 'worker' {} return a('x'), a.name",
        "worker = Agent {} return Agent('worker').turn('x'), worker.name",
        "worker = Agent {} return worker:turn('x'), worker.name",
        "local t = {} t.worker = Agent {name = 'worker'} return t.worker{message = 'x'}, t.worker.name",
        "Procedure {function() worker = Agent {} return worker('x'), worker.name end}",
    ],
)
def test_the_ways_to_declare_and_call(program):
    """Each names the agent and takes a turn."""
    model = chat("yes")
    ran = run(program, chat_model=model)
    assert [ran.value[0]["output"], ran.value[1]] == ["yes", "worker"]
    assert sent_all(model) == [["user: x"]]
    assert ran.agents["worker"].invocations == 1


def test_an_unknown_agent_lists_the_known():
    """Also where there is none."""
    assert 'unknown agent "w"; the agents are a, b' in fails("a = Agent{} b = Agent{} Agent('w')").message
    assert "none is declared" in fails("Agent('w')").message


def test_an_agent_without_a_name_says_how_to_name_it():
    """A call needs a name: the variable's."""
    error = fails("local t = {Agent{}}\nt[1]('x')")
    assert (error.line, "assign it to a variable" in error.message) == (2, True)


def test_two_agents_of_one_name_are_two(cell):
    """The name means the later one; each keeps its own conversation, also when a step's turns are put back."""
    program = """
        local list = {}
        for i = 1, 2 do local worker = Agent {} list[i] = worker end
        Step.run("s", function() list[1]("to one") list[2]("to two") return 1 end)
        list[1]("again")
        return {#list[1].history, #list[2].history, Agent("worker").output}
    """
    model = chat("1", "2", "3")
    assert cell.twice(program, chat_model=model).value == [4, 2, "2"]
    assert sent(model.requests[2]) == ["user: to one", "assistant: 1", "user: again"]


def test_a_step_declares_no_agent():
    """A replayed step does not run, so it would not be there."""
    assert "a step cannot declare" in fails("Step.run('s', function() local a = Agent {} end)").message


def test_an_agent_in_a_required_module(tmp_path, monkeypatch, cell):
    """It is found by name and through what the module returns."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk.lua").write_text("clerk = Agent { system_prompt = 'Be brief.' }\nreturn {clerk = clerk}")
    model = chat("1", "2")
    program = "local desk = require('desk') return {desk.clerk('x').output, Agent('clerk')('y').output}"
    assert cell.twice(program, chat_model=model).value == ["1", "2"]
    assert sent(model.requests[1]) == ["system: Be brief.", "user: x", "assistant: 1", "user: y"]


def test_calls_without_a_message():
    """First the initial message, then that it goes on, but only where nobody has spoken since."""
    program = """
        worker = Agent { initial_message = "Begin with {input.what}." }
        worker() worker()
        Session.append("user", "And?") worker()
        Session.inject_system("Be quick.") worker()
    """
    model = chat("1", "2", "3", "4")
    run(program, chat_model=model, params={"what": "this"})
    assert sent(model.requests[1]) == ["user: Begin with this.", "assistant: 1", "user: Continue."]
    assert sent(model.requests[2])[3:] == ["assistant: 2", "user: And?"]
    assert sent(model.requests[3])[5:] == ["assistant: 3", "system: Be quick.", "user: Continue."]


def test_a_first_message_of_the_call_comes_instead_of_the_initial_one():
    """`inject` comes before `message`, and both are the user's."""
    model = chat("1", "2")
    run("w = Agent { initial_message = 'Begin.' } w('Hello') w.turn{inject = 'Mind', message = 'Go'}", chat_model=model)
    assert sent(model.requests[0]) == ["user: Hello"]
    assert sent(model.requests[1])[2:] == ["user: Mind", "user: Go"]


# -- results -------------------------------------------------------------------------------------------------------


def test_the_result_of_a_turn(cell):
    """Its fields, what it prints as, and where it may go: State, a step's result, another agent."""
    program = """
        worker = Agent { tools = {Tool.get("twice")} }
        helper = Agent {}
        local r = worker("Go")
        print(r)
        state.r = r
        local from_step = Step.run("s", function() return helper("inner") end)
        local captured = Step.run("c", function() return r.content .. "!" end)
        local kind = {}
        for k in pairs(r) do kind[#kind + 1] = k end
        table.sort(kind)
        helper(r)
        return {r, tostring(r), "<" .. r .. ">", state.r.output, from_step.output, captured, kind, r.error == nil}
    """

    def twice(x: int) -> int:
        return 2 * x

    answers = (calls(("twice", {"x": 4})), {"content": "eight", "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    model = chat(*answers, "inside", "heard")
    ran = cell.twice(program, chat_model=model, tools=[twice])
    whole = {
        "output": "eight",
        "content": "eight",
        "tool_calls": [{"name": "twice", "args": {"x": 4}, "result": 8}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    kinds = ["content", "output", "tool_calls", "usage"]
    assert ran.value == [whole, "eight", "<eight>", "eight", "inside", "eight!", kinds, True]
    assert ran.state["r"] == whole
    assert [notice.message for notice in ran.notices] == ["eight"]
    assert sent(model.requests[3])[-1] == "user: eight"


def test_a_result_is_read_only():
    """It is what was said."""
    assert "cannot be changed" in fails("w = Agent{} local r = w('x') r.output = 1", chat_model=chat("1")).message


# -- templates -----------------------------------------------------------------------------------------------------


def test_what_a_prompt_is_filled_in_with(monkeypatch):
    """By name and path, also into lists; what is not known, and what the environment may not give, stays."""
    monkeypatch.setenv("CITY", "Bonn")
    monkeypatch.setenv("SECRET", "key")
    prompt = (
        "{input.user.name} {params.n} {state.plan.steps.2} {prepared.topic} {env.CITY} {env.SECRET} {mood} {extra.a.b}"
        " {input.items} {nope} {input.nope} {state.nope} { x } {} {input}"
    )
    program = f"""
        worker = Agent {{ system_prompt = [[{prompt}]], prepare = function(given) return {{topic = given.n + 1}} end }}
        state.plan = {{steps = {{"a", "b"}}}}
        worker{{message = "x", mood = "calm", extra = {{a = {{b = true}}}}}}
    """
    model = chat("1")
    run(program, params={"user": {"name": "Ada"}, "n": 2, "items": [1, "z"]}, env_allowed=["CITY"], chat_model=model)
    told = sent(model.requests[0])[0]
    assert told == (
        'system: Ada 2 b 3 Bonn {env.SECRET} calm true [1,"z"] {nope} {input.nope} {state.nope} { x } {} {input}'
    )


def test_what_was_filled_in_is_no_template():
    """A value with braces stays a text."""
    model = chat("1", "2")
    program = """
        worker = Agent { system_prompt = "{input.a} {input.b}" }
        worker("{input.a}")
        local said = Agent "other" { initial_message = "{input.a}" }
        said()
    """
    run(program, params={"a": "{input.b}", "b": "%1 {state.x}"}, chat_model=model)
    assert sent_all(model) == [["system: {input.b} %1 {state.x}", "user: {input.a}"], ["user: {input.b}"]]


def test_a_prompt_may_be_a_function(cell):
    """It gets what was prepared and what the call gave; its text is no template; `prepare` may do durable things."""
    program = """
        worker = Agent {
          prepare = function() return {seen = Step.run("look", function() return 7 end)} end,
          system_prompt = function(given) return given.prepared.seen .. given.mood .. "{input.a}" end,
        }
        return worker{message = "x", mood = "!"}.output
    """
    model = chat("1")
    ran = cell.twice(program, params={"a": 1}, chat_model=model)
    assert sent(model.requests[0])[0] == "system: 7!{input.a}"
    assert [(each.path, each.kind) for each in ran.checkpoints] == [
        ("0", "agent_turn"),
        ("0/0", "step"),
        ("0/1", "model_call"),
    ]


def test_a_prompt_that_is_no_text_is_an_error():
    """A function may give nothing: then there is no system prompt."""
    error = fails("w = Agent { system_prompt = function() return {} end } w('x')", chat_model=chat("1"))
    assert "w: system_prompt: a string expected, got a table" in error.message
    model = chat("1")
    run("w = Agent { system_prompt = function() end } w('x')", chat_model=model)
    assert sent(model.requests[0]) == ["user: x"]


# -- which model ---------------------------------------------------------------------------------------------------


def test_models_and_settings_by_name():
    """An agent's own, those of the call, and the program's defaults."""
    program = """
        default_provider("openai") default_model("small")
        plain = Agent {}
        named = Agent { model = "acme/big", temperature = 0.5, max_tokens = 9 }
        both = Agent { model = {name = "big", temperature = 0.1}, provider = "acme" }
        plain("x") named("x") named{message = "x", temperature = 0, max_tokens = 3, model = "openai/small"} both("x")
    """
    small, big = chat("1", "2"), chat("1", "2")
    run(program, chat_models={"openai/small": small, "acme/big": big})
    assert [each["kwargs"] for each in small.requests] == [{}, {"temperature": 0, "max_tokens": 3}]
    assert [each["kwargs"] for each in big.requests] == [{"temperature": 0.5, "max_tokens": 9}, {"temperature": 0.1}]
