"""A checkpoint of a run found by position, path or name, as people give it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ..durable.entries import Entry
from ..durable.kinds import called
from ..errors import UsageError
from ..rendering.text import one_line
from .branches import Branches

__all__ = ["place_of"]

_SHOWN = 8  # checkpoints that a message lists


def place_of(branches: Branches, which: str | int) -> int:
    """The position in the outermost frame that somebody means.

    Args:
        branches: of the run's newest journal.
        which: a position, a path (of which the outermost position counts), or a name (its first checkpoint).

    Raises:
        UsageError: there is no such checkpoint; the nearest ones are listed.
    """
    visible = branches.visible
    if isinstance(which, str):
        position = _named(branches, which)
        if position is None and all(part.isdecimal() for part in which.split("/")):
            position = int(which.partition("/")[0])
    else:
        position = which
    if position is None or not 0 <= position < len(visible):
        raise _unknown(branches, which, position)
    return position


def _named(branches: Branches, name: str) -> int | None:
    """The outermost position of the first checkpoint of that name; those inside others come after all outer ones."""
    outer = next((at for at, entry in enumerate(branches.visible) if entry.name == name), None)
    if outer is not None:
        return outer
    for at, entry in enumerate(branches.visible):
        if any(inner.name == name for inner in branches.journal.all_inside(entry)):
            return at
    return None


def _unknown(branches: Branches, which: str | int, position: int | None) -> UsageError:
    visible = branches.visible
    run = branches.journal.row.name
    if not visible:
        return UsageError(f"the run {run!r} has no checkpoint {which!r}: it has none")
    if position is None:
        names = {entry.name for entry in visible}
        near = get_close_matches(str(which), names, n=_SHOWN, cutoff=0.4)
        shown = [entry for entry in visible if entry.name in near][:_SHOWN] or visible[:_SHOWN]
    else:
        shown = visible[-_SHOWN:] if position > 0 else visible[:_SHOWN]
    return UsageError(f"the run {run!r} has no checkpoint {which!r}", hint=f"The nearest: {_listed(shown)}.")


def _listed(entries: Sequence[Entry]) -> str:
    return ", ".join(f"{entry.path} {called(entry.kind, one_line(entry.name, 60))}" for entry in entries)
