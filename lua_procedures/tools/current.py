"""``current_run()``: what a Python tool can ask of the run that called it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from ..errors import UsageError

__all__ = ["CurrentRun", "StopRequest", "calling", "current_run"]


class StopRequest(NamedTuple):
    """A tool asked the run to stop."""

    reason: str
    success: bool


class CurrentRun:
    """The run as a tool sees it, for the time of one call.

    Attributes:
        name: the run's name.
        run_id: the run's id.
        asked: the stops that were asked for, in order; the last one counts.
    """

    def __init__(self, name: str, run_id: str) -> None:
        self.name = name
        self.run_id = run_id
        self.asked: list[StopRequest] = []
        self._over = False

    def request_stop(self, reason: str, success: bool = True) -> None:  # noqa: FBT001, FBT002 - as in Lua
        """Ask the run to stop. The program sees it when it next looks at ``Stop``, and on replay again.

        Raises:
            UsageError: the reason is no text, or the call is over and its result recorded.
        """
        if not isinstance(reason, str):
            raise UsageError(f"request_stop: reason: a str expected, got {type(reason).__name__}")
        if not isinstance(success, bool):
            raise UsageError(f"request_stop: success: a bool expected, got {type(success).__name__}")
        if self._over:
            raise UsageError(
                "request_stop: the tool's call is over",
                hint="What a tool asks is recorded with its result: ask before the tool returns.",
            )
        self.asked.append(StopRequest(reason, success))

    def end(self) -> None:
        """The call is over: nothing can be asked any more."""
        self._over = True


_current: ContextVar[CurrentRun | None] = ContextVar("lua_procedures_current_run", default=None)


def current_run() -> CurrentRun:
    """The run that called the tool which calls this.

    It is known in the tool itself, in the tasks that it starts, and in threads with a copy of its context
    (``asyncio.to_thread``, ``contextvars.copy_context().run``).

    Raises:
        UsageError: no run is calling a tool here.
    """
    run = _current.get()
    if run is None:
        raise UsageError(
            "current_run() is for tools, while a run calls them",
            hint="In a thread of your own, start it with contextvars.copy_context().run.",
        )
    return run


@contextmanager
def calling(name: str, run_id: str) -> Iterator[CurrentRun]:
    """For the time of one call of a tool: ``current_run()`` in it is what this gives."""
    run = CurrentRun(name, run_id)
    token = _current.set(run)
    try:
        yield run
    finally:
        run.end()
        _current.reset(token)
