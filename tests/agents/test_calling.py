"""One call of a chat model, through LangChain's own client and over a real connection."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from lua_procedures import ModelError
from lua_procedures.agents import threads
from lua_procedures.agents.calling import acall, call, faults
from lua_procedures.agents.retrying import Retry
from lua_procedures.primitives.misuse import Misuse
from lua_procedures.testing import ScriptedChatModel

from ..bounds import PATIENCE
from .openai_server import Reply

OPTIONS = "max_attempts, initial_delay, max_delay, backoff_factor, retries, base_delay"
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
SCHEMA = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"]}
TOOL = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def asking(**options):
    """A request with one message."""
    return {"model": None, "messages": [{"role": "user", "content": "Hi"}], "tools": [], **options}


def failing(server, model, ask, *replies, **options):
    """The error of a call that gets these replies."""
    server.replies = list(replies)
    with pytest.raises(ModelError) as caught:
        ask(model, asking(), **options)
    return caught.value


# Answers


def test_text_streams(server, model, ask):
    """The text comes in pieces, and the answer says who gave it and how many tokens it took."""
    server.replies = [Reply("Hello to you")]
    pieces: list[str] = []
    answer = ask(model, asking(), pieces.append)
    assert pieces == ["Hello", " to", " you"]
    assert answer == {"content": "Hello to you", "tool_calls": [], "usage": USAGE, "model": "gpt-4o-mini-dated"}
    assert server.requests[0]["stream_options"] == {"include_usage": True}


def test_what_is_sent(server, model, ask):
    """Settings, tools and the choice of one reach the provider; a setting of nil does not."""
    server.replies = [Reply("ok")]
    settings = {"temperature": 0.25, "max_tokens": 9, "top_p": None}
    ask(model, asking(model={"name": None, "settings": settings}, tools=[TOOL], tool_choice="weather"))
    ask(model, asking(tools=[TOOL], tool_choice="required"))
    sent, other = server.requests
    assert sent["temperature"] == 0.25
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 9
    assert "top_p" not in sent
    assert sent["tools"] == [{"type": "function", "function": TOOL}]
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert other["tool_choice"] == "required"


def test_a_choice_without_tools_is_not_sent(server, model, ask):
    """Where no tools are offered, there is nothing to choose."""
    server.replies = [Reply("ok")]
    ask(model, asking(tool_choice="auto"))
    assert "tool_choice" not in server.requests[0]
    assert "tools" not in server.requests[0]


def test_tool_calls_in_pieces(server, model, ask):
    """Tool calls are put together from their pieces; one whose arguments are no JSON says so."""
    calls: tuple = (
        ("weather", {"city": "Paris, “là-bas”"}),
        ("weather", '{"city": "Ro'),
        ("weather", "[1]"),
        ("weather", ""),
    )
    server.replies = [Reply("Let me see.", tool_calls=calls, finish="tool_calls")]
    answer = ask(model, asking(tools=[TOOL]))
    assert answer["content"] == "Let me see."
    assert answer["tool_calls"][0] == {"id": "call_0", "name": "weather", "args": {"city": "Paris, “là-bas”"}}
    assert answer["tool_calls"][1]["args"] == {}
    assert answer["tool_calls"][1]["error"].startswith("the arguments are no JSON: Unterminated string")
    assert answer["tool_calls"][2]["error"] == "the arguments are no JSON: an object expected"
    assert answer["tool_calls"][3] == {"id": "call_3", "name": "weather", "args": {}}


def test_without_streaming(server, model, ask):
    """A model that does not stream gives its answer whole, and the text once."""
    server.replies = [Reply("All at once", tool_calls=(("weather", "{broken"),), finish="tool_calls")]
    pieces: list[str] = []
    answer = ask(model.model_copy(update={"disable_streaming": True}), asking(tools=[TOOL]), pieces.append)
    assert (pieces, answer["content"], answer["usage"]) == (["All at once"], "All at once", USAGE)
    assert answer["tool_calls"][0]["error"].startswith("the arguments are no JSON: Expecting property name")
    assert "stream" not in server.requests[0] or not server.requests[0]["stream"]


def test_ids_of_tool_calls_are_unique(ask):
    """Ids that are missing, or are those of earlier calls, are replaced by fresh ones, the same each time."""
    calls: list = [{"name": "t", "args": {}, "id": each} for each in ("a", None, "b", "b", "call_2")]
    earlier = {"role": "assistant", "content": "", "tool_calls": [{"id": "a", "name": "t", "args": {}}]}
    request = asking(messages=[earlier, {"role": "tool", "content": "1", "tool_call_id": "a"}], tools=[TOOL])
    answer = ask(ScriptedChatModel([AIMessage("", tool_calls=calls)]), request)
    assert [each["id"] for each in answer["tool_calls"]] == ["call_1", "call_3", "b", "call_4", "call_2"]


# Structured output


def test_structured_output(server, model, ask):
    """A schema goes to the provider, the text streams all the same, and the value is there."""
    server.replies = [Reply('{"mood": "good"}')]
    pieces: list[str] = []
    answer = ask(model, asking(schema=SCHEMA), pieces.append)
    assert answer["data"] == {"mood": "good"}
    assert (answer["content"], "".join(pieces)) == ('{"mood": "good"}', '{"mood": "good"}')
    assert (answer["usage"], answer["model"], answer["tool_calls"]) == (USAGE, "gpt-4o-mini-dated", [])
    assert faults(SCHEMA, answer) == ""
    sent = server.requests[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["properties"] == SCHEMA["properties"]
    assert [each["role"] for each in server.requests[0]["messages"]] == ["user"]


def test_structured_output_of_another_type(server, model, ask):
    """Providers want an object: any other value is wrapped in one for them, and unwrapped."""
    schema = {"type": "array", "items": {"type": "integer"}}
    server.replies = [Reply('{"value": [1, 2]}')]
    assert ask(model, asking(schema=schema))["data"] == [1, 2]
    assert server.requests[0]["response_format"]["json_schema"]["schema"]["properties"] == {"value": schema}


def test_structured_output_by_a_tool_call(server, ask):
    """A model that gives the value as a tool call gives a value, and no call of a tool."""
    from langchain_openai import ChatOpenAI

    class Older(ChatOpenAI):
        def with_structured_output(self, schema=None, **options):
            return super().with_structured_output(schema, **{**options, "method": "function_calling"})

    model = Older(model="older", base_url=server.url, api_key="sk-of-a-test", max_retries=0)
    server.replies = [Reply(tool_calls=(("output", {"mood": "bad"}),), finish="tool_calls")]
    answer = ask(model, asking(schema=SCHEMA))
    assert (answer["data"], answer["content"], answer["tool_calls"]) == ({"mood": "bad"}, '{"mood": "bad"}', [])


def test_structured_output_that_does_not_fit(server, model, ask):
    """What does not fit is said in one sentence, and there is no value."""
    server.replies = [Reply('{"mood": "so so"}'), Reply("It is good.")]
    wrong, text = ask(model, asking(schema=SCHEMA)), ask(model, asking(schema=SCHEMA, tools=[TOOL]))
    assert "data" not in wrong
    assert "data" not in text
    assert faults(SCHEMA, wrong) == 'the answer does not fit: mood: one of "good", "bad" expected, got "so so"'
    assert faults(SCHEMA, text) == "the answer does not fit: JSON that fits the schema expected, got text without any"


@pytest.mark.parametrize(
    "text",
    [
        '{"mood": "good"}',
        '```json\n{"mood": "good"}\n```',
        'Sure:\n```\n{"mood": "good"}\n```\nand so on',
        'I think [sic] {"mood": "good"} is right, {really}',
        '{"mood": "so so"}, no: {"mood": "good"}',
    ],
)
def test_json_in_text(ask, text):
    """Where the model has no structured output it is told the schema, and the JSON is found in its text."""
    model = ScriptedChatModel([text], structured=False)
    answer = ask(model, asking(schema=SCHEMA))
    assert (answer["data"], answer["content"]) == ({"mood": "good"}, text)
    told = model.requests[0]["messages"]
    assert [each["role"] for each in told] == ["system", "user"]
    assert '"enum": ["good", "bad"]' in told[0]["content"]


def test_schema_with_tools(server, model, ask):
    """With tools the schema is told in the system prompt; the value is taken only from an answer without calls."""
    server.replies = [Reply('{"mood": "bad"}', tool_calls=(("weather", {"city": "X"}),)), Reply('{"mood": "bad"}')]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    first, second = (ask(model, asking(messages=messages, tools=[TOOL], schema=SCHEMA)) for _ in range(2))
    assert "data" not in first
    assert second["data"] == {"mood": "bad"}
    sent = server.requests[0]["messages"]
    assert sent[0]["content"].startswith("Be brief.\n\nGive the final answer as JSON")
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("text", "value"), [("yes", "yes"), ('"no"', "no"), ('{"value": "no"}', "no"), (" yes\n", "yes")]
)
def test_a_text_as_structured_output(ask, text, value):
    """A schema of a string is met by the text itself, or by JSON."""
    schema = {"type": "string", "enum": ["yes", "no"]}
    assert ask(ScriptedChatModel([text], structured=False), asking(schema=schema))["data"] == value


# Failures


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (403, False), (404, False), (408, True), (409, True), (422, False), (429, True),
     (500, True), (503, True)],
)  # fmt: skip
def test_errors_of_the_provider(server, model, ask, status, retryable):
    """An error says the model, the status and the provider's message, and whether to try again."""
    error = failing(server, model, ask, Reply("This was\n  wrong", status=status))
    assert str(error) == f"ChatOpenAI gpt-4o-mini: {status} This was wrong"
    assert (error.retryable, error.retry_after) == (retryable, None)


def test_named_in_errors(server, model, ask):
    """An error names the model as the agent does."""
    server.replies = [Reply("No", status=404)]
    with pytest.raises(ModelError, match=r"^openai/gpt-4o-mini: 404 No$"):
        ask(model, asking(model={"name": "gpt-4o-mini", "provider": "openai", "settings": {}}))


def test_no_secret_in_errors(server, model, ask, monkeypatch):
    """The model's key, what looks like one and what the environment holds as one are not shown."""
    monkeypatch.setenv("SOME_API_TOKEN", "correct horse")
    said = "sk-of-a-test, sk-another-key, Bearer abc.def and correct horse are no keys"
    assert str(failing(server, model, ask, Reply(said, status=401))).endswith(
        "401 [secret], [secret], [secret] and [secret] are no keys"
    )


def test_long_errors_are_cut(server, model, ask):
    """A message has at most 500 characters."""
    assert len(str(failing(server, model, ask, Reply("long " * 1000, status=500)))) == 500


def test_timeout(server, model, ask):
    """A provider that is silent for too long is worth another try."""
    slow = type(model)(model="m", base_url=server.url, api_key="sk-of-a-test", max_retries=0, timeout=0.2)
    error = failing(server, slow, ask, Reply("late", delay=0.6))
    assert (str(error), error.retryable) == ("ChatOpenAI m: Request timed out.", True)


def test_nobody_there(ask):
    """A server that is not there is worth another try."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", base_url="http://127.0.0.1:9/v1", api_key="sk-of-a-test", max_retries=0)
    with pytest.raises(ModelError, match="ChatOpenAI m: Connection error") as caught:
        ask(model, asking())
    assert caught.value.retryable


@pytest.mark.parametrize("schema", [None, SCHEMA])
@pytest.mark.parametrize("reply", [Reply("a b c d", cut_after=3), Reply("a b", cut_after=0), Reply("a b", finish="")])
def test_truncated_streams(server, model, ask, reply, schema):
    """A connection that is cut, and a stream that just ends, are no answer."""
    server.replies = [reply]
    with pytest.raises(ModelError, match=r"^ChatOpenAI gpt-4o-mini: the answer broke off$") as caught:
        ask(model, asking(schema=schema))
    assert caught.value.retryable


def test_a_stream_of_nothing(server, model, ask):
    """A stream without any piece is no answer."""
    assert str(failing(server, model, ask, Reply(bare=True))).endswith("the answer broke off")


def test_an_error_within_a_stream(server, model, ask):
    """A provider may fail while it answers."""
    error = failing(server, model, ask, Reply("a b", error="The server had an error"))
    assert (str(error), error.retryable) == ("ChatOpenAI gpt-4o-mini: The server had an error", True)


def test_output_over_the_limit(server, model, ask):
    """Structured output that reached the limit of tokens is no value, though it could be mended."""
    server.replies = [Reply('{"mood": "good"', finish="length")]
    with pytest.raises(ModelError, match="length limit was reached") as caught:
        ask(model, asking(schema=SCHEMA))
    assert not caught.value.retryable


def test_a_model_without_tools(ask):
    """A model that cannot be given tools says so."""
    from langchain_core.language_models import FakeListChatModel

    with pytest.raises(ModelError, match="FakeListChatModel: this model takes no tools"):
        ask(FakeListChatModel(responses=["x"]), asking(tools=[TOOL]))


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_interruptions_pass(raised):
    """What ends a process is no failure of the model."""
    with pytest.raises(raised):
        call(ScriptedChatModel([raised()]), asking())


def test_any_failure_is_the_models(ask):
    """Whatever a model raises is a ModelError, with the error as its cause."""
    with pytest.raises(ModelError, match=r"^ScriptedChatModel scripted: KeyError: 'x'$") as caught:
        ask(ScriptedChatModel([KeyError("x")]), asking())
    assert isinstance(caught.value.__cause__, KeyError)
    assert not caught.value.retryable


# Retries


def test_retries(server, model, ask):
    """An error that may pass is tried again, as often as is said, with waits that grow."""
    server.replies = [Reply("busy", status=429), Reply("a b", cut_after=1), Reply("at last")]
    told = []
    retry = Retry(max_attempts=3, initial_delay=0.01, backoff_factor=3)
    answer = ask(model, asking(), retry=retry, on_retry=lambda *args: told.append(args))
    assert answer["content"] == "at last"
    assert [(attempt, error.message.rpartition(": ")[2], delay) for attempt, error, delay in told] == [
        (1, "429 busy", 0.01),
        (2, "the answer broke off", 0.03),
    ]


def test_retries_end(server, model, ask):
    """The last error is the one that is raised; one that will not pass is not tried again."""
    server.replies = [Reply("busy", status=429), Reply("broken", status=500), Reply("no", status=401)]
    retry = Retry(max_attempts=2, initial_delay=0.01)
    with pytest.raises(ModelError, match="500 broken"):
        ask(model, asking(), retry=retry)
    with pytest.raises(ModelError, match="401 no"):
        ask(model, asking(), retry=retry)
    assert len(server.requests) == 3


def test_retry_after(server, model, ask):
    """The wait is as long as the provider asks, within the most that is allowed."""
    server.replies = [Reply("busy", status=429, headers={"Retry-After": "0.3"}), Reply("ok")]
    delays = []
    started = time.monotonic()
    ask(model, asking(), retry=Retry(2, 0.01), on_retry=lambda attempt, error, delay: delays.append(delay))
    assert delays == [0.3]
    assert time.monotonic() - started >= 0.3
    asked = ModelError("busy", retryable=True, retry_after=500)
    assert Retry(2).delay(1, asked) == 60


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, Retry()),
        (3, Retry(3)),
        (3.0, Retry(3)),
        ([], Retry()),
        ({"retries": 4, "base_delay": 0}, Retry(4, 0)),
        ({"max_attempts": 2, "max_delay": 1.5, "backoff_factor": 1, "initial_delay": None}, Retry(2, 1.0, 1.5, 1)),
    ],
)
def test_retry_options(given, expected):
    """A number is that of the attempts; a table has the options of Retry.with_backoff that apply."""
    assert Retry.of(given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "retry: a whole number of at least 1 expected, got 0"),
        (1.5, "retry: a whole number of at least 1 expected, got 1.5"),
        (True, "retry: a whole number of at least 1 expected, got a boolean"),
        ("3", "retry: a whole number of at least 1 expected, got a string"),
        ({"retries": -1}, "retry: retries: a whole number of at least 1 expected, got -1"),
        ({"max_delay": float("inf")}, "retry: max_delay: a number of at least 0 expected, got inf"),
        ({"retries": 1, "max_attempts": 1}, "retry: max_attempts is given twice, also by its other name"),
        ({"jitter": True}, f"retry: unknown option 'jitter'; the options are {OPTIONS}"),
    ],
)  # fmt: skip
def test_retry_options_that_are_wrong(given, said):
    """Options that cannot be meant are refused."""
    with pytest.raises(Misuse) as caught:
        Retry.of(given)
    assert caught.value.message == said


def test_delays_have_a_limit():
    """However often a call is made again, no wait is longer than the most that is allowed."""
    assert [Retry(9999, 1, 5, 3).delay(attempt) for attempt in (1, 2, 3, 9999)] == [1, 3, 5, 5]


# Stopping


def test_cancelling_hangs_up(server, model, monkeypatch):
    """To cancel the task ends the request in flight."""
    monkeypatch.setattr(threads, "_homes", [])
    server.replies = [Reply("a b c d e f g h", pause=0.2)]

    async def main():
        begun = asyncio.Event()
        task = asyncio.ensure_future(acall(model, asking(), lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert server.gone.wait(PATIENCE)


def test_cancelling_elsewhere_hangs_up(server, model, monkeypatch):
    """A call that goes through a thread ends with its next piece; the text is told in the loop's own thread."""
    monkeypatch.setattr(threads, "_homes", [lambda: None])
    server.replies = [Reply("a b"), Reply("a b c d e f g h", pause=0.2)]
    told = []

    async def main():
        answer = await acall(model, asking(), lambda text: told.append((text, threading.current_thread())))
        begun = asyncio.Event()
        task = asyncio.ensure_future(acall(model, asking(), lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return answer

    assert asyncio.run(main())["content"] == "a b"
    assert told == [("a", threading.current_thread()), (" b", threading.current_thread())]
    assert server.gone.wait(PATIENCE)


def test_the_stop_button_ends_a_wait():
    """A wait before another attempt ends with an interruption."""
    model = ScriptedChatModel([TimeoutError(), "late"])
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        call(model, asking(), retry=Retry(2, 3600, max_delay=3600), on_retry=lambda *_: timer.start())
    timer.join()


LOOPS = """
import asyncio, sys
from langchain_openai import ChatOpenAI
from lua_procedures.agents.calling import acall
request = {"model": None, "messages": [{"role": "user", "content": "Hi"}]}
model = ChatOpenAI(model="m", base_url=sys.argv[1], api_key="sk-of-a-test", max_retries=0)
print(*(asyncio.run(acall(model, request))["content"] for _ in range(4)))
"""


def test_one_model_in_several_event_loops(server):
    """A model may be used in one event loop after the other, and each call is made, and paid for, once."""
    server.replies, server.keeps_alive = [Reply("ok")], True
    command = [sys.executable, "-c", LOOPS, server.url]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ok"] * 4, done.stderr
    assert len(server.requests) == 4
