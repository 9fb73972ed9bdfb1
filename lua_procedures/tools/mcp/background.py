"""A thread with an event loop of its own, on which connections outlive the loops of single runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, Final, TypeVar

from ..calling import sliced

__all__ = ["is_running", "later", "stop", "wait"]

T = TypeVar("T")

_LOCK: Final = Lock()
_running: list[tuple[asyncio.AbstractEventLoop, Thread]] = []  # one at most


def _submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    with _LOCK:
        if not _running:
            loop = asyncio.new_event_loop()
            thread = Thread(target=loop.run_forever, name="lua_procedures.mcp", daemon=True)
            thread.start()
            _running.append((loop, thread))
        return asyncio.run_coroutine_threadsafe(coroutine, _running[0][0])


async def later(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs on the thread; a cancellation here cancels it there."""
    return await asyncio.wrap_future(_submit(coroutine))


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """Wait for a coroutine that runs on the thread; an interruption here cancels it there."""
    future = _submit(coroutine)
    try:
        return sliced(future)
    except BaseException:
        future.cancel()
        raise


def is_running() -> bool:
    """Whether there is such a thread now."""
    return bool(_running)


def stop() -> None:
    """End the thread; the next coroutine starts another one."""
    with _LOCK:
        for loop, thread in _running:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
        _running.clear()
