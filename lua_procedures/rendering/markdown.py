"""The markdown of notices as safe HTML: paragraphs, headings, lists, code, emphasis, links.

Everything is escaped first, so HTML in the text stays text. Images are not loaded: their markdown is shown.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from .elements import code, preformatted
from .text import one_line, shorten

__all__ = ["headline", "markdown_html"]

_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6} +(.+)")
_ITEM = re.compile(r" *(?:[-*+]|(\d{1,6})[.)]) +(.+)")
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[([^\[\]\n]+)\]\((https?://[^\s()<>\"']+)\)")
#: A page beside the notebook's, which it must not take the place of.
_ELSEWHERE = 'target="_blank" rel="noopener noreferrer"'
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^*<\s][^*<\n]*)\*(?![\w*])|(?<!\w)_([^_<\s][^_<\n]*)_(?!\w)")


def markdown_html(text: str, limit: int) -> str:
    """The markdown as HTML, cut after ``limit`` characters."""
    return "".join(_blocks(shorten(text, limit).split("\n")))


def headline(text: str, limit: int) -> str:
    """The first line of markdown that says something, without its marks, at most ``limit`` characters long."""
    for line in shorten(text, 20 * limit).split("\n"):
        if line.strip() and not _FENCE.match(line):
            marked = _HEADING.match(line) or _ITEM.match(line)
            said = _LINK.sub(r"\1", marked[marked.lastindex or 1] if marked else line)
            return one_line(_EMPHASIS.sub(r"\1\2", _BOLD.sub(r"\1", _CODE.sub(r"\1", said))), limit)
    return ""


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        fence, heading, item = _FENCE.match(line), _HEADING.match(line), _ITEM.match(line)
        if fence:
            end = _end_of_fence(lines, at + 1, fence[1])
            yield preformatted(html.escape("\n".join(lines[at + 1 : end])))
            at = end + 1
        elif heading:
            yield f'<div style="margin:4px 0"><strong>{_inline(heading[1])}</strong></div>'
            at += 1
        elif item:
            end = _end_of(lines, at, items=True)
            yield _list(lines[at:end], ordered=item[1] is not None)
            at = end
        elif line.strip():
            end = _end_of(lines, at, items=False)
            yield f'<div style="margin:4px 0">{"<br>".join(_inline(part) for part in lines[at:end])}</div>'
            at = end
        else:
            at += 1


def _end_of_fence(lines: list[str], start: int, mark: str) -> int:
    return next((at for at in range(start, len(lines)) if lines[at].strip() == mark), len(lines))


def _end_of(lines: list[str], start: int, *, items: bool) -> int:
    """Where the list or the paragraph that begins at ``start`` ends."""
    for at in range(start + 1, len(lines)):
        line = lines[at]
        if not line.strip() or _FENCE.match(line) or _HEADING.match(line) or bool(_ITEM.match(line)) != items:
            return at
    return len(lines)


def _list(lines: list[str], *, ordered: bool) -> str:
    name = "ol" if ordered else "ul"
    items = "".join(f"<li>{_inline(item[2])}</li>" for item in map(_ITEM.match, lines) if item)
    return f'<{name} style="margin:2px 0;padding-left:22px">{items}</{name}>'


def _inline(text: str) -> str:
    """Emphasis and links outside of code, on escaped text."""
    parts = enumerate(_CODE.split(text))
    return "".join(code(part) if index % 2 else _emphasis(part) for index, part in parts)


def _emphasis(text: str) -> str:
    parts = _LINK.split(text)
    pieces = [_emphasised(parts[0])]
    for label, address, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pieces += [f'<a href="{html.escape(address)}" {_ELSEWHERE}>{_emphasised(label)}</a>', _emphasised(rest)]
    return "".join(pieces)


def _emphasised(text: str) -> str:
    strong = _BOLD.sub(r"<strong>\1</strong>", html.escape(text))
    return _EMPHASIS.sub(lambda match: f"<em>{match[1] or match[2]}</em>", strong)
