"""Tactus's checkpoints and State in our stores."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...durable.entries import Entry
from ...durable.serialization import dumps, loads
from ...durable.stores import Store
from ...histories.foreign import log_of
from ...runner.hidden import hidden_entry
from .checkpoints import NAMED, checkpoint_of, entry_of, hung_below, is_pending, named_entry, plain, value_of
from .journals import START, Journals
from .library import models, reported

__all__ = ["StorageBackend"]


@dataclass
class _Log:
    """The checkpoints of one journal.

    Attributes:
        journal: its id, 0 before there is one.
        entries: those at the positions 0, 1, …, also those that were saved by name.
        known: what Tactus has as its log, as far as it is what is kept.
        reached: the chain after what was done last.
        status: how the procedure stood when Tactus loaded it, and which question it waited for.
    """

    journal: int = 0
    reached: bytes = START
    entries: list[Entry] = field(default_factory=list)
    known: list[Any] = field(default_factory=list)
    status: tuple[str, str | None] = ("RUNNING", None)

    def places(self) -> list[int]:
        """Where the checkpoints of Tactus's log stand among all."""
        return [place for place, entry in enumerate(self.entries) if entry.asked != NAMED]

    def before(self, position: int) -> bytes:
        """The chain that a checkpoint at that position hangs below."""
        return self.entries[position - 1].chain if position else START


class StorageBackend:
    """A ``StorageBackend`` of Tactus that keeps each procedure as a run of its id in one of our stores.

    A checkpoint is added when Tactus saves it, and nothing that was written is written over. What cannot be kept (a
    function, an open file) and a store that fails are a ``StorageError`` of Tactus's; nothing is ever taken for empty.

    Args:
        store: a URL (see ``open_store``) or a ``Store``, which may hold other runs too.
    """

    def __init__(self, store: str | Store = "memory:") -> None:
        with reported("StorageError"):
            self._journals = Journals.of(store)
        self._logs: dict[str, _Log] = {}
        self._states: dict[str, dict[str, Any]] = {}

    # -- the procedure as a whole ------------------------------------------------------------------------

    def load_procedure_metadata(self, procedure_id: str) -> Any:
        """The procedure's log, State and status as a ``ProcedureMetadata``; an empty one where nothing is kept.

        All that this storage loads of one procedure shares one State, so that what ``state_set`` writes is not undone
        by saving what was loaded before it.
        """
        with reported("StorageError"):
            log, options = self._read(procedure_id), self._journals.options(procedure_id)
            log.known = [checkpoint_of(log.entries[place], number) for number, place in enumerate(log.places())]
            log.status = options.get("status", "RUNNING"), options.get("pending")
            metadata = models().ProcedureMetadata(
                procedure_id=procedure_id,
                execution_log=list(log.known),
                replay_index=options.get("replay_index", 0),
                lua_state=options.get("lua_state", {}),
                status=log.status[0],
                waiting_on_message_id=log.status[1],
            )
            metadata.state = self._share(procedure_id, options.get("state", {}))
            return metadata

    def save_procedure_metadata(self, procedure_id: Any, metadata: Any = None) -> None:
        """Keep a ``ProcedureMetadata``; without an id before it, the one in it counts."""
        if metadata is None:
            procedure_id, metadata = procedure_id.procedure_id, procedure_id
        with reported("StorageError"):
            state, lua_state = plain(metadata.state), plain(metadata.lua_state)
            log = self._log(procedure_id)
            self._write(log, metadata.execution_log)
            self._save_reached(procedure_id, log, state=state, lua_state=lua_state, replay_index=metadata.replay_index)
            status = metadata.status, metadata.waiting_on_message_id
            if status != log.status:  # else it stands as whoever asked or ended it has said since
                log.status = status
                self._journals.set_status(procedure_id, *status)
            self._share(procedure_id, state)

    def update_procedure_status(self, procedure_id: str, status: str, waiting_on_message_id: str | None = None) -> None:
        """Say how the procedure stands, which is what lists of runs show."""
        with reported("StorageError"):
            self._journals.set_status(procedure_id, status, waiting_on_message_id)

    # -- State -------------------------------------------------------------------------------------------

    def get_state(self, procedure_id: str) -> dict[str, Any]:
        """The procedure's State, a copy."""
        with reported("StorageError"):
            state: dict[str, Any] = self._journals.options(procedure_id).get("state", {})
            return state

    def set_state(self, procedure_id: str, state: dict[str, Any]) -> None:
        """Keep a State in place of the one before."""
        with reported("StorageError"):
            kept = plain(dict(state))
            self._journals.change(procedure_id, state=kept)
            self._share(procedure_id, kept)

    def state_get(self, procedure_id: str, key: str, default: Any = None) -> Any:
        """One value of State; the default where there is none."""
        return self.get_state(procedure_id).get(key, default)

    def state_set(self, procedure_id: str, key: str, value: Any) -> None:
        """Keep one value of State."""
        self.set_state(procedure_id, {**self.get_state(procedure_id), key: value})

    def state_delete(self, procedure_id: str, key: str) -> None:
        """Forget one value of State, where there is one."""
        state = self.get_state(procedure_id)
        if key in state:
            del state[key]
            self.set_state(procedure_id, state)

    def state_clear(self, procedure_id: str) -> None:
        """Forget all of State."""
        self.set_state(procedure_id, {})

    # -- checkpoints by name -----------------------------------------------------------------------------

    def checkpoint_save(self, procedure_id: str, name: str, result: Any) -> None:
        """Keep a result under a name; one that is known gets the new value, at once and in its old place."""
        with reported("StorageError"):
            self._journals.row(procedure_id)
            log = self._read(procedure_id)
            position = _position_of(log, name)
            position = len(log.entries) if position is None else position
            self._put(log, position, named_entry(name, result, position, log.before(position)))
            for later in range(position + 1, len(log.entries)):
                self._put(log, later, hung_below(log.entries[later], log.before(later)))
            self._save_reached(procedure_id, log)

    def checkpoint_get(self, procedure_id: str, name: str) -> Any | None:
        """The result under a name, or None."""
        with reported("StorageError"):
            log = self._read(procedure_id)
            position = _position_of(log, name)
            return None if position is None else value_of(log.entries[position])

    def checkpoint_exists(self, procedure_id: str, name: str) -> bool:
        """Whether there is a result under a name, which may be None itself."""
        with reported("StorageError"):
            return _position_of(self._read(procedure_id), name) is not None

    def checkpoint_clear_after(self, procedure_id: str, name: str | int) -> None:
        """Forget a checkpoint and all later ones, by their order; an unknown one changes nothing.

        Args:
            procedure_id: the procedure.
            name: a name, or a position in Tactus's log.
        """
        with reported("StorageError"):
            log = self._read(procedure_id)
            position = _position_of(log, name)
            if position is not None:
                self._cut(log, position)
                self._save_reached(procedure_id, log)

    def checkpoint_clear_all(self, procedure_id: str) -> None:
        """Forget all checkpoints; State stays."""
        with reported("StorageError"):
            log = self._read(procedure_id)
            if log.entries:
                self._cut(log, 0)
                self._save_reached(procedure_id, log)

    # -- the journal -------------------------------------------------------------------------------------

    def _read(self, procedure_id: str) -> _Log:
        """The log as the store has it now."""
        row, before = self._journals.find(procedure_id), self._logs.get(procedure_id, _Log())
        log = _Log(status=before.status)
        if row is not None:
            log.journal, log.entries = row.id, log_of(list(self._journals.store.entries(row.id)))
            log.reached = bytes.fromhex(loads(row.options).get("reached", START.hex()))
        self._logs[procedure_id] = log
        return log

    def _log(self, procedure_id: str) -> _Log:
        """The log as it was read or written last, of a journal that is there."""
        row = self._journals.row(procedure_id)
        log = self._logs.get(procedure_id)
        if log is not None and log.journal in (0, row.id):
            log.journal = row.id
            return log
        return self._read(procedure_id)

    def _write(self, log: _Log, checkpoints: Sequence[Any]) -> None:
        """Make what is kept the same as Tactus's log, by adding what is new."""
        wanted = list(checkpoints)
        while wanted and is_pending(wanted[-1]):
            wanted.pop()
        places = log.places()
        if len(wanted) < len(places):
            self._cut(log, places[len(wanted)])
        for number, checkpoint in enumerate(wanted):
            if number < len(log.known) and log.known[number] is checkpoint:
                continue
            position = places[number] if number < len(places) else len(log.entries)
            self._put(log, position, entry_of(checkpoint, position, log.before(position)))
            log.known[number : number + 1] = [checkpoint]
        del log.known[len(wanted) :]

    def _put(self, log: _Log, position: int, entry: Entry) -> None:
        if position < len(log.entries) and _is_same(log.entries[position], entry):
            return
        self._journals.store.append(log.journal, entry)
        log.entries[position : position + 1] = [entry]
        log.reached = entry.chain

    def _cut(self, log: _Log, position: int) -> None:
        """A cut as a program makes one, and its end: what it forgets stays forgotten."""
        made = hidden_entry(secrets.token_bytes(16), b"", "cut", "", outcome=str(position))
        self._journals.store.append(log.journal, made)
        self._journals.store.append(log.journal, hidden_entry(b"end", b"", "end", "", outcome=made.key.hex()))
        log.known = log.known[: sum(place < position for place in log.places())]
        log.reached = log.before(position)
        del log.entries[position:]

    def _save_reached(self, procedure_id: str, log: _Log, **options: Any) -> None:
        self._journals.change(procedure_id, reached=log.reached.hex(), **options)

    def _share(self, procedure_id: str, state: dict[str, Any]) -> dict[str, Any]:
        shared = self._states.setdefault(procedure_id, {})
        if state is not shared:
            shared_now = loads(dumps(state))
            shared.clear()
            shared.update(shared_now)
        return shared


def _position_of(log: _Log, name: str | int) -> int | None:
    """Where a checkpoint stands: one that was saved by name, or by its position in Tactus's log."""
    if isinstance(name, int):
        places = log.places()
        return places[name] if 0 <= name < len(places) else None
    return next((p for p, entry in enumerate(log.entries) if (entry.asked, entry.name) == (NAMED, name)), None)


def _is_same(one: Entry, other: Entry) -> bool:
    return (one.chain, one.effects) == (other.chain, other.effects)
