"""Values into Lua; out of it they come as text, see ``codec.lua`` and ``durable.serialization``.

A table of the runtime's costs the host more than ten values, so a nested value crosses as one flat list, from which
``values.lua`` builds it. The memory limit is lifted while the host builds: running out of memory in a push would abort
the process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ..handles import token_of

__all__ = ["Converter", "closed"]

_FLAT = frozenset((str, int, float, bool, bytes))
_SCALARS = _FLAT | {type(None)}


class Converter:
    """Plain data (see ``serialization.normalise``) to values that ``Guest.resume`` takes.

    Attributes:
        objects: the Python objects that handles in Lua stand for, by their number.
    """

    def __init__(self, lua: Any, kit: Any) -> None:
        self._table: Callable[[Any], Any] = lua.table_from
        self._new_array = kit.new_array
        self._new_object = kit.new_object
        self._build = kit.build
        self._inner = kit.inner
        self._new_handle = kit.new_handle
        self.objects: list[Any] = []
        self._handles: dict[int, Any] = {}

    def close(self) -> None:
        """Let go of the world; from now on only ``objects`` is of use."""
        self._table = self._new_array = self._new_object = self._build = self._inner = self._new_handle = closed
        self._handles = {}

    def push(self, value: Any) -> Any:
        """A value as Lua has it: None as nil, a list as 1..n, an empty one marked as what it was."""
        kind = type(value)
        if kind in _SCALARS:
            return value
        if kind is dict or kind is list:
            return self._push_container(value)
        return self._push_handle(value)

    def _push_container(self, value: list[Any] | dict[str, Any]) -> Any:
        if not value:
            return self._new_object() if type(value) is dict else self._new_array()
        items = value.values() if type(value) is dict else value
        if _FLAT.issuperset(map(type, items)):
            return self._table(value)
        return self._build(self._table(self._flat(value)))

    def _flat(self, value: list[Any] | dict[str, Any]) -> list[Any]:
        """What ``kit.build`` makes the value of."""
        flat: list[Any] = []
        queue = [value]
        shapes: dict[tuple[str, ...], int] = {}
        for container in queue:  # it grows on the way
            items: Collection[Any] = container
            if type(container) is dict:
                _add_shape(tuple(container), shapes, flat)
                items = container.values()
            else:
                flat.append(len(container))
            if _SCALARS.issuperset(map(type, items)):
                flat += items
            else:
                flat += [item if type(item) in _SCALARS else self._inner_or_handle(item, queue) for item in items]
        return flat

    def _inner_or_handle(self, item: Any, queue: list[Any]) -> Any:
        kind = type(item)
        if kind is dict or kind is list:
            queue.append(item)
            return self._inner
        return self._push_handle(item)

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


def closed(*_: Any) -> Any:
    """What stands for the calls into a world that is gone."""
    raise RuntimeError("the Lua world of this run is closed")


def _add_shape(keys: tuple[str, ...], shapes: dict[tuple[str, ...], int], flat: list[Any]) -> None:
    """The number of a dict's shape, with its keys where it is new."""
    shape = shapes.get(keys)
    if shape is None:
        shape = shapes[keys] = -1 - len(shapes)
        flat += (shape, len(keys), *keys)
    else:
        flat.append(shape)
