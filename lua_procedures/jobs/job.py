"""Everything that one pass of a program needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..durable.stores import Store, file_of, open_store, store_name
from ..durable.stores.memory import MemoryStore
from ..errors import UsageError
from ..events import Sink
from ..fixtures.recording import Recording
from ..fixtures.replaying import Replaying
from ..given import Given
from ..human.responders import Answers, Responder, Scripted
from ..limits import Limits
from ..modules import Module
from ..runs import Run
from ..tools.registry import Registry

__all__ = ["Job", "checked_name"]


@dataclass
class Job:
    """Everything that one pass of a program needs.

    Attributes:
        source: the Lua.
        name: the run's name.
        params: the inputs.
        store: a URL or a ``Store``; see ``opened``.
        store_name: the store as it can be typed again, once it is open.
        answers: scripted answers.
        responder: what can ask a person now, or None.
        wait: whether to hold the pass while a person is asked, or for a ``Sleep``.
        can_hold: whether a pass that is held here can receive an answer.
        headless: whether a question that nobody scripted is an error.
        blocking: whether the pass is driven inside a running loop, which cannot turn meanwhile.
        first_line: the line number of the source's first line.
        sink: who is told what happens.
        scripted: the answers as they are used up, once prepared.
        takes_defaults: whether answers that ``--answers default`` took count.
        texts: inputs as they were typed, for fields that are declared as strings.
        run: the run of an earlier pass, which this one brings up to date; None makes a new one.
        title: what the record calls the run; its name where empty.
        root: the digest of the inputs, once prepared.
        files: the folder that ``File`` may use; the current one where None.
        given: the Python things that the run is given.
        folder: where ``require`` looks for files first: beside the program; the current one where None.
        prices: model → money for a million tokens, as ``prompt`` and ``completion``.
        models: which models answered when the run was recorded (see ``ChatModels.identities``).
        registry: the tools of the pass that is driven now.
        tool_rows: what the program knew of its tools when the run was recorded (see ``Registry.rows``).
        record: the fixture that the run is recorded in, a file or a folder with one for each run.
        replay: likewise, the one that it is replayed from.
        recording, replaying: these, opened for the pass that is driven now.
        modules: what ``require`` gave when the run was recorded, where it goes on from its record.
        fresh, strict, plan, redo, seed, limits: as options of ``run``.
    """

    source: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    store: str | Store = "memory:"
    store_name: str = ""
    answers: Answers = None
    responder: Responder | None = None
    wait: bool = True
    can_hold: bool = True
    headless: bool = False
    blocking: bool = False
    chunk: str = "cell"
    first_line: int = 1
    sink: Sink | None = None
    fresh: bool = False
    strict: bool = False
    plan: bool = False
    redo: Collection[str] = ()
    seed: int | None = None
    limits: Mapping[str, Any] | Limits | None = None
    scripted: list[Scripted] | None = None
    takes_defaults: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None
    title: str = ""
    root: str | None = None
    files: str | Path | None = None
    given: Given = field(default_factory=Given)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    registry: Registry | None = None
    folder: str | Path | None = None
    modules: Mapping[str, Module] = field(default_factory=dict)
    tool_rows: Mapping[str, Any] = field(default_factory=dict)
    record: str | Path | None = None
    replay: str | Path | None = None
    recording: Recording | None = None
    replaying: Replaying | None = None

    def opened(self) -> Store:
        """The store, open from now on; a plan makes no file where there is none.

        Raises:
            StoreError: it cannot be opened.
        """
        given = self.store
        path = file_of(given) if self.plan and isinstance(given, str) else None
        self.store = store = open_store(given) if path is None or Path(path).exists() else MemoryStore()
        self.store_name = self.store_name or store_name(given, store.url)
        return store


def checked_name(name: str) -> str:
    """A run's name, or UsageError."""
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not name.isprintable():
        raise UsageError(f"a run's name is printable text of 1 to 128 characters, not {name!r}")
    return name
