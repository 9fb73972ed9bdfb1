"""What else a person should know of a run: how to go on, a stop that was requested, how to keep it."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

from .runs import is_plan, known
from .text import one_line

if TYPE_CHECKING:
    from ..runs import Run

__all__ = ["remarks_of", "stop_text"]


def remarks_of(run: Run) -> list[str]:
    """What else a person should know: how to go on, a stop that was requested, how to keep the run."""
    remarks = []
    if is_plan(run) and run.planned:
        remarks.append(_what_follows(run))
    if run.status == "cancelled":
        remarks.append("stopped; run it again to go on")
    if run.stop.requested:
        remarks.append(stop_text(run.stop.reason, success=run.stop.success))
    if known(run).unpriced:
        models = ", ".join(one_line(model, 60) for model in known(run).unpriced[:5])
        remarks.append(f"no cost is given: prices has none for {models}")
    if known(run).fixture_name:
        remarks.append(f"answered from the fixture {one_line(known(run).fixture_name, 160)}, nothing was called")
    elif known(run).store_url == "memory:" and (run.pending or run.usage.total_tokens):
        remarks.append(f"kept in memory only; --store {_file_name(run.name)} keeps it on disk")
    return remarks


def stop_text(reason: str | None, *, success: bool) -> str:
    """``stop requested: enough (without success)``."""
    said = f": {one_line(reason, 160)}" if reason else ""
    return f"stop requested{said}{'' if success else ' (without success)'}"


def _what_follows(run: Run) -> str:
    """What a plan cannot know."""
    if any(not later.path.startswith(f"{row.path}/") for row, later in pairwise(run.planned)):
        return "the first is certain; the others are as recorded and may change once it has run"
    return "what follows is known once that has run"


def _file_name(name: str) -> str:
    """A file for the run's name where the name is fit for one."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 40
    return shlex.quote(f"{name}.db") if plain else "runs.db"
