"""The branches of one journal: what its newest pass did, and the tails that were superseded."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from ..durable.entries import HIDDEN_KINDS, Entry
from ..durable.journal import Journal
from ..durable.keys import frame_chain, root_key
from ..durable.serialization import loads

__all__ = ["Branch", "Branches", "position_of"]


@dataclass(frozen=True)
class Branch:
    """What was done in a row in the outermost frame, and is superseded.

    Attributes:
        entries: its checkpoints, in order.
        instead: what was done in place of the first one, or None.
        taken_back: whether ``Checkpoint.clear_after`` or ``clear`` took it back.
    """

    entries: Sequence[Entry]
    instead: Entry | None = None
    taken_back: bool = False


class Branches:
    """The tree of a journal's outermost frame.

    Args:
        journal: the journal.

    Attributes:
        path: what the newest pass did, in order; what its own cuts took back is still in it.
        visible: the same without what was taken back: the checkpoints at the positions 0, 1, …
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._checkpoints = [entry for entry in journal.entries if entry.kind not in HIDDEN_KINDS]
        self._by_chain = {entry.chain: entry for entry in self._checkpoints}
        self._after: dict[bytes, list[Entry]] = defaultdict(list)
        for entry in self._checkpoints:
            self._after[entry.prev].append(entry)
        self._start = frame_chain(root_key(journal.row.root), 0)
        self.path = self._newest_path()
        self.visible = _visible(self.path)

    def _newest_path(self) -> list[Entry]:
        reached = self._reached()
        path = self._last_written() if reached is None else self._back_from(reached)
        begins = path[0].prev if path else reached or self._start
        if begins == self._start:
            return path
        return list(self._on_from(self._start, set()))  # an import left something out

    def _reached(self) -> bytes | None:
        """How far the newest pass came; None where it could not say, such as one that was killed."""
        row = self.journal.row
        if row.status == "completed" and row.tail is not None:
            return row.tail
        reached = None if row.status in ("running", "pending") else loads(row.options).get("reached")
        return None if reached is None else bytes.fromhex(reached)

    def _back_from(self, chain: bytes) -> list[Entry]:
        """What was done up to a chain, in its frame."""
        found: list[Entry] = []
        while (entry := self._by_chain.get(chain)) is not None:
            found.append(entry)
            chain = entry.prev
        return found[::-1]

    def _last_written(self) -> list[Entry]:
        """The path of a pass that could not say how far it came: that of what was written last, and what follows."""
        last = next((entry for entry in self._checkpoints[::-1] if "/" not in entry.path), None)
        if last is None:
            return []
        path = [*self._back_from(last.chain), *self._on_from(last.chain, set())]
        place, _, inner = self._checkpoints[-1].path.partition("/")
        # an operation is written after what is inside it, so that one did not come to its end
        return [*takewhile(lambda entry: position_of(entry) < int(place), path)] if inner else path

    def _on_from(self, chain: bytes, seen: set[int]) -> Iterator[Entry]:
        """What follows a chain along the newest branch, up to what was seen already."""
        while (entry := next(reversed(self._after.get(chain, ())), None)) is not None and id(entry) not in seen:
            seen.add(id(entry))
            yield entry
            chain = entry.chain

    def inside(self, entry: Entry) -> Sequence[Entry]:
        """The checkpoints of an entry's own frame, also those that a cut took back."""
        return () if entry.tail is None else self._back_from(entry.tail)

    def all_of(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """These checkpoints and all inside them, in path order, outer before inner."""
        for entry in entries:
            yield entry
            yield from self.journal.all_inside(entry)

    @property
    def checkpoints(self) -> list[Entry]:
        """All checkpoints of the newest pass, in path order; those of an operation that is not done yet included."""
        return [*self.all_of(self.visible), *self._unfinished()]

    def _unfinished(self) -> list[Entry]:
        """What was written last, inside of an operation at the next position that did not come to its end."""
        last = self._checkpoints[-1].path.split("/") if self._checkpoints else []
        found: list[Entry] = []
        for depth in range(1, len(last)):
            if last[0] != str(len(self.visible)):
                break
            prefix = "/".join(last[:depth]) + "/"
            end = int(last[depth]) + (depth == len(last) - 1)
            frame = [each for each in self._checkpoints if _is_before(each.path, prefix, end)]
            found += self.all_of(_visible(self._back_from(frame[-1].chain)) if frame else [])
        return found

    @cached_property
    def superseded(self) -> list[Branch]:
        """What earlier passes did otherwise, the newest first."""
        seen = {id(entry) for entry in self.path}
        instead = {entry.prev: entry for entry in self.path}
        chains = deque([self._start, *(entry.chain for entry in self.path)])
        branches = list(self._taken_back())
        while chains:
            chain = chains.popleft()
            for first in self._after.get(chain, ())[::-1]:
                if id(first) in seen:
                    continue
                seen.add(id(first))
                entries = [first, *self._on_from(first.chain, seen)]
                forgotten = not any(each is first for each in self.journal.find(first.key))
                branches.append(Branch(entries, instead.get(chain), forgotten))
                for entry in entries:
                    instead.setdefault(entry.prev, entry)
                    chains.append(entry.chain)
        return sorted(branches, key=lambda branch: -max(entry.finished for entry in branch.entries))

    def _taken_back(self) -> Iterator[Branch]:
        """What cuts took back in the newest pass itself, each cut's on its own."""
        kept = {id(entry) for entry in self.visible}
        taken: list[Entry] = []
        for entry in self.path:
            if id(entry) not in kept:
                taken.append(entry)
            elif taken:
                yield Branch(taken, taken_back=True)
                taken = []


def position_of(entry: Entry) -> int:
    """Its place in its own frame."""
    return int(entry.path.rpartition("/")[2])


def _is_before(path: str, prefix: str, end: int) -> bool:
    """Whether a path is in the frame with that prefix, at a position before ``end``."""
    return path.startswith(prefix) and "/" not in path[len(prefix) :] and int(path[len(prefix) :]) < end


def _visible(path: Sequence[Entry]) -> list[Entry]:
    """What of a frame was not taken back: a later operation at the same position, or before it, took its place."""
    kept: list[Entry] = []
    for entry in path:
        while kept and position_of(kept[-1]) >= position_of(entry):
            kept.pop()
        kept.append(entry)
    return kept
