"""JupyterLab on an ipykernel where no click reaches a running cell: it ends, and the run goes on in its output."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .procedures import LOAD, LOOP, RELEASE, WIDGET, Cells

pytestmark = pytest.mark.browser

#: A program that says by a file that it has come to its endless loop.
ENDLESS = f'File.write("%s", "here")\n{LOOP}'


@pytest.fixture(scope="module")
def cells(open_shared_notebook, old_kernel):
    """A notebook on that kernel, which all tests here share."""
    return Cells(open_shared_notebook(LOAD, "", "", "", kernel=old_kernel))


def test_it_is_the_old_one(cells):
    """The kernel under test is of ipykernel 6."""
    assert cells.python("__import__('ipykernel').__version__") == "6.30.1"


def test_the_release_goes_on_in_its_own_output(cells, shot):
    """The form shows, the cell ends, queued cells run, and each answer goes on up to the record."""
    cells.begin(RELEASE)
    cells.begin("print('next ran')", 2)
    form = cells.form("Release notes")
    cells.notebook.wait_for_text(2, "next ran")
    expect(cells.notebook.cell_output(1)).to_contain_text("The kernel is free")
    expect(form.get_by_role("button", name="Later")).to_be_hidden()
    assert cells.python("(run.status, run.pending.message)") == ("paused", "Release notes")
    assert WIDGET not in cells.saved_output()
    shot(cells.notebook, "free")
    form.get_by_label("Feedback").fill("so far, so good")
    cells.press("Approve")
    cells.form("Ship 2.1.0?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    shot(cells.notebook, "record")
    assert cells.python("(run.value['shipped'], run.answers[0].value['feedback'])") == (True, "so far, so good")
    assert WIDGET not in cells.saved_output()


def test_a_problem_at_a_field_keeps_the_question(cells):
    """An answer that does not fit is said at its field, and a good one goes on."""
    call = 'Human.select{message = "Colours?", options = {"red", "green"}, mode = "multiple", min = 2}'
    cells.begin(f"%%procedure colours -o colours\nreturn {call}")
    form = cells.form("Colours?")
    form.get_by_role("checkbox", name="red").check()
    cells.press("Submit")
    expect(form.get_by_role("alert").filter(has_text="at least 2")).to_be_visible()
    form.get_by_role("checkbox", name="green").check()
    cells.press("Submit")
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("colours.value") == ["red", "green"]


def test_expiry_goes_on_by_itself(cells):
    """When the time is up the default is taken in the same output, with nobody there."""
    cells.begin('%%procedure late -o late\nreturn Human.approve{message = "In time?", default = true, timeout = 2}')
    cells.notebook.wait_for_text(1, "timed out")
    cells.has_no_form()
    assert cells.python("(late.value, late.answers[0].timed_out)") == (True, True)


def test_stop_ends_the_run(cells):
    """The stop button ends a program that catches everything, and the kernel lives on."""
    cells.begin(f"%%procedure loop --max-seconds 120 -o loop\n{ENDLESS % 'loop'}")
    _wait_for_file(cells, "loop")
    cells.stop()
    cells.notebook.wait_for_text(1, "cancelled")
    assert cells.python("loop.status") == "cancelled"


def test_a_reloaded_page_goes_on(cells):
    """A page loaded again shows the question with what was typed, and its answer ends in the record."""
    cells.begin('%%procedure again -o again\nreturn {Human.input("Who?"), Human.approve("Sure?")}')
    cells.form("Who?").get_by_role("textbox").fill("somebody")
    cells.notebook.wait_until_idle()
    cells.notebook.save()
    cells.notebook.reload()
    expect(cells.form("Who?").get_by_role("textbox")).to_have_value("somebody")
    cells.press("Submit")
    cells.form("Sure?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("again.value") == ["somebody", True]
    assert WIDGET not in cells.saved_output()


def test_a_restarted_kernel_asks_again(cells):
    """With a store on disk the question comes back after a restart, and no step runs twice."""
    source = "%%procedure kept --store sqlite:///old-kernel.db -o kept\n"
    source += 'local n = Step.run("draw", function() return math.random(1, 2^40) end)\n'
    source += 'return Human.approve("Take " .. n .. "?")'
    cells.begin(source)
    question = cells.form("Take").locator(".lpf-message").inner_text()
    cells.notebook.restart_kernel()
    cells.load()
    cells.begin(source)
    cells.form(question)
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "kept 1, ran 1")
    assert cells.python("kept.value") is True


def test_stop_ends_a_run_that_went_on(cells):
    """The stop button also ends a run that an answer set going, while no cell is at work."""
    cells.begin(f'%%procedure onward --max-seconds 120 -o onward\nHuman.approve("Go on?")\n{ENDLESS % "onward"}')
    cells.form("Go on?")
    cells.notebook.wait_until_idle()
    cells.press("Approve")
    _wait_for_file(cells, "onward")
    cells.notebook.interrupt()
    cells.notebook.wait_for_text(1, "cancelled")
    cells.has_no_form()
    assert cells.python("onward.status") == "cancelled"


def _wait_for_file(cells, name):
    """Wait until the program has written it beside the notebook."""
    while not cells.notebook.path.with_name(name).exists():
        cells.page.wait_for_timeout(50)
