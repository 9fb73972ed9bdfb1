"""How a pass ends: what its run holds from then on, and what the journal's head says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

from pydantic import ValidationError

from .. import errors
from ..durable.entries import Entry
from ..durable.journal import Journal
from ..durable.serialization import dumps, loads
from ..errors import ProcedureError, StoreError
from ..events import Noticed, RunEnded, Sink, StageMoved, StagesDeclared
from ..fixtures.rows import is_outside
from ..graphs import Graph
from ..human.requests import HumanRequest
from ..language.diagnostics import mark
from ..language.runtime import Guest
from ..records import Record
from ..runs import Message, Notice, Run, RunData, RunStatus, Stop, ToolCall
from .hosting import Hosting
from .idle_mocks import idle_mocks
from .ledger import Ledger
from .listing import listing, planned, recalled, under_way
from .outcomes import agents_of, checkpoint_of, response_of
from .outside import Outside
from .passes import Program
from .sought import Sought
from .worlds import World, Worlds

__all__ = ["Ending"]

R = TypeVar("R", bound=Record)

_TEXTS = (str, str | None)  # the types of fields for text


@dataclass(frozen=True)
class Ending:
    """Brings the run of a pass up to date and saves it.

    Attributes:
        program, journal, ledger, host, guest: of the pass.
        run: what users hold.
        tree: reads the node tree.
        emit: tells who listens what happens.
        outside: the calls that are recorded in a fixture, or replayed from one.
        worlds: keeps what a completed run came to.
    """

    program: Program
    journal: Journal
    ledger: Ledger
    host: Hosting
    guest: Guest
    run: Run
    tree: Callable[[], Graph]
    emit: Sink
    outside: Outside
    worlds: Worlds

    @property
    def _data(self) -> RunData:
        return self.run._data  # noqa: SLF001 - the run is the pass's own

    def complete(self, returned: str, unused: Sequence[object]) -> None:
        """The program returned ``returned``, the JSON list of its results; ``unused`` answers nobody asked for."""
        self.ledger.end()
        self.ledger.redoing.end()
        self._warn_of_unused(unused)
        never_made = self.outside.unused()
        if never_made is not None:
            self.host.warn(never_made)
        for name in self.ledger.redoing.unseen():
            self.host.warn(f"--redo {name}: no checkpoint has that name or path")
        self._returned(returned)
        self.finish("completed", outcome=returned)

    def recall(self, world: World) -> None:
        """The run has completed before, and is as it was: nothing of it is run."""
        data, ledger = self._data, self.ledger
        chain = ledger.frames[0].last = bytes.fromhex(world.fields["chain"])
        data.status, data.replayed = "completed", world.fields["count"]
        self._returned(world.outcome)
        world.give_to(data)
        self.outside.recall(world.fields["times"])
        rows = cache(lambda: recalled(self.journal, chain, dict(world.fields["lines"])))
        self._list(rows)
        data.fixture = lambda: self.outside.fixture([(entry, "") for entry, _ in rows() if is_outside(entry)])
        self._tell()
        self._end("completed", outcome=world.outcome)

    def _tell(self) -> None:
        """What a run shows that is not walked."""
        data = self._data
        if data.stages_declared:
            self.emit(StagesDeclared(data.stages_declared))
        for move in data.stages:
            self.emit(StageMoved(move.from_stage, move.to_stage))
        for notice in data.notices:
            self.emit(Noticed(notice))

    def _returned(self, text: str) -> None:
        values = loads(text, self.guest.converter.objects)
        self._data.value = None if not values else values[0] if len(values) == 1 else values

    def _warn_of_unused(self, unused: Sequence[object]) -> None:
        if unused:
            shown = ", ".join(json.dumps(answer, default=str, ensure_ascii=False) for answer in unused[:5])
            self.host.warn(f"{len(unused)} scripted answer{'s' * (len(unused) > 1)} nobody asked for: {shown}")

    def _warn_of_idle_mocks(self) -> None:
        """What a mock is misspelt for has run, or would have, as it is."""
        told = self.guest.read(self.guest.kit.idle_mocks_text)
        for message, line in idle_mocks(told or "", self.program, self._data.modules):
            with suppress(ProcedureError):  # a run that shows all it may is over all the same
                self.host.warn(message, line)

    def finish(
        self,
        status: RunStatus,
        *,
        error: ProcedureError | None = None,
        pending: HumanRequest | None = None,
        outcome: str | None = None,
        first: Sought | None = None,
    ) -> None:
        """The pass is over; nothing of its world is read afterwards.

        Args:
            status: how it ended.
            error: what ended it.
            pending: the open question.
            outcome: the JSON list of the program's results.
            first: with ``--plan``, the first operation that would run.
        """
        data, ledger, host = self._data, self.ledger, self.host
        data.status, data.error, data.pending = status, error, pending
        data.change, data.replayed, data.executed = ledger.change, ledger.replayed, ledger.executed
        self._read_world()
        if status in ("completed", "failed"):
            self._warn_of_idle_mocks()
        data.notices, data.stages, data.stages_declared = host.notices, host.stages, host.declared
        self._list(partial(listing, ledger))
        data.fixture = self.outside.fixture
        data.usage, data.unpriced = host.spending.usage, host.spending.unpriced
        data.planned, data.planned_new = planned(ledger, first)
        data.under_way = under_way(ledger)
        if status == "failed" and not isinstance(error, StoreError):
            self.ledger.redoing.end()
        if status == "completed":
            self.worlds.keep(data, outcome or "[]")
        self._end(status, error=error, outcome=outcome)

    def _list(self, rows: Callable[[], list[tuple[Entry, bool]]]) -> None:
        """Let the run's checkpoints be read from these rows when somebody looks."""
        data = self._data
        data.list_checkpoints = lambda: [checkpoint_of(each, replayed=kept) for each, kept in rows()]
        data.list_answers = lambda: [response_of(each) for each, _ in rows() if each.kind == "human"]
        data.list_agents = lambda: agents_of(rows())

    def _end(self, status: RunStatus, *, error: ProcedureError | None = None, outcome: str | None = None) -> None:
        if error is not None:
            error.run = self.run
            if error.line is not None:
                error.excerpt = mark(self.program.text, error.line, self.program.first_line)
        is_refused = isinstance(error, errors.DivergenceError) and self.ledger.policy.strict
        if isinstance(error, StoreError):
            with suppress(StoreError):  # it may have refused one value only; else nobody drives the run, which shows
                self.save(status, error=error)
        elif not is_refused:
            self.save(status, outcome=outcome, error=error)
        self.guest.close()
        self.ledger.rest()
        self.emit(RunEnded(self.run))

    def _read_world(self) -> None:
        """What the guest's own tables hold; after an error too, as far as it can cross."""
        for what, read in (("state", self._read_state), ("conversation", self._read_rows), ("tree", self._read_tree)):
            try:
                read()
            except Exception as error:  # noqa: BLE001 - whatever a program left there, its run ends
                said = f"the {what} is left out of the run: {type(error).__name__}: {error}"
                self.host.show(Notice(kind="warning", level="warning", message=said))

    def _read_state(self) -> None:
        data, guest = self._data, self.guest
        world = guest.read(guest.kit.world_text)
        data.state_text = guest.read(guest.kit.state_text) or "{}"
        data.state_objects = guest.converter.objects
        if world is not None:
            read = loads(world)
            data.iterations, data.stop = read["iterations"], _record(Stop, read["stop"])

    def _read_rows(self) -> None:
        data, kit = self._data, self.guest.kit
        data.messages = [_record(Message, each) for each in self._rows(kit.messages_text)]
        data.tool_calls = [_record(ToolCall, each) for each in self._rows(kit.tool_calls_text)]

    def _rows(self, text: Callable[[], str]) -> list[Any]:
        rows: list[Any] = loads(self.guest.read(text) or "[]", self.guest.converter.objects)
        return rows

    def _read_tree(self) -> None:
        self._data.graph = self.tree()

    def save(self, status: str, *, outcome: str | None = None, error: ProcedureError | None = None) -> None:
        """Write the journal's head with that status."""
        if self.ledger.policy.plan:
            return
        row, data = self.journal.row, self._data
        row.status, row.program, row.updated = status, self.program.text, time.time()
        row.error = None if error is None else str(error)
        modules = {name: [each.text, each.chunk, each.first_line] for name, each in data.modules.items()}
        options = loads(row.options)
        kept = {
            "pending": data.pending.id if data.pending is not None else None,
            "modules": modules,
            "models": {**options.get("models", {}), **self.program.chat_models.identities},
            "reached": self.ledger.reached.hex(),
        }
        row.options = dumps({**options, **kept})
        if status == "completed":
            row.outcome, row.tail = outcome, self.ledger.frames[0].chain
        self.journal.save()


def _record(kind: type[R], given: Any) -> R:
    """A row of the program's own; of what does not fit, its text is kept where text is expected."""
    row = given if isinstance(given, dict) else {}
    try:
        return kind(**row)
    except ValidationError as error:
        faulty = {fault["loc"][0] for fault in error.errors()}
    declared = {str(name): kind.model_fields[str(name)] for name in faulty}
    texts = {name: _text(row.get(name)) for name, each in declared.items() if each.annotation in _TEXTS}
    absent = {name: None for name, each in declared.items() if each.is_required() and name not in texts}
    return kind(**{**{name: value for name, value in row.items() if name not in faulty}, **texts, **absent})


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=lambda item: f"<{type(item).__name__}>")
