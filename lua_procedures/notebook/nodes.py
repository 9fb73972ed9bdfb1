"""The nodes that ``%procedures graph NAME --find TEXT`` shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..graphs import Graph, GraphNode
from ..rendering.graph import nodes_html
from ..rendering.graph_text import nodes_text

__all__ = ["NodeList"]


@dataclass(frozen=True, repr=False)
class NodeList:
    """Nodes of a tree, shown with the paths to them.

    Attributes:
        graph: the tree.
        nodes: those that were found, in order of creation.
    """

    graph: Graph
    nodes: tuple[GraphNode, ...]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[GraphNode]:
        return iter(self.nodes)

    def __getitem__(self, at: int) -> GraphNode:
        return self.nodes[at]

    def __repr__(self) -> str:
        return nodes_text(self.graph, self.nodes)

    def _repr_html_(self) -> str:
        return nodes_html(self.graph, self.nodes)
