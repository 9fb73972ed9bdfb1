"""Answers that need no person: scripted ones, those of a file, and defaults on expiry."""

from __future__ import annotations

import json
import time

import pytest

from lua_procedures import (
    TIMEOUT,
    AnswerRefused,
    UsageError,
)
from lua_procedures.durable.stores import open_store

from .cells import Cell, messages


@pytest.fixture(params=["memory", "sqlite"])
def cell(request, tmp_path):
    cell = Cell(open_store(str(tmp_path / "runs.db")) if request.param == "sqlite" else None)
    yield cell
    cell.store.close()


ASK = 'return Human.approve{message = "Deploy?"}'
TWO = 'return {Human.input{message = "Name?", config_key = "who"}, Human.approve("Sure?")}\n'
DECLARED = 'Hitl("who", {placeholder = "a name"})\n' + TWO


def test_a_list_answers_what_is_not_answered_yet(cell):
    """In order, one for each question; replayed questions take none."""
    assert cell(DECLARED, answers=["Ada"]).status == "paused"
    assert cell(DECLARED, answers=[True]).value == ["Ada", True]


@pytest.mark.parametrize("name", ["who", "Name?"])
def test_a_dict_answers_by_message_or_config_key(cell, name):
    """What it does not name stays open."""
    paused = cell(DECLARED, answers={name: "Ada"})
    assert paused.pending.message == "Sure?"
    assert cell(DECLARED, answers={"Sure?": False}).value == ["Ada", False]


def test_a_callable_answers_requests(cell):
    """It gets the whole request; None is no answer."""
    asked = []

    def answer(request):
        asked.append(request)
        return "Ada" if request.kind == "input" else None

    assert cell(DECLARED, answers=answer).pending.kind == "approve"
    assert [(each.message, each.placeholder, each.config_key) for each in asked] == [
        ("Name?", "a name", "who"),
        ("Sure?", None, None),
    ]


def test_none_in_a_list_leaves_the_question_open(cell):
    """The list's next value is for the next question."""
    assert cell(TWO.replace(', config_key = "who"', ""), answers=[None, True]).pending.message == "Name?"


def test_timeout_lets_a_question_expire_now(cell):
    """`TIMEOUT` takes the default, which is recorded as timed out."""
    program = "return Human.select{message = '?', options = {'a', 'b'}, default = 'b'}"
    cell(program, answers=[TIMEOUT])
    ran = cell.twice(program)
    assert ran.value == "b"
    assert ran.answers[0].timed_out is True


DEFAULTS = """
return {Human.approve{message = "1", default = true}, Human.approve("2"), Human.input{message = "3", default = "d"},
        Human.input("4") == nil, Human.select{message = "5", options = {"a", "b"}} == nil,
        Human.review{message = "6", artifact = "x"}.decision, Human.review{message = "7", default = "approve"}.decision}
"""


def test_defaults_of_all_questions(cell):
    """`answers="default"` takes every default at once: nil, false and reject where none was given."""
    ran = cell(DEFAULTS, answers="default")
    assert ran.value == [True, False, "d", True, True, "reject", "approve"]
    assert {each.channel for each in ran.answers} == {"default"}


def test_defaults_taken_by_script_count_only_with_that_option(cell):
    """Without it the question is asked."""
    cell(ASK, answers="default")
    assert cell(ASK, answers="default").executed == 0
    assert cell(ASK).status == "paused"
    assert cell(ASK, answers=[True]).value is True
    assert cell(ASK).value is True


def test_answers_come_from_the_environment(cell, tmp_path, monkeypatch):
    """`LUA_PROCEDURES_ANSWERS` names a JSON file; answers given with the call win."""
    (tmp_path / "answers.json").write_text(json.dumps({"Deploy?": False}), encoding="utf-8")
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", str(tmp_path / "answers.json"))
    assert cell(ASK).value is False
    assert cell(ASK, answers=[True], fresh=True).value is True
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", str(tmp_path / "missing.json"))
    assert isinstance(cell.fails(ASK), UsageError)


@pytest.mark.parametrize(("answers", "unused"), [([True, 1, 2], "1, 2"), ({"Deploy?": True, "x": 1}, '"x"')])
def test_answers_nobody_asked_for_are_a_warning(cell, answers, unused):
    """When the run ends they are named in the notices."""
    assert unused in messages(cell(ASK, answers=answers), "warning")[0]


@pytest.mark.parametrize("answers", ["yes", 5, True])
def test_answers_have_a_known_form(cell, answers):
    """Anything but a list, a dict, a callable or "default" is an error before anything runs."""
    assert isinstance(cell.fails(ASK, answers=answers), UsageError)


# -- expiry ------------------------------------------------------------------------------------------------


def test_a_question_that_expired_while_away_takes_its_default(cell):
    """The time counts from the first asking, across passes, and the default is recorded as timed out."""
    program = "return Human.input{message = 'Name?', timeout = 0.3, default = 'nobody'}"
    first = cell(program).pending
    assert first.expires_at == pytest.approx(first.asked_at + 0.3)
    until(first.expires_at - 0.15)
    assert cell(program).pending in (None, first)  # on a slow machine it has expired meanwhile
    until(first.expires_at)
    ran = cell(program)
    assert (ran.value, ran.answers[0].timed_out, ran.answers[0].channel) == ("nobody", True, "expiry")
    assert cell.twice(program).value == "nobody"


def test_an_answer_in_time_counts_after_the_expiry(cell):
    """What was answered before the expiry is the answer, however late the run goes on."""
    program = "return Human.input{message = 'Name?', timeout = 2, default = 'nobody'}"
    asked = cell(program).pending
    cell.answer("Ada")
    until(asked.expires_at)
    assert cell(program).value == "Ada"


def test_an_answer_after_the_expiry_is_too_late(cell):
    """On its expiry the default is taken: a later answer is refused."""
    program = "return Human.input{message = 'Name?', timeout = 0.05, default = 'nobody'}"
    until(cell(program).pending.expires_at)
    with pytest.raises(AnswerRefused):
        cell.answer("late")
    assert cell(program).value == "nobody"


def until(moment):
    """Sleep until that time of day."""
    time.sleep(max(0.0, moment - time.time()))
