"""Declarations of agents and tools: given twice, edited under a step that uses them, and with bytes for text."""

from __future__ import annotations

import pytest

from lua_procedures import tool
from lua_procedures.testing import ScriptedChatModel

from .scripts import chat

SEARCH = 'search = Tool { description = "finds", function() return "v1" end }\n'
WRITER = 'w = Agent { tools = {"search"} }\n'
WITH = 'w = Agent {}\nreturn Step.run("s", function() return w{message = "hi", tools = {"search"}}.content end)'
NAMED = 'w = Agent {system_prompt = "a"}\nreturn Step.run("s", function() return Agent("w")("hi").content end)'
STEP = 'return Step.run("s", function() return w("hi").content end)'


class Other(ScriptedChatModel):
    """Another chat model."""


# --- declared twice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('for i = 1, 2 do Agent "w" {description = "d"} end return Agent("w").name', "w"),
        ('for i = 1, 2 do Agent "w" {} end return #Agent("w").history', 0),
        ('Agent "w" {system_prompt = "a"}\nAgent "w" {system_prompt = "b"}\nreturn #Agent("w").history', 0),
        ('for i = 1, 2 do Tool "t" {function() return i end} end return Tool("t"){}', 2),
        (
            'Tool "t" {function() return 1 end}\nTool "t" {handler = function() return 2 end} return Tool("t"){}',
            2,
        ),
        (
            'for i=1,2 do Tool "t" {function() return i end} Toolset "n" {tools = {"t"}} end return Toolset("n").t{}',
            2,
        ),
    ],
)
def test_a_second_declaration_counts_and_takes_no_turn(cell, source, value):
    """What is declared by name again is declared anew: nothing is called, and the newest counts."""
    model = chat()
    assert cell(source, chat_model=model).value == value
    assert not model.requests


@pytest.mark.parametrize("parts", ["model = 'other'", "provider = 'openai', temperature = 0", "tools = {}"])
@pytest.mark.parametrize("first", ['Agent "w" {system_prompt = "p"}', 'w = Agent {system_prompt = "p"}'])
def test_what_may_be_a_second_declaration_is_refused(cell, first, parts):
    """In another line, fields that a turn takes too are neither a turn nor a declaration; both are still possible."""
    model = chat("said")
    error = cell.fails(f'{first}\nAgent "w" {{{parts}}}', chat_models={"*": model})
    assert (error.line, model.requests) == (2, [])
    assert "w: it is declared already, in line 1; for a turn of it say message = … or .turn{…}" in error.message
    turn = f'{first}\nreturn Agent("w").turn{{{parts}}}.content'
    assert cell(turn, chat_models={"*": model}).value == "said"


@pytest.mark.parametrize(
    "call", ['Agent("w")("hi")', 'Agent "w" {message = "hi"}', 'Agent("w"){message = "hi", output = 1}']
)
def test_a_call_by_name_remains_a_turn(cell, call):
    """An agent that is declared by name is called by name as before."""
    source = f'Agent "w" {{system_prompt = "p"}}\nreturn ({call}).content'
    assert cell(source, chat_model=chat("said")).value == "said"


def test_an_unknown_toolset_is_refused_with_the_known_ones(cell):
    """Toolset("unknown") lists the toolsets there are."""
    error = cell.fails('a = Toolset {tools = {}}\nreturn Toolset("b")')
    assert error.message == 'Toolset: unknown toolset "b"; the toolsets are a'


# --- what a step depends on -------------------------------------------------------------------------------------


def test_a_turn_without_history_depends_on_no_earlier_turn(cell):
    """What was said to an agent before is no part of a step with a history=false turn of it."""
    source = """w = Agent {history = false}
    Step.run("a", function() return w("one").content end)
    Step.run("b", function() return w("two").content end)"""
    cell(source, chat_model=chat("one", "two"))
    (journal,) = cell.store.journals()
    reads = [entry.reads or "" for entry in cell.store.entries(journal.id) if entry.name == "b"]
    assert len(reads) == 1
    assert "agent w" not in reads[0]


def test_a_turn_in_a_step_depends_on_what_was_said_before_it(cell):
    """A step that looks at a history twice, before and after its own turn, replays."""
    source = """w = Agent {}
    w("zero")
    return Step.run("s", function() w("one") return #w.history end)"""
    assert cell(source, chat_model=chat("a", "b")).value == 4
    assert cell(source, chat_model=chat()).executed == 0


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        (SEARCH + WRITER + STEP, '"v1"', '"v2"'),
        (SEARCH + WRITER + STEP, "finds", "looks"),
        (SEARCH + WRITER + STEP, "{ description", "{ requires_approval = true, description"),
        (SEARCH + 'return Step.run("s", function() return Tool("search"){} end)', '"v1"', '"v2"'),
        (SEARCH + 'return Step.run("s", function() return Tool.get("search"){} end)', '"v1"', '"v2"'),
        (SEARCH + WITH, '"v1"', '"v2"'),
        (NAMED, '"a"', '"b"'),
        ('default_model("a")\nw = Agent {}\n' + STEP, '"a"', '"b"'),
    ],
)  # fmt: skip
def test_a_step_runs_again_when_what_its_turn_uses_is_edited(cell, source, old, new):
    """A tool by name, its description and approval, what is looked up by name, and the default model all count."""
    models = {"a": chat("one"), "b": chat("two")}
    cell(source, chat_model=chat("one"), chat_models=models)
    assert cell(source, chat_model=chat(), chat_models=models).executed == 0
    assert old in source
    edited = source.replace(old, new)
    assert cell(edited, chat_model=chat("two"), chat_models={**models, "b": chat("two")}).executed == 1


def test_a_step_runs_again_when_a_python_tool_of_its_agent_is_another(cell):
    """The source of a Python tool that an agent names is part of a step that captures the agent."""

    def first() -> str:
        """Finds."""
        return "v1"

    def second() -> str:
        """Finds."""
        return "v2"

    for function, executed in ((first, 1), (first, 0), (second, 1)):
        given = [tool(name="search")(function)]
        assert cell(WRITER + STEP, tools=given, chat_model=chat("one")).executed == executed


def test_a_step_runs_again_when_another_model_answers(cell):
    """The resolved model is part of what a turn in a step depends on."""
    source = "w = Agent {}\n" + STEP
    cell(source, chat_model=chat("one"))
    assert cell(source, chat_model=chat()).executed == 0
    assert cell(source, chat_model=Other(answers=["two"])).executed == 1


def test_a_tool_looked_up_in_a_step_may_not_change_what_it_captures(cell):
    """A counter in a tool that a step looks up is refused as one in a tool that the step captures."""
    source = (
        "local n = 0\nTool 't' {function() n = n + 1 return n end}\nStep.run('s', function() return Tool('t'){} end)"
    )
    assert "assigns the captured local 'n'" in str(cell.fails(source))


# --- bytes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('Agent {name = "\\xff"}', "Agent: name"),
        ('w = Agent {model = "\\xff"}', "Agent: model"),
        ('w = Agent {model = {name = "\\xff"}}', "Agent: model.name"),
        ('w = Agent {provider = "\\xff"}', "Agent: provider"),
        ('w = Agent {} w{tools = {"\\xff"}}', "w: tools[1]"),
        ('w = Agent {} w{model = "\\xff"}', "w: model"),
        ('default_model("\\xff")', "default_model: name"),
        ('Model("\\xff")', "Model: name"),
        ('require("\\xff")', "require: name"),
        ('Tool {name = "\\xff", function() end}', "Tool: name"),
        ('Tool("\\xff")', "Tool: name"),
        ('Toolset "\\xff" {tools = {}}', "Toolset: name"),
    ],
)
def test_a_name_that_is_no_text_is_refused_where_it_is_given(cell, source, message):
    """Bytes for a name are an error that says which, with the line."""
    error = cell.fails(source, chat_model=chat("said"))
    assert error.message == f"{message}: UTF-8 text expected, got bytes that are none"
    assert error.line == 1


def test_a_prompt_with_bytes_is_sent_as_text(cell):
    """What is no UTF-8 in a prompt is replaced, as in what templates fill in."""
    model = chat("said")
    assert cell('w = Agent {system_prompt = "a\\xff"} return w("hi").content', chat_model=model).value == "said"
    assert model.requests[0]["messages"][0]["content"].startswith("a")
