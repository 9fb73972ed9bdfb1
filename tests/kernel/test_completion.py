"""Tab and Shift-Tab in a real kernel."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel


def ask(kernel, method, text):
    """The reply of the kernel to a completion or inspection at the end of a text."""
    send = getattr(kernel.client, method)
    return send(text, len(text), reply=True, timeout=60)["content"]


def test_tab_completes_lua_in_a_cell_and_python_elsewhere(kernel):
    """Inside a cell primitives only, with the typed part replaced; outside of it Python's own."""
    text = "%%procedure x\nreturn Human.ap"
    reply = ask(kernel, "complete", text)
    assert reply["matches"] == ["approve"]
    assert text[reply["cursor_start"] : reply["cursor_end"]] == "ap"
    assert "import" in ask(kernel, "complete", "impor")["matches"]


def test_shift_tab_describes_a_primitive(kernel):
    """Its signature and summary inside a cell; Python's inspection elsewhere."""
    reply = ask(kernel, "inspect", "%%procedure x\nStep.run(")
    assert reply["data"]["text/plain"].startswith("Step.run(name, fn")
    assert "print" in ask(kernel, "inspect", "print")["data"]["text/plain"]
