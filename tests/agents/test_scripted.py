"""The chat model for users' tests."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from lua_procedures import ModelError, UsageError, testing
from lua_procedures.testing import ScriptedChatModel

ROOT = Path(__file__).parents[2]


def weather(city: str) -> str:
    """The weather of a city."""
    return f"rain in {city}"


class Mood(BaseModel):
    """How it is."""

    mood: str


def test_answers_in_order():
    """Answers are given in order, whatever their form, and each request is kept."""
    message = AIMessage("third")
    model = ScriptedChatModel(["first", {"content": "second"}, message])
    assert [model.invoke(text).content for text in "abc"] == ["first", "second", "third"]
    assert [request["messages"] for request in model.requests] == [
        [{"role": "user", "content": text}] for text in "abc"
    ]


def test_a_callable_answers():
    """A callable sees LangChain's messages."""
    model = ScriptedChatModel(lambda messages: messages[-1].text.upper())
    assert model.invoke([HumanMessage("hello")]).content == "HELLO"


def test_stream():
    """It streams word by word, and the pieces are the whole; white space is kept."""
    text = "  Two  words\n and more "
    model = ScriptedChatModel(lambda _: {"content": text, "usage": {"prompt_tokens": 2, "completion_tokens": 3}})

    async def gather():
        return [chunk async for chunk in model.astream("x")]

    for chunks in (list(model.stream("x")), asyncio.run(gather())):
        assert len([chunk for chunk in chunks if chunk.content]) == 5
        whole = chunks[0] + chunks[1:]
        assert whole.content == text
        assert whole.usage_metadata == {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}


def test_delay():
    """It waits between the pieces."""
    started = time.monotonic()
    list(ScriptedChatModel(["a b c"], delay=0.05).stream("x"))
    assert time.monotonic() - started >= 0.1


def test_tool_calls():
    """It calls tools; each call has an id of its own, and the tools on offer are kept by name."""
    called = {"tool_calls": [{"name": "weather", "args": {"city": "Rome"}}, {"name": "weather"}]}
    model = ScriptedChatModel([called, called])
    bound = model.bind_tools([weather], tool_choice="weather")
    whole = bound.invoke("x", temperature=0)
    chunks = list(bound.stream("x"))
    streamed = chunks[0] + chunks[1:]
    assert [call["args"] for call in whole.tool_calls] == [{"city": "Rome"}, {}]
    assert [call["args"] for call in streamed.tool_calls] == [{"city": "Rome"}, {}]
    assert len({call["id"] for call in [*whole.tool_calls, *streamed.tool_calls]}) == 4
    assert model.requests[0]["tools"] == ["weather"]
    assert model.requests[0]["kwargs"] == {"tool_choice": "weather", "temperature": 0}


def test_arguments_that_are_no_json():
    """Text as arguments is what a model says that gives no JSON."""
    message = ScriptedChatModel([{"tool_calls": [{"name": "t", "args": "{oops"}]}]).invoke("x")
    assert [call["args"] for call in message.invalid_tool_calls] == ["{oops"]


@pytest.mark.parametrize("include_raw", [False, True])
@pytest.mark.parametrize("schema", [Mood, Mood.model_json_schema()])
def test_structured_output(schema, include_raw):
    """Structured answers come out as LangChain's other models give them."""
    model = ScriptedChatModel([{"data": {"mood": "good"}}]).with_structured_output(schema, include_raw=include_raw)
    got = model.invoke("x")
    value = got["parsed"] if include_raw else got
    assert (value.model_dump() if schema is Mood else value) == {"mood": "good"}
    if include_raw:
        assert (got["raw"].content, got["parsing_error"]) == ('{"mood": "good"}', None)


def test_structured_output_that_cannot_be_read():
    """Text that is no JSON is an error of the parser, given or raised as LangChain does."""
    model = ScriptedChatModel(["no JSON", "no JSON"])
    got = model.with_structured_output({}, include_raw=True).invoke("x")
    assert (got["parsed"], got["raw"].content) == (None, "no JSON")
    assert isinstance(got["parsing_error"], Exception)


def test_without_structured_output():
    """It can do without, as a model that has no such thing."""
    with pytest.raises(NotImplementedError):
        ScriptedChatModel(["x"], structured=False).with_structured_output(Mood)


@pytest.mark.parametrize("raised", [TimeoutError("late"), TimeoutError])
def test_failures(raised):
    """An exception is raised, and the next call gets the next answer."""
    model = ScriptedChatModel([raised, "there"])
    with pytest.raises(TimeoutError):
        model.invoke("x")
    assert model.invoke("x").content == "there"


def test_no_answer_left():
    """Without an answer left, the error says how many there were and what came last."""
    model = ScriptedChatModel(["one"])
    model.invoke("x")
    said = "ScriptedChatModel: it was asked for answer 2 and has 1; the last message was user: and now?"
    with pytest.raises(ModelError, match=f"^{re.escape(said)}$"):
        model.invoke("and now?")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("text", "answers: a list of answers or a callable expected, got a str"),
        ({"content": "x"}, "answers: a list of answers or a callable expected, got a dict"),
        (3, "answers: a list of answers or a callable expected, got a int"),
        ([3], "answer 1: a text, a dict, an AIMessage or an exception expected, got a int"),
        ([{"text": "x"}], "answer 1: unknown text; an answer has content, tool_calls, usage, data"),
    ],
)
def test_wrong_scripts(answers, said):
    """A script that cannot be meant is refused."""
    with pytest.raises(UsageError) as caught:
        ScriptedChatModel(answers).invoke("x")
    assert said in str(caught.value)


def test_testing_is_light():
    """`lua_procedures.testing` imports a helper's libraries with the helper."""
    code = """
import sys, lua_procedures.testing
print(*sorted({"langchain_core", "hypothesis", "pytest"} & set(sys.modules)))
from lua_procedures.testing import ScriptedChatModel
print("hypothesis" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        testing.Nothing  # noqa: B018 - reading it is the test
