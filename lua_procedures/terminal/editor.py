"""Artifacts in the editor that a person has chosen, and drafts that outlive it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, TextIO

__all__ = ["Draft", "Editor", "EditorFailed"]

_SUFFIXES: Final = {"markdown": ".md", "json": ".json", "table": ".json", "html": ".html", "code": ".txt"}


class EditorFailed(Exception):
    """Nothing could be edited; its text says why in a sentence."""


class Draft:
    """A text in a file of its own, which an editor changes.

    Args:
        text: what is edited.
        kind: of the artifact, as ``artifact_kind`` says it.
    """

    def __init__(self, text: str, kind: str) -> None:
        self._text = text
        self.path = Path(tempfile.mkdtemp(prefix="lua_procedures_")) / f"artifact{_SUFFIXES.get(kind, '.txt')}"
        self.path.write_bytes(f"{text}{self._end}".encode("utf-8", "surrogatepass"))

    @property
    def _end(self) -> str:
        """Editors end the last line of a file, whether the text does or not."""
        return "" if self._text.endswith("\n") else "\n"

    def read(self) -> str:
        """The text as it was saved last.

        Raises:
            EditorFailed: it is no UTF-8, or not there any more.
        """
        try:
            text = self.path.read_bytes().decode("utf-8", "surrogatepass")
        except (OSError, ValueError) as error:
            raise EditorFailed(f"What was edited cannot be read: {error}.") from None
        if "\r" not in self._text:
            text = text.replace("\r\n", "\n")
        return text.removesuffix(self._end) if self._end else text

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost with the file."""
        try:
            return self.read() != self._text
        except EditorFailed:
            return self.path.exists()

    def remove(self) -> None:
        """Delete the file."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


class Editor:
    """The editor of ``VISUAL``, or else of ``EDITOR``.

    Args:
        stream: the terminal, for an editor that is used there.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._process: subprocess.Popen[bytes] | None = None

    def edit(self, path: Path) -> None:
        """Let the person edit a file, until the editor is left.

        Raises:
            EditorFailed: there is no editor, or it fails.
        """
        command = _command()
        try:
            self._process = subprocess.Popen([*command, str(path)], stdout=self._stream)  # noqa: S603 - the person's own
        except OSError as error:
            raise EditorFailed(f"The editor {command[0]} cannot be started: {error.strerror}.") from None
        try:
            code = self._process.wait()
        finally:
            self._process = None
        if code:
            raise EditorFailed(f"The editor {command[0]} ended with code {code}; the artifact is as it was.")

    def stop(self) -> None:
        """End an editor that is open, from another thread."""
        process = self._process
        if process is not None:
            process.terminate()


def _command() -> list[str]:
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(chosen, posix=sys.platform != "win32")
    except ValueError as error:
        raise EditorFailed(f"VISUAL or EDITOR is no command: {error}.") from None
    if not words:
        raise EditorFailed("There is no editor: set VISUAL or EDITOR to one that waits, such as nano or code --wait.")
    return words
