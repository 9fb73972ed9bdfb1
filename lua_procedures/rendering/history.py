"""The history of runs, and what differs between two, as text and as plain HTML; both are bounded.

Text carries no time of day and no id, so that a notebook's test can compare it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ..durable.kinds import called
from . import elements as el
from .text import count_of, one_line, shorten, tokens

if TYPE_CHECKING:
    from ..histories.records import Change, Difference, History, JournalHistory, Tail

__all__ = ["ago", "deletion_text", "difference_html", "difference_text", "history_html", "history_text"]

_LINES: Final = 60
_JOURNALS: Final = 50
_TAILS: Final = 20
_CHANGES: Final = 20
_DIFF: Final = 30  # lines of one value
_WIDTH: Final = 160


def ago(then: float) -> str:
    """How long a UNIX time is past, roughly: ``3 h ago``."""
    seconds = max(0.0, time.time() - then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"


def _bounded(lines: Iterable[str]) -> str:
    """The lines as one text, of which the last ones are left out where they are too many."""
    shown = list(lines)
    if len(shown) > _LINES:
        shown = [*shown[: _LINES - 1], f"… {count_of(len(shown) - _LINES + 1, 'more line')}"]
    return "\n".join(shown)


# History


def history_text(history: History) -> str:
    """A line for each journal, and one for each superseded tail below it."""
    head = f"{one_line(history.name, 128)}: {count_of(len(history.journals), 'journal')}"
    return _bounded([head, *_journal_lines(history.journals)])


def _journal_lines(journals: Sequence[JournalHistory]) -> Iterator[str]:
    cells = [_journal_cells(journal) for journal in journals[:_LINES]]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    for journal, row in zip(journals, cells, strict=False):
        columns = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  " + "  ".join([*columns, row[-1]]).rstrip()
        yield from (f"    {_tail_text(tail)}" for tail in journal.superseded[:_TAILS])
        if len(journal.superseded) > _TAILS:
            yield f"    … {count_of(len(journal.superseded) - _TAILS, 'more superseded tail')}"


def _journal_cells(journal: JournalHistory) -> tuple[str, str, str, str]:
    inputs = "no inputs" if journal.inputs in ("{}", "[]") else one_line(journal.inputs, 50)
    seed = "" if journal.seed is None else f", seed {journal.seed}"
    return inputs + seed, _generation(journal), journal.status, _size(journal)


def _generation(journal: JournalHistory) -> str:
    return f"generation {journal.generation}{' (newest)' if journal.newest else ''}"


def _size(counted: JournalHistory | Tail) -> str:
    spent = f", {tokens(counted.tokens)}" if counted.tokens else ""
    return f"{count_of(counted.checkpoints, 'checkpoint')}{spent}"


def _tail_text(tail: Tail) -> str:
    name = called(tail.kind, one_line(tail.name, 60))
    return f"superseded from {tail.path}, {name}: {_size(tail)}; {one_line(tail.why, _WIDTH)}"


def history_html(history: History) -> str:
    """A table of the journals, each with its superseded tails."""
    shown = history.journals[:_JOURNALS]
    rows = [el.row(_journal_row(journal), wraps={0}) for journal in shown]
    if len(history.journals) > len(shown):
        rows.append(el.row([el.muted(f"… {count_of(len(history.journals) - len(shown), 'more journal')}")]))
    head = f"{el.bold(el.safe(history.name, 128))} {el.muted(count_of(len(history.journals), 'journal'))}"
    return el.page([el.block(head), el.table(rows)])


def _journal_row(journal: JournalHistory) -> list[str]:
    inputs, generation, status, size = _journal_cells(journal)
    first = el.muted(inputs) if inputs.startswith("no inputs") else el.code(el.safe(inputs, 90))
    if journal.superseded:
        summary = f"{first} {el.muted(f'+ {len(journal.superseded):,} superseded')}"
        first = el.details(summary, _tails_html(journal.superseded), opened=journal.newest)
    times = f"started {ago(journal.started)}, updated {ago(journal.updated)}"
    return [first, el.muted(generation), el.safe(status, 20), size, el.muted(times)]


def _tails_html(tails: Sequence[Tail]) -> str:
    rows = [
        el.row(
            [
                el.muted(f"from {one_line(tail.path, 40)}"),
                el.safe(called(tail.kind, one_line(tail.name, 60)), 100),
                el.muted(_size(tail)),
                el.safe(one_line(tail.why, _WIDTH), _WIDTH),
                el.muted(ago(tail.recorded)),
            ],
            wraps={3},
        )
        for tail in tails[:_TAILS]
    ]
    if len(tails) > _TAILS:
        rows.append(el.row([el.muted(f"… {count_of(len(tails) - _TAILS, 'more tail')}")]))
    return el.table(rows)


# Differences


def difference_text(difference: Difference) -> str:
    """What is the same, and each change with its values as a diff."""
    return _bounded(_difference_lines(difference))


def _difference_lines(difference: Difference) -> Iterator[str]:
    yield f"{_names(difference)}: {_summary(difference)}"
    for change in difference.changes[:_CHANGES]:
        yield f"  {_title(change, difference)}"
        yield from (f"    {line}" for line in _diff_lines(change.diff))
    if len(difference.changes) > _CHANGES:
        yield f"  … {count_of(len(difference.changes) - _CHANGES, 'more change')}"
    if difference.program:
        yield "  the programs differ:"
        yield from (f"    {line}" for line in _diff_lines(difference.program))


def _names(difference: Difference) -> str:
    return f"{one_line(difference.a, 60)} → {one_line(difference.b, 60)}"


def _summary(difference: Difference) -> str:
    counted = Counter(change.how for change in difference.changes)
    parts = [f"{count_of(difference.same, 'checkpoint')} the same"]
    parts += [
        f"{counted[how]:,} {_how(how, difference)}" for how in ("changed", "only in a", "only in b") if counted[how]
    ]
    return ", ".join(parts)


def _how(how: str, difference: Difference) -> str:
    side = {"only in a": difference.a, "only in b": difference.b}.get(how)
    return how if side is None else f"only in {one_line(side, 60)}"


def _title(change: Change, difference: Difference) -> str:
    said = change.why or _how(change.how, difference)
    return f"{change.path}  {called(change.kind, one_line(change.name, 60))}: {one_line(said, _WIDTH)}"


def _diff_lines(diff: str) -> list[str]:
    lines = diff.splitlines()
    shown = [shorten(line, _WIDTH) for line in lines[:_DIFF]]
    return [*shown, f"… {count_of(len(lines) - _DIFF, 'more line')}"] if len(lines) > _DIFF else shown


def difference_html(difference: Difference) -> str:
    """The same, with the diffs folded but for the first one."""
    changes = difference.changes[:_CHANGES]
    parts: list[str] = [
        el.block(f"{el.bold(el.safe(_names(difference), 130))} {el.muted(el.safe(_summary(difference), 300))}")
    ]
    parts += [_change_html(change, difference, opened=not at) for at, change in enumerate(changes)]
    if len(difference.changes) > len(changes):
        parts.append(el.muted(f"… {count_of(len(difference.changes) - len(changes), 'more change')}"))
    if difference.program:
        parts.append(el.details(el.muted("the programs differ"), _diff_html(difference.program)))
    return el.page(parts)


def _change_html(change: Change, difference: Difference, *, opened: bool) -> str:
    title = el.safe(_title(change, difference), 300)
    return el.details(title, _diff_html(change.diff), opened=opened) if change.diff else el.block(title)


def _diff_html(diff: str) -> str:
    return el.preformatted("\n".join(_diff_line_html(line) for line in _diff_lines(diff)))


def _diff_line_html(line: str) -> str:
    escaped = el.safe(line, _WIDTH)
    if line.startswith("-"):
        return el.colored(escaped, el.RED)
    return el.bold(escaped) if line.startswith("+") else escaped


# What was deleted


def deletion_text(names: Sequence[str]) -> str:
    """One line: how many old journals of which runs were deleted."""
    if not names:
        return "nothing deleted"
    counted = Counter(one_line(name, 60) for name in names)
    shown = [f"{name} ×{count:,}" if count > 1 else name for name, count in counted.most_common(5)]
    more = ", …" if len(counted) > len(shown) else ""
    return f"deleted {count_of(len(names), 'old journal')}: {', '.join(shown)}{more}"
