"""An open notebook as a person sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect

SECOND = 1000
READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    const prompts = [...(panel?.node?.querySelectorAll(".jp-InputPrompt") ?? [])];
    const idle = panel?.sessionContext?.session?.kernel?.status === "idle"; // so it is, too, while a cell awaits
    return idle && panel.content?.widgets?.length > 0 && !prompts.some((prompt) => prompt.textContent.includes("*"));
}"""
SET_SOURCE = """([place, source]) => {
    window.jupyterapp.shell.currentWidget.content.widgets[place].model.sharedModel.setSource(source);
}"""
# that the model is clean lasts until a run that is shown in it is drawn again
SAVE = """() => Promise.race([
    window.jupyterapp.commands.execute("docmanager:save").then(() => true),
    new Promise((resolve) => setTimeout(resolve, 30000)),
])"""

FrontEnd = Literal["lab", "notebook"]


class Notebook:
    """An open notebook as a person sees it; cells are counted from 0.

    Args:
        page: the browser's page.
        url: the server's address.
        path: the notebook file on disk; its folder is the server's root.
        front_end: ``lab`` or ``notebook`` (Notebook 7).
    """

    def __init__(self, page: Page, url: str, path: Path, front_end: FrontEnd) -> None:
        self.page = page
        self.path = path
        self.front_end = front_end
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        folder = f"lab/workspaces/{path.stem}/tree" if front_end == "lab" else "notebooks"
        self._address = f"{url}/{folder}/{path.name}"
        page.on("dialog", self._accept_dialog)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self) -> Notebook:
        """Load the page and wait until the kernel is idle."""
        self.page.goto(self._address)
        self.wait_until_idle()
        return self

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_function(READY, timeout=seconds * SECOND)

    def reload(self, *, idle: bool = True) -> None:
        """Load the page again; without ``idle`` the kernel may be at work."""
        self.page.reload()
        if idle:
            self.wait_until_idle()
        else:
            expect(self.cell(0)).to_be_visible(timeout=60 * SECOND)

    def cell(self, place: int) -> Locator:
        """The cell with its input and output."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(place)

    def cell_output(self, place: int) -> Locator:
        """The cell's whole output area."""
        return self.cell(place).locator(".jp-Cell-outputWrapper")

    def set_source(self, place: int, source: str) -> None:
        """Replace the cell's text."""
        self.page.evaluate(SET_SOURCE, [place, source])

    def run_cell(self, place: int) -> None:
        """Run the cell with the keyboard and do not wait for it."""
        self.cell(place).locator(".cm-content").click(position={"x": 5, "y": 5})
        self.page.keyboard.press("Control+Enter")

    def wait_for_text(self, place: int, text: str, seconds: float = 30) -> None:
        """Wait until the cell's output holds the text."""
        expect(self.cell_output(place)).to_contain_text(text, timeout=seconds * SECOND)

    def form(self, place: int = 0) -> Locator:
        """The form open in that cell's output, once it is there."""
        form = self.cell_output(place).get_by_role("form")
        expect(form).to_be_visible(timeout=30 * SECOND)
        return form

    def interrupt(self) -> None:
        """Press the toolbar's stop button."""
        self.page.locator('[data-jp-item-name="interrupt"]').first.click()

    def restart_kernel(self) -> None:
        """Press the toolbar's restart button, confirm, and wait for the new kernel."""
        self.page.locator('[data-jp-item-name="restart"]').first.click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_timeout(0.5 * SECOND)
        self.wait_until_idle()

    def save(self) -> dict[str, Any]:
        """Save the notebook and return the file's contents."""
        assert self.page.evaluate(SAVE), "the page did not save the notebook"
        text = self.path.read_text("utf-8")
        while not text:  # a save of the page's own empties the file before it writes it
            self.page.wait_for_timeout(0.05 * SECOND)
            text = self.path.read_text("utf-8")
        contents: dict[str, Any] = json.loads(text)
        return contents

    def wait_until_saved(self) -> None:
        """Wait for a save that the page began by itself."""
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    def set_dark(self) -> None:
        """Change to the dark theme."""
        self.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
        self.page.wait_for_selector('body[data-jp-theme-light="false"]', state="attached")
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Execute a command of the front end."""
        execute = "([name, args]) => { void window.jupyterapp.commands.execute(name, args); }"
        self.page.evaluate(execute, [name, arguments or {}])

    def screenshot(self, path: str | Path) -> None:
        """Write a picture of the page as PNG."""
        self.page.screenshot(path=str(path))

    def _accept_dialog(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.dialogs.append(dialog.message)
        dialog.accept()
