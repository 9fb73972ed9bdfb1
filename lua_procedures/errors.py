"""Every error that users meet, in one tree.

::

    ProcedureError                 base; ``.run`` is the run it ended, ``.line`` the cell's line
    ├── LuaSyntaxError             the program does not compile
    ├── LuaRuntimeError            the program raised; ``.value``, ``.lua_traceback``
    ├── SchemaError                inputs or outputs do not fit; ``.faults``
    ├── DivergenceError            --strict, and the program is not the recorded one
    ├── HumanInputRequired         headless, and nobody scripted the answer; ``.request``
    ├── LimitExceeded              the Lua used more time, memory or size than allowed
    ├── ConversionError            a value cannot cross; ``.path``
    ├── AnswerRefused              an answer does not fit its question; ``.faults``
    ├── ToolError                  a tool failed, or a person refused it
    ├── ModelError                 a chat model or a predictor failed
    ├── UsageError                 an option or an argument of the call itself is wrong
    └── StoreError                 the journal cannot be read or written
        ├── RunLocked              another process drives this run; ``.host``, ``.process``, ``.since``
        └── ImportRefused          a file to import is damaged or not allowed

    KeyboardInterrupt
    └── RunStopped                 the person pressed stop

Messages are written for the person at the cell: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .human.requests import HumanRequest
    from .runs import Run

__all__ = [
    "AnswerRefused",
    "ConversionError",
    "DivergenceError",
    "HumanInputRequired",
    "ImportRefused",
    "LimitExceeded",
    "LuaRuntimeError",
    "LuaSyntaxError",
    "ModelError",
    "ProcedureError",
    "RunLocked",
    "RunStopped",
    "SchemaError",
    "StoreError",
    "ToolError",
    "UsageError",
]


_LONGEST = 2000  # characters of a message that are shown


class ProcedureError(Exception):
    """Base of all errors of this package.

    Attributes:
        message: the sentence shown to the user, without the line.
        line: line of the cell (the ``%%procedure`` line is 1), or None where there is none.
        hint: what to do about it, or None.
        run: the run that ended with this error, once it has ended.
        excerpt: the program's lines around the error, marked, or None.
        told: what the record in the same output tells, which the cell's own line therefore leaves out: nothing, the
            ``message`` with its hint, or ``all``, the excerpt included.
    """

    def __init__(self, message: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint
        self.run: Run | None = None
        self.excerpt: str | None = None
        self.told: Literal["", "message", "all"] = ""
        self._rendered = False

    def _render_traceback_(self) -> list[str]:
        """IPython's way to show an error: short the first time, whole when asked again (``%tb``)."""
        if self._rendered:
            return traceback.format_exception(self)
        self._rendered = True
        place = f" at line {self.line}" if self.line else ""
        said = f"{place}; the record above says more" if self.told else f": {self}"
        excerpt = [self.excerpt] if self.excerpt and self.told != "all" else []
        return [f"{type(self).__name__}{said}", *excerpt]

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        advice = f"\n{self.hint}" if self.hint else ""
        message = self.message if len(self.message) <= _LONGEST else self.message[:_LONGEST] + " …"
        return f"{place}{message}{advice}"


class LuaSyntaxError(ProcedureError):
    """The program does not compile; nothing of it ran."""


class LuaRuntimeError(ProcedureError):
    """The program raised an error that nothing in it caught.

    Attributes:
        value: the Lua error value as plain Python data (a string, or the table given to ``error``).
        lua_traceback: the Lua call stack as text, innermost first.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        hint: str | None = None,
        value: Any = None,
        lua_traceback: str = "",
    ) -> None:
        super().__init__(message, line=line, hint=hint)
        self.value = value
        self.lua_traceback = lua_traceback


class FaultsError(ProcedureError):
    """Several faults found in one check, each ``{"field", "expected", "actual"}``."""

    def __init__(
        self,
        message: str,
        faults: Sequence[Mapping[str, Any]] = (),
        *,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, line=line, hint=hint)
        self.faults = [dict(fault) for fault in faults]


class SchemaError(FaultsError):
    """Inputs or outputs do not fit their schema; all faults are reported together."""


class AnswerRefused(FaultsError):
    """An answer does not fit its question, which stays open.

    ``faults`` carries ``field`` (an id of a ``Human.multiple`` field, or ``""``) and ``message``.
    """


class DivergenceError(ProcedureError):
    """With ``--strict``: the program asks for something else than what is recorded."""


class HumanInputRequired(ProcedureError):
    """Headless, and a person must answer; the run is paused and can be answered.

    Attributes:
        request: the open question.
    """

    def __init__(
        self, message: str, *, request: HumanRequest, line: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, line=line, hint=hint)
        self.request = request


class LimitExceeded(ProcedureError):
    """The program used more time, memory or size than the run's limits allow."""


class ConversionError(ProcedureError):
    """A value cannot cross between Lua and Python.

    Attributes:
        path: where in the value, as Lua counts, such as ``$.items[3].fn``.
    """

    def __init__(self, message: str, *, path: str = "$", line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, line=line, hint=hint)
        self.path = path


class ToolError(ProcedureError):
    """A tool failed, or a person refused it."""


class ModelError(ProcedureError):
    """A chat model or a predictor failed or cannot be found.

    Attributes:
        retryable: whether the same call may work later, such as after a time-out or where there were too many.
        retry_after: how many seconds the provider asks to wait before that, or None where it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        hint: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, line=line, hint=hint)
        self.retryable = retryable
        self.retry_after = retry_after


class UsageError(ProcedureError):
    """An option of the magic, or an argument of a call from Python, is wrong."""


class StoreError(ProcedureError):
    """The journal cannot be read or written; nothing of it was lost."""


class RunLocked(StoreError):
    """Another process drives this run, or another pass in this one.

    Attributes:
        host, process: the name of the machine and the process id there, or None where they are not known.
        since: UNIX time in seconds from which on it does, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        hint: str | None = None,
        host: str | None = None,
        process: int | None = None,
        since: float | None = None,
    ) -> None:
        super().__init__(message, line=line, hint=hint)
        self.host = host
        self.process = process
        self.since = since


class ImportRefused(StoreError):
    """A file to import is damaged, of an unknown version, or asks for something not allowed."""


class RunStopped(KeyboardInterrupt):
    """The person pressed stop; the run is cancelled and goes on when it is run again.

    A ``KeyboardInterrupt``, so that a notebook's queue stops as for any interrupted cell.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was stopped; run it again to go on from its last checkpoint")
        self._brief = f"{name} was stopped"

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self._brief}"]  # its record says how to go on
