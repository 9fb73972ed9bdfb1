"""The live panel under a person's hands while it is drawn again and again, and in a page that was loaded again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..bounds import PATIENCE
from .procedures import WIDGET

pytestmark = pytest.mark.browser

#: A run that is drawn again and again until somebody stops it; each stop it sees is counted.
BUSY = """\
%%procedure busy --max-seconds 3600 -o busy
Human.notify{message = "Findings", details = {{title = "How", content = "by looking"}}}
print(string.rep("lorem ipsum ", 60) .. "the end")
local n = 0
while not Stop.requested() do
  n = n + 1
  Step.run("work " .. n, function() Sleep(0.05) end)
  if n % 50 == 0 then print("printed " .. n) end
end
return Stop.reason()
"""
DRAWINGS = """(output) => {
    window.drawings = 0;
    new MutationObserver((changes) => {
        const drawn = changes.some(({addedNodes}) => [...addedNodes].some((node) => /lpf-live/.test(node.className)));
        window.drawings += drawn;
    }).observe(output, {childList: true, subtree: true});
}"""


class Hand:
    """Presses something, and releases it when it has been drawn anew."""

    def __init__(self, cells):
        self.page = cells.page
        self.output = cells.notebook.cell_output(1)
        self.output.evaluate(DRAWINGS)

    def press(self, target):
        """By mouse."""
        box = target.bounding_box()
        self.page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.wait()
        self.page.mouse.up()

    def strike(self, target):
        """By the space bar."""
        target.focus()
        self.wait()
        expect(target).to_be_focused()
        self.page.keyboard.down(" ")
        self.wait()
        self.page.keyboard.up(" ")

    def wait(self):
        """Until the panel has been drawn twice more."""
        self.page.evaluate("window.drawings = 0")
        self.page.wait_for_function("window.drawings >= 2", timeout=PATIENCE * 1000)


@pytest.mark.parametrize("how", ["press", "strike"])
def test_a_press_counts_though_the_panel_is_drawn_meanwhile(open_cells, how):
    """What is drawn anew between press and release is pressed all the same, and has the focus all the same, once."""
    cells = open_cells()
    cells.begin(BUSY)
    hand = Hand(cells)
    stop = hand.output.get_by_role("button", name="Request stop")
    expect(stop).to_be_visible(timeout=PATIENCE * 1000)
    # from then on nothing that is aimed at moves any more
    expect(hand.output).to_contain_text("earlier checkpoint", timeout=PATIENCE * 1000)
    section = hand.output.locator("details", has_text="How")
    for is_open in (True, False, True):
        getattr(hand, how)(section.locator("summary"))
        hand.wait()
        assert (section.get_attribute("open") is not None) is is_open
    getattr(hand, how)(stop)
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("busy.value") == "by hand, in the panel"
    assert cells.notebook.errors == []


def test_a_long_line_stays_open_while_others_are_printed(open_cells, shot):
    """A long line that a person opened stays open, whatever is printed after it."""
    cells = open_cells()
    cells.begin(BUSY)
    output = cells.notebook.cell_output(1)
    expect(output.get_by_role("button")).to_be_visible(timeout=PATIENCE * 1000)
    line = output.locator("details", has_text="lorem ipsum")
    line.locator("summary").click()
    for number in (50, 100, 150):
        expect(output).to_contain_text(f"printed {number}", timeout=PATIENCE * 1000)
        assert line.get_attribute("open") is not None
    shot(cells.notebook, "opened")
    cells.stop()


def test_a_moved_cell_is_kept(open_cells):
    """Where the front end makes the output anew, as for a moved cell, the button comes back."""
    cells = open_cells("", "")
    cells.begin(BUSY)
    expect(cells.notebook.cell_output(1).get_by_role("button")).to_be_visible(timeout=PATIENCE * 1000)
    cells.notebook.cell(1).locator(".jp-InputPrompt").click()
    cells.notebook.command("notebook:move-cell-down")
    output = cells.notebook.cell_output(2)
    expect(output).to_contain_text("running", timeout=PATIENCE * 1000)
    output.get_by_role("button", name="Request stop").click()
    cells.notebook.wait_for_text(2, "completed")


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_a_page_that_is_loaded_again_follows_the_run(open_cells, front_end):
    """It goes on showing the run, offers to stop it, and the file gets the record."""
    cells = open_cells(front_end=front_end)
    cells.begin(BUSY)
    output = cells.notebook.cell_output(1)
    expect(output.get_by_role("button")).to_be_visible(timeout=PATIENCE * 1000)
    cells.notebook.save()
    cells.notebook.reload(idle=False)
    hand = Hand(cells)
    hand.wait()
    output.get_by_role("button", name="Request stop").click(timeout=PATIENCE * 1000)
    cells.notebook.wait_for_text(1, "completed")
    saved = cells.saved_output()
    assert "busy: completed" in saved["text/plain"]
    assert "running" not in saved["text/html"]
    assert WIDGET not in saved


def test_a_page_loaded_again_shows_the_next_question(open_cells):
    """A question that is asked after the page was loaded again is shown and answered there."""
    cells = open_cells()
    source = "%%procedure late -o late\nSleep(1)\nwhile not Stop.requested() do Sleep(0.1) end\n"
    cells.begin(source + 'return Human.approve("Go?")')
    output = cells.notebook.cell_output(1)
    expect(output.get_by_role("button")).to_be_visible(timeout=PATIENCE * 1000)
    cells.notebook.save()
    cells.notebook.reload(idle=False)
    output.get_by_role("button", name="Request stop").click(timeout=PATIENCE * 1000)
    cells.form("Go?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    assert WIDGET not in cells.saved_output()
