"""The live panel of a run: where it is, what it waits for, and what happened last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from . import elements as el
from .checkpoints import checkpoints_html
from .graph import tree_html
from .graph_text import summary_text
from .heads import head_html
from .lines import Line, gap
from .notices import notices_html
from .remarks import stop_text
from .runs import in_brackets
from .stages import stages_html, stages_in_order
from .text import count_of, shorten
from .turns import turns_html

if TYPE_CHECKING:
    from .progress import Progress

__all__ = ["panel_html"]

_VISIBLE: Final = 15
_MAX_CHECKPOINTS: Final = 200
_NOTICES: Final = 20_000
_TURNS: Final = 20_000
_STREAMED: Final = 2_000
_MAX_NODES: Final = 300


def panel_html(progress: Progress, *, mark: str = "") -> str:
    """The live panel: where the run is, its last checkpoints, and its last notices.

    Args:
        progress: what the run's events told so far.
        mark: a class by which the browser finds it.
    """
    status = progress.status if progress.ended else "waiting for an answer" if progress.request else "running…"
    kept, spent = in_brackets(progress.tokens_kept), in_brackets(progress.tokens_spent)
    spared = f"kept {progress.replayed:,}{kept}, ran {progress.executed:,}{spent}"
    lines = [*progress.lines, *_open_lines(progress)]
    earlier = gap(lines[:-_VISIBLE]).count + progress.lines_left_out
    return el.page(
        [
            head_html(progress.name, progress.status, spared, shown_as=status),
            _stop_html(progress),
            el.block(el.muted(el.safe(progress.change, 500))) if progress.change else "",
            stages_html(stages_in_order(progress.stages_declared, list(progress.stages_visited), progress.stage)),
            el.muted(f"… {count_of(earlier, 'earlier checkpoint')}") if earlier else "",
            checkpoints_html(lines[-_VISIBLE:], visible=_VISIBLE, limit=_MAX_CHECKPOINTS, volatile=True),
            turns_html(
                progress.turns,
                budget=_TURNS,
                left_out=progress.turns_left_out,
                text=_STREAMED,
                asking=progress.request is not None,
            ),
            notices_html([*progress.notices], visible=_VISIBLE, budget=_NOTICES, left_out=progress.notices_left_out),
            _growth_html(progress),
        ],
        mark=mark,
    )


def _open_lines(progress: Progress) -> list[Line]:
    """What is running, each with what finished and what is running inside of it."""
    tops: dict[str, Line] = {}
    for path, line in progress.running.items():
        top = path.partition("/")[0]
        if path == top:
            inner = [*progress.inside.get(top, ())]
            tops[top] = replace(line, inner=inner)
        elif top in tops:
            tops[top].inner.append(line)
    return list(tops.values())


def _stop_html(progress: Progress) -> str:
    stop = progress.stop
    if stop is None:
        return ""
    text = stop_text(stop.reason, success=stop.success) + ("" if stop.seen else "; the program has not looked yet")
    return el.block(el.colored(el.safe(text, 300), el.AMBER))


def _growth_html(progress: Progress) -> str:
    """What is known of the growing tree, unfolded: somebody watches."""
    if progress.tree is None:
        return ""
    summary = shorten(summary_text(progress.tree, size=progress.tree_size), 300)
    unread = progress.tree_size - len(progress.tree.nodes)
    rest = el.muted(f"… {count_of(unread, 'more node')}") if unread > 0 else ""
    return el.details(
        el.muted(f"tree ({summary})"), tree_html(progress.tree, _MAX_NODES) + rest, opened=True, key="tree"
    )
