"""A completed run whose program is unchanged: what it came to is kept, so that it need not be walked to be known.

The last thing that a pass writes is an entry of kind ``world``: a digest of everything that the program may depend on,
and what its run holds at the end. A later pass takes it where it is still the journal's last entry (nothing was done
since) and where its digest is the same. It is a shortcut and never needed: without it the program is run, and all of
it is answered from the journal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from .._version import __version__
from ..durable.entries import Entry
from ..durable.serialization import Damaged, dumps, loads
from ..errors import ConversionError, UsageError
from ..graphs import Graph
from ..limits import Limits
from ..modules import Module
from ..rendering.graph import graph_bundle
from ..runs import Message, Notice, RunData, StageMove, Stop, ToolCall
from .hidden import hidden_entry
from .ledger import Ledger
from .listing import recorded_lines
from .outside import Outside
from .passes import Program

__all__ = ["FEWEST", "World", "Worlds"]

#: With fewer checkpoints a run is walked: that is as fast, and its journal holds nothing that it need not.
FEWEST: Final = 200

_KIND: Final = "world"
_LARGEST: Final = 64_000  # characters of a world that is kept: each edit of the program leaves one
#: Which model answers is found by asking it, and the others mean something else in the next pass.
_WALKED: Final = frozenset({"agent_turn", "model_call", "cut", "stop"})
_LISTS: Final = {"notices": Notice, "stages": StageMove, "messages": Message, "tool_calls": ToolCall}


@dataclass(frozen=True)
class World:
    """What a completed run holds.

    Attributes:
        outcome: the JSON list of the program's results.
        fields: what ``Run`` reads, as plain data.
    """

    outcome: str
    fields: Mapping[str, Any]

    def give_to(self, data: RunData) -> None:
        """Let a run hold it."""
        fields = self.fields
        for name, kind in _LISTS.items():
            setattr(data, name, [kind(**row) for row in fields[name]])
        data.stages_declared = tuple(fields["stages_declared"])
        data.state_text, data.iterations, data.stop = fields["state"], fields["iterations"], Stop(**fields["stop"])
        data.graph = Graph.read(fields["graph"], (), graph_bundle)
        data.modules = {name: Module(*each) for name, each in fields["modules"].items() if each}


@dataclass(frozen=True)
class Worlds:
    """The world that a pass may find, and the one that it leaves.

    Attributes:
        program: what is run.
        ledger: of the pass.
        outside: the calls of the pass.
        limits: bounds on the program.
        scripted: whether there are scripted answers, of which a pass says whether they were used.
    """

    program: Program
    ledger: Ledger
    outside: Outside
    limits: Limits
    scripted: bool

    def find(self) -> World | None:
        """What the run came to, where it completed and nothing has changed since."""
        journal = self.ledger.journal
        entry = None if self._must_walk() else journal.store.last(journal.row.id)
        if entry is None or entry.kind != _KIND or entry.name != self._digest():
            return None
        try:
            fields = loads(entry.outcome)
            same = all(self._module(name) == each for name, each in fields["modules"].items())
        except (Damaged, UsageError):
            return None  # all that it stands for is in the other entries; a module may not be needed at all
        if not same:
            return None
        journal.read_until(entry)
        return World(fields["outcome"], fields)

    def keep(self, data: RunData, outcome: str) -> None:
        """Write what the run came to, where that is worth it and a later pass could take it."""
        entry = None if len(self.ledger.passed) < FEWEST or self._must_walk() else self._entry(data, outcome)
        if entry is not None:
            self.ledger.write(entry)

    def _must_walk(self) -> bool:
        """Whether a pass must see each operation: it is to do some again, is recorded, or says what it did not use."""
        program, policy = self.program, self.ledger.policy
        return bool(policy.redo or self.scripted or program.recording or program.replaying)

    def _entry(self, data: RunData, outcome: str) -> Entry | None:
        ledger, journal = self.ledger, self.ledger.journal
        if data.state_objects or journal.has(_WALKED):
            return None
        lines = recorded_lines(ledger)
        if lines is None:
            return None
        fields = {
            "outcome": outcome,
            "chain": ledger.frames[0].chain.hex(),
            "count": ledger.replayed + ledger.executed,
            "lines": [*lines.items()],
            "times": self.outside.times,
            **{name: [row.model_dump() for row in getattr(data, name)] for name in _LISTS},
            "stages_declared": [*data.stages_declared],
            "state": data.state_text,
            "iterations": data.iterations,
            "stop": data.stop.model_dump(),
            "graph": data.graph.text,
            "modules": {**{name: _row_of(each) for name, each in data.modules.items()}, **dict.fromkeys(data.absent)},
        }
        try:
            text = dumps(fields)
        except ConversionError:  # a live object is in it
            return None
        return None if len(text) > _LARGEST else hidden_entry(_KIND.encode(), b"", _KIND, self._digest(), outcome=text)

    def _module(self, name: str) -> list[Any] | None:
        module = self.program.modules(name)
        return None if module is None else _row_of(module)

    def _digest(self) -> str:
        """Of everything but the journal that decides what the program does."""
        program, policy = self.program, self.ledger.policy
        parts = (
            __version__,
            program.text,
            program.chunk,
            program.first_line,
            sorted(program.texts.items()),
            program.seeded,
            str(program.files),
            dumps(dict(program.tool_rows)),
            program.predictors.told,
            sorted((name, os.environ.get(name)) for name in program.env_allowed),
            time.tzname,
            program.chat_models.names,
            policy.takes_defaults,
            self.limits,
        )
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _row_of(module: Module) -> list[Any]:
    return [module.text, module.chunk, module.first_line]
