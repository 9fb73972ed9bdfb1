"""Every name that a program can use, for completion and "did you mean"."""

from __future__ import annotations

from typing import Final

from .catalog import PRIMITIVES

__all__ = ["primitive_names"]

_LUA: Final = (
    "assert", "coroutine", "error", "getmetatable", "ipairs", "load", "math", "next", "os", "pairs", "pcall",
    "python", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "string", "table", "tonumber",
    "tostring", "type", "unpack", "utf8", "xpcall",
)  # fmt: skip

_LIBRARIES: Final = {
    "coroutine": "close create isyieldable resume running status wrap yield",
    "math": "abs acos asin atan ceil cos deg exp floor fmod frexp huge ldexp log max maxinteger min mininteger modf "
    "pi rad random randomseed sin sqrt tan tointeger type ult",
    "os": "clock date difftime time",
    "python": "iter",
    "string": "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
    "table": "concat create insert move pack remove sort unpack",
    "utf8": "char charpattern codepoint codes len offset",
}


def primitive_names() -> list[str]:
    """Every name a program can use: dotted names, their families, and Lua's own."""
    names = {primitive.name for primitive in PRIMITIVES}
    members = {f"{library}.{member}" for library, listed in _LIBRARIES.items() for member in listed.split()}
    return sorted(names | members | {name.partition(".")[0] for name in names} | set(_LUA))
