"""The static record of a run in two forms: plain elements and plain text, no clock where it must not be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..errors import HumanInputRequired
from . import elements as el
from .checkpoints import checkpoint_lines, checkpoints_html
from .failures import error_html, error_lines
from .graph import tree_html
from .graph_text import graph_line, summary_text
from .heads import head_html
from .notices import notice_lines, notices_html
from .remarks import remarks_of
from .requests import request_html, request_text
from .runs import checkpoints_of, halted_of, known, lines_of, spared_of
from .stages import stage_line, stages_html, stages_of
from .text import count_of, ends, one_line, shorten
from .transcripts import turns_of
from .turns import spent_text, turns_html
from .values import short_value, state_html, value_html

if TYPE_CHECKING:
    from ..graphs import Graph
    from ..runs import Checkpoint, Run

__all__ = ["record_bundle", "record_html", "record_text"]

_MAX_CHECKPOINTS: Final = 200  # inner ones included
_MAX_LINES: Final = 60
_VISIBLE: Final = 15
_NOTICES: Final = 50_000  # characters of HTML, as for the turns
_MAX_NOTICES: Final = 400
_TURNS: Final = 100_000
_MESSAGE: Final = 1_000
_MAX_TURNS: Final = 100
_MAX_NODES: Final = 300


def record_html(run: Run, *, volatile: bool | None = None, question: bool = True, alone: bool = False) -> str:
    """The static record as HTML: reads well in a saved notebook, with no widget, style sheet or script.

    Args:
        run: the run, in whatever state.
        volatile: whether to show durations and times of day; without it, only where the run was not headless.
        question: whether to show the open question, which a form beside it shows already.
        alone: whether no exception beside it shows the program's lines around a failure.
    """
    volatile = not known(run).headless if volatile is None else volatile
    change = _change_of(run)
    checkpoints = checkpoints_of(run)
    return el.page(
        [
            head_html(_title_of(run), run.status, spared_of(run, checkpoints)),
            el.block(el.muted(el.safe(change, 500))) if change else "",
            stages_html(stages_of(run)),
            _error_html(run, asked=question and run.pending is not None, alone=alone),
            request_html(run.pending, run.name, known(run).store_name, volatile=volatile)
            if run.pending and question
            else "",
            checkpoints_html(
                lines_of(run, checkpoints),
                visible=_VISIBLE,
                limit=_MAX_CHECKPOINTS,
                volatile=volatile,
                told=run.error.message[:_MESSAGE] if run.error else "",
            ),
            _agents_html(run, checkpoints),
            _notices_html(run),
            value_html(run.value),
            _tree_html(run.graph),
            state_html(run),
            *(el.block(el.muted(el.safe(text, 300))) for text in remarks_of(run)),
        ]
    )


def record_bundle(run: Run) -> dict[str, str]:
    """The static record in both forms, by MIME type."""
    return {"text/plain": record_text(run), "text/html": record_html(run)}


def record_text(run: Run, *, question: bool = True) -> str:
    """The static record as text: at most 60 lines, the same each time the run goes the same way."""
    checkpoints = checkpoints_of(run)
    lines = [f"{one_line(_title_of(run), 128)}: {run.status} · {spared_of(run, checkpoints)}"]
    change = _change_of(run)
    lines += [one_line(change, 200)] if change else []
    stages = stages_of(run)
    lines += [f"stages: {stage_line(stages)}"] if stages else []
    lines += error_lines(run.error) if run.error else []
    lines += request_text(run.pending, run.name, known(run).store_name).split("\n") if run.pending and question else []
    end = [f"value: {short_value(run.value)}"] if run.value is not None else []
    end += [graph_line(run.graph)] if run.graph.nodes else []
    agents = run.agents
    end += [f"agents: {spent_text(agents.values(), run.usage)}"] if agents else []
    end += remarks_of(run)
    return "\n".join([*lines, *_body_lines(run, checkpoints, _MAX_LINES - len(lines) - len(end)), *end])


def _title_of(run: Run) -> str:
    return known(run).title or run.name


def _change_of(run: Run) -> str | None:
    """What is not as recorded, unless the error says it."""
    change = known(run).change
    return None if run.error is not None and run.error.message == change else change


def _error_html(run: Run, *, asked: bool, alone: bool) -> str:
    if run.error is None:
        return ""
    unanswered = asked and isinstance(run.error, HumanInputRequired)  # the question is shown with its line
    return error_html(run.error, excerpt=(alone or not known(run).headless) and not unanswered, message=not unanswered)


def _body_lines(run: Run, checkpoints: Sequence[Checkpoint], room: int) -> list[str]:
    """Checkpoints and notices as text; where there is no room for all, each has at least half of it."""
    notices = run.notices
    first, left_out, last = ends(notices, 2 * room, room)
    said = [line for notice in (*first, *last) for line in notice_lines(notice)]
    shown = checkpoint_lines(lines_of(run, checkpoints), max(room - len(said), room // 2))
    said_first, more, said_last = ends(said, room - len(shown) - 1, (room - len(shown)) // 3)
    if not more and not left_out:
        return [*shown, *said]
    return [*shown, *said_first, f"… {count_of(more + left_out, 'more line')}", *said_last]


def _agents_html(run: Run, checkpoints: Sequence[Checkpoint]) -> str:
    turns, left_out = turns_of(checkpoints, _MAX_TURNS, halted_of(run), known(run).cut_off)
    if not turns:
        return ""
    agents = run.agents  # without those whose first turn is not over
    spent = el.safe(f"agents: {spent_text(agents.values(), run.usage)}", 1000) if agents else ""
    return el.block(el.muted(spent)) * bool(agents) + turns_html(turns, budget=_TURNS, left_out=left_out)


def _notices_html(run: Run) -> str:
    notices = run.notices
    kept = notices[-_MAX_NOTICES:]
    return notices_html(kept, visible=_VISIBLE, budget=_NOTICES, left_out=len(notices) - len(kept))


def _tree_html(graph: Graph) -> str:
    if not graph.nodes:
        return ""
    return el.details(el.muted(f"tree ({shorten(summary_text(graph), 300)})"), tree_html(graph, _MAX_NODES), key="tree")
