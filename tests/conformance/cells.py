"""What the conformance tests share: a cell that is run again and again, and a store whose process can die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import lua_procedures
from lua_procedures import HumanResponse, ProcedureError, Run
from lua_procedures.durable.entries import Entry, JournalRow, StoredRequest
from lua_procedures.durable.ownership import Owner, Ownership
from lua_procedures.durable.stores import Store
from lua_procedures.durable.stores.memory import MemoryStore

T = TypeVar("T")


class Cell:
    """One named run in a store of its own: calling it runs a program, as running a cell does."""

    def __init__(self, store: Store | None = None, name: str = "triage") -> None:
        self.store = store or MemoryStore()
        self.name = name

    def __call__(self, source: str, **options: Any) -> Run:
        return lua_procedures.run(source, **{"name": self.name, "store": self.store, **options})

    def fails(self, source: str, **options: Any) -> ProcedureError:
        """The error that ends the program."""
        try:
            ended = self(source, **options)
        except ProcedureError as error:
            return error
        raise AssertionError(f"it did not fail: {ended!r} {ended.value!r}")

    def failed(self, source: str, **options: Any) -> Run:
        """The run that the program's error ended."""
        ended = self.fails(source, **options).run
        assert ended is not None
        return ended

    def twice(self, source: str, **options: Any) -> Run:
        """The second run of the same cell, of which everything was replayed and came out as in the first."""
        first, second = self(source, **options), self(source, **options)
        assert second.executed == 0, f"ran again: {paths(second, replayed=False)}, since {second._data.change}"
        difference = differing(outcome(first), outcome(second))
        assert not difference, f"replayed otherwise: {difference}"
        return second

    def resume(self, **options: Any) -> Run:
        return lua_procedures.resume(self.name, store=self.store, **options)

    def answer(self, value: Any, request_id: str | None = None) -> HumanResponse:
        return lua_procedures.answer(self.name, value, request_id, store=self.store)

    def held(self) -> list[Any]:
        """All that the store holds, to compare."""
        return [
            (row, list(self.store.entries(row.id)), self.store.open_requests(row.id)) for row in self.store.journals()
        ]


def outcome(run: Run) -> dict[str, Any]:
    """What a replay must bring back as it was, times included."""
    return {
        "value": run.value,
        "state": run.state,
        "stages": run.stages,
        "stop": run.stop,
        "graph": run.graph,
        "messages": run.messages,
        "tool_calls": run.tool_calls,
        "notices": run.notices,
        "answers": run.answers,
        "checkpoints": [(each.path, each.kind, each.name, each.value, each.error) for each in run.checkpoints],
    }


def timeless(run: Run) -> dict[str, Any]:
    """The same without what differs from pass to pass: times."""
    return {
        **outcome(run),
        "stages": [(move.from_stage, move.to_stage) for move in run.stages],
        "answers": [(each.request_id, each.value, each.timed_out) for each in run.answers],
    }


def differing(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between two outcomes."""
    return {key: (first[key], second[key]) for key in first if first[key] != second[key]}


def paths(run: Run, *, replayed: bool | None = None) -> list[str]:
    """The paths of the checkpoints, of all or of those that were replayed or ran."""
    return [each.path for each in run.checkpoints if replayed is None or each.replayed is replayed]


def messages(run: Run, kind: str) -> list[str]:
    """The messages of the notices of a kind."""
    return [notice.message for notice in run.notices if notice.kind == kind]


class Died(Exception):
    """The process of a ``DyingStore`` is dead."""


class DyingStore:
    """A process's view of a real store: at a given write the process dies, and nothing it does counts any more.

    Args:
        store: the real store.
        write: the number of the write at which it dies, from 0.
        before: whether it dies before that write reaches the store, or after.
    """

    def __init__(self, store: Store, write: int, *, before: bool) -> None:
        self._store = store
        self._left = write
        self._before = before
        self._dead = False

    @property
    def url(self) -> str:
        return self._store.url

    @property
    def keeps_objects(self) -> bool:
        return self._store.keeps_objects

    def _read(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._dead:
            raise Died
        return call(*arguments)

    def _write(self, call: Callable[..., T], *arguments: Any) -> T:
        dies = self._left == 0 and not self._dead
        self._left -= 1
        self._dead = self._dead or (dies and self._before)
        result = self._read(call, *arguments)
        self._dead = dies
        if dies:
            raise Died
        return result

    def create(self, row: JournalRow) -> JournalRow:
        return self._write(self._store.create, row)

    def save(self, row: JournalRow, epoch: int | None = None) -> None:
        self._write(self._store.save, row, epoch)

    def append(self, journal: int, entry: Entry, epoch: int | None = None) -> None:
        self._write(self._store.append, journal, entry, epoch)

    def own(self, journal: int) -> Ownership:
        ownership = self._read(self._store.own, journal)
        try:
            return self._write(lambda: ownership)
        except Died:
            ownership.release()  # as the system does
            raise

    def owner(self, journal: int) -> Owner | None:
        return self._read(self._store.owner, journal)

    def driven(self, journal: int) -> bool:
        return self._read(self._store.driven, journal)

    def ask(self, journal: int, request_id: str, request: str) -> StoredRequest:
        return self._write(self._store.ask, journal, request_id, request)

    def answer(self, journal: int, request_id: str, answer: str) -> bool:
        return self._write(self._store.answer, journal, request_id, answer)

    def forget(self, journal: int) -> None:
        self._write(self._store.forget, journal)

    def find(self, name: str, root: str | None = None) -> JournalRow | None:
        return self._read(self._store.find, name, root)

    def journals(self, name: str | None = None) -> list[JournalRow]:
        return self._read(self._store.journals, name)

    def entries(self, journal: int) -> Iterator[Entry]:
        return self._read(self._store.entries, journal)

    def last(self, journal: int) -> Entry | None:
        return self._read(self._store.last, journal)

    def request(self, journal: int, request_id: str) -> StoredRequest | None:
        return self._read(self._store.request, journal, request_id)

    def requests(self, journal: int) -> list[StoredRequest]:
        return self._read(self._store.requests, journal)

    def open_requests(self, journal: int) -> list[StoredRequest]:
        return self._read(self._store.open_requests, journal)

    def close(self) -> None:
        """The real store stays open for the next process."""
