"""Operations that are entered on each pass: sub-procedures, and tools written in Lua."""

from __future__ import annotations

from .outcomes import failure_text
from .passes import Handler, Pass, Reply

__all__ = ["Entering"]


class Entering:
    """Answers the requests of entered operations in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self.handlers: dict[str, Handler] = {"enter": self._enter, "leave": self._leave, "quit": self._quit}

    def _enter(self, kind: str, name: str, line: int) -> Reply:
        self._pass.ledger.enter(kind, name, line, len(self._pass.host.notices))
        return ("value",)

    def _leave(self, text: str) -> Reply:
        outcome, _, objects = self._pass.portable(text)
        self._pass.ledger.leave(outcome, objects=objects)
        return ("value",)

    def _quit(self, text: str, kind: str, detail: str) -> Reply:
        outcome, _, objects = self._pass.portable(failure_text(text, kind, detail))
        self._pass.ledger.leave(outcome, failed=True, objects=objects)
        return ("value",)
