"""Cells with procedures in an open notebook, and what a person finds in their outputs."""

from __future__ import annotations

import ast

from playwright.sync_api import expect

LOAD = "%load_ext lua_procedures"
#: The program of the quickstart.
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
                            artifact_type = "markdown", timeout = 3600,
                            options = {"Approve", {label = "Reject", type = "cancel"}}}
if review.decision ~= "Approve" then return {shipped = false, why = review.feedback} end
Stage.advance("ship")
local sure = Human.approve{message = "Ship " .. notes.version .. "?", default = false, timeout = 600}
Human.notify{message = sure and "Shipped" or "Held", level = "info"}
return {shipped = sure, notes = review.edited_artifact or notes.lines, collected = State.get("collected")}
"""
#: A program that only the stop button ends.
LOOP = "while true do pcall(function() while true do end end) end"
CLEAR = """(place) => {
    window.jupyterapp.shell.currentWidget.content.widgets[place].model.clearExecution();
}"""
WIDGET = "application/vnd.jupyter.widget-view+json"


class Cells:
    """A notebook whose first cell loaded the extension and whose last one is free for Python.

    Args:
        notebook: the page; tests put their own source into the cells between.
    """

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self.load()

    def load(self):
        """Run the first cell."""
        self.notebook.run_cell(0)
        self.notebook.wait_until_idle()

    def begin(self, source, place=1):
        """Put a program into a cell, run it, and do not wait; nothing of an earlier output is left."""
        self.page.evaluate(CLEAR, place)
        self.notebook.set_source(place, source)
        self.notebook.run_cell(place)

    def finish(self, source, text="completed", place=1):
        """Run a program to its end and return its output's text."""
        self.begin(source, place)
        self.notebook.wait_for_text(place, text)
        self.notebook.wait_until_idle()
        return self.text(place)

    def text(self, place=1):
        """What the cell's output says."""
        return self.notebook.cell_output(place).inner_text()

    def form(self, message, place=1):
        """The form with that question."""
        form = self.notebook.cell_output(place).get_by_role("form").filter(has_text=message)
        expect(form).to_be_visible(timeout=30_000)
        return form

    def press(self, name, place=1):
        """Press a button by mouse."""
        self.notebook.cell_output(place).get_by_role("button", name=name, exact=True).click()

    def has_no_form(self, place=1):
        """No form and nothing of a widget is in the cell's output."""
        expect(self.notebook.cell_output(place).locator("form, [role=form], .lpf, .jupyter-widgets")).to_have_count(0)

    def python(self, expression):
        """A Python expression's value; plain data."""
        place = self.page.locator(".jp-Notebook .jp-Cell").count() - 1
        self.begin(f"print('VALUE', repr({expression}), 'END')", place)
        self.notebook.wait_for_text(place, "END")
        self.notebook.wait_until_idle()
        return ast.literal_eval(self.text(place).partition("VALUE ")[2].rpartition(" END")[0])

    def stop(self):
        """Press stop and wait until the kernel is idle."""
        self.notebook.interrupt()
        self.notebook.wait_until_idle()

    def tab_to(self, target):
        """Press Tab until the element has the focus, as somebody without a mouse does."""
        for _ in range(30):
            if target.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not reach it")

    def saved_output(self, place=1):
        """The only display in the saved file's cell, by MIME type, each as one text."""
        outputs = self.notebook.save()["cells"][place]["outputs"]
        (data,) = (output["data"] for output in outputs if output["output_type"] == "display_data")
        return {kind: "".join(text) if isinstance(text, list) else text for kind, text in data.items()}
