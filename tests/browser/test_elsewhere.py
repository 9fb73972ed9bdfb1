"""One question in several places: two pages of one notebook, another browser, another process on the same store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from .pages import Notebook
from .procedures import LOAD, WIDGET, Cells
from .servers import ROOT

pytestmark = pytest.mark.browser

TWO = 'local a = Human.approve("First?")\nlocal b = Human.approve("Second?")\nreturn {a, b}'


@pytest.fixture
def other_browser(browser):
    """A function that opens a notebook that is open already in another browser, and saved."""
    contexts = []

    def open_it(cells):
        cells.notebook.save()
        context = browser.new_context(viewport={"width": 1180, "height": 860})
        contexts.append(context)
        first = cells.notebook
        other = Cells.__new__(Cells)  # the extension is loaded already
        url = first.page.url.partition("/lab")[0].partition("/notebooks")[0]
        other.notebook = Notebook(context.new_page(), url, first.path, first.front_end)
        other.page = other.notebook.page
        other.page.goto(other.notebook._address)
        expect(other.notebook.cell(0)).to_be_visible(timeout=60_000)
        return other

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def command_line(jupyter_server):
    """Runs a command line of ours in the notebook's folder."""

    def run(*words):
        command = [sys.executable, "-m", "lua_procedures", *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=jupyter_server.root, env=environment, capture_output=True, text=True, check=True
        )

    return run


def test_two_pages_ask_once(open_cells, other_browser, shot):
    """Both show the question; the first answer counts, and both go on to the next one and to the record."""
    here = open_cells()
    here.begin(f"%%procedure two -o two\n{TWO}")
    here.form("First?")
    there = other_browser(here)
    there.form("First?")
    assert there.page.get_by_role("form").count() == 1
    there.press("Approve")
    here.form("Second?")
    there.form("Second?")
    assert here.page.get_by_role("form").count() == 1
    shot(there.notebook, "second")
    here.press("Reject")
    for cells in (here, there):
        cells.notebook.wait_for_text(1, "two · completed")
        cells.has_no_form()
    shot(there.notebook, "record")
    assert here.python("(two.value, len(two.answers))") == ([True, False], 2)
    assert WIDGET not in here.saved_output()


def test_a_question_put_off_in_another_browser(open_cells, other_browser):
    """A fresh browser shows the open question of a free kernel, and running the cell again there asks no second one."""
    here = open_cells()
    here.begin('%%procedure once --no-wait -o once\nreturn Human.approve("Once?")')
    here.form("Once?")
    here.notebook.wait_until_idle()
    there = other_browser(here)
    there.form("Once?")
    there.notebook.run_cell(1)
    expect(here.notebook.cell_output(1).get_by_role("form")).to_have_count(0)
    there.form("Once?")
    assert there.page.get_by_role("form").count() == 1
    there.press("Approve")
    there.notebook.wait_for_text(1, "once · completed")
    assert there.python("(once.value, len(once.answers))") == (True, 1)


@pytest.mark.parametrize("options", ["", "--no-wait"])
def test_an_answer_from_the_command_line(open_cells, command_line, shot, options):
    """The form closes, also one that no pass waits for, and the record says where the answer came from."""
    cells = open_cells()
    cells.begin(f"%%procedure far --store sqlite:///far{len(options)}.db {options} -o far\n{TWO}")
    cells.form("First?")
    command_line("answer", "far", "yes", "--store", f"sqlite:///far{len(options)}.db")
    cells.form("Second?")
    expect(cells.notebook.cell_output(1)).to_contain_text("from the command line")
    shot(cells.notebook, "second")
    cells.press("Reject")
    cells.notebook.wait_for_text(1, "completed")
    expect(cells.notebook.cell_output(1)).to_contain_text("Approve (from the command line)")
    cells.notebook.wait_until_idle()
    assert cells.python("(far.value, [each.channel for each in far.answers])") == (
        [True, False],
        ["command line", "form"],
    )


def test_the_command_line_answers_and_goes_on(open_cells, command_line):
    """Who answered may go on with the run; the form that was left closes and says so, and shows the run's record."""
    cells = open_cells()
    cells.begin('%%procedure on --store sqlite:///on.db --no-wait -o on\nreturn Human.approve("There?")')
    cells.form("There?")
    cells.notebook.wait_until_idle()
    command_line("answer", "on", "yes", "--resume", "--store", "sqlite:///on.db")
    cells.notebook.wait_for_text(1, "from the command line")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()


def test_typed_text_outlives_the_time_of_the_question_before(open_cells):
    """The second question stays, with what is typed into it and the focus, when the first one's time is over."""
    cells = open_cells()
    cells.begin(
        '%%procedure typed --no-wait -o typed\nlocal a = Human.input{message = "First?", timeout = 8, default = "d"}\n'
        'return a .. Human.input{message = "Second?", multiline = true}'
    )
    cells.form("First?").get_by_role("textbox").fill("one")
    cells.press("Submit")
    box = cells.form("Second?").get_by_role("textbox")
    box.click()
    cells.page.keyboard.type("what a person wrote")
    cells.page.wait_for_timeout(10_000)
    expect(box).to_have_value("what a person wrote")
    expect(box).to_be_focused()
    expect(cells.notebook.cell_output(1)).not_to_contain_text("answered")


def test_typed_text_outlives_a_stop(open_cells):
    """A question that is asked again, since its cell was stopped, has what was typed; a new run of it has not."""
    program = 'return Human.input{message = "Long?", multiline = true}'
    cells = open_cells()
    cells.begin(f"%%procedure stopped\n{program}")
    cells.form("Long?").get_by_role("textbox").fill("half an answer")
    cells.stop()
    cells.has_no_form()
    cells.begin(f"%%procedure stopped\n{program}")
    expect(cells.form("Long?").get_by_role("textbox")).to_have_value("half an answer")
    cells.press("Submit")
    cells.notebook.wait_for_text(1, "completed")
    cells.begin(f"%%procedure stopped --fresh\n{program}")
    expect(cells.form("Long?").get_by_role("textbox")).to_have_value("")


def test_an_answer_from_another_cell(open_cells):
    """``%procedures answer`` closes the form that is left, in its own cell, which says so."""
    cells = open_cells("", "")
    cells.begin('%%procedure here --no-wait -o here\nreturn Human.approve("Here?")')
    cells.form("Here?")
    cells.begin("%procedures answer here yes", 2)
    cells.notebook.wait_for_text(2, "completed")
    cells.notebook.wait_for_text(1, "answered with %procedures answer")
    cells.has_no_form()


def test_another_kernel_on_the_same_store(open_cells, open_notebook):
    """Two notebooks ask one question of one store; the answer in one closes the form in the other, with no error."""
    program = '%%procedure shared --store sqlite:///shared.db --no-wait -o shared\nreturn Human.approve("Shared?")'
    here, there = open_cells(), Cells(open_notebook(LOAD, "", ""))
    for cells in (here, there):
        cells.begin(program)
        cells.form("Shared?")
        cells.notebook.wait_until_idle()
    there.press("Approve")
    for cells in (there, here):
        cells.notebook.wait_for_text(1, "completed")
        cells.has_no_form()
    assert here.python("(shared.value, len(shared.answers))") == (True, 1)
