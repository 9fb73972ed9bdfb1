"""What ``require`` finds: cells that were defined, and Lua files beside the program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import UsageError

__all__ = ["SUFFIXES", "Finder", "Module", "read_module"]

#: The suffixes of files that hold programs.
SUFFIXES: Final = (".lua", ".tac")

_NAME: Final = re.compile(r"[\w-]+([./][\w-]+)*")


@dataclass(frozen=True)
class Module:
    """A text that ``require`` loads.

    Attributes:
        text: the Lua.
        chunk: its name in messages.
        first_line: the line number of its first line.
    """

    text: str
    chunk: str
    first_line: int = 1


class Finder:
    """Finds the modules of one run.

    Args:
        kept: those that the run used before, where it goes on from its own record; they come first.
        defined: the cells of this session that were defined by name.
        folders: where files are looked for, in order.
    """

    def __init__(self, kept: Mapping[str, Module], defined: Mapping[str, Module], folders: Iterable[Path] = ()) -> None:
        self._kept = kept
        self._defined = defined
        self._folders = tuple(folders)

    def __call__(self, name: str) -> Module | None:
        """The module of that name, or None.

        Raises:
            UsageError: its file is there and cannot be read.
        """
        found = self._kept.get(name) or self._defined.get(name)
        if found is not None:
            return found
        path = next((path for path in self._candidates(name) if path.is_file()), None)
        return None if path is None else read_module(path)

    def _candidates(self, name: str) -> Iterator[Path]:
        stem = name.removesuffix(".lua").removesuffix(".tac")
        if not _NAME.fullmatch(stem):
            return
        for folder in self._folders:
            for suffix in SUFFIXES:
                path = folder / f"{stem.replace('.', '/')}{suffix}"
                if path.resolve().is_relative_to(folder.resolve()):  # a link may lead elsewhere
                    yield path


def read_module(path: Path) -> Module:
    """The text of a file.

    Raises:
        UsageError: it cannot be read, or is no UTF-8 text.
    """
    try:
        return Module(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"{path}: {why}") from None
