"""Lines of checkpoints as a table of HTML and as columns of text."""

from __future__ import annotations

from collections.abc import Sequence

from ..durable.kinds import word_of
from ..language.diagnostics import split_position
from . import elements as el
from .lines import Line, gap, prune, walk
from .text import count_of, one_line, tokens, without_addresses

__all__ = ["checkpoint_lines", "checkpoints_html"]

_NAME = 80
_ERROR = 160
_MARK_COLORS = {"failed": el.RED, "running": el.AMBER, "stopped": el.AMBER, "waiting": el.AMBER}


def checkpoints_html(lines: Sequence[Line], *, visible: int, limit: int, volatile: bool) -> str:
    """Lines as a table, the last ``visible`` ones of the outermost frame unfolded.

    Args:
        lines: of the outermost frame, in order.
        visible: how many are shown without unfolding.
        limit: how many are shown in all, those inside included; the last ones and the first ones stay.
        volatile: whether to say how long they took.
    """
    if not lines:
        return ""
    shown = prune(lines, limit, min(limit // 2, limit - visible))
    earlier, recent = shown[:-visible], shown[-visible:]
    rows = [_row(line, volatile=volatile) for line in recent]
    if not earlier:
        return el.table(rows)
    folded = el.table([_row(line, volatile=volatile) for line in earlier])
    return el.details(el.muted(_gap_text(gap(earlier), "earlier checkpoint")), folded) + el.table(rows)


def checkpoint_lines(lines: Sequence[Line], limit: int) -> list[str]:
    """Lines of text in columns, at most ``limit``: mark, kind, name, line of the cell, answer or error."""
    if limit < 2 or not lines:
        return []
    shown = list(walk(prune(lines, limit - 1, limit // 2)))
    cells = [_cells(line, depth) for depth, line in shown]
    widths = [max((len(row[column]) for row in cells if row[1]), default=0) for column in range(4)]
    return ["  " + "  ".join(_padded(row, widths)).rstrip() for row in cells]


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    if not cells[1]:
        return [cells[2]]
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)] + [cells[-1]]


def _cells(line: Line, depth: int) -> tuple[str, ...]:
    if not line.kind:
        return "", "", _gap_text(line, "more checkpoint"), "", ""
    title = " ".join(part for part in (one_line(line.name, 40), line.tally) if part)
    if line.hidden:
        title += f" (+{line.hidden:,} inside)"
    remark = one_line(line.answer, _NAME) if line.answer else _error_text(line, 100) or _said(line)
    return line.mark, word_of(line.kind), "  " * depth + title, line.place, remark


def _said(line: Line) -> str:
    """What a line says beside its name: an agent's last answer, or what it had cost."""
    if line.tokens:
        return f"had cost {tokens(line.tokens)}"
    return f"last: {line.said}" if line.said and line.count > 1 else line.said


def _gap_text(line: Line, noun: str, rest: str = "") -> str:
    failed = f", {line.failed:,} failed" if line.failed else ""
    return f"… {count_of(line.count, noun)}{rest}{failed}"


def _error_text(line: Line, limit: int) -> str:
    if not line.error:
        return ""
    _, _, message = split_position(line.error[: 8 * limit])  # the line stands beside it
    return one_line(without_addresses(message), limit)


def _row(line: Line, *, volatile: bool) -> str:
    if not line.kind:
        return el.row(["", el.muted(_gap_text(line, "checkpoint", " left out"))])
    color = _MARK_COLORS.get(line.mark)
    mark = el.column(el.colored(line.mark, color) if color else el.muted(line.mark))
    kind = el.muted(el.safe(word_of(line.kind), 30)) if line.name else ""
    cells = [mark, _title_html(line, volatile=volatile), kind, el.muted(line.place)]
    if volatile and line.seconds >= 0.001:
        cells.append(el.muted(_duration(line.seconds)))
    return el.row(cells, wraps=1)


def _title_html(line: Line, *, volatile: bool) -> str:
    title = _safe_name(line)
    if line.count > 1:
        title += f" {el.muted(line.tally)}"
    if line.answer:
        title += f" {el.bold(el.safe(line.answer, _ERROR))}"
    elif line.error:
        title += el.colored(f": {el.safe(_error_text(line, _ERROR), _ERROR)}", el.RED)
    if line.tokens:
        title += f" {el.muted(f'had cost {tokens(line.tokens)}')}"
    hidden = el.muted(f"+ {line.hidden:,} inside") if line.hidden else ""
    if not line.inner:
        return f"{title} {hidden}".rstrip()
    inner = el.table([_row(each, volatile=volatile) for each in line.inner])
    # an agent's turn is told below, as it goes on
    return el.details(title, inner + hidden, opened=line.running and line.kind != "agent_turn")


def _safe_name(line: Line) -> str:
    return el.safe(one_line(line.name, _NAME), _NAME) or el.muted(el.safe(word_of(line.kind), 30))


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
