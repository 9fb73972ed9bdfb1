"""A run as one pickle file: plain builtins only, so any Python reads it, and nothing in it can act.

The file is the pickle of a dict, and behind it 32 bytes that ``pickle.load`` does not look at: the SHA-256 of that
pickle::

    {"format": "lua-procedures/run", "version": 1, "written_by": "<version of the package>",
     "run": {"name": …},                                    the journal's head
     "fields": ["key", …, "objects"], "entries": [[…], …],  in the order they were written
     "requests": [[id, question, answer], …]}

Live objects are pickles of their own inside it, as bytes: ``[type, bytes or None, why not or None]``.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, NoReturn

from .._version import __version__
from ..durable.entries import KEPT_FIELDS, Entry
from ..errors import ImportRefused, StoreError
from ..rendering.text import one_line
from .held import FORMAT, VERSION, Held, place_of
from .scanning import scan

__all__ = ["MOST_BYTES", "ROW_FIELDS", "Frozen", "frozen", "pickled", "unpickled"]

#: The largest file that is written or read.
MOST_BYTES: Final = 2 << 30

#: What a file says of a journal's head; number and generation are the store's own.
ROW_FIELDS: Final = tuple(name for name in KEPT_FIELDS if name not in ("id", "generation"))

_PROTOCOL: Final = 4  # the first that takes values over 4 GB; pinned, for a file of version 1 looks so
_DIGEST: Final = 32
_INPUT: Final = "in another process it is another input, with which the run starts over"


@dataclass(frozen=True)
class Frozen:
    """A live object in a file.

    Attributes:
        kind: the name of its type.
        data: its pickle, or None where it has none.
        why: why it has none.
    """

    kind: str
    data: bytes | None = None
    why: str | None = None


def frozen(held: Held) -> tuple[Held, tuple[str, ...]]:
    """The journal with its live objects pickled, and a sentence for each that cannot be, by checkpoint."""
    entries = [_frozen_entry(entry) if entry.objects else entry for entry in held.entries]
    left_out = [f"inputs: a {type(each).__name__} was not exported: {_INPUT}" for each in held.row.objects or ()]
    left_out += [
        f"{place_of(entry)}: a {each.kind} was not exported: {each.why}"
        for entry in entries
        for each in entry.objects or ()
        if each.data is None
    ]
    return replace(held, entries=entries), tuple(left_out)


def _frozen_entry(entry: Entry) -> Entry:
    return entry._replace(objects=tuple(_frozen_object(each) for each in entry.objects or ()))


def _frozen_object(value: Any) -> Frozen:
    kind = type(value).__name__
    try:
        return Frozen(kind, pickle.dumps(value, _PROTOCOL))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an object's own pickling may raise anything
        return Frozen(kind, why=one_line(f"{type(error).__name__}: {error}", 200))


def pickled(held: Held) -> bytes:
    """The file's content; the live objects of ``held`` are ``Frozen``.

    Raises:
        StoreError: it is too large to be imported again.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "written_by": __version__,
        "run": {name: _exact(getattr(held.row, name)) for name in ROW_FIELDS},
        "fields": list(Entry._fields),
        "entries": [[*entry[:-1], _object_lists(entry.objects)] for entry in held.entries],
        "requests": [[each.id, each.request, each.answer] for each in held.requests],
    }
    data = _dumps(content)
    if len(data) + _DIGEST > MOST_BYTES:
        raise StoreError(f"the run has {len(data):,} bytes, more than a file may have", hint="Export it as .json.")
    return data + sha256(data).digest()


def _dumps(content: Any) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, _PROTOCOL)
    pickler.fast = True  # no memo: a file can be no larger in memory than it looks
    pickler.dump(content)
    return buffer.getvalue()


def _exact(value: Any) -> Any:
    """A program's text may come as a subclass of ``str``, which a pickle would name."""
    return str.__str__(value) if isinstance(value, str) else value


def _object_lists(objects: Sequence[Frozen] | None) -> list[list[Any]] | None:
    return [[each.kind, each.data, each.why] for each in objects] if objects else None


def unpickled(data: bytes) -> Any:
    """The plain builtins of a file's content; nothing of it is executed.

    Raises:
        ImportRefused: it is damaged, asks for a global, or uses an opcode that no file of ours has.
    """
    end = scan(data)
    if data[end:] != sha256(memoryview(data)[:end]).digest():
        raise ImportRefused("the file is damaged: its check sum is not that of its content", hint="Export it again.")
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        raise ImportRefused(f"the file is damaged: {type(error).__name__}: {error}") from error


class _PlainUnpickler(pickle.Unpickler):
    """A second wall behind the scan: no name is ever looked up."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise ImportRefused(f"the file asks for {module}.{name}, which is not allowed")
