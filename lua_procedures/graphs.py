"""The node tree of a run."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Final, overload

from pydantic import Field

from .durable.serialization import loads
from .graph_exports import graphviz_of, networkx_of
from .records import Record

__all__ = ["Columns", "Graph", "GraphNode"]

Render = Callable[["Graph"], dict[str, str]]

_TOP: Final = -1  # the place of the root's parent


class GraphNode(Record):
    """One node of the run's tree."""

    id: str
    label: str
    content: Any = None
    parent_id: str | None = None
    score: float | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class Graph:
    """The node tree of a run.

    A tree that was read out of Lua stays the text that it came as until somebody looks, and a node's record is made
    when it is asked for: a large tree costs what is looked at.

    Args:
        nodes: all nodes in order of creation, each after its parent.
        current_id: the node that ``GraphNode.current()`` gives, or None.
        render: draws the tree, by MIME type.
    """

    def __init__(
        self, nodes: Iterable[GraphNode] = (), current_id: str | None = None, render: Render | None = None
    ) -> None:
        self._render = render or _plain
        self._text = ""
        self._objects: Sequence[Any] = ()
        self._given = tuple(nodes)
        self._current = current_id

    @classmethod
    def read(cls, text: str, objects: Sequence[Any] = (), render: Render | None = None) -> Graph:
        """The tree of a text that ``kit.graph_text`` of ``graph.lua`` made; an empty text is an empty tree.

        Args:
            text: JSON of columns, each with a value per node in order of creation: ``labels``, ``parents`` (which
                count from 1; 0 for the root's) and ``scores``. ``ids``, ``contents`` and ``metadata`` are such
                columns too, or objects of what there is, by number: node 7 has the id ``n7`` where it has no other.
            objects: what handles in it stand for.
            render: draws the tree, by MIME type.
        """
        graph = cls(render=render)
        graph._text, graph._objects = text, objects
        return graph

    @property
    def text(self) -> str:
        """What ``read`` made it of; empty for a tree that was made of nodes."""
        return self._text

    @cached_property
    def columns(self) -> Columns:
        """The tree as it is kept, for whoever looks at very many nodes: a record takes longer to make than to read."""
        return _read(self._text, self._objects) if self._text else _listed(self._given, self._current)

    @property
    def current_id(self) -> str | None:
        """The node that ``GraphNode.current()`` gives, or None."""
        return self.columns.current

    @property
    def nodes(self) -> Sequence[GraphNode]:
        """All nodes in order of creation."""
        return _Nodes(self.columns)

    @property
    def root(self) -> GraphNode | None:
        """The first node, or None in an empty tree."""
        return self.columns.record(0) if len(self) else None

    def node(self, id: str) -> GraphNode | None:
        """The node of that id, or None."""
        place = self.columns.places.get(id)
        return None if place is None else self.columns.record(place)

    def children(self, id: str) -> list[GraphNode]:
        """The children of that node, in order of creation."""
        columns = self.columns
        return [columns.record(place) for place in columns.children.get(columns.places.get(id, len(self)), ())]

    def parent(self, id: str) -> GraphNode | None:
        """The parent of that node; None for the root and for an unknown id."""
        columns = self.columns
        place = columns.parents[columns.places[id]] if id in columns.places else _TOP
        return None if place == _TOP else columns.record(place)

    def best_path(self) -> list[GraphNode]:
        """From the root to the node with the highest score (the first of such); empty where no node has a score."""
        columns = self.columns
        return [] if columns.best is None else [columns.record(each) for each in columns.path_to(columns.best)]

    def find(self, text: str) -> list[GraphNode]:
        """The nodes whose label, content or metadata have the text in them, whatever its case; in order of creation."""
        wanted = text.casefold()
        return [node for node in self.nodes if wanted in _searched(node).casefold()]

    def to_networkx(self) -> Any:
        """The tree as a ``networkx.DiGraph``, its edges from parent to child.

        Its nodes are the ids, in order of creation, with ``label``, ``metadata``, and where there is one ``content``
        and ``score``; the graph's own attributes ``root`` and ``current`` are ids.

        Raises:
            ImportError: networkx is not installed.
        """
        return networkx_of(self)

    def to_graphviz(self) -> Any:
        """The tree as a ``graphviz.Digraph``: the current node filled, the best path drawn thicker.

        Its ``source`` is the text in DOT; a notebook draws it where Graphviz itself is installed.

        Raises:
            ImportError: the graphviz package is not installed.
        """
        return graphviz_of(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self._render(self)

    def __len__(self) -> int:
        return len(self.columns.labels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return self.current_id == other.current_id and list(self.nodes) == list(other.nodes)

    __hash__ = None  # type: ignore[assignment] # compared by what is in it

    def __repr__(self) -> str:
        return f"<Graph of {len(self)} node{'' if len(self) == 1 else 's'}>"


def _plain(graph: Graph) -> dict[str, str]:
    return {"text/plain": repr(graph)}


def _searched(node: GraphNode) -> str:
    metadata = {key: value for key, value in node.metadata.items() if key != "score"}
    values = [value for value in (node.content, metadata) if value]
    texts = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str) for value in values
    ]
    return "\n".join([node.label, *texts])


@dataclass(eq=False)
class Columns:
    """A tree in columns; a node is its place in them, from 0 in order of creation.

    Attributes:
        current: the id of the current node, or None.
        ids, labels, parents, scores: of each node; the parent is a place before the node's own, or -1 for the root's.
        contents, metadata: by place, where there is some; the metadata without a score that is a number.
        made: the records that were asked for, by place.
    """

    current: str | None
    ids: Sequence[str]
    labels: Sequence[str]
    parents: Sequence[int]
    scores: Sequence[float | None]
    contents: Mapping[int, Any]
    metadata: Mapping[int, dict[str, Any]]
    made: dict[int, GraphNode]

    @cached_property
    def places(self) -> dict[str, int]:
        """Id → place."""
        return {id: place for place, id in enumerate(self.ids)}

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """Place → places of its children; without those that have none."""
        children: dict[int, list[int]] = defaultdict(list)
        for place, parent in enumerate(self.parents):
            children[parent].append(place)
        return children

    @cached_property
    def best(self) -> int | None:
        """The place of the first node with the highest score, or None where no node has one."""
        scores = [-inf if score is None else score for score in self.scores]
        best = max(scores, default=-inf)
        return None if best == -inf else scores.index(best)

    def path_to(self, place: int) -> list[int]:
        """The places from the root to this one."""
        path: list[int] = []
        while place != _TOP:
            path.append(place)
            place = self.parents[place]
        return path[::-1]

    def record(self, place: int) -> GraphNode:
        """The node at a place; the same object each time."""
        node = self.made.get(place)
        if node is None:
            parent, score = self.parents[place], self.scores[place]
            metadata = self.metadata.get(place, {})
            node = self.made[place] = GraphNode(
                id=self.ids[place],
                label=self.labels[place],
                content=self.contents.get(place),
                parent_id=None if parent == _TOP else self.ids[parent],
                score=score,
                metadata=metadata if score is None else {**metadata, "score": score},
            )
        return node


def _listed(nodes: Sequence[GraphNode], current: str | None) -> Columns:
    places = {node.id: place for place, node in enumerate(nodes)}
    return Columns(
        current,
        [node.id for node in nodes],
        [node.label for node in nodes],
        [places.get(node.parent_id or "", _TOP) for node in nodes],
        [node.score for node in nodes],
        {},
        {},
        dict(enumerate(nodes)),
    )


def _read(text: str, objects: Sequence[Any]) -> Columns:
    read = loads(text, objects)
    labels, ids = read["labels"], _by_place(read["ids"])
    if len(ids) < len(labels):
        ids = {place: ids.get(place) or f"n{place + 1}" for place in range(len(labels))}
    parents = [number - 1 for number in read["parents"]]
    contents, metadata = _by_place(read["contents"]), _by_place(read["metadata"])
    return Columns(read["current"] or None, [*ids.values()], labels, parents, read["scores"], contents, metadata, {})


def _by_place(column: list[Any] | dict[str, Any]) -> dict[int, Any]:
    if isinstance(column, list):
        return dict(enumerate(column))
    return {int(number) - 1: value for number, value in column.items()}


class _Nodes(Sequence[GraphNode]):
    """The records of a tree, each made when it is looked at."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @overload
    def __getitem__(self, place: int) -> GraphNode: ...
    @overload
    def __getitem__(self, place: slice) -> list[GraphNode]: ...
    def __getitem__(self, place: int | slice) -> GraphNode | list[GraphNode]:
        places = range(len(self))[place]
        return (
            [self._columns.record(each) for each in places]
            if isinstance(places, range)
            else self._columns.record(places)
        )

    def __len__(self) -> int:
        return len(self._columns.labels)

    def __iter__(self) -> Iterator[GraphNode]:
        return map(self._columns.record, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # compared by what is in it

    def __repr__(self) -> str:
        return repr(list(self))
