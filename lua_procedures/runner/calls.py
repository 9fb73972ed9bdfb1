"""Calls of tools that are not the program's own, and of mocks: each is answered once."""

from __future__ import annotations

import json
import time
from typing import Any

from ..durable.entries import Entry
from ..durable.serialization import dumps, loads, normalise
from ..errors import ConversionError, ProcedureError, SchemaError, ToolError, UsageError
from ..tools.current import CurrentRun, calling
from ..tools.python import PythonTool
from .ledger import Sought
from .outcomes import failure_text
from .passes import Handler, LateHandler, Pass, Reply

__all__ = ["Calls"]


class Calls:
    """Answers the requests of tools in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger
        self._push = within.converter.push
        self.handlers: dict[str, Handler] = {"mocked": self._mocked, "tool_arguments": self._arguments}
        self.late_handlers: dict[str, LateHandler] = {"tool": self._tool}

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
        sought = self._ledger.seek("tool_call", name, asked, line)
        if sought.found:
            return self._recorded(sought.found[0])
        self._ledger.go_live(sought)
        tool = program.tools.get(given)
        if tool is None:
            raise UsageError(f"the tool {given!r} is not here", line=line, hint="Resume the run with tools=[…].")
        started = time.time()
        objects: list[Any] = []
        with calling(self._pass.data.name, self._pass.data.run_id) as asking:
            try:
                outcome = dumps(normalise(await self._called(tool, tool.check(self._given(text)))), objects)
            except (ToolError, ConversionError, SchemaError) as error:
                self._failed(sought, error, started, asking)
                raise
        entry = self._ledger.record(
            sought, outcome, started=started, effects=_effects(asking), objects=tuple(objects) or None
        )
        return self._answer(entry)

    async def _called(self, tool: PythonTool, arguments: dict[str, Any]) -> Any:
        if tool.is_async and not self._pass.people.blocking:
            return await self._pass.wait(tool.acall(arguments))
        with self._pass.calling():
            return tool.call(arguments)

    def _failed(self, sought: Sought, error: ProcedureError, started: float, asking: CurrentRun) -> None:
        told = failure_text(json.dumps(error.message), type(error).__name__, "")
        self._ledger.record(sought, told, started=started, failed=True, effects=_effects(asking))

    def _recorded(self, entry: Entry) -> Reply:
        self._ledger.replay(entry)
        if not entry.failed:
            return self._answer(entry)
        told = loads(entry.outcome)
        if told["class"] == "SchemaError":
            raise SchemaError(told["value"], [])
        raise (ConversionError if told["class"] == "ConversionError" else ToolError)(told["value"])

    def _answer(self, entry: Entry) -> Reply:
        """The recorded result, with what the tool asked of the run put back before it."""
        answer = ("value", self._push(loads(entry.outcome, entry.objects or ())))
        if entry.effects is None:
            return answer
        return ("replay", self._push(loads(entry.effects)), self._pass.converter.pack(answer))

    def _mocked(self, kind: str, name: str, asked: str, outcome: str, failed: bool, fault: str, line: int) -> Reply:  # noqa: FBT001 - from Lua
        """A mock answers: its text is part of what was asked, and what it says is recorded like any answer."""
        ledger = self._ledger
        sought = ledger.seek(kind, name, asked, line)
        if sought.found:
            ledger.replay(sought.found[0])
        else:
            ledger.go_live(sought)
            text, _, objects = self._pass.portable(failure_text(outcome, fault, "") if failed else outcome)
            ledger.record(sought, text, started=time.time(), failed=failed, objects=objects)
        value = loads(outcome, self._pass.converter.objects)
        return ("refuse", value, fault, "") if failed else ("value", self._push(value))


def _effects(asking: CurrentRun) -> str | None:
    """What a tool asked of the run, as the program's own effects."""
    if not asking.asked:
        return None
    return dumps([["stop", stop.reason, stop.success] for stop in asking.asked])
