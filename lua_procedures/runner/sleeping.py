"""``Sleep``: waits once, and only the rest after an interruption."""

from __future__ import annotations

import asyncio
import time

from ..durable.serialization import dumps, loads
from ..events import Waiting
from .passes import LateHandler, Pass, Reply
from .people import SLEEP, Suspended

__all__ = ["Sleeping"]

_SLICE = 0.1  # seconds; a longer await would keep the stop button waiting


class Sleeping:
    """Answers ``Sleep`` in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within

    @property
    def late_handlers(self) -> dict[str, LateHandler]:
        """By the request."""
        return {"sleep": self._sleep}

    async def _sleep(self, seconds: float, line: int, why: str | None = None) -> Reply:
        ledger, journal = self._pass.ledger, self._pass.journal
        sought = ledger.seek("sleep", "", f"seconds\x1f{seconds!r}", line)
        if sought.found:
            ledger.replay(sought.found[0], line)
            return ("value", None)
        ledger.go_live(sought)
        started = time.time()
        id = f"{SLEEP}{sought.key.hex()}-{sought.variant}"
        waits = 0 if self._pass.outside.is_replayed else seconds
        kept = journal.store.ask(journal.row.id, id, dumps({"until": started + waits}))
        until = loads(kept.request)["until"]
        self._pass.emit(Waiting(sought.path, until, why or ""))
        await self._until(until)
        ledger.record(sought, "null", started=started)
        journal.store.answer(journal.row.id, id, "null")
        return ("value", None)

    async def _until(self, until: float) -> None:
        people = self._pass.people
        if until > time.time() and not people.wait and not people.blocking:
            raise Suspended(until=until)
        while (rest := until - time.time()) > 0:
            if people.blocking:
                self._pass.check_stop()
                time.sleep(min(rest, _SLICE))  # noqa: ASYNC251 - driven without a loop of its own
            else:
                await self._pass.wait(asyncio.sleep(min(rest, _SLICE)))
