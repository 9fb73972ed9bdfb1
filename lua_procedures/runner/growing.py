"""The node tree of a pass, told while it grows."""

from __future__ import annotations

from ..events import GraphGrew, Sink
from ..graphs import Graph
from ..language.runtime import Guest
from ..rendering.graph import graph_bundle
from ..runs import RunData

__all__ = ["Growth"]


class Growth:
    """Reads the tree of a program's world, and tells who watches when it has more nodes."""

    def __init__(self, guest: Guest, data: RunData, emit: Sink) -> None:
        self._guest = guest
        self._data = data
        self._emit = emit
        self._told = 0

    def tell(self) -> None:
        """Tell that there are more nodes, if so; Lua rests meanwhile."""
        size = self._guest.kit.graph_size()
        if size != self._told:
            self._told = size
            self._emit(GraphGrew(size, self.tree))

    def tree(self, limit: int | None = None) -> Graph:
        """The tree, or so many of its nodes: the path to the current one, then breadth first from the root."""
        kit = self._guest.kit
        if kit is None:  # the run is over
            return self._data.graph
        text = self._guest.read(lambda: kit.graph_text(limit)) or ""
        return Graph.read(text, self._guest.converter.objects, graph_bundle)
