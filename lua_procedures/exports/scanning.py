"""A look through a pickle before it is loaded: only opcodes that make plain builtins may be in it.

The allow-list of globals is empty, for a file of ours names none. Neither has it a memo, so what it becomes is no
larger than a fixed multiple of its length.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import Any, Final

from ..errors import ImportRefused
from ..rendering.text import one_line

__all__ = ["scan"]

_ALLOWED: Final = frozenset((
    "PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
    "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
    "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
))  # fmt: skip
_CONTAINERS: Final = frozenset(("EMPTY_LIST", "EMPTY_DICT"))
_TEXTS: Final = frozenset(
    ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING")
)
_PUTS: Final = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
_GETS: Final = frozenset(("GET", "BINGET", "LONG_BINGET"))

# A container takes 56 bytes or more in memory, and 16 or more in a file of ours with what is in it.
_BYTES_OF_A_CONTAINER: Final = 16
_FREE_CONTAINERS: Final = 100

_ADVICE: Final = "Nothing of it was executed. Import only files that %procedures export or run.export wrote."


def scan(data: bytes) -> int:
    """Where the pickle at the beginning of ``data`` ends; nothing is executed.

    Takes time and memory in proportion to the length.

    Raises:
        ImportRefused: the pickle is no whole one, asks for a global (which is named, wherever it stands), or uses an
            opcode that no file of ours has.
    """
    strange: str | None = None
    names = _Names()
    containers = end = 0
    for opcode, argument, position in _opcodes(data):
        kind = opcode.name
        if kind in _CONTAINERS:
            containers += 1
        elif kind not in _ALLOWED or kind in _TEXTS:
            _refuse_global(kind, argument, names)
            names.note(kind, argument)
            strange = strange or (None if kind in _ALLOWED else kind)
        end = position + 1
    if strange is not None:
        raise ImportRefused(f"the file uses {strange}, which no exported run has", hint=_ADVICE)
    if containers > _FREE_CONTAINERS + len(data) // _BYTES_OF_A_CONTAINER:
        raise ImportRefused("the file would take far more memory than its size", hint=_ADVICE)
    return end


def _opcodes(data: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int]]:
    try:
        yield from ((opcode, argument, position or 0) for opcode, argument, position in pickletools.genops(data))
    except Exception as error:
        message = one_line(str(error), 200)
        raise ImportRefused(f"the file is no exported run, or is damaged: {message}", hint=_ADVICE) from error


def _refuse_global(kind: str, argument: Any, names: _Names) -> None:
    if kind in ("GLOBAL", "INST"):
        wanted = str(argument).replace(" ", ".", 1)
    elif kind == "STACK_GLOBAL":
        wanted = ".".join(names.last)
    elif kind.startswith("EXT"):
        wanted = f"copyreg extension {argument}"
    else:
        return
    raise ImportRefused(f"the file asks for {one_line(wanted, 200)}, which is not allowed", hint=_ADVICE)


class _Names:
    """The last two texts that a pickle has put down, which are what it calls a global by.

    Attributes:
        last: these two; what cannot be followed is a question mark.
    """

    def __init__(self) -> None:
        self.last = ("?", "?")
        self._memo: dict[int, str] = {}

    def note(self, kind: str, argument: Any) -> None:
        """Follow one opcode."""
        if kind in _TEXTS:
            self.last = (self.last[1], str(argument))
        elif kind in _PUTS:
            self._memo[len(self._memo) if argument is None else argument] = self.last[1]
        elif kind in _GETS:
            self.last = (self.last[1], self._memo.get(argument, "?"))
