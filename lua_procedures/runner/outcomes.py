"""Entries to what the program and the user see of them."""

from __future__ import annotations

import json

from ..durable.entries import Entry
from ..durable.serialization import dumps, loads
from ..human.requests import HumanResponse
from ..runs import Checkpoint

__all__ = ["checkpoint_of", "failure_text", "response_of", "response_text", "value_text"]

#: Kinds whose outcome is the list of what a function returned.
_SEVERAL = ("step", "checkpoint", "procedure_call")


def failure_text(value: str, kind: str, detail: str) -> str:
    """The outcome of an operation that raised: the error value's JSON text, its class and that class's detail."""
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
    )


def response_text(response: HumanResponse) -> str:
    """What an entry keeps of an answer beside its value."""
    return dumps(response.model_dump(exclude={"value"}))


def response_of(entry: Entry) -> HumanResponse:
    """The answer that an entry of kind ``human`` holds."""
    return HumanResponse(value=loads(entry.outcome, entry.objects or ()), **loads(entry.effects or "{}"))
