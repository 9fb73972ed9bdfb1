"""Calls of tools and models that are not the program's own, and of mocks: each is answered once."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..durable.entries import Entry
from ..durable.serialization import dumps, loads, normalise
from ..errors import ConversionError, ModelError, SchemaError, ToolError, UsageError
from ..runs import Notice
from ..tools.current import CurrentRun, calling
from .outcomes import failure_text
from .passes import Handler, LateHandler, Pass, Reply
from .sought import Sought

__all__ = ["Calls"]

#: What a call may raise that is the called one's failure: recorded when the program goes on after it.
_FAULTS = (ToolError, ModelError, SchemaError, ConversionError)


class Calls:
    """Answers the requests of tools in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger
        self._push = within.converter.push
        self._doubted: set[str] = set()
        self.handlers: dict[str, Handler] = {
            "mocked": self._mocked,
            "model": self._model,
            "tool_arguments": self._arguments,
        }
        self.late_handlers: dict[str, LateHandler] = {"tool": self._tool, "predict": self._predict}

    def _given(self, text: str) -> dict[str, Any]:
        given = loads(text, self._pass.converter.objects)
        return given if isinstance(given, dict) else {}

    def _arguments(self, tool: str, text: str) -> Reply:
        """Check arguments before a person is asked to approve the call."""
        found = self._pass.program.tools.get(tool)
        if found is not None:
            found.check(self._given(text))
        return ("value", self._push(self._given(text)))

    async def _tool(self, given: str, name: str, text: str, line: int) -> Reply:
        """One call: ``given`` is the tool's own name, ``name`` the one it is called by."""
        program = self._pass.program
        asked = f"arguments\x1f{text}\x1esource\x1f{program.tool_rows[given]['digest']}"

        async def call() -> Any:
            tool = program.tools.get(given)
            if tool is None:
                raise UsageError(f"the tool {given!r} is not here", line=line, hint="Resume the run with tools=[…].")
            arguments = tool.check(self._given(text))
            return await self._called(tool.is_async, tool.acall, tool.call, arguments)

        return await self._once(self._ledger.seek("tool_call", name, asked, line), call)

    async def _predict(self, name: str, declared: str | None, text: str, line: int) -> Reply:
        """One prediction of a model that is not mocked."""
        asked = f"input\x1f{text}" + (f"\x1edeclaration\x1f{declared}" if declared else "")
        notices: list[Notice] = []

        async def call() -> Any:
            predictor = self._pass.program.predictors.get(name, loads(declared) if declared else None)
            given = predictor.check(self._given(text))
            doubt = predictor.doubt(given)
            if doubt is not None and self._is_new(name, doubt):
                notices.append(Notice(kind="warning", level="warning", message=doubt, line=line or None))
            return await self._called(predictor.is_async, predictor.predict, predictor.call, given)

        return await self._once(self._ledger.seek("model_predict", name, asked, line), call, notices)

    def _is_new(self, name: str, doubt: str) -> bool:
        """Whether a model's doubt was not shown in this pass, also not by what was replayed."""
        if name in self._doubted:
            return False
        self._doubted.add(name)
        return all(notice.message != doubt for notice in self._pass.host.notices)

    def _model(self, name: str, may_be_mocked: bool) -> Reply:  # noqa: FBT001 - from Lua
        """``Model("name")``: whether there is such a predictor, now or when the run was recorded."""
        recorded = any(entry.kind == "model_predict" and entry.name == name for entry in self._pass.journal.entries)
        if not (may_be_mocked or recorded):
            self._pass.program.predictors.get(name)
        return ("value",)

    async def _once(self, sought: Sought, call: Callable[[], Awaitable[Any]], notices: Sequence[Notice] = ()) -> Reply:
        """Answer from the journal, or call and record what comes of it, a failure and what it shows too."""
        if sought.found:
            return self._recorded(sought.found[0], sought.line)
        self._ledger.go_live(sought)
        started = time.time()
        objects: list[Any] = []
        with calling(self._pass.data.name, self._pass.data.run_id) as asking:
            try:
                outcome = dumps(normalise(await call()), objects)
            except _FAULTS as error:
                told = failure_text(json.dumps(error.message), type(error).__name__, "")
                self._ledger.record(sought, told, started=started, failed=True, effects=_effects(asking))
                raise
        entry = self._ledger.record(
            sought, outcome, started=started, effects=_effects(asking, notices), objects=tuple(objects) or None
        )
        return self._answer(entry)

    async def _called(
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

    def _recorded(self, entry: Entry, line: int) -> Reply:
        self._ledger.replay(entry, line)
        if not entry.failed:
            return self._answer(entry)
        told = loads(entry.outcome)
        raise next(fault for fault in _FAULTS if fault.__name__ == told["class"])(told["value"])

    def _answer(self, entry: Entry) -> Reply:
        """The recorded result, with what the call showed and asked of the run put back before it."""
        answer = ("value", self._push(loads(entry.outcome, entry.objects or ())))
        if entry.effects is None:
            return answer
        effects = self._pass.host.put_back(loads(entry.effects))
        return ("replay", self._push(effects), self._pass.converter.pack(answer)) if effects else answer

    def _mocked(  # noqa: PLR0917 - from Lua, by place
        self,
        kind: str,
        name: str,
        asked: str,
        outcome: str,
        failed: bool,  # noqa: FBT001 - from Lua
        fault: str,
        line: int,
    ) -> Reply:
        """A mock answers: its text is part of what was asked, and what it says is recorded like any answer."""
        ledger = self._ledger
        sought = ledger.seek(kind, name, asked, line)
        if sought.found:
            ledger.replay(sought.found[0], line)
        else:
            ledger.go_live(sought)
            text, _, objects = self._pass.portable(failure_text(outcome, fault, "") if failed else outcome)
            ledger.record(sought, text, started=time.time(), failed=failed, objects=objects)
        value = loads(outcome, self._pass.converter.objects)
        return ("refuse", value, fault, "") if failed else ("value", self._push(value))


def _effects(asking: CurrentRun, notices: Sequence[Notice] = ()) -> str | None:
    """What a call asked of the run and showed, as the program's own effects."""
    if not (asking.asked or notices):
        return None
    stops = [["stop", stop.reason, stop.success] for stop in asking.asked]
    return dumps([*stops, *(["notice", notice.model_dump()] for notice in notices)])
