"""Tactus's checkpoints as entries of a journal, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ...durable.entries import Entry
from ...durable.keys import chain_after, key_of
from ...durable.serialization import dumps, loads, normalise
from ...errors import ConversionError
from .library import class_of, models, path_of

__all__ = [
    "NAMED",
    "checkpoint_of",
    "entry_of",
    "hung_below",
    "is_answered",
    "is_pending",
    "named_entry",
    "plain",
    "value_of",
]

#: What the entry of a checkpoint that was saved by name is asked; those of Tactus's log have only a position.
NAMED: Final = "by name"

_KINDS: Final = ("model_predict", "procedure_call", "sleep", "tool_call")
_SEVERAL: Final = ("checkpoint", "procedure_call")  # whose outcome is a list of results
_MAX_DEPTH: Final = 100
_KEPT: Final = ("type", "duration_ms", "input_hash", "run_id")


def plain(value: Any) -> Any:
    """A value as plain data; Lua's tables become lists and dicts.

    Raises:
        ConversionError: it holds something that cannot be kept, which is named by its path.
    """
    return normalise(_without_tables(value, 0))


def _without_tables(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ConversionError(f"a value nested deeper than {_MAX_DEPTH} tables")
    if type(value).__module__.partition(".")[0] == "lupa" and hasattr(value, "items"):
        value = dict(value.items())
        if value and set(value) == set(range(1, len(value) + 1)):
            value = [value[place] for place in range(1, len(value) + 1)]
    if type(value) is dict:
        return {key: _without_tables(item, depth + 1) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_without_tables(item, depth + 1) for item in value]
    return value


def is_pending(checkpoint: Any) -> bool:
    """Whether it only says that a person is being asked: Tactus asks again on the next pass."""
    return checkpoint.result is None and checkpoint.type.startswith("hitl_")


def is_answered(entry: Entry) -> bool:
    """Whether an entry is a person's answer."""
    return entry.kind == "human" and "responded_at" in loads(entry.effects or "{}")


def entry_of(checkpoint: Any, position: int, prev: bytes) -> Entry:
    """A ``CheckpointEntry`` of Tactus as an entry after the chain ``prev``.

    Raises:
        ConversionError: its result, or a variable that it captured, cannot be kept.
    """
    kind, name = _kind_of(checkpoint.type)
    result, beside = _result_of(checkpoint.result)
    kept = {field: getattr(checkpoint, field) for field in _KEPT}
    where = checkpoint.source_location
    kept["source_location"] = None if where is None else where.model_dump()
    kept["captured_vars"] = plain(checkpoint.captured_vars)
    kept["timestamp"] = checkpoint.timestamp.isoformat()
    finished = checkpoint.timestamp.timestamp()
    return _entry(
        prev,
        position,
        kind,
        name,
        outcome=dumps([result] if kind in _SEVERAL else result),
        effects=dumps({**beside, "checkpoint": kept}),
        line=0 if where is None else where.line,
        started=finished - (checkpoint.duration_ms or 0.0) / 1000,
        finished=finished,
    )


def named_entry(name: str, value: Any, position: int, prev: bytes) -> Entry:
    """A checkpoint that is saved by name.

    Raises:
        ConversionError: the value cannot be kept.
    """
    now = datetime.now(UTC).timestamp()
    result, beside = _result_of(value)
    return _entry(
        prev,
        position,
        "checkpoint",
        name,
        asked=NAMED,
        outcome=dumps([result]),
        effects=dumps(beside),
        started=now,
        finished=now,
    )


def _entry(prev: bytes, position: int, kind: str, name: str, *, asked: str = "", outcome: str, **rest: Any) -> Entry:
    key = key_of(prev, kind, name, asked)
    chain = chain_after(key, outcome, failed=False)
    return Entry(key, prev, chain, str(position), kind, name, asked, outcome, **rest)


def hung_below(entry: Entry, prev: bytes) -> Entry:
    """The same checkpoint after another chain."""
    key = key_of(prev, entry.kind, entry.name, entry.asked)
    return entry._replace(key=key, prev=prev, chain=chain_after(key, entry.outcome, failed=False))


def checkpoint_of(entry: Entry, position: int) -> Any:
    """An entry as the ``CheckpointEntry`` that it was made of, at its place in Tactus's log."""
    kept = loads(entry.effects or "{}")["checkpoint"]
    return models().CheckpointEntry(**{**kept, "position": position, "result": value_of(entry)})


def value_of(entry: Entry) -> Any:
    """The result of a checkpoint, of the type that it had."""
    value, beside = loads(entry.outcome), loads(entry.effects or "{}")
    value = value[0] if entry.kind in _SEVERAL else value
    if beside.get("tuple"):
        return tuple(value)
    kind = class_of(beside["record"]) if "record" in beside else None
    if kind is None:
        return value
    return kind.model_validate({**beside["fields"], "value": value} if "fields" in beside else value)


def _result_of(result: Any) -> tuple[Any, dict[str, Any]]:
    """A result as plain data, and what is to be known besides to make it again."""
    record = path_of(result)
    if record is None:
        return plain(result), {"tuple": True} if type(result) is tuple else {}
    if not hasattr(result, "responded_at"):
        return plain(result.model_dump()), {"record": record}
    fields = result.model_dump(mode="json", exclude={"value"})
    answered = {"request_id": "", "responded_at": result.responded_at.timestamp(), "timed_out": result.timed_out}
    return plain(result.value), {**answered, "channel": "Tactus", "record": record, "fields": fields}


def _kind_of(type_: str) -> tuple[str, str]:
    """The kind and the name of a checkpoint by Tactus's type, such as ``agent_writer_turn``."""
    if type_.startswith("hitl_"):
        return "human", type_.removeprefix("hitl_")
    if type_.startswith("agent_"):
        return "agent_turn", type_.removeprefix("agent_").removesuffix("_turn") or "agent"
    return type_ if type_ in _KINDS else "checkpoint", type_
