"""Notebooks from recorded runs: with nobody there, no key and no network."""

from __future__ import annotations

import json

import pytest

from .test_headless import execute, notebook, outputs

pytestmark = [pytest.mark.kernel, pytest.mark.notebook]

MODEL = """\
from lua_procedures.testing import ScriptedChatModel
model = ScriptedChatModel(answers=["A fine draft", "A finer draft"])
def look(topic: str) -> list:
    "Look something up."
    print("really looked")
    return [topic]"""

PROGRAM = """\
writer = Agent{system_prompt = "You write drafts.", tools = {"look"}}
local draft = writer("About " .. look{topic = "kites"}[1])
local said = Human.input{message = "Feedback?"}
return {draft.output, writer(said).output}"""


TOOLS = "--chat-model model --tools look"


def test_a_notebook_runs_from_its_fixtures(tmp_path):
    """Recorded once with `--record`; then the variable replays it, cell unchanged, and no model or tool is asked."""
    (tmp_path / "fixtures").mkdir()
    cell = f"%%procedure draft {TOOLS} --answers answers --record fixtures -o r\n{PROGRAM}"
    setup = f'{MODEL}\nanswers = ["Shorter"]'
    live = outputs(execute(notebook(setup, cell, "r.value"), tmp_path))
    held = json.loads((tmp_path / "fixtures" / "draft.json").read_text())
    assert [each["kind"] for each in held["calls"]] == ["tool_call", "model_call", "human", "model_call"]

    broken = f'{MODEL}\nanswers = None\nmodel = ScriptedChatModel(answers=[])\nlook.__doc__ = "Look something up."'
    variables = {"LUA_PROCEDURES_REPLAY": tmp_path / "fixtures"}
    again = outputs(execute(notebook(broken, cell, "r.value"), tmp_path, **variables))

    text = "['A fine draft', 'A finer draft']"
    assert live[3][0]["data"]["text/plain"] == again[3][0]["data"]["text/plain"] == text
    assert "really looked" in json.dumps(live[2])
    assert "really looked" not in json.dumps(again[2])


def test_an_edited_notebook_fails_in_ci(tmp_path):
    """The cell's error is short and shows the difference; `--replay` says the same."""
    (tmp_path / "fixtures").mkdir()
    program = 'local writer = Agent{}\nreturn writer("Write").output'
    cell = f"%%procedure draft --chat-model model --record fixtures\n{program}"
    execute(notebook(MODEL, cell), tmp_path)
    edited = program.replace("Write", "Rewrite")

    for option, variables in (
        ("--replay fixtures/draft.json", {}),
        ("", {"LUA_PROCEDURES_REPLAY": tmp_path / "fixtures"}),
    ):
        made = notebook(f"%%procedure draft {option}\n{edited}")
        (error,) = [
            each
            for each in outputs(execute(made, tmp_path, allow_errors=True, **variables))[1]
            if each["output_type"] == "error"
        ]
        assert error["ename"] == "DivergenceError"
        assert "line 3: " in error["evalue"]
        assert "-user: Write" in error["evalue"]
        assert "+user: Rewrite" in error["evalue"]
        assert "lua_procedures/" not in "\n".join(error["traceback"])


def test_folders_by_configuration(tmp_path):
    """`%config Procedures.record` and `replay` name folders; what the line says is meant instead."""
    (tmp_path / "fixtures").mkdir()
    program = 'local writer = Agent{}\nreturn writer("Write").output'
    made = notebook(MODEL, "%config Procedures.record = 'fixtures'", f"%%procedure draft --chat-model model\n{program}")
    execute(made, tmp_path)
    assert (tmp_path / "fixtures" / "draft.json").exists()

    for setting, option in (("replay", ""), ("record", "--replay fixtures")):
        cells = [f"%config Procedures.{setting} = 'fixtures'", f"%%procedure draft {option}\n{program}", "_.value"]
        assert outputs(execute(notebook(*cells), tmp_path))[3][0]["data"]["text/plain"] == "'A fine draft'"
