"""The models of run records. They never change: what marks something gives the next state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, WrapValidator

from ..records import DeepDict, DeepList, DeepValue, Snapshot, checked_once
from ..runs import AgentState

if TYPE_CHECKING:
    from ..runs import Checkpoint, Run

__all__ = ["CheckpointData", "RunState", "RunStatus", "StepResult", "StepState", "StepStatus"]


class RunStatus(StrEnum):
    """Where a run is; each member is equal to its text, as ``Run.status`` has it."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    RETRYING = "retrying"


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return secrets.token_hex(8)


class StepResult(Snapshot):
    """What a step gave.

    Attributes:
        output: what it returned.
        error: the message where it failed.
        duration_seconds: how long it took.
        token_usage: tokens by name, such as ``prompt_tokens``.
        metadata: anything else.
    """

    output: DeepValue = None
    error: str | None = None
    duration_seconds: float = Field(default=0.0, ge=0)
    token_usage: DeepDict = Field(default_factory=dict, validate_default=True)
    metadata: DeepDict = Field(default_factory=dict, validate_default=True)


class StepState(Snapshot):
    """How far a step is.

    Attributes:
        step_name: the step's name.
        attempts: how often it was begun.
        result: what the last attempt gave, or None.
        started_at, completed_at: when the last attempt began and ended, where known.
    """

    step_name: str
    status: StepStatus = StepStatus.PENDING
    attempts: int = Field(default=0, ge=0)
    result: StepResult | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    def mark_running(self) -> Self:
        """The same step with one more attempt, which runs."""
        return self.model_copy(
            update={
                "status": StepStatus.RUNNING,
                "attempts": self.attempts + 1,
                "started_at": _now(),
                "completed_at": None,
            }
        )

    def mark_completed(self, result: StepResult) -> Self:
        """The same step, completed."""
        return self.model_copy(update={"status": StepStatus.COMPLETED, "result": result, "completed_at": _now()})

    def mark_failed(self, error: str) -> Self:
        """The same step, failed with that message."""
        result = StepResult(error=error)
        return self.model_copy(update={"status": StepStatus.FAILED, "result": result, "completed_at": _now()})

    def mark_retrying(self) -> Self:
        """The same step, about to be tried again."""
        return self.model_copy(update={"status": StepStatus.RETRYING})

    def mark_skipped(self) -> Self:
        """The same step, which will not run."""
        return self.model_copy(update={"status": StepStatus.SKIPPED})


_Steps = Annotated[dict[str, StepState], WrapValidator(checked_once)]
_Agents = Annotated[dict[str, AgentState], WrapValidator(checked_once)]


class _RunParts(Snapshot):
    """What a run's state and a checkpoint of it both hold."""

    run_id: str = Field(default_factory=_new_id)
    name: str = ""
    status: RunStatus = RunStatus.PENDING
    current_step_index: int = Field(default=0, ge=0)
    turn: int = Field(default=0, ge=0)
    step_states: _Steps = Field(default_factory=dict, validate_default=True)
    agent_states: _Agents = Field(default_factory=dict, validate_default=True)
    context: DeepDict = Field(default_factory=dict, validate_default=True)
    history: DeepList = Field(default_factory=list, validate_default=True)
    started_at: datetime | None = Field(default_factory=_now)
    completed_at: datetime | None = None
    error: str | None = None


class CheckpointData(_RunParts):
    """A run's state at one moment, as it is kept.

    Attributes:
        checkpoint_id: its own id, unique in the run.
        created_at: when it was made; the order of checkpoints does not depend on it.
        run_id, …: as of ``RunState``.
    """

    checkpoint_id: str = Field(default_factory=_new_id)
    created_at: datetime = Field(default_factory=_now)


class RunState(_RunParts):
    """The state of a run.

    Attributes:
        run_id: a key, never a path.
        name: what is run.
        current_step_index: the place of the step that comes next or runs, from 0.
        turn: how many turns of agents there were.
        step_states: step name → its state.
        agent_states: agent name → what it did.
        context: what all steps share.
        history: what happened, each ``{"step", "turn", "result", "timestamp"}``, oldest first.
        started_at, completed_at: when it began and ended, where known.
        error: the message that ended it, or None.
    """

    @classmethod
    def of(cls, run: Run) -> Self:
        """The state of a run of a program: its outermost checkpoints are the steps, its State is the context.

        Several checkpoints of one name are one step, with its attempts counted; the last one's result counts.
        """
        outermost = [each for each in run.checkpoints if "/" not in each.path]
        steps: dict[str, StepState] = {}
        for each in outermost:
            name = each.name or f"{each.kind} {each.path}"
            attempts = steps[name].attempts if name in steps else 0
            steps[name] = _step_of(name, attempts + 1, each)
        return cls(
            run_id=run.run_id,
            name=run.name,
            status=RunStatus(run.status),
            current_step_index=len(outermost),
            turn=run.iterations,
            step_states=steps,
            agent_states=run.agents,
            context=run.state,
            history=[{"step": each.name, "path": each.path, "result": each.value} for each in outermost],
            started_at=None,
            error=None if run.error is None else str(run.error),
        )

    def mark_running(self) -> Self:
        """The same run, running."""
        return self.model_copy(update={"status": RunStatus.RUNNING})

    def mark_paused(self) -> Self:
        """The same run, waiting."""
        return self.model_copy(update={"status": RunStatus.PAUSED})

    def mark_completed(self) -> Self:
        """The same run, completed."""
        return self.model_copy(update={"status": RunStatus.COMPLETED, "completed_at": _now()})

    def mark_failed(self, error: str) -> Self:
        """The same run, failed with that message."""
        return self.model_copy(update={"status": RunStatus.FAILED, "error": error, "completed_at": _now()})

    def mark_cancelled(self) -> Self:
        """The same run, stopped."""
        return self.model_copy(update={"status": RunStatus.CANCELLED, "completed_at": _now()})

    def increment_turn(self) -> Self:
        """The same run with one more turn."""
        return self.model_copy(update={"turn": self.turn + 1})

    def with_step(self, step: StepState) -> Self:
        """The same run with that state of a step."""
        return self.model_copy(update={"step_states": {**self.step_states, step.step_name: step}})

    def with_agent(self, agent: AgentState) -> Self:
        """The same run with that state of an agent."""
        return self.model_copy(update={"agent_states": {**self.agent_states, agent.name: agent}})

    def with_context(self, changes: Mapping[str, Any]) -> Self:
        """The same run with other values of some keys of its context."""
        return self.model_copy(update={"context": {**self.context, **changes}})

    def add_to_history(self, step_name: str, result: Any) -> Self:
        """The same run with one more row of its history."""
        row = {"step": step_name, "turn": self.turn, "result": result, "timestamp": _now().isoformat()}
        return self.model_copy(update={"history": [*self.history, row]})

    def to_checkpoint(self) -> CheckpointData:
        """A checkpoint of this moment, with an id of its own."""
        return CheckpointData(**dict(self))


def _step_of(name: str, attempts: int, checkpoint: Checkpoint) -> StepState:
    usage = checkpoint.usage.model_dump(exclude_none=True) if checkpoint.usage is not None else {}
    return StepState(
        step_name=name,
        status=StepStatus.COMPLETED if checkpoint.error is None else StepStatus.FAILED,
        attempts=attempts,
        result=StepResult(
            output=checkpoint.value,
            error=checkpoint.error,
            duration_seconds=max(0.0, checkpoint.duration_seconds),
            token_usage=usage,
            metadata={"kind": checkpoint.kind, "path": checkpoint.path},
        ),
    )
