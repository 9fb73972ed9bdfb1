"""The Python tools of one run, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from ..errors import UsageError
from .mcp.catalog import Catalog
from .python import PythonTool, tool_of

__all__ = ["Registry"]


class Registry:
    """Name → tool. What a call gives is made into tools at once, the session's tools when they are looked up.

    Args:
        given: the call's own tools, a list of values or a dict by name; a name here hides the session's.
        session: the session's tools, by name.
        known: names that mean something else in a program.
        servers: the MCP servers, whose tools come last.

    Raises:
        UsageError: a name twice, a name of a primitive, or a value of which no tool can be made.
    """

    def __init__(
        self, given: Iterable[Any] | Mapping[str, Any] = (), session: Mapping[str, Any] | None = None,
        known: Collection[str] = (), servers: Catalog | None = None,
    ) -> None:  # fmt: skip
        self._known = known
        self._servers = servers or Catalog()
        self._recorded: Mapping[str, Mapping[str, Any]] = {}
        self._tools: dict[str, PythonTool] = {}
        self._later: dict[str, Callable[[], PythonTool]] = {}
        for tool in _made(given):
            if tool.name in self._tools:
                raise UsageError(f"tools: two tools are named {tool.name!r}", hint="Give them as a dict, name → tool.")
            self._tools[tool.name] = tool.served_by(self._servers)
        for name, value in (session or {}).items():
            if name not in self._tools:
                self._later[name] = partial(self._session_tool, value, name)
        self._refuse(known)

    def _session_tool(self, value: Any, name: str) -> PythonTool:
        return tool_of(value, name).served_by(self._servers)

    def _refuse(self, known: Collection[str]) -> None:
        for name in {*self._tools, *self._later} & {*known}:
            source = "get_session().tools" if name in self._later else "tools"
            raise UsageError(f"{source}: {name!r} is a name of the language", hint="Give the tool another name.")

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        served = [name for name in self._servers.names if name not in self._known]
        return sorted({*self._tools, *self._later, *served})

    def expected(self, text: str) -> list[tuple[str, str]]:
        """Server and tool of each ``ToolSpec`` of an MCP server that a program's text names."""
        named = set(re.findall(r"\w+", text))
        tools = [tool for tool in map(self._own, {*self._tools, *self._later}) if tool is not None]
        return [tool.mcp for tool in tools if tool.mcp is not None and tool.name in named]

    def rows(self, recorded: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, dict[str, Any]]:
        """What a program knows of each tool, as plain data: enough to replay its calls where the tool is not.

        Args:
            recorded: the rows of an earlier pass, which count for the tools of servers that do not answer now.
        """
        self._recorded = recorded or {}
        kept = {name: dict(row) for name, row in self._recorded.items() if self._is_silent(row)}
        tools = [tool for tool in map(self.get, self.names) if tool is not None]
        return kept | {tool.name: self._row(tool) for tool in tools}

    def _is_silent(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is of a tool whose server is ours and did not answer."""
        server = row.get("server")
        return server in self._servers.servers and not self._servers.is_listed(str(server))

    def _row(self, tool: PythonTool) -> dict[str, Any]:
        if not tool.is_known and tool.name in self._recorded:
            return {**self._recorded[tool.name], "requires_approval": tool.requires_approval}
        served = None if tool.name in self._tools else self._servers.named(tool.name)
        return {
            "description": tool.description,
            "digest": tool.digest,
            "requires_approval": tool.requires_approval,
            "single": tool.single,
            "is_global": tool.is_global,
            "order": [*tool.schema.get("properties", {})],
            "schema": tool.schema,
            **({"server": served[0], "tool": served[1]} if served else {}),
        }

    def bundle(self, name: str, rows: Mapping[str, Mapping[str, Any]]) -> list[str] | None:
        """The names of all tools of an MCP server, said as ``files`` or ``mcp.files``; None where there is no such.

        Args:
            name: what the program says.
            rows: what it knows of its tools: where the server does not answer, the recorded ones and those that it
                mentions; in a replay those of the fixture.
        """
        server = name.removeprefix("mcp.")
        tools = sorted(each for each, row in rows.items() if row.get("server") == server)
        return tools if tools or server in self._servers.servers else None

    def get(self, name: str) -> PythonTool | None:
        """The tool of that name, or None.

        Raises:
            UsageError: what the session has under that name is no tool.
        """
        return self._own(name) or self._served(name)

    def _own(self, name: str) -> PythonTool | None:
        if name in self._later:
            self._tools[name] = self._later[name]()
            del self._later[name]
        return self._tools.get(name)

    def _served(self, name: str) -> PythonTool | None:
        """The tool of a server, also one that the server did not list: a call says what is wrong with it."""
        row = self._recorded.get(name, {})
        served = self._servers.named(name) or ((row["server"], row["tool"]) if "server" in row else None)
        if served is None:
            return None
        return PythonTool(name, self._servers.body(*served), requires_approval=self._servers.asks_before(*served))


def _made(given: Iterable[Any] | Mapping[str, Any]) -> list[PythonTool]:
    if isinstance(given, Mapping):
        return [tool_of(value, name) for name, value in given.items()]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"tools: a list or a dict expected, got a {type(given).__name__}")
    return [tool_of(value) for value in given]
