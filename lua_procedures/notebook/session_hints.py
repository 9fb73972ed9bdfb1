"""What to do about a name that a program does not know, but the notebook does."""

from __future__ import annotations

from typing import Any

from ..errors import LuaRuntimeError, ProcedureError
from ..events import Event, RunEnded, Sink
from ..language.hints import missing_global
from .offers import Notebook, is_tool

__all__ = ["with_session_hints"]


def with_session_hints(sink: Sink | None, shell: Any) -> Sink:
    """A sink that looks at what ended a run, before the given sink shows it.

    Args:
        sink: who is told what happens, or None.
        shell: the IPython shell, whose variables are known.
    """

    def tell(event: Event) -> None:
        if isinstance(event, RunEnded) and event.run.error is not None:
            _mend(event.run.error, shell)
        if sink is not None:
            sink(event)

    return tell


def _mend(error: ProcedureError, shell: Any) -> None:
    name = missing_global(error.message) if isinstance(error, LuaRuntimeError) else None
    if name is None or not hasattr(shell, "lua_procedures"):  # the extension may be unloaded while a run pauses
        return
    variables = Notebook.of(shell).variables
    if variables.get(name) is None:
        return
    if is_tool(variables[name]):
        error.hint = f"{name} is a Python function of this session: give it with --tools {name}"
    elif not callable(variables[name]):
        error.hint = f"{name} is a Python variable of this session: give it with -i {name}, and read input.{name}"
