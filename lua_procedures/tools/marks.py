"""``@tool``: what a function says of itself as a tool."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from ..errors import UsageError

__all__ = ["Mark", "mark_of", "tool"]

_MARK = "__lua_procedures_tool__"
_HINT = "Mark a function that calls it; a LangChain tool says metadata={'requires_approval': True} instead."
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What ``@tool`` was given."""

    name: str | None = None
    description: str | None = None
    requires_approval: bool = False


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, requires_approval: bool = False
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    requires_approval: bool = False,
) -> F | Callable[[F], F]:
    """Say how a function is a tool, as ``@tool`` or ``@tool(…)``; the function itself stays as it is.

    Args:
        function: the function, where ``@tool`` stands without arguments.
        name: what programs call it; by default the function's name.
        description: what it does, for models and people; by default the docstring.
        requires_approval: whether a person is asked before each call, whoever calls.

    Raises:
        UsageError: it is no function.
    """
    mark = Mark(name, description, requires_approval)
    if function is None:
        return functools.partial(_marked, mark)
    return _marked(mark, function)


def _marked(mark: Mark, function: F) -> F:
    if isinstance(function, type) or not callable(function):
        what = f"the class {function.__name__}" if isinstance(function, type) else f"a {type(function).__name__}"
        raise UsageError(f"@tool: a function expected, got {what}", hint=_HINT)
    try:
        setattr(function, _MARK, mark)
    except (AttributeError, TypeError, ValueError):
        raise UsageError(f"@tool: a {type(function).__name__} cannot be marked", hint=_HINT) from None
    return function


def mark_of(value: Any) -> Mark:
    """What was said of it, also through ``functools.partial``."""
    mark = getattr(value, _MARK, None)
    if not isinstance(mark, Mark) and isinstance(value, functools.partial):
        return mark_of(value.func)
    return mark if isinstance(mark, Mark) else Mark()
