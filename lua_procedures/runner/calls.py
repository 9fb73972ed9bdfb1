"""Calls of tools and models that are not the program's own, and of mocks: each is answered once."""

from __future__ import annotations

import time
from typing import Any

from ..durable.serialization import loads
from ..errors import UsageError
from ..runs import Notice
from .once import Once
from .outcomes import failure_text, usage_text
from .passes import Handler, LateHandler, Pass, Reply

__all__ = ["Calls"]


class Calls:
    """Answers the requests of tools in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger
        self._push = within.converter.push
        self._once = Once(within)
        self._doubted: set[str] = set()

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {
            "mocked": self._mocked,
            "model": self._model,
            "tool_arguments": self._arguments,
        }

    @property
    def late_handlers(self) -> dict[str, LateHandler]:
        """By the request."""
        return {"tool": self._tool, "predict": self._predict}

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
            return await self._once.called(tool.is_async, tool.acall, tool.call, arguments)

        return await self._once.do(self._ledger.seek("tool_call", name, asked, line), call)

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
                self._pass.host.show(notices[-1])
            return await self._once.called(predictor.is_async, predictor.predict, predictor.call, given)

        return await self._once.do(self._ledger.seek("model_predict", name, asked, line), call, notices)

    def _is_new(self, name: str, doubt: str) -> bool:
        """Whether a model's doubt was not shown in this pass, also not by what was replayed."""
        if name in self._doubted:
            return False
        self._doubted.add(name)
        return all(notice.message != doubt for notice in self._pass.host.notices)

    def _model(self, name: str, may_be_mocked: bool) -> Reply:  # noqa: FBT001 - from Lua
        """``Model("name")``: whether there is such a predictor, now or when the run was recorded."""
        recorded = any(entry.kind == "model_predict" and entry.name == name for entry in self._pass.journal.entries)
        recorded = recorded or self._pass.outside.knows("model_predict", name)
        if not (may_be_mocked or recorded):
            self._pass.program.predictors.get(name)
        return ("value",)

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
            usage = usage_text(loads(outcome)) if kind == "model_call" and not failed else None
            ledger.record(sought, text, started=time.time(), failed=failed, usage=usage, objects=objects)
        value = loads(outcome, self._pass.converter.objects)
        return ("refuse", value, fault, "") if failed else ("value", self._push(value))
