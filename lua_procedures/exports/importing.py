"""A run taken from a file into a store, where it goes on."""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..durable.entries import HIDDEN_KINDS, Entry, JournalRow
from ..durable.serialization import dumps, loads
from ..durable.stores import Store
from ..errors import ImportRefused, StoreError
from ..records import Record
from ..rendering.text import count_of, one_line
from .checking import checked
from .held import Held, place_of
from .pickled import MOST_BYTES, Frozen, unpickled

__all__ = ["Imported", "import_file", "publish"]

_TO_READ: Final = (".md", ".html", ".json")


class Imported(Record):
    """What an import brought.

    Attributes:
        name: the run's name in its store.
        status: the run's status; one that was running when it was exported is cancelled.
        checkpoints: how many are recorded, superseded ones included.
        left_out: a sentence for each checkpoint whose live object is not there: it runs again.
    """

    name: str
    status: str
    checkpoints: int
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        head = f"imported {self.name}: {self.status}, {count_of(self.checkpoints, 'checkpoint')}"
        return "\n".join([head, *self.left_out])


def import_file(path: str | os.PathLike[str], name: str | None, store: Store, *, trusted: bool) -> Imported:
    """Bring the run of a file into a store, as the newest of its name and inputs; all others there stay as they are.

    Args:
        path: a pickle file that ``run.export`` wrote.
        name: the run's name in the store; None keeps the old one.
        store: where it goes.
        trusted: whether live objects are unpickled, which can execute anything that the file's writer wanted.

    Raises:
        ImportRefused: the file is damaged, of an unknown version, or asks for something not allowed.
        StoreError: the file cannot be read, or the store cannot be written.
    """
    source = Path(path)
    held = checked(unpickled(_content(source)))
    entries, left_out = _thawed(held.entries, keeps_objects=store.keeps_objects, trusted=trusted)
    row = publish(store, replace(held, row=_renamed(held.row, name), entries=entries))
    shown = sum(entry.kind not in HIDDEN_KINDS for entry in entries)
    return Imported(name=row.name, status=row.status, checkpoints=shown, left_out=left_out)


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is a folder or a device, no file")
    if path.suffix.lower() in _TO_READ:
        raise ImportRefused(
            f"{path} is a record to read, and no run to go on with", hint="Export it with another suffix, as .pickle."
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ImportRefused(f"{path} is larger than {MOST_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _renamed(row: JournalRow, name: str | None) -> JournalRow:
    """The head as it will be: the latest of its name, which nobody drives."""
    status = "cancelled" if row.status in ("pending", "running") else row.status
    row = replace(row, status=status, updated=time.time())
    if name is None or name == row.name:
        return row
    return replace(row, name=name, options=dumps({**loads(row.options), "title": ""}))


# Live objects


def _thawed(entries: Sequence[Entry], *, keeps_objects: bool, trusted: bool) -> tuple[list[Entry], tuple[str, ...]]:
    """The entries with their live objects; of those whose objects are not there, a sentence each instead."""
    kept: list[Entry] = []
    left_out: list[str] = []
    for entry in entries:
        try:
            kept.append(_thawed_entry(entry, keeps_objects=keeps_objects, trusted=trusted))
        except _Missing as missing:
            left_out.append(f"{place_of(entry)} runs again: {missing}")
    return kept, tuple(left_out)


class _Missing(Exception):
    """A live object is not there; says why."""


def _thawed_entry(entry: Entry, *, keeps_objects: bool, trusted: bool) -> Entry:
    if not entry.objects:
        return entry
    kind = one_line(entry.objects[0].kind, 60)
    if not keeps_objects:
        raise _Missing(f"a {kind}, which a store on disk cannot keep")
    if not trusted:
        raise _Missing(f"a {kind}, which is imported only with trusted=True")
    return entry._replace(objects=tuple(_thawed_object(each) for each in entry.objects))


def _thawed_object(frozen: Frozen) -> Any:
    if frozen.data is None:
        raise _Missing(f"a {one_line(frozen.kind, 60)}, which was not exported ({one_line(str(frozen.why), 200)})")
    try:
        return pickle.loads(frozen.data)  # noqa: S301 - the caller said that the file is trusted
    except (Exception, SystemExit) as error:
        why = one_line(f"{type(error).__name__}: {error}", 200)
        raise _Missing(f"a {one_line(frozen.kind, 60)}, which cannot be read here ({why})") from error


# Into the store


def publish(store: Store, held: Held) -> JournalRow:
    """Write the journal under a name of its own, and give it its place in one go: a killed import changes no run."""
    row = store.create(replace(held.row, name=f"importing-{secrets.token_hex(8)}", status="cancelled"))
    try:
        for entry in held.entries:
            store.append(row.id, entry)
        for request in held.requests:
            store.ask(row.id, request.id, request.request)
            if request.answer is not None:
                store.answer(row.id, request.id, request.answer)
        before = store.find(held.row.name, held.row.root)
        row = replace(held.row, id=row.id, generation=before.generation + 1 if before else 0)
        store.save(row)
    except BaseException:
        with contextlib.suppress(StoreError):
            store.forget(row.id)
        raise
    return row
