"""What is shown of a run: its checkpoints in order, which of them have no outcome, what was spared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .lines import Line, fold
from .text import tokens

if TYPE_CHECKING:
    from ..runs import Checkpoint, Run, RunData

__all__ = ["checkpoints_of", "halted_of", "in_brackets", "is_plan", "known", "lines_of", "spared_of"]


def known(run: Run) -> RunData:
    """What the pass left in the run, beyond its public attributes."""
    return run._data  # noqa: SLF001  # a record shows what is not worth a public attribute, such as what changed


def is_plan(run: Run) -> bool:
    """Whether a plan stopped at what would run; only then a run that is over is still to begin."""
    return run.status == "pending"


def checkpoints_of(run: Run) -> list[Checkpoint]:
    """All checkpoints, and those without an outcome in which the run came to rest."""
    under_way = known(run).under_way
    if not under_way or is_plan(run):
        return run.checkpoints
    return sorted([*run.checkpoints, *under_way], key=lambda each: [int(place) for place in each.path.split("/")])


def halted_of(run: Run) -> dict[str, str]:
    """Path → why, of the checkpoints without an outcome."""
    why = {"paused": "waiting", "failed": "failed"}.get(run.status, "stopped")
    return {checkpoint.path: why for checkpoint in known(run).under_way}


def lines_of(run: Run, checkpoints: Sequence[Checkpoint]) -> list[Line]:
    """The lines of the outermost frame; of a plan, what would run."""
    if is_plan(run):
        return fold(run.planned, planned=True)
    return fold(checkpoints, run.answers, halted=halted_of(run))


def spared_of(run: Run, checkpoints: Sequence[Checkpoint]) -> str:
    """``kept 488 (31k tokens), ran 12 (1k tokens)``; of a plan ``kept 488 (31k tokens), would run 12 again``."""
    kept, spent = _tokens_of(checkpoints)
    if is_plan(run):
        return f"kept {run.replayed:,}{in_brackets(kept)}, {_would_run(run)}"
    return f"kept {run.replayed:,}{in_brackets(kept)}, ran {run.executed:,}{in_brackets(spent)}"


def _would_run(run: Run) -> str:
    """``would run 1 new, 12 again (31k tokens)``: what is recorded, and what the program asks for in its place."""
    would = sum(checkpoint.usage.total_tokens for checkpoint in run.planned if checkpoint.usage)
    outer = sum("/" not in checkpoint.path for checkpoint in run.planned)
    new = known(run).planned_new
    again = outer - new
    told = [f"{new} new"] * bool(new) + [f"{again:,} again{in_brackets(would)}"] * (again > 0)
    return f"would run {', '.join(told)}" if told else "the rest would run"


def in_brackets(number: int) -> str:
    """`` (31k tokens)``; nothing for none."""
    return f" ({tokens(number)})" if number else ""


def _tokens_of(checkpoints: Sequence[Checkpoint]) -> tuple[int, int]:
    """Tokens of kept and of run checkpoints; one whose inner ones carry tokens is their sum and not counted again."""
    kept = spent = 0
    outer: set[str] = set()
    for checkpoint in reversed(checkpoints):
        if checkpoint.usage is None and checkpoint.path not in outer:
            continue
        outer.add(checkpoint.path.rpartition("/")[0])
        if checkpoint.path in outer or checkpoint.usage is None:
            continue
        if checkpoint.replayed:
            kept += checkpoint.usage.total_tokens
        else:
            spent += checkpoint.usage.total_tokens
    return kept, spent
