"""Panels of runs that go on, and ways in which they end."""

from __future__ import annotations

import asyncio
from typing import Any

from lua_procedures.errors import StoreError
from lua_procedures.events import CheckpointStarted, RunEnded, RunStarted
from lua_procedures.human.requests import HumanRequest
from lua_procedures.notebook.panel import Panel
from lua_procedures.runs import Run, RunData

__all__ = ["QUESTION", "ended", "failed", "kept", "until", "watched", "withdrawn"]

QUESTION = HumanRequest(id="r", kind="approve", message="Sure?", asked_at=0.0)


async def until(condition: Any) -> None:
    """Let the loop turn until something holds; pytest's timeout ends what never does."""
    while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.01)


def kept(panel: Panel) -> Any:
    return panel._keeping.keeper


def watched(name: str = "long") -> Panel:
    """The panel of a run that is in a sleep."""
    panel = Panel()
    panel(RunStarted(Run(RunData(name=name, status="running"))))
    panel(CheckpointStarted("0", "sleep", "", 1))
    return panel


def ended(panel: Panel) -> None:
    panel(RunEnded(Run(RunData(name="long", status="completed"))))


def failed(panel: Panel) -> None:
    panel.fail(StoreError("the disk is gone"))


def withdrawn(panel: Panel) -> None:
    panel.shown = Run(RunData(name="long", status="paused"))
    panel.withdraw("asked elsewhere")
