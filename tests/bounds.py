"""What tests use in a clock's place: no test fails because a machine is slow or busy.

What an action costs is counted, not timed. What must not go on for ever is given so much that it would, and pytest's
``timeout`` ends it. Where a test waits for something, it waits for as long as that may take.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

__all__ = ["PATIENCE", "eventually", "lines_run"]

T = TypeVar("T")

#: Seconds after which what takes one or two is given up, so that its process ends; far above what a slow machine needs.
PATIENCE = 120.0


def lines_run(action: Callable[[], object]) -> int:
    """How many lines of Python an action runs, calls and returns included: its cost, the same on every machine.

    What C does inside of one line is not seen.
    """
    count = 0

    def trace(_frame: FrameType, _event: str, _given: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def eventually(condition: Callable[[], T]) -> T:
    """Wait until the condition gives something true, which is returned."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError(f"it did not happen in {PATIENCE} s")
        time.sleep(0.01)
    return found
