"""Locks on single bytes of a file, which the operating system drops when their process dies.

On POSIX they belong to the process, and a fork inherits none; but closing *any* descriptor of the file drops all that
the process holds, so each file is opened once in a process, and closed with its last lock. Within a process a lock is
held once, like a lock of another one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

__all__ = ["lock_byte"]

_mutex = threading.Lock()


class _File:
    """A file that this process has open for its locks."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # not inherited by programs that are started
        self.identity = _identity(os.fstat(self.descriptor))
        self.held: set[int] = set()


_files: Final[dict[tuple[int, int], _File]] = {}


def lock_byte(path: Path, place: int) -> Callable[[], None] | None:
    """Lock one byte of a file, which is made where it is missing; no content is read or written.

    Returns:
        What releases the lock, to be called once, or None where another process or this one holds it.

    Raises:
        OSError: the file cannot be made or opened, or its file system knows no locks.
    """
    with _mutex:
        file = _opened(path)
        try:
            if place in file.held or not _lock(file.descriptor, place):
                return None
            file.held.add(place)
            return partial(_release, file, place)
        finally:
            _close_unused(file)


def _opened(path: Path) -> _File:
    try:
        known = _files.get(_identity(path.stat()))
    except FileNotFoundError:
        known = None
    if known is None:
        known = _File(path)
        _files[known.identity] = known
    return known


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _release(file: _File, place: int) -> None:
    with _mutex:
        if place in file.held:  # not in a fork, which holds nothing
            file.held.discard(place)
            _unlock(file.descriptor, place)
            _close_unused(file)


def _close_unused(file: _File) -> None:
    if not file.held:
        del _files[file.identity]
        os.close(file.descriptor)


def _after_fork() -> None:
    """A fork has none of its parent's locks; its copies of the descriptors are of no use to it."""
    global _mutex  # noqa: PLW0603 - another thread of the parent may have held it
    _mutex = threading.Lock()
    for file in _files.values():
        file.held.clear()
        os.close(file.descriptor)
    _files.clear()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, place: int) -> bool:
        os.lseek(descriptor, place, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(descriptor: int, place: int) -> None:
        os.lseek(descriptor, place, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, place: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(descriptor: int, place: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, place)

    os.register_at_fork(after_in_child=_after_fork)
