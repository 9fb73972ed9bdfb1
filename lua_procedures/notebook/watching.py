"""Answers from elsewhere to a form that no pass waits for: the store is looked into, as a waiting pass does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ..durable.entries import StoredRequest
from ..durable.finding import stored
from ..durable.serialization import loads
from ..durable.stores import open_store
from ..errors import ConversionError, StoreError
from ..human.requests import HumanRequest, HumanResponse
from ..jobs import Job

__all__ = ["Watch", "pause_between"]

_SHORTEST: Final = 0.5  # seconds between two looks
_LONGEST: Final = 30.0
_SLOWER: Final = 600.0  # a pause is this part of the time that nobody has answered: longer after five minutes


def pause_between(silent: float, failures: int) -> float:
    """How long to wait until the next look, in seconds.

    Args:
        silent: seconds since the question was left.
        failures: how many looks failed since the last one that did not.
    """
    return min(_LONGEST, max(_SHORTEST, silent / _SLOWER) * 2.0 ** min(failures, 6))


class Watch:
    """Looks for the answer to one question until it is there, or the watch is ended.

    It looks on a thread: a store on another machine may take long to say that it is out of reach. Both callbacks are
    called in the loop.

    Args:
        job: the paused run's.
        request: its open question.
        loop: the kernel's loop.
        answered: called once, with the answer that somebody left in the store.
        unreadable: called once where there is an answer, but none that can be read; it may be put right.
    """

    def __init__(
        self,
        job: Job,
        request: HumanRequest,
        loop: asyncio.AbstractEventLoop,
        answered: Callable[[HumanResponse], None],
        unreadable: Callable[[], None],
    ) -> None:
        self._job, self._request, self._loop = job, request, loop
        self._answered, self._unreadable = answered, unreadable
        self._since = loop.time()
        self._failures = 0
        self._told = self._ended = False
        self._timer = loop.call_later(_SHORTEST, self._look)

    def end(self) -> None:
        """Look no more; a look that has begun comes to nothing."""
        self._ended = True
        self._timer.cancel()

    def _look(self) -> None:
        self._loop.run_in_executor(None, self._kept).add_done_callback(self._looked)

    def _kept(self) -> StoredRequest | None:
        store = open_store(self._job.store)
        return store.request(stored(store, self._job.name, self._job.root).id, self._request.id)

    def _looked(self, look: asyncio.Future[StoredRequest | None]) -> None:
        if self._ended:
            return
        response = self._response(look)
        if response is None:
            pause = pause_between(self._loop.time() - self._since, self._failures)
            self._timer = self._loop.call_later(pause, self._look)
        else:
            self._answered(response)

    def _response(self, look: asyncio.Future[StoredRequest | None]) -> HumanResponse | None:
        try:
            kept = look.result()
            response = None if kept is None or kept.answer is None else HumanResponse(**loads(kept.answer))
        except StoreError:
            self._failures += 1  # a store out of reach may come back
        except (ConversionError, TypeError, ValueError):
            self._failures += 1
            self._tell()
        else:
            self._failures = 0
            return response
        return None

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._unreadable()
