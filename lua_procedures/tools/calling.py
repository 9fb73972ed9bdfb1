"""Waiting for an awaitable where nothing is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from typing import Any, Final, TypeVar

__all__ = ["sliced", "wait_for"]

_SLICE: Final = 0.1  # seconds: how long a wait may keep the stop button from being noticed

T = TypeVar("T")


def wait_for(awaitable: Awaitable[Any]) -> Any:
    """The result of an awaitable, from code that cannot await.

    It runs in an event loop of its own: in this thread, or where this thread runs one already in another thread
    with a copy of the context. An interruption cancels it.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_awaited(awaitable))
    return _in_thread(awaitable)


def sliced(future: Future[T]) -> T:
    """The result of a future of another thread, waited for so that an interruption is noticed on every system."""
    while not future.done():
        wait([future], _SLICE)
    return future.result()


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _in_thread(awaitable: Awaitable[Any]) -> Any:
    result: Future[Any] = Future()
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def main() -> Any:
        task = asyncio.ensure_future(_awaited(awaitable))
        started.set_result((asyncio.get_running_loop(), task))
        return await task

    def work() -> None:
        try:
            result.set_result(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            result.set_exception(error)

    Thread(target=copy_context().run, args=(work,), daemon=True).start()
    try:
        return sliced(result)
    except BaseException:
        if not result.done():
            loop, task = started.result()
            loop.call_soon_threadsafe(task.cancel)
        raise
