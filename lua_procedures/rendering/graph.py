"""The node tree of a run as nested lists of sections that fold; bounded, whatever the tree."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from . import elements as el
from .graph_text import (
    graph_text,
    label_text,
    path_text,
    rest_text,
    row_text,
    score_text,
    summary_text,
    way_text,
)
from .outline import Branch, outline
from .text import count_of, ends, is_empty, pretty, shorten

if TYPE_CHECKING:
    from ..graphs import Graph, GraphNode

__all__ = ["graph_bundle", "graph_html", "nodes_html", "tree_html"]

#: How many nodes are drawn at most.
MAX_NODES = 1000

_LEVELS = 30
_IN_ROW = 100
_UNFOLDED = 40  # a part of no more nodes needs no folding
_FOUND = 200
_LABEL = 120
_CONTENT = 2000
_BUDGET = 200_000  # characters of all contents together
_BAR = 48
_FILLED = "rgb(70,130,200)"
_REST = "rgba(128,128,128,0.25)"

# lists keep their indent where a front end drops every style
_LIST = "list-style:none;margin:0;padding:0 0 0 15px"
_TOP = "list-style:none;margin:0;padding:0"
_LEAF = "padding:0 0 0 15px"
_NEWLINE = "\n"
_HELD = "margin:0 0 2px 15px;padding:0;background:transparent;white-space:pre-wrap;font-size:12px;line-height:1.4"


def graph_bundle(graph: Graph) -> dict[str, str]:
    """The tree in both forms, by MIME type."""
    return {"text/plain": graph_text(graph), "text/html": graph_html(graph)}


def graph_html(graph: Graph) -> str:
    """The tree with at most 1,000 nodes, below a line that says what there is in all."""
    head = f"<div>{el.bold('tree')} · {el.safe(summary_text(graph), 300)}</div>"
    return el.page([head, tree_html(graph, MAX_NODES)])


def tree_html(graph: Graph, limit: int) -> str:
    """The path to the best node, and at most ``limit`` nodes as a nested list; nothing for an empty tree."""
    shown = outline(graph, limit, levels=_LEVELS, in_row=_IN_ROW)
    if shown is None:
        return ""
    drawn = [place for each in _walk(shown.root) for place in (*_ends(each.row), each.place)]
    pen = _Pen(graph, drawn, shown.best, shown.current)
    path = f"best path: {shorten(path_text(graph, shown.path), 500)}" if len(shown.path) > 1 else ""
    return f'{el.block(el.muted(path)) if path else ""}<ul style="{_TOP}">\n{pen.branch(shown.root)}</ul>'


def nodes_html(graph: Graph, nodes: Sequence[GraphNode]) -> str:
    """Some nodes of a tree, each with the path to it; at most 200."""
    columns = graph.columns
    places = [columns.places[node.id] for node in nodes[:_FOUND]]
    pen = _Pen(graph, places, set() if columns.best is None else {*columns.path_to(columns.best)})
    head = el.muted(f"{count_of(len(nodes), 'node')} of {len(graph.nodes):,}")
    rest = el.muted(f"… {count_of(len(nodes) - _FOUND, 'more node')}") if len(nodes) > _FOUND else ""
    return el.page([head, f'<ul style="{_TOP}">\n{"".join(map(pen.found, places))}</ul>', rest])


def _walk(branch: Branch) -> Iterator[Branch]:
    yield branch
    for child in branch.children:
        yield from _walk(child)


def _ends(row: Sequence[int]) -> list[int]:
    first, _, last = ends(row, _IN_ROW, _IN_ROW // 2)
    return [*first, *last]


class _Pen:
    """Draws nodes of one tree as items of lists.

    Args:
        graph: the tree.
        drawn: places of the nodes that will be drawn; the bars of their scores have one scale.
        best, current: places of the paths to the best and to the current node.
    """

    def __init__(
        self, graph: Graph, drawn: Sequence[int], best: Collection[int], current: Collection[int] = ()
    ) -> None:
        self._graph = graph
        self._nodes = graph.nodes
        self._best = best
        self._current = current
        self._unfolded = len(drawn) <= _UNFOLDED
        self._limit = min(_CONTENT, _BUDGET // max(len(drawn), 1))
        every = graph.columns.scores
        scores = [score for place in drawn if (score := every[place]) is not None and math.isfinite(score)]
        self._low = min([0.0, *scores])
        high = max(scores, default=1.0)
        self._high = 1.0 if 0 <= high <= 1 else max(high, self._low + 1e-9)

    def branch(self, branch: Branch) -> str:
        """A node with what is shown below it, and before it the row that is folded."""
        node = self._nodes[branch.place]
        row = self._row(branch.row) if branch.row else ""
        below = [self.branch(child) for child in branch.children]
        if branch.hidden:
            below.append(_remark(rest_text(branch)))
        if not below:
            return row + self._leaf(branch.place)
        held = self._held(node)
        inner = [f"<li>{el.details(el.muted(_held_name(node)), held)}</li>\n", *below] if held else below
        opened = self._unfolded or branch.place in self._best or branch.place in self._current
        listed = f'\n<ul style="{_LIST}">\n{"".join(inner)}</ul>'
        return f"{row}<li>{el.details(self._title(branch.place), listed, opened=opened)}</li>\n"

    def found(self, place: int) -> str:
        """A node outside of the tree, with the path to it."""
        above = self._graph.parent(self._nodes[place].id)
        return self._leaf(place, el.muted(f"{shorten(way_text(self._graph, above), 500)} › ") if above else "")

    def _leaf(self, place: int, before: str = "") -> str:
        held = self._held(self._nodes[place])
        title = before + self._title(place)
        return f"<li>{el.details(title, held)}</li>\n" if held else f'<li style="{_LEAF}">{title}</li>\n'

    def _row(self, row: Sequence[int]) -> str:
        first, left_out, last = ends(row, _IN_ROW, _IN_ROW // 2)
        gap = [_remark(f"… {count_of(left_out, 'more node')}")] if left_out else []
        items = "".join([*map(self._leaf, first), *gap, *map(self._leaf, last)])
        title = el.muted(row_text(row)) + (el.muted(" ★ best path") if row[0] in self._best else "")
        return "<li>" + el.details(title, f'\n<ul style="{_LIST}">\n{items}</ul>') + "</li>\n"

    def _title(self, place: int) -> str:
        """Label, score, and in words whether the node is the current one or on the best path."""
        node, best = self._nodes[place], place in self._best
        label = el.safe(label_text(node, _LABEL), _LABEL)
        parts: list[str] = [el.bold(label) if best else label]
        if node.score is not None:
            parts.append(f"{score_text(node.score)} {self._bar(node.score)}")
        if best:
            parts.append(el.muted("★ best path"))
        if node.id == self._graph.current_id:
            parts.append(el.bold("● current"))
        return " ".join(parts)

    def _bar(self, score: float) -> str:
        if not math.isfinite(score):
            return ""
        filled = round(_BAR * (score - self._low) / (self._high - self._low))
        style = f"height:7px;width:{_BAR - filled}px;background:{_REST};border-left:{filled}px solid {_FILLED}"
        return f'<span style="display:inline-block;{style}"></span>'

    def _held(self, node: GraphNode) -> str:
        """The node's content and metadata, as far as the row does not say it."""
        values = ((_content(node), self._limit), (_metadata(node), self._limit // 2))
        texts = [el.safe(pretty(value, limit), limit) for value, limit in values if not is_empty(value)]
        return f'<pre style="{_HELD}">{_NEWLINE.join(texts)}</pre>' if texts else ""


def _remark(text: str) -> str:
    return f'<li style="{_LEAF}">{el.muted(text)}</li>\n'


def _content(node: GraphNode) -> object:
    return None if node.content == node.label else node.content


def _metadata(node: GraphNode) -> dict[str, object]:
    return {key: value for key, value in node.metadata.items() if key != "score" or value != node.score}


def _held_name(node: GraphNode) -> str:
    named = {"content": _content(node), "metadata": _metadata(node)}
    return " and ".join(name for name, value in named.items() if not is_empty(value))
