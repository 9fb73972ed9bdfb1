"""What differs between two runs, checkpoint by checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from typing import Any, Final

from ..durable.entries import Entry
from ..durable.finding import stored
from ..durable.journal import Journal
from ..durable.stores import Store, open_store
from ..errors import UsageError
from ..rendering.text import pretty
from ..runner.outcomes import checkpoint_of
from ..runs import Checkpoint, Run
from .branches import Branches
from .records import Change, Difference
from .telling import explained

__all__ = ["difference"]

_MOST_ALIGNED: Final = 2_000  # checkpoints between which the best alignment is looked for; beyond, by place
_VALUE: Final = 100_000  # characters of a value that are compared line by line


@dataclass(frozen=True)
class _Side:
    """One of the two runs; ``entries`` and ``branches`` only where its journal was read."""

    name: str
    program: str
    checkpoints: Sequence[Checkpoint]
    entries: Sequence[Entry] = ()
    branches: Branches | None = None


#: Places in both runs; None where there is nothing in one of them.
_Pair = tuple[int | None, int | None]


def difference(a: str | Run, b: str | Run, *, store: str | Store = "memory:") -> Difference:
    """How two runs differ: which checkpoints changed, from what to what.

    Checkpoints are aligned by depth, kind and name, in order, so that one which was put in shifts no others.

    Args:
        a: a run, or the name of one: its latest journal, as its newest pass left it.
        b: the other one.
        store: where runs that are given by name are.

    Returns:
        The difference; ``first`` is the first checkpoint that differs.

    Raises:
        StoreError: there is no such run.
    """
    one, other = _side(a, store), _side(b, store)
    same = 0
    changes: list[Change] = []
    for at, to in _aligned(one.checkpoints, other.checkpoints):
        change = _change(one, at, other, to)
        if change is None:
            same += 1
        else:
            changes.append(change)
    return Difference(
        a=one.name,
        b=other.name,
        same=same,
        changes=tuple(changes),
        program="\n".join(_diff(one.program.splitlines(), other.program.splitlines())),
    )


def _side(given: str | Run, store: str | Store) -> _Side:
    if isinstance(given, Run):
        return _Side(given.name, given._data.program, given.checkpoints)  # noqa: SLF001 - our own run
    if not isinstance(given, str):
        raise UsageError(f"a run or the name of one expected, got {type(given).__name__}")
    opened = open_store(store)
    row = stored(opened, given)
    branches = Branches(Journal(opened, row))
    entries = branches.checkpoints
    shown = [checkpoint_of(entry, replayed=True) for entry in entries]
    return _Side(given, row.program, shown, entries, branches)


# Which belong together


def _aligned(a: Sequence[Checkpoint], b: Sequence[Checkpoint]) -> Iterator[_Pair]:
    """The places that belong together, in the order of both."""
    ours, theirs = [_label(each) for each in a], [_label(each) for each in b]
    start = _common(ours, theirs)
    end = min(_common(ours[::-1], theirs[::-1]), len(ours) - start, len(theirs) - start)
    yield from ((place, place) for place in range(start))
    middle = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    yield from ((_moved(at, start), _moved(to, start)) for at, to in _matched(*middle))
    yield from ((len(ours) - left, len(theirs) - left) for left in range(end, 0, -1))


def _label(checkpoint: Checkpoint) -> tuple[int, str, str]:
    return checkpoint.path.count("/"), checkpoint.kind, checkpoint.name


def _common(a: Sequence[Any], b: Sequence[Any]) -> int:
    """How many of the first ones are equal."""
    shorter = min(len(a), len(b))
    return next((place for place in range(shorter) if a[place] != b[place]), shorter)


def _moved(place: int | None, by: int) -> int | None:
    return None if place is None else place + by


def _stretches(a: Sequence[Any], b: Sequence[Any]) -> list[tuple[int, int, int, int]]:
    """Where both are equal, and what is between: from and to in one, from and to in the other."""
    if len(a) + len(b) > _MOST_ALIGNED:
        return [(0, len(a), 0, len(b))]
    return [code[1:] for code in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()]


def _matched(a: Sequence[Any], b: Sequence[Any]) -> Iterator[_Pair]:
    for at, at_end, to, to_end in _stretches(a, b):
        for step in range(max(at_end - at, to_end - to)):
            one, other = at + step, to + step
            if one < at_end and other < to_end and a[one] == b[other]:
                yield one, other
                continue
            if one < at_end:
                yield one, None
            if other < to_end:
                yield None, other


# What changed


def _change(one: _Side, at: int | None, other: _Side, to: int | None) -> Change | None:
    """How a pair differs; None where it does not."""
    before = None if at is None else one.checkpoints[at]
    after = None if to is None else other.checkpoints[to]
    if before is not None and after is not None:
        if (before.value, before.error) == (after.value, after.error):
            return None
        return _changed(before, after, _why(one, at, other, to))
    shown = before or after
    assert shown is not None  # noqa: S101 - one of a pair is there
    diff = _diff(_lines(before), _lines(after))
    return Change(
        how="only in b" if before is None else "only in a",
        path=shown.path,
        kind=shown.kind,
        name=shown.name,
        line=shown.line,
        diff="\n".join(diff),
        **_values(before, after),
    )


def _changed(before: Checkpoint, after: Checkpoint, why: str | None) -> Change:
    return Change(
        how="changed",
        path=before.path,
        kind=before.kind,
        name=before.name,
        line=before.line,
        why=why,
        diff="\n".join(_diff(_lines(before), _lines(after))),
        **_values(before, after),
    )


def _values(before: Checkpoint | None, after: Checkpoint | None) -> dict[str, Any]:
    return {
        "before": before.value if before else None,
        "after": after.value if after else None,
        "error_before": before.error if before else None,
        "error_after": after.error if after else None,
    }


def _why(one: _Side, at: int | None, other: _Side, to: int | None) -> str | None:
    """What was asked otherwise, where both journals were read and it is not the outcome alone that differs."""
    if one.branches is None or other.branches is None or at is None or to is None:
        return None
    before, after = one.entries[at], other.entries[to]
    if before.asked == after.asked:
        return None
    return explained(one.branches, before, after, other.branches)


def _lines(checkpoint: Checkpoint | None) -> list[str]:
    """The value, or the error, as it is compared."""
    if checkpoint is None:
        return []
    if checkpoint.error is not None:
        return [f"error: {line}" for line in checkpoint.error.splitlines() or [""]]
    return pretty(_in_order(checkpoint.value), _VALUE).splitlines()


def _in_order(value: Any) -> Any:
    """The same with sorted keys: their order is no difference."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value, key=str)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value


def _diff(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Two texts as a unified diff, without its head, which would name files."""
    return [line.rstrip("\n") for line in unified_diff(before, after, lineterm="", n=2)][2:]
