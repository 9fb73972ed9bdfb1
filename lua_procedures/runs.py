"""The ``Run`` that users hold, and the frozen records it is made of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from .graphs import Graph
from .human.requests import HumanRequest, HumanResponse
from .records import DeepValue, Record, Snapshot

if TYPE_CHECKING:
    from .errors import ProcedureError
    from .fixtures.content import Fixture
    from .modules import Module

__all__ = [
    "AgentState",
    "Checkpoint",
    "Exported",
    "Message",
    "Notice",
    "Run",
    "RunData",
    "RunStatus",
    "StageMove",
    "Stop",
    "ToolCall",
    "Usage",
]

RunStatus = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]


class Usage(Record):
    """Tokens of model calls.

    Attributes:
        cost: what a run's tokens cost by the given prices; None without them, and where a model has none.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float | None = None


class Checkpoint(Record):
    """One journal entry as users see it.

    Attributes:
        position: place in its frame, from 0.
        path: positions from the outermost frame in, such as ``"3/0"``.
        kind: ``step``, ``checkpoint``, ``human``, ``sleep``, …
        name: the step's, tool's or agent's name, or the request's message.
        value: the outcome as plain Python data; None where it failed.
        error: the failure's message where the program caught it, else None.
        line: the cell's line of the call.
        replayed: whether this pass took it from the journal.
        duration_seconds: of the pass that ran it.
    """

    position: int
    path: str
    kind: str
    name: str
    value: Any = None
    error: str | None = None
    line: int | None = None
    replayed: bool = False
    duration_seconds: float = 0.0
    usage: Usage | None = None


class Notice(Record):
    """Something shown to the person at the cell.

    Attributes:
        kind: ``notify``, ``alert``, ``log``, ``print`` or ``warning`` (ours).
        level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
        content: markdown of a ``notify``.
        details: collapsible sections ``{"title", "content"}`` of a ``notify``.
        context: a table given with the call.
        source: of a ``System.alert``.
        fields: any other field that the call gave.
        line: the cell's line of the call, where known.
    """

    kind: Literal["notify", "alert", "log", "print", "warning"]
    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    message: str = ""
    content: str | None = None
    details: tuple[dict[str, Any], ...] = ()
    context: Any = None
    source: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    line: int | None = None


class StageMove(Record):
    """One row of ``Stage.history()``; ``timestamp`` is the run's own time, in UNIX seconds."""

    from_stage: str | None
    to_stage: str
    timestamp: float


class Exported(Record):
    """What an export wrote.

    Attributes:
        path: the file.
        checkpoints: how many the run has.
        left_out: a sentence for each live object that could not be exported.
    """

    path: str
    checkpoints: int
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        noun = "checkpoint" if self.checkpoints == 1 else "checkpoints"
        return "\n".join([f"wrote {self.path}: {self.checkpoints:,} {noun}", *self.left_out])


class Stop(Record):
    """Whether a stop was asked for, by whom it does not matter; the last one wins."""

    requested: bool = False
    reason: str | None = None
    success: bool = True


class ToolCall(Record):
    """One call of a tool, whoever made it."""

    name: str
    args: Any = None
    result: Any = None
    error: str | None = None


class Message(Record):
    """One message: of the run's shared conversation, or exchanged with an agent.

    Attributes:
        role: ``system``, ``user``, ``assistant`` or ``tool``, or what ``Session.append`` was given.
        content: the text, or what was given.
        agent: whose it is; None in the shared conversation.
        tool_calls: what the agent asked for, each ``id``, ``name`` and ``args``.
    """

    role: str
    content: Any
    agent: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class AgentState(Snapshot):
    """What an agent did in this run."""

    name: str
    invocations: int = 0
    total_tokens: int = 0
    errors: int = 0
    last_output: DeepValue = None

    def record_invocation(self, tokens: int = 0, *, error: bool = False, output: Any = None) -> Self:
        """The same agent after one more turn, with the tokens that it took; ``output`` is kept unless it failed."""
        counted = {
            "invocations": self.invocations + 1,
            "total_tokens": self.total_tokens + tokens,
            "errors": self.errors + error,
        }
        return self.model_copy(update=counted if error else {**counted, "last_output": output})


def _nowhere(run: Run, path: str | os.PathLike[str]) -> Exported:
    from .errors import StoreError

    raise StoreError(f"the run {run.name!r} has no journal to export")


@dataclass
class RunData:
    """What the runner knows of a run; ``Run`` reads from it.

    ``checkpoints`` and ``world`` are read only when somebody looks: a run of 10,000 steps costs nothing more.
    ``absent`` are the modules that were asked for and not found. ``under_way`` are the checkpoints without an outcome
    in which the run came to rest, ``cut_off`` is the path and the text of a model call that was stopped. ``store_name``
    is what a person types after ``--store``, empty where ``%procedures`` looks there anyway.
    """

    name: str
    title: str = ""
    run_id: str = ""
    status: RunStatus = "pending"
    value: Any = None
    error: ProcedureError | None = None
    program: str = ""
    modules: dict[str, Module] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    stages_declared: tuple[str, ...] = ()
    stages: list[StageMove] = field(default_factory=list)
    state_text: str = "{}"
    state_objects: Sequence[Any] = ()
    iterations: int = 0
    stop: Stop = field(default_factory=Stop)
    notices: list[Notice] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    graph: Graph = field(default_factory=Graph)
    usage: Usage = field(default_factory=Usage)
    fixture_name: str = ""
    unpriced: tuple[str, ...] = ()
    pending: HumanRequest | None = None
    replayed: int = 0
    executed: int = 0
    change: str | None = None
    until: float | None = None
    store_url: str = "memory:"
    store_name: str = ""
    headless: bool = True
    list_checkpoints: Callable[[], Sequence[Checkpoint]] = tuple
    list_answers: Callable[[], Sequence[HumanResponse]] = tuple
    list_agents: Callable[[], dict[str, AgentState]] = dict
    planned: list[Checkpoint] = field(default_factory=list)
    planned_new: int = 0
    under_way: list[Checkpoint] = field(default_factory=list)
    cut_off: tuple[str, str] = ("", "")
    fixture: Callable[[], Fixture | None] = lambda: None
    render: Callable[[Run], dict[str, str]] = lambda run: {"text/plain": repr(run)}
    export: Callable[[Run, str | os.PathLike[str]], Exported] = _nowhere


class Run:
    """One execution history of a program under a name.

    A ``Run`` is read-only and live: one that waits with ``--no-wait`` changes its ``status`` when it goes on.
    Values are plain Python data; ``state`` is a copy.
    """

    def __init__(self, data: RunData) -> None:
        self._data = data

    @property
    def name(self) -> str:
        """The run's name."""
        return self._data.name

    @property
    def run_id(self) -> str:
        """Identifies this history among all that share the name."""
        return self._data.run_id

    @property
    def status(self) -> RunStatus:
        """``completed``, ``failed``, ``paused`` or ``cancelled``; ``pending`` or ``running`` while active."""
        return self._data.status

    @property
    def value(self) -> Any:
        """What the program returned; several values as a list."""
        return self._data.value

    @property
    def error(self) -> ProcedureError | None:
        """The error that ended the run, or None."""
        return self._data.error

    @property
    def state(self) -> dict[str, Any]:
        """The program's State, a copy."""
        from .durable.serialization import loads

        return dict(loads(self._data.state_text, self._data.state_objects))

    @property
    def stage(self) -> str | None:
        """The current stage, or None before any."""
        return self._data.stages[-1].to_stage if self._data.stages else None

    @property
    def stages(self) -> list[StageMove]:
        """Every move, in order."""
        return list(self._data.stages)

    @property
    def iterations(self) -> int:
        """How many agent turns the run took."""
        return self._data.iterations

    @property
    def stop(self) -> Stop:
        """Whether a stop was requested."""
        return self._data.stop

    @property
    def graph(self) -> Graph:
        """The node tree."""
        return self._data.graph

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints of the last pass, in path order, outer before inner."""
        return list(self._data.list_checkpoints())

    @property
    def replayed(self) -> int:
        """How many top-level checkpoints came from the journal."""
        return self._data.replayed

    @property
    def executed(self) -> int:
        """How many top-level checkpoints ran."""
        return self._data.executed

    @property
    def planned(self) -> list[Checkpoint]:
        """With ``plan``: what would run first, and what was recorded there and after it."""
        return list(self._data.planned)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Every tool call, in order."""
        return list(self._data.tool_calls)

    @property
    def messages(self) -> list[Message]:
        """The run's shared conversation."""
        return list(self._data.messages)

    @property
    def notices(self) -> list[Notice]:
        """Everything shown, in order."""
        return list(self._data.notices)

    @property
    def answers(self) -> list[HumanResponse]:
        """Every answer of a person, in order."""
        return list(self._data.list_answers())

    @property
    def agents(self) -> dict[str, AgentState]:
        """What each agent did, by name."""
        return self._data.list_agents()

    @property
    def usage(self) -> Usage:
        """Tokens in total, and what they cost by the given prices."""
        return self._data.usage

    @property
    def pending(self) -> HumanRequest | None:
        """The question that the run waits for, or None."""
        return self._data.pending

    def export(self, path: str | os.PathLike[str]) -> Exported:
        """Write the run to a file, whole or not at all.

        Args:
            path: ``.md`` and ``.html`` are records to read, ``.json`` is plain data; with any other suffix it is one
                pickle file, which ``import_run`` takes into another store.

        Raises:
            StoreError: it cannot be written; what was there is as it was.
        """
        return self._data.export(self, path)

    def __repr__(self) -> str:
        return f"<Run {self.name!r} {self.status}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._data.render(self)


def plain(value: Any) -> str:
    """A short text of plain data, for one line of a record."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
