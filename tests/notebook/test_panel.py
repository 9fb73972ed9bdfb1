"""The live panel: how often it draws, whatever comes how fast, and that nothing is lost by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from lua_procedures.errors import LuaRuntimeError
from lua_procedures.events import CheckpointStarted, RunEnded, RunStarted, TextStreamed, Told
from lua_procedures.notebook.panel import Panel
from lua_procedures.runs import Run, RunData

from .panels import QUESTION, ended, until, watched

TENTH = 0.1 - 1e-9
TICKS = 1000  # of a thousandth of a second


class Clock:
    """Time that passes when a test says so, in the place of the panel's own."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def ticks(self) -> Iterator[int]:
        """A second, in thousandths."""
        for tick in range(TICKS):
            self.now = tick / TICKS
            yield tick


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The panel's clock."""
    clock = Clock()
    monkeypatch.setattr("lua_procedures.notebook.panel.time", clock)
    return clock


def begun() -> Panel:
    """The panel of a run whose agent is being asked."""
    panel = Panel()
    panel(RunStarted(Run(RunData(name="talk", status="running"))))
    panel(CheckpointStarted("0", "agent_turn", "clerk", 2))
    panel(CheckpointStarted("0/0", "model_call", "gpt", 2))
    panel(Told("0/0", "clerk", ("Go on",)))
    return panel


def drawings(clock: Clock, drawn: list[str], act: Callable[[int], None]) -> list[float]:
    """When the panel was drawn, in a second in whose every thousandth something is done."""
    moments = []
    for tick in clock.ticks():
        before = len(drawn)
        act(tick)
        moments += [clock.now] * (len(drawn) - before)
    return moments


@pytest.mark.parametrize("pause", [1, 30])
def test_a_stream_is_drawn_ten_times_a_second(clock: Clock, drawn: list[str], pause: int) -> None:
    """However fast a model is, the panel changes at most ten times a second, and often enough to be followed."""
    panel = begun()

    def speak(tick: int) -> None:
        if tick % pause == 0:
            panel(TextStreamed("0/0", "clerk", f"word{tick} "))

    moments = drawings(clock, drawn, speak)
    assert moments[0] <= 0.2 + pause / TICKS
    assert all(TENTH < later - earlier <= 0.1 + pause / TICKS for earlier, later in pairwise(moments))
    assert moments[-1] > 0.8


def test_a_stream_in_a_loop_is_drawn_as_often(drawn: list[str]) -> None:
    """What comes too early is drawn by the loop, at most ten times a second too."""

    async def speak() -> float:
        began, count = time.monotonic(), 0
        panel = begun()
        while len(drawn) < 8:
            panel(TextStreamed("0/0", "clerk", f"word{count} "))
            count += 1
            await asyncio.sleep(0)
        return time.monotonic() - began

    assert asyncio.run(speak()) > 7 * TENTH


def test_the_last_piece_is_drawn(drawn: list[str]) -> None:
    """A model that falls silent in the middle of its text leaves nothing unshown."""

    async def speak() -> None:
        panel = begun()
        panel(TextStreamed("0/0", "clerk", "first "))
        await until(lambda: drawn)
        panel(TextStreamed("0/0", "clerk", "and last"))
        await until(lambda: "first and last" in drawn[-1])

    asyncio.run(speak())


def test_without_a_model_it_draws_four_times_a_second(clock: Clock, drawn: list[str]) -> None:
    """Steps that follow each other change the panel as often as before."""
    panel = Panel()
    panel(RunStarted(Run(RunData(name="steps", status="running"))))
    moments = drawings(clock, drawn, lambda _: panel(CheckpointStarted("0", "step", "fetch", 1)))
    assert [round(moment, 2) for moment in moments] == [0.2, 0.45, 0.7, 0.95]


def test_a_quiet_panel_draws_nothing_of_a_stream(clock: Clock, drawn: list[str]) -> None:
    """With ``--quiet`` only the record is shown."""
    panel = Panel(quiet=True)
    panel(RunStarted(Run(RunData(name="talk", status="running"))))
    panel(Told("0/0", "clerk", ()))
    assert not drawings(clock, drawn, lambda _: panel(TextStreamed("0/0", "clerk", "word ")))


def test_a_fault_of_the_panel_is_not_the_runs(drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be drawn is said in the panel, once; questions are asked, and the record comes all the same."""

    def broken(*_: Any, **__: Any) -> str:
        raise KeyError("colour")

    monkeypatch.setattr("lua_procedures.notebook.panel.panel_html", broken)

    async def watch() -> None:
        panel = watched()
        await until(lambda: drawn)
        assert "the panel could not be drawn: KeyError" in drawn[-1]
        form = panel.ask(QUESTION, "long")
        assert "the panel could not be drawn: KeyError" in form.panel
        ended(panel)
        assert "completed" in drawn[-1]

    asyncio.run(watch())


def test_a_fault_of_the_record_is_not_the_runs(drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the record cannot be drawn, the output says why, and nothing goes on beside it."""

    def broken(_: Run) -> dict[str, str]:
        raise ValueError("no such tree")

    monkeypatch.setattr("lua_procedures.notebook.panel.record_bundle", broken)
    panel = Panel()
    ended(panel)
    assert panel.shown is not None
    assert "ValueError: no such tree" in drawn[-1]


@pytest.mark.parametrize("told", ["", "message", "all"])
def test_an_error_knows_what_its_record_tells(drawn: list[str], told: Any) -> None:
    """Where the record is seen, the cell's exception need not repeat it."""
    error = LuaRuntimeError("no such file", line=3)
    Panel(told=told)(RunEnded(Run(RunData(name="load", status="failed", error=error))))
    assert error.told == told
    assert len(drawn) == 1
