"""A kernel that dies: with a store on disk the run goes on where it was."""

from __future__ import annotations

import time

import pytest

from lua_procedures import api

from .kernels import RELEASE

pytestmark = pytest.mark.kernel

DRAW = 'local n = Step.run("draw", function() return math.random(1, 2^53) end)\n'


@pytest.fixture
def kernel(start_kernel):
    return start_kernel()


@pytest.fixture
def store(tmp_path):
    """The store's address, as the option line has it."""
    return f"sqlite:///{tmp_path / 'runs.db'}"


def test_the_same_question_is_open_after_a_restart(kernel, store):
    """Killed on an open form, the next kernel asks the same question with the same times; no step ran twice."""
    program = DRAW + 'return {n, Human.approve{message = "Take " .. n .. "?", timeout = 600}}'
    code = f"%%procedure draws --store {store} -o r\n{program}"
    before = kernel.form(kernel.begin(code))
    asked = api.open_request("draws", store=store)
    kernel.restart()
    cell = kernel.begin(code)
    after = kernel.form(cell)
    assert (after.id, after.message) == (before.id, before.message)
    assert after.state["request"] == before.state["request"]
    assert api.open_request("draws", store=store) == asked
    kernel.press(after)
    kernel.finish(cell)
    number, taken = kernel.value("r.value")
    assert (f"Take {number}?", taken) == (before.message, True)
    assert "kept 1, ran 1" in cell.record
    kernel.restart()
    assert "kept 2, ran 0" in kernel.run(code).record


def test_the_release_goes_on_after_each_kill(kernel, store):
    """Killed at each question, the quickstart comes to the same end."""
    code = f'%%procedure release -p version="2.1.0" --store {store} -o r\n{RELEASE}'
    kernel.form(kernel.begin(code))
    kernel.restart()
    cell = kernel.begin(code)
    review = kernel.form(cell)
    assert review.message == "Release notes"
    kernel.press(review)
    kernel.form(cell, after=review)
    kernel.restart()
    cell = kernel.begin(code)
    sure = kernel.form(cell)
    assert sure.message == "Ship 2.1.0?"
    kernel.press(sure)
    kernel.finish(cell)
    assert "kept 2, ran 1" in cell.record
    assert kernel.value("r.value") == {"shipped": True, "notes": ["faster", "safer"], "collected": 1}


def test_a_question_expires_while_the_kernel_is_away(kernel, store):
    """The time counts from the first asking: the next kernel takes the default at once, and says so."""
    code = (
        f'%%procedure away --store {store} -o r\nreturn Human.approve{{message = "Sure?", default = true, timeout = 2}}'
    )
    kernel.form(kernel.begin(code))
    asked = api.open_request("away", store=store)
    kernel.restart()
    time.sleep(max(0.0, (asked.expires_at or 0) - time.time()))
    cell = kernel.run(code)
    assert kernel.value("[(r.value, a.request_id, a.timed_out) for a in r.answers]") == [(True, asked.id, True)]
    assert "timed out" in cell.record


def test_a_question_answered_while_the_kernel_is_away(kernel, store):
    """An answer given elsewhere is there when the cell runs again; nothing is asked."""
    code = f'%%procedure answered --store {store} -o r\n{DRAW}return Human.input{{message = "Who?"}}'
    kernel.form(kernel.begin(code))
    kernel.restart()
    api.answer("answered", "Ada", store=store)
    kernel.run(code)
    assert kernel.value("(r.value, r.status)") == ("Ada", "completed")


def test_a_paused_run_is_resumed_by_name(kernel, store):
    """`%procedures` finds it in the store; `answer` goes on from the program that is kept there."""
    program = 'return {input.who, Human.approve{message = "Sure?"}}'
    kernel.run(f'%%procedure named --store {store} --no-wait -p who="Ada"\n{program}')
    kernel.restart()
    assert "named  paused" in kernel.run(f"%procedures --store {store}").texts[0]
    assert "Sure?" in kernel.run(f"%procedures show named --store {store}").texts[0]
    kernel.run(f"%procedures answer named no --store {store}")
    assert kernel.value("_.value") == ["Ada", False]
    assert "named  completed" in kernel.run(f"%procedures --store {store}").texts[0]


def test_a_run_in_memory_is_gone(kernel):
    """The default store ends with the kernel, and a waiting run's record says how to keep it."""
    code = '%%procedure forgotten --no-wait\nreturn Human.approve{message = "Sure?"}'
    assert "--store forgotten.db" in kernel.run(code).record
    kernel.restart()
    assert kernel.run("%procedures").texts == ["no runs"]
    assert kernel.run("%procedures show forgotten").reply["ename"] == "StoreError"


def test_a_store_by_its_file_name_is_in_the_notebooks_folder(kernel, tmp_path):
    """`--store runs.db` is a file beside the notebook."""
    kernel.run("%%procedure filed --store runs.db\nreturn Step.run('a', function() return 1 end)")
    assert (tmp_path / "runs.db").exists()
    kernel.restart()
    cell = kernel.run("%%procedure filed --store sqlite:///runs.db\nreturn Step.run('a', function() return 1 end)")
    assert "kept 1, ran 0" in cell.record
