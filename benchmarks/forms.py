"""How long a person waits: for a form to be on the screen, and for the program to go on after a click."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["click_to_lua", "form_on_screen", "stop"]

sys.path.insert(0, str(Path(__file__).parent.parent))

_ROUNDS = 15
_ASK = """%%procedure {name} -o r
Human.approve{{message = "?"}}
return Step.run("resumed", function() return 1 end)"""

_QUESTION = 'Human.approve{message = "?"}'
_LOOP = "while true do pcall(function() while true do end end) end"

_LOAD = """%load_ext lua_procedures
import time
def now() -> float:
    return time.time()"""
_TIMED = """%%procedure shown{turn} -o r{turn} --tools now
local asked = Tool.get("now")()
Human.approve{{message = "?"}}
return asked"""
_WATCH = """() => {
  window.shown = [];
  new MutationObserver(() => {
    for (const form of document.querySelectorAll("[role=form]:not([data-seen])")) {
      form.dataset.seen = "1";
      requestAnimationFrame(() => window.shown.push(Date.now() / 1000));
    }
  }).observe(document.body, { childList: true, subtree: true });
}"""


def click_to_lua() -> list[str]:
    """From the message that a button sends to the first operation after it, in a real kernel that awaits."""
    from tests.kernel.kernels import Kernel

    waits = []
    with tempfile.TemporaryDirectory() as name:
        kernel = Kernel(Path(name)).start()
        try:
            for turn in range(_ROUNDS):
                cell = kernel.begin(_ASK.format(name=f"click{turn}"))
                form = kernel.form(cell)
                sent = time.time()
                kernel.press(form)
                kernel.finish(cell)
                answered = float(kernel.value("r.answers[0].responded_at"))
                waits.append(answered - sent)
        finally:
            kernel.stop()
    return [f"click to resumed Lua: median {statistics.median(waits) * 1000:.0f} ms (target 100)"]


def stop() -> list[str]:
    """From pressing stop to the end of the cell, on an open form and in Lua that catches everything."""
    from tests.kernel.kernels import Kernel

    waits: dict[str, list[float]] = {"an open form": [], "an endless loop": []}
    with tempfile.TemporaryDirectory() as name:
        kernel = Kernel(Path(name)).start()
        try:
            for turn in range(_ROUNDS):
                for what, program in zip(waits, (_QUESTION, _LOOP), strict=True):
                    cell = kernel.begin(f"%%procedure stop{turn} --fresh\n{program}")
                    kernel.listen(0.5)
                    pressed = time.time()
                    kernel.interrupt()
                    kernel.finish(cell)
                    waits[what].append(time.time() - pressed)
        finally:
            kernel.stop()
    usual = {what: statistics.median(each) * 1000 for what, each in waits.items()}
    return [
        f"stop on {what}: median {usual[what]:.0f} ms, at most {max(each) * 1000:.0f} ms (target 500)"
        for what, each in waits.items()
    ]


def form_on_screen() -> list[str]:
    """From the request to the form in JupyterLab's page, in Chromium; the first one loads the widget's code, too."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM_OPTIONS
    from tests.browser.pages import Notebook
    from tests.browser.servers import Server

    sources = [_LOAD, *(_TIMED.format(turn=turn) for turn in range(_ROUNDS))]
    asked = f"print([r.value for r in ({', '.join(f'r{turn}' for turn in range(_ROUNDS))})])"
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        server = Server(Path(name))
        process = server.start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", headless=False, args=CHROMIUM_OPTIONS)
        try:
            page = browser.new_page()
            notebook = Notebook(page, server.url, server.write_notebook([*sources, asked]), "lab").open()
            page.evaluate(_WATCH)
            notebook.run_cell(0)
            for turn in range(1, _ROUNDS + 1):
                notebook.run_cell(turn)
                notebook.form(turn).get_by_role("button", name="Approve").click()
                notebook.wait_for_text(turn, "completed")
            notebook.run_cell(_ROUNDS + 1)
            notebook.wait_for_text(_ROUNDS + 1, "]")
            times = [float(each) for each in notebook.cell_output(_ROUNDS + 1).inner_text().strip("[] \n").split(",")]
            waits = [shown - at for shown, at in zip(page.evaluate("window.shown"), times, strict=True)]
        finally:
            browser.close()
            process.terminate()
            process.wait(20)
    usual, first = statistics.median(waits[1:]) * 1000, waits[0] * 1000
    return [f"request to form on the screen: median {usual:.0f} ms, the first {first:.0f} ms (target 300)"]
