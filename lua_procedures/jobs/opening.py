"""The journal of a job: the one to continue, or a new one, owned for the pass."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from ..durable.entries import JournalRow
from ..durable.finding import TENTATIVE, is_tentative, newest
from ..durable.journal import Journal
from ..durable.roots import root_of
from ..durable.serialization import dumps, loads
from ..durable.stores import Store
from ..durable.stores.memory import MemoryStore
from ..errors import StoreError, UsageError
from .job import Job

__all__ = ["open_journal"]


def open_journal(
    job: Job, store: Store, inputs: dict[str, Any], rows: Mapping[str, Any], held: ExitStack | None
) -> Journal:
    """The journal to continue: of this name and these inputs, or a new one; owned until ``held`` is closed."""
    root = root_of(inputs, job.seed)
    if not job.plan:
        _sweep(store, job.name, root)
    row = None if job.fresh else newest(store, job.name, root)
    if row is None:
        row = _new_row(job, store, inputs, root)
        if job.plan:
            store = MemoryStore()
        row = _created(job, store, row)
    row, epoch = (row, None) if held is None else _owned(job, store, row, held)
    options = {**loads(row.options), "files": str(job.files), "tools": dict(rows)}
    options.pop(TENTATIVE, None)
    row.options = dumps(options)
    return Journal(store, row, epoch)


def _sweep(store: Store, name: str, root: str) -> None:
    """Delete what began the run where another process was first, this one's included: nothing is ever done in it."""
    while (found := store.find(name, root)) is not None and is_tentative(found):
        store.forget(found.id)


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
    row.options = dumps(told if job.fresh else {**told, TENTATIVE: True})
    return row


def _created(job: Job, store: Store, row: JournalRow) -> JournalRow:
    """The row, added to its store; or the first one of its name and inputs, where another process just added that."""
    while True:
        row = store.create(row)
        if row.generation == 0 or job.fresh:
            return row
        _sweep(store, row.name, row.root)
        first = newest(store, row.name, row.root)
        if first is not None:
            return first


def _owned(job: Job, store: Store, row: JournalRow, held: ExitStack) -> tuple[JournalRow, int]:
    """The newest journal, taken to be driven, and the epoch; its last owner may have written until just now."""
    while True:
        try:
            ownership = held.enter_context(store.own(row.id))
        except StoreError:
            left = newest(store, row.name, row.root)
            if left is None or left.id == row.id:
                raise
            row = left  # another process took back the journal that it had begun at the same moment
            continue
        latest = newest(store, row.name, row.root) or row
        if latest.id == row.id or job.fresh:
            return latest if latest.id == row.id else row, ownership.epoch
        ownership.release()
        row = latest


def _recorded_seed(job: Job) -> int | None:
    """The seed of the run's fixture: what is drawn by chance is asked again in the same words."""
    if job.replaying is not None:
        return job.replaying.fixture.seed
    return None if job.recording is None else job.recording.seed
