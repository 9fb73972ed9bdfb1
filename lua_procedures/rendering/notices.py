"""Notices as text and HTML: prints and logs as lines, what speaks to a person as blocks with a bar of its level."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

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
#: As the room allows: how many lines the fold of the earlier ones holds, how many of the newest long lines unfold.
_ROOMS = ((200, 12), (40, 12), (0, 12), (0, 6), (0, 3), (0, 1), (0, 0))
_LONG = 300  # characters of a line that are shown without unfolding
_WHOLE = 4_000


def notice_html(notice: Notice) -> str:
    """One notice as HTML, everything in it escaped."""
    return _lines_html(_pieces(notice), *_ROOMS[0]) if _is_line(notice) else _block_html(notice)


def notices_html(notices: Sequence[Notice], *, visible: int, budget: int, left_out: int = 0) -> str:
    """Notices in order, the newest ones unfolded; prints and logs in a row are one block.

    Args:
        notices: in order, oldest first.
        visible: how many of the newest blocks are shown without unfolding.
        budget: how many characters of HTML to make, roughly; the oldest give way.
        left_out: how many notices before these are not there any more.
    """
    blocks, unshown = _blocks(_groups(notices), budget, left_out)
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


def _blocks(groups: Sequence[Sequence[Notice]], budget: int, before: int) -> tuple[list[str], int]:
    """The newest groups that fit, each as HTML, and how many notices do not; ``before`` came before all of these."""
    blocks: list[str] = []
    number = before + sum(map(len, groups))
    for at in range(len(groups) - 1, -1, -1):
        rendered = _fitting(groups[at], budget, number)
        number -= len(groups[at])
        if rendered is None:
            return blocks[::-1], sum(map(len, groups[: at + 1]))
        blocks.append(rendered)
        budget -= len(rendered)
    return blocks[::-1], 0


def _fitting(group: Sequence[Notice], budget: int, number: int) -> str | None:
    """The group as long as the budget allows, or None; ``number`` counts its last notice among all."""
    notice = group[-1]
    if _is_line(notice):
        first = number - len(group) + 1
        pieces = [piece for at, each in enumerate(group, first) for piece in _pieces(each, at)]
        forms = (_lines_html(pieces, *room) for room in _ROOMS)
    else:
        forms = (make(notice, number) for make in (_block_html, _brief_html))
    return next((form for form in forms if len(form) <= budget), None)


def _groups(notices: Sequence[Notice]) -> list[list[Notice]]:
    """Consecutive lines together, everything else alone."""
    groups: list[list[Notice]] = []
    for is_line, group in groupby(notices, _is_line):
        members = list(group)
        groups += [members] if is_line else [[notice] for notice in members]
    return groups


def _is_line(notice: Notice) -> bool:
    return notice.kind in ("print", "log", "warning")


class _Piece(NamedTuple):
    """A line of output: its HTML, its notice's level, and all of its text where the HTML is but a part of that.

    ``key`` tells it from all other lines of a run, whatever came before it or comes after it.
    """

    shown: str
    level: str = ""
    whole: str = ""
    key: str = ""


def _lines_html(pieces: Sequence[_Piece], folded: int, unfolding: int) -> str:
    """Prints and logs as lines; of many the last ones are unfolded, ``folded`` others fold.

    Of the last ones the newest ``unfolding`` long lines can be unfolded.
    """
    recent = _unfolded(pieces[-_LINES:], unfolding)
    if len(pieces) <= _LINES:
        return recent
    earlier = pieces[:-_LINES]
    first, left_out, last = ends(earlier, folded, folded // 2)
    gap = [_Piece(el.muted(f"… {count_of(left_out, 'line')} left out"))] if left_out else []
    shown = _plain([*first, *gap, *last])
    return (el.details(_summary(earlier), shown) if folded else shown) + recent


def _plain(pieces: Sequence[_Piece]) -> str:
    return el.preformatted("\n".join(piece.shown for piece in pieces))


def _unfolded(pieces: Sequence[_Piece], most: int) -> str:
    """Lines one below the other; each of the ``most`` newest long ones is a section that holds all of it."""
    long = [piece.key for piece in pieces if piece.whole]
    sections = {*long[-most:]} if most else set()
    parts: list[str] = []
    for unfolds, group in groupby(pieces, lambda piece: piece.key in sections):
        members = list(group)
        parts += map(_section_of, members) if unfolds else [_plain(members)]
    return "".join(parts)


def _section_of(piece: _Piece) -> str:
    return el.details(el.monospaced(piece.shown), el.preformatted(piece.whole), key=piece.key)


def _summary(pieces: Sequence[_Piece]) -> str:
    """``… 23 earlier lines, 1 warning, 2 errors``."""
    counts = [(level, sum(piece.level == level for piece in pieces)) for level in ("warning", "error")]
    told = [el.colored(count_of(count, level), _COLORS[level]) for level, count in counts if count]
    return ", ".join([el.muted(f"… {count_of(len(pieces), 'earlier line')}"), *told])


def _pieces(notice: Notice, number: int = 0) -> list[_Piece]:
    """The notice's lines; ``number`` counts it among all notices of the run."""
    texts = shorten(notice.message, _WHOLE).split("\n")
    shown: list[str] = [el.safe(text, _LONG) for text in texts]
    if notice.kind != "print":
        shown[0] = f"{_level_html(notice)} {shown[0]}"
    if not is_empty(notice.context):
        shown[-1] += f" {el.muted(el.safe(_context_text(notice, 200), 200))}"
    level = "" if notice.kind == "print" else notice.level
    wholes = [el.safe(text, _WHOLE) if len(text) > _LONG else "" for text in texts]
    levels = [level, *[""] * (len(texts) - 1)]
    keys = [f"line-{number}-{at}" for at in range(len(texts))]
    return [_Piece(*piece) for piece in zip(shown, levels, wholes, keys, strict=True)]


def _level_html(notice: Notice) -> str:
    color = _COLORS.get(notice.level)
    return el.colored(notice.level, color) if color else el.muted(notice.level)


def _block_html(notice: Notice, number: int = 0) -> str:
    parts = [_title_html(notice)]
    if notice.content:
        parts.append(markdown_html(notice.content, _CONTENT))
    if not is_empty(notice.context):
        parts.append(el.data_table(notice.context, 200))
    parts += [_section_html(section, f"notice-{number}-{at}") for at, section in enumerate(notice.details[:_SECTIONS])]
    if len(notice.details) > _SECTIONS:
        parts.append(el.muted(f"… {count_of(len(notice.details) - _SECTIONS, 'more section')}"))
    return el.block("\n".join(parts), color=_COLORS.get(notice.level, el.GREY))


def _brief_html(notice: Notice, _number: int) -> str:
    """The notice without what makes it long."""
    return el.block(f"{_title_html(notice)} {el.muted('(shortened)')}", color=_COLORS.get(notice.level, el.GREY))


def _title_html(notice: Notice) -> str:
    level = "" if notice.level == "info" else _level_html(notice) + " "
    source = el.muted(el.safe(notice.source, 80)) + " " if notice.source else ""
    return f'<div style="white-space:pre-wrap">{level}{source}{el.bold(el.safe(notice.message, _MESSAGE))}</div>'


def _section_html(section: dict[str, Any], key: str) -> str:
    title = el.safe(str(section.get("title", "Details")), 120)
    content = section.get("content")
    inner = markdown_html(content, _SECTION) if isinstance(content, str) else el.data_table(content, 200)
    return el.details(title, inner, key=key)
