"""The live panel: how often it draws, whatever comes how fast, and that nothing is lost by it."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from lua_procedures.events import CheckpointStarted, RunStarted, TextStreamed, Told
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
