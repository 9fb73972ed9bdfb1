"""Waiting for a person: in the cell, later, elsewhere, or until the time is over."""

from __future__ import annotations

import time

import pytest

from lua_procedures import api

from .outputs import WIDGET

pytestmark = pytest.mark.kernel

ASK = 'return Human.approve{message = "Sure?"}'
ASK_TWICE = (
    'local a = Human.input{message = "First?"}\nlocal b = Human.input{message = "Second?"}\nreturn a .. "-" .. b'
)


def test_queued_cells_wait(kernel):
    """A cell sent while a form is open runs after the answer, in order."""
    asking = kernel.begin(f"%%procedure queued -o r\n{ASK}")
    form = kernel.form(asking)
    queued = kernel.begin("print(r.value)")
    kernel.listen(1)
    assert not asking.done
    assert not queued.outputs
    kernel.press(form)
    kernel.finish(queued)
    assert asking.done
    assert queued.printed == "True\n"


def test_an_answer_that_does_not_fit_keeps_the_question(kernel):
    """The form shows a problem at the field, the same one again for the same answer, and takes a good one after."""
    program = 'return Human.input{message = "Age?", response_schema = {type = "integer", minimum = 18}}'
    cell = kernel.begin(f"%%procedure unfit\n{program}")
    form = kernel.form(cell)
    for sent in ("seven", "7"):
        kernel.press(form, fields={"": sent})
        kernel.wait(lambda: form.state["problems"].get(""))
        assert form.state["phase"] == "open"
        assert not cell.done
        form.state["problems"] = {}
    kernel.press(form, fields={"": "42"})
    kernel.finish(cell)
    assert kernel.value("_.value") == 42


def test_one_question_after_the_other(kernel):
    """Each question has a form of its own; no form is left at the end."""
    cell = kernel.begin(f"%%procedure two\n{ASK_TWICE}")
    first = kernel.form(cell)
    kernel.press(first, fields={"": "a"})
    second = kernel.form(cell, after=first)
    assert (first.message, second.message) == ("First?", "Second?")
    assert first.id != second.id
    kernel.press(second, fields={"": "b"})
    kernel.finish(cell)
    assert kernel.value("_.value") == "a-b"
    assert WIDGET not in cell.mime_types


def test_a_second_press_answers_nothing_else(kernel):
    """Pressing twice does not answer the next question."""
    cell = kernel.begin(f"%%procedure pressed-twice\n{ASK_TWICE}")
    first = kernel.form(cell)
    kernel.press(first, fields={"": "a"})
    kernel.press(first, fields={"": "oops"})
    second = kernel.form(cell, after=first)
    kernel.listen(0.5)
    assert not cell.done
    kernel.press(second, fields={"": "b"})
    kernel.finish(cell)
    assert kernel.value("_.value") == "a-b"


def test_expiry_takes_the_default(kernel):
    """A form that nobody answers in time closes itself; the default is the answer and the record says so."""
    cell = kernel.run('%%procedure expires\nreturn Human.approve{message = "Sure?", default = true, timeout = 1}')
    assert kernel.value("_.value") is True
    assert kernel.value("[(a.value, a.timed_out) for a in _.answers]") == [(True, True)]
    assert "timed out" in cell.record
    assert WIDGET not in cell.mime_types
    again = kernel.run('%%procedure expires\nreturn Human.approve{message = "Sure?", default = true, timeout = 1}')
    assert "kept 1, ran 0" in again.record


def test_later_frees_the_kernel(kernel):
    """`Later` ends the cell with a paused run; the form stays, and its answer goes on in the same output."""
    cell = kernel.begin(f"%%procedure later -o r\n{ASK}")
    form = kernel.form(cell)
    kernel.later(form)
    kernel.finish(cell)
    assert cell.reply["status"] == "ok"
    assert kernel.value("r.status") == "paused"
    assert form.state["phase"] == "later"
    assert WIDGET in cell.mime_types
    assert kernel.run("print(1 + 1)").printed == "2\n"
    kernel.press(form, 1)
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("(r.status, r.value)") == ("completed", False)
    assert WIDGET not in cell.mime_types
    assert cell.kinds == ["display_data"]


def test_no_wait_goes_on_in_the_same_output(kernel):
    """The cell ends at once, later cells run, and each answer goes on where the cell was, up to the record."""
    cell = kernel.run(f"%%procedure no-wait --no-wait -o r\n{ASK_TWICE}")
    assert kernel.value("(r.status, r.pending.message)") == ("paused", "First?")
    first = kernel.form(cell)
    between = kernel.run("print('between')")
    assert between.printed == "between\n"
    kernel.press(first, fields={"": "a"})
    second = kernel.form(cell, after=first)
    assert kernel.value("(r.status, r.pending.message)") == ("paused", "Second?")
    kernel.press(second, fields={"": "b"})
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("(r.status, r.value, r.pending)") == ("completed", "a-b", None)
    assert cell.kinds == ["display_data"]
    assert between.kinds == ["stream"]


def test_no_wait_refuses_an_answer_that_does_not_fit(kernel):
    """Also a form that no cell waits for shows the problem and keeps the question."""
    program = 'return Human.input{message = "Age?", response_schema = {type = "integer"}}'
    cell = kernel.run(f"%%procedure no-wait-unfit --no-wait -o r\n{program}")
    form = kernel.form(cell)
    kernel.press(form, fields={"": "many"})
    kernel.wait(lambda: form.state["problems"])
    kernel.press(form, fields={"": "3"})
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") == 3


def test_no_wait_shows_a_failure_in_the_same_output(kernel):
    """A program that fails after the answer has its error in the cell's output; the kernel lives on."""
    cell = kernel.run('%%procedure no-wait-fails --no-wait -o r\nHuman.approve{message = "Sure?"}\nerror("broken")')
    kernel.press(kernel.form(cell))
    kernel.wait(lambda: "failed" in cell.record)
    assert "broken" in cell.record
    assert kernel.value("r.status") == "failed"
    assert kernel.run("1").reply["status"] == "ok"


def test_running_a_waiting_cell_again_asks_the_same_question(kernel):
    """The same request, no second one; the form of the earlier output is done."""
    first = kernel.run(f"%%procedure asked-again --no-wait -o r\n{ASK}")
    form = kernel.form(first)
    asked = kernel.value("(r.pending.id, r.pending.asked_at)")
    second = kernel.run(f"%%procedure asked-again --no-wait -o r\n{ASK}")
    assert kernel.value("(r.pending.id, r.pending.asked_at)") == asked
    assert kernel.form(second).id == form.id == asked[0]
    assert WIDGET not in first.mime_types
    kernel.press(kernel.form(second))
    kernel.wait(lambda: "completed" in second.record)


def test_plan_leaves_an_open_form_alone(kernel):
    """`--plan` on a run that waits says that it would ask; the form and the run stay as they are."""
    cell = kernel.run(f"%%procedure planned --no-wait -o r\n{ASK}")
    form = kernel.form(cell)
    plan = kernel.run(f"%%procedure planned --plan\n{ASK}")
    assert "Sure?" in plan.record
    assert WIDGET not in plan.mime_types
    assert form.state["phase"] == "later"
    assert "planned: paused" in kernel.run("%procedures show planned").texts[0]
    kernel.press(form)
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") is True


def test_procedures_answers_what_a_form_asks(kernel):
    """`%procedures answer` goes on with a paused run, refuses what does not fit, and the form closes."""
    cell = kernel.run(f"%%procedure by-line --no-wait\n{ASK}")
    kernel.form(cell)
    refused = kernel.run("%procedures answer by-line perhaps")
    assert refused.reply["ename"] == "AnswerRefused"
    answered = kernel.run("%procedures answer by-line yes")
    assert "by-line: completed" in answered.record
    assert kernel.value("_.value") is True
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    assert kernel.run("%procedures answer by-line yes").reply["ename"] == "AnswerRefused"


def test_an_answer_from_another_process_is_taken(start_kernel, tmp_path):
    """A waiting cell looks into its store: the form closes and the run goes on with the answer given elsewhere."""
    kernel = start_kernel()
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    cell = kernel.begin(f"%%procedure elsewhere --store {store} -o r\n{ASK}")
    form = kernel.form(cell)
    assert api.open_request("elsewhere", store=store).id == form.id
    api.answer("elsewhere", value=False, store=store)
    kernel.finish(cell)
    assert kernel.value("(r.value, r.answers[0].channel)") == (False, "python")


def test_an_open_form_reads_as_text(kernel):
    """What is saved while a form is open says the question and how to answer it, without an object's address."""
    cell = kernel.run(f"%%procedure open-text --no-wait\n{ASK}")
    kernel.form(cell)
    assert "Sure?" in cell.record
    assert "%procedures answer open-text" in cell.record
    assert "0x" not in cell.record
    assert "Sure?" in cell.outputs[0]["data"]["text/html"]


def test_a_paused_run_goes_on_by_itself_when_its_question_expires(kernel):
    """With `--no-wait` the default is taken in time, in the same output, and no form is left."""
    cell = kernel.run("%%procedure expiring --no-wait -o e\nreturn Human.approve{message='?', timeout=1, default=true}")
    assert kernel.value("e.status") == "paused"
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("(e.value, e.answers[0].timed_out)") == (True, True)


@pytest.mark.parametrize("how", ["--no-wait", "later"])
def test_the_time_of_an_answered_question_is_over(kernel, how):
    """What a question was given has no part in the next one: that stays as it is, form and all, and takes an answer."""
    cell = kernel.begin(
        f"%%procedure in-time-{how.strip('-')} {how.replace('later', '')} -o r\n"
        'local a = Human.input{message = "First?", timeout = 5, default = "d"}\n'
        'local b = Human.input{message = "Second?"}\nreturn a .. "-" .. b'
    )
    first = kernel.form(cell)
    if how == "later":
        kernel.later(first)
    kernel.finish(cell)
    expires = kernel.value("r.pending.expires_at")
    kernel.press(first, fields={"": "a"})
    second = kernel.form(cell, after=first)
    kernel.wait(lambda: second.state["phase"] == ("open" if how == "later" else "later"))
    before = {**second.state, "panel": ""}
    kernel.listen(max(0, expires - time.time()) + 2)
    assert {**second.state, "panel": ""} == before
    assert WIDGET in cell.mime_types
    kernel.press(second, fields={"": "b"})
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") in ("a-b", "d-b")  # the latter where this machine was too slow to answer


def test_an_expired_question_says_that_nobody_answered(kernel):
    """A form that no pass waits for says which default was taken, when its time is over, and asks the next question."""
    cell = kernel.run(
        '%%procedure said --no-wait -o r\nlocal a = Human.input{message = "First?", timeout = 1, default = "d"}\n'
        'return a .. Human.input("Second?")'
    )
    first = kernel.form(cell)
    second = kernel.form(cell, after=first)
    assert "timed out: d" in first.state["outcome"]
    kernel.press(second, fields={"": "b"})
    kernel.wait(lambda: "completed" in cell.record)
    assert "answered in a form" in second.state["outcome"] or "completed" in second.state["outcome"]
    assert kernel.value("r.value") == "db"


@pytest.mark.parametrize(("one", "other"), [("--store a.db", "--store b.db"), ("--seed 1", "--seed 2")])
def test_runs_that_share_a_name_wait_side_by_side(kernel, one, other):
    """Another store, or other inputs, make another run: neither closes what the other asks, and both go on."""
    cells = [kernel.run(f"%%procedure same --no-wait {options} -o same\n{ASK}") for options in (one, other)]
    for cell, button, value in zip(cells, (0, 1), ("true", "false"), strict=True):
        assert "elsewhere" not in cell.record
        kernel.press(kernel.form(cell), button)
        kernel.wait(lambda cell=cell: "completed" in cell.record)
        assert value in cell.record


def test_a_paused_run_goes_on_by_itself_when_its_sleep_is_over(kernel):
    """With `--no-wait` a `Sleep` frees the kernel, and the run goes on in the same output afterwards."""
    cell = kernel.run("%%procedure napping --no-wait -o n\nSleep(1)\nreturn 5")
    assert kernel.value("n.status") == "paused"
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("n.value") == 5


def test_a_sleep_inside_another_magic_blocks(kernel):
    """Where nothing can be awaited a `Sleep` holds the cell and the run completes."""
    kernel.run("%%time\n%%procedure blocked -o b\nSleep(0.2)\nreturn 5")
    assert kernel.value("(b.status, b.value)") == ("completed", 5)


@pytest.mark.parametrize(
    ("browser", "cell", "stdin", "then"),
    [
        (True, "6f1c2d", True, "waits"),  # JupyterLab, Notebook 7, VS Code
        (True, None, True, "waits"),  # Colab, and notebooks that name no cell
        (True, "6f1c2d", False, "waits"),  # a front end that names its cells shows widgets, whatever it says of input
        (False, "6f1c2d", True, "waits"),  # a client in Python that executes a notebook's cell for a person
        (False, None, True, "pauses"),  # Jupyter console, Qt console, jupyter run
        (False, None, False, "fails"),  # nbclient, and so nbconvert, papermill, nbval, Voila
        (True, None, False, "fails"),  # code that a page runs in the background
    ],
)
def test_who_is_there(kernel, browser, cell, stdin, then):
    """What a front end sends tells whether a cell may wait for a click, can only be asked in text, or asks nobody."""
    name = f"there-{browser}-{cell}-{stdin}"
    kernel.is_browser = browser
    try:
        asking = kernel.begin(f"%%procedure {name} -o r\n{ASK}", cell=cell, allow_stdin=stdin)
    finally:
        kernel.is_browser = True
    if then == "waits":
        kernel.press(kernel.form(asking))
    kernel.finish(asking)
    assert asking.reply["status"] == ("error" if then == "fails" else "ok")
    assert kernel.value("r.status") == ("completed" if then == "waits" else "paused")
    if then == "pauses":
        assert f"%procedures answer {name} yes" in asking.record
        assert "completed" in kernel.run(f"%procedures answer {name} yes").record
