"""What stays in the notebook: records in every theme and width, for somebody else who opens the file."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from .procedures import RELEASE, WIDGET

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script><b>x</b>'
TRUSTED = "() => window.jupyterapp.shell.currentWidget.content.widgets.every((cell) => cell.model.trusted !== false)"
WIDTHS = """(output) => {
    const limit = output.querySelector(".jp-OutputArea-output").getBoundingClientRect().right + 1;
    const wide = [...output.querySelectorAll("form, [role=form], button, textarea, div, p")];
    return wide.filter((element) => element.getBoundingClientRect().right > limit).map((element) => element.className);
}"""


def hostile_program():
    """A program in which everything that is shown is hostile."""
    text = json.dumps(HOSTILE)
    link = json.dumps("[x](javascript:window.hit=1) " + HOSTILE)
    return f"""\
%%procedure {json.dumps(HOSTILE)}
local bad = {text}
Stages{{bad, "plain"}}
Stage.set(bad)
State.set(bad, bad)
Step.run(bad, function() return bad end)
print(bad)
Log.warn(bad, {{[bad] = bad}})
Human.notify{{message = bad, content = {link}, details = {{{{title = bad, content = {link}}}}}, level = "warning"}}
System.alert{{message = bad, source = bad, context = {{[bad] = bad}}, level = "critical"}}
pcall(function() Step.run("fails" .. bad, function() error(bad) end) end)
local review = Human.review{{message = bad, artifact = bad, artifact_type = "html", context = {{[bad] = bad}},
                             options = {{bad, {{label = "stop", type = "cancel"}}}}}}
error(bad .. review.decision)
"""


def is_harmless(notebook):
    """No script ran, and nothing of the text became an element."""
    notebook.page.wait_for_timeout(300)
    assert notebook.page.evaluate("window.hit") is None
    output = notebook.cell_output(1)
    expect(output.locator("script, img[src=x], a[href^=javascript]")).to_have_count(0)


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_hostile_text_runs_no_script(open_cells, open_notebook, shot, front_end):
    """Hostile names, messages, artifacts and errors are text: live, in the record, and for whoever opens the file."""
    cells = open_cells(front_end=front_end)
    cells.begin(hostile_program())
    form = cells.form("script")
    is_harmless(cells.notebook)
    for frame in cells.page.frames[1:]:
        assert frame.evaluate("window.hit") is None
    shot(cells.notebook, "form")
    form.get_by_role("button", name="stop", exact=True).click()
    cells.notebook.wait_for_text(1, "failed")
    is_harmless(cells.notebook)
    shot(cells.notebook, "record")
    other = open_notebook(saved=cells.notebook.save(), front_end=front_end)
    assert not other.page.evaluate(TRUSTED)
    other.wait_for_text(1, "failed")
    is_harmless(other)
    shot(other, "untrusted")
    assert other.dialogs == []


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_somebody_else_opens_the_saved_notebook(open_cells, open_notebook, shot, front_end):
    """Records and questions left open read well in an untrusted notebook without a kernel's memory of them."""
    cells = open_cells(RELEASE, '%%procedure open --no-wait\nreturn Human.approve("Left open?")', front_end=front_end)
    cells.notebook.run_cell(1)
    for question in ("Release notes", "Ship 2.1.0?"):
        cells.form(question)
        cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    cells.notebook.run_cell(2)
    cells.form("Left open?", 2)
    other = open_notebook(saved=cells.notebook.save(), front_end=front_end)
    assert not other.page.evaluate(TRUSTED)
    record = other.cell_output(1)
    for text in ("release · completed · kept 0, ran 3", "collect notes", "Shipped", '"collected": 1'):
        expect(record).to_contain_text(text)
    record.get_by_text("state", exact=True).click()
    expect(record.get_by_text("collected", exact=True)).to_be_visible()
    expect(other.cell_output(2)).to_contain_text("Left open?")
    shot(other, "untrusted")
    other.set_dark()
    shot(other, "untrusted-dark")
    for words in ("model not found", "Loading widget", "Error displaying"):
        expect(other.page.get_by_text(words)).to_have_count(0)


def test_forms_and_records_in_the_dark(open_cells, shot):
    """Pictures of a form, a record and a failed record in the dark theme; the form is dark, too."""
    cells = open_cells(RELEASE, '%%procedure failing\nStep.run("read", function() error("no such file") end)')
    cells.notebook.set_dark()
    cells.notebook.run_cell(1)
    form = cells.form("Release notes")
    assert form.evaluate("(element) => getComputedStyle(element).backgroundColor") in (
        "rgb(17, 17, 17)",
        "rgb(33, 33, 33)",
    )
    shot(cells.notebook, "form")
    cells.press("Reject")
    cells.notebook.wait_for_text(1, "completed")
    cells.notebook.run_cell(2)
    cells.notebook.wait_for_text(2, "failed")
    cells.notebook.wait_until_idle()
    shot(cells.notebook, "records")


def test_a_narrow_window_cuts_nothing_off(open_cells, shot):
    """In a window of 480 pixels the form and the record stay within the cell."""
    cells = open_cells(RELEASE, front_end="notebook", width=480)
    cells.notebook.run_cell(1)
    cells.form("Release notes")
    output = cells.notebook.cell_output(1)
    shot(cells.notebook, "form")
    assert output.evaluate(WIDTHS) == []
    cells.press("Approve")
    cells.form("Ship 2.1.0?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    output.scroll_into_view_if_needed()
    shot(cells.notebook, "record")
    assert output.evaluate(WIDTHS) == []


def test_a_form_left_in_a_file_is_a_readable_question(open_cells):
    """The file of an open question holds it as text and as HTML and no widget, with how to answer it."""
    cells = open_cells()
    cells.begin('%%procedure left --no-wait\nreturn Human.approve("Left?")')
    cells.form("Left?")
    saved = cells.saved_output()
    assert WIDGET not in saved
    for kind in ("text/plain", "text/html"):
        assert "Left?" in saved[kind]
        assert "%procedures answer left yes" in saved[kind]
