"""Every kind of question in a real cell, by mouse and by keyboard alone, in JupyterLab and in Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .kinds import KINDS, ask_all

pytestmark = pytest.mark.browser

EXPECTED = {kind.name: kind.value for kind in KINDS if kind.value is not None}
VALUE = "{name: {key: got for key, got in value.items() if key != 'responded_at'} if isinstance(value, dict) else value"
VALUE += " for name, value in kinds.value.items()}"


def _begin(cells, way):
    cells.begin(f"%%procedure kinds-{way} -o kinds\n{ask_all(KINDS)}")


def _values(cells):
    """What the program got, without the times of reviews."""
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    return cells.python(VALUE)


def test_every_kind_by_mouse(both):
    """One program asks everything there is, and gets what was clicked and typed."""
    cells = both
    _begin(cells, "mouse")
    for kind in KINDS:
        form = cells.form(kind.message)
        expect(form.locator(kind.shows).first).to_be_visible()
        kind.mouse(cells, form)
    assert _values(cells) == EXPECTED


def test_every_kind_by_keyboard(both):
    """The same by keyboard alone: after each answer the next form has the focus, at the end the cell."""
    cells = both
    _begin(cells, "keyboard")
    for place, kind in enumerate(KINDS):
        form = cells.form(kind.message)
        if place == 0:
            cells.page.keyboard.press("Escape")
        else:
            expect(form).to_be_focused()
        kind.keyboard(cells, form)
    cells.notebook.wait_for_text(1, "completed")
    expect(cells.notebook.cell(1)).to_be_focused()
    assert _values(cells) == EXPECTED
