"""The list of runs that ``%procedures`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..durable.entries import JournalRow
from ..durable.roots import given_seed
from ..rendering import elements as el
from ..rendering.history import ago

__all__ = ["RunList"]


@dataclass(frozen=True)
class RunList:
    """Runs by name, the one updated last at the end.

    Attributes:
        rows: the newest journal of each name.
    """

    rows: tuple[JournalRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Any:
        return iter(row.name for row in self.rows)

    def __repr__(self) -> str:
        if not self.rows:
            return "no runs"
        width = max(len(row.name) for row in self.rows)
        return "\n".join(f"{row.name:{width}}  {row.status:9}  {_seed(row)}".rstrip() for row in self.rows)

    def _repr_html_(self) -> str:
        if not self.rows:
            return el.page([el.muted("no runs")])
        cells = [
            el.row([el.safe(row.name, 128), el.safe(row.status, 20), el.muted(_seed(row)), el.muted(ago(row.updated))])
            for row in self.rows
        ]
        return el.page([el.table(cells)])


def _seed(row: JournalRow) -> str:
    """The seed that the run was given, without which its cell starts another journal."""
    seed = given_seed(row)
    return "" if seed is None else f"seed {seed}"
