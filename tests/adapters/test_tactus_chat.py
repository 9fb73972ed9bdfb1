"""Tactus's conversations in our stores."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from lua_procedures import api
from lua_procedures.adapters.tactus import ChatRecorder, HITLHandler, StorageBackend


def now(coroutine):
    return asyncio.run(coroutine)


def test_messages_are_kept_in_order(store, models):
    """What was recorded comes back as it was, from another recorder too, and only that session's."""
    recorder = ChatRecorder(store, "p")
    first = now(recorder.start_session({"who": "Ada"}))
    said = [models.ChatMessage(role="USER", content=f"{n}", tool_parameters={"n": n}) for n in range(3)]
    ids = [now(recorder.record_message(message)) for message in said]
    now(recorder.end_session(first))
    second = now(recorder.start_session("p", {"who": "Bob"}))
    now(recorder.record_message(models.ChatMessage(role="SYSTEM", content="another")))
    other = ChatRecorder(store)
    assert now(other.get_session_history(first)) == said
    assert now(other.get_session_messages(first, 2)) == said[1:]
    assert now(other.get_session_messages(first, 0)) == []
    assert [message.content for message in now(other.get_session_messages(second))] == ["another"]
    assert (len(set(ids)), first != second) == (3, True)
    assert [(each.role, each.content) for each in api.show("p", store=store).messages][-1] == ("system", "another")


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED"])
def test_the_end_of_a_session_is_the_end_of_the_run(store, status):
    """The runtime says nowhere else how it ended; sessions of procedures inside say nothing of the run."""
    recorder = ChatRecorder(store, "p")
    outer, inner = now(recorder.start_session({})), now(recorder.start_session({}))
    now(recorder.end_session(inner, "FAILED"))
    assert store.journals("p")[0].status == "running"
    now(recorder.end_session(outer, status))
    assert store.journals("p")[0].status == status.lower()


def test_a_run_with_an_open_question_is_not_completed(store, models, exceptions):
    """A `pcall` in Lua swallows Tactus's wait: the question stays open, and an answer lets the run complete."""
    request = models.HITLRequest(request_type="approval", message="Sure?")
    for status in ("paused", "completed"):
        recorder, handler = ChatRecorder(store, "p"), HITLHandler(store)
        session = now(recorder.start_session())
        with nullcontext() if status == "completed" else pytest.raises(exceptions.ProcedureWaitingForHuman):
            handler.request_interaction("p", request)
        now(recorder.end_session(session))
        assert api.show("p", store=store).status == status
        if status == "paused":
            api.answer("p", value=True, store=store)


def test_a_session_goes_on_after_a_wait(store, models):
    """A procedure that waited for a person goes on in the session that it left; one that ended starts another."""
    first = now(ChatRecorder(store, "p").start_session())
    StorageBackend(store).update_procedure_status("p", "WAITING_FOR_HUMAN", "q")
    recorder = ChatRecorder(store, "p")
    assert now(recorder.start_session()) == first
    now(recorder.record_message(models.ChatMessage(role="USER", content="back")))
    now(recorder.end_session(first))
    assert [message.content for message in now(recorder.get_session_history(first))] == ["back"]
    assert now(ChatRecorder(store, "p").start_session()) != first


def test_a_context_with_live_objects_starts_a_session_all_the_same(store):
    """What cannot be kept of a context is left out: a conversation is no reason to stop a procedure."""
    assert now(ChatRecorder(store, "p").start_session({"connection": object()})) == "p/1"


def test_misuse_is_a_recorder_error(store, models, exceptions):
    """No session, no procedure and unknown sessions are said in a sentence."""
    recorder = ChatRecorder(store)
    message = models.ChatMessage(role="USER", content="")
    for coroutine in (
        recorder.start_session({}),
        recorder.record_message(message),
        recorder.end_session("p/1"),
        recorder.get_session_history("nothing"),
    ):
        with pytest.raises(exceptions.ChatRecorderError):
            now(coroutine)
