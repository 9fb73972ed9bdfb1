"""One state as what it changes in another: so that what is the same is written once, however often it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..runs import AgentState
from .states import CheckpointData, StepState

__all__ = ["applied", "changes"]


def changes(before: CheckpointData | None, after: CheckpointData) -> dict[str, Any]:
    """What ``after`` has that ``before`` has not; everything where there is no ``before``."""
    changed: dict[str, Any] = {}
    for name in type(after).model_fields:
        value = getattr(after, name)
        old = None if before is None else getattr(before, name)
        if name in _KEYED:
            changed[name] = _changed_keys(old or {}, value, _KEYED[name])
        elif name == _GROWING:
            same = _same_beginning(old or [], value)
            changed[name] = [same, value[same:]]
        elif before is None or value != old:
            changed[name] = value.value if name == "status" else value
    return changed


def applied(base: Mapping[str, Any] | None, changed: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a checkpoint, from those of the one it was written on and what it changes."""
    fields = dict(base or {})
    for name, value in changed.items():
        old = fields.get(name)
        if name in _KEYED:
            gone, new = value
            fields[name] = {**{key: item for key, item in (old or {}).items() if key not in gone}, **new}
        elif name == _GROWING:
            same, rows = value
            fields[name] = [*(old or [])[:same], *rows]
        else:
            fields[name] = value
    return fields


def _changed_keys(before: Mapping[str, Any], after: Mapping[str, Any], row: Callable[[Any], Any]) -> list[Any]:
    gone = [key for key in before if key not in after]
    if [*(key for key in before if key in after), *(key for key in after if key not in before)] != [*after]:
        gone, before = [*before], {}  # the keys stand in another order now
    return [gone, {key: row(item) for key, item in after.items() if key not in before or not _same(before[key], item)}]


def _same_beginning(before: Sequence[Any], after: Sequence[Any]) -> int:
    pairs = enumerate(zip(before, after, strict=False))
    return next((place for place, (old, new) in pairs if not _same(old, new)), min(len(before), len(after)))


def _same(one: Any, other: Any) -> bool:
    """Whether they are the same object, or are written alike: ``1`` and ``True`` are equal and not the same."""
    return one is other or (one == other and repr(one) == repr(other))


def _step_row(step: StepState) -> dict[str, Any]:
    result = None if step.result is None else dict(step.result)
    return {**dict(step), "status": step.status.value, "result": result}


def _agent_row(agent: AgentState) -> dict[str, Any]:
    return dict(agent)


def _as_it_is(value: Any) -> Any:
    return value


#: Fields of which only the keys that changed are written, and how what they hold is written.
_KEYED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "step_states": _step_row,
    "agent_states": _agent_row,
    "context": _as_it_is,
}
_GROWING: Final = "history"
