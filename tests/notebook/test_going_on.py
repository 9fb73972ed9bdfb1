"""A cell that goes on after its pass has paused."""

from __future__ import annotations

import asyncio
from functools import partial

from lua_procedures import jobs
from lua_procedures.jobs import Job
from lua_procedures.notebook.cells import Cell
from lua_procedures.session import Session, Waiting


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


def test_other_stores_and_other_inputs_are_other_runs():
    """What a paused run shows is closed for a pass of the same store, name and inputs only."""
    session, closed = Session(), []
    keys = [("sqlite:///a.db", "n", "1"), ("sqlite:///b.db", "n", "1"), ("sqlite:///a.db", "n", "2")]
    for key in keys:
        session.waiting[key] = Waiting(partial(lambda key, how: closed.append((key, how)), key))
    session.supersede("sqlite:///a.db", "n", "elsewhere", "1")
    assert closed == [(keys[0], "elsewhere")]
    session.supersede("sqlite:///a.db", "n", "cleared")
    assert closed[1:] == [(keys[2], "cleared")]
    assert [*session.waiting] == [keys[1]]
