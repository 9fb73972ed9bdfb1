"""What Python of a user's raised: a failure of its own, or the end of the run that called it."""

from __future__ import annotations

import asyncio

__all__ = ["check_end"]


def check_end(error: BaseException) -> None:
    """Return where an exception is a failure like any other.

    Raises:
        KeyboardInterrupt, SystemExit: it is one of them, or a group with one in it.
        asyncio.CancelledError: it is one, and the task that runs here is being cancelled.
        GeneratorExit: it is one, and nothing runs here any more: what was called is thrown away.
    """
    end = _end(error)
    if end is not None:
        raise end


def _end(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return next((end for each in error.exceptions if (end := _end(each)) is not None), None)
    if isinstance(error, asyncio.CancelledError):
        return error if _is_cancelled() else None
    if isinstance(error, GeneratorExit):
        return None if _runs() else error
    return error if isinstance(error, (KeyboardInterrupt, SystemExit)) else None


def _is_cancelled() -> bool:
    """Whether somebody cancels the task that runs here; what it awaits may have been cancelled by others."""
    task = asyncio.current_task() if _runs() else None
    return task is not None and task.cancelling() > 0


def _runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
