"""Keeps checkpoints of run states in a store, in the order in which they were saved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from ..durable.entries import Entry, JournalRow
from ..durable.keys import chain_after, key_of, root_key
from ..durable.stores import Store, open_store
from ..errors import ConversionError, StoreError, UsageError
from .changes import applied, changes
from .codec import decoded, encoded
from .states import CheckpointData, RunState

__all__ = ["CheckpointManager"]

#: Runs of programs have printable names, so a journal of records is never taken for one.
_PREFIX: Final = "\x1frecords\x1f"
_SAVED: Final = "record"
_DELETED: Final = "deletion"


class _Damaged(Exception):
    """A checkpoint cannot be read; says why."""


@dataclass
class _Head:
    """The end of a run's records.

    Attributes:
        journal: its id, 0 before there is one.
        chain: after the last entry.
        entries: how many there are.
        ids: of all checkpoints, deleted ones too.
        newest: what the next checkpoint is written on: the last one that is whole, or None.
    """

    journal: int
    chain: bytes
    entries: int = 0
    ids: set[str] = field(default_factory=set)
    newest: CheckpointData | None = None


class CheckpointManager:
    """Saves states of runs, and gives them back.

    Each save writes what changed since the one before, in one piece: a killed process leaves it whole or absent,
    and nothing that was written is ever written over.

    Args:
        store: a URL (see ``open_store``) or a ``Store``, which may hold runs of programs too.

    Raises:
        StoreError: the store cannot be opened.
    """

    def __init__(self, store: str | Store = "memory:") -> None:
        self._store = open_store(store)
        self._heads: dict[str, _Head] = {}

    def save(self, state: RunState | CheckpointData) -> str:
        """Keep a state, or a checkpoint that was made of one before.

        Returns:
            The checkpoint's id.

        Raises:
            ConversionError: something in it cannot be kept, by its path; nothing was written.
            StoreError: the run has a checkpoint of that id, or the store cannot be written.
        """
        checkpoint = state.to_checkpoint() if isinstance(state, RunState) else state
        run_id, own_id = _checked("run", checkpoint.run_id), _checked("checkpoint", checkpoint.checkpoint_id)
        head = self._head(run_id)
        if own_id in head.ids:
            raise StoreError(f"the run {run_id!r} has a checkpoint {own_id!r} already", hint="Give it another id.")
        on = None if head.newest is None else head.newest.checkpoint_id
        text = encoded([on, changes(head.newest, checkpoint)])
        self._append(run_id, head, _SAVED, own_id, text)
        head.newest = checkpoint
        head.ids.add(own_id)
        return own_id

    def load(self, run_id: str, checkpoint_id: str | None = None) -> CheckpointData:
        """A checkpoint by its id, or the one that was saved last.

        Raises:
            StoreError: there is none, or it is damaged; then the error names the last one before it that is whole.
        """
        entries = self._entries(_checked("run", run_id))
        listed = _listed(entries)
        if checkpoint_id is None and not listed:
            raise StoreError(f"the run {run_id!r} has no checkpoint in {self._store.url}")
        wanted = listed[-1] if checkpoint_id is None else checkpoint_id
        if wanted not in listed:
            shown = ", ".join(listed[-10:]) or "none"
            raise StoreError(f"the run {run_id!r} has no checkpoint {wanted!r}", hint=f"Its checkpoints: {shown}.")
        try:
            return _read(entries, wanted)
        except _Damaged as damage:
            raise self._damaged(run_id, entries, wanted, damage) from damage

    def list_checkpoints(self, run_id: str) -> list[str]:
        """The ids of a run's checkpoints in the order in which they were saved, oldest first."""
        return _listed(self._entries(_checked("run", run_id)))

    def delete(self, run_id: str, checkpoint_id: str | None = None) -> bool:
        """Forget a checkpoint, or without an id the run's all.

        A single one is not listed or loaded any more; what later ones share with it stays in the store until the
        last of them is deleted.

        Returns:
            Whether there was anything to delete.
        """
        entries = self._entries(_checked("run", run_id))
        listed = _listed(entries)
        gone = listed if checkpoint_id is None else [checkpoint_id] if checkpoint_id in listed else []
        if not gone:
            return False
        if gone == listed:
            for row in self._store.journals(_PREFIX + run_id):
                self._store.forget(row.id)
        else:
            self._append(run_id, self._head(run_id), _DELETED, gone[0], "null")
        self._heads.pop(run_id, None)
        return True

    def restore_state(self, checkpoint: CheckpointData) -> RunState:
        """The run's state as it was at a checkpoint, nothing of a later state in it."""
        return RunState(**{name: getattr(checkpoint, name) for name in RunState.model_fields})

    # -- the journal of a run's records ------------------------------------------------------------------

    def _entries(self, run_id: str) -> Sequence[Entry]:
        row = self._row(run_id)
        return () if row is None else list(self._store.entries(row.id))

    def _row(self, run_id: str) -> JournalRow | None:
        return self._store.find(_PREFIX + run_id, _PREFIX)

    def _head(self, run_id: str) -> _Head:
        """Where the next entry goes; read again where the journal is another one than before."""
        row = self._row(run_id)
        head = self._heads.get(run_id)
        if row is None:
            head = _Head(0, root_key(_PREFIX))
        elif head is None or head.journal != row.id:
            entries = list(self._store.entries(row.id))
            whole = _last_whole(entries, len(entries))
            head = _Head(
                row.id,
                entries[-1].chain if entries else root_key(_PREFIX),
                len(entries),
                {entry.name for entry in entries},
                None if whole is None else _read(entries, whole),
            )
        self._heads[run_id] = head
        return head

    def _append(self, run_id: str, head: _Head, kind: str, name: str, text: str) -> None:
        now = time.time()
        if not head.journal:
            row = JournalRow(_PREFIX + run_id, _PREFIX, seed=0, started=now, updated=now, status="completed")
            head.journal = self._store.create(row).id
        key = key_of(head.chain, kind, name, "")
        chain = chain_after(key, text, failed=False)
        entry = Entry(key, head.chain, chain, str(head.entries), kind, name, "", text, started=now, finished=now)
        self._store.append(head.journal, entry)
        head.chain, head.entries = chain, head.entries + 1

    def _damaged(self, run_id: str, entries: Sequence[Entry], wanted: str, damage: _Damaged) -> StoreError:
        place = next(place for place, entry in enumerate(entries) if entry.name == wanted)
        before = _last_whole(entries, place)
        hint = "None before it is whole." if before is None else f"The one before it is whole: load it by {before!r}."
        return StoreError(f"the checkpoint {wanted!r} of the run {run_id!r} is damaged: {damage}", hint=hint)


def _checked(what: str, key: str) -> str:
    """An id, which is a key and never a path."""
    if not isinstance(key, str) or not 1 <= len(key) <= 128 or not key.isprintable():
        raise UsageError(f"the id of a {what} is printable text of 1 to 128 characters, not {key!r}")
    return key


def _listed(entries: Sequence[Entry]) -> list[str]:
    """The ids of checkpoints that are not deleted, oldest first."""
    deleted = {entry.name for entry in entries if entry.kind == _DELETED}
    return [entry.name for entry in entries if entry.kind == _SAVED and entry.name not in deleted]


def _last_whole(entries: Sequence[Entry], before: int) -> str | None:
    """The last checkpoint among the first ``before`` entries that can be read and is not deleted."""
    listed = set(_listed(entries))
    for entry in entries[:before][::-1]:
        if entry.kind == _SAVED and entry.name in listed:
            try:
                _read(entries, entry.name)
            except _Damaged:
                continue
            return entry.name
    return None


def _read(entries: Sequence[Entry], checkpoint_id: str) -> CheckpointData:
    """A checkpoint, from what it and those that it was written on changed."""
    saved = {entry.name: entry for entry in entries if entry.kind == _SAVED}
    steps: list[dict[str, Any]] = []
    wanted: str | None = checkpoint_id
    while wanted is not None:
        entry = saved.pop(wanted, None)  # each once, or a damaged text could send us round in a circle
        if entry is None:
            raise _Damaged(f"{wanted!r}, which it was written on, is not there")
        wanted, changed = _opened(entry)
        steps.append(changed)
    fields: dict[str, Any] = {}
    try:
        for changed in reversed(steps):
            fields = applied(fields, changed)
        return CheckpointData.model_validate(fields)
    except (ValidationError, TypeError, ValueError) as error:
        raise _Damaged(f"it holds no checkpoint ({type(error).__name__})") from error


def _opened(entry: Entry) -> tuple[str | None, dict[str, Any]]:
    if not _is_whole(entry):
        raise _Damaged(f"the text of {entry.name!r} is not what was written")
    try:
        opened: tuple[str | None, dict[str, Any]] = decoded(entry.outcome)
        on, changed = opened
    except (ConversionError, TypeError, ValueError) as error:
        raise _Damaged(str(error)) from error
    return on, changed


def _is_whole(entry: Entry) -> bool:
    """Whether an entry is as it was written."""
    key = key_of(entry.prev, entry.kind, entry.name, "")
    return entry.key == key and entry.chain == chain_after(key, entry.outcome, failed=False)
