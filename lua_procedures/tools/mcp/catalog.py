"""The MCP servers of one run, and the tools that its program can mean."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ...errors import ToolError
from . import background
from .bodies import McpBody
from .mentions import Mention, mentions, prefix_of
from .servers import Server, server_of
from .specs import ServerSpec, server_spec

__all__ = ["Catalog"]


class Catalog:
    """Servers by name, and what is known of their tools. Nobody is asked before ``contact``.

    Args:
        given: name → ``ServerSpec`` or a dict of its fields, of this call.
        session: the same of the session; a name of the call hides it.
        asked: whether servers may be asked; False for a run that is only shown.

    Raises:
        UsageError: a spec is wrong.
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, session: Mapping[str, Any] | None = None, *, asked: bool = True
    ) -> None:
        specs = {**(session or {}), **(given or {})}
        self._specs: dict[str, ServerSpec] = {name: server_spec(name, specs[name]) for name in specs}
        self._asked = asked
        self._mentioned: dict[str, Mention] = {}
        self._listed: dict[str, dict[str, dict[str, Any]]] = {}
        self._tools: dict[str, tuple[str, str]] = {}

    @property
    def servers(self) -> list[str]:
        """The names of all servers, sorted."""
        return sorted(self._specs)

    def expect(self, text: str, also: Iterable[tuple[str, str]] = ()) -> None:
        """Note what a program can mean.

        Args:
            text: the program's text with that of its modules.
            also: server and tool of what is given under a name of its own and may be called.
        """
        self._mentioned = mentions(text, self.servers)
        for server, tool in also:
            before = self._mentioned.get(server, Mention(frozenset(), is_needed=False))
            self._mentioned[server] = Mention(before.tools | {tool}, is_needed=True)
        self._name_tools()

    def _wanted(self) -> list[str]:
        return [
            name for name, each in self._mentioned.items() if each.is_needed and name in self._specs and self._asked
        ]

    async def contact(self) -> None:
        """Ask the servers that are mentioned for their tools; one that does not answer says so when it is called."""
        wanted = self._wanted()
        if wanted:
            self._take(wanted, await background.later(_listed([self.server(name) for name in wanted])))

    def contact_here(self) -> None:
        """As ``contact``, where nothing can be awaited."""
        wanted = self._wanted()
        if wanted:
            self._take(wanted, background.wait(_listed([self.server(name) for name in wanted])))

    def _take(self, names: list[str], answers: list[dict[str, dict[str, Any]] | None]) -> None:
        for name, answer in zip(names, answers, strict=True):
            if answer is not None:
                takes = self._specs[name].takes
                self._listed[name] = {tool: said for tool, said in answer.items() if takes(tool)}
        self._name_tools()

    def _name_tools(self) -> None:
        """Name in programs → server and tool. What is listed comes before what is only said, and exact before bent."""
        named: dict[str, tuple[str, str]] = {}
        for server in self._mentioned:
            listed = self._listed.get(server)
            tools: Collection[str] = self._mentioned[server].tools if listed is None else listed
            for tool in sorted(tools, key=lambda tool: (_bent(tool) != tool, tool)):
                named.setdefault(prefix_of(server) + _bent(tool), (server, tool))
        self._tools = named

    def server(self, name: str) -> Server:
        """The server of that name.

        Raises:
            ToolError: there is none.
        """
        if name not in self._specs:
            known = ", ".join(self.servers) or "none"
            raise ToolError(f"there is no MCP server {name!r}", hint=f"The servers in mcp_servers: {known}.")
        return server_of(name, self._specs[name])

    @property
    def names(self) -> list[str]:
        """The names of all tools that are known or were mentioned, as programs say them."""
        return sorted(self._tools)

    def named(self, name: str) -> tuple[str, str] | None:
        """Server and tool of a name in a program (``files_read``, ``mcp.files.read``), or None."""
        if name in self._tools:
            return self._tools[name]
        return next((each for each in self._tools.values() if name == f"mcp.{each[0]}.{each[1]}"), None)

    def body(self, server: str, tool: str, seconds: float | None = None) -> McpBody:
        """A tool of a server, also one that is not known to be there.

        Raises:
            ToolError: there is no such server.
        """
        return McpBody(self.server(server), tool, self._listed.get(server, {}).get(tool), seconds)

    def is_listed(self, server: str) -> bool:
        """Whether the server said which tools it has."""
        return server in self._listed

    def asks_before(self, server: str, tool: str) -> bool:
        """Whether a person is asked before a call."""
        return server in self._specs and self._specs[server].asks_before(tool)


def _bent(tool: str) -> str:
    """A tool's name as it can stand in a name of Lua."""
    return re.sub(r"\W", "_", tool)


async def _listed(servers: list[Server]) -> list[dict[str, dict[str, Any]] | None]:
    return await asyncio.gather(*(_tools_of(server) for server in servers))


async def _tools_of(server: Server) -> dict[str, dict[str, Any]] | None:
    try:
        return await server.list_tools()
    except ToolError:
        return None
