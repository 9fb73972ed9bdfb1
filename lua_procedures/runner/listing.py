"""The checkpoints of a pass as users see them."""

from __future__ import annotations

from collections.abc import Mapping

from ..durable.entries import Entry
from ..durable.journal import Journal
from ..runs import Checkpoint, Usage
from .ledger import Ledger
from .outcomes import checkpoint_of, usage_of
from .sought import Sought
from .spending import sum_of

__all__ = ["listing", "planned", "recalled", "recorded_lines", "under_way"]


def listing(ledger: Ledger) -> list[tuple[Entry, bool]]:
    """All checkpoints of a pass and whether they were replayed, in path order, outer before inner.

    Those inside a replayed step are among them, although it was not entered.
    """
    rows: dict[str, tuple[Entry, bool]] = {}
    for number, (entry, replayed) in enumerate(zip(ledger.passed, ledger.kept, strict=True)):
        if replayed and entry.tail is not None:
            before = ledger.passed.recorded(number).line
            for inner in ledger.journal.all_inside(entry):
                rows.setdefault(inner.path, (_moved_with(entry, before, inner), True))
        rows[entry.path] = (entry, bool(replayed))
    return [rows[path] for path in sorted(rows, key=_places)]


def recalled(journal: Journal, chain: bytes, lines: Mapping[int, int]) -> list[tuple[Entry, bool]]:
    """What ``listing`` gives of a completed run that is not walked again.

    Args:
        journal: the run's.
        chain: the last one of its outermost frame.
        lines: line in which a checkpoint was recorded → where it stands now (see ``recorded_lines``).
    """
    whole = [each for entry in journal.up_to(chain) for each in (entry, *journal.all_inside(entry))]
    return [(entry._replace(line=lines.get(entry.line, entry.line)) if lines else entry, True) for entry in whole]


def recorded_lines(ledger: Ledger) -> dict[int, int] | None:
    """Line in which checkpoints of a completed pass were recorded → where they stand now, if they do elsewhere.

    Returns:
        None where the line alone does not tell: ``recalled`` would not give what ``listing`` gives.
    """
    journal, chain = ledger.journal, ledger.frames[0].chain
    if not journal.recorded or (ledger.passed.stays and not journal.doubled):
        return {}  # each chain was come to once
    lines = ledger.passed.moved
    later = {entry.path: entry for entry, _ in recalled(journal, chain, lines)}
    return lines if all(_is_same(entry, later.get(entry.path)) for entry in ledger.passed) else None


def _is_same(entry: Entry, other: Entry | None) -> bool:
    if other is None or other is entry:
        return other is entry
    return (entry.key, entry.outcome, entry.line, entry.tail) == (other.key, other.outcome, other.line, other.tail)


def planned(ledger: Ledger, first: Sought | None) -> tuple[list[Checkpoint], int]:
    """What a pass with ``--plan`` knows of what would run, and how many of the outermost of these are not recorded.

    That is the first operation, inside those that it came to rest in, and what is recorded from there on, each with
    the tokens that it had cost. One whose own frame is where the pass stopped is followed by what is superseded in it,
    and has no tokens itself. What the program would ask for after the first is not known before that has run.
    """
    if first is None:
        return [], 0
    paths = [entry.path for entry in ledger.planned]
    rows = [_with_usage(ledger, entry, after) for entry, after in zip(ledger.planned, [*paths, ""][1:], strict=True)]
    around = [row for row in rows if first.path.startswith(f"{row.path}/")]
    rest = rows[len(around) :]
    recorded = {row.path: row for row in around}
    outer = [recorded.get(row.path, row) for row in under_way(ledger)]
    if rest and (rest[0].path, rest[0].kind, rest[0].name) == (first.path, first.kind, first.name):
        rest[0] = rest[0].model_copy(update={"line": first.line or None})
        recorded[first.path] = rest[0]
    else:
        rest = [_to_run(first), *rest]
    planned = [*outer, *rest]
    return planned, int(planned[0].path not in recorded)


def _to_run(sought: Sought) -> Checkpoint:
    position = int(sought.path.rpartition("/")[2])
    return Checkpoint(position=position, path=sought.path, kind=sought.kind, name=sought.name, line=sought.line or None)


def _with_usage(ledger: Ledger, entry: Entry, after: str) -> Checkpoint:
    checkpoint = checkpoint_of(entry, replayed=False)
    if after.startswith(entry.path + "/"):
        return checkpoint
    return checkpoint.model_copy(update={"usage": _usage_inside(ledger, entry)})


def under_way(ledger: Ledger) -> list[Checkpoint]:
    """The operations that a pass came to rest in, outer before inner."""
    return [
        Checkpoint(
            position=int(frame.path.rpartition("/")[2]),
            path=frame.path,
            kind=frame.kind,
            name=frame.name,
            line=frame.line or None,
        )
        for frame in ledger.frames[1:]
    ]


def _usage_inside(ledger: Ledger, entry: Entry) -> Usage | None:
    """The tokens of an entry and of all inside it."""
    found = [usage for each in (entry, *ledger.journal.all_inside(entry)) if (usage := usage_of(each)) is not None]
    return sum_of(found) if found else None


def _moved_with(entry: Entry, before: int, inner: Entry) -> Entry:
    """What a replayed step has inside, by as many lines further down as the step is: it is not entered to look."""
    return inner._replace(line=inner.line + entry.line - before) if inner.line >= before != entry.line else inner


def _places(path: str) -> list[int]:
    return [int(place) for place in path.split("/")]
