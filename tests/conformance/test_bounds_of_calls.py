"""What calls bring back: its bounds, and what survives of a call that fails."""

from __future__ import annotations

import asyncio

import pytest

from lua_procedures import ModelError, UsageError, current_run, jobs, run
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.given import Given
from lua_procedures.jobs import Job
from lua_procedures.testing import ScriptedChatModel

from .scripts import calls, chat


def test_inputs_are_bounded():
    """By bytes and by values; the error says what to raise."""
    with pytest.raises(UsageError, match="inputs: more than 5,000 bytes"):
        run("return 1", params={"a": "x" * 20_000}, limits={"max_bytes": 5000})
    with pytest.raises(UsageError, match="inputs: more than 100 values"):
        run("return 1", params={"a": [1] * 200}, limits={"max_leaves": 100})


def test_results_of_tools_are_bounded():
    """A program can catch it, and goes on."""

    def big():
        return "x" * 20_000

    ok, why = run("return pcall(big)", tools=[big], limits={"max_bytes": 5000}).value
    assert not ok
    assert "big: the result is larger than limits allow: more than 5,000 bytes" in why


def test_a_stop_that_a_failing_tool_asked_for_counts():
    """In the first pass, and when the failure is replayed."""
    asked = []

    def stops():
        asked.append(1)
        current_run().request_stop("enough")
        raise ValueError("broken")

    program = "local ok, why = pcall(stops) Step.run('a', function() return 1 end) return ok, why, Stop.reason()"
    store = MemoryStore()
    first, again = (run(program + " -- " + each, name="r", store=store, tools=[stops]) for each in "ab")
    assert first.value[0] is False
    assert "broken" in first.value[1]
    assert [first.value[2], again.value] == ["enough", first.value]
    assert len(asked) == 1


class Busy(Exception):
    """An error that may pass."""

    status_code = 503


@pytest.mark.parametrize("recovers", [True, False])
def test_each_retry_is_shown_when_it_happens_and_once(recovers, monkeypatch):
    """Also where the last attempt fails; a replay shows the same."""
    monkeypatch.setattr("lua_procedures.agents.retrying.Retry.delay", lambda *_: 0.001)
    seen = []

    def answer(_):
        seen.append(len(told))
        if recovers and len(seen) == 3:
            return "said"
        raise Busy("busy")

    told = []
    program = "w = Agent { retry = 3 } local ok, why = pcall(w, 'x') Step.run('a', function() return 1 end) return ok"
    store = MemoryStore()

    def passed(mark):
        model = ScriptedChatModel(answers=answer)
        job = Job(f"{program} -- {mark}", "r", store=store, given=Given(chat_model=model), sink=hear)
        return asyncio.run(jobs.drive(job))

    def hear(event):
        if type(event).__name__ == "Noticed":
            told.append(event.notice.message)

    first, again = passed("a"), passed("b")
    assert seen == [0, 1, 2]
    assert [notice.message for notice in first.notices] == [notice.message for notice in again.notices]
    assert [len(first.notices), first.value] == [2, recovers]


def test_odd_arguments_are_told_to_the_model():
    """What cannot cross does not end the turn: the model is told, and tries again."""
    asked = {"a": 2**70}
    deep: object = 1
    for _ in range(95):
        deep = [deep]
    given = [calls(("t", asked)), calls(("t", {"a": "\ud800"})), calls(("t", {"a": deep})), "done \ud800"]
    model = chat(*given)
    program = "t = Tool{input = {a = 'object'}, function() return 1 end} w = Agent{tools = {t}} return w('x').output"
    assert run(program, chat_model=model).value == "done \ufffd"
    told = [request["messages"][-1]["content"] for request in model.requests[1:]]
    assert all("the arguments cannot be passed on" in each for each in told), told


def test_a_conversation_is_sent_whole():
    """Each request has all messages so far, though only new ones are read anew; a message that was cleared is gone."""
    model = chat("1", "2", "3")
    run("w = Agent {} w('a') w('b') w.reset() w('c')", chat_model=model)
    assert [[each["content"] for each in request["messages"]] for request in model.requests] == [
        ["a"], ["a", "1", "b"], ["c"],
    ]  # fmt: skip


def test_names_of_chat_models_are_text():
    """And an error names what is none, with the right article."""
    with pytest.raises(UsageError, match="chat_models: names must be text, got 1"):
        run("return 1", chat_models={1: 2})  # type: ignore[dict-item]  # what is refused
    with pytest.raises((UsageError, ModelError), match="got an int"):
        run("w = Agent {} w('x')", chat_model=5)


@pytest.mark.parametrize("value", [True, "5"])
def test_limits_are_numbers(value):
    """A truth value or a text is none."""
    with pytest.raises(UsageError, match="limits: max_tokens: a number expected"):
        run("return 1", limits={"max_tokens": value})
