"""One pass of a run at a time, stops that are not lost, and answers that go on where they were."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from lua_procedures import AnswerRefused, DivergenceError, LimitExceeded, arun, run
from lua_procedures.jobs import Job, drive

from .cells import messages


def test_a_new_pass_stops_the_one_that_is_driven():
    """Two passes of one run in one process: the later one goes on from what the earlier one finished."""
    program = "local a = Step.run('charge', function() return os.clock() end) hold() return a"

    async def both():
        held = asyncio.Event()

        async def hold() -> None:
            if not held.is_set():
                held.set()
                await asyncio.sleep(3600)

        first = asyncio.ensure_future(arun(program, name="charged", tools=[hold]))
        await held.wait()
        second = await arun(program, name="charged", tools=[hold])
        return await asyncio.gather(first, return_exceptions=True), second

    (first,), second = asyncio.run(both())
    assert isinstance(first, asyncio.CancelledError)
    assert [(each.name, each.replayed) for each in second.checkpoints][:1] == [("charge", True)]


def test_scripted_answers_go_on_where_they_were():
    """A job that pauses and goes on does not begin its list of answers again."""
    program = "local t = {} for i = 1, 4 do t[i] = Human.input('Q' .. i) end return t"

    async def both():
        job = Job(source=program, name="listed", answers=["a", "b"])
        await drive(job)
        return await drive(job)

    paused = asyncio.run(both())
    assert (paused.status, paused.pending.message) == ("paused", "Q3")


def test_strict_leaves_no_cut_behind(cell):
    """A refused program that cuts has cut nothing, also not for the runs after it."""
    program = "local a = Step.run('a', function() return 1 end) return a + Step.run('b', function() return 2 end)"
    cell(program)
    with pytest.raises(DivergenceError):
        cell(f"Checkpoint.clear_all() {program}", strict=True)
    assert [cell(program).executed for _ in range(3)] == [0, 0, 0]


def test_a_cut_of_a_program_that_was_given_up_does_not_count(cell):
    """It was met in a pass that never ended; the program without it keeps everything."""
    program = "local a = Step.run('a', function() return 1 end) return a + Step.run('b', function() return 2 end)"
    cell(program)
    cell(f"Checkpoint.clear_all() Human.approve('Go?') {program}")
    assert [cell(program).executed for _ in range(3)] == [0, 0, 0]


def test_the_answer_is_for_the_question_of_the_last_pass(cell):
    """A question of a program that was edited since does not take it."""
    for question in ("A?", "B?", "A?"):
        cell(f"return Human.approve('{question}')")
    cell.answer(value=True)
    assert cell("return Human.approve('A?')").value is True


def test_a_completed_run_takes_no_answer(cell):
    """Also where a question of an earlier program was never answered."""
    cell("return Human.approve('A?')")
    cell("return 1")
    with pytest.raises(AnswerRefused, match="completed"):
        cell.answer(value=True)


@pytest.mark.parametrize(
    "program",
    ["Sleep(3600) return 1", "return Human.input('?')", "while true do end"],
)
def test_a_stop_is_never_lost(program):
    """It ends a blocking sleep, a scripted answer that takes its time, and a loop."""
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])

    def slow(_request):
        time.sleep(3600)

    def begin() -> None:
        timer.start()

    async def inside():  # a running loop: the run blocks
        return run(f"begin() {program}", answers=slow, tools=[begin])

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(inside())
    timer.join()


def test_a_fault_of_the_host_is_not_dropped_near_the_end(cell):
    """A program that shows too much right before it ends has failed."""
    with pytest.raises(LimitExceeded):
        cell("print(('x'):rep(20000000)) return 1")


def test_a_redo_of_nothing_is_told(cell):
    """A name that no checkpoint has is a warning, not silence."""
    cell("return Step.run('s', function() return 1 end)")
    told = messages(cell("return Step.run('s', function() return 1 end)", redo="t"), "warning")
    assert told == ["--redo t: no checkpoint has that name or path"]
