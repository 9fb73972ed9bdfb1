"""Where the connections of an async client live.

A client of a provider keeps connections open, bound to the event loop that made them, and LangChain shares clients
between models. In another loop, such as that of a second ``asyncio.run``, such a connection fails after the request was
sent: it was paid for, and its answer is lost. So the first loop has the async clients to itself, and calls from any
other loop go through the sync clients, in a thread.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any

__all__ = ["in_thread", "is_at_home"]

_homes: list[weakref.ref[asyncio.AbstractEventLoop]] = []


def is_at_home(model: object) -> bool:
    """Whether the running loop may use the model's own async client; a model that keeps none is at home anywhere."""
    loop = asyncio.get_running_loop()
    if _homes and _homes[0]() is loop:
        return True
    if not _keeps_connections(model):
        return True
    if not _homes:
        _homes.append(weakref.ref(loop))
        return True
    return False


def _keeps_connections(model: object) -> bool:
    names = (*dir(type(model)), *vars(model), *getattr(model, "__private_attributes__", ()))
    return any("async_client" in name for name in names)


async def in_thread(work: Callable[[], Any]) -> Any:
    """The result of a function that runs in a thread of its own, which nobody waits for once this was cancelled."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def main() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
            failed = error
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(settle, result, failed)

    Thread(target=copy_context().run, args=(main,), daemon=True).start()
    return await done
