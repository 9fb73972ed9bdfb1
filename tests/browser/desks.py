"""A notebook in which each test asks its own question through a form."""

from __future__ import annotations

import json

from playwright.sync_api import expect

SETUP = """
import asyncio, json, time
from IPython.display import display
from lua_procedures.errors import AnswerRefused
from lua_procedures.human.answers import accept
from lua_procedures.human.requests import HumanRequest
from lua_procedures.notebook.forms import Form
from lua_procedures.rendering.elements import Html

async def ask(form):
    answered = asyncio.get_running_loop().create_future()

    def take(raw):
        try:
            value = accept(form.question, raw)
        except AnswerRefused as refusal:
            form.refuse(refusal.faults)
        else:
            answered.done() or answered.set_result(value)

    form.on_answer(take)
    shown = display(form.mimebundle(), raw=True, display_id=True)
    while not answered.done():
        await asyncio.wait([answered], timeout=0.1)
    form.settle("answered", "Answered")
    shown.update({"text/html": "ANSWER " + json.dumps(answered.result())}, raw=True)
    form.close()

def request(fields):
    return HumanRequest(**{"asked_at": time.time(), **json.loads(fields)})
"""


class Desk:
    """A notebook in which each test asks its own question."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self._asked = 0
        notebook.run_cell(0)
        notebook.wait_until_idle()

    def ask(self, kind, message="A question?", *, code="await ask(form)", **fields):
        """Show a form in a running cell and return it."""
        self._asked += 1
        given = {"id": f"{id(self)}-{self._asked}", "kind": kind, "message": message, **fields}
        self.notebook.set_source(1, f"form = Form(request({json.dumps(given)!r}), panel='<b>Panel</b>')\n{code}")
        self.notebook.run_cell(1)
        return self.form(message)

    def form(self, message):
        form = self.notebook.cell_output(1).get_by_role("form").filter(has_text=message)
        expect(form).to_be_visible(timeout=30_000)
        return form

    def button(self, name):
        return self.notebook.cell_output(1).get_by_role("button", name=name, exact=True)

    def tab_to(self, target):
        """Press Tab until the element has the focus, as somebody without a mouse does."""
        for _ in range(30):
            if target.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not reach it")

    def answer(self):
        self.notebook.wait_for_text(1, "ANSWER")
        return json.loads(self.notebook.cell_output(1).inner_text().strip().removeprefix("ANSWER "))

    def stop(self):
        """End a cell that still waits."""
        self.notebook.interrupt()
        self.notebook.wait_until_idle()
