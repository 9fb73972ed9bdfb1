"""The files that a program may use: regular files in one folder, reached without any link.

A path is walked part by part from the open folder, and no part may be a link; so nothing that changes meanwhile leads
out of the folder. Where the platform cannot open relative to a folder, the path is resolved and checked beforehand.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import Final, NamedTuple

__all__ = ["FileFault", "Folder"]

#: Whether the platform opens a file relative to an open folder, and can be told not to follow a link.
_WALKS: Final = {os.open, os.mkdir, os.stat, os.rename, os.unlink} <= os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_INTO: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_READ: Final = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)


class FileFault(Exception):
    """A file cannot be used; the text is for the program and names the path as the program gave it."""


class _IsFolder(FileFault):
    """A path stands for a folder."""


class _Place(NamedTuple):
    """Where a file is: its name in an open folder, or its whole path where ``folder`` is None."""

    name: str
    folder: int | None

    def beside(self, name: str) -> _Place:
        """Another name in the same folder."""
        return _Place(name if self.folder is not None else str(Path(self.name).with_name(name)), self.folder)


class Folder:
    """A folder whose files a program may use.

    Args:
        root: the folder; it may itself be reached by a link.
        max_bytes: the largest file that is read or written, in bytes.
    """

    def __init__(self, root: str | Path, max_bytes: int) -> None:
        self._root = Path(root)
        self._max_bytes = max_bytes

    def read(self, path: str) -> bytes:
        """What a file holds.

        Raises:
            FileFault: it is not there, is larger than ``max_bytes``, lies outside, or is no regular file.
        """
        with self._at(path) as place:
            self._check_size(path, _existing(path, place).st_size)
            with os.fdopen(os.open(place.name, _READ, dir_fd=place.folder), "rb") as file:
                _check_regular(path, os.fstat(file.fileno()).st_mode)
                data = file.read(self._max_bytes + 1)
        self._check_size(path, len(data))
        return data

    def write(self, path: str, data: bytes) -> None:
        """Replace a file, whole or not at all; folders on the way are created.

        Raises:
            FileFault: it lies outside, is no regular file, is read-only, or the data is larger than ``max_bytes``.
        """
        self._check_size(path, len(data))
        with self._at(path, create=True) as place:
            before = _look(path, place)
            if before is not None and not before.st_mode & stat.S_IWUSR:
                raise FileFault(f"{path}: is read-only")
            _replace(place, data, before)

    def exists(self, path: str) -> bool:
        """Whether a regular file is there.

        Raises:
            FileFault: the path leads outside, or over a link.
        """
        try:
            with self._at(path) as place:
                found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
        except _IsFolder:
            return False
        except FileFault as fault:
            if isinstance(fault.__cause__, (FileNotFoundError, NotADirectoryError)):
                return False
            raise
        _check_no_link(path, found.st_mode)
        return stat.S_ISREG(found.st_mode)

    def size(self, path: str) -> int:
        """How many bytes a file has.

        Raises:
            FileFault: it is not there, lies outside, or is no regular file.
        """
        with self._at(path) as place:
            return _existing(path, place).st_size

    def _check_size(self, path: str, size: int) -> None:
        if size > self._max_bytes:
            raise FileFault(f"{path}: larger than {self._max_bytes:,} bytes (limits max_bytes)")

    @contextmanager
    def _at(self, path: str, *, create: bool = False) -> Iterator[_Place]:
        """The place of a file; what the system says against it inside becomes a fault that names the path."""
        parts = _parts(path)
        if not self._root.is_dir():
            raise FileFault(f"{path}: the run's folder of files is not there: {self._root}")
        try:
            with (_walked if _WALKS else _resolved)(self._root, path, parts, create=create) as place:
                yield place
        except FileNotFoundError as error:
            raise FileFault(f"{path}: no such file") from error
        except OSError as error:
            reason = "is a link" if error.errno == errno.ELOOP else (error.strerror or str(error)).lower()
            raise FileFault(f"{path}: {reason}") from error


def _parts(path: str) -> list[str]:
    """The names on the way from the folder to a file."""
    if path.startswith("/") or PureWindowsPath(path).anchor:
        raise FileFault(f"{path}: an absolute path; paths are relative to the run's folder of files")
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/") if os.sep == "\\" else path.split("/"):
        if part == ".." and not parts:
            raise FileFault(f"{path}: leads out of the run's folder of files")
        if part == "..":
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    if not parts or path.endswith(("/", "/.", "/..")):
        raise _IsFolder(f"{path}: a folder, not a file")
    return parts


@contextmanager
def _walked(root: Path, path: str, parts: list[str], *, create: bool) -> Iterator[_Place]:
    """The place of a file, with every folder on the way opened from the one before."""
    folder = os.open(root, _INTO)
    try:
        for part in parts[:-1]:
            inner = _enter(folder, path, part, create=create)
            os.close(folder)
            folder = inner
        yield _Place(parts[-1], folder)
    finally:
        os.close(folder)


def _enter(folder: int, path: str, part: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=folder)
    try:
        return os.open(part, _INTO | _NO_FOLLOW, dir_fd=folder)
    except NotADirectoryError:
        # what systems say of a link that must not be followed differs
        _check_no_link(path, os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
        raise


@contextmanager
def _resolved(root: Path, path: str, parts: list[str], *, create: bool) -> Iterator[_Place]:
    """The place of a file, checked to be in the folder when all links are followed, and to follow none."""
    way = [root.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    inside = Path(os.path.realpath(way[-1])).is_relative_to(os.path.realpath(root))
    if not inside or any(place.is_symlink() for place in way):
        raise FileFault(f"{path}: is a link")
    if create:
        way[-1].parent.mkdir(parents=True, exist_ok=True)
    yield _Place(str(way[-1]), None)


def _look(path: str, place: _Place) -> os.stat_result | None:
    """What is there, if it is a regular file; None where nothing is."""
    try:
        found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_regular(path, found.st_mode)
    return found


def _existing(path: str, place: _Place) -> os.stat_result:
    found = _look(path, place)
    if found is None:
        raise FileNotFoundError
    return found


def _check_no_link(path: str, mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise FileFault(f"{path}: is a link")


def _check_regular(path: str, mode: int) -> None:
    _check_no_link(path, mode)
    if stat.S_ISDIR(mode):
        raise _IsFolder(f"{path}: a folder, not a file")
    if not stat.S_ISREG(mode):
        raise FileFault(f"{path}: not a regular file")


def _replace(place: _Place, data: bytes, before: os.stat_result | None) -> None:
    """Write beside the file, then take its place; a reader sees the old one or the new one."""
    draft = place.beside(f".{secrets.token_hex(8)}.tmp")
    handle = os.open(draft.name, _CREATE, 0o666, dir_fd=draft.folder)
    try:
        with os.fdopen(handle, "wb") as file:
            if before is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.write(data)
        os.replace(draft.name, place.name, src_dir_fd=draft.folder, dst_dir_fd=place.folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft.name, dir_fd=draft.folder)
        raise
