"""What stands beside a live panel: when it comes and goes, what it is told, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lua_procedures.events import CheckpointStarted, RunEnded, RunStarted
from lua_procedures.notebook.panel import Panel
from lua_procedures.runs import Run, RunData

from .panels import QUESTION, ended, failed, kept, until, watched, withdrawn


def test_a_silent_run_is_kept_too(drawn: list[str]) -> None:
    """After the first drawing the browser is given what keeps the panel, though nothing happens, until the run ends."""

    async def watch() -> None:
        panel = Panel()
        started = Run(RunData(name="quiet", status="running"))
        panel(RunStarted(started))
        panel(CheckpointStarted("0", "sleep", "", 1))
        await until(lambda: kept(panel))
        keeper = kept(panel)
        assert f'class="tex2jax_ignore mathjax_ignore {keeper.mark}"' in drawn[-1]
        assert not keeper.stoppable
        panel(RunEnded(started))
        assert kept(panel) is None
        assert keeper.over
        assert keeper.mark not in drawn[-1]

    asyncio.run(watch())


def test_a_short_run_needs_no_keeper(drawn: list[str]) -> None:
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


def test_the_control_asks_the_program_once(drawn: list[str]) -> None:
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


WAYS = pytest.mark.parametrize("ends", [ended, failed, withdrawn])


@WAYS
def test_nothing_is_drawn_over_the_end(drawn: list[str], ends: Callable[[Panel], None]) -> None:
    """However a panel ends, no drawing that was due comes later, and the browser's keeper is over with the same."""

    async def watch() -> None:
        panel = watched()
        await until(lambda: kept(panel))
        keeper = kept(panel)
        panel(CheckpointStarted("1", "sleep", "", 1))
        panel(CheckpointStarted("2", "sleep", "", 1))  # too early, so that a timer waits to draw it
        ends(panel)
        before = list(drawn)
        await asyncio.sleep(0.5)
        assert drawn == before
        assert keeper.over
        assert keeper.shown["text/html"] == drawn[-1]
        assert kept(panel) is None

    asyncio.run(watch())


@WAYS
def test_what_was_begun_for_a_pass_comes_too_late(drawn: list[str], ends: Callable[[Panel], None]) -> None:
    """A keeper that is loaded while the pass ends belongs to no later pass."""

    async def watch() -> None:
        panel = watched()
        await until(lambda: drawn)
        panel._keeping._load()
        ends(panel)
        panel(RunStarted(Run(RunData(name="long", status="running"))))
        await asyncio.sleep(0.3)
        assert kept(panel) is None

    asyncio.run(watch())


def test_a_run_leaves_no_widget_behind(drawn: list[str]) -> None:
    """However many runs are kept, no more widgets live than before, and none is a layout."""
    from ipywidgets.widgets.widget import _instances

    async def watch(count: int) -> None:
        for _ in range(count):
            panel = watched()
            panel._keeping._load()
            await until(lambda panel=panel: kept(panel))
            ended(panel)

    asyncio.run(watch(1))
    before = set(_instances)
    asyncio.run(watch(1))
    (keeper,) = set(_instances) - before
    assert _instances[keeper].mark
    asyncio.run(watch(11))
    count = len(_instances)
    asyncio.run(watch(5))
    assert len(_instances) == count


def test_forms_that_ended_go_with_their_layouts(drawn: list[str]) -> None:
    """The oldest forms are closed, each with the widget that is its layout; keepers take none of their places."""
    from ipywidgets.widgets.widget import _instances

    def ask() -> None:
        panel = Panel(quiet=True)
        panel.ask(QUESTION, "brief")
        failed(panel)

    for _ in range(12):
        ask()
    before = len(_instances)
    for _ in range(5):
        ask()
    assert len(_instances) == before


def test_a_question_that_no_pass_waits_for_needs_no_keeper(drawn: list[str]) -> None:
    """A pass that asks and pauses at once makes no widget but its form."""

    async def watch() -> None:
        panel = Panel()
        panel(RunStarted(Run(RunData(name="brief", status="running"))))
        form = panel.ask(QUESTION, "brief")
        assert kept(panel) is None
        panel(RunEnded(Run(RunData(name="brief", status="paused"))))
        await asyncio.sleep(0.8)
        assert kept(panel) is None
        assert form.phase == "open"

    asyncio.run(watch())


def test_a_page_that_was_loaded_again_is_told(drawn: list[str]) -> None:
    """Where a page asks for them, drawings are sent to the keeper, too; questions always are."""

    async def watch() -> None:
        panel = watched()
        await until(lambda: kept(panel))
        keeper = kept(panel)
        panel._draw()
        assert keeper.shown == {}
        keeper._receive(keeper, {"type": "follow"}, [])
        panel._draw()
        assert keeper.shown["text/html"] == drawn[-1]
        keeper.following = False
        form = panel.ask(QUESTION, "long")
        assert form.model_id in str(keeper.shown)
        failed(panel)

    asyncio.run(watch())


def test_widgets_that_cannot_be_loaded_are_named_once(drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anywidget the panel says so in its first run; the run goes on, and no exception is left behind."""
    monkeypatch.setitem(sys.modules, "lua_procedures.notebook.keeper", None)

    async def watch() -> list[Any]:
        left: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: left.append(context))
        panel = watched()
        await until(lambda: drawn and "no stop can be requested" in drawn[-1])
        ended(panel)
        assert "no stop can be requested" not in drawn[-1]
        del drawn[:]
        panel = watched()
        await asyncio.sleep(1)
        assert not [each for each in drawn if "no stop can be requested" in each]
        ended(panel)
        return left

    assert asyncio.run(watch()) == []
