"""Answers from elsewhere to a form that no pass waits for: the store is looked into, as a waiting pass does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from ..durable.finding import stored
from ..durable.serialization import loads
from ..durable.stores import open_store
from ..errors import StoreError
from ..human.requests import HumanRequest, HumanResponse
from ..jobs import Job

__all__ = ["Watch"]

_LOOK: Final = 0.5  # seconds between two looks


class Watch:
    """Looks for the answer to one question until it is there, or the watch is ended.

    Args:
        job: the paused run's.
        request: its open question.
        loop: the kernel's loop, which calls.
        answered: called once, with the answer that somebody left in the store.
    """

    def __init__(
        self,
        job: Job,
        request: HumanRequest,
        loop: asyncio.AbstractEventLoop,
        answered: Callable[[HumanResponse], None],
    ) -> None:
        self._store = open_store(job.store)
        self._journal = stored(self._store, job.name, job.root).id
        self._request, self._loop, self._answered = request, loop, answered
        self._timer = loop.call_later(_LOOK, self._look)

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        try:
            kept = self._store.request(self._journal, self._request.id)
        except StoreError:
            kept = None  # a store out of reach may come back
        if kept is None or kept.answer is None:
            self._timer = self._loop.call_later(_LOOK, self._look)
        else:
            self._answered(HumanResponse(**loads(kept.answer)))
