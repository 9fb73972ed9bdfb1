"""All that a store holds of one journal, which is what a file of it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..durable.entries import Entry, JournalRow, StoredRequest
from ..durable.journal import Journal
from ..durable.kinds import word_of
from ..durable.serialization import dumps, loads
from ..rendering.text import one_line

__all__ = ["FORMAT", "OPTIONS", "VERSION", "Held", "held_by", "place_of"]

#: What every file that another program may read says first.
FORMAT: Final = "lua-procedures/run"
VERSION: Final = 1

#: The options of a run that go with it; a folder of files is one of this machine, and a file must not choose it.
OPTIONS: Final = ("chunk", "first_line", "models", "modules", "pending", "title", "tools")


@dataclass(frozen=True)
class Held:
    """One journal, whole.

    Attributes:
        row: its head.
        entries: in the order they were written.
        requests: its questions with their answers, oldest first.
    """

    row: JournalRow
    entries: Sequence[Entry]
    requests: Sequence[StoredRequest]


def held_by(journal: Journal) -> Held:
    """The journal as its run has it, with the answers that came since.

    Raises:
        StoreError: the questions cannot be read.
    """
    options = loads(journal.row.options)
    portable = {name: options[name] for name in OPTIONS if name in options}
    row = replace(journal.row, options=dumps(portable))
    entries = tuple(entry for entry in journal.entries if entry.kind != "world")  # which is of this machine only
    return Held(row, entries, journal.store.requests(row.id))


def place_of(entry: Entry) -> str:
    """Where a checkpoint stands, for a message: ``3/0 step "load", line 4``."""
    line = f", line {entry.line}" if entry.line else ""
    return f'{entry.path} {one_line(word_of(entry.kind), 30)} "{one_line(entry.name, 60)}"{line}'
