"""What the tracebacks of errors hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import FrameType

__all__ = ["forget_locals"]

_OURS = __name__.partition(".")[0]


def forget_locals(errors: Iterable[BaseException | None]) -> None:
    """Free what the frames of a pass hold, which a traceback keeps as long as its error.

    The frames of a user's own code keep all, for whoever looks for a fault there; so do those that they called, for
    they may go on.

    Args:
        errors: what ended the pass; what caused them, and what they came up in the handling of, is among them.
    """
    for error in _with_causes(errors):
        for frame in _outermost(error):
            with suppress(RuntimeError):  # it still runs
                frame.clear()


def _with_causes(errors: Iterable[BaseException | None]) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = list(errors)
    while waiting:
        error = waiting.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            waiting += [error.__cause__, error.__context__]
            yield error


def _outermost(error: BaseException) -> Iterator[FrameType]:
    """The frames of this package in which the error was caught last."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] == _OURS:
        yield trace.tb_frame
        trace = trace.tb_next
