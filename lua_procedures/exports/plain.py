"""A run as JSON, for review and as what a later run may be replayed from.

The same run gives the same bytes, whether it has just run or was replayed: nothing in it tells of the last pass.
Values are written as the journal writes them (see ``durable.serialization``), so bytes and handles have their tags.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, Final

from ..durable.entries import HIDDEN_KINDS, KEPT_FIELDS, Entry, JournalRow, StoredRequest
from ..durable.keys import asked_parts
from ..durable.serialization import dumps
from ..errors import ProcedureError
from ..fixtures.content import json_bytes
from ..runs import Checkpoint, Run
from .held import FORMAT, VERSION, Held

__all__ = ["record_json"]

_JSON_TEXTS: Final = {"inputs", "options", "outcome", "effects", "reads", "usage", "request", "answer"}
_HIDDEN_TEXTS: Final = _JSON_TEXTS - {"outcome"}  # that of a hidden kind is the runner's own
#: Of a journal's head: numbers of one store, and times that move with each pass.
_OF_ONE_STORE: Final = {"id", "generation", "updated"}


def record_json(run: Run, held: Held) -> bytes:
    """The run and its journal as JSON text in UTF-8, keys sorted."""
    fixture = run._data.fixture()  # noqa: SLF001 - our own run
    content = _sorted(
        {
            "format": FORMAT,
            "version": VERSION,
            "run": {name: _value(read(run)) for name, read in _PARTS.items()},
            "journal": {
                **{name: _field(held.row, name) for name in KEPT_FIELDS if name not in _OF_ONE_STORE},
                "entries": [_entry(entry) for entry in held.entries],
                "requests": [_request(request) for request in held.requests],
            },
        }
    )
    if fixture is not None:  # which keeps its order: what a program is given is asked again in the same words
        content["fixture"] = fixture.content()
    return json_bytes(content)


_PARTS: Final[dict[str, Callable[[Run], Any]]] = {
    "name": lambda run: run.name,
    "status": lambda run: run.status,
    "value": lambda run: run.value,
    "error": lambda run: None if run.error is None else _error(run.error),
    "state": lambda run: run.state,
    "stages": lambda run: _records(run.stages),
    "iterations": lambda run: run.iterations,
    "stop": lambda run: run.stop.model_dump(),
    "checkpoints": lambda run: [_checkpoint(each) for each in run.checkpoints],
    "notices": lambda run: _records(run.notices),
    "answers": lambda run: _records(run.answers),
    "pending": lambda run: None if run.pending is None else run.pending.model_dump(),
    "tool_calls": lambda run: _records(run.tool_calls),
    "messages": lambda run: _records(run.messages),
    "agents": lambda run: {name: agent.model_dump() for name, agent in run.agents.items()},
    "usage": lambda run: run.usage.model_dump(),
    "graph": lambda run: _records(run.graph.nodes),
}


def _sorted(value: Any) -> Any:
    """Plain data with the keys of all objects in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, (list, tuple)) else value


def _value(value: Any) -> Any:
    """Plain data as the journal's JSON has it, tags included."""
    return json.loads(dumps(value, []))


def _records(records: Any) -> list[dict[str, Any]]:
    return [each.model_dump() for each in records]


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return checkpoint.model_dump(exclude={"replayed"})


def _error(error: ProcedureError) -> dict[str, Any]:
    return {"class": type(error).__name__, "message": error.message, "line": error.line, "hint": error.hint}


def _entry(entry: Entry) -> dict[str, Any]:
    texts = _HIDDEN_TEXTS if entry.kind in HIDDEN_KINDS else _JSON_TEXTS
    shown = {name: _field(entry, name, texts) for name in Entry._fields if name not in ("asked", "objects")}
    return {**shown, "asked": asked_parts(entry.asked)}


def _request(request: StoredRequest) -> dict[str, Any]:
    return {name: _field(request, name) for name in ("id", "request", "answer")}


def _field(record: Entry | JournalRow | StoredRequest, name: str, texts: Collection[str] = _JSON_TEXTS) -> Any:
    value = getattr(record, name)
    if isinstance(value, bytes):
        return value.hex()
    return json.loads(value, strict=False) if name in texts and value is not None else value
