"""The ``%%procedure`` cell as a person uses it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .pages import Notebook

pytestmark = pytest.mark.browser

LOAD = "%load_ext lua_procedures"
RELEASE = """\
%%procedure release -p version="2.1.0" -o run
Stages{"prepare", "approve", "ship"}
Stage.set("prepare")
local notes = Step.run("collect notes", function()
  State.increment("collected")
  return {version = input.version, lines = {"faster", "safer"}}
end)
Stage.advance("approve")
local review = Human.review{message = "Release notes", artifact = table.concat(notes.lines, "\\n"),
                            artifact_type = "markdown", options = {"Approve", {label = "Reject", type = "cancel"}}, timeout = 3600}
if review.decision ~= "Approve" then return {shipped = false, why = review.feedback} end
Stage.advance("ship")
local sure = Human.approve{message = "Ship " .. notes.version .. "?", default = false, timeout = 600}
Human.notify{message = sure and "Shipped" or "Held", level = "info"}
return {shipped = sure, notes = review.edited_artifact or notes.lines, collected = State.get("collected")}
"""


@pytest.fixture
def shot(request):
    """Writes a picture of the page, where ``LUA_PROCEDURES_SHOTS`` names a folder."""
    folder = os.environ.get("LUA_PROCEDURES_SHOTS")

    def write(notebook: Notebook, name: str) -> None:
        if folder:
            notebook.screenshot(Path(folder) / f"{request.node.name}-{name}.png")

    return write


def load(notebook: Notebook) -> Notebook:
    notebook.run_cell(0)
    notebook.wait_until_idle()
    return notebook


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_release_is_answered_by_mouse_in_the_running_cell(open_notebook, shot, front_end):
    """The forms appear in the running cell, queued cells wait, and a static record remains."""
    notebook = load(open_notebook(LOAD, RELEASE, "print('next')", front_end=front_end))
    notebook.run_cell(1)
    notebook.run_cell(2)
    form = notebook.form(1)
    expect(form).to_contain_text("Release notes")
    shot(notebook, "review")
    assert "next" not in notebook.cell_output(2).inner_text()
    form.get_by_role("button", name="Approve").click()
    expect(notebook.form(1)).to_contain_text("Ship 2.1.0?")
    shot(notebook, "approve")
    notebook.form(1).get_by_role("button", name="Approve").click()
    notebook.wait_for_text(1, "completed")
    notebook.wait_for_text(2, "next")
    shot(notebook, "record")
    assert "kept 0, ran 3" in notebook.cell_output(1).inner_text()
    saved = notebook.save()
    outputs = saved["cells"][1]["outputs"]
    assert [output["output_type"] for output in outputs] == ["display_data"]
    assert not [kind for output in outputs for kind in output["data"] if "widget" in kind]
    assert "widgets" not in saved["metadata"]
