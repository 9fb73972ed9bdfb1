"""Turns: the conversation, and the tools that a model asks for."""

from __future__ import annotations

import pytest
from langchain_core.tools import StructuredTool

from lua_procedures import run

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
