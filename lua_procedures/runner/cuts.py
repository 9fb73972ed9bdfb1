"""What ``Checkpoint`` looks for in the journal, and what it forgets."""

from __future__ import annotations

from itertools import takewhile

from ..durable.entries import Entry
from ..durable.keys import key_of
from .frames import Frame
from .hidden import hidden_entry
from .ledger import Ledger

__all__ = ["cut", "known"]


def known(ledger: Ledger, which: str | int) -> Entry | None:
    """A checkpoint of this frame by name or position: of this pass, or else what the journal held before."""
    prefix = ledger.frame.prefix
    for entry in reversed(ledger.passed):
        head, _, place = entry.path.rpartition("/")
        if (head + "/" if head else "") == prefix and (entry.name == which or int(place) == which):
            return entry
    return ledger.journal.newest(prefix, which)


def cut(ledger: Ledger, which: str | int) -> None:
    """Forget a checkpoint of this frame and all later ones; the next operation takes its place."""
    frame, journal = ledger.frame, ledger.journal
    key = key_of(frame.chain, "cut", frame.prefix, repr(which))
    made = journal.newest_cut(key)
    is_written = made is not None
    if made is None:
        entry = known(ledger, which)
        if entry is None:
            return
        place = entry.path.rpartition("/")[2]
        made = hidden_entry(key, frame.chain, "cut", frame.prefix, asked=repr(which), outcome=place)
        is_written = ledger.write(made)
    ledger.cuts.append(made)
    journal.forget(made, is_written=is_written)
    _rewind(ledger, frame, int(made.outcome))


def _rewind(ledger: Ledger, frame: Frame, position: int) -> None:
    """Take what was passed in the frame from ``position`` on back."""
    if position >= frame.next:
        return
    # what came after it in its frame, and inside that, was passed last
    stay = len(ledger.kept) - sum(
        1 for _ in takewhile(lambda entry: _position(entry.path, frame.prefix) >= position, reversed(ledger.passed))
    )
    ledger.passed.cut(stay)
    del ledger.kept[stay:]
    frame.next = position
    frame.names = {name: number for name, number in (frame.names or {}).items() if number < stay}


def _position(path: str, prefix: str) -> int:
    """The position of a path in the frame with that prefix, or of what it is inside of; -1 outside."""
    if not path.startswith(prefix):
        return -1
    return int(path[len(prefix) :].partition("/")[0])
