"""A run cleared: all of it, or what came after a checkpoint."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack

from ..durable.finding import stored
from ..durable.journal import Journal
from ..durable.serialization import dumps, loads
from ..durable.stores import Store, open_store
from ..errors import UsageError
from ..runner.hidden import hidden_entry
from ..session import get_session
from .branches import Branches
from .places import place_of
from .records import Cleared

__all__ = ["clear"]


def clear(name: str, after: int | str | None = None, *, store: str | Store = "memory:") -> Cleared:
    """Delete all journals of a run, or forget what its newest one holds after a checkpoint.

    What is cut off by ``after`` stays in the run's history; the next run does it again.

    Args:
        name: the run.
        after: the last checkpoint that is kept: a position, a path, or a name; None deletes everything.
        store: where the run is.

    Raises:
        StoreError: there is no such run.
        UsageError: there is no such checkpoint, or the run waits behind a ``Checkpoint.clear_after`` of its own.
        RunLocked: the run is being driven.
    """
    opened = open_store(store)
    newest = stored(opened, name)
    if after is None:
        cleared = _deleted(opened, name)
    else:
        with opened.own(newest.id) as ownership:
            cleared = _cut(Journal(opened, stored(opened, name), ownership.epoch), after)
    _leave_session(name, opened.url, None if after is None else newest.root)
    return cleared


def _deleted(store: Store, name: str) -> Cleared:
    """All journals of the name are deleted, or none: first each is taken."""
    rows = store.journals(name)
    with ExitStack() as owned:
        for row in rows:
            owned.enter_context(store.own(row.id))
        for row in rows:
            store.forget(row.id)
    return Cleared(name=name, journals=len(rows))


def _cut(journal: Journal, after: int | str) -> Cleared:
    branches = Branches(journal)
    position = place_of(branches, after)
    if branches.path != branches.visible and journal.row.status != "completed":
        raise UsageError(
            f"the run {journal.row.name!r} waits behind a Checkpoint.clear_after of its own",
            hint="Let it come to its end first, or clear all of it.",
        )
    last = branches.visible[position]
    kept = sum(1 for _ in branches.all_of(branches.visible[: position + 1]))
    forgotten = len(branches.checkpoints) - kept
    _forget_from(journal, position + 1)
    _save_reached(journal, last.chain)
    return Cleared(name=journal.row.name, after=last.name or last.path, kept=kept, forgotten=forgotten)


def _forget_from(journal: Journal, position: int) -> None:
    """A cut as a program makes one, and its end: what it forgets stays forgotten."""
    made = hidden_entry(secrets.token_bytes(16), b"", "cut", "", outcome=str(position))
    journal.append(made)
    journal.append(hidden_entry(b"end", b"", "end", "", outcome=made.key.hex()))


def _save_reached(journal: Journal, chain: bytes) -> None:
    row = journal.row
    row.status, row.updated, row.tail, row.outcome, row.error = "cancelled", time.time(), None, None, None
    row.options = dumps({**loads(row.options), "pending": None, "reached": chain.hex()})
    journal.save()


def _leave_session(name: str, url: str, root: str | None) -> None:
    """What the session still shows of the run is not what the store holds any more."""
    session = get_session()
    session.supersede(url, name, "the run was cleared", root)
    shown = session.runs.get(name)
    if shown is not None and shown._data.store_url == url:  # noqa: SLF001 - our own run
        del session.runs[name]
