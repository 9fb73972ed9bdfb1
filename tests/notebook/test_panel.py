"""The live panel: how often it draws, whatever comes how fast, and that nothing is lost by it."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from lua_procedures.errors import LuaRuntimeError
from lua_procedures.events import CheckpointStarted, RunEnded, RunStarted, TextStreamed, Told
from lua_procedures.notebook.panel import Panel
from lua_procedures.runs import Run, RunData

SECONDS = 1.0


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """What is shown from now on: when, and its HTML."""
    shown: list[tuple[float, str]] = []

    class Handle:
        def update(self, bundle: dict[str, Any], **_: Any) -> None:
            display(bundle)

    def display(bundle: dict[str, Any], **_: Any) -> Handle:
        shown.append((time.monotonic(), bundle["text/html"]))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def begun() -> Panel:
    """The panel of a run whose agent is being asked."""
    panel = Panel()
    panel(RunStarted(Run(RunData(name="talk", status="running"))))
    panel(CheckpointStarted("0", "agent_turn", "clerk", 2))
    panel(CheckpointStarted("0/0", "model_call", "gpt", 2))
    panel(Told("0/0", "clerk", ("Go on",)))
    return panel


async def stream(panel: Panel, pause: float) -> int:
    """Pieces of text for a second; how many they were."""
    count, end = 0, time.monotonic() + SECONDS
    while time.monotonic() < end:
        panel(TextStreamed("0/0", "clerk", f"word{count} "))
        count += 1
        await asyncio.sleep(pause)
    return count


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_a_stream_is_drawn_ten_times_a_second(drawn: list[tuple[float, str]], pause: float) -> None:
    """However fast a model is, the panel changes at most ten times a second, and often enough to be followed."""
    panel = begun()
    count = asyncio.run(stream(panel, pause))
    assert count > 20
    assert 4 <= len(drawn) <= 12 * SECONDS
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(drawn)]
    assert min(gaps) > 0.09


def test_the_last_piece_is_drawn(drawn: list[tuple[float, str]]) -> None:
    """A model that falls silent in the middle of its text leaves nothing unshown."""

    async def speak() -> None:
        panel = begun()
        await asyncio.sleep(0.3)
        panel(TextStreamed("0/0", "clerk", "first "))
        panel(TextStreamed("0/0", "clerk", "and last"))
        await asyncio.sleep(0.3)

    asyncio.run(speak())
    assert "first and last" in drawn[-1][1]


def test_without_a_model_it_draws_four_times_a_second(drawn: list[tuple[float, str]]) -> None:
    """Steps that follow each other change the panel as often as before."""
    panel = Panel()

    async def steps() -> None:
        panel(RunStarted(Run(RunData(name="steps", status="running"))))
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            panel(CheckpointStarted("0", "step", "fetch", 1))
            await asyncio.sleep(0.01)

    asyncio.run(steps())
    assert len(drawn) <= 5 * SECONDS


def test_a_quiet_panel_draws_nothing_of_a_stream(drawn: list[tuple[float, str]]) -> None:
    """With ``--quiet`` only the record is shown."""
    panel = Panel(quiet=True)
    panel(RunStarted(Run(RunData(name="talk", status="running"))))
    panel(Told("0/0", "clerk", ()))
    asyncio.run(stream(panel, 0.05))
    assert drawn == []


async def until(condition: Any) -> None:
    """Let the loop turn until something holds; pytest's timeout ends what never does."""
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.01)


def kept(panel: Panel) -> Any:
    return panel._keeper


def test_a_silent_run_is_kept_too(drawn: list[tuple[float, str]]) -> None:
    """After the first drawing the browser is given what keeps the panel, though nothing happens, until the run ends."""

    async def watch() -> None:
        panel = Panel()
        started = Run(RunData(name="quiet", status="running"))
        panel(RunStarted(started))
        panel(CheckpointStarted("0", "sleep", "", 1))
        await until(lambda: kept(panel))
        keeper = kept(panel)
        assert f'class="tex2jax_ignore mathjax_ignore {keeper.mark}"' in drawn[-1][1]
        assert not keeper.stoppable
        panel(RunEnded(started))
        assert kept(panel) is None
        assert keeper.over
        assert keeper.mark not in drawn[-1][1]

    asyncio.run(watch())


def test_a_short_run_needs_no_keeper(drawn: list[tuple[float, str]]) -> None:
    """A run that is over before it was drawn shows its record and imports no widgets for it."""

    async def watch() -> None:
        panel = Panel()
        started = Run(RunData(name="short", status="running"))
        panel(RunStarted(started))
        panel(RunEnded(started))
        await asyncio.sleep(0.8)
        assert kept(panel) is None

    asyncio.run(watch())
    assert len(drawn) == 1


def test_the_control_asks_the_program_once(drawn: list[tuple[float, str]]) -> None:
    """What is pressed reaches the program in the loop's turn, and cannot be pressed again."""
    asked: list[str] = []

    async def watch() -> None:
        panel = Panel()
        panel(RunStarted(Run(RunData(name="loop", status="running")), asked.append))
        panel(CheckpointStarted("0", "sleep", "", 1))
        await until(lambda: kept(panel))
        keeper = kept(panel)
        assert keeper.stoppable
        keeper._receive(keeper, {"type": "stop"}, [])
        assert asked == []
        await until(lambda: asked)
        assert not keeper.stoppable
        panel(RunEnded(Run(RunData(name="loop", status="completed"))))
        keeper._receive(keeper, {"type": "stop"}, [])
        await asyncio.sleep(0.05)

    asyncio.run(watch())
    assert len(asked) == 1
    assert drawn


@pytest.mark.parametrize("told", ["", "message", "all"])
def test_an_error_knows_what_its_record_tells(drawn: list[tuple[float, str]], told: Any) -> None:
    """Where the record is seen, the cell's exception need not repeat it."""
    error = LuaRuntimeError("no such file", line=3)
    Panel(told=told)(RunEnded(Run(RunData(name="load", status="failed", error=error))))
    assert error.told == told
    assert len(drawn) == 1
