"""The rows of a journal, as every store keeps them.

A journal is an append-only tree. An entry hangs below what came before it in its frame (``prev``) and
is found by ``key``; what comes after it hangs below ``chain``. An edit, a redo or an undone edit is
nothing but another branch, so a store never rewrites an entry and needs no look-up but by journal.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

__all__ = ["HIDDEN_KINDS", "KEPT_FIELDS", "Entry", "JournalRow", "StoredRequest"]

#: Entries that are no checkpoint: they take no position and are not shown.
HIDDEN_KINDS = frozenset({"cut", "query", "clock", "stop", "end", "redo", "message", "world"})


class Entry(NamedTuple):
    """One recorded operation.

    Attributes:
        key: 16 bytes; hash of ``prev``, kind, name and ``asked``. Several entries may share a key: they
            are told apart by ``reads``, and among equals the newest counts.
        prev: 16 bytes; the chain before this operation.
        chain: 16 bytes; the chain after it, a hash of ``key`` and the outcome.
        path: positions from the outermost frame in, such as ``"3/0"``; ``""`` for a hidden kind.
        kind: see the contract, section 5, or one of ``HIDDEN_KINDS``.
        name: the step's, tool's or agent's name, or a request's message.
        asked: what it was asked and depends on, as named parts (see ``durable.keys``), for explaining a change.
        outcome: JSON text of the result, or of the error value where ``failed``.
        failed: whether it raised (and the program caught it).
        effects: JSON text of what it did to State, Stage and the rest, or None.
        reads: JSON object of State keys it read, each with the digest of what it found, or None.
        line: the line of the call, 0 where unknown.
        started, finished: UNIX times in seconds.
        usage: JSON text of tokens, or None.
        tail: 16 bytes; the last chain of its own frame where it has one, else None.
        objects: live Python objects that ``outcome`` refers to, or None. Only a store in memory takes them.
    """

    key: bytes
    prev: bytes
    chain: bytes
    path: str
    kind: str
    name: str
    asked: str
    outcome: str
    failed: bool = False
    effects: str | None = None
    reads: str | None = None
    line: int = 0
    started: float = 0.0
    finished: float = 0.0
    usage: str | None = None
    tail: bytes | None = None
    objects: tuple[Any, ...] | None = None


@dataclass(slots=True)
class JournalRow:
    """The head of one journal: one run name with one set of inputs, started once.

    Attributes:
        id: given by the store on ``create``; 0 before.
        name: the run's name.
        root: hex digest of the inputs; each set of inputs has its own journal.
        generation: 0, and one more for each ``--fresh`` and each cut that outlived its run.
        seed: of ``math.random``.
        started, updated: UNIX times in seconds.
        status: the run's status when it was last saved.
        program: the program's text, so that ``resume`` needs only the Python things.
        inputs: JSON text of the inputs.
        options: JSON text of the options that ``resume`` needs.
        tail: 16 bytes, the last chain of the last pass that completed, or None.
        outcome: JSON text of what the program returned, or None.
        error: text of the error that ended the last pass, or None.
        objects: live Python objects that ``inputs`` refers to, or None. Only a store in memory keeps them.
    """

    name: str
    root: str
    seed: int
    started: float
    updated: float
    status: str = "pending"
    generation: int = 0
    program: str = ""
    inputs: str = "{}"
    options: str = "{}"
    tail: bytes | None = None
    outcome: str | None = None
    error: str | None = None
    id: int = 0
    objects: tuple[Any, ...] | None = None


#: The fields of a ``JournalRow`` that a store on disk keeps: all but the live objects.
KEPT_FIELDS: Final = tuple(field.name for field in fields(JournalRow) if field.name != "objects")


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A question to a person as the store keeps it: JSON texts of the request and, once there, of the answer."""

    id: str
    request: str
    answer: str | None = None
