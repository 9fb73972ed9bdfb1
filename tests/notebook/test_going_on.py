"""A cell that goes on after its pass has paused."""

from __future__ import annotations

import asyncio

from lua_procedures import jobs
from lua_procedures.jobs import Job
from lua_procedures.notebook.cells import Cell


def test_an_unexpected_fault_is_shown(monkeypatch):
    """No exception of a pass that goes on by itself is lost in its task."""
    shown: list[Exception] = []

    class Shown:
        fail = staticmethod(shown.append)

    async def drive(_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(jobs, "drive", drive)
    asyncio.run(Cell(Job("return 1", "r"), Shown())._go_on())  # type: ignore[arg-type]  # all that it asks of a panel
    assert [str(each) for each in shown] == ["OSError: the disk is gone"]
