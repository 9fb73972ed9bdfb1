"""Notices as text and HTML: prints and logs as lines, what speaks to a person as blocks with a bar of its level."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from . import elements as el
from .markdown import markdown_html
from .text import count_of, ends, is_empty, one_line, shorten, value_text

if TYPE_CHECKING:
    from ..runs import Notice

__all__ = ["notice_html", "notice_lines", "notices_html"]

_COLORS = {"warning": el.AMBER, "error": el.RED, "critical": el.RED}
_MESSAGE = 1000
_CONTENT = 3000
_SECTION = 1500
_SECTIONS = 8
_LINES = 12
_FOLDED_LINES = 200


def notice_html(notice: Notice) -> str:
    """One notice as HTML, everything in it escaped."""
    return _lines_html([notice]) if _is_line(notice) else _block_html(notice)


def notices_html(notices: Sequence[Notice], *, visible: int, budget: int, left_out: int = 0) -> str:
    """Notices in order, the newest ones unfolded; prints and logs in a row are one block.

    Args:
        notices: in order, oldest first.
        visible: how many of the newest blocks are shown without unfolding.
        budget: how many characters of HTML to make, roughly; the oldest give way.
        left_out: how many notices before these are not there any more.
    """
    blocks, unshown = _blocks(_groups(notices), budget)
    earlier, recent = blocks[:-visible], blocks[-visible:]
    left_out += unshown
    remark = el.block(el.muted(f"… {count_of(left_out, 'earlier notice')} left out")) if left_out else ""
    if earlier:
        summary = el.muted(f"… {count_of(len(earlier), 'earlier notice')}")
        recent = [el.details(summary, "\n".join(earlier)), *recent]
    return "\n".join([remark, *recent] if remark else recent)


def notice_lines(notice: Notice) -> list[str]:
    """The notice as lines of text: one, or those of a print."""
    if notice.kind == "print":
        return [one_line(line, 200) for line in shorten(notice.message, 4000).split("\n")]
    source = f"{one_line(notice.source, 40)}: " if notice.source else ""
    extra = "" if is_empty(notice.context) else f" {_context_text(notice, 120)}"
    content = f" - {one_line(notice.content, 120)}" if notice.content else ""
    return [f"[{notice.level}] {source}{one_line(notice.message, 200)}{content}{extra}"]


def _context_text(notice: Notice, limit: int) -> str:
    """The context on one line; a text is no value and has no quotes."""
    context = notice.context
    return one_line(context, limit) if isinstance(context, str) else value_text(context, limit)


def _blocks(groups: Sequence[Sequence[Notice]], budget: int) -> tuple[list[str], int]:
    """The newest groups that fit, each as HTML, and how many notices do not."""
    blocks: list[str] = []
    for at in range(len(groups) - 1, -1, -1):
        rendered = _fitting(groups[at], budget)
        if rendered is None:
            return blocks[::-1], sum(map(len, groups[: at + 1]))
        blocks.append(rendered)
        budget -= len(rendered)
    return blocks[::-1], 0


def _fitting(group: Sequence[Notice], budget: int) -> str | None:
    """The group as long as the budget allows, or None."""
    notice = group[-1]
    whole = _lines_html(group) if _is_line(notice) else _block_html(notice)
    if len(whole) <= budget:
        return whole
    brief = _lines_html(group, folded=0) if _is_line(notice) else _brief_html(notice)
    return brief if len(brief) <= budget else None


def _groups(notices: Sequence[Notice]) -> list[list[Notice]]:
    """Consecutive lines together, everything else alone."""
    groups: list[list[Notice]] = []
    for is_line, group in groupby(notices, _is_line):
        members = list(group)
        groups += [members] if is_line else [[notice] for notice in members]
    return groups


def _is_line(notice: Notice) -> bool:
    return notice.kind in ("print", "log", "warning")


def _lines_html(notices: Sequence[Notice], folded: int = _FOLDED_LINES) -> str:
    """Prints and logs as one preformatted block; of many lines the last ones are unfolded, ``folded`` others fold."""
    lines = [line for notice in notices for line in _line_pieces(notice)]
    if len(lines) <= _LINES:
        return el.preformatted("\n".join(lines))
    first, left_out, last = ends(lines[:-_LINES], folded, folded // 2)
    gap = [el.muted(f"… {count_of(left_out, 'line')} left out")] if left_out else []
    earlier = el.preformatted("\n".join([*first, *gap, *last]))
    recent = el.preformatted("\n".join(lines[-_LINES:]))
    if folded:
        earlier = el.details(el.muted(f"… {count_of(len(lines) - _LINES, 'earlier line')}"), earlier)
    return earlier + recent


def _line_pieces(notice: Notice) -> list[str]:
    texts = shorten(notice.message, 4000).split("\n")
    pieces = [el.safe(text, 300) for text in texts]
    if notice.kind != "print":
        pieces[0] = f"{_level_html(notice)} {pieces[0]}"
    if not is_empty(notice.context):
        pieces[-1] += f" {el.muted(el.safe(_context_text(notice, 200), 200))}"
    return pieces


def _level_html(notice: Notice) -> str:
    color = _COLORS.get(notice.level)
    return el.colored(notice.level, color) if color else el.muted(notice.level)


def _block_html(notice: Notice) -> str:
    parts = [_title_html(notice)]
    if notice.content:
        parts.append(markdown_html(notice.content, _CONTENT))
    if not is_empty(notice.context):
        parts.append(el.data_table(notice.context, 200))
    parts += [_section_html(section) for section in notice.details[:_SECTIONS]]
    if len(notice.details) > _SECTIONS:
        parts.append(el.muted(f"… {count_of(len(notice.details) - _SECTIONS, 'more section')}"))
    return el.block("\n".join(parts), color=_COLORS.get(notice.level, el.GREY))


def _brief_html(notice: Notice) -> str:
    """The notice without what makes it long."""
    return el.block(f"{_title_html(notice)} {el.muted('(shortened)')}", color=_COLORS.get(notice.level, el.GREY))


def _title_html(notice: Notice) -> str:
    level = "" if notice.level == "info" else _level_html(notice) + " "
    source = el.muted(el.safe(notice.source, 80)) + " " if notice.source else ""
    return f'<div style="white-space:pre-wrap">{level}{source}{el.bold(el.safe(notice.message, _MESSAGE))}</div>'


def _section_html(section: dict[str, Any]) -> str:
    title = el.safe(str(section.get("title", "Details")), 120)
    content = section.get("content")
    inner = markdown_html(content, _SECTION) if isinstance(content, str) else el.data_table(content, 200)
    return el.details(title, inner)
