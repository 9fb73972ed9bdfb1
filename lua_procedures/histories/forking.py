"""A run that begins as the copy of another one's path."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..durable.entries import HIDDEN_KINDS, Entry, JournalRow
from ..durable.finding import stored
from ..durable.journal import Journal
from ..durable.keys import frame_chain, root_key
from ..durable.serialization import dumps, loads
from ..durable.stores import Store, open_store
from ..errors import UsageError
from ..exports.held import Held
from ..exports.importing import publish
from ..session import get_session
from .branches import Branches
from .foreign import refuse_foreign
from .places import place_of
from .records import Forked

__all__ = ["fork"]


def fork(name: str, position: int | str, new_name: str, *, store: str | Store = "memory:") -> Forked:
    """Begin a new run with what another one did before a position.

    ``resume``, or a cell of the new name, goes on from there. The new run has the old one's program, inputs, options
    and seed, so nothing that it kept runs again. The old run stays as it is; its open question is not copied.

    Args:
        name: the run that is copied: its latest journal, as its newest pass left it.
        position: what lies before it is kept: a position, a path such as ``"3/0"``, of which the outermost position
            counts, or the name of a step. The position after the last one keeps everything.
        new_name: the new run's name, which must be free.
        store: where both are.

    Raises:
        StoreError: there is no such run, or the store cannot be written.
        UsageError: there is no such position, or the new name is taken or no name.
    """
    opened = open_store(store)
    source = stored(opened, name)
    refuse_foreign(source, "forked")
    _check_new(opened, new_name)
    branches = Branches(Journal(opened, source))
    end = len(branches.visible) if _is_end(branches, position) else place_of(branches, position)
    path = _path_before(branches, end)
    publish(opened, Held(_head(source, new_name, path), _copied(branches, path), ()))
    _share_given(name, new_name)
    kept = sum(1 for _ in branches.all_of(branches.visible[:end]))
    return Forked(name=new_name, source=name, position=end, kept=kept)


def _check_new(store: Store, name: str) -> None:
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not name.isprintable():
        raise UsageError(f"a run's name is printable text of 1 to 128 characters, not {name!r}")
    if store.find(name) is not None:
        raise UsageError(f"there is a run {name!r} in {store.url} already", hint="Choose another name for the fork.")


def _is_end(branches: Branches, position: int | str) -> bool:
    """Whether it is the position after the last one, which no checkpoint has yet."""
    return str(position) == str(len(branches.visible)) and all(entry.name != position for entry in branches.visible)


def _path_before(branches: Branches, end: int) -> Sequence[Entry]:
    """What the newest pass did before it came to a position, with what it took back on the way."""
    if end == 0:
        return ()
    last = branches.visible[end - 1]
    return branches.path[: next(at for at, entry in enumerate(branches.path) if entry is last) + 1]


def _head(source: JournalRow, name: str, path: Sequence[Entry]) -> JournalRow:
    """The new run's head: the seed and the time of the start are copied too, or what is kept would not replay."""
    start = frame_chain(root_key(source.root), 0)
    reached = path[-1].chain if path else start
    options = {**loads(source.options), "title": "", "pending": None, "reached": reached.hex()}
    return replace(
        source,
        name=name,
        status="cancelled",
        options=dumps(options),
        updated=time.time(),
        tail=None,
        outcome=None,
        error=None,
    )


def _copied(branches: Branches, path: Sequence[Entry]) -> list[Entry]:
    """The entries of a path, in the order they were written.

    Older entries of the same keys go with them: they count how often an operation was done, which tells the frames
    of its repetitions apart. So do those that take no position.
    """
    keys: set[bytes] = set()
    places = {frame_chain(root_key(branches.journal.row.root), 0)}
    for entry in _with_inside(branches, path):
        keys.add(entry.key)
        places |= {entry.prev, entry.chain, entry.key}
    return [
        entry
        for entry in branches.journal.entries
        if (entry.prev in places if entry.kind in HIDDEN_KINDS else entry.key in keys)
    ]


def _with_inside(branches: Branches, path: Sequence[Entry]) -> Iterator[Entry]:
    for entry in path:
        yield entry
        yield from _with_inside(branches, branches.inside(entry))


def _share_given(name: str, new_name: str) -> None:
    """What Python gave the run in this process goes with the fork."""
    given = get_session().given
    if name in given:
        given[new_name] = given[name]
