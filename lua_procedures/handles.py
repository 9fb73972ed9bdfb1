"""What tells one live Python object of this process from all others, for longer than its address does."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

__all__ = ["token_of"]

_numbers = itertools.count(1)
_tokens: dict[int, tuple[Any, int]] = {}


def token_of(value: Any) -> int:
    """A number that no other object of this process ever has.

    An object that cannot be referred to weakly is kept alive, so that its address is not used again.
    """
    known = _tokens.get(id(value))
    if known is not None:
        return known[1]
    token, address = next(_numbers), id(value)
    try:
        keeper: Any = weakref.ref(value, lambda _: _tokens.pop(address, None))
    except TypeError:
        keeper = value
    _tokens[address] = (keeper, token)
    return token
