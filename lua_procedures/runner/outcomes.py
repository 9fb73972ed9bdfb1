"""Entries to what the program and the user see of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..durable.entries import Entry
from ..durable.serialization import dumps, loads
from ..human.requests import HumanResponse
from ..runs import AgentState, Checkpoint, Usage

__all__ = [
    "agents_of",
    "checkpoint_of",
    "failure_text",
    "response_of",
    "response_text",
    "usage_of",
    "usage_text",
    "value_text",
]

#: Kinds whose outcome is the list of what a function returned.
_SEVERAL = ("step", "checkpoint", "procedure_call")


def failure_text(value: str, kind: str, detail: str) -> str:
    """The outcome of an operation that raised: the error value's JSON text, its class and that class's detail.

    A detail that is a number tells the host's errors of one pass apart (see ``Failing``); it means nothing to another.
    """
    detail = "" if detail.isdigit() else detail
    return f'{{"value":{value},"class":{json.dumps(kind)},"detail":{json.dumps(detail)}}}'


def value_text(entry: Entry) -> str:
    """The outcome as the JSON list of results."""
    return entry.outcome if entry.kind in _SEVERAL else f"[{entry.outcome}]"


def checkpoint_of(entry: Entry, *, replayed: bool) -> Checkpoint:
    """An entry as users see it."""
    value = loads(entry.outcome, entry.objects or ())
    error = None
    if entry.failed:
        error = value["value"] if isinstance(value["value"], str) else dumps(value["value"], [])
        value = None
    elif entry.kind in _SEVERAL:
        value = None if not value else value[0] if len(value) == 1 else value
    return Checkpoint(
        position=int(entry.path.rpartition("/")[2]),
        path=entry.path,
        kind=entry.kind,
        name=entry.name,
        value=value,
        error=error,
        line=entry.line or None,
        replayed=replayed,
        duration_seconds=max(0.0, entry.finished - entry.started),
        usage=usage_of(entry),
    )


def usage_text(answer: Any) -> str | None:
    """What an entry keeps of the tokens of a model's answer; None where the answer does not say."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    return dumps(usage) if isinstance(usage, dict) and usage else None


def usage_of(entry: Entry) -> Usage | None:
    """The tokens of an entry, or None where it says nothing of them."""
    return None if entry.usage is None else Usage.model_validate(loads(entry.usage))


def agents_of(listed: Iterable[tuple[Entry, bool]]) -> dict[str, AgentState]:
    """What each agent did, from all checkpoints in path order, outer before inner."""
    states: dict[str, AgentState] = {}
    turns: list[Entry] = []
    for entry, _ in listed:
        while turns and not entry.path.startswith(turns[-1].path + "/"):
            turns.pop()
        if entry.kind == "agent_turn":
            turns.append(entry)
            states[entry.name] = _after_turn(states.get(entry.name) or AgentState(name=entry.name), entry)
        elif entry.kind == "model_call" and turns and (usage := usage_of(entry)):
            state = states[turns[-1].name]
            states[state.name] = state.model_copy(update={"total_tokens": state.total_tokens + usage.total_tokens})
    return states


def _after_turn(state: AgentState, entry: Entry) -> AgentState:
    changed: dict[str, Any] = {"invocations": state.invocations + 1}
    if entry.failed:
        changed["errors"] = state.errors + 1
    else:
        changed["last_output"] = loads(entry.outcome, entry.objects or ()).get("output")
    return state.model_copy(update=changed)


def response_text(response: HumanResponse) -> str:
    """What an entry keeps of an answer beside its value."""
    return dumps(response.model_dump(exclude={"value"}))


def response_of(entry: Entry) -> HumanResponse:
    """The answer that an entry of kind ``human`` holds."""
    return HumanResponse(value=loads(entry.outcome, entry.objects or ()), **loads(entry.effects or "{}"))
