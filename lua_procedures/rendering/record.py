"""The live panel and the static record of a run, in one look: plain elements, no clock where it must not be."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import elements as el
from .checkpoints import checkpoint_lines, checkpoints_html
from .graph import tree_html
from .graph_text import graph_line, summary_text
from .lines import Line, fold, gap
from .notices import notice_html, notice_lines, notices_html
from .requests import request_html, request_text
from .text import count_of, ends, one_line, pretty, tokens, value_text, without_addresses
from .transcripts import turns_of
from .turns import spent_text, turns_html

if TYPE_CHECKING:
    from ..errors import ProcedureError
    from ..graphs import Graph
    from ..runs import Checkpoint, Run, RunData
    from .progress import Progress

__all__ = [
    "notice_html",
    "panel_html",
    "record_bundle",
    "record_html",
    "record_text",
    "remarks_of",
    "request_html",
    "request_text",
    "spared_of",
    "stages_of",
]

#: How many checkpoints a panel and a record show at most, inner ones included.
MAX_CHECKPOINTS = 200
#: How many lines a record's text has at most.
MAX_LINES = 60

_VISIBLE = 15
_NOTICES = 60_000
_MAX_NOTICES = 400
_TURNS = 100_000
_MAX_TURNS = 100
_PANEL_TURNS = 20_000
_STREAMED = 2_000
_MAX_STAGES = 14
_VALUE = 5_000
_MAX_STATE = 1_000_000
_MAX_NODES = 300
_STATUS_COLORS = {"failed": el.RED, "paused": el.AMBER, "cancelled": el.AMBER, "running": el.AMBER}


def panel_html(progress: Progress) -> str:
    """The live panel: where the run is, its last checkpoints, and its last notices.

    Args:
        progress: what the run's events told so far.
    """
    status = "waiting for an answer" if progress.request else "running…" if not progress.ended else progress.status
    kept, spent = _in_brackets(progress.tokens_kept), _in_brackets(progress.tokens_spent)
    spared = f"kept {progress.replayed:,}{kept}, ran {progress.executed:,}{spent}"
    lines = [*progress.lines, *_open_lines(progress)]
    earlier = gap(lines[:-_VISIBLE]).count + progress.lines_left_out
    return el.page(
        [
            _head_html(progress.name, status, _STATUS_COLORS.get(progress.status), spared),
            el.block(el.muted(el.safe(progress.change, 500))) if progress.change else "",
            _stages_html(_stages(progress.stages_declared, list(progress.stages_visited), progress.stage)),
            el.muted(f"… {count_of(earlier, 'earlier checkpoint')}") if earlier else "",
            checkpoints_html(lines[-_VISIBLE:], visible=_VISIBLE, limit=MAX_CHECKPOINTS, volatile=True),
            turns_html(
                progress.turns,
                budget=_PANEL_TURNS,
                left_out=progress.turns_left_out,
                text=_STREAMED,
                asking=progress.request is not None,
            ),
            notices_html([*progress.notices], visible=_VISIBLE, budget=_NOTICES, left_out=progress.notices_left_out),
            _growth_html(progress),
        ]
    )


def record_html(run: Run, *, volatile: bool | None = None, question: bool = True) -> str:
    """The static record as HTML: reads well in a saved notebook, with no widget, style sheet or script.

    Args:
        run: the run, in whatever state.
        volatile: whether to show durations and times of day; without it, only where the run was not headless.
        question: whether to show the open question, which a form beside it shows already.
    """
    volatile = not _known(run).headless if volatile is None else volatile
    change = _known(run).change
    checkpoints = _checkpoints_of(run)
    lines = _lines_of(run, checkpoints)
    return el.page(
        [
            _head_html(
                _known(run).title or run.name, run.status, _STATUS_COLORS.get(run.status), spared_of(run, checkpoints)
            ),
            el.block(el.muted(el.safe(change, 500))) if change else "",
            _stages_html(stages_of(run)),
            _error_html(run.error) if run.error else "",
            request_html(run.pending, run.name, volatile=volatile) if run.pending and question else "",
            checkpoints_html(lines, visible=_VISIBLE, limit=MAX_CHECKPOINTS, volatile=volatile),
            _agents_html(run, checkpoints),
            _notices_html(run),
            _value_html(run.value),
            _tree_html(run.graph),
            _state_html(run),
            *(el.block(el.muted(el.safe(text, 300))) for text in remarks_of(run)),
        ]
    )


def record_bundle(run: Run) -> dict[str, str]:
    """The static record in both forms, by MIME type."""
    return {"text/plain": record_text(run), "text/html": record_html(run)}


def record_text(run: Run, *, question: bool = True) -> str:
    """The static record as text: at most 60 lines, the same each time the run goes the same way."""
    checkpoints = _checkpoints_of(run)
    lines = [f"{one_line(_known(run).title or run.name, 128)}: {run.status} · {spared_of(run, checkpoints)}"]
    change = _known(run).change
    lines += [one_line(change, 200)] if change else []
    stages = stages_of(run)
    lines += [f"stages: {' > '.join(_stage_text(*stage) for stage in stages)}"] if stages else []
    lines += _error_lines(run.error) if run.error else []
    lines += request_text(run.pending, run.name).split("\n") if run.pending and question else []
    end = [f"value: {_short_value(run.value)}"] if run.value is not None else []
    end += [graph_line(run.graph)] if run.graph.nodes else []
    agents = run.agents
    end += [f"agents: {spent_text(agents.values(), run.usage)}"] if agents else []
    end += remarks_of(run)
    return "\n".join([*lines, *_body_lines(run, checkpoints, MAX_LINES - len(lines) - len(end)), *end])


def _is_plan(run: Run) -> bool:
    """Whether a plan stopped at what would run; only then a run that is over is still to begin."""
    return run.status == "pending"


def _checkpoints_of(run: Run) -> list[Checkpoint]:
    """All checkpoints, and those without an outcome in which the run came to rest."""
    under_way = _known(run).under_way
    if not under_way or _is_plan(run):
        return run.checkpoints
    return sorted([*run.checkpoints, *under_way], key=lambda each: [int(place) for place in each.path.split("/")])


def _halted(run: Run) -> dict[str, str]:
    """Path → why, of the checkpoints without an outcome."""
    why = {"paused": "waiting", "failed": "failed"}.get(run.status, "stopped")
    return {checkpoint.path: why for checkpoint in _known(run).under_way}


def _lines_of(run: Run, checkpoints: Sequence[Checkpoint]) -> list[Line]:
    if _is_plan(run):
        return fold(run.planned, planned=True)
    return fold(checkpoints, run.answers, halted=_halted(run))


def _known(run: Run) -> RunData:
    return run._data  # noqa: SLF001  # a record shows what is not worth a public attribute, such as what changed


def _body_lines(run: Run, checkpoints: Sequence[Checkpoint], room: int) -> list[str]:
    """Checkpoints and notices as text; where there is no room for all, each has at least half of it."""
    notices = run.notices
    first, left_out, last = ends(notices, 2 * room, room)
    said = [line for notice in (*first, *last) for line in notice_lines(notice)]
    shown = checkpoint_lines(_lines_of(run, checkpoints), max(room - len(said), room // 2))
    said_first, more, said_last = ends(said, room - len(shown) - 1, (room - len(shown)) // 3)
    if not more and not left_out:
        return [*shown, *said]
    return [*shown, *said_first, f"… {count_of(more + left_out, 'more line')}", *said_last]


def _open_lines(progress: Progress) -> list[Line]:
    """What is running, each with what finished and what is running inside of it."""
    tops: dict[str, Line] = {}
    for path, line in progress.running.items():
        top = path.partition("/")[0]
        if path == top:
            inner = [*progress.inside.get(top, ())]
            tops[top] = Line(line.kind, line.name, 1, first=line.first, last=line.last, running=True, inner=inner)
        elif top in tops:
            tops[top].inner.append(line)
    return list(tops.values())


def _head_html(name: str, status: str, color: str | None, spared: str) -> str:
    shown = el.colored(el.safe(status, 40), color) if color else el.safe(status, 40)
    return f"<div>{el.bold(el.safe(name, 128))} · {shown} · {el.muted(el.safe(spared, 120))}</div>"


def spared_of(run: Run, checkpoints: Sequence[Checkpoint]) -> str:
    """``kept 488 (31k tokens), ran 12 (1k tokens)``; of a plan ``kept 488 (31k tokens), would run 12 again``."""
    kept, spent = _tokens_of(checkpoints)
    if _is_plan(run):
        would = sum(checkpoint.usage.total_tokens for checkpoint in run.planned if checkpoint.usage)
        outer = sum("/" not in checkpoint.path for checkpoint in run.planned)
        again = f"would run {outer:,} again{_in_brackets(would)}" if run.planned else "the rest would run"
        return f"kept {run.replayed:,}{_in_brackets(kept)}, {again}"
    return f"kept {run.replayed:,}{_in_brackets(kept)}, ran {run.executed:,}{_in_brackets(spent)}"


def _in_brackets(number: int) -> str:
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


def stages_of(run: Run) -> list[tuple[str, str]]:
    """Each stage in order, with ``done``, ``skipped``, ``current`` or ``coming``."""
    visited = list(dict.fromkeys(move.to_stage for move in run.stages))
    return _stages(_known(run).stages_declared, visited, run.stage)


def _stages(declared: Sequence[str], visited: Sequence[str], current: str | None) -> list[tuple[str, str]]:
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


def _stage_text(name: str, state: str) -> str:
    shown = one_line(name, 30)
    return f"[{shown}]" if state == "current" else shown


def _stages_html(stages: Sequence[tuple[str, str]]) -> str:
    if not stages:
        return ""
    return el.block(f" {el.muted('›')} ".join(_stage_html(name, state) for name, state in stages))


def _stage_html(name: str, state: str) -> str:
    shown = el.safe(one_line(name, 40), 40)
    if state == "current":
        return f'<strong style="padding:0 0 1px 0;border-bottom:2px solid {el.GREY}">{shown}</strong>'
    return f"✓ {shown}" if state == "done" else el.muted(shown)


def _error_lines(error: ProcedureError) -> list[str]:
    """The message on up to eight lines, marked, and what to do about it."""
    place = f"line {error.line}: " if error.line else ""
    texts = without_addresses(error.message[:4000]).strip().split("\n")[:8]
    lines = [f"error: {place}{one_line(texts[0], 300)}", *(f"  {one_line(text, 200)}" for text in texts[1:])]
    return [*lines, *(f"  {one_line(hint, 200)}" for hint in (error.hint or "").split("\n")[:4] if hint.strip())]


def _error_html(error: ProcedureError) -> str:
    place = el.bold(f"line {error.line}", color=el.RED) + " " if error.line else ""
    message = f'<span style="white-space:pre-wrap">{el.safe(without_addresses(error.message[:4000]), 2000)}</span>'
    hint = f'<div style="white-space:pre-wrap">{el.muted(el.safe(error.hint, 1000))}</div>' if error.hint else ""
    return el.block(f"<div>{place}{message}</div>{hint}", color=el.RED)


def remarks_of(run: Run) -> list[str]:
    """What else a person should know: how to go on, a stop that was requested, how to keep the run."""
    remarks = []
    if run.status == "cancelled":
        remarks.append("stopped; run it again to go on")
    if run.stop.requested:
        reason = f": {one_line(run.stop.reason, 160)}" if run.stop.reason else ""
        remarks.append(f"stop requested{reason}{'' if run.stop.success else ' (without success)'}")
    if _known(run).unpriced:
        models = ", ".join(one_line(model, 60) for model in _known(run).unpriced[:5])
        remarks.append(f"no cost is given: prices has none for {models}")
    if _known(run).fixture_name:
        remarks.append(f"answered from the fixture {one_line(_known(run).fixture_name, 160)}, nothing was called")
    elif _known(run).store_url == "memory:" and (run.pending or run.usage.total_tokens):
        remarks.append(f"kept in memory only; --store {_file_name(run.name)} keeps it on disk")
    return remarks


def _file_name(name: str) -> str:
    """A file for the run's name where the name is fit for one."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 40
    return shlex.quote(f"{name}.db") if plain else "runs.db"


def _agents_html(run: Run, checkpoints: Sequence[Checkpoint]) -> str:
    turns, left_out = turns_of(checkpoints, _MAX_TURNS, _halted(run), _known(run).cut_off)
    if not turns:
        return ""
    agents = run.agents  # without those whose first turn is not over
    spent = el.safe(f"agents: {spent_text(agents.values(), run.usage)}", 1000) if agents else ""
    return el.block(el.muted(spent)) * bool(agents) + turns_html(turns, budget=_TURNS, left_out=left_out)


def _notices_html(run: Run) -> str:
    notices = run.notices
    kept = notices[-_MAX_NOTICES:]
    return notices_html(kept, visible=_VISIBLE, budget=_NOTICES, left_out=len(notices) - len(kept))


def _short_value(value: Any) -> str:
    return one_line(value, 200) if isinstance(value, str) else value_text(value, 200)


def _value_html(value: Any) -> str:
    if value is None:
        return ""
    text = pretty(value, _VALUE)
    if "\n" not in text and len(text) <= 100:
        return el.block(f"{el.muted('value')} {el.code(el.safe(text, 100))}")
    shown = el.preformatted(el.safe(text, _VALUE))
    short = text.count("\n") < 12 and len(text) <= 1000
    return el.details(el.muted("value"), shown, opened=short)


def _tree_html(graph: Graph) -> str:
    if not graph.nodes:
        return ""
    return el.details(el.muted(f"tree ({el.safe(summary_text(graph), 300)})"), tree_html(graph, _MAX_NODES))


def _growth_html(progress: Progress) -> str:
    """What is known of the growing tree, unfolded: somebody watches."""
    if progress.tree is None:
        return ""
    summary = el.safe(summary_text(progress.tree, size=progress.tree_size), 300)
    unread = progress.tree_size - len(progress.tree.nodes)
    rest = el.muted(f"… {count_of(unread, 'more node')}") if unread > 0 else ""
    return el.details(el.muted(f"tree ({summary})"), tree_html(progress.tree, _MAX_NODES) + rest, opened=True)


def _state_html(run: Run) -> str:
    size = len(_known(run).state_text)
    if size <= 2:
        return ""
    inner = el.data_table(run.state, 200) if size <= _MAX_STATE else el.block(el.muted("too large to show here"))
    return el.details(el.muted("state"), inner)
