"""The journals of Tactus's procedures: one for each procedure id, which is the run's name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from ...durable.entries import JournalRow
from ...durable.keys import digest, frame_chain, root_key
from ...durable.serialization import dumps, loads
from ...durable.stores import Store, open_store
from ...jobs import checked_name

__all__ = ["START", "Journals"]

_ROOT: Final = digest("tactus")

#: What the first checkpoint of a procedure hangs below.
START: Final = frame_chain(root_key(_ROOT), 0)

#: Tactus's status of a procedure → the status of its run.
_STATUSES: Final = {"COMPLETED": "completed", "FAILED": "failed", "CANCELLED": "cancelled"}


@dataclass(frozen=True)
class Journals:
    """Finds and writes the heads of the journals; nothing of them is held between two calls.

    Attributes:
        store: where they are.
    """

    store: Store

    @classmethod
    def of(cls, store: str | Store) -> Journals:
        """The journals of a URL or a ``Store``."""
        return cls(open_store(store))

    def find(self, procedure_id: str) -> JournalRow | None:
        """The head of a procedure's journal, or None before anything was kept."""
        return self.store.find(checked_name(procedure_id), _ROOT)

    def row(self, procedure_id: str) -> JournalRow:
        """The head of a procedure's journal, which is made where there is none."""
        now = time.time()
        made = JournalRow(procedure_id, _ROOT, seed=0, started=now, updated=now, status="running")
        made.options = dumps({"runtime": "Tactus"})
        return self.find(procedure_id) or self.store.create(made)

    def options(self, procedure_id: str) -> dict[str, Any]:
        """What the head says beside its fields; empty before anything was kept."""
        row = self.find(procedure_id)
        return {} if row is None else loads(row.options)

    def change(self, procedure_id: str, **options: Any) -> JournalRow:
        """Change some of what the head says."""
        row = self.row(procedure_id)
        row.options = dumps({**loads(row.options), **options})
        return self.save(row)

    def set_status(self, procedure_id: str, status: str, waiting: str | None = None) -> None:
        """Say how a procedure stands, in Tactus's words, and which question it waits for."""
        row = self.row(procedure_id)
        row.status = "paused" if status.startswith("WAITING") else _STATUSES.get(status, "running")
        row.options = dumps({**loads(row.options), "status": status, "pending": waiting})
        self.save(row)

    def save(self, row: JournalRow) -> JournalRow:
        """Write a head as changed just now."""
        row.updated = time.time()
        reached = loads(row.options).get("reached")
        row.tail = bytes.fromhex(reached) if reached and row.status == "completed" else None
        self.store.save(row)
        return row
