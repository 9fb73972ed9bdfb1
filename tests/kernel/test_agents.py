"""Agents in a cell: the model it is given, money, the limit on tokens, MCP servers, and what is wrong with these."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from ..bounds import PATIENCE

pytestmark = pytest.mark.kernel

SERVER = Path(__file__).parents[1] / "tools" / "mcp" / "server.py"
MODEL = """
from lua_procedures.testing import ScriptedChatModel
usage = {"prompt_tokens": 600, "completion_tokens": 400, "total_tokens": 1000}
model = ScriptedChatModel(lambda messages: {"content": f"heard {messages[-1].content}", "usage": usage})
"""
TWICE = "w = Agent {}\nw('one')\nreturn w('two').output"


@pytest.fixture(autouse=True)
def model(kernel):
    """A chat model in the notebook's namespace."""
    assert kernel.run(MODEL).reply["status"] == "ok"


def test_a_model_of_the_namespace_answers(kernel):
    """It answers agents that name none; run again, the cell asks it nothing."""
    cell = kernel.run(f"%%procedure heard --chat-model model -o r\n{TWICE}")
    assert (kernel.value("r.value"), kernel.value("len(model.requests)")) == ("heard two", 2)
    assert "kept 0, ran 2 (2k tokens)" in cell.record
    again = kernel.run(f"%%procedure heard --chat-model model -o r\n{TWICE}")
    assert kernel.value("len(model.requests)") == 2
    assert "kept 2 (2k tokens), ran 0" in again.record


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--chat-model nothing", "nothing"),
        ("--chat-model usage", "a LangChain chat model expected, got a dict"),
        ("--max-tokens 0", "max_tokens"),
        ("--replay none.json", "cannot be read"),
    ],
)
def test_a_wrong_option_is_a_short_error(kernel, options, said):
    """It names the option's value, and nothing is asked."""
    cell = kernel.run(f"%%procedure wrong {options}\n{TWICE}")
    assert cell.reply["status"] == "error"
    assert said in cell.error
    assert "lua_procedures/" not in cell.error
    assert kernel.value("len(model.requests)") == 0


def test_a_person_is_asked_beyond_the_limit(kernel):
    """The question is a form in the running cell; yes goes on, and no ends the run, which says how to go on."""
    cell = kernel.begin(f"%%procedure asked --chat-model model --max-tokens 500 -o r\n{TWICE}")
    form = kernel.form(cell)
    assert "Go on beyond 1000 tokens?" in str(form.state)
    kernel.press(form, 0)
    kernel.finish(cell)
    assert kernel.value("r.value") == "heard two"
    refused = kernel.begin(f"%%procedure refused --chat-model model --max-tokens 500\n{TWICE}")
    kernel.press(kernel.form(refused), 1)
    kernel.finish(refused)
    assert refused.reply["ename"] == "LimitExceeded"
    assert "--max-tokens" in refused.error


def test_prices_give_money(kernel):
    """`%config Procedures.prices` counts for the model's own name; a form that is none is refused."""
    kernel.run("%config Procedures.prices = {'scripted': {'prompt': 1000, 'completion': 2000}}")
    cell = kernel.run(f"%%procedure paid --chat-model model -o r\n{TWICE}")
    assert kernel.value("r.usage.cost") == pytest.approx(2 * (0.6 + 0.8))
    assert "cost 2.8" in cell.record
    kernel.run("%config Procedures.prices = {'scripted': 5}")
    wrong = kernel.run(f"%%procedure paid --chat-model model\n{TWICE}")
    kernel.run("%config Procedures.prices = {}")
    assert wrong.reply["ename"] == "UsageError"
    assert "scripted" in wrong.error


def test_the_tools_of_a_server(kernel, tmp_path):
    """A server of `%config Procedures.mcp_servers` is started when a cell needs it, and ended with the extension."""
    calls = tmp_path / "calls.txt"
    spec = {"command": sys.executable, "args": [str(SERVER), str(calls)]}
    kernel.run(f"%config Procedures.mcp_servers = {{'files': {spec!r}}}")
    kernel.run("%%procedure without\nreturn 1")
    assert not calls.exists()
    kernel.run("%%procedure with -o r\nreturn files_add{a = 1, b = 2}, Tool('mcp.files.echo'){text = 'x'}")
    assert kernel.value("r.value") == [3, "x"]
    wrong = kernel.run("%%procedure with2\nreturn files_add{a = 'one'}")
    assert wrong.reply["ename"] == "SchemaError"
    started = [each for each in psutil.process_iter(["cmdline"]) if str(calls) in (each.info["cmdline"] or [])]
    assert len(started) == 1
    kernel.run("%config Procedures.mcp_servers = {}")
    kernel.run("%unload_ext lua_procedures")
    assert psutil.wait_procs(started, timeout=PATIENCE)[1] == []
    kernel.run("%load_ext lua_procedures")
