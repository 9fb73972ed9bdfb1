"""Turns: the conversation, and the tools that a model asks for."""

from __future__ import annotations

import pytest
from langchain_core.tools import StructuredTool

from lua_procedures import LuaRuntimeError, run

from .cells import messages
from .scripts import calls, chat, sent, sent_all

SEARCH = """
search = Tool { description = "Finds.", input = {q = field.string{required = true}}, function(t)
  return {hit = t.q}
end }
"""


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
    asked = [
        "user: before",
        "user: go",
        "assistant:  [log] [log]",
        "tool: ok 1",
        "tool: ok 2",
        "user: noted 1",
        "user: noted 2",
    ]
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
        "user: outer", "assistant:  [ask]", "tool: deep", "user: inner", "assistant: deep", "assistant: end",
        "user: more",
    ]  # fmt: skip


def test_a_turn_that_failed_at_once_leaves_the_conversation_as_it_was(cell):
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
    asked = calls(
        ("search", {"q": "x"}),
        ("add", {"a": 1}),
        ("upper", {"text": "y"}),
        ("kit_search", {"q": "z"}),
        ("kit_add", {"a": 2, "b": 2}),
    )
    model = chat(asked, "done")
    ran = cell.twice(program, chat_model=model, tools=[add, upper])
    assert ran.value == [[{"hit": "x"}, 2, "Y", {"hit": "z"}, 4], 2, True, 6, {"hit": "z"}]
    assert model.requests[0]["tools"] == ["search", "add", "upper", "kit_add", "kit_search"]
    assert [each.name for each in ran.tool_calls] == ["search", "add", "upper", "kit_search", "kit_add", "search"]


def test_a_turn_offers_its_own_tools_only():
    """`tools={}` offers none; what is not offered is not called, though it is there."""
    program = f"""{SEARCH}
        other = Tool {{print}} w = Agent {{ tools = {{search}} }}
        w{{message = 'x', tools = {{}}}} w{{message = 'y', tools = {{other}}}}
    """
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
    program = (
        f"big = Tool {{ function() return {lua} end }} w = Agent {{ tools = {{big}} }} local r = w('x') return r.output"
    )
    model = chat(calls(("big", {})), "seen")
    assert run(program, chat_model=model, params={"handle": object()}).value == "seen"
    said = model.requests[1]["messages"][-1]["content"]
    assert said.endswith(told)
    assert len(said) < 101_000


def test_done_ends_the_turn():
    """It asks for a stop; its reason stands in for an empty text; what is asked for after it does not run."""
    program = f"""{SEARCH}
        done = require("done")
        w = Agent {{ tools = {{done, search}} }}
        local r = w("x")
        local seen = {{r.output, Stop.requested(), Stop.reason(), Stop.success(), search.call_count(), done.called()}}
        return {{seen, w("y").output}}
    """
    model = chat(calls(("done", {"reason": "all set", "success": False}), ("search", {"q": "x"})), "still here")
    assert run(program, chat_model=model).value == [["all set", True, "all set", False, 0, True], "still here"]
    assert sent(model.requests[1])[-3:] == ["tool: all set", "tool: Error: not run: the work is done", "user: y"]
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
    program = f"""{SEARCH}
        w = Agent {{ tools = {{search}}, max_tool_rounds = 2 }}
        local r = w('x') return {{r.error, search.call_count(), w('y').output}}
    """
    again = calls(("search", {"q": "x"}))
    model = chat(again, again, again, "fine")
    ran = run(program, chat_model=model)
    assert ran.value == ["it asked for tools in more than 2 rounds", 2, "fine"]
    assert "max_tool_rounds" in messages(ran, "warning")[0]
    assert sent(model.requests[3])[-3:] == [
        "assistant:  [search]", "tool: Error: not run: it asked for tools in more than 2 rounds", "user: y",
    ]  # fmt: skip
    assert run(program.replace("= 2 }", "= 0 }"), chat_model=chat(again, "fine")).value[1:] == [0, "fine"]


# -- slips, choices and failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [False, True])
def test_a_turn_that_failed_keeps_its_last_complete_round(cell, step):
    """The next turn sees what the tools gave; the same on replay, and where a step caught the failure."""
    first = "local ok = pcall(worker, 'go') assert(not ok)"
    program = f"""{SEARCH}
        worker = Agent {{ tools = {{search}} }}
        worker("before")
        {f"Step.run('s', function() {first} return 1 end)" if step else first}
        local kept = {{#worker.history, worker.output}}
        return {{kept, worker().output, search.call_count()}}
    """
    model = chat("hello", calls(("search", {"q": "x"})), ValueError("overloaded"), "found")
    assert cell.twice(program, chat_model=model).value == [[5, "hello"], "found", 1]
    kept = ["user: before", "assistant: hello", "user: go", "assistant:  [search]", 'tool: {"hit":"x"}']
    assert sent(model.requests[3]) == kept


def test_a_forced_choice_counts_for_the_first_call_only():
    """Else the turn would never end; `auto` and `none` stay."""
    told = {"required": ["any", None], "search": ["search", None], "auto": ["auto", "auto"]}
    for choice, expected in told.items():
        model = chat(calls(("search", {"q": "x"})), "end")
        program = f"{SEARCH} w = Agent {{ tools = {{search}}, tool_choice = '{choice}' }} return w('x').output"
        assert run(program, chat_model=model).value == "end"
        assert [each["kwargs"].get("tool_choice") for each in model.requests] == expected


def test_a_choice_that_no_tool_has_is_an_error():
    """It lists the choices; an agent's own choice does not count where the turn offers other tools."""
    with pytest.raises(LuaRuntimeError, match="tool_choice: auto, none, required, any, search expected, got serch"):
        run(f"{SEARCH} w = Agent {{ tools = {{search}} }} w{{message = 'x', tool_choice = 'serch'}}", chat_model=chat())
    program = f"{SEARCH} w = Agent {{ tools = {{search}}, tool_choice = 'search' }} return w{{tools = {{}}}}.output"
    assert run(program, chat_model=chat("said")).value == "said"


def test_slips_in_the_call_of_a_turn_are_warnings():
    """A key that is nearly an option and fills no template, and a second argument; all else is quiet."""
    model = chat(*"abcd")
    program = """
        w = Agent { system_prompt = "{mesage} {topics.x}" } v = Agent {}
        w{message = "x", mesage = "a", topics = {x = 1}, audience = "all", temperature = 0}
        v{mesage = "hello"} v("x", "y") v.turn("z", nil)
    """
    assert messages(run(program, chat_model=model), "warning") == [
        "v: mesage is no option of a turn; did you mean 'message'?",
        "v: a turn takes one argument, a message or options; the others are dropped",
    ]


def test_handles_in_a_conversation_are_told_by_their_type():
    """In Session, as a message, and in content blocks."""
    program = """
        local h = input.handle
        Session.append{role = "user", content = h}
        w = Agent {}
        w("go") w{message = {h}} w{message = {{type = "text", text = h}}}
        return h
    """
    thing, model = object(), chat(*"abc")
    assert run(program, chat_model=model, params={"handle": thing}).value is thing
    told = model.requests[2]["messages"]
    assert told[0]["content"] == "<object>"
    assert told[3]["content"] == '["<object>"]'
    assert told[5]["content"][0]["text"] == "<object>"


def test_the_provider_of_a_turn():
    """The turn's own counts, and the agent's does not where the turn names another model with its provider."""
    program = """
        w = Agent { model = "m", provider = "one" }
        return {w("x").output, w{provider = "two"}.output, w{model = "three/m"}.output, w{model = "n"}.output}
    """
    models = {"one/m": chat("1"), "two/m": chat("2"), "three/m": chat("3"), "one/n": chat("4")}
    assert run(program, chat_models=models).value == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("{code = 5, message = 'quota'}", "Error: quota"),
        ("{code = 5}", "Error: {code = 5}"),
        ("'\\xff'", "Error: ÿ"),
        ("setmetatable({}, {__tostring = function() error('no') end})", "Error: an error object of type table"),
    ],
)
def test_any_error_of_a_tool_becomes_readable_text(raised, told):
    """To the model, in the result of the turn and in the run."""
    program = f"""
        t = Tool {{ function() error({raised}) end }} w = Agent {{ tools = {{t}} }}
        return w("x").tool_calls[1].error
    """
    model = chat(calls(("t", {})), "sorry")
    ran = run(program, chat_model=model)
    assert ran.value == told
    assert sent(model.requests[1])[-1] == f"tool: {told}"
    assert str(ran.tool_calls[0].error).endswith(told.removeprefix("Error: "))


def test_an_agent_without_tools_says_so():
    """To a model that asks for one."""
    model = chat(calls(("x", {})), "end")
    run("w = Agent {} w('go')", chat_model=model)
    assert sent(model.requests[1])[-1] == 'tool: Error: there is no tool "x"; it has no tools'


def test_messages_beyond_max_bytes_are_left_out_with_a_notice():
    """The newest ones; what is left fits."""
    program = "for i = 1, 10 do Session.append('user', ('x'):rep(1000)) end"
    ran = run(program, limits={"max_bytes": 5000})
    assert len(ran.messages) == 4
    assert "the last 6 of 10 messages are left out of the run" in messages(ran, "warning")[0]
