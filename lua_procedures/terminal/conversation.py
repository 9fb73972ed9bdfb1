"""What a person is asked for one question, prompt after prompt, until there is an answer to try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from ..errors import AnswerRefused
from ..human.answers import accept_field
from ..human.choices import Question, option_value, options_of
from ..human.parsing import parse_choice, parse_choices, parse_text
from ..human.requests import HumanRequest, RequestField
from ..rendering.text import one_line, value_text
from .editing import Editing
from .editor import Editor
from .prompts import Prompt, Reader
from .wording import numbered, time_left

__all__ = ["Conversation"]

_YES_NO: Final = ("yes", "no")


class Conversation:
    """The prompts of one question.

    Args:
        request: the question.
        reader: reads what is typed.
        write: writes a line.
        editor: what edits an artifact.
    """

    def __init__(self, request: HumanRequest, reader: Reader, write: Callable[[str], object], editor: Editor) -> None:
        self._request, self._reader, self._write = request, reader, write
        self._remaining = None if request.expires_at is None else partial(time_left, request)
        self._fields: dict[str, Any] = {}
        self._kinds: dict[str, Callable[[], Any]] = {
            "approve": self._approve,
            "input": self._input,
            "select": self._select,
            "review": self._review,
            "multiple": self._multiple,
            "escalate": self._escalate,
        }
        self.editing = Editing(request, editor, reader.read, write)

    def ask(self) -> Any:
        """An answer, for ``accept``.

        Raises:
            EOFError, KeyboardInterrupt, Closed: as ``Reader.read``.
        """
        return self._kinds[self._request.kind]()

    def refused(self, error: AnswerRefused) -> None:
        """Say what does not fit; ``ask`` asks for it again."""
        self._write(error.message)
        for field in [fault["field"] for fault in error.faults or ()] or list(self._fields):
            self._fields.pop(field, None)

    # -- kinds of questions ------------------------------------------------------------------------------

    def _approve(self) -> Any:
        raw = parse_text(self._request, self._decide("yes or no", _YES_NO))
        if self.editing.value is None or not isinstance(raw, bool):
            return raw
        return {"approved": raw, "edited_artifact": self.editing.value}

    def _review(self) -> Any:
        text = self._decide("decision", [option.label for option in options_of(self._request)])
        option, edited = parse_choice(self._request, text), self.editing.value
        if option is None:
            raw = parse_text(self._request, text)
            return {"edited_artifact": edited, **raw} if isinstance(raw, dict) else raw
        feedback = self._reader.read(self._prompt("feedback (Enter for none): "))
        return {"decision": option.label, "feedback": feedback, "edited_artifact": edited}

    def _input(self) -> Any:
        return self._value(self._request, "answer")

    def _select(self) -> Any:
        return self._value(self._request, "choice" if self._request.mode == "single" else "choices")

    def _multiple(self) -> Any:
        for field in self._request.fields:
            if field.id not in self._fields:
                self._fields[field.id] = self._field(field)
        return dict(self._fields)

    def _escalate(self) -> Any:
        return self._line(self._prompt("“resolved” or a remark, when it is: ", ["resolved"]))

    # -- prompts -----------------------------------------------------------------------------------------

    def _prompt(self, text: str, words: Sequence[str] = (), **more: Any) -> Prompt:
        return Prompt(text, words, remaining=self._remaining, **more)

    def _line(self, prompt: Prompt) -> str:
        """What is typed, which is not nothing."""
        while not (text := self._reader.read(prompt)).strip():
            continue
        return text

    def _decide(self, text: str, words: Sequence[str]) -> str:
        """A decision, once the person has edited enough."""
        edit = self.editing.word
        prompt = self._prompt(f"{text}: ", words)
        if edit is not None:
            prompt = self._prompt(f"{text}, or {edit}: ", [*words, edit])
        while self.editing.is_asked(typed := self._line(prompt)):
            self.editing.edit()
        return typed

    def _value(self, question: Question, text: str, *, required: bool = True) -> Any:
        """The answer to an input or a select, or to such a field; what is typed for it fits or is refused later."""
        labels = [option.label for option in question.options]
        several = bool(labels) and question.mode == "multiple"
        if several:
            text = f"{text} (with commas{'' if question.min else ', or none'})"
        elif question.multiline:
            text = f"{text} ({self._reader.line_end})"
        prompt = self._prompt(
            f"{text} " if text.endswith(("?", ":")) else f"{text}: ",
            labels,
            several=several,
            lines=question.multiline and not labels,
            first=_first(question),
            placeholder=question.placeholder or "",
        )
        typed = self._line(prompt) if labels and required else self._reader.read(prompt)
        if several:
            return parse_choices(question, typed)
        option = parse_choice(question, typed) if labels else None
        return parse_text(question, typed) if option is None else option_value(option)

    def _field(self, field: RequestField) -> Any:
        """The answer to one field, asked until it fits."""
        for line in numbered(() if field.type == "approve" else field.options):
            self._write(line)
        label = one_line(field.message or field.id, 200) + ("" if field.required else " (optional)")
        while True:
            try:
                return accept_field(field, self._field_answer(field, label))
            except AnswerRefused as error:
                self._write("; ".join(fault["message"] for fault in error.faults))

    def _field_answer(self, field: RequestField, label: str) -> Any:
        if field.type != "approve":
            value = self._value(field, label, required=False)
            return None if value == "" and (field.options or field.response_schema) else value
        default = "" if field.default is None else _YES_NO[not field.default]
        typed = self._reader.read(self._prompt(f"{label} (yes or no): ", _YES_NO, first=default))
        return parse_text(field, typed) if typed.strip() else None


def _first(question: Question) -> str:
    """What stands in a prompt at first: the default, as it would be typed."""
    default = question.default
    if default is None:
        return ""
    chosen = default if isinstance(default, list) and question.options else [default]
    labels = [
        next((o.label for o in question.options if value in (o.label, option_value(o))), value) for value in chosen
    ]
    return ", ".join(each if isinstance(each, str) else value_text(each, 200) for each in labels)
