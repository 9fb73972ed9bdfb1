"""Where a pass is: the open operations, outermost first, each with the frame of what happens inside it."""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import Final

from ..durable.entries import Entry
from ..durable.keys import frame_chain

__all__ = ["INSIDE", "Frame"]

#: What ``asked`` of an entered operation's entry begins with: it has no answer of its own, what is inside decides.
INSIDE: Final = "inside\x1f"


class Frame:
    """One frame: the operations directly inside a composite operation, or the outermost ones.

    Built for every step that runs, so it computes nothing that most steps never ask for.

    Attributes:
        next: the position that the next operation takes.
        last: the chain after its last operation; None where there was none.
        names: name of each step that is done → its number among all that was passed; None where there is none.
        kind, name, asked, line, key, prev, path, started: of the composite operation whose frame this is, as its
            entry will keep them; of the outermost frame, ``kind`` is ``""``.
        notices_from: how many notices the run had when it began.
        clock: the drawn start time of a step, once the program asked for the time in it, in UNIX seconds.
        asked_at: the monotonic time at which ``clock`` was drawn.
        entered: whether its operation is entered again on each pass, unlike a step.
        ran: whether something inside it was not recorded.
        spared: whether something inside it was answered from elsewhere in the run's journals.
        announced: whether those who listen know that its operation runs.
        content: of an entered operation, a hash of what was done inside it, whatever happened before it.
    """

    # what most frames never change stays with the class
    next = 0
    last: bytes | None = None
    clock: float | None = None
    asked_at = 0.0
    entered = False
    ran = False
    spared = False
    announced = True
    content = b""
    _root: bytes | None = None
    names: dict[str, int] | None = None

    def __init__(  # noqa: PLR0917 - made for every step, where keywords cost
        self,
        key: bytes,
        variant: int = 0,
        outer: Frame | None = None,
        path: str = "",
        kind: str = "",
        name: str = "",
        asked: str = "",
        line: int = 0,
        notices_from: int = 0,
    ) -> None:
        self._outer = outer
        self._variant = variant
        self.key = key
        self.path = path
        self.kind = kind
        self.name = name
        self.asked = asked
        self.line = line
        self.notices_from = notices_from
        self.prev = outer.chain if outer else b""
        self.started = time.time()

    @property
    def prefix(self) -> str:
        """What the paths inside start with: ``""`` or such as ``"3/"``."""
        return self.path + "/" if self.path else ""

    @property
    def root(self) -> bytes:
        """The chain at its start."""
        if self._root is None:
            self._root = frame_chain(self.key, self._variant)
        return self._root

    @property
    def place(self) -> bytes:
        """Where it is and how often it was done, whatever happened before it."""
        outer = self._outer.place if self._outer else b""
        return outer + f"{self.path}\0{self.kind}\0{self.name}\0{self._variant}\0".encode()

    @property
    def chain(self) -> bytes:
        """What the next operation comes after."""
        return self.last or self.root

    @property
    def tail(self) -> bytes | None:
        """The chain after its last operation; None where there was none."""
        return self.last if self.next else None

    def note(self, entry: Entry) -> None:
        """An operation inside an entered one was passed."""
        came_out = "" if entry.asked.startswith(INSIDE) else entry.outcome
        told = "\x1e".join((entry.kind, entry.name, entry.asked, "!" if entry.failed else "=", came_out))
        self.content = blake2b(self.content + told.encode(), digest_size=16).digest()

    def is_step(self) -> bool:
        """Whether time and chance are real here: a step runs once."""
        return self.kind in ("step", "checkpoint")
