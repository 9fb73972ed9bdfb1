"""When a question expires, whatever happens to the clock meanwhile."""

from __future__ import annotations

import math
import time

from ..human.requests import HumanRequest

__all__ = ["Deadline"]


class Deadline:
    """The end of a question's time, for as long as this process waits.

    A clock that is set back does not prolong the wait. One that goes on while the machine sleeps ends it.

    Args:
        request: the question, which may have no end.
    """

    def __init__(self, request: HumanRequest) -> None:
        self._at = math.inf if request.expires_at is None else request.expires_at
        most = math.inf if request.timeout_seconds is None else request.timeout_seconds
        self._end = time.monotonic() + min(self._at - time.time(), most)

    @property
    def left(self) -> float:
        """Seconds; infinite where the question does not expire, and 0 once it has."""
        return max(0.0, min(self._at - time.time(), self._end - time.monotonic()))
