"""A run written to a file: its suffix says in which form, and the file is whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from ..durable.journal import Journal
from ..errors import StoreError
from ..runs import Exported, Run
from .held import held_by
from .markdown import record_markdown
from .page import record_page
from .pickled import frozen, pickled
from .plain import record_json

__all__ = ["export_run", "write"]

_SPACE: Final = "Choose another place, or free some space, and export again."


def export_run(journal: Journal, run: Run, path: str | os.PathLike[str]) -> Exported:
    """Write a run to a file.

    Args:
        journal: the run's own.
        run: what the records show.
        path: ``.md`` and ``.html`` are records to read, ``.json`` is plain data; with any other suffix it is one
            pickle file, which ``import_run`` reads.

    Raises:
        StoreError: it cannot be written; what was there is as it was.
    """
    target = Path(path)
    left_out: tuple[str, ...] = ()
    match target.suffix.lower():
        case ".md":
            content = record_markdown(run).encode()
        case ".html":
            content = record_page(run).encode()
        case ".json":
            content = record_json(run, held_by(journal))
        case _:
            held, left_out = frozen(held_by(journal))
            content = pickled(held)
    write(target, content)
    return Exported(path=str(target), checkpoints=len(run.checkpoints), left_out=left_out)


def write(path: Path, content: bytes) -> None:
    """Write a file in one go: a reader, or a process that is killed, sees the old content or the new one.

    Raises:
        StoreError: it cannot be written; what was there is as it was.
    """
    target = Path(os.path.realpath(path))  # a link stays one, and what it points to is written
    if target.exists() and not target.is_file():
        raise StoreError(f"{path} is a folder or a device, no file", hint="Give the path of a file in it.")
    if not target.parent.is_dir():
        raise StoreError(f"{path} cannot be made: its folder is missing", hint=f"Make {target.parent} first.")
    draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        _write_draft(draft, target, content)
        draft.replace(target)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", hint=_SPACE) from error
    finally:
        draft.unlink(missing_ok=True)
    _settle(target.parent)


def _write_draft(draft: Path, target: Path, content: bytes) -> None:
    with draft.open("xb") as file:
        if target.exists() and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Let the new name survive a power cut, where the system lets a folder be flushed."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):  # the file is whole; some file systems flush no folders
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
