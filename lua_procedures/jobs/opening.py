"""The journal of a job: the one to continue, or a new one, owned for the pass."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final

from ..durable.entries import JournalRow
from ..durable.journal import Journal
from ..durable.roots import root_of
from ..durable.serialization import dumps, loads
from ..durable.stores import Store
from ..durable.stores.memory import MemoryStore
from ..errors import StoreError, UsageError
from .job import Job

__all__ = ["open_journal"]

#: Among the options of a journal that was begun where there seemed to be none: with a generation above 0, another
#: process was first, and this one is about to be taken back.
_TENTATIVE: Final = "tentative"


def open_journal(
    job: Job, store: Store, inputs: dict[str, Any], rows: Mapping[str, Any], held: ExitStack | None
) -> Journal:
    """The journal to continue: of this name and these inputs, or a new one; owned until ``held`` is closed."""
    root = root_of(inputs, job.seed)
    row = None if job.fresh else _newest(store, job.name, root)
    if row is None:
        row = _new_row(job, store, inputs, root)
        if job.plan:
            store = MemoryStore()
        row = _created(job, store, row)
    row, epoch = (row, None) if held is None else _owned(job, store, row, held)
    options = {**loads(row.options), "files": str(job.files), "tools": dict(rows)}
    options.pop(_TENTATIVE, None)
    row.options = dumps(options)
    return Journal(store, row, epoch)


def _newest(store: Store, name: str, root: str) -> JournalRow | None:
    """The newest journal of that name and inputs, but for what another process has just begun and will take back."""
    found = store.find(name, root)
    if found is None or _counts(found):
        return found
    others = (row for row in store.journals(name) if row.root == root and _counts(row))
    return max(others, key=lambda row: row.generation, default=None)


def _counts(row: JournalRow) -> bool:
    return row.generation == 0 or _TENTATIVE not in loads(row.options)


def _new_row(job: Job, store: Store, inputs: dict[str, Any], root: str) -> JournalRow:
    now = time.time()
    seed = next(each for each in (job.seed, _recorded_seed(job), secrets.randbits(63)) if each is not None)
    row = JournalRow(name=job.name, root=root, seed=seed, started=now, updated=now, program=job.source)
    objects: list[Any] = []
    row.inputs = dumps(inputs, objects)
    row.objects = tuple(objects) or None
    if objects and not store.keeps_objects:
        kind = type(objects[0]).__name__
        raise UsageError(
            f"an input of type {kind}, which a store on disk cannot keep",
            hint="Give plain data (a DataFrame comes in as rows with -i), or use --store memory:",
        )
    told = {"first_line": job.first_line, "title": job.title, "chunk": job.chunk}
    row.options = dumps(told if job.fresh else {**told, _TENTATIVE: True})
    return row


def _created(job: Job, store: Store, row: JournalRow) -> JournalRow:
    """The row, added to its store; or the first one of its name and inputs, where another process just added that."""
    row = store.create(row)
    if row.generation == 0 or job.fresh:
        return row
    store.forget(row.id)
    return _newest(store, row.name, row.root) or store.create(row)


def _owned(job: Job, store: Store, row: JournalRow, held: ExitStack) -> tuple[JournalRow, int]:
    """The newest journal, taken to be driven, and the epoch; its last owner may have written until just now."""
    while True:
        try:
            ownership = held.enter_context(store.own(row.id))
        except StoreError:
            left = _newest(store, row.name, row.root)
            if left is None or left.id == row.id:
                raise
            row = left  # another process took back the journal that it had begun at the same moment
            continue
        newest = _newest(store, row.name, row.root) or row
        if newest.id == row.id or job.fresh:
            return newest if newest.id == row.id else row, ownership.epoch
        ownership.release()
        row = newest


def _recorded_seed(job: Job) -> int | None:
    """The seed of the run's fixture: what is drawn by chance is asked again in the same words."""
    if job.replaying is not None:
        return job.replaying.fixture.seed
    return None if job.recording is None else job.recording.seed
