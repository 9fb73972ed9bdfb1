"""The node tree in a real front end: growing, in the record, and for somebody else who opens the file."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from .test_records import HOSTILE, TRUSTED, WIDTHS

pytestmark = pytest.mark.browser

#: Three rounds of candidates, each below the best one so far, and hostile labels among them.
SEARCH = f"""\
%%procedure search -o run
local bad = {json.dumps(HOSTILE)}
GraphNode.create("Why do leaves fall?\\nThe question in full, with all that is known about it.")
for round = 1, 3 do
  local best
  for at = 1, 4 do
    local node = GraphNode.create{{label = "hypothesis " .. round .. "." .. at, score = round / 4 + at / 100,
                                  content = {{round = round, at = at, why = bad}}, kind = "candidate"}}
    best = node
  end
  GraphNode.set_current(best)
  WAIT
end
GraphNode.create{{label = bad, content = bad, note = bad}}
for at = 1, 60 do GraphNode.set_current(GraphNode.create("step " .. at)) end
return GraphNode.current().label
"""
MEASURE = """(output) => {
    const bars = [...output.querySelectorAll("li span")].filter((span) => span.style.display === "inline-block");
    return bars.slice(0, 2).map((bar) => [bar.getBoundingClientRect().width, bar.getBoundingClientRect().height]);
}"""


def is_harmless(notebook):
    """No script ran, and nothing of a label became an element."""
    notebook.page.wait_for_timeout(300)
    assert notebook.page.evaluate("window.hit") is None
    expect(notebook.cell_output(1).locator("script, img[src=x]")).to_have_count(0)


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_the_tree_grows_and_stays(open_cells, open_notebook, shot, front_end):
    """Nodes are seen as they come; the record folds the tree; whoever opens the file unfolds it by hand."""
    cells = open_cells(SEARCH.replace("WAIT", "Sleep(1.5)"), front_end=front_end)
    cells.notebook.run_cell(1)
    cells.notebook.wait_for_text(1, "hypothesis 1.4")
    expect(cells.notebook.cell_output(1)).to_contain_text("running")
    expect(cells.notebook.cell_output(1)).not_to_contain_text("hypothesis 2.1")
    shot(cells.notebook, "growing")
    cells.notebook.wait_for_text(1, "hypothesis 2.4")
    cells.notebook.wait_for_text(1, "completed")
    is_harmless(cells.notebook)
    other = open_notebook(saved=cells.notebook.save(), front_end=front_end)
    assert not other.page.evaluate(TRUSTED)
    output = other.cell_output(1)
    expect(output.get_by_text("Why do leaves fall?", exact=True)).to_be_hidden()
    output.get_by_text("tree (74 nodes").click()
    expect(output.get_by_text("Why do leaves fall?", exact=True)).to_be_visible()
    expect(output.get_by_text("hypothesis 3.4", exact=True)).to_be_visible()
    assert output.evaluate(MEASURE) == [[48, 7], [48, 7]]
    is_harmless(other)
    shot(other, "untrusted")


@pytest.mark.parametrize(("width", "dark"), [(1180, False), (1180, True), (480, False)])
def test_the_tree_reads_in_every_theme_and_width(open_cells, shot, width, dark):
    """``%procedures graph`` draws the tree; nothing is cut off, and contents unfold on demand."""
    cells = open_cells(SEARCH.replace("WAIT", ""), front_end="notebook" if width < 1000 else "lab", width=width)
    if dark:
        cells.notebook.set_dark()
    cells.notebook.run_cell(1)
    cells.notebook.wait_for_text(1, "completed")
    cells.notebook.wait_until_idle()
    text = cells.finish("%procedures graph search", "hypothesis 3.4")
    assert "best path: Why do leaves fall? › hypothesis 1.4 › hypothesis 2.4 › hypothesis 3.4" in text
    assert "● current" in text
    output = cells.notebook.cell_output(1)
    expect(output.get_by_text("candidate")).to_have_count(12)
    output.locator("summary", has_text="hypothesis 3.2").click()
    expect(output.get_by_text("candidate").locator("visible=true")).to_have_count(1)
    assert output.evaluate(WIDTHS) == []
    output.scroll_into_view_if_needed()
    shot(cells.notebook, f"{width}-{'dark' if dark else 'light'}")


def test_find_lists_what_has_the_text(open_cells, shot):
    """``--find`` shows the nodes with the paths to them."""
    cells = open_cells(SEARCH.replace("WAIT", ""))
    cells.notebook.run_cell(1)
    cells.notebook.wait_for_text(1, "completed")
    text = cells.finish("%procedures graph search --find 'HYPOTHESIS 2'", "4 nodes of 74")
    assert "Why do leaves fall? › hypothesis 1.4 › hypothesis 2.1" in text
    shot(cells.notebook, "found")
