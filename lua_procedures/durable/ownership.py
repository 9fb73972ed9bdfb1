"""Who drives a run: one owner at a time, known by host and process, and told apart by an epoch.

The right to drive lasts as long as a lock that dies with its process. A lock can be lost without its owner knowing
(a dropped connection, a lock file that was deleted), so each taking also counts the journal's *epoch* up, and a store
writes for an owner only while its epoch is the journal's.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar

from ..errors import RunLocked, StoreError

__all__ = ["Owner", "Ownership", "locked", "owner_here", "patiently", "taken_over"]

_PATIENCE: Final = 0.25  # seconds; an owner may be ending just now, or may have locked and not yet signed
_PAUSE: Final = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who last took a journal to drive it; whether it still does, only the lock says.

    Attributes:
        epoch: 1 for the first owner of the journal, and one more for each that followed.
        host: the name of its machine.
        process: its process id there.
        since: UNIX time in seconds.
    """

    epoch: int
    host: str
    process: int
    since: float


class Ownership:
    """The right to drive a journal's run, until it is released; as a context manager, until the end of the block.

    Args:
        owner: what the store keeps of this taking.
        release: lets go of the lock.
    """

    def __init__(self, owner: Owner, release: Callable[[], None]) -> None:
        self.owner = owner
        self._release: Callable[[], None] | None = release

    @property
    def epoch(self) -> int:
        """What ``append`` and ``save`` are given, so that they refuse once another owner has taken over."""
        return self.owner.epoch

    def release(self) -> None:
        """Let others drive; more than once is once."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def owner_here(before: Owner | None) -> Owner:
    """This process, as the owner that follows another one, or as the first."""
    return Owner(before.epoch + 1 if before else 1, socket.gethostname(), os.getpid(), time.time())


def patiently(attempt: Callable[[], T | None]) -> T | None:
    """What an attempt gives; None where it gave nothing for a quarter of a second."""
    deadline = time.monotonic() + _PATIENCE
    while (got := attempt()) is None and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return got


def locked(name: str, owner: Owner | None) -> RunLocked:
    """The refusal to drive a run that has an owner; None where that has left no trace."""
    hint = "Wait until it has ended, or stop it there; if that process dies, the next run takes over by itself."
    if owner is None:
        return RunLocked(f"the run {name!r} is being driven by another process", hint=hint)
    return RunLocked(
        f"the run {name!r} is being driven by {_shown(owner)} since {_clock(owner.since)}",
        host=owner.host,
        process=owner.process,
        since=owner.since,
        hint=hint,
    )


def taken_over(name: str, owner: Owner) -> StoreError:
    """The refusal to write for an owner that another one has followed."""
    return StoreError(
        f"the run {name!r} was taken over by {_shown(owner)} at {_clock(owner.since)}: nothing more is recorded here",
        hint="It goes on there. Once that has ended, running it again here goes on from what is recorded.",
    )


def _shown(owner: Owner) -> str:
    return f"process {owner.process} on host {owner.host}"


def _clock(moment: float) -> str:
    """The local time, with the day where it is not today."""
    then = time.localtime(moment)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", then)
