"""The base of all records, and of those that are frozen in depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NoReturn, Self

from pydantic import BaseModel, ConfigDict, PlainValidator

from .errors import ConversionError

__all__ = [
    "DeepDict",
    "DeepList",
    "DeepValue",
    "FrozenDict",
    "FrozenList",
    "FrozenSet",
    "Record",
    "Snapshot",
    "checked_once",
    "frozen",
]

_DEPTH: Final = 100


class Record(BaseModel):
    """Base of all records: frozen."""

    model_config = ConfigDict(frozen=True)


class Snapshot(Record):
    """A record that is frozen in depth: nothing that it holds can change, nor what it was made of change it.

    Its fields for lists, dicts and values of any kind are ``DeepList``, ``DeepDict`` and ``DeepValue``.
    """

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values in some fields, which are checked and frozen as in the constructor."""
        return self.model_validate({**dict(self), **(update or {})})


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
    raise TypeError(f"a {type(self).__name__} cannot be changed; `copy()` gives one that can")


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed; it is equal to any dict of the same items."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed; it is equal to any list of the same items."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = remove = _refuse
    reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


class FrozenSet(set[Any]):
    """A set that cannot be changed; unlike a ``frozenset`` it stands for a ``set``."""

    __iand__ = __ior__ = __isub__ = __ixor__ = add = clear = discard = pop = remove = update = _refuse
    difference_update = intersection_update = symmetric_difference_update = _refuse

    def copy(self) -> set[Any]:
        """A set of the same items that can be changed."""
        return set(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenSet, (set(self),)


def frozen(value: Any, depth: int = 0) -> Any:
    """A copy of a value in which no dict, list or set can be changed; what is frozen already is not copied.

    Objects of other classes are passed on as they are.

    Raises:
        ConversionError: it is deeper than 100 containers, as one with a cycle is.
    """
    if depth > _DEPTH:
        raise ConversionError(f"a depth over {_DEPTH} cannot be kept in a record")
    kind = type(value)
    if kind is dict:
        return FrozenDict({key: frozen(item, depth + 1) for key, item in value.items()})
    if kind is list:
        return FrozenList([frozen(item, depth + 1) for item in value])
    if kind is tuple:
        return tuple(frozen(item, depth + 1) for item in value)
    return FrozenSet(value) if kind is set else value


def checked_once(value: Any, check: Callable[[Any], Any]) -> Any:
    """For a ``WrapValidator``: what is frozen was checked when it was made, and is not walked through again."""
    return value if isinstance(value, (FrozenDict, FrozenList)) else frozen(check(value))


def _dict(value: Any) -> Any:
    if isinstance(value, FrozenDict):
        return value
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError("a dict with texts as its keys expected")
    return frozen(dict(value))


def _rows(value: Any) -> Any:
    if isinstance(value, FrozenList):
        return value
    if not isinstance(value, (list, tuple)):
        raise ValueError("a list of dicts expected")  # noqa: TRY004 - pydantic gathers ValueErrors
    return FrozenList([_dict(row) for row in value])


def _value(value: Any) -> Any:
    return frozen(value)


DeepValue = Annotated[Any, PlainValidator(_value)]
DeepDict = Annotated[dict[str, Any], PlainValidator(_dict)]
DeepList = Annotated[list[dict[str, Any]], PlainValidator(_rows)]
