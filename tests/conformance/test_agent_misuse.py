"""What is wrong with a declaration or a call of an agent is said in one sentence, at its line."""

from __future__ import annotations

import re

import pytest

from lua_procedures import LuaRuntimeError, ProcedureError, ToolError, run, tool

from .cells import messages
from .scripts import calls, chat, sent

DECLARED = {
    "Agent(5)": "Agent: parts: an agent's name or a table of its fields expected, got a number",
    "Agent()": "Agent: parts: an agent's name or a table of its fields expected, got nil",
    "Agent(print)": "Agent: parts: an agent's name or a table of its fields expected, got a function",
    "Agent {system_prompt = 5}": "system_prompt: a string or a function expected, got a number",
    "Agent {initial_message = {}}": "initial_message: a string expected, got an empty table",
    "Agent {model = 5}": "model: a model's name or a table with name expected, got a number",
    "Agent {model = {name = 5}}": "model",
    "Agent {model = {'m'}}": "model",
    "Agent {model = {name = 'm', temperature = 'hot'}}": "temperature: a number expected, got",
    "Agent {temperature = 'hot'}": "temperature: a number expected, got",
    "Agent {max_tokens = -1}": "max_tokens",
    "Agent {provider = true}": "provider: a string expected, got a boolean",
    "Agent {tools = 'search'}": "tools: a list of tools and names expected, got a string",
    "Agent {tools = {search = 1}}": "tools: a list of tools and names expected, got a table with named keys",
    "Agent {tools = {5}}": "tools[1]: a tool, a toolset or the name of one expected, got a number",
    "Agent {tools = {{}}}": "tools[1]: a tool, a toolset or the name of one expected, got a table",
    "Agent {tools = {Agent{}}}": "tools[1]: a tool, a toolset or the name of one expected, got a table with",
    "Agent {output = {a = 'strong'}}": "strong",
    "Agent {output = 5}": "output: a table of fields or one field expected, got a number",
    "Agent {prepare = 'x'}": "prepare: a function expected, got a string",
    "Agent {tool_choice = true}": "tool_choice: a string expected, got a boolean",
    "Agent {max_tool_rounds = 1.5}": "max_tool_rounds: a whole number (0 or more) expected, got 1.5",
    "Agent {retry = 'x'}": "retry: a number of attempts or a table of options expected, got a string",
    "Agent {retry = 0}": "retry: a whole number of at least 1 expected, got 0",
    "Agent {retry = {attempts = 3}}": "retry: unknown option 'attempts'; the options are max_attempts",
    "Agent {retry = {max_delay = 'x'}}": "retry: max_delay: a number of at least 0 expected, got a string",
    "Agent {history = 'no'}": "history: a boolean expected, got a string",
    "Agent {name = 5}": "name: a string expected, got a number",
}
CALLED = {
    "w(5)": "options: a message or a table of options expected, got",
    "w(print)": "options: a message or a table of options expected, got a function",
    "w(w)": "options: a message or a table of options expected, got",
    "w(null)": "options: a message or a table of options expected, got",
    "w(setmetatable({}, {}))": "options: a message or a table of options expected, got",
    "w{message = true}": "message: a text or content blocks expected, got a boolean",
    "w{message = print}": "message: a text or content blocks expected, got a function",
    "w{message = {f = print}}": "cannot be kept",
    "w{message = input.handle}": "message: a text or content blocks expected, got a handle",
    "w{inject = false}": "inject: a text or content blocks expected, got a boolean",
    "w{temperature = 'hot'}": "temperature: a number expected, got a string",
    "w{max_tokens = 0.5}": "max_tokens: a whole number",
    "w{model = {}}": "model: a string expected, got an empty table",
    "w{tools = 'search'}": "tools: a list of tools and names expected, got a string",
    "w{tools = {1}}": "tools[1]: a tool, a toolset or the name of one expected, got a number",
    "w{tools = {'serach'}}": 'unknown tool "serach"; the tools are search',
    "w{history = 1}": "history: a boolean expected, got a number",
    "w{max_tool_rounds = -1}": "max_tool_rounds: a whole number (0 or more) expected, got -1",
    "w{'hello'}": "options",
    "w{system_prompt = 'x'}": "it is declared already, in line 2",
    "w.turn(true)": "options: a message or a table of options expected, got",
    "w.histroy()": "an agent has history, name, output, reset and turn, not histroy",
    "w.output = 1": "an agent cannot be changed",
}


def caught(line: str) -> str:
    program = f"search = Tool {{ print }}\nw = Agent {{ }}\nlocal ok, why = pcall(function()\n{line}\nend)\nreturn why"
    ran = run(program, chat_model=chat(*"123"), params={"handle": object()})
    assert isinstance(ran.value, str), f"{line}: {ran.value!r}"
    return ran.value


@pytest.mark.parametrize(("declared", "told"), DECLARED.items(), ids=str)
def test_wrong_declarations(declared, told):
    """The field, what is expected, and what was given."""
    why = caught(f"made = {declared}")
    assert told in why
    assert why.startswith("cell:4: Agent: ")
    assert "\n" not in why


@pytest.mark.parametrize(("called", "told"), CALLED.items(), ids=str)
def test_wrong_calls(called, told):
    """No turn begins, and no model is asked."""
    why = caught(called)
    assert told in why
    assert why.startswith("cell:4: ")
    assert "\n" not in why


def test_unknown_fields_are_told_and_ignored():
    """They are accepted; a slip is named."""
    ran = run(
        "w = Agent { systemprompt = 'x', temprature = 1 }\nw{message = 'x', mood = 'calm', [5] = 1}",
        chat_model=chat("1"),
    )
    assert [notice.line for notice in ran.notices if notice.kind == "warning"] == [1, 1]
    assert any("unknown field temprature is ignored" in each for each in messages(ran, "warning"))


def test_an_unknown_tool_fails_the_turn():
    """Whether a name is known is seen when a turn needs it: tools may be declared later."""
    with pytest.raises(LuaRuntimeError, match='unknown tool "nope"; the tools are search') as error:
        run("w = Agent { tools = {'nope'} }\nsearch = Tool { print }\nw('x')", chat_model=chat("1"))
    assert error.value.line == 3
    assert (
        run(
            "w = Agent { tools = {'late'} } late = Tool { function() return 1 end } return w('x').output",
            chat_model=chat("1"),
        ).value
        == "1"
    )


def test_errors_of_a_turn_carry_its_line():
    """Also where a function of the agent raises."""
    for fields, line in (
        ("system_prompt = function() error('no') end", 1),
        ("prepare = function() error('no') end", 1),
    ):
        with pytest.raises(LuaRuntimeError, match="no") as error:
            run(f"w = Agent {{ {fields} }}\nw('x')", chat_model=chat("1"))
        assert error.value.line == line


# -- approval ------------------------------------------------------------------------------------------------------

PAY = """
pay = Tool { requires_approval = true, input = {to = field.string{required = true}, sum = "number"}, function(t)
  return "paid " .. t.sum .. " to " .. t.to
end }
clerk = Agent { tools = {pay, "move"} }
"""


@tool(requires_approval=True)
def move(to: str, count: int = 1) -> str:
    """Moves."""
    return f"moved {count} to {to}"


def edited(**arguments: object) -> dict[str, object]:
    return {"approved": True, "edited_artifact": arguments}


def test_an_approval_shows_the_arguments(cell):
    """As they are checked; yes runs the call, whoever made it."""
    asked = []

    def answer(request):
        asked.append((request.kind, request.message, request.artifact, request.artifact_type))
        return True

    program = f"{PAY} return {{pay{{to = 'Ada', sum = 5}}, move{{to = 'B'}}, clerk('x').output}}"
    model = chat(calls(("pay", {"to": "Bob", "sum": 1})), "fine")
    ran = cell.twice(program, chat_model=model, tools=[move], answers=answer)
    assert ran.value == ["paid 5 to Ada", "moved 1 to B", "fine"]
    assert asked[0] == ("approve", "Run the tool pay?", {"to": "Ada", "sum": 5}, "json")
    assert [each[2]["to"] for each in asked] == ["Ada", "B", "Bob"]


def test_edited_arguments_are_what_runs_and_is_recorded(cell):
    """The tool gets them, the record has them, the model reads what came of them; a replay asks nothing."""
    program = (
        f"{PAY} return {{pay{{to = 'Ada', sum = 5}}, move{{to = 'B'}}, clerk('x').tool_calls[1], pay.last_call().args}}"
    )
    model = chat(calls(("pay", {"to": "Bob", "sum": 1})), "fine")
    answers = [edited(to="Eve", sum=2), edited(to="C", count=3), edited(to="Dan", sum=4)]
    script = {"answers": answers}
    first = cell(program, chat_model=model, tools=[move], **script)
    assert first.value == [
        "paid 2 to Eve",
        "moved 3 to C",
        {"name": "pay", "args": {"to": "Dan", "sum": 4}, "result": "paid 4 to Dan"},
        {"to": "Dan", "sum": 4},
    ]
    assert [each.args for each in first.tool_calls] == [
        {"to": "Eve", "sum": 2},
        {"to": "C", "count": 3},
        {"to": "Dan", "sum": 4},
    ]
    assert sent(model.requests[1])[-1] == "tool: paid 4 to Dan"
    again = cell(program, chat_model=model, tools=[move])
    assert (again.executed, again.value) == (0, first.value)


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("pay", edited(sum=1), "to: "),
        ("pay", edited(to="A", sum="much"), "sum: "),
        ("move", edited(to="A", count="many"), "count: "),
        ("move", edited(), "to: "),
        ("pay", {"approved": True, "edited_artifact": [1]}, "edited_artifact"),
        ("pay", {"approved": True, "edited_artifact": "{broken"}, "This is not JSON"),
        ("pay", {"approved": "perhaps"}, "Approve or reject"),
        ("pay", {"approved": True, "more": 1}, "Unknown key"),
        ("pay", "perhaps", "Approve or reject"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(cell, name, answer, told):
    """The question stays, and another answer is taken."""
    more = {"pay": {"sum": 1}, "move": {"count": 2}}[name]
    program = f"{PAY} return {name}{{to = 'Ada', {next(iter(more))} = 3}}"
    ran = cell.failed(program, tools=[move], answers=[answer])
    assert told in str(ran.error)
    assert (ran.status, ran.pending.kind) == ("paused", "approve")
    cell.answer(edited(to="Z", **more), ran.pending.id)
    assert cell(program, tools=[move]).value == {"pay": "paid 1 to Z", "move": "moved 2 to Z"}[name]


def test_a_refusal_is_a_tool_error_and_told_to_the_model(cell):
    """A table may refuse too; what it edited does not count."""
    program = (
        f"{PAY} local ok, why = pcall(pay, {{to = 'A', sum = 1}}) return {{ok, why, clerk('x').output, pay.called()}}"
    )
    model = chat(calls(("pay", {"to": "Bob", "sum": 1})), "sorry")
    ran = cell(program, chat_model=model, tools=[move], answers=[False, {"approved": False}])
    assert (ran.value[0], "did not approve" in ran.value[1], ran.value[2]) == (False, True, "sorry")
    assert "did not approve" in sent(model.requests[1])[-1]
    with pytest.raises(ToolError, match="did not approve"):
        run(f"{PAY} pay{{to = 'A', sum = 1}}", tools=[move], answers=[False])


def test_an_approval_of_the_program_stays_a_boolean(cell):
    """`Human.approve` has no artifact: a table is no answer to it."""
    error = cell.fails("return Human.approve('?')", answers=[{"approved": True}])
    assert re.search("Approve or reject", error.message)
    assert isinstance(error, ProcedureError)
