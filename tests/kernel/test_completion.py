"""Tab and Shift-Tab in a real kernel."""

from __future__ import annotations

import pytest

from ..bounds import PATIENCE

pytestmark = pytest.mark.kernel


def ask(kernel, method, text):
    """The reply of the kernel to a completion or inspection at the end of a text."""
    send = getattr(kernel.client, method)
    return send(text, len(text), reply=True, timeout=PATIENCE)["content"]


def test_tab_completes_lua_in_a_cell_and_python_elsewhere(kernel):
    """Inside a cell primitives only, with the typed part replaced; outside of it Python's own."""
    text = "%%procedure x\nreturn Human.ap"
    reply = ask(kernel, "complete", text)
    assert reply["matches"] == ["approve"]
    assert text[reply["cursor_start"] : reply["cursor_end"]] == "ap"
    assert "import" in ask(kernel, "complete", "impor")["matches"]
    assert ask(kernel, "complete", "%%procedure x\nimpor")["matches"] == ["impor"]


def test_shift_tab_describes_a_primitive(kernel):
    """Its signature and summary inside a cell; Python's inspection elsewhere."""
    reply = ask(kernel, "inspect", "%%procedure x\nStep.run(")
    assert reply["data"]["text/plain"].startswith("Step.run(name, fn")
    assert "print" in ask(kernel, "inspect", "print")["data"]["text/plain"]


SESSION = """
import json
from pathlib import Path
from lua_procedures.testing import ScriptedChatModel
def lookup(key: str) -> str: return key
def load(key: str) -> str: return key
def _hidden(): ...
class Kind: ...
model, limits, script = ScriptedChatModel(["a"]), {"n": 1}, [True]
"""
RECORDED = "Step.run('fetch', function() end)\nStep.run('ask Cairo', function() end)\nreturn Human.approve('Go?')"
OFFERED = {
    "%%procedure --to": ["--tools"],
    "%%procedure triage --tools ": ["load", "lookup"],
    "%%procedure triage --tools load,lo": ["lookup"],
    "%%procedure triage --tools=loo": ["lookup"],
    "%%procedure triage --chat-model ": ["model"],
    "%%procedure triage --params ": ["limits"],
    "%%procedure triage -i ": ["limits", "model", "script"],
    "%%procedure triage --answers d": ["default"],
    "%%procedure triage --redo ": ['"Go?"', '"ask Cairo"', "failed", "fetch"],
    "%%procedure triage --redo fetch --redo f": ["failed", "fetch"],
    '%%procedure triage --redo "ask': ['"ask Cairo"'],
    "%%procedure other --redo ": ["failed"],
    "%%procedure tri": ["triage"],
    "%%procedure --store m": ["memory:"],
    "%%procedure triage --seed ": [""],
    "%%procedure triage --chat-model look": ["look"],
    "%procedure --file pro": ["program.lua"],
    "%procedures sh": ["show"],
    "%procedures show ": ["--store", "triage"],
    "%procedures fork triage f": ["fetch"],
    "%procedure resume --store memory: tri": ["triage"],
    "%procedures clear triage --after ": ['"Go?"', '"ask Cairo"', "fetch"],
}


@pytest.mark.parametrize("jedi", [True, False])
def test_tab_completes_the_option_line(kernel, jedi):
    """Options, and the values that are known: variables of the session, runs and their checkpoints; no Python names."""
    kernel.run(f"%config IPCompleter.use_jedi = {jedi}\n{SESSION}\nPath('program.lua').write_text('return 1')")
    kernel.run(f"%%procedure triage --answers default\n{RECORDED}")
    for line, offered in OFFERED.items():
        reply = ask(kernel, "complete", line)
        assert (line, reply["matches"]) == (line, offered)
        typed = line[reply["cursor_start"] : reply["cursor_end"]]
        assert all(each.strip('"').startswith(typed.strip('"')) for each in offered)
    options = ask(kernel, "complete", "%%procedure triage --fresh ")["matches"]
    assert {"--tools", "-o", "--redo"} < {*options}
    assert "--fresh" not in options
    assert not {"print", "lookup", "limits", "triage"} & {*options}
    below = ask(kernel, "complete", "x = 1\n%procedures hist")
    assert below["matches"] == ["history"]
