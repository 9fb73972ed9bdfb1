"""States of runs: frozen in depth, and each mark gives the next state."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from lua_procedures import (
    AgentState,
    CheckpointData,
    ConversionError,
    RunState,
    RunStatus,
    StepResult,
    StepState,
    StepStatus,
    answer,
    resume,
    run,
)

CHANGES = [
    lambda value: value.__setitem__("k", 1),
    lambda value: value.update(k=1),
    lambda value: value.pop("list"),
    lambda value: value.clear(),
    lambda value: value.setdefault("k", 1),
    lambda value: value.__ior__({"k": 1}),
    lambda value: value.__delitem__("list"),
    lambda value: value["list"].append(1),
    lambda value: value["list"].sort(),
    lambda value: value["list"].__setitem__(0, 5),
    lambda value: value["list"].__iadd__([1]),
    lambda value: value["list"][1].update(deep=2),
    lambda value: value["set"].add(3),
    lambda value: value["set"].__ior__({3}),
    lambda value: value["tuple"][0].append(3),
]


def shared():
    """Data of every kind of container, inside each other."""
    return {"list": [3, {"deep": 1}], "set": {1, 2}, "tuple": ([1],)}


def output(state, name):
    """What a step gave."""
    result = state.step_states[name].result
    assert result is not None
    return result.output


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "held",
    [
        lambda: RunState(context=shared()).context,
        lambda: RunState(history=[shared()]).history[0],
        lambda: RunState().with_context(shared()).to_checkpoint().context,
        lambda: RunState().add_to_history("a", shared()).history[0]["result"],
        lambda: StepResult(output=shared()).output,
        lambda: StepResult(metadata=shared()).metadata,
        lambda: AgentState(name="a", last_output=shared()).last_output,
        lambda: AgentState(name="a").model_copy(update={"last_output": shared()}).last_output,
    ],
)
def test_nothing_inside_can_be_changed(held, change):
    """A record is frozen in depth, whichever way its data came in."""
    value = held()
    with pytest.raises(TypeError, match="cannot be changed"):
        change(value)
    assert value == shared()


def test_fields_cannot_be_set():
    """No field of a record can be set."""
    for record in (
        RunState(),
        StepState(step_name="a"),
        StepResult(),
        AgentState(name="a"),
        RunState().to_checkpoint(),
    ):
        for name in type(record).model_fields:
            with pytest.raises(ValidationError):
                setattr(record, name, None)


def test_a_snapshot_shares_nothing_with_what_it_was_made_of():
    """Changing the live data afterwards changes neither the state nor its checkpoint."""
    live = shared()
    state = RunState(context=live, history=[live]).with_step(StepState(step_name="a", result=StepResult(output=live)))
    checkpoint = state.to_checkpoint()
    live["list"][1]["deep"] = 99
    live["set"].add(99)
    live["tuple"][0].append(99)
    live["new"] = 1
    assert checkpoint.context == checkpoint.history[0] == shared()
    assert output(checkpoint, "a") == shared()


def test_a_copy_of_frozen_data_is_free():
    """What is read from a record can be copied and changed."""
    context = RunState(context=shared()).context
    mine = context.copy()
    mine["k"] = 1
    items = context["list"].copy()
    items.append(1)
    members = context["set"].copy()
    members.add(3)
    assert context == shared()


def test_records_are_copied_and_pickled():
    """Deep copies and pickles of a state are equal to it and as frozen."""
    state = RunState(context=shared(), history=[shared()]).with_agent(AgentState(name="a"))
    for other in (copy.deepcopy(state), copy.copy(state), pickle.loads(pickle.dumps(state))):
        assert other == state
        with pytest.raises(TypeError):
            other.context["list"].append(1)


def test_a_circle_is_refused():
    """Data that contains itself cannot be frozen."""
    live: dict = {}
    live["self"] = live
    with pytest.raises(ConversionError, match="depth over 100"):
        RunState(context=live)


@pytest.mark.parametrize(
    "wrong", [{"context": 5}, {"context": {1: 2}}, {"history": "text"}, {"history": [1]}, {"step_states": {"a": 1}},
              {"turn": -1}, {"status": "unknown"}, {"current_step_index": -1}]
)  # fmt: skip
def test_wrong_fields_are_refused(wrong):
    """The fields are checked, in a copy too."""
    with pytest.raises(ValidationError):
        RunState(**wrong)
    with pytest.raises(ValidationError):
        RunState().model_copy(update=wrong)


def test_marks_of_a_step():
    """Each mark gives the next state of a step, and leaves the one before as it was."""
    pending = StepState(step_name="fetch")
    running = pending.mark_running()
    failed = running.mark_failed("no network")
    again = failed.mark_retrying().mark_running()
    done = again.mark_completed(StepResult(output=[1]))
    assert [each.status for each in (pending, running, failed, again, done)] == [
        "pending", "running", "failed", "running", "completed",
    ]  # fmt: skip
    assert [each.attempts for each in (pending, running, failed, again, done)] == [0, 1, 1, 2, 2]
    assert failed.result == StepResult(error="no network")
    assert again.completed_at is None
    assert (done.started_at or 0) <= (done.completed_at or 0)  # type: ignore[operator]
    assert pending.mark_skipped().status is StepStatus.SKIPPED


def test_marks_of_a_run():
    """Each mark gives the next state of a run."""
    state = RunState(name="loop")
    assert state.mark_running().status is RunStatus.RUNNING
    assert state.mark_paused().status is RunStatus.PAUSED
    assert state.mark_cancelled().completed_at is not None
    failed = state.mark_failed("no key")
    assert (failed.status, failed.error) == ("failed", "no key")
    done = state.increment_turn().add_to_history("a", 1).mark_completed()
    assert (done.status, done.turn, done.history[0]["turn"], done.history[0]["result"]) == ("completed", 1, 1, 1)
    assert state.history == []
    assert state.turn == 0


def test_an_agent_counts_its_invocations():
    """A failed invocation counts, and leaves the last output."""
    agent = AgentState(name="writer").record_invocation(100, output="text").record_invocation(20, error=True)
    assert (agent.invocations, agent.total_tokens, agent.errors, agent.last_output) == (2, 120, 1, "text")


def test_times_are_aware():
    """Times that a record sets have a zone."""
    assert str(RunState().started_at).endswith("+00:00")
    assert CheckpointData().created_at <= datetime.now(UTC)


PROGRAM = """
State.set("n", 1)
local a = Step.run("collect", function() return {1, 2} end)
for i = 1, 3 do Step.checkpoint(function() return i end) end
pcall(function() Step.run("broken", function() error("no network") end) end)
Step.run("after", function() return 1 end)
return Human.approve{message = "Ship?"}
"""


def test_a_run_of_a_program_as_a_state():
    """The outermost checkpoints of a run are the steps, its State is the context."""
    paused = run(PROGRAM, name="bridge")
    state = RunState.of(paused)
    assert (state.run_id, state.name, state.status, state.context) == (paused.run_id, "bridge", "paused", {"n": 1})
    assert output(state, "collect") == [1, 2]
    assert state.step_states["broken"].status is StepStatus.FAILED
    assert "no network" in str(state.step_states["broken"].result)
    assert state.current_step_index == len(state.history) == 6
    assert [row["path"] for row in state.history] == ["0", "1", "2", "3", "4", "5"]
    answer("bridge", value=True)
    ended = RunState.of(resume("bridge"))
    assert (ended.status, output(ended, "Ship?")) == (RunStatus.COMPLETED, True)
