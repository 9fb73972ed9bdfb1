"""Tactus's questions as ours: kept once, answered by whoever comes first, each answer for its own question."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lua_procedures import TIMEOUT, api
from lua_procedures.adapters.tactus import HITLHandler, StorageBackend
from lua_procedures.command_line.main import main
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import AnswerRefused

from ..bounds import PATIENCE


@dataclass
class Context:
    """What a handler needs of Tactus's execution context."""

    position: int = 0
    current_run_id: str | None = None

    def next_position(self):
        return self.position


@pytest.fixture
def request_of(models):
    """A function that makes a ``HITLRequest``."""

    def make(request_type="approval", message="Sure?", **fields):
        return models.HITLRequest(request_type=request_type, message=message, **fields)

    return make


@pytest.fixture
def asked(store, exceptions):
    """A function that asks, is left waiting, and gives the question."""

    def ask(request, context=None, **options):
        with pytest.raises(exceptions.ProcedureWaitingForHuman) as waiting:
            HITLHandler(store, **options).request_interaction("p", request, context or Context())
        found = api.open_request("p", waiting.value.pending_message_id, store=store)
        assert waiting.value.procedure_id == "p"
        return found

    return ask


@pytest.fixture
def answered(store):
    """A function that asks again, as the next pass does, and gives the answer's value."""

    def ask(request, context=None, **options):
        response = HITLHandler(store, **options).request_interaction("p", request, context or Context())
        return response.value

    return ask


def test_a_question_is_asked_once_and_its_answer_found(store, request_of, asked, answered):
    """The runtime is left; every pass asks the same question, until the answer that came meanwhile is found."""
    request = request_of(default_value=False, timeout_seconds=60, metadata={"version": 2, "action_key": "ship"})
    question = asked(request)
    assert asked(request) == question
    assert (question.kind, question.context, question.timeout_seconds) == ("approve", {"version": 2}, 60)
    run = api.show("p", store=store)
    assert (run.status, run.pending) == ("paused", question)
    api.answer("p", value=True, store=store)
    assert answered(request) is True
    assert api.show("p", store=store).status == "running"


def test_an_answer_is_for_its_own_question_alone(store, request_of, asked, answered):
    """Another position, another run and another text are other questions; an answer to another id is refused."""
    first = asked(request_of())
    api.answer("p", value=True, store=store)
    others = [
        asked(request_of(), Context(position=1)),
        asked(request_of(), Context(current_run_id="2")),
        asked(request_of(message="Really?")),
    ]
    assert len({question.id for question in (first, *others)}) == 4
    with pytest.raises(AnswerRefused):
        api.answer("p", value=True, request_id=first.id, store=store)
    assert answered(request_of()) is True


def test_an_answer_that_became_a_checkpoint_is_used_up(store, models, request_of, asked, answered):
    """When the checkpoint of an answer is gone the question is asked again, as another one."""
    first = asked(request_of())
    api.answer("p", value=True, store=store)
    response = HITLHandler(store).request_interaction("p", request_of(), Context())
    storage = StorageBackend(store)
    metadata = storage.load_procedure_metadata("p")
    entry = models.CheckpointEntry(position=0, type="hitl_approval", result=response, timestamp=response.responded_at)
    metadata.execution_log.append(entry)
    storage.save_procedure_metadata("p", metadata)
    storage.checkpoint_clear_all("p")
    assert asked(request_of()).id != first.id


@pytest.fixture
def people(store, request_of, asked, answered):
    """The three functions and the store together."""
    return SimpleNamespace(store=store, request_of=request_of, asked=asked, answered=answered)


LABELS = [{"label": "Approve", "type": "action"}, {"label": "Drop", "type": "cancel"}]
ITEMS = [
    {"item_id": "where", "label": "W", "request_type": "select", "message": "Where?", "options": [{"label": "a"}]},
    {"item_id": "sure", "label": "S", "request_type": "approval", "message": "Sure?", "default_value": True},
    {"item_id": "note", "label": "N", "request_type": "input", "message": "", "required": False, "metadata": {}},
]


@pytest.mark.parametrize(
    ("fields", "answer", "value"),
    [
        ({"request_type": "approval", "default_value": True}, False, False),
        ({"request_type": "input", "metadata": {"placeholder": "name"}}, "Ada", "Ada"),
        ({"request_type": "input", "metadata": {"response_schema": {"type": "integer"}}}, 7, 7),
        ({"request_type": "select", "options": [{"label": "A", "value": 1}, {"label": "B", "value": 2}]}, "B", 2),
        (
            {"request_type": "select", "default_value": [], "options": [{"label": "a"}, {"label": "b"}],
             "metadata": {"mode": "multiple", "min": 1, "max": None}}, ["b"], ["b"],
        ),
        (
            {"request_type": "review", "options": LABELS, "metadata": {"artifact": "x", "artifact_type": "document"}},
            {"decision": "Approve", "edited_artifact": "y"},
            {"decision": "Approve", "feedback": "", "edited_artifact": "y"},
        ),
        (
            {"request_type": "review", "metadata": {"artifact": {"a": [1]}, "artifact_type": "artifact"}},
            "reject",
            {"decision": "reject", "feedback": "", "edited_artifact": None},
        ),
        (
            {"request_type": "inputs", "default_value": {}, "metadata": {"items": ITEMS}},
            {"where": "a", "sure": False},
            {"where": "a", "sure": False, "note": None},
        ),
        ({"request_type": "escalation", "metadata": {"severity": "critical", "context": {}}}, "done", None),
    ],
)  # fmt: skip
def test_each_type_has_its_form(people, fields, answer, value):
    """Every type of request that Tactus makes is one of our questions, and its answer is what Tactus's call returns."""
    question = people.asked(people.request_of(**fields))
    api.answer("p", answer, question.id, store=people.store)
    assert people.answered(people.request_of(**fields)) == value


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"default_value": True}, True),
        ({"request_type": "input"}, None),
        ({"request_type": "input", "default_value": "Ada"}, "Ada"),
        ({"request_type": "select", "options": [{"label": "a"}], "default_value": [],
          "metadata": {"mode": "multiple", "min": 1}}, []),
        ({"request_type": "review", "options": LABELS, "default_value": {"decision": "approve"}},
         {"decision": "Approve", "feedback": "", "edited_artifact": None}),
    ],
)  # fmt: skip
def test_the_default_is_taken_when_the_time_is_over(people, fields, value):
    """Tactus's default is what its call returns after the timeout, a decision by the label of its option."""
    request = people.request_of(timeout_seconds=0, **fields)
    response = HITLHandler(people.store).request_interaction("p", request, Context())
    assert (response.value, response.timed_out) == (value, True)
    assert people.answered(request) == value


def test_a_pending_question_can_be_looked_at(store, request_of, asked):
    """`check_pending_response` gives nothing while a question is open, then its answer, and the default on expiry."""
    handler = HITLHandler(store)
    assert handler.check_pending_response("p", "unknown") is None
    question = asked(request_of())
    assert handler.check_pending_response("p", question.id) is None
    assert handler.check_pending_response("p", "unknown") is None
    api.answer("p", value=True, store=store)
    found = handler.check_pending_response("p", question.id)
    assert (found.value, found.timed_out) == (True, False)
    late = asked(request_of(timeout_seconds=1, default_value=True), Context(position=1))
    time.sleep(max(0.0, late.expires_at - time.time()))
    found = handler.check_pending_response("p", late.id)
    assert (found.value, found.timed_out) == (True, True)


def test_a_question_can_be_withdrawn(store, request_of, asked, answered):
    """A withdrawn question takes no answer and is open no more; asked again it is another one."""
    handler = HITLHandler(store)
    question = asked(request_of())
    handler.cancel_pending_request("p", question.id)
    handler.cancel_pending_request("other", question.id)
    assert handler.check_pending_response("p", question.id) is None
    assert api.show("p", store=store).pending is None
    with pytest.raises(AnswerRefused):
        api.answer("p", value=True, store=store)
    again = asked(request_of())
    assert again.id != question.id
    api.answer("p", value=True, store=store)
    handler.cancel_pending_request("p", again.id)
    assert answered(request_of()) is True


def test_scripted_answers_need_nobody(store, request_of, answered, monkeypatch, tmp_path):
    """A list, a dict, a function or the file of the environment answers at once; TIMEOUT takes the default."""
    assert answered(request_of(), answers=[True]) is True
    assert answered(request_of(message="b"), Context(1), answers={"b": True}) is True
    assert answered(request_of(default_value=True), Context(2), answers=lambda request: TIMEOUT) is True
    (tmp_path / "answers.json").write_text(json.dumps({"Who?": "Ada"}))
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", str(tmp_path / "answers.json"))
    assert answered(request_of("input", "Who?"), Context(3)) == "Ada"


def test_what_does_not_fit_is_a_hitl_error(store, request_of, exceptions):
    """A type without a form, an answer that does not fit and a default that is no option are said in a sentence."""
    wrong = {"options": [{"label": "a"}], "default_value": "b"}
    for request, answers, said in [
        (request_of("upload"), None, "no form for a request of type 'upload'"),
        (request_of(), ["perhaps"], "Approve or reject"),
        (request_of("select", **wrong), None, "default"),
        (request_of("inputs", metadata={"items": [{"item_id": "x", "request_type": "upload"}]}), None, "'upload'"),
    ]:
        with pytest.raises(exceptions.HITLError, match=said):
            HITLHandler(store, answers=answers).request_interaction("p", request, Context())


def test_blocking_waits_for_an_answer_from_elsewhere(store, request_of):
    """Without a front end a blocking handler waits in the call until the store has the answer."""
    answers = []
    handler = HITLHandler(store, blocking=True)
    waiting = threading.Thread(target=lambda: answers.append(handler.request_interaction("p", request_of(), Context())))
    waiting.start()
    while not store.journals("p") or not store.open_requests(store.journals("p")[0].id):
        time.sleep(0.01)
    assert api.show("p", store=store).status == "paused"
    api.answer("p", value=True, store=store)
    waiting.join(PATIENCE)
    assert answers[0].value is True


def test_it_is_answered_by_the_command_line(tmp_path, request_of, exceptions, capsys):
    """`show` tells the question; `answer` keeps the answer, also with `--resume`, for Tactus's runtime."""
    url = str(tmp_path / "runs.db")
    with pytest.raises(exceptions.ProcedureWaitingForHuman):
        HITLHandler(url).request_interaction("p", request_of(), Context())
    assert main(["show", "p", "--store", url]) == 0
    assert "Sure?" in capsys.readouterr().out
    assert main(["answer", "p", "yes", "--resume", "--store", url]) == 0
    assert "answered: Sure?" in capsys.readouterr().err
    assert HITLHandler(url).request_interaction("p", request_of(), Context()).value is True


@pytest.fixture
def type_at_terminal(monkeypatch):
    """Makes a real terminal the process's own, at which these characters have been typed."""
    opened = []

    def typed(characters: str) -> None:
        typing, terminal = os.openpty()
        os.write(typing, characters.encode())
        opened.extend([os.fdopen(terminal, "r"), os.fdopen(os.dup(terminal), "w"), os.fdopen(typing, "rb", 0)])
        monkeypatch.setattr("sys.stdin", opened[0])
        monkeypatch.setattr("sys.stdout", opened[1])
        monkeypatch.setenv("TERM", "dumb")

    yield typed
    for each in opened:
        each.close()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")
@pytest.mark.parametrize(("typed", "value"), [("perhaps\nyes\n", True), ("\x04", None)])
def test_blocking_asks_at_a_terminal(store, request_of, type_at_terminal, exceptions, typed, value):  # noqa: PLR0917
    """At a terminal a blocking handler prompts, again after what does not fit; the end of input is an answer later."""
    type_at_terminal(typed)
    handler = HITLHandler(store, blocking=True)
    if value is None:
        with pytest.raises(exceptions.ProcedureWaitingForHuman):
            handler.request_interaction("p", request_of(), Context())
        return
    assert handler.request_interaction("p", request_of(), Context()).value is value
    assert api.show("p", store=store).answers[0].channel == "terminal"


def test_blocking_ends_with_the_time(store, request_of):
    """A blocking handler takes the default when nobody has answered in time."""
    response = HITLHandler(store, blocking=True).request_interaction("p", request_of(timeout_seconds=1), Context())
    assert (response.value, response.timed_out) == (False, True)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), min_size=1, max_size=6))
def test_any_row_of_questions_comes_to_its_end(models, exceptions, script):
    """Left at each question and run again from the top, every call gets the answer that was given to it."""
    store = MemoryStore()

    def run():
        handler, storage = HITLHandler(store), StorageBackend(store)
        metadata, values = storage.load_procedure_metadata("p"), []
        for position, (message, _) in enumerate(script):
            if position < len(metadata.execution_log):
                values.append(metadata.execution_log[position].result.value)
                continue
            request = models.HITLRequest(request_type="approval", message=message)
            result = handler.request_interaction("p", request, Context(position))
            entry = models.CheckpointEntry(
                position=position, type="hitl_approval", result=result, timestamp=result.responded_at
            )
            metadata.execution_log.append(entry)
            storage.save_procedure_metadata("p", metadata)
            values.append(result.value)
        return values

    for message, value in script:
        with pytest.raises(exceptions.ProcedureWaitingForHuman):
            run()
        assert [each.message for each in [api.show("p", store=store).pending] if each] == [message]
        api.answer("p", value, store=store)
    assert run() == [value for _, value in script]
