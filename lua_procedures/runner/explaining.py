"""Why an operation does not match what is recorded, in a sentence for the person at the cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..durable.entries import Entry
from ..durable.keys import changed_parts
from ..durable.kinds import called

if TYPE_CHECKING:
    from .sought import Sought

__all__ = ["difference", "is_new", "runs_again"]

#: What the parts of a request are called, where a label is not a name that the program itself gave.
_PARTS: Final = {
    "step": {"function": "its function", "inputs": "its inputs"},
    "checkpoint": {"function": "its function", "inputs": "its inputs"},
    "human": {"default": "its default", "message": "its message"},
    "model_call": {
        "system_prompt": "its prompt",
        "messages": "its messages",
        "message": "its message",
        "tools": "its tools",
        "tool_choice": "its tool choice",
        "output": "its output schema",
        "settings": "its settings",
        "mock": "its mock",
    },
    "model_predict": {
        "input": "its input",
        "declaration": "its declaration",
        "arguments": "its arguments",
        "mock": "its mock",
    },
    "tool_call": {"arguments": "its arguments", "source": "its source", "mock": "its mock"},
}


def difference(sought: Sought, before: Entry, agent: str = "") -> str:
    """How what is asked now differs from what is recorded in its place.

    Args:
        sought: what is asked now.
        before: what is recorded.
        agent: whose turn both belong to, or nothing.
    """
    place = _place_of(sought)
    now, then = called(sought.kind, sought.name, agent), called(before.kind, before.name, agent)
    if before.kind != sought.kind:
        return f"{place}{now} is where {then} was"
    if before.name != sought.name:
        if sought.kind == "model_call" and agent:
            return f'{place}the model of agent "{agent}" changed: {before.name} → {sought.name}'
        return f"{place}{now} is where {then} was"
    parts = changed_parts(before.asked, sought.asked_parts)
    if parts:
        words = _PARTS.get(sought.kind, {})
        changed = f'agent "{agent}"' if sought.kind == "model_call" and agent else now
        return f"{place}{changed} changed ({_listed([words.get(label, label) for label in parts])})"
    if before.kind == "human":
        return f"{place}{now} is asked again (its recorded answer was taken by --answers default)"
    why = "changed (the State it reads)" if before.reads else "runs again (its checkpoint was cleared)"
    return f"{place}{now} {why}"


def runs_again(sought: Sought, agent: str = "") -> str:
    """That ``--redo`` names it."""
    return f"{_place_of(sought)}{called(sought.kind, sought.name, agent)} runs again, as asked"


def is_new(sought: Sought, agent: str = "") -> str:
    """That nothing is recorded in its place."""
    return f"{_place_of(sought)}{called(sought.kind, sought.name, agent)} is new"


def _place_of(sought: Sought) -> str:
    return f"line {sought.line}: " if sought.line else ""


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
