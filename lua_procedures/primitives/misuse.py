"""A call of a primitive that cannot be meant: raised in Lua, at the call's line."""

from __future__ import annotations

from ..errors import ProcedureError

__all__ = ["Misuse"]


class Misuse(ProcedureError):
    """An argument of a primitive is wrong.

    It goes to the program, which may catch it; where nothing does, users meet it as a ``LuaRuntimeError``.
    """
