"""A person who is late, elsewhere or away: countdown, Later, reloaded pages, restarted kernels."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from .procedures import RELEASE, WIDGET

pytestmark = pytest.mark.browser

DRAW = 'local n = Step.run("draw", function() return math.random(1, 2^40) end)\n'
DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
SAVE_WIDGETS = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
HOSTILE = """\
%%procedure hostile
return Human.review{
  message = "<img src=x onerror='window.hurt = 1'><script>window.hurt = 2</script>Sure?",
  artifact = "[here](javascript:window.hurt=3) <svg onload='window.hurt = 4'>", artifact_type = "markdown",
  context = {["<b onclick='window.hurt = 5'>"] = "<iframe srcdoc='<script>parent.hurt = 6</script>'>"},
}"""
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
    cells.notebook.wait_until_saved()
    saved = cells.saved_output()
    assert WIDGET not in saved
    assert "Gone?" in saved["text/plain"]
    cells.notebook.reload(idle=False)
    cells.notebook.wait_for_text(1, "Gone?")
    cells.has_no_form()
    shot(cells.notebook, "opened")


def close_page(cells):
    """Leave the page and return how to come back to it."""
    address = cells.page.url
    cells.page.goto("about:blank")
    return lambda: cells.page.goto(address)


def open_next_day(cells, server):
    """Close the page, end the kernel, and open the notebook again, which starts another one."""
    cells.page.goto("about:blank")
    for session in server.request("GET", "/api/sessions"):
        if session["path"] == cells.notebook.path.name:
            server.request("DELETE", f"/api/sessions/{session['id']}")
    cells.notebook.open()
    cells.notebook.wait_for_text(1, "to answer: run it again")


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_opened_on_another_day_a_form_is_its_record(open_cells, jupyter_server, shot, front_end):
    """A notebook closed with an open form says what was asked when its kernel is gone; run again, it asks once."""
    cells = open_cells(front_end=front_end)
    cells.begin(f'%%procedure night --store sqlite:///night-{front_end}.db\nreturn Human.approve("Overnight?")')
    cells.form("Overnight?")
    cells.notebook.save()
    open_next_day(cells, jupyter_server)
    shot(cells.notebook, "opened")
    cells.has_no_form()
    assert "Overnight?" in cells.text()
    assert "widget" not in cells.text()
    cells.load()
    cells.notebook.run_cell(1)
    cells.form("Overnight?")
    expect(cells.notebook.cell_output(1).get_by_role("form")).to_have_count(1)
    expect(cells.notebook.cell_output(1)).not_to_contain_text("to answer: run it again")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_opened_with_its_kernel_a_form_is_back(open_cells, shot, front_end):
    """No file holds a form's widget, and each page that is opened shows it as long as the kernel waits."""
    cells = open_cells(front_end=front_end)
    cells.begin('%%procedure back -o back\nreturn Human.approve("Back?")')
    cells.form("Back?")
    saved = cells.saved_output()
    assert WIDGET not in saved
    assert "Back?" in saved["text/html"]
    nbformat.validate(nbformat.read(cells.notebook.path, as_version=4))
    cells.notebook.reload(idle=False)
    cells.form("Back?")
    assert not cells.page.evaluate(DIRTY)
    assert WIDGET not in cells.saved_output()
    close_page(cells)()
    cells.form("Back?")
    shot(cells.notebook, "back")
    if front_end == "lab":
        cells.notebook.command("application:close")
        expect(cells.notebook.cell(0)).to_have_count(0)
        cells.notebook.command("docmanager:open", {"path": cells.notebook.path.name})
        cells.form("Back?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    (output,) = cells.notebook.save()["cells"][1]["outputs"]
    assert WIDGET not in output["data"]
    assert output["metadata"] == {}
    cells.notebook.wait_until_idle()
    assert cells.python("back.value") is True


def test_saved_widget_states_bring_back_no_dead_form(open_cells, jupyter_server):
    """Where the front end saves the states of widgets, a form is back with its kernel and its record without it."""
    cells = open_cells()
    cells.notebook.command(SAVE_WIDGETS)
    cells.begin('%%procedure states\nreturn Human.approve("States?")')
    cells.form("States?")
    cells.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context.model.dirty")
    assert "widgets" in cells.notebook.save()["metadata"]
    cells.notebook.reload(idle=False)
    cells.form("States?")
    assert WIDGET not in cells.saved_output()
    open_next_day(cells, jupyter_server)
    cells.page.wait_for_timeout(3000)  # in which the front end restores what was saved
    cells.has_no_form()
    assert "widget" not in cells.text()
    expect(cells.notebook.cell_output(1).get_by_role("button")).to_have_count(0)


def test_a_hostile_question_is_harmless_without_its_form(open_cells, jupyter_server):
    """What stands in a form's place in a file that is trusted shows hostile texts and runs nothing of them."""
    cells = open_cells()
    cells.begin(HOSTILE)
    cells.form("Sure?")
    cells.notebook.save()
    open_next_day(cells, jupyter_server)
    output = cells.notebook.cell_output(1).locator(".jp-OutputArea-output")
    expect(output.locator("img, script, svg, iframe, [onclick], [href^=javascript]")).to_have_count(0)
    for text in ("<img src=x onerror", "javascript:window.hurt=3", "<svg onload", "<b onclick", "<iframe srcdoc"):
        expect(output).to_contain_text(text)
    assert cells.page.evaluate("() => window.hurt === undefined")
