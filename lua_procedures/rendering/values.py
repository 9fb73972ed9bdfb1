"""What a program returned, and what its State holds."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from . import elements as el
from .runs import known
from .text import count_of, one_line, pretty, value_text

if TYPE_CHECKING:
    from ..runs import Run

__all__ = ["short_value", "state_html", "value_html"]

_VALUE: Final = 5_000
_MAX_STATE: Final = 1_000_000
_OPEN_ROWS: Final = 10  # a value of no more is not folded
_OPEN_LINES: Final = 12
_OPEN_TEXT: Final = 1_000
_START: Final = 80  # characters of what is folded


def short_value(value: Any) -> str:
    """The value on one line of text."""
    return one_line(value, 200) if isinstance(value, str) else value_text(value, 200)


def value_html(value: Any) -> str:
    """What the program returned: on the line, as a table, or as JSON; folded where it is long."""
    if value is None:
        return ""
    if el.flat(value):
        rows = el.muted(f"({count_of(len(value), 'row')})")
        return el.details(f"{el.muted('value')} {rows}", el.data_table(value, 200), opened=len(value) <= _OPEN_ROWS)
    text = pretty(value, _VALUE)
    if "\n" not in text and len(text) <= 100:
        return el.block(f"{el.muted('value')} {el.code(el.safe(text, 100))}")
    shown = el.preformatted(el.safe(text, _VALUE))
    if text.count("\n") < _OPEN_LINES and len(text) <= _OPEN_TEXT:
        return el.details(el.muted("value"), shown, opened=True)
    start = one_line(value, _START) if isinstance(value, str) else value_text(value, _START)
    return el.details(f"{el.muted('value')} {el.monospaced(el.muted(el.safe(start, _START)))}", shown)


def state_html(run: Run) -> str:
    """The State, folded; nothing where it is empty."""
    size = len(known(run).state_text)
    if size <= 2:
        return ""
    if size > _MAX_STATE:
        return el.details(el.muted("state"), el.block(el.muted("too large to show here")))
    state = run.state
    names = one_line(", ".join(islice(state, 12)), _START)
    return el.details(f"{el.muted('state')} {el.muted(f'({names})')}", el.data_table(state, 200))
