"""What happens in a run, typed, for whoever watches: the panel, a log, a trace.

A *sink* is any callable that takes an event. The runner calls sinks on the thread that drives the
run and never waits for them; a sink must not raise and must not touch Lua.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graphs import Graph
    from .human.requests import HumanRequest, HumanResponse
    from .runs import Notice, Run

__all__ = [
    "Answered",
    "Asked",
    "Changed",
    "CheckpointFinished",
    "CheckpointStarted",
    "Event",
    "GraphGrew",
    "Noticed",
    "RunEnded",
    "RunStarted",
    "Sink",
    "StageMoved",
    "StagesDeclared",
    "StopRequested",
    "TextStreamed",
    "Told",
    "Waiting",
]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The program starts, from the top.

    ``ask_to_stop(reason)`` asks it to stop, which it sees where it next looks at ``Stop``. It may be called by a turn
    of the event loop that drives the run, before the run ends.
    """

    run: Run
    ask_to_stop: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The program asks for something else than what is recorded; ``sentence`` says where and what."""

    sentence: str


@dataclass(frozen=True, slots=True)
class CheckpointStarted:
    """A checkpoint runs live (one that is replayed has no start)."""

    path: str
    kind: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class CheckpointFinished:
    """A checkpoint has its outcome, from the journal or live.

    ``read()`` gives its result, or its error, as plain data; it is there for what agents do, else None.
    """

    path: str
    kind: str
    name: str
    line: int
    replayed: bool
    failed: bool
    seconds: float
    read: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something was shown: ``Human.notify``, ``System.alert``, ``Log``, ``print``, or a warning of ours."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class StagesDeclared:
    """``Stages{…}``: the order of the stages."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageMoved:
    """The current stage is now ``to_stage``."""

    from_stage: str | None
    to_stage: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The checkpoint that started at ``path`` waits until this UNIX time in seconds.

    ``why`` is empty for a ``Sleep``, else it says what is tried again then.
    """

    path: str
    until: float
    why: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A stop was requested; ``seen`` says whether the program knows, or will see it where it next looks at ``Stop``."""

    reason: str
    success: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An agent's model is asked, live; ``texts`` is what was said to the agent since it last spoke.

    ``path`` is that of the model call.
    """

    path: str
    agent: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextStreamed:
    """A piece of an agent's text came; ``path`` is that of the model call that is under way."""

    path: str
    agent: str
    text: str


@dataclass(frozen=True, slots=True)
class GraphGrew:
    """The node tree has ``size`` nodes now.

    ``read(limit)`` gives a part of it with at most so many nodes. It reads Lua, so it may be called only while a sink
    takes this event, or by the event loop's turn before the run ends.
    """

    size: int
    read: Callable[[int], Graph]


@dataclass(frozen=True, slots=True)
class Asked:
    """A person is asked and the run waits."""

    request: HumanRequest


@dataclass(frozen=True, slots=True)
class Answered:
    """The question has its answer (or its default, on expiry)."""

    request: HumanRequest
    response: HumanResponse


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The program ended, failed, paused or was stopped."""

    run: Run


Event = (
    RunStarted
    | Changed
    | CheckpointStarted
    | CheckpointFinished
    | Noticed
    | StagesDeclared
    | StageMoved
    | Waiting
    | StopRequested
    | Told
    | TextStreamed
    | GraphGrew
    | Asked
    | Answered
    | RunEnded
)
Sink = Callable[[Event], None]
