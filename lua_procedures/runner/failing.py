"""Errors on their way: the host's into Lua, and out of the program what ended it."""

from __future__ import annotations

from collections.abc import Collection

from .. import errors
from ..durable.serialization import Damaged, loads
from ..errors import ProcedureError
from ..language.conversion import Converter
from ..language.diagnostics import runtime_error
from ..primitives.misuse import Misuse
from .passes import Program, Reply

__all__ = ["CATCHABLE", "Failing"]

#: Errors of the host that a program may catch; all others end it.
CATCHABLE = (Misuse, errors.SchemaError, errors.ConversionError, errors.ToolError, errors.ModelError)

#: Errors that the prelude raises by their class.
_OWN: dict[str, type[ProcedureError]] = {
    "ToolError": errors.ToolError,
    "ModelError": errors.ModelError,
    "SchemaError": errors.SchemaError,
    "LimitExceeded": errors.LimitExceeded,
}

_DAMAGED = "The journal was left as it is: restore the store from a copy, or start over with --fresh."
_REMEMBERED = 100  # errors of the host that the program caught, or may yet let through


class Failing:
    """The errors of one pass.

    Args:
        program: whose lines errors name.
        converter: of the program's world.
        known: the names of all primitives, for messages.
    """

    def __init__(self, program: Program, converter: Converter, known: Collection[str]) -> None:
        self._program = program
        self._converter = converter
        self._known = known
        self._refused: dict[int, ProcedureError] = {}
        self._refusals = 0

    def refuse(self, error: ProcedureError) -> Reply:
        """Raise a host's error in Lua, at the call's line; the error itself is found again if nothing catches it.

        Raises:
            StoreError: what is recorded is damaged, which no program shall take for a failure of its own.
        """
        if isinstance(error, Damaged):
            raise errors.StoreError(error.message, hint=_DAMAGED) from error
        self._refused[self._refusals] = error
        self._refused.pop(self._refusals - _REMEMBERED, None)
        self._refusals += 1
        kind = "" if isinstance(error, Misuse) else type(error).__name__
        return ("refuse", error.message, kind, str(self._refusals - 1))

    def ended(self, text: str, kind: str, detail: str, line: int = 0, traceback: str = "") -> ProcedureError:
        """The error that ended the program: the host's own one where it was raised by the host."""
        value, program = loads(text, self._converter.objects), self._program
        error = runtime_error(
            value if isinstance(value, str) else "", value, traceback, program.text, self._known,
            chunk=program.chunk, first_line=program.first_line,
        )  # fmt: skip
        error.line = error.line or line or None
        if kind and detail.isdigit() and int(detail) in self._refused:
            original = self._refused[int(detail)]
            original.line, original.message = original.line or error.line, error.message
            return original
        if kind == "ConversionError":
            return errors.ConversionError(error.message, path=detail, line=error.line, hint=error.hint)
        if kind in _OWN:
            return _OWN[kind](error.message, line=error.line)
        return error
