"""Values into Lua; out of it they come as text, see ``codec.lua`` and ``durable.serialization``.

Tables are built from the inside out with the runtime's own table maker. The memory limit is lifted while
the host builds: running out of memory in a push would abort the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..handles import token_of

__all__ = ["Converter"]

_SCALARS = frozenset((str, int, float, bool))


class Converter:
    """Plain data (see ``serialization.normalise``) to values that ``Guest.resume`` takes.

    Attributes:
        objects: the Python objects that handles in Lua stand for, by their number.
    """

    def __init__(self, lua: Any, kit: Any) -> None:
        self._table: Callable[[Any], Any] = lua.table_from
        self._new_array = kit.new_array
        self._new_object = kit.new_object
        self._null = kit.null
        self._new_handle = kit.new_handle
        self.objects: list[Any] = []
        self._handles: dict[int, Any] = {}

    def push(self, value: Any) -> Any:
        """A value as Lua has it: None as nil, a list as 1..n, an empty one marked as what it was."""
        kind = type(value)
        if kind in _SCALARS or value is None or kind is bytes:
            return value
        if kind is dict:
            return self._push_dict(value)
        if kind is list:
            return self._push_list(value)
        return self._push_handle(value)

    def _push_dict(self, value: dict[str, Any]) -> Any:
        push = self.push
        plain = {k: v if type(v) in _SCALARS else push(v) for k, v in value.items() if v is not None}
        return self._table(plain) if plain else self._new_object()

    def _push_list(self, value: list[Any]) -> Any:
        push, null = self.push, self._null
        plain = [v if type(v) in _SCALARS else null if v is None else push(v) for v in value]
        return self._table(plain) if plain else self._new_array()

    def _push_handle(self, value: Any) -> Any:
        handle = self._handles.get(id(value))
        if handle is None:
            handle = self._new_handle(len(self.objects), type(value).__name__, token_of(value))
            self.objects.append(value)  # also keeps id(value) from being used again
            self._handles[id(value)] = handle
        return handle

    def pack(self, values: tuple[Any, ...]) -> Any:
        """Pushed values as a table with ``n``, for ``table.unpack``."""
        return self._table({**dict(enumerate(values, 1)), "n": len(values)})
