"""One open connection to an MCP server, held by a task of its own.

The SDK's connections must be left in the task that entered them, so one task opens, waits until it is to close, and
closes; calls come from other tasks of the same loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import ProcedureError, ToolError, UsageError

if TYPE_CHECKING:
    from mcp import ClientSession

    from .specs import ServerSpec

__all__ = ["Link", "Lost"]

T = TypeVar("T")

_KEPT_LINES: Final = 20
_LONGEST_LINE: Final = 500
_CHUNK: Final = 4096
_LAST_WORDS: Final = 0.5  # seconds in which what an ended server still wrote arrives
_CLOSED: Final = -32000  # the protocol's codes: the connection is closed
_INVALID: Final = 32600  # no such session, or no such request; some servers write it without its sign
_LOGGERS: Final = ("mcp", "client")  # of the SDK, which would write into the notebook where nobody listens
_LONGEST_READ: Final = 300.0  # seconds that the SDK waits for a response that stays open


class Lost(Exception):
    """The connection ended.

    Attributes:
        unheard: whether the server surely did not take up the request.
    """

    def __init__(self, message: str, *, unheard: bool = False) -> None:
        super().__init__(message)
        self.unheard = unheard


class ErrorLines:
    """The last lines that a server wrote to its standard error, read in a thread of their own.

    Attributes:
        lines: they, oldest first.
        sink: where the server writes to; closed once the server has it.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        reading, writing = os.pipe()
        self.sink = os.fdopen(writing, "w")
        self._thread = Thread(target=self._read, args=(reading,), name="lua_procedures.mcp.errors", daemon=True)
        self._thread.start()

    def _read(self, reading: int) -> None:
        rest = b""
        with os.fdopen(reading, "rb", buffering=0) as source:
            while chunk := source.read(_CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                self._keep(whole)
                rest = rest[:_LONGEST_LINE]
        self._keep([rest])

    def _keep(self, lines: list[bytes]) -> None:
        shown = (line.decode("utf-8", "replace").rstrip()[:_LONGEST_LINE] for line in lines)
        self.lines.extend(line for line in shown if line)

    async def complete(self) -> None:
        """Wait a moment for what an ended server still wrote."""
        await asyncio.to_thread(self._thread.join, _LAST_WORDS)


class Link:
    """One connection. It is made in a running loop, and used in no other.

    Args:
        spec: how the server is reached.

    Attributes:
        errors: what the server wrote to its standard error; None where it is not ours to read.
        was_open: whether the connection was ever made.
    """

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._closing = asyncio.Event()
        self._ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self.errors = ErrorLines() if spec.command is not None else None
        self.was_open = False
        self.calls = 0
        self._scope: Any = None
        self._owner = asyncio.create_task(self._own())

    @property
    def is_over(self) -> bool:
        """Whether no more calls can be made."""
        return self._closing.is_set() or self._owner.done()

    async def _own(self) -> None:
        import anyio

        with anyio.CancelScope() as self._scope:
            async with AsyncExitStack() as stack:
                stack.callback(self._closing.set)
                session = await stack.enter_async_context(_opened(self._spec, self.errors, self._closing.set))
                self.was_open = True
                self._ready.set_result(session)
                await self._closing.wait()

    async def ask(self, request: Callable[[ClientSession], Awaitable[T]]) -> T:
        """What the server answers.

        Raises:
            Lost: the connection ended, before or meanwhile.
            ToolError: the server refuses the request.
        """
        self.calls += 1
        try:
            await self._until(self._ready)
            if not self._ready.done():
                raise await self._ended()
            return await self._asked(asyncio.ensure_future(request(self._ready.result())))
        finally:
            self.calls -= 1

    async def _asked(self, asked: asyncio.Future[T]) -> T:
        try:
            await self._until(asked)
            if asked.done():
                return asked.result()
        except Exception as error:
            raise self._fault(error) from error
        finally:
            asked.cancel()
        raise await self._ended()

    async def _until(self, future: asyncio.Future[Any]) -> None:
        """Wait until the future is done or the connection has ended."""
        waited: set[asyncio.Future[Any]] = {future, self._owner}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)

    def _fault(self, error: Exception) -> Exception:
        """What an error of the SDK means."""
        code = getattr(getattr(error, "error", None), "code", None)
        if code == _CLOSED or (isinstance(code, int) and abs(code) == _INVALID):
            self._closing.set()
            return Lost(_said(error), unheard=code != _CLOSED)
        return ToolError(_said(error))

    async def _ended(self) -> Exception:
        """Why the connection ended, or could not be made."""
        failure = None if not self._owner.done() or self._owner.cancelled() else self._owner.exception()
        if failure is None:
            return Lost("")
        first = _first(failure)
        if isinstance(first, ProcedureError):
            return ToolError(first.message, hint=first.hint)
        return Lost(_said(first))

    async def close(self) -> None:
        """Close the connection, and end a server that was started for it."""
        self._closing.set()
        if not self._ready.done() and self._scope is not None:
            self._scope.cancel()
        await asyncio.wait({self._owner})
        with suppress(Exception):  # how it ended is of no interest any more
            self._owner.exception()


@asynccontextmanager
async def _opened(
    spec: ServerSpec, errors: ErrorLines | None, over: Callable[[], None]
) -> AsyncIterator[ClientSession]:
    """A session with the server; ``over`` is called when the server's side ends."""
    mcp = _library()
    async with AsyncExitStack() as stack:
        open_streams = _started(mcp, spec, errors) if errors is not None else _reached(spec)
        read, write = await stack.enter_async_context(open_streams)
        watched = await stack.enter_async_context(_watched(read, over))
        session = await stack.enter_async_context(mcp.ClientSession(watched, write))
        await session.initialize()
        yield session


def _library() -> Any:
    try:
        import mcp
    except ImportError:
        raise UsageError(
            "mcp_servers: the package mcp is not installed", hint="Install it: pip install 'lua-procedures[mcp]'"
        ) from None
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    return mcp


@asynccontextmanager
async def _started(mcp: Any, spec: ServerSpec, errors: ErrorLines) -> AsyncIterator[tuple[Any, Any]]:
    with errors.sink as sink:
        parameters = mcp.StdioServerParameters(
            command=spec.command, args=list(spec.args), env=spec.environment(), cwd=spec.cwd
        )
        async with mcp.stdio_client(parameters, errlog=sink) as (read, write):
            sink.close()  # the server has its own; when that closes, too, there is nothing more to read
            yield read, write


@asynccontextmanager
async def _reached(spec: ServerSpec) -> AsyncIterator[tuple[Any, Any]]:
    from mcp.client import streamable_http

    library: Any = streamable_http  # its two versions bring an HTTP library each, and the maker of its clients
    client = library.create_mcp_http_client(headers=spec.request_headers())
    if spec.timeout_seconds > _LONGEST_READ:
        client.timeout = spec.timeout_seconds
    async with client, library.streamable_http_client(spec.url, http_client=client) as (read, write, *_):
        yield read, write


@asynccontextmanager
async def _watched(read: Any, over: Callable[[], None]) -> AsyncIterator[Any]:
    """The same stream, of which it is told when it ends."""
    import anyio

    send, receive = anyio.create_memory_object_stream[Any](0)

    async def pass_on() -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with send:
                async for message in read:
                    await send.send(message)
        over()

    async with read, receive, anyio.create_task_group() as group:
        group.start_soon(pass_on)
        yield receive
        group.cancel_scope.cancel()


def _first(error: BaseException) -> BaseException:
    """What went wrong first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _said(error: BaseException) -> str:
    told = getattr(error, "error", None)  # of the SDK's own errors, whose two versions are different texts
    message = getattr(told, "message", None) or str(error)
    return str(message) if message else type(error).__name__
