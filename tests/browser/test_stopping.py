"""The stop button on an open form and on a program that catches everything; the kernel lives on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..bounds import PATIENCE
from .procedures import LOOP, WIDGET

pytestmark = pytest.mark.browser

ASK = '%%procedure ask -o ask\nlocal n = Step.run("draw", function() return math.random(1, 2^40) end)\n'
ASK += 'local sure = Human.approve{message = "Take " .. n .. "?"}\nreturn {n, sure}'


def test_stop_on_an_open_form(both, shot):
    """A record with the question remains, without a widget; the next cell runs, and the same question comes back."""
    cells = both
    cells.begin(ASK)
    question = cells.form("Take").locator(".lpf-message").inner_text()
    cells.stop()
    cells.has_no_form()
    assert question in cells.text()
    assert "run it again" in cells.text()
    assert "cancelled" in cells.text()
    shot(cells.notebook, "stopped")
    saved = cells.saved_output()
    assert WIDGET not in saved
    assert question in saved["text/plain"]
    assert cells.python("1 + 1") == 2
    cells.begin(ASK)
    cells.form(question)
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "kept 1, ran 1")
    assert cells.python("ask.value") == [int(question.split()[1].rstrip("?")), True]


def test_stop_in_lua_that_catches_everything(both, shot):
    """The endless loop stops, the record says so, and the next cell runs."""
    cells = both
    begun = 'Step.run("first", function() return 1 end)\nSleep(0.5)'
    cells.begin(f"%%procedure loop --max-seconds 3600 -o loop\n{begun}\n{LOOP}")
    expect(cells.notebook.cell_output(1)).to_contain_text("first", timeout=PATIENCE * 1000)
    cells.page.wait_for_timeout(1000)  # the loop goes on by now
    cells.stop()
    cells.notebook.wait_for_text(1, "cancelled")
    expect(cells.notebook.cell_output(1)).to_contain_text("first")
    shot(cells.notebook, "stopped")
    assert cells.python("loop.status") == "cancelled"


def test_stop_in_a_sleep(cells):
    """A sleeping run stops, and cells queued behind it do not run."""
    cells.begin("%%procedure sleep -o sleep\nSleep(3600)")
    cells.begin("print('queued ran')", 2)
    expect(cells.notebook.cell_output(1)).to_contain_text("running", timeout=PATIENCE * 1000)
    cells.stop()
    cells.notebook.wait_for_text(1, "cancelled")
    assert "queued ran" not in cells.text(2)


def test_a_stop_is_a_short_error(cells):
    """The cell's error is one line without a traceback of the library."""
    cells.begin(ASK.replace("procedure ask", "procedure brief"))
    cells.form("Take")
    cells.stop()
    assert "lua_procedures/" not in cells.text()
    assert cells.text().count("Traceback") == 0
    assert cells.text().rstrip().endswith("KeyboardInterrupt: brief was stopped")
    assert cells.text().count("run it again") == 2  # to answer the question, and to go on
