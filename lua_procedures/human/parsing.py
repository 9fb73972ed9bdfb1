"""Answers typed as text."""

from __future__ import annotations

import json
from typing import Any, Final

from .choices import Question, option_value, options_of
from .requests import HumanOption, HumanRequest

__all__ = ["json_or_text", "parse_choice", "parse_choices", "parse_json", "parse_text"]

_WORDS: Final = {
    **dict.fromkeys(("yes", "y", "true", "approve"), True),
    **dict.fromkeys(("no", "n", "false", "reject"), False),
}


def parse_text(question: Question, text: str) -> Any:
    """Read an answer typed as one string: JSON, else the string; yes or no for an approval.

    What is text to the question stays text: a label, and any answer to an input of strings (``42`` is ``"42"``).
    The result is for :func:`accept`, or for :func:`accept_field`.
    """
    if _kind(question) == "approve":
        is_editable = isinstance(question, HumanRequest) and question.editable
        return _WORDS.get(text.strip().casefold(), json_or_text(text) if is_editable else text)
    if any(text == option.label for option in options_of(question)):
        return text
    value = json_or_text(text)
    return text if _wants_text(question) and not isinstance(value, str) else value


def parse_choice(question: Question, text: str) -> HumanOption | None:
    """The option that a person means by its label, by its place in the list (from 1), or by its label in other case."""
    options, typed = options_of(question), text.strip()
    exact = next((option for option in options if typed == option.label), None)
    if exact is None and typed.isdecimal() and 1 <= int(typed) <= len(options):
        return options[int(typed) - 1]
    near = [option for option in options if typed.casefold() == option.label.casefold()]
    return exact or (near[0] if len(near) == 1 else None)


def parse_choices(question: Question, text: str) -> Any:
    """The values of the options that a person names, with commas between them; what names none stays as it was typed.

    A JSON list is read as one, and ``none`` as nothing chosen.
    """
    whole = parse_choice(question, text)
    if whole is not None:
        return [option_value(whole)]
    value = json_or_text(text)
    if isinstance(value, list):
        return value
    parts = [] if text.strip().casefold() == "none" else [part.strip() for part in text.split(",")]
    found = [(part, parse_choice(question, part)) for part in parts if part]
    return [part if option is None else option_value(option) for part, option in found]


def parse_json(text: str) -> Any:
    """Read JSON strictly: NaN and the infinities, however written, are a ``ValueError``."""
    value = json.loads(text)
    json.dumps(value, allow_nan=False)
    return value


def json_or_text(text: str) -> Any:
    """The value of a text that is JSON, else the text."""
    try:
        return parse_json(text)
    except ValueError:
        return text


def _kind(question: Question) -> str:
    return question.kind if isinstance(question, HumanRequest) else question.type


def _wants_text(question: Question) -> bool:
    if _kind(question) != "input" or question.options:
        return False
    return not question.response_schema or question.response_schema.get("type") == "string"
