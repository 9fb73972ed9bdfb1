"""The stop button while Lua runs.

Python runs a signal handler only between its own instructions, so while Lua runs that is inside the hook, where an
exception would be an ordinary Lua error that the program could swallow. So the handler only sets a flag, which the
hook reads. While the run awaits, or a tool of Python's runs, the handler that was there before is in force.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """Installs the flag-setting handler for the time of a pass.

    Args:
        flag: called when the person pressed stop.
    """

    def __init__(self, flag: Callable[[], None]) -> None:
        self._flag = flag
        self._previous: Any = None
        self._active = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
            self._active = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            self._active = False
            signal.signal(signal.SIGINT, self._restorable())

    def _handle(self, *_: object) -> None:
        self._flag()

    def _restorable(self) -> Any:
        # a handler that was not installed from Python reads as None and cannot be put back
        return signal.SIG_DFL if self._previous is None else self._previous

    @contextmanager
    def raising(self) -> Iterator[None]:
        """For a call of a user's Python: a stop raises ``KeyboardInterrupt`` in it at once."""
        if not self._active:
            yield
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            if self._active:
                signal.signal(signal.SIGINT, self._handle)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """For an await: the handler that was there before is in force."""
        if not self._active:
            yield
            return
        signal.signal(signal.SIGINT, self._restorable())
        try:
            yield
        finally:
            if self._active:
                self._previous = signal.signal(signal.SIGINT, self._handle)
