"""What a turn costs beside the chat model's own call, and what the first agent of a kernel costs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from lua_procedures import run
from lua_procedures.agents.calling import call
from lua_procedures.testing import ScriptedChatModel

__all__ = ["first_agent", "turns"]

ROUNDS = 5

_ALONE = "w = Agent {{ system_prompt = 'P', history = false }} for i = 1, {count} do w('go') end"
_TALKING = "w = Agent {{ system_prompt = 'P' }} for i = 1, {count} do w('go') end"

_FIRST = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.process_time()
shell.run_line_magic('load_ext', 'lua_procedures')
from lua_procedures import run
{}
print(time.process_time() - started)
"""
_NO_AGENT = "run('return 1')"
_AGENT = """
from lua_procedures.testing import ScriptedChatModel
run('w = Agent {} w()', chat_model=ScriptedChatModel(['a']))
"""


def _model() -> ScriptedChatModel:
    return ScriptedChatModel(answers=lambda _: "said")


def _each(count: int, work: Callable[[], Any]) -> float:
    """Milliseconds of CPU for each of so many."""
    started = time.process_time()
    work()
    return (time.process_time() - started) / count * 1000


def _bare(count: int, *, growing: bool) -> None:
    """The same calls with nothing of ours around them but the call itself."""
    model = _model()
    messages = [{"role": "system", "content": "P"}]
    for _ in range(count):
        asked = [*messages, {"role": "user", "content": "go"}]
        call(model, {"model": {"settings": {}}, "messages": asked, "tools": [], "tool_choice": None, "schema": None})
        if growing:
            messages = [*asked, {"role": "assistant", "content": "said"}]


def _own(program: str, count: int, *, growing: bool) -> float:
    """Milliseconds of each turn over the bare call."""
    ours = _each(count, lambda: run(program.format(count=count), chat_model=_model()))
    return ours - _each(count, lambda: _bare(count, growing=growing))


def turns() -> list[str]:
    """Our own cost of a turn over the bare call of a scripted model, and its growth."""
    _own(_ALONE, 10, growing=False)
    few = min(_own(_ALONE, 100, growing=False) for _ in range(ROUNDS))
    many = min(_own(_ALONE, 1000, growing=False) for _ in range(ROUNDS))
    growing = min(_own(_TALKING, 200, growing=True) for _ in range(ROUNDS))
    return [
        f"a turn over the bare model call: {few:.2f} ms of CPU at 100 turns (target 1.5)",
        f"a turn at 1,000 turns over one at 100: {many / few:.2f} (target 1.2)",
        f"a turn over the bare call of the same prompt, which grows to 400 messages: {growing:.2f} ms of CPU",
    ]


def _first(program: str) -> float:
    command = [sys.executable, "-c", _FIRST.format(program)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def first_agent() -> list[str]:
    """From ``%load_ext`` to the end of a first program, without an agent and with one."""
    without, with_one = (min(_first(program) for _ in range(ROUNDS)) for program in (_NO_AGENT, _AGENT))
    return [
        f"%load_ext to the first Lua without an agent: {without * 1000:.0f} ms of CPU",
        f"%load_ext to the first Lua with an agent: {with_one * 1000:.0f} ms of CPU",
    ]
