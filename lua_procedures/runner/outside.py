"""The calls of a pass that something outside the program answers: into a fixture, or from one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..durable.entries import Entry
from ..durable.serialization import loads
from ..fixtures.content import Fixture, own_name
from ..fixtures.rows import CALLS, Row, is_outside, row_of
from .ledger import Ledger
from .passes import Program
from .sought import Sought

__all__ = ["Outside"]


class Outside:
    """The outside of one pass.

    Args:
        program: what is run; it says what it is recorded in, or replayed from.
        ledger: of the pass.
    """

    def __init__(self, program: Program, ledger: Ledger) -> None:
        self._program = program
        self._ledger = ledger
        self._counted = 0
        self._looked_after: bytes | None = None
        self._times: list[int] = []

    @property
    def is_replayed(self) -> bool:
        """Whether the pass is replayed from a fixture, so that nothing waits."""
        replaying = self._program.replaying
        return replaying is not None and replaying.answers("human")

    @property
    def times(self) -> list[int]:
        """The times that the program saw, in microseconds."""
        return list(self._times)

    def recall(self, times: Iterable[int]) -> None:
        """Know the times that a run saw which is not walked again."""
        self._times = list(times)

    def seen_time(self, now: int) -> int:
        """The time that the program sees where the run's own is ``now``, in microseconds.

        Between two checkpoints it stands still, so it is kept once. A replay sees the recorded times: a prompt with
        the date in it is the same on any day.
        """
        after = self._ledger.frame.chain
        if after == self._looked_after and self._times:
            return self._times[-1]
        self._looked_after = after
        replaying = self._program.replaying
        recorded = () if replaying is None else replaying.fixture.times
        place = len(self._times)
        self._times.append(recorded[place] if place < len(recorded) else now)
        return self._times[-1]

    def note(self, sought: Sought) -> None:
        """Keep what a call asks in full, also of one that the journal answers."""
        program = self._program
        if program.recording is not None:
            program.recording.note(sought.asked, self._ledger.agent)
        if program.replaying is not None:
            program.replaying.note(sought.kind, sought.name, sought.asked)

    def take(self, sought: Sought) -> Row | None:
        """The row of the fixture that answers a call; None where it is made, as without a fixture.

        What gave a live object is made again: no file can keep it.

        Raises:
            DivergenceError: the fixture has none.
        """
        replaying = self._program.replaying
        if replaying is None or not replaying.answers(sought.kind):
            return None
        self._count()
        row = replaying.take(sought.kind, sought.name, sought.asked, sought.line)
        return None if row.is_live else row

    def knows(self, kind: str, name: str) -> bool:
        """Whether the fixture answers calls of that kind and name."""
        replaying = self._program.replaying
        return replaying is not None and replaying.knows(kind, name)

    def unused(self) -> str | None:
        """A sentence on the calls of the fixture that the pass did not make."""
        if self._program.replaying is None:
            return None
        self._count()
        return self._program.replaying.unused()

    def _count(self) -> None:
        calls = self._ledger.calls
        if self._program.replaying is not None:
            for entry, _ in self._made(calls[self._counted :]):
                self._program.replaying.passed(entry.kind, entry.name, entry.asked)
        self._counted = len(calls)

    def _made(self, calls: Iterable[tuple[Entry, str]]) -> Iterator[tuple[Entry, str]]:
        """The calls among these, and those inside the steps that were not entered, each with its agent."""
        for entry, agent in calls:
            if is_outside(entry):
                yield entry, agent
            elif entry.kind not in CALLS:
                yield from _inside(entry, self._ledger.journal.all_inside(entry))

    def fixture(self, calls: Iterable[tuple[Entry, str]] | None = None) -> Fixture:
        """The pass as a fixture, without the texts of what was asked.

        Args:
            calls: what it is made of, each with the agent whose turn it was in; the ledger's by default.
        """
        program, journal = self._program, self._ledger.journal
        recording = program.recording
        options = loads(journal.row.options)
        rows = [
            row_of(entry, agent, recording.asked(entry.asked) if recording else None)
            for entry, agent in self._made(self._ledger.calls if calls is None else calls)
        ]
        return Fixture(
            own_name(journal.row.name, options.get("title", "")),
            journal.row.seed,
            {**options.get("models", {}), **program.chat_models.identities},
            _mentioned(program.tool_rows, [program.text, *_modules(options)], {row.name for row in rows}),
            tuple(rows),
            tuple(self._times),
        )


def _inside(step: Entry, entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    turns: list[Entry] = []
    for entry in entries:
        while turns and not entry.path.startswith(turns[-1].path + "/"):
            turns.pop()
        if entry.kind == "agent_turn":
            turns.append(entry)
        elif is_outside(entry):
            yield entry, turns[-1].name if turns else ""


def _modules(options: Any) -> list[str]:
    return [each[0] for each in options.get("modules", {}).values()]


def _mentioned(tools: Any, texts: Iterable[str], called: set[str]) -> dict[str, Any]:
    """The tools that the program can mean: not all that a kernel session has belong to it."""
    words = called.union(*(re.findall(r"\w+", text) for text in texts))
    return {name: row for name, row in tools.items() if name in words or "server" in row}
