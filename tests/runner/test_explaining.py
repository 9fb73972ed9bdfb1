"""What a person reads where a program asks for something else than is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from lua_procedures import DivergenceError, Run, run
from lua_procedures.durable.kinds import called, word_of
from lua_procedures.testing import ScriptedChatModel

PROGRAM = """
search = Tool{description = "Searches", input = {q = "string"}, function(args) return 1 end}
writer = Agent{system_prompt = "You write.", tools = {search}, model = {name = "gpt", temperature = 0}}
local draft = writer("Write about lamps.")
return draft.content
"""
#: An edit, and what it is said to be.
EDITS = {
    'agent "writer" changed (its prompt)': ("You write.", "You write well."),
    'agent "writer" changed (its messages)': ("about lamps", "about bulbs"),
    'agent "writer" changed (its tools)': ("tools = {search}", "tools = {}"),
    'agent "writer" changed (its settings)': ("temperature = 0", "temperature = 1"),
    'agent "writer" changed (its output schema)': ('"You write.",', '"You write.", output = {text = "string"},'),
    'agent "writer" changed (its tool choice)': ('"You write.",', '"You write.", tool_choice = "search",'),
    'agent "writer" changed (its prompt and its settings)': (
        '"You write.", tools = {search}, model = {name = "gpt", temperature = 0}',
        '"Write.", tools = {search}, model = "gpt"',
    ),
    'the model of agent "writer" changed: ScriptedChatModel small → ScriptedChatModel large': ('"gpt"', '"gpt-large"'),
}


def ran(source: str, name: str, **options: Any) -> Run:
    """A run whose model always answers the same."""

    def answer(_: Any) -> str:
        return '{"text": "About lamps."}'

    models = {
        "gpt": ScriptedChatModel(answer, model_name="small"),
        "gpt-large": ScriptedChatModel(answer, model_name="large"),
    }
    return run(source, name=name, chat_models=models, **options)


@pytest.mark.parametrize("sentence", EDITS)
def test_a_changed_request_says_what_changed_of_which_agent(sentence: str) -> None:
    """The agent is named, and the part of its request in plain words."""
    ran(PROGRAM, sentence[-100:], fresh=True)
    edited = PROGRAM.replace(*EDITS[sentence])
    assert edited != PROGRAM
    assert ran(edited, sentence[-100:])._data.change == f"line 4: {sentence}"


def test_another_operation_in_its_place_is_named_in_plain_words() -> None:
    """Agents, tools, procedures and questions by their names."""
    ran(PROGRAM, "places", fresh=True)
    edited = PROGRAM.replace('writer("Write about lamps.")', 'search{q = "lamps"} and {content = ""}')
    assert ran(edited, "places")._data.change == 'line 4: tool "search" is where agent "writer" was'
    asked = 'return Human.approve("Ship it?")'
    with pytest.raises(DivergenceError, match=r'line 1: question "Ship it[?]" is where tool "search" was'):
        ran(asked, "places", strict=True, answers=[True])


def test_a_new_model_call_names_its_agent() -> None:
    """A model call has the name of a model, which says little."""
    ran(PROGRAM, "redone", fresh=True)
    change = ran(PROGRAM, "redone", redo="0/0")._data.change
    assert change == 'line 4: the model call of agent "writer" runs again, as asked'


def test_a_captured_variable_is_no_part_of_a_request() -> None:
    """A step that captures a variable named like a part of a model's request has it called by its name."""
    source = 'local tools = 1\nreturn Step.run("count", function() return tools end)'
    run(source, name="captured", fresh=True)
    change = run(source.replace("= 1", "= 2"), name="captured")._data.change
    assert change == 'line 2: step "count" changed (tools)'


def test_a_plan_says_what_its_part_had_cost() -> None:
    """What would run is there with its tokens, outer before inner, and the turns that are kept are only counted."""
    source = 'a = Agent{}\nb = Agent{} a("first")\nreturn b("second").content'
    answers = [{"content": "one", "usage": {"total_tokens": 40}}, {"content": "two", "usage": {"total_tokens": 500}}]
    run(source, name="cost", chat_model=ScriptedChatModel(answers), fresh=True)
    planned = run(source.replace("second", "other"), name="cost", chat_model=ScriptedChatModel(), plan=True)
    assert planned._repr_mimebundle_()["text/plain"].split("\n")[:4] == [
        "cost: pending · kept 1 (40 tokens), would run 1 again (500 tokens)",
        'line 3: agent "b" changed (its messages)',
        "  to run  agent  b                             line 3",
        "  to run  model    ScriptedChatModel scripted  line 3  had cost 500 tokens",
    ]
    assert [(each.path, each.kind) for each in planned.planned] == [("1", "agent_turn"), ("1/0", "model_call")]
    whole = run(source.replace("first", "other"), name="cost", chat_model=ScriptedChatModel(), plan=True)
    tokens = [each.usage.total_tokens if each.usage else 0 for each in whole.planned]
    assert ([each.path for each in whole.planned], tokens) == (["0", "0/0", "1"], [0, 40, 500])


def test_kinds_without_another_word_are_their_own() -> None:
    """The table holds what is called otherwise; a checkpoint without a name is called by its word alone."""
    assert [word_of(kind) for kind in ("step", "tool_call", "human")] == ["step", "tool", "person"]
    assert called("sleep", "") == "sleep"
    assert called("human", "") == "person"
    assert called("human", "Ship it?") == 'question "Ship it?"'
