"""What is answered once: a call whose outcome is recorded, and from then on given from the journal."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..durable.entries import Entry
from ..durable.plain import TooLarge
from ..durable.serialization import dumps, loads, normalise
from ..errors import ConversionError, ModelError, SchemaError, ToolError
from ..fixtures.rows import Row
from ..runs import Notice
from ..tools.current import CurrentRun, calling
from .outcomes import failure_text
from .passes import Pass, Reply
from .sought import Sought

__all__ = ["Once"]

#: What a call may raise that is the called one's failure: recorded when the program goes on after it.
_FAULTS = (ToolError, ModelError, SchemaError, ConversionError)


class Once:
    """Answers such requests in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger
        self._outside = within.outside
        self._push = within.converter.push

    async def do(
        self,
        sought: Sought,
        call: Callable[[], Awaitable[Any]],
        notices: Sequence[Notice] = (),
        usage_of: Callable[[Any], str | None] | None = None,
    ) -> Reply:
        """Answer from the journal, or call and record what comes of it, a failure too.

        Args:
            sought: the operation.
            call: does it.
            notices: where the call adds what it showed.
            usage_of: the JSON text of the tokens that the result cost.
        """
        self._outside.note(sought)
        if sought.found:
            return self.recorded(sought.found[0], sought.line)
        self._ledger.go_live(sought)
        row = self._outside.take(sought)
        if row is not None:
            return self._given(sought, row, usage_of)
        started = time.time()
        objects: list[Any] = []
        with calling(self._pass.data.name, self._pass.data.run_id) as asking:
            try:
                value = self._plain(sought, await call())
                outcome = dumps(value, objects)
            except _FAULTS as error:
                told = failure_text(json.dumps(error.message), type(error).__name__, "")
                effects = _effects(asking, notices)
                entry = self._ledger.record(sought, told, started=started, failed=True, effects=effects)
                return self._with_effects(entry, self._pass.refuse(error), shown=True)
        entry = self._ledger.record(
            sought,
            outcome,
            started=started,
            effects=_effects(asking, notices),
            usage=usage_of(value) if usage_of else None,
            objects=tuple(objects) or None,
        )
        return self.answer(entry, shown=True)

    def _plain(self, sought: Sought, value: Any) -> Any:
        """A result as plain data.

        Raises:
            ToolError, ModelError: it is larger than what crosses at once.
            ConversionError: it cannot cross.
        """
        limits = self._pass.limits
        try:
            return normalise(value, max_leaves=limits.max_leaves, max_bytes=limits.max_bytes)
        except TooLarge as error:
            kind = ToolError if sought.kind == "tool_call" else ModelError
            raise kind(
                f"{sought.name}: the result is larger than limits allow: {error.message}",
                hint="Return less, such as the name of a file, or raise limits max_bytes or max_leaves.",
            ) from None

    async def called(
        self,
        is_async: bool,  # noqa: FBT001 - which of the two
        later: Callable[[dict[str, Any]], Awaitable[Any]],
        here: Callable[[dict[str, Any]], Any],
        given: dict[str, Any],
    ) -> Any:
        """What is async is awaited; all else runs in this thread, where the stop button raises at once."""
        if is_async and not self._pass.people.blocking:
            return await self._pass.wait(later(given))
        with self._pass.calling():
            return here(given)

    def recorded(self, entry: Entry, line: int) -> Reply:
        """Answer with a recorded outcome, a failure too."""
        self._ledger.replay(entry, line)
        return self._answer_of(entry)

    def _given(self, sought: Sought, row: Row, usage_of: Callable[[Any], str | None] | None) -> Reply:
        """Answer with what a fixture gives, recorded like any answer."""
        entry = self._ledger.record(
            sought,
            row.outcome,
            started=time.time(),
            failed=row.failed,
            effects=row.effects_text(sought.line),
            usage=usage_of(loads(row.outcome)) if usage_of and not row.failed else None,
        )
        return self._answer_of(entry)

    def _answer_of(self, entry: Entry) -> Reply:
        if not entry.failed:
            return self.answer(entry)
        told = loads(entry.outcome)
        fault = next(fault for fault in _FAULTS if fault.__name__ == told["class"])
        return self._with_effects(entry, self._pass.refuse(fault(told["value"])))

    def answer(self, entry: Entry, *, shown: bool = False) -> Reply:
        """The recorded result, with what the call asked of the run put back before it, and unless shown its notices."""
        return self._with_effects(entry, ("value", self._push(loads(entry.outcome, entry.objects or ()))), shown=shown)

    def _with_effects(self, entry: Entry, answer: Reply, *, shown: bool = False) -> Reply:
        if entry.effects is None:
            return answer
        effects = loads(entry.effects)
        effects = [each for each in effects if each[0] != "notice"] if shown else self._pass.host.put_back(effects)
        return ("replay", self._push(effects), self._pass.converter.pack(answer)) if effects else answer


def _effects(asking: CurrentRun, notices: Sequence[Notice] = ()) -> str | None:
    """What a call asked of the run and showed, as the program's own effects."""
    if not (asking.asked or notices):
        return None
    stops = [["stop", stop.reason, stop.success] for stop in asking.asked]
    return dumps([*stops, *(["notice", notice.model_dump()] for notice in notices)])
