"""The questions of a run: which one it waits for, and who answered one that it waits for no longer."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from ..durable.entries import JournalRow, StoredRequest
from ..durable.serialization import loads
from ..durable.stores import Store
from ..errors import AnswerRefused
from ..human.answers import accept
from ..human.channels import given_how
from ..human.requests import HumanRequest, HumanResponse
from ..runner.people import SLEEP, answer_text, respond
from .standing import status_of

__all__ = ["keep_answer", "open_question", "open_questions"]


def open_questions(store: Store, row: JournalRow) -> list[HumanRequest]:
    """The open questions of a journal, the one that it waits for last; never none.

    Raises:
        AnswerRefused: it waits for no answer; where its question has one already, the error says whose.
    """
    pending = loads(row.options).get("pending")
    asked = None if pending is None else store.request(row.id, pending)
    if asked is not None and asked.answer is not None:
        raise _answered_already(asked)
    waiting = [each for each in store.open_requests(row.id) if not each.id.startswith(SLEEP)]
    if pending is None or not waiting:
        raise AnswerRefused(f"the run {row.name!r} waits for no answer; it is {status_of(store, row)}")
    requests = [_request_of(each) for each in waiting]
    # the question that the last pass met is the one; others belong to programs that were edited since
    return sorted(requests, key=lambda each: each.id == pending)


def open_question(store: Store, row: JournalRow, request_id: str | None) -> HumanRequest:
    """The question that a run waits for.

    Raises:
        AnswerRefused: it waits for no answer, or asks something else than ``request_id``.
    """
    named = None if request_id is None else store.request(row.id, request_id)
    if named is not None and named.answer is not None and not named.id.startswith(SLEEP):
        raise _answered_already(named)
    waiting = open_questions(store, row)
    request = waiting[-1] if request_id is None else next((each for each in waiting if each.id == request_id), None)
    if request is None:
        raise AnswerRefused(
            f"{request_id!r} is not the open question of {row.name!r}",
            hint="It asks: " + "; ".join(f"{each.id} ({each.message})" for each in waiting),
        )
    return request


def keep_answer(store: Store, row: JournalRow, request: HumanRequest, value: Any, channel: str) -> HumanResponse:
    """Keep an answer to an open question, unless somebody else was first.

    Args:
        store: where the journal is.
        row: the journal's head.
        request: the question.
        value: the answer, for ``accept``.
        channel: what it is recorded as.

    Raises:
        AnswerRefused: it does not fit, it comes too late, or it is not the first.
    """
    if request.expires_at is not None and time.time() >= request.expires_at:
        raise AnswerRefused(
            f"the question {request.message!r} timed out at {_when(request.expires_at)}",
            hint="Resume the run: it goes on with the default.",
        )
    response = respond(request, accept(request, value), channel)
    if not store.answer(row.id, request.id, answer_text(response)):
        asked = store.request(row.id, request.id)
        raise AnswerRefused("the question is not kept any more") if asked is None else _answered_already(asked)
    return response


def _answered_already(asked: StoredRequest) -> AnswerRefused:
    question, response = _request_of(asked), HumanResponse(**loads(asked.answer or "{}"))
    how = "timed out" if response.timed_out else f"was answered already, {given_how(response.channel)},"
    return AnswerRefused(f"the question {question.message!r} {how} at {_when(response.responded_at)}")


def _request_of(asked: StoredRequest) -> HumanRequest:
    return HumanRequest.model_validate(loads(asked.request))


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}"
