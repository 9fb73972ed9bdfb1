"""Events of a run as lines."""

from __future__ import annotations

import pytest

from lua_procedures.command_line.progress import ProgressLines
from lua_procedures.events import (
    Changed,
    CheckpointFinished,
    CheckpointStarted,
    Noticed,
    RunEnded,
    StageMoved,
    TextStreamed,
)
from lua_procedures.runs import Notice, Run, RunData


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def written():
    return []


@pytest.fixture
def progress(clock, written):
    return ProgressLines(written.append, clock)


def finished(path, name="fetch", kind="step", **facts):
    """A checkpoint that has its outcome."""
    facts = {"line": 3, "replayed": False, "failed": False, "seconds": 0.5, **facts}
    return CheckpointFinished(path, kind, name, **facts)


def test_the_first_line_comes_at_once(progress, written):
    """A checkpoint that is alone is told when it ends, with its place and time."""
    progress(CheckpointStarted("0", "step", "fetch", 3))
    assert written == []
    progress(finished("0"))
    assert written == ["step fetch (line 3, 0.50 s)"]


def test_quick_ones_of_one_name_are_one_line(progress, written, clock):
    """What comes within half a second is counted; a slow one is told at once."""
    for number in range(1000):
        progress(finished(str(number), failed=number == 7))
    clock.time += 1
    progress(finished("1000"))
    progress(finished("1001", "other"))
    progress(RunEnded(Run(RunData("r"))))
    assert written == [
        "step fetch (line 3, 0.50 s)",
        "step fetch ×1,000, 1 failed (line 3, 500.00 s)",
        "step other (line 3, 0.50 s)",
    ]


def test_kinds_have_their_words_and_failures_are_marked(progress, written, clock):
    """A tool call is a tool, a model call a model, and inner ones stand further in."""
    for event in (
        finished("0/0", "gpt", "model_call"),
        finished("0/1", "search", "tool_call", failed=True),
        finished("0", "writer", "agent_turn", line=9),
        finished("1", "", "checkpoint", line=0),
    ):
        clock.time += 1
        progress(event)
    assert written == [
        "  model gpt (line 3, 0.50 s)",
        "  failed: tool search (line 3, 0.50 s)",
        "agent writer (line 9, 0.50 s)",
        "checkpoint (0.50 s)",
    ]


def test_what_is_replayed_is_counted(progress, written):
    """Kept checkpoints of the outermost frame are one line, before what is new."""
    for path in ("0", "1", "1/0", "2"):
        progress(finished(path, replayed=True))
    assert written == []
    progress(CheckpointStarted("3", "step", "new", 5))
    assert written == ["kept 3 checkpoints"]


def test_order_is_kept(progress, written):
    """Stages, notices and changes come where they happened, after what was counted before them."""
    progress(finished("0"))
    progress(finished("1"))
    progress(StageMoved(None, "review"))
    progress(Noticed(Notice(kind="notify", message="look", level="warning")))
    progress(finished("2", replayed=True))
    progress(Changed("line 4 changed"))
    progress(TextStreamed("3", "writer", "text"))
    assert written == [
        "step fetch (line 3, 0.50 s)",
        "step fetch (line 3, 0.50 s)",
        "stage: review",
        "[warning] look",
        "kept 1 checkpoint",
        "line 4 changed",
    ]
