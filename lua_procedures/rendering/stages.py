"""The stages of a run as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from . import elements as el
from .runs import known
from .text import ends, one_line

if TYPE_CHECKING:
    from ..runs import Run

__all__ = ["stage_line", "stages_html", "stages_in_order", "stages_of"]

_MAX_STAGES: Final = 14


def stages_of(run: Run) -> list[tuple[str, str]]:
    """Each stage in order, with ``done``, ``skipped``, ``current`` or ``coming``."""
    visited = list(dict.fromkeys(move.to_stage for move in run.stages))
    return stages_in_order(known(run).stages_declared, visited, run.stage)


def stages_in_order(declared: Sequence[str], visited: Sequence[str], current: str | None) -> list[tuple[str, str]]:
    """Each stage with ``done``, ``skipped``, ``current`` or ``coming``; undeclared ones in the order visited."""
    names = [*declared, *(name for name in visited if name not in declared)]
    at = names.index(current) if current in names else -1
    states = [
        (name, "current" if place == at else "coming" if place > at else "done" if name in visited else "skipped")
        for place, name in enumerate(names)
    ]
    if not declared:
        states = [(name, "current" if name == current else "done") for name in names]
    first, left_out, last = ends(states, _MAX_STAGES, _MAX_STAGES // 2)
    return [*first, (f"… {left_out} more", "skipped"), *last] if left_out else states


def stage_line(stages: Sequence[tuple[str, str]]) -> str:
    """The bar as a line of text: ``prepare > [approve] > ship``."""
    return " > ".join(_stage_text(*stage) for stage in stages)


def _stage_text(name: str, state: str) -> str:
    shown = one_line(name, 30)
    return f"[{shown}]" if state == "current" else shown


def stages_html(stages: Sequence[tuple[str, str]]) -> str:
    """The bar as HTML; nothing without stages."""
    if not stages:
        return ""
    return el.block(f" {el.muted('›')} ".join(_stage_html(name, state) for name, state in stages))


def _stage_html(name: str, state: str) -> str:
    shown = el.safe(one_line(name, 40), 40)
    if state == "current":
        return f'<strong style="padding:0 0 1px 0;border-bottom:2px solid {el.GREY}">{shown}</strong>'
    return f"✓ {shown}" if state == "done" else el.muted(shown)
