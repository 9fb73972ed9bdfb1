"""Which part of a tree is shown: the paths to the best and to the current node, then breadth first.

Nodes are their places in the order of creation here: of 100,000 nodes, records are made of those that are drawn.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..graphs import Columns, Graph

__all__ = ["Branch", "Outline", "outline"]

_LONGEST_ROW = 6  # nodes that are nested although none of them branches


@dataclass(slots=True)
class Branch:
    """A node that is shown, and what is shown of its descendants.

    Attributes:
        place: the node's place.
        row: places of folded ancestors right above the node: each is the only child of the one before.
        children: branches, in order of creation.
        hidden: how many descendants are not shown.
        best: the highest score of those, or None.
    """

    place: int
    row: Sequence[int] = ()
    children: list[Branch] = field(default_factory=list)
    hidden: int = 0
    best: float | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The part of a tree that is shown.

    Attributes:
        root: the root with what is shown below it.
        path: places of the path to the best node, from the root.
        best: the same, to look them up.
        current: places of the path to the current node.
    """

    root: Branch
    path: Sequence[int]
    best: Collection[int]
    current: Collection[int]


def outline(graph: Graph, limit: int, *, levels: int, in_row: int = 0) -> Outline | None:
    """The part of a tree that fits; None for an empty one.

    Half of the room at most goes to the paths to the best and to the current node, the rest is breadth first.

    Args:
        graph: the tree.
        limit: how many lines there are, where a node, a remark on what is hidden and a folded row take one each.
        levels: how deep branches are nested. A long row without branches is folded and takes one level.
        in_row: how many nodes of a folded row take a line each.
    """
    if not graph.nodes:
        return None
    columns = graph.columns
    current = columns.places.get(columns.current or "")
    best_path, current_path = ([] if place is None else columns.path_to(place) for place in (columns.best, current))
    shown = Outline(Branch(0), best_path, {*best_path}, {*current_path})
    choice = _Choice(columns, {path[-1] for path in (best_path, current_path) if path}, levels, in_row)
    choice.take(limit // 2, along={*shown.best, *shown.current})
    choice.take(limit)
    return replace(shown, root=choice.branch(0))


class _Choice:
    """Takes nodes as long as there is room; what is taken hangs together."""

    def __init__(self, columns: Columns, ends: Collection[int], levels: int, in_row: int) -> None:
        self._columns = columns
        self._children = columns.children
        self._ends = ends
        self._levels = levels
        self._in_row = in_row
        self._below: dict[int, Sequence[int]] = {}
        self._rows: dict[int, list[int]] = {}
        self._untaken: dict[int, int] = {}  # of each node that is taken, how many of those below it are not
        self._used = 0

    def take(self, limit: int, *, along: Collection[int] | None = None) -> None:
        """Take nodes breadth first until ``limit`` lines are used; only those of ``along`` where it is given."""
        queue: deque[tuple[int, int | None, int]] = deque([(0, None, 0)])
        while queue:
            place, parent, level = queue.popleft()
            if not self._takes(place, parent, limit):
                return
            if level < self._levels:
                below = self._below_of(place)
                wanted = below if along is None else [each for each in below if each in along]
                queue.extend((each, place, level + 1) for each in islice(wanted, limit))

    def _takes(self, place: int, parent: int | None, limit: int) -> bool:
        if place in self._untaken:
            return True
        below, row = self._below_of(place), self._rows.get(place, ())
        completes = parent is not None and self._untaken[parent] == 1  # then nothing there remains to be remarked on
        lines = 1 + bool(below) + bool(row) + min(len(row), self._in_row) - completes
        if self._used + lines > limit and parent is not None:
            return False
        self._used += lines
        self._untaken[place] = len(below)
        if parent is not None:
            self._untaken[parent] -= 1
        return True

    def _below_of(self, place: int) -> Sequence[int]:
        """The nodes that are nested below this one: its children, or the end of a long row."""
        below = self._below.get(place)
        if below is None:
            below = self._children.get(place, ())
            row = self._row(below)
            if len(row) > _LONGEST_ROW:
                below = [row.pop()]
                self._rows[below[0]] = row
            self._below[place] = below
        return below

    def _row(self, below: Sequence[int]) -> list[int]:
        """Nodes each of which is the only child of the one before; what is looked for ends it."""
        row: list[int] = []
        while len(below) == 1:
            row.append(below[0])
            if below[0] in self._ends:
                break
            below = self._children.get(below[0], ())
        return row

    def branch(self, place: int) -> Branch:
        """What was taken, from this node down."""
        children = [self.branch(each) for each in self._below_of(place) if each in self._untaken]
        hidden, best = self._hidden.get(place, (0, -inf)) if self._untaken[place] else (0, -inf)
        return Branch(place, self._rows.get(place, ()), children, hidden, None if best == -inf else best)

    @cached_property
    def _hidden(self) -> dict[int, tuple[int, float]]:
        """For each node that is taken: how many descendants are hidden in it, and the highest score of those.

        A parent stands before its children, so one pass tells for each node where it is hidden.
        """
        folded = {each for place in self._untaken for each in self._rows.get(place, ())}
        nearest: list[int] = []
        counts: dict[int, int] = defaultdict(int)
        scores: dict[int, float] = {}
        for place, (parent, score) in enumerate(zip(self._columns.parents, self._columns.scores, strict=True)):
            if place in self._untaken or place in folded:
                nearest.append(place)
                continue
            at = nearest[parent] if 0 <= parent < place else -1
            nearest.append(at)
            counts[at] += 1
            if score is not None and score > scores.get(at, -inf):
                scores[at] = score
        return {place: (count, scores.get(place, -inf)) for place, count in counts.items()}
