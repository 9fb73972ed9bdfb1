"""The first line of a panel and of a record: the run's name, what becomes of it, and what was spared."""

from __future__ import annotations

from typing import Final

from . import elements as el

__all__ = ["head_html"]

_COLORS: Final = {"failed": el.RED, "paused": el.AMBER, "cancelled": el.AMBER, "running": el.AMBER}


def head_html(name: str, status: str, spared: str, *, shown_as: str = "") -> str:
    """The line as HTML.

    Args:
        name: the run's.
        status: the run's; gives the colour.
        spared: what came from the journal and what ran.
        shown_as: what stands for the status.
    """
    color = _COLORS.get(status)
    text = el.safe(shown_as or status, 40)
    shown = el.colored(text, color) if color else text
    return f"<div>{el.bold(el.safe(name, 128))} · {shown} · {el.muted(el.safe(spared, 120))}</div>"
