"""Where a pass is: the open operations, outermost first, each with the frame of what happens inside it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..durable.entries import Entry

__all__ = ["Frame", "Opened"]


@dataclass(slots=True)
class Opened:
    """A composite operation that runs now.

    Attributes:
        asked: its parts text, as its entry will keep it.
        started: UNIX time in seconds.
    """

    kind: str
    name: str
    asked: str
    line: int
    key: bytes
    prev: bytes
    path: str
    started: float = field(default_factory=time.time)


@dataclass(slots=True)
class Frame:
    """One frame: the operations directly inside a composite, or the outermost ones.

    Attributes:
        prefix: what the paths inside start with: ``""`` or such as ``"3/"``.
        root: the chain at its start; also what its random numbers are seeded with.
        chain: the chain after its last operation.
        next: the position that the next operation takes.
        names: step name → its entry.
        opened: the operation whose frame this is; None for the outermost.
        notices_from: how many notices the run had when it began.
        clock: the drawn start time of a step, once the program asked for the time in it.
        asked_at: monotonic time at which ``clock`` was drawn.
    """

    prefix: str
    root: bytes
    chain: bytes
    opened: Opened | None = None
    next: int = 0
    names: dict[str, Entry] = field(default_factory=dict)
    notices_from: int = 0
    clock: float | None = None
    asked_at: float = 0.0
