"""Lines of checkpoints as a table of HTML and as columns of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..durable.kinds import word_of
from ..language.diagnostics import split_position
from . import elements as el
from .lines import Line, gap, prune, walk
from .text import count_of, one_line, tokens, without_addresses

__all__ = ["checkpoint_lines", "checkpoints_html"]

_NAME = 80
_ERROR = 160
_SHORT = 40  # characters of a name that stays on one line beside what came of it
_MARK_COLORS = {"failed": el.RED, "running": el.AMBER, "stopped": el.AMBER, "waiting": el.AMBER}


class _Style(NamedTuple):
    volatile: bool
    told: str


def checkpoints_html(lines: Sequence[Line], *, visible: int, limit: int, volatile: bool, told: str = "") -> str:
    """Lines as a table, the last ``visible`` ones of the outermost frame unfolded.

    Args:
        lines: of the outermost frame, in order.
        visible: how many are shown without unfolding.
        limit: how many are shown in all, those inside included; the last ones and the first ones stay.
        volatile: whether to say how long they took.
        told: an error's message that is shown elsewhere.
    """
    if not lines:
        return ""
    shown = prune(lines, limit, min(limit // 2, limit - visible))
    earlier, recent = shown[:-visible], shown[-visible:]
    style = _Style(volatile, one_line(told, _ERROR))
    rows = _rows(recent, style)
    if not earlier:
        return el.table(rows)
    folded = el.table(_rows(earlier, style))
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


def _rows(lines: Sequence[Line], style: _Style, depth: int = 0) -> list[str]:
    """A row for each; what is inside of one that goes on has rows of its own, so that no column moves."""
    rows = []
    for line in lines:
        if line.running and line.inner and line.kind != "agent_turn":  # whose turn is told below, as it goes on
            rows.append(_row(replace(line, inner=[]), style, depth))
            rows += _rows(line.inner, style, depth + 1)
        else:
            rows.append(_row(line, style, depth))
    return rows


def _row(line: Line, style: _Style, depth: int) -> str:
    if not line.kind:
        return el.row(["", el.muted(_gap_text(line, "checkpoint", " left out"))])
    color = _MARK_COLORS.get(line.mark)
    mark = el.column(el.colored(line.mark, color) if color else el.muted(line.mark))
    kind = el.muted(el.safe(word_of(line.kind), 30)) if line.name else ""
    title = el.indented(_title_html(line, style), depth)
    cells = [mark, title, kind, el.muted(line.place)]
    if style.volatile:
        cells.append(el.muted(_duration(line.seconds) if line.seconds >= 0.001 else _when(line)))
    remark = _remark_html(line, style)
    short = len(line.name) <= _SHORT and not line.inner
    return el.row([*cells, remark] if remark else cells, wraps={len(cells)} if short else {1, len(cells)})


def _title_html(line: Line, style: _Style) -> str:
    title = _safe_name(line)
    if line.count > 1:
        title += f" {el.muted(line.tally)}"
    hidden = el.muted(f"+ {line.hidden:,} inside") if line.hidden else ""
    if not line.inner:
        return f"{title} {hidden}".rstrip()
    return el.details(title, el.table(_rows(line.inner, style)) + hidden)


def _remark_html(line: Line, style: _Style) -> str:
    """What came of it, what it had cost, or what it waits for."""
    if line.answer:
        return el.bold(el.safe(line.answer, _ERROR))
    if line.error:
        text = _error_text(line, _ERROR)
        return "" if text == style.told else el.colored(el.safe(text, _ERROR), el.RED)
    if line.tokens:
        return el.muted(f"had cost {tokens(line.tokens)}")
    return el.colored(f"{one_line(line.why, _NAME)}; again at {_clock(line.until)}", el.AMBER) if line.why else ""


def _when(line: Line) -> str:
    """Since when it runs, or until when it sleeps; nothing where neither is known."""
    if line.until and not line.why:
        return f"until {_clock(line.until)}"
    return f"since {_clock(line.since)}" if line.since else ""


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def _safe_name(line: Line) -> str:
    return el.safe(one_line(line.name, _NAME), _NAME) or el.muted(el.safe(word_of(line.kind), 30))


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
