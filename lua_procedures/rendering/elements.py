"""Pieces of HTML that survive: semantic elements with inline styles, every value escaped.

What takes a text (``muted``, ``bold``, ``code``, ``colored``, a ``row`` of cells) escapes it, unless it is ``Html``:
what this module made, or what is called that by its name. Put together with other text it is a plain ``str`` again, so
that what somebody forgot is shown with its tags and never run.

A saved notebook is shown by front ends that drop ``<style>``, scripts, SVG and CSS variables (JupyterLab's
sanitizer), or every style (GitHub). So each piece reads well bare, and colours are those that stand out
from white as well as from black; everything else takes the text's own colour.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count, islice
from typing import Any

from .text import count_of, pretty, shorten, value_text

__all__ = [
    "AMBER",
    "GREY",
    "KEYED",
    "MUTED",
    "RED",
    "Html",
    "as_html",
    "block",
    "bold",
    "code",
    "colored",
    "column",
    "data_table",
    "details",
    "flat",
    "indented",
    "monospaced",
    "muted",
    "page",
    "preformatted",
    "row",
    "safe",
    "table",
]

RED = "rgb(212,64,64)"
AMBER = "rgb(178,112,0)"
#: What the class of a section with a key begins with.
KEYED = "lpf-section-"
GREY = "rgba(128,128,128,0.5)"
MUTED = "opacity:0.65"

_UNTYPESET = "tex2jax_ignore mathjax_ignore"
_PADDING = "padding:0 8px"  # what front ends give a text and an error
_MONOSPACED = "font-family:Menlo,Consolas,monospace;font-size:12px"
# a cell has its own line height, or front ends give it another in an output than in a form
_TEXT = "text-align:left;vertical-align:top;border:none;line-height:1.5"
_CELL = f"{_TEXT};padding:1px 12px 1px 0"
_GRID = f"{_TEXT};padding:2px 12px 2px 0"
_MAX_ROWS = 20
_MAX_COLUMNS = 8
_SHORT = 60  # characters of a value in a table's cell


class Html(str):
    """HTML that was made already, everything of others in it escaped."""

    __slots__ = ()


def as_html(text: str) -> Html:
    """HTML as it is, any other text escaped."""
    return text if isinstance(text, Html) else Html(html.escape(text))


def safe(text: str, limit: int) -> Html:
    """The text, shortened and escaped; never longer than about twice ``limit``, however much was escaped."""
    escaped = html.escape(shorten(text, limit))
    return Html(escaped if len(escaped) <= 2 * limit else html.escape(shorten(text, max(limit // 3, 1))))


def page(parts: Iterable[str], *, mark: str = "") -> Html:
    """The outermost element; front ends that typeset ``$…$`` leave its text alone. ``mark`` is one more class."""
    inner = "\n".join(part for part in parts if part)
    style = f"{_PADDING};font-size:13px;line-height:1.5"
    return Html(f'<div class="{" ".join(filter(None, (_UNTYPESET, mark)))}" style="{style}">\n{inner}\n</div>')


def block(inner: str, *, color: str | None = None) -> Html:
    """A paragraph; with a colour, one set off by a bar of it."""
    if color is None:
        return Html(f'<div style="margin:4px 0">{inner}</div>')
    return Html(f'<div style="margin:6px 0;padding:0 0 0 10px;border-left:3px solid {color}">{inner}</div>')


def bold(text: str, *, color: str | None = None) -> Html:
    """Strong text."""
    style = f' style="color:{color}"' if color else ""
    return Html(f"<strong{style}>{as_html(text)}</strong>")


def colored(text: str, color: str) -> Html:
    """Text in one of this module's colours."""
    return Html(f'<span style="color:{color}">{as_html(text)}</span>')


def muted(text: str) -> Html:
    """Text that steps back."""
    return Html(f'<span style="{MUTED}">{as_html(text)}</span>' if text else "")


def column(inner: str) -> Html:
    """A short word as wide as any of them, so that what stands beside it does not move; ``inner`` is HTML."""
    return Html(f'<div style="min-width:3.7em">{inner}</div>')


def code(text: str) -> Html:
    """A word of code."""
    return Html(f"<code>{as_html(text)}</code>")


def preformatted(inner: str) -> Html:
    """Lines as they are; ``inner`` is HTML."""
    style = "margin:4px 0;padding:0;border:none;background:transparent;white-space:pre-wrap;overflow-wrap:anywhere"
    return Html(f'<pre style="{style};word-break:normal;{_MONOSPACED};line-height:1.4">{inner}</pre>')


def monospaced(inner: str) -> Html:
    """Text that looks as if it were preformatted; ``inner`` is HTML."""
    return Html(f'<span style="{_MONOSPACED}">{inner}</span>')


def details(summary: str, inner: str, *, opened: bool = False, key: str = "") -> Html:
    """A section that folds; both are HTML.

    Args:
        summary: what is seen of it folded.
        inner: what is in it.
        opened: whether it is unfolded.
        key: what tells it from its like in a panel, where the summary does not: what a person opened stays open.
    """
    name = f' class="{KEYED}{key}"' if key else ""
    return Html(
        f'<details{name}{" open" * opened}><summary style="cursor:pointer">{summary}</summary>{inner}</details>'
    )


def indented(inner: str, depth: int) -> Html:
    """Text further to the right, by so many steps; ``inner`` is HTML."""
    return Html(f'<div style="padding-left:{14 * depth}px">{inner}</div>' if depth else inner)


def row(cells: Iterable[str], *, wraps: Collection[int] | None = None) -> Html:
    """A row of a plain table; where ``wraps`` names some of its cells, the others stay on one line."""
    styles = (_CELL if wraps is None or at in wraps else f"{_CELL};white-space:nowrap" for at in count())
    inner = "".join(f'<td style="{style}">{as_html(cell)}</td>' for style, cell in zip(styles, cells, strict=False))
    return Html(f'<tr style="background:transparent">{inner}</tr>')


def table(rows: Iterable[str]) -> Html:
    """A table without lines, as wide as what is in it."""
    style = "border:none;border-collapse:collapse;table-layout:auto;margin:4px 0;font-size:13px"
    return Html(f'<table style="{style}"><tbody>\n' + "\n".join(rows) + "\n</tbody></table>")


def flat(value: Any) -> bool:
    """Whether it is a list of dicts without much in each, which reads as a table."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    head = value[:_MAX_ROWS]
    return all(isinstance(item, Mapping) and item and all(_is_short(each) for each in item.values()) for item in head)


def _is_short(value: Any) -> bool:
    return isinstance(value, str) or not value_text(value, _SHORT).endswith("…")


def data_table(value: Any, limit: int) -> Html:
    """Plain data for reading: a dict or a list of dicts as a table, anything else preformatted.

    ``limit`` bounds the characters of a single value; at most 20 rows and 8 columns are shown.
    """
    if isinstance(value, Mapping) and value:
        return _grid((), [[str(key), item] for key, item in islice(value.items(), _MAX_ROWS)], len(value), limit)
    if isinstance(value, Sequence) and value and all(isinstance(item, Mapping) for item in value[:_MAX_ROWS]):
        columns = _columns(value)
        rows = [[item.get(name) for name in columns] for item in value[:_MAX_ROWS]]
        more = any(len(item) > len(columns) for item in value[:_MAX_ROWS])
        return _grid([*columns, *(["…"] if more else [])], rows, len(value), limit)
    return preformatted(safe(pretty(value, 5 * limit), 5 * limit))


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for item in rows[:_MAX_ROWS]:
        names.update(dict.fromkeys(islice(item, _MAX_COLUMNS)))
    return list(names)[:_MAX_COLUMNS]


def _grid(header: Sequence[str], rows: Sequence[Sequence[Any]], total: int, limit: int) -> Html:
    head = "".join(f'<th style="{_GRID}">{safe(str(name), 40)}</th>' for name in header)
    lines: list[str] = [f'<tr style="background:transparent">{head}</tr>'] if header else []
    lines.extend(row(_cell(item, limit, name=not header and not at) for at, item in enumerate(cells)) for cells in rows)
    if total > len(rows):
        lines.append(row([muted(f"… {count_of(total - len(rows), 'more row')}")]))
    return table(lines)


def _cell(value: Any, limit: int, *, name: bool) -> Html:
    text = Html() if value is None else safe(value if isinstance(value, str) else value_text(value, limit), limit)
    return muted(text) if name else text
