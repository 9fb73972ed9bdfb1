"""What programs written for Tactus say in other words: the same things, or a sentence that tells the difference."""

from __future__ import annotations

import pytest

from lua_procedures import LuaSyntaxError
from lua_procedures.testing import ScriptedChatModel

DONE = {"tool_calls": [{"name": "done", "args": {"reason": "finished"}}]}


@pytest.mark.parametrize("use", ["tactus.done", "tactus.tools.done", "done"])
def test_a_tool_that_uses_another_is_not_called(cell, use):
    """`Tool "name" {use = …}` gives a tool that is there, also by another name; nothing runs."""
    for name in ("done", "finish"):
        ran = cell(f'Tool "{name}" {{use = "{use}"}} return {{Tool("{name}").name, Tool.called("{name}")}}')
        assert (ran.value, ran.executed, ran.stop.requested) == ([name, False], 0, False)


def test_a_tool_that_uses_an_unknown_one_is_refused(cell):
    """The error lists the tools that there are."""
    error = cell.fails('t = Tool {function() end}\nTool "x" {use = "plugin"}')
    assert (error.line, error.message) == (2, 'Tool: unknown tool "plugin"; the tools are t')


def test_toolsets_of_an_agent_are_tools(cell):
    """`toolsets` stand beside `tools`, in a declaration and in a turn."""
    model = ScriptedChatModel(["a", "b", "c"])
    program = """
        Tool "done" {use = "tactus.done"}
        add = Tool {function() end}
        more = Toolset {tools = {add}}
        w = Agent {tools = {add}, toolsets = {"done", "more"}}
        w("one") w{message = "two", toolsets = {}} w.turn{inject = "three", toolsets = {"done"}}"""
    assert not cell(program, chat_model=model).notices
    assert [request["tools"] for request in model.requests] == [["add", "done", "more_add"], [], ["done"]]


@pytest.mark.parametrize(
    "declared",
    [
        'Toolset "n" {tools = {{name = "ask", input = {x = "string"}, handler = function(t) return t.x end}}}',
        'Toolset "n" {tools = {ask = {input = {x = "string"}, function(t) return t.x end}}}',
    ],
)
def test_tools_are_declared_inside_a_toolset(cell, declared):
    """A table with a function among the tools is the declaration of one."""
    calling = {"tool_calls": [{"name": "n_ask", "args": {"x": "y"}}]}
    ran = cell(f'{declared} w = Agent {{tools = {{"n"}}}} w("go") return Tool.last_result("n_ask")',
               chat_model=ScriptedChatModel([calling, "said"]))  # fmt: skip
    assert ran.value == "y"


def test_tools_are_declared_inside_an_agent(cell):
    """The same among an agent's tools; what is no tool is named by what it is."""
    calling = {"tool_calls": [{"name": "up", "args": {"x": "y"}}]}
    tools = '{{name = "up", input = {x = "string"}, handler = function(t) return t.x:upper() end}}'
    program = f'w = Agent {{tools = {tools}}} return w("go").tool_calls[1].result'
    assert cell(program, chat_model=ScriptedChatModel([calling, "said"])).value == "Y"
    assert "tools[1]: a tool, a toolset or the name of one expected, got a table" in cell.fails(
        'Agent "w" {tools = {{name = "plugin"}}}'
    ).message.removesuffix(" with a metatable")


def test_python_iter_is_another_pairs(cell):
    """Loops over what was a Python list or dict go on as they are; there is nothing else of Python."""
    program = """
        local seen = {}
        for key, value in python.iter({a = 1}) do seen[key] = value end
        for place, value in python.iter({"x", "y"}) do seen[value] = place end
        return {seen, python.eval == nil, python.builtins == nil}"""
    assert cell(program).value == [{"a": 1, "x": 1, "y": 2}, True, True]


def test_a_mocked_answer_fits_the_schema_as_a_model_s(cell):
    """A mock's message may be the JSON of a table; where a string is declared it stays one."""
    program = """Mocks {w = {message = '{"city": "Paris"}'}} w = Agent {output = %s} return w("?").value"""
    assert cell(program % '{city = "string"}').value == {"city": "Paris"}
    assert cell(program % '"string"').value == '{"city": "Paris"}'


def test_a_result_has_its_text_too(cell):
    """`text` and `value` are the content and the output."""
    ran = cell('local r = (Agent "w" {})("hi") return {r.text, r.value}', chat_model=ScriptedChatModel(["said"]))
    assert ran.value == ["said", "said"]


def test_what_no_turn_takes_is_told(cell):
    """What is an option elsewhere and that no text of the agent fills in is told; any other key is for the texts."""
    program = 'w = Agent {system_prompt = "{topic}"} w{message = "hi", topic = "tea", mood = "calm", context = {1}}'
    (notice,) = cell(program, chat_model=ScriptedChatModel(["said"])).notices
    assert notice.message == "w: context is no option of a turn, and no text of the agent has {context}"


def test_an_unknown_type_of_model_is_refused_where_it_is_declared(cell):
    """The error lists the types."""
    error = cell.fails('local a = 1\nModel "m" {type = "ensemble", members = {}}')
    assert (error.line, error.message) == (
        2, "Model: m: type: one of http, mock, python, registry, sklearn expected, got ensemble"
    )  # fmt: skip


def test_nothing_follows_a_return(cell):
    """The hint of what stands after the program's last statement says where to put it."""
    error = cell.fails("return {\n  1,\n}\nSpecifications([[Feature: x]])")
    assert isinstance(error, LuaSyntaxError)
    assert error.hint == "Nothing follows a 'return': put it above, or write do return … end."
