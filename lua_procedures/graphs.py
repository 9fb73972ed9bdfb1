"""The node tree of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field

from .records import Record

__all__ = ["Graph", "GraphNode"]


class GraphNode(Record):
    """One node of the run's tree."""

    id: str
    label: str
    content: Any = None
    parent_id: str | None = None
    score: float | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """The node tree of a run.

    Attributes:
        nodes: all nodes in order of creation.
        current_id: the node that ``GraphNode.current()`` gives, or None.
    """

    nodes: tuple[GraphNode, ...] = ()
    current_id: str | None = None

    @cached_property
    def _by_id(self) -> dict[str, GraphNode]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def _children(self) -> dict[str, list[GraphNode]]:
        children: dict[str, list[GraphNode]] = {}
        for node in self.nodes:
            if node.parent_id is not None:
                children.setdefault(node.parent_id, []).append(node)
        return children

    @property
    def root(self) -> GraphNode | None:
        """The first node, or None in an empty tree."""
        return self.nodes[0] if self.nodes else None

    def node(self, id: str) -> GraphNode | None:
        """The node of that id, or None."""
        return self._by_id.get(id)

    def children(self, id: str) -> list[GraphNode]:
        """The children of that node, in order of creation."""
        return list(self._children.get(id, ()))

    def parent(self, id: str) -> GraphNode | None:
        """The parent of that node; None for the root and for an unknown id."""
        node = self._by_id.get(id)
        return self._by_id.get(node.parent_id) if node and node.parent_id else None
