"""Operations that are entered on each pass: sub-procedures, tools written in Lua, and agents' turns.

They have no answer of their own: what is inside them is answered from the journal.
"""

from __future__ import annotations

import time
from typing import Any

from ..durable.entries import Entry
from ..durable.keys import chain_after, frame_chain, key_of
from ..errors import LimitExceeded
from .frames import INSIDE, Frame
from .hidden import hidden_entry
from .outcomes import failure_text
from .passes import Handler, Pass, Reply
from .sought import Sought

__all__ = ["Entering"]


class Entering:
    """Answers the requests of entered operations in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {"enter": self._enter, "leave": self._leave, "quit": self._quit}

    def _enter(self, kind: str, name: str, line: int) -> Reply:
        """Go in.

        Raises:
            LimitExceeded: too many are inside each other.
            DivergenceError: with ``--strict``, where it is new.
            PlanReached: with ``--plan``, where it is new.
        """
        ledger = self._ledger
        sought = ledger.seek(kind, name, "", line)
        sought.variant = self._begun_anew(sought)
        known = sought.found or ledger.journal.siblings(frame_chain(sought.key, sought.variant))
        if not known:
            ledger.go_live(sought)
        self._check_depth(kind, line)
        frame = ledger.open(sought, len(self._pass.host.notices))
        frame.entered, frame.announced = True, not known
        return ("value",)

    def _begun_anew(self, sought: Sought) -> int:
        """How often it was asked to run again, now included."""
        ledger = self._ledger
        again = key_of(sought.key, "redo", "", "")
        before = ledger.journal.find(again)
        asked = ledger.redoing.asks(before, sought.name, sought.path)
        if asked:
            sought.found = []
            ledger.write(hidden_entry(again, sought.key, "redo", ""))
        return len(before) + asked

    def _check_depth(self, kind: str, line: int) -> None:
        depth = self._ledger.policy.max_depth
        if kind == "procedure_call" and sum(frame.kind == kind for frame in self._ledger.frames) >= depth:
            raise LimitExceeded(
                f"more than {depth} sub-procedures are inside each other",
                line=line or None,
                hint="Look for one that calls itself without an end, or raise limits max_depth.",
            )

    def _leave(self, text: str) -> Reply:
        outcome, _, objects = self._pass.portable(text)
        self._left(outcome, failed=False, objects=objects)
        return ("value",)

    def _quit(self, text: str, kind: str, detail: str) -> Reply:
        outcome, _, objects = self._pass.portable(failure_text(text, kind, detail))
        self._left(outcome, failed=True, objects=objects)
        return ("value",)

    def _left(self, outcome: str, *, failed: bool, objects: tuple[Any, ...] | None) -> None:
        """Come out; it counts as replayed when nothing inside it ran."""
        ledger = self._ledger
        frame = ledger.frames.pop()
        asked = INSIDE + frame.content.hex()
        chain = chain_after(frame.key, asked, failed=failed)
        before = self._recorded(frame, chain)
        if before is not None:
            ledger.replay_as(before._replace(outcome=outcome, line=frame.line, path=frame.path, objects=objects))
            return
        if not failed:
            ledger.settle()
        entry = Entry(
            frame.key, frame.prev, chain, frame.path, frame.kind, frame.name, asked, outcome, failed,
            line=frame.line, started=frame.started, finished=time.time(), tail=frame.tail, objects=objects,
        )  # fmt: skip
        if frame.spared and not (frame.ran or failed):
            ledger.pass_over(entry)
        else:
            ledger.keep(entry)

    def _recorded(self, frame: Frame, chain: bytes) -> Entry | None:
        if frame.ran:
            return None
        return next((each for each in self._ledger.journal.find(frame.key) if each.chain == chain), None)
