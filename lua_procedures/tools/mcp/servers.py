"""The MCP servers that this process is connected to: one connection to each, kept from run to run."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import ToolError
from . import background
from .links import Link, Lost
from .results import value_of

if TYPE_CHECKING:
    from mcp import ClientSession

    from .specs import ServerSpec

__all__ = ["Server", "close_servers", "server_of"]

T = TypeVar("T")

_MOST_PAGES: Final = 100
_SHORTEST_SECRET: Final = 4  # characters of a value that is kept out of messages


class Server:
    """An MCP server. Its coroutines run on the thread of ``background`` only; the connection is made when needed.

    Attributes:
        name: what programs call it.
        spec: how it is reached.
    """

    def __init__(self, name: str, spec: ServerSpec) -> None:
        self.name = name
        self.spec = spec
        self._link: Link | None = None
        self._listed: dict[str, dict[str, Any]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for it now."""
        return self._link is not None and self._link.calls > 0

    async def list_tools(self) -> dict[str, dict[str, Any]]:
        """The tools that the server has now, by name, as the protocol describes them.

        Raises:
            ToolError: it cannot be reached, or does not answer in time.
        """
        self._listed = await self._within("the list of its tools", self._asked(_list))
        return self._listed

    async def call(self, tool: str, arguments: Mapping[str, Any], seconds: float | None = None) -> Any:
        """What a tool gives.

        Args:
            tool: its name on the server.
            arguments: plain data.
            seconds: how long it may take; as the spec says where None.

        Raises:
            ToolError: the tool failed, took too long, or its server ended or cannot be reached.
        """

        async def request(session: ClientSession) -> dict[str, Any]:
            return _plain(await session.call_tool(tool, dict(arguments)))

        result = await self._within(tool, self._asked(request), seconds)
        try:
            return value_of(result, self._listed.get(tool, {}).get("outputSchema"))
        except ToolError as error:
            raise self._told(error.message) from None

    async def _within(self, what: str, asked: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        limit = self.spec.timeout_seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                return await asked
        except TimeoutError:
            if self._link is not None and not self._link.was_open:
                await self._link.close()  # a server that hangs as it starts: the next call starts another
                raise self._told(f"the server took longer than {limit:g} seconds to be {self._met}") from None
            raise self._told(f"{what} took longer than {limit:g} seconds") from None

    async def _asked(self, request: Callable[[ClientSession], Awaitable[T]]) -> T:
        for is_last in (False, True):
            link = self._open()
            try:
                return await link.ask(request)
            except Lost as lost:
                if is_last or not lost.unheard:
                    raise await self._ended(link, str(lost)) from lost
            except ToolError as error:
                raise self._told(error.message, error.hint) from error
        raise AssertionError("the last try returns or raises")

    def _open(self) -> Link:
        if self._link is None or self._link.is_over:
            self._link = Link(self.spec)
        return self._link

    async def _ended(self, link: Link, reason: str) -> ToolError:
        await link.close()
        lines: list[str] = []
        if link.errors is not None:
            await link.errors.complete()
            lines = list(link.errors.lines)
        if link.was_open:
            return self._told(": ".join([self._over, *lines[-1:]]))
        return self._told("\n".join([f"the server cannot be {self._met}: {reason or 'it ended'}", *lines]))

    @property
    def _met(self) -> str:
        return "started" if self.spec.url is None else "reached"

    @property
    def _over(self) -> str:
        return "the server ended" if self.spec.url is None else "the connection to the server ended"

    def _told(self, message: str, hint: str | None = None) -> ToolError:
        """An error about this server, which tells no secret."""
        for variable, value in self.spec.secrets().items():
            if len(value) >= _SHORTEST_SECRET:
                message = message.replace(value, f"[{variable}]")
        return ToolError(f"{self.name}: {message}", hint=hint)

    async def close(self) -> None:
        """Close the connection; the next call makes another one."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()


async def _list(session: ClientSession) -> dict[str, dict[str, Any]]:
    listed: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = _plain(await session.list_tools(params=_at(cursor)))
        listed |= {tool["name"]: tool for tool in page["tools"]}
        cursor = page.get("nextCursor")
        if not cursor:
            break
    return listed


def _at(cursor: str | None) -> Any:
    from mcp.types import PaginatedRequestParams

    return PaginatedRequestParams(cursor=cursor) if cursor else None


def _plain(result: Any) -> dict[str, Any]:
    plain: dict[str, Any] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return plain


_SERVERS: Final[dict[tuple[str, str], Server]] = {}


def server_of(name: str, spec: ServerSpec) -> Server:
    """The server of that name and spec; the connection of an earlier spec of the name is closed where it is idle."""
    key = (name, spec.model_dump_json())
    if key not in _SERVERS:
        for other in [each for each in _SERVERS if each[0] == name and not _SERVERS[each].is_busy]:
            background.wait(_SERVERS.pop(other).close())
        _SERVERS[key] = Server(name, spec)
    return _SERVERS[key]


async def _close_all(servers: list[Server]) -> None:
    await asyncio.gather(*(server.close() for server in servers))


def close_servers() -> None:
    """Close all connections and end the servers that were started; what needs them next makes new ones."""
    servers = list(_SERVERS.values())
    _SERVERS.clear()
    if background.is_running():
        background.wait(_close_all(servers))
        background.stop()


atexit.register(close_servers)
