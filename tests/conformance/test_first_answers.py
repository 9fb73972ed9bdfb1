"""Who is first: an answer here, an answer from elsewhere, or the end of the time; and what the others are told."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from lua_procedures import AnswerRefused, HumanRequest, answer, arun, resume, run
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.human.responders import Deliver
from lua_procedures.rendering.record import record_text

ASK = 'return Human.input{message = "Name?"}'
TIMED = 'return Human.input{message = "Name?", timeout = %s, default = "nobody"}'
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


class Person:
    """Somebody who answers as soon as they are asked, once they have done what else there is to do.

    Args:
        says: the answer; None never answers.
        first: is done before.
    """

    channel = "form"

    def __init__(self, says: object, first: Callable[[], object] = lambda: None) -> None:
        self._says, self._first = says, first
        self.told: list[str] = []

    def ask(self, request: HumanRequest, deliver: Deliver) -> Person:
        self._first()
        if self._says is not None:
            deliver(self._says)
        return self

    def refuse(self, error: AnswerRefused) -> None:
        self.told.append(str(error))

    def close(self, how: str) -> None:
        self.told.append(how)


@pytest.fixture
def store():
    return MemoryStore()


def held(person, program, store):
    """A run that waits for that person."""
    return asyncio.run(arun(program, name="r", store=store, responder=person))


def question(program, store):
    """The question that the run waits for, once it was asked."""
    return run(program, name="r", store=store).pending


def test_an_answer_from_elsewhere_that_is_first(store):
    """Of two answers the run takes the one that was kept first, also where it learns of the other one first."""
    person = Person("here", lambda: answer("r", "elsewhere", store=store, channel="command line"))
    ran = held(person, ASK, store)
    assert (ran.value, ran.answers[0].channel) == ("elsewhere", "command line")
    assert person.told == ["answered from the command line"]
    assert resume("r", store=store).value == "elsewhere"


def test_the_second_is_told_who_was_first_and_when(store):
    """An answer to a question that has one says by which channel it came, and when."""
    asked = question(ASK, store)
    answer("r", "first", store=store, channel="command line")
    for named in (None, asked.id):
        with pytest.raises(AnswerRefused, match=f"answered already, from the command line, at {MOMENT}"):
            answer("r", "second", named, store=store)
    ran = resume("r", store=store)
    assert ran.value == "first"
    with pytest.raises(AnswerRefused, match="from the command line"):
        answer("r", "second", asked.id, store=store)
    with pytest.raises(AnswerRefused, match="it is completed"):
        answer("r", "second", store=store)


def test_the_answer_of_a_scripted_run_is_refused_to_others(store):
    """What a script or the default answered is no question any more, and who answered is said of these, too."""
    asked = question(TIMED % 600, store)
    run(TIMED % 600, name="r", store=store, answers=["Ada"])
    with pytest.raises(AnswerRefused, match="by a script"):
        answer("r", "late", asked.id, store=store)


def test_a_second_answer_goes_to_no_older_question(store):
    """A question of a program that was edited since does not take what was meant for the answered one."""
    old = question('return Human.input{message = "Old?"}', store)
    run(ASK, name="r", store=store)
    answer("r", "first", store=store)
    with pytest.raises(AnswerRefused, match="Name"):
        answer("r", "second", store=store)
    assert {each.id: each.answer is None for each in store.requests(1)}[old.id]


def test_an_answer_that_comes_too_late_here(store):
    """What is delivered after the expiry, because nothing could turn before, is no answer."""
    person = Person("late", lambda: time.sleep(0.3))
    ran = held(person, TIMED % 0.2, store)
    assert (ran.value, ran.answers[0].timed_out) == ("nobody", True)
    assert person.told == ["timed out: nobody"]


def test_an_answer_elsewhere_in_time_is_before_the_expiry_here(store):
    """The end of the time finds the answer that was kept before it, though nobody had looked yet."""
    given = Person(None, lambda: answer("r", "in time", store=store))
    ran = held(given, TIMED % 0.3, store)
    assert (ran.value, ran.answers[0].timed_out) == ("in time", False)
    assert given.told == ["answered from Python"]


def test_a_clock_that_is_set_back_does_not_prolong_the_wait(store, monkeypatch):
    """The default is taken after the seconds that were said, though the clock says that it is too early."""
    real = time.time
    person = Person(None, lambda: monkeypatch.setattr(time, "time", lambda: real() - 3600))
    ran = held(person, TIMED % 0.3, store)
    assert (ran.value, ran.answers[0].channel) == ("nobody", "expiry")


def test_a_clock_that_was_set_back_while_away(store, monkeypatch):
    """A question asked in what is now the future is waited for no longer than its timeout."""
    real = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: real() + 3600)
        run(TIMED % 0.3, name="r", store=store)
    assert held(Person(None), TIMED % 0.3, store).value == "nobody"


def test_the_refusal_of_a_late_answer_says_when_it_was_too_late(store):
    """An answer after the expiry is told since when."""
    asked = question(TIMED % 0.01, store)
    time.sleep(max(0.0, asked.expires_at - time.time()))
    with pytest.raises(AnswerRefused, match=f"timed out at {MOMENT}"):
        answer("r", "late", store=store)
    taken = resume("r", store=store).answers[0]
    assert taken.timed_out
    with pytest.raises(AnswerRefused, match=f"timed out at {MOMENT}"):
        answer("r", "late", asked.id, store=store)


def test_every_answer_has_its_channel_and_time(store):
    """Each way to answer is recorded under its name, with the time, and replays so."""
    program = """
return {Human.input("a"), Human.input("b"), Human.input("c"), Human.input{message = "d", timeout = 0, default = "x"}}
"""
    began = time.time()
    run(program, name="r", store=store, answers=["1"])
    answer("r", "2", store=store)
    ran = held(Person("3"), program, store)
    assert [each.channel for each in ran.answers] == ["scripted", "python", "form", "expiry"]
    assert all(began <= each.responded_at <= time.time() for each in ran.answers)
    again = resume("r", store=store)
    assert again.answers == ran.answers
    assert re.search(r'b.*"2" \(from Python\)', record_text(again))
