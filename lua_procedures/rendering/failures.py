"""What ended a run: the message with its place, what to do about it, and the program's lines around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import elements as el
from .text import one_line, without_addresses

if TYPE_CHECKING:
    from ..errors import ProcedureError

__all__ = ["error_html", "error_lines"]

_MARK = "->"  # before the line in question


def error_lines(error: ProcedureError) -> list[str]:
    """The message on up to eight lines, marked, and what to do about it."""
    place = f"line {error.line}: " if error.line else ""
    texts = without_addresses(error.message[:4000]).strip().split("\n")[:8]
    lines = [f"error: {place}{one_line(texts[0], 300)}", *(f"  {one_line(text, 200)}" for text in texts[1:])]
    return [*lines, *(f"  {one_line(hint, 400)}" for hint in (error.hint or "").split("\n")[:4] if hint.strip())]


def error_html(error: ProcedureError, *, excerpt: bool, message: bool = True) -> str:
    """The same as HTML.

    Args:
        error: what ended the run.
        excerpt: whether to show the program's lines around it, which the exception shows where no record is seen.
        message: whether to say what is wrong, which an open question beside it says already.
    """
    place = el.bold(f"line {error.line}", color=el.RED) + " " if error.line else ""
    said = f'<span style="white-space:pre-wrap">{el.safe(without_addresses(error.message[:4000]), 2000)}</span>'
    parts = [f"<div>{place}{said}</div>"] if message else []
    parts += [_excerpt_html(error.excerpt)] if error.excerpt and excerpt else []
    parts += [f'<div style="white-space:pre-wrap">{el.muted(el.safe(error.hint, 1000))}</div>'] if error.hint else []
    return el.block("".join(parts), color=el.RED)


def _excerpt_html(excerpt: str) -> str:
    lines = [el.safe(line, 200) for line in excerpt.split("\n")[:12]]
    marked = el.safe(_MARK, 10)
    return el.preformatted("\n".join(el.bold(line) if line.startswith(marked) else el.muted(line) for line in lines))
