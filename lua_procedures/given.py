"""The Python things that a run is given, which no journal can keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from .errors import UsageError

__all__ = ["Given", "typed_inputs"]


@dataclass(frozen=True)
class Given:
    """What one call gives a run; those of the session come after.

    Attributes:
        tools: Python functions, LangChain tools and ``ToolSpec``s, usable by name.
        predictors: name → predictor, for ``Model``.
        chat_model: the LangChain chat model of agents that name none.
        chat_models: name, ``"provider/model"`` or ``"*"`` → chat model.
        mcp_servers: name → how to reach an MCP server.
        env_allowed: the environment variables that templates and headers may name, as ``{env.NAME}``.
    """

    tools: Iterable[Any] | Mapping[str, Any] = ()
    predictors: Mapping[str, Any] = field(default_factory=dict)
    chat_model: Any = None
    chat_models: Mapping[str, Any] = field(default_factory=dict)
    mcp_servers: Mapping[str, Any] = field(default_factory=dict)
    env_allowed: Collection[str] = ()

    def over(self, earlier: Self) -> Self:
        """These things, and where nothing is given those of an earlier call."""
        pairs = ((each.name, getattr(self, each.name), getattr(earlier, each.name)) for each in fields(self))
        return type(self)(**{name: value if _is_given(value) else other for name, value, other in pairs})


def _is_given(value: Any) -> bool:
    return value is not None and (not isinstance(value, (tuple, list, dict, frozenset)) or len(value) > 0)


def typed_inputs(pairs: Iterable[str]) -> dict[str, Any]:
    """The inputs of ``-p KEY=VALUE``; a value is read as JSON where it is JSON, else it is the text.

    Raises:
        UsageError: one has no key or no ``=``.
    """
    from .human.parsing import json_or_text

    inputs = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"-p {pair}: KEY=VALUE expected")
        inputs[key] = json_or_text(value)
    return inputs
