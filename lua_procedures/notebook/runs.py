"""The list of runs that ``%procedures`` shows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ..durable.entries import JournalRow
from ..rendering import elements as el

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
        return "\n".join(f"{row.name:{width}}  {row.status}" for row in self.rows)

    def _repr_html_(self) -> str:
        if not self.rows:
            return el.page([el.muted("no runs")])
        cells = [
            el.row([el.safe(row.name, 128), el.safe(row.status, 20), el.muted(_ago(row.updated))]) for row in self.rows
        ]
        return el.page([el.table(cells)])


def _ago(then: float) -> str:
    seconds = max(0.0, time.time() - then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "just now"
