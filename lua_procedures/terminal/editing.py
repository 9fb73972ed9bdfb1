"""The artifact of a question, edited until it fits or left as it was."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..errors import AnswerRefused
from ..human.answers import accept
from ..human.artifacts import artifact_kind
from ..human.choices import options_of
from ..human.parsing import parse_json
from ..human.requests import HumanRequest
from ..rendering.text import clean
from .editor import Draft, Editor, EditorFailed
from .prompts import Prompt

__all__ = ["Editing"]

_WORD: Final = "edit"
_MOST_LINES: Final = 60


class Editing:
    """What a person makes of an artifact.

    Args:
        request: the question.
        editor: what edits.
        read: asks for a line.
        write: writes a line.

    Attributes:
        value: the edited artifact, or None where it is as it was.
    """

    def __init__(
        self, request: HumanRequest, editor: Editor, read: Callable[[Prompt], str], write: Callable[[str], object]
    ) -> None:
        self._request, self._editor, self._read, self._write = request, editor, read, write
        self._kind = artifact_kind(request)
        self._draft: Draft | None = None
        self.value: Any = None

    @property
    def word(self) -> str | None:
        """What a person types to edit; None where nothing can be edited."""
        request = self._request
        if request.kind != "review" and not request.editable:
            return None
        if not self._kind or self._kind == "image" or _text_of(request.artifact) is None:
            return None
        taken = any(option.label.casefold() == _WORD for option in options_of(request))
        return f":{_WORD}" if taken else _WORD

    def is_asked(self, text: str) -> bool:
        """Whether a person wants to edit."""
        return self.word is not None and text.strip().casefold() == self.word

    def edit(self) -> None:
        """Open the editor until what it leaves fits, or the person has enough of it."""
        before = _text_of(self._request.artifact) or ""
        while True:
            try:
                self._draft = self._draft or Draft(before, self._kind)
                self._editor.edit(self._draft.path)
                after = self._draft.read()
            except (EditorFailed, OSError) as error:
                self._write(str(error))
                return
            problem = self._taken(after)
            if problem is None:
                self._write_difference(before, _text_of(self.value) or "")
                return
            self._write(problem)
            if self._read(Prompt("Enter edits it again, any word leaves it: ")).strip():
                return

    def leave(self, *, is_taken: bool) -> None:
        """The question is left: what was edited in vain is kept, and its place is said."""
        draft, self._draft = self._draft, None
        if draft is None:
            return
        if is_taken or not draft.is_changed:
            draft.remove()
        else:
            self._write(f"What you edited is kept in {draft.path}")

    def stop(self) -> None:
        """End an editor that is open."""
        self._editor.stop()

    def _taken(self, text: str) -> str | None:
        """Take an edit over; what is wrong with it, if anything is."""
        try:
            value = text if isinstance(self._request.artifact, str) else parse_json(text)
        except ValueError as error:
            return f"This is not JSON: {error}."
        problems = list(_problems(self._request, value))
        if problems:
            return "\n".join(problems)
        self.value = value
        return None

    def _write_difference(self, before: str, after: str) -> None:
        lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
        for line in lines[:_MOST_LINES] or ["nothing was changed"]:
            self._write(f"  {clean(line)}")
        if len(lines) > _MOST_LINES:
            self._write(f"  … ({len(lines) - _MOST_LINES} more lines)")


def _text_of(artifact: Any) -> str | None:
    """The artifact as it is edited; None where it has no text."""
    if isinstance(artifact, str):
        return artifact
    try:
        return json.dumps(artifact, ensure_ascii=False, indent=2, allow_nan=False)
    except (TypeError, ValueError):
        return None


def _problems(request: HumanRequest, value: Any) -> Iterator[str]:
    """What is wrong with an edited artifact, whatever is decided."""
    decision = {"approved": True} if request.kind == "approve" else {"decision": options_of(request)[0].label}
    try:
        accept(request, {**decision, "edited_artifact": value})
    except AnswerRefused as error:
        yield from (fault["message"] for fault in error.faults if fault["field"] == "edited_artifact")
