"""The end of a pass, whatever the program left in its own tables."""

from __future__ import annotations

import pytest

from lua_procedures import run
from lua_procedures.runner import ending
from lua_procedures.runner.ending import _record
from lua_procedures.runs import Message, ToolCall


@pytest.mark.parametrize(
    "row", [None, [], "x", {"role": 5}, {"role": "a", "content": 1, "tool_calls": "x", "agent": 2}]
)
def test_a_row_that_does_not_fit_becomes_text(row):
    """No row of a conversation or of calls keeps a run from ending."""
    assert isinstance(_record(Message, row).role, str)
    assert isinstance(_record(ToolCall, row).name, str)


def test_a_world_that_cannot_be_read_ends_the_run_all_the_same(monkeypatch):
    """What cannot be read is left out, and a notice says so; the rest is there."""

    def broken(*_):
        raise ValueError("odd")

    monkeypatch.setattr(ending, "_record", broken)
    ran = run("Session.append('user', 'x') State.set('a', 1) return 5")
    assert (ran.status, ran.value, ran.messages) == ("completed", 5, [])
    assert any("the conversation is left out of the run: ValueError: odd" in each.message for each in ran.notices)
