"""The node tree as other libraries have trees; each library is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .graphs import Graph, GraphNode

__all__ = ["graphviz_of", "networkx_of"]

_LABEL = 80


def networkx_of(graph: Graph) -> Any:
    """A ``networkx.DiGraph``; see ``Graph.to_networkx``."""
    made = _library("networkx", "Graph.to_networkx").DiGraph(
        root=graph.root and graph.root.id, current=graph.current_id
    )
    for node in graph.nodes:
        made.add_node(node.id, **_attributes(node))
        if node.parent_id is not None:
            made.add_edge(node.parent_id, node.id)
    return made


def graphviz_of(graph: Graph) -> Any:
    """A ``graphviz.Digraph``; see ``Graph.to_graphviz``."""
    graphviz = _library("graphviz", "Graph.to_graphviz")
    made = graphviz.Digraph("tree", node_attr={"shape": "box"})
    best = {node.id for node in graph.best_path()}
    for node in graph.nodes:
        style = {"style": "filled"} if node.id == graph.current_id else {}
        made.node(graphviz.escape(node.id), graphviz.escape(_label(node)), **_bold(node.id in best), **style)
        if node.parent_id is not None:
            made.edge(graphviz.escape(node.parent_id), graphviz.escape(node.id), **_bold(node.id in best))
    return made


def _attributes(node: GraphNode) -> dict[str, Any]:
    """What a node has; other libraries expect an attribute that is not there rather than one that is None."""
    attributes = {"label": node.label, "content": node.content, "score": node.score, "metadata": node.metadata}
    return {name: value for name, value in attributes.items() if value is not None}


def _label(node: GraphNode) -> str:
    label = node.label if len(node.label) <= _LABEL else f"{node.label[: _LABEL - 1]}…"
    scored = label if node.score is None else f"{label} ({node.score:.4g})"
    return scored.replace("\0", "\ufffd")  # which ends a text for Graphviz


def _bold(wanted: bool) -> dict[str, str]:  # noqa: FBT001 - whether it is on the best path
    return {"penwidth": "2"} if wanted else {}


def _library(name: str, caller: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{caller} needs {name}: pip install 'lua-procedures[graph]'", name=name) from error
