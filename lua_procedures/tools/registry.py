"""The Python tools of one run, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..errors import UsageError
from .python import PythonTool, tool_of

__all__ = ["Registry"]


class Registry:
    """Name → tool. What a call gives is made into tools at once, the session's tools when they are looked up.

    Args:
        given: the call's own tools, a list of values or a dict by name; a name here hides the session's.
        session: the session's tools, by name.
        known: names that mean something else in a program.

    Raises:
        UsageError: a name twice, a name of a primitive, or a value of which no tool can be made.
    """

    def __init__(
        self, given: Iterable[Any] | Mapping[str, Any] = (), session: Mapping[str, Any] | None = None,
        known: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._tools: dict[str, PythonTool] = {}
        self._later: dict[str, Callable[[], PythonTool]] = {}
        for tool in _made(given):
            if tool.name in self._tools:
                raise UsageError(f"tools: two tools are named {tool.name!r}", hint="Give them as a dict, name → tool.")
            self._tools[tool.name] = tool
        for name, value in (session or {}).items():
            if name not in self._tools:
                self._later[name] = lambda name=name, value=value: tool_of(value, name)  # type: ignore[misc]
        self._refuse(known)

    def _refuse(self, known: Collection[str]) -> None:
        for name in self.names:
            if name in known:
                source = "get_session().tools" if name in self._later else "tools"
                raise UsageError(f"{source}: {name!r} is a name of the language", hint="Give the tool another name.")

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted({*self._tools, *self._later})

    def rows(self) -> dict[str, dict[str, Any]]:
        """What a program knows of each tool, as plain data: enough to replay its calls where the tool is not."""
        tools = [tool for tool in map(self.get, self.names) if tool is not None]
        return {
            tool.name: {
                "description": tool.description,
                "digest": tool.digest,
                "requires_approval": tool.requires_approval,
                "single": tool.single,
                "is_global": tool.is_global,
                "order": [*tool.schema.get("properties", {})],
            }
            for tool in tools
        }

    def get(self, name: str) -> PythonTool | None:
        """The tool of that name, or None.

        Raises:
            UsageError: what the session has under that name is no tool.
        """
        if name in self._later:
            self._tools[name] = self._later[name]()
            del self._later[name]
        return self._tools.get(name)


def _made(given: Iterable[Any] | Mapping[str, Any]) -> list[PythonTool]:
    if isinstance(given, Mapping):
        return [tool_of(value, name) for name, value in given.items()]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"tools: a list or a dict expected, got a {type(given).__name__}")
    return [tool_of(value) for value in given]
