"""Why an operation does not match what is recorded, in a sentence for the person at the cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..durable.entries import Entry
from ..durable.journal import changed_parts, parts_text

if TYPE_CHECKING:
    from .sought import Sought

__all__ = ["called", "difference", "plan"]

_MOST_PLANNED = 20  # operations that a plan names
_PARTS = {"function": "its function", "inputs": "its inputs", "default": "its default", "message": "its message"}


def called(operation: Sought | Entry) -> str:
    """What an operation is called in a sentence."""
    return f'{operation.kind} "{operation.name}"' if operation.name else operation.kind


def difference(sought: Sought, before: Entry) -> str:
    """How what is asked now differs from what is recorded in its place."""
    place = f"line {sought.line}: " if sought.line else ""
    if (before.kind, before.name) != (sought.kind, sought.name):
        return f"{place}{called(sought)} is where {called(before)} was"
    parts = changed_parts(before.asked, parts_text(sought.asked))
    if parts:
        return f"{place}{called(sought)} changed ({_listed([_PARTS.get(label, label) for label in parts])})"
    if before.kind == "human":
        return f"{place}{called(sought)} is asked again (its recorded answer was taken by --answers default)"
    why = "changed (the State it reads)" if before.reads else "runs again (its checkpoint was cleared)"
    return f"{place}{called(sought)} {why}"


def plan(change: str | None, superseded: Sequence[Entry]) -> str | None:
    """What a pass with ``--plan`` found: what would run.

    Args:
        change: the sentence on the first operation that would run; None where nothing would.
        superseded: what is recorded from there on.
    """
    if change is None or not superseded:
        return change
    shown = [f"{called(entry)} (line {entry.line})" for entry in superseded[:_MOST_PLANNED]]
    if len(superseded) > len(shown):
        shown.append(f"{len(superseded) - len(shown)} more")
    return f"{change}; this would run again: {_listed(shown)}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
