"""A person who is late, elsewhere or away: countdown, Later, reloaded pages, restarted kernels."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .procedures import RELEASE, WIDGET

pytestmark = pytest.mark.browser

DRAW = 'local n = Step.run("draw", function() return math.random(1, 2^40) end)\n'
TWO = 'local a = Human.approve("First?")\nlocal b = Human.input("Second?")\nreturn {a, b}'


def test_expiry_takes_the_default_that_the_countdown_named(both, shot):
    """The countdown names the default; when the time is up it is taken, and the record says that it timed out."""
    cells = both
    cells.begin('%%procedure late -o late\nreturn Human.approve{message = "In time?", default = true, timeout = 5}')
    expect(cells.form("In time?").get_by_role("timer")).to_contain_text("Takes “Approve”")
    cells.notebook.wait_for_text(1, "completed")
    assert "timed out" in cells.text()
    cells.has_no_form()
    shot(cells.notebook, "record")
    assert cells.python("(late.value, late.answers[0].timed_out)") == (True, True)


def test_expiry_of_a_select_names_its_label(cells):
    """The countdown says the default's label, and the value is what the program gets."""
    options = (
        'options = {{label = "Europe", value = "eu"}, {label = "Asia", value = "as"}}, default = "as", timeout = 2'
    )
    cells.begin(f'%%procedure where -o where\nreturn Human.select{{message = "Where?", {options}}}')
    expect(cells.form("Where?").get_by_role("timer")).to_contain_text("Takes “Asia”")
    cells.notebook.wait_for_text(1, "timed out")
    assert cells.python("where.value") == "as"


def test_later_frees_the_kernel(both, shot):
    """``Later`` lets the queued cell run; the form stays and its answers go on in the same output."""
    cells = both
    cells.begin(f"%%procedure later -o later\n{TWO}")
    cells.form("First?")
    cells.begin("print('queued ran')", 2)
    assert "queued ran" not in cells.text(2)
    cells.press("Later")
    cells.notebook.wait_for_text(2, "queued ran")
    cells.form("First?")
    shot(cells.notebook, "free")
    assert cells.python("(later.status, later.pending.message)") == ("paused", "First?")
    cells.press("Approve")
    second = cells.form("Second?")
    second.get_by_role("textbox").fill("typed later")
    second.get_by_role("textbox").press("Enter")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    assert cells.python("(later.status, later.value)") == ("completed", [True, "typed later"])
    assert WIDGET not in cells.saved_output()


def test_no_wait_goes_on_in_the_same_output(cells, shot):
    """With ``--no-wait`` the cell ends at once; each answer goes on where the cell was."""
    cells.begin(f"%%procedure nowait --no-wait -o nowait\n{TWO}")
    cells.begin("print('next ran')", 2)
    cells.notebook.wait_for_text(2, "next ran")
    cells.form("First?")
    shot(cells.notebook, "paused")
    saved = cells.saved_output()
    assert "First?" in saved["text/plain"]
    cells.press("Reject")
    second = cells.form("Second?")
    second.get_by_role("textbox").fill("two")
    cells.press("Submit")
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("nowait.value") == [False, "two"]
    assert "next ran" in cells.text(2)


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_a_reloaded_page_completes_the_run(open_cells, shot, front_end):
    """A page loaded again asks all the questions that are left, shows the record, and saves it without a widget."""
    cells = open_cells(RELEASE, front_end=front_end)
    cells.notebook.run_cell(1)
    cells.form("Release notes").get_by_label("Feedback").fill("before the reload")
    cells.notebook.save()
    cells.notebook.reload(idle=False)
    expect(cells.form("Release notes").get_by_label("Feedback")).to_have_value("before the reload")
    shot(cells.notebook, "reloaded")
    cells.press("Approve")
    cells.form("Ship 2.1.0?")
    shot(cells.notebook, "second")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    shot(cells.notebook, "record")
    saved = cells.saved_output()
    assert WIDGET not in saved
    assert "release: completed" in saved["text/plain"]
    cells.notebook.wait_until_idle()
    assert cells.python("(run.value['shipped'], run.answers[0].value['feedback'])") == (True, "before the reload")
    cells.notebook.reload()
    assert "completed" in cells.text()


def test_a_page_reloaded_after_later_goes_on(open_cells):
    """The question of a free kernel survives a reload, too."""
    cells = open_cells()
    cells.begin('%%procedure pause --no-wait -o pause\nreturn Human.approve("Still there?")')
    cells.form("Still there?")
    cells.notebook.wait_until_idle()
    cells.notebook.save()
    cells.notebook.reload()
    cells.form("Still there?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("pause.value") is True
    assert WIDGET not in cells.saved_output()


def test_a_restarted_kernel_goes_on_from_the_store(both, shot):
    """With a store on disk the same question comes back after a restart, and no step runs twice."""
    cells = both
    store = f"sqlite:///{cells.notebook.front_end}.db"
    source = f'%%procedure kept --store {store} -o kept\n{DRAW}return {{n, Human.approve("Take " .. n .. "?")}}'
    cells.begin(source)
    question = cells.form("Take").locator(".lpf-message").inner_text()
    cells.notebook.restart_kernel()
    cells.notebook.wait_for_text(1, "to answer: run it again")
    cells.has_no_form()
    expect(cells.notebook.cell_output(1)).to_contain_text(question)
    shot(cells.notebook, "restarted")
    cells.load()
    cells.begin(source)
    cells.form(question)
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "kept 1, ran 1")
    assert cells.python("kept.value") == [int(question.split()[1].rstrip("?")), True]


def test_a_restarted_kernel_forgets_its_memory(cells):
    """A record kept in memory says how to keep it; after a restart the run starts anew."""
    source = f'%%procedure forgotten --no-wait\n{DRAW}return {{n, Human.approve("Take " .. n .. "?")}}'
    cells.begin(source)
    question = cells.form("Take").locator(".lpf-message").inner_text()
    expect(cells.notebook.cell_output(1)).to_contain_text("--store forgotten.db keeps it on disk")
    cells.notebook.restart_kernel()
    cells.load()
    cells.begin(source)
    form = cells.form("Take")
    assert form.locator(".lpf-message").inner_text() != question
    expect(cells.notebook.cell_output(1)).to_contain_text("kept 0, ran 1")


@pytest.mark.parametrize("how", ["restart", "shut down"])
def test_without_its_kernel_a_form_is_its_record(open_cells, how, shot):
    """When the kernel goes, the output says what was asked and how to answer, also in the notebook opened again."""
    cells = open_cells()
    cells.begin('%%procedure gone -o gone\nreturn Human.approve("Gone?")')
    cells.form("Gone?")
    cells.notebook.save()
    if how == "restart":
        cells.notebook.restart_kernel()
    else:
        cells.notebook.command("kernelmenu:shutdown")
    cells.notebook.wait_for_text(1, "to answer: run it again")
    cells.has_no_form()
    saved = cells.saved_output()
    assert WIDGET not in saved
    assert "Gone?" in saved["text/plain"]
    cells.notebook.reload(idle=False)
    cells.notebook.wait_for_text(1, "Gone?")
    cells.has_no_form()
    shot(cells.notebook, "opened")
