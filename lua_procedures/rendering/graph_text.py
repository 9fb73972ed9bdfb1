"""The node tree of a run as indented text, and the words that its HTML shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .outline import Branch, Outline, outline
from .text import count_of, ends, one_line

if TYPE_CHECKING:
    from ..graphs import Graph, GraphNode

__all__ = [
    "graph_line",
    "graph_text",
    "label_text",
    "nodes_text",
    "path_text",
    "rest_text",
    "row_text",
    "score_text",
    "summary_text",
    "way_text",
]

_MAX_LINES = 60
_LEVELS = 20
_WIDEST = 60  # columns before the scores
_PATH = 8


class _Line(NamedTuple):
    mark: str
    text: str
    score: str = ""


def graph_text(graph: Graph) -> str:
    """The tree as indented lines with scores, at most 60; the same each time the run goes the same way."""
    shown = outline(graph, _MAX_LINES - 1, levels=_LEVELS)
    head = f"tree: {summary_text(graph, current='* current', best='> best')}"
    if shown is None:
        return head
    lines = [*_lines(graph, shown, shown.root, "")]
    width = min(max((len(line.text) for line in lines if line.score), default=0), _WIDEST)
    return "\n".join([head, *(f"{mark:2} {text:{width}}  {score}".rstrip() for mark, text, score in lines)])


def graph_line(graph: Graph) -> str:
    """The tree on one line: ``tree: 7 nodes, current "idea", best "proof" (0.93)``."""
    return f"tree: {summary_text(graph)}"


def nodes_text(graph: Graph, nodes: Sequence[GraphNode]) -> str:
    """Some nodes of a tree, each on a line: the labels on the path to it, and its score; at most 60 lines."""
    shown, left_out, _ = ends(nodes, _MAX_LINES - 2, _MAX_LINES - 2)
    lines = [f"{way_text(graph, node)}  {score_text(node.score)}".rstrip() for node in shown]
    rest = [f"… {count_of(left_out, 'more node')}"] if left_out else []
    return "\n".join([f"{count_of(len(nodes), 'node')} of {len(graph.nodes):,}", *lines, *rest])


def summary_text(graph: Graph, *, current: str = "current", best: str = "best", size: int | None = None) -> str:
    """How many nodes there are, the current one, and the best one with its score.

    Args:
        graph: the tree, or the part of it that is known.
        current: what is written before the current node's label.
        best: what is written before the best node's label.
        size: how many nodes there are, where only a part is known.
    """
    parts = [count_of(len(graph.nodes) if size is None else size, "node")]
    at, top = graph.node(graph.current_id or ""), graph.columns.best
    if at is not None:
        parts.append(f'{current} "{label_text(at, 60)}"')
    if top is not None:
        parts.append(f'{best} "{label_text(graph.nodes[top], 60)}" ({score_text(graph.nodes[top].score)})')
    return ", ".join(parts)


def label_text(node: GraphNode, limit: int) -> str:
    """The node's label on one line."""
    return one_line(node.label, limit) or "(no label)"


def score_text(score: float | None) -> str:
    """The score with four digits; nothing where there is none."""
    if score is None:
        return ""
    return f"{score:,.0f}" if 1000 <= abs(score) < 1e15 else f"{score:.4g}"


def path_text(graph: Graph, places: Sequence[int]) -> str:
    """The labels on a path: ``claim › idea › … 12 more … › proof``."""
    first, left_out, last = ends(places, _PATH, _PATH // 2)
    labels = [label_text(graph.nodes[place], 40) for place in (*first, *last)]
    gap = [f"… {left_out:,} more …"] if left_out else []
    return " › ".join([*labels[: len(first)], *gap, *labels[len(first) :]])


def way_text(graph: Graph, node: GraphNode) -> str:
    """The labels of the node and of its nearest ancestors: ``… › claim › idea › proof``."""
    way: list[str] = []
    above: GraphNode | None = node
    while above is not None and len(way) < _PATH:
        way.append(label_text(above, 40))
        above = graph.parent(above.id)
    return " › ".join([*(["…"] if above else []), *way[::-1]])


def row_text(row: Sequence[int]) -> str:
    """What stands for nodes of which each is the only child of the one before."""
    return f"… {count_of(len(row), 'node')} in a row"


def rest_text(branch: Branch) -> str:
    """What stands for the nodes below a branch that are not shown."""
    best = f", best score {score_text(branch.best)}" if branch.best is not None else ""
    return f"… {branch.hidden:,} more below{best}"


def _lines(graph: Graph, shown: Outline, branch: Branch, indent: str) -> Iterator[_Line]:
    node = graph.nodes[branch.place]
    if branch.row:
        yield _Line(" >" if branch.row[0] in shown.best else "", indent + row_text(branch.row))
    mark = ("*" if node.id == graph.current_id else " ") + (">" if branch.place in shown.best else "")
    yield _Line(mark, indent + label_text(node, 60), score_text(node.score))
    for child in branch.children:
        yield from _lines(graph, shown, child, indent + "  ")
    if branch.hidden:
        yield _Line("", f"{indent}  {rest_text(branch)}")
