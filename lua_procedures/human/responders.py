"""Who answers. The program does not change: a responder is asked, and delivers an answer when it has one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from ..errors import AnswerRefused, UsageError
from .faults import kind_of, short
from .parsing import parse_json
from .requests import TIMEOUT, HumanRequest

__all__ = ["ANSWERS_VARIABLE", "Answers", "Asking", "Deliver", "Responder", "Scripted", "answers_from_environment"]

_MOST_NAMES: Final = 10

#: Names a JSON file with scripted answers.
ANSWERS_VARIABLE: Final = "LUA_PROCEDURES_ANSWERS"

#: Scripted answers: a list in order, a dict by message or ``config_key``, a callable, or ``"default"``.
Answers = Sequence[Any] | Mapping[str, Any] | Callable[[HumanRequest], Any] | str | None

#: Hands an answer (or ``LATER``) to the run; safe to call from any thread.
Deliver = Callable[[Any], None]


class Asking(Protocol):
    """A question that is shown and not answered yet."""

    def refuse(self, error: AnswerRefused) -> None:
        """The answer does not fit; the question stays."""

    def close(self, how: str) -> None:
        """The question is settled, or shown no longer; ``how`` says it in a sentence."""


class Responder(Protocol):
    """Something that can ask a person.

    Attributes:
        channel: what answers from here are recorded as: ``form``, ``terminal``, …
    """

    channel: str

    def ask(self, request: HumanRequest, deliver: Deliver) -> Asking:
        """Show the question and return at once; call ``deliver`` with what the person says."""


class _Later:
    def __repr__(self) -> str:
        return "LATER"


#: Delivered when the person wants to answer later: the run pauses and the question stays.
LATER: Final = _Later()


class Scripted:
    """Answers known beforehand.

    Args:
        answers: a list (for the questions not yet answered, in order), a dict (by message or ``config_key``), a
            callable that takes the request, or ``"default"`` (every request's default at once). None as an answer
            means no answer here; ``TIMEOUT`` lets the request expire now.
        shared: whether the same answers serve several runs, so that a run need not use them all.

    Raises:
        UsageError: the answers are of no such form.
    """

    def __init__(self, answers: Answers, *, shared: bool = False) -> None:
        self._shared = shared
        self._defaults = answers == "default"
        if isinstance(answers, str) and not self._defaults:
            raise UsageError(
                f"answers: a list, a dict, a callable or 'default' expected, got {answers!r}",
                hint="--answers takes the name of a Python variable that holds them, or the word default; papermill "
                "makes a list of a parameter with -y, a text with -p.",
            )
        is_known = isinstance(answers, (str, Sequence, Mapping)) and not isinstance(answers, (bytes, bytearray))
        if not (answers is None or is_known or callable(answers)):
            raise UsageError(f"answers: a list, a dict, a callable or 'default' expected, got {type(answers).__name__}")
        self._answers = None if self._defaults else answers
        self._next = 0
        self._used: set[str] = set()

    @property
    def takes_defaults(self) -> bool:
        """Whether every request's default is taken at once."""
        return self._defaults

    def answer(self, request: HumanRequest) -> Any:
        """The answer to a request; None where there is none."""
        if self._defaults:
            return TIMEOUT
        if callable(self._answers):
            return self._answers(request)
        if isinstance(self._answers, Mapping):
            return self._by_name(self._answers, request)
        if self._answers is not None and self._next < len(self._answers):
            self._next += 1
            return self._answers[self._next - 1]
        return None

    def _by_name(self, answers: Mapping[str, Any], request: HumanRequest) -> Any:
        for name in (request.config_key, request.message):
            if name is not None and name in answers:
                self._used.add(name)
                return answers[name]
        return None

    def why_none(self) -> str:
        """A sentence on why there is no answer to a question, where answers were given; ``""`` where none were."""
        if isinstance(self._answers, Mapping):
            names = ", ".join(f"“{short(name)}”" for name in list(self._answers)[:_MOST_NAMES])
            return f"The answers that were given are for {names or 'no question'}."
        if self._answers is None or callable(self._answers):
            return "The function that was given has no answer to it." if self._answers else ""
        return f"{self._next} of the {len(self._answers)} answers that were given came before it."

    def unused(self) -> list[Any]:
        """What nobody asked for: answers of a list, or names of a dict."""
        if self._shared or self._answers is None or callable(self._answers):
            return []
        if isinstance(self._answers, Mapping):
            return [name for name in self._answers if name not in self._used]
        return list(self._answers[self._next :])


def answers_from_environment() -> Answers:
    """The scripted answers of the file that ``LUA_PROCEDURES_ANSWERS`` names, or None.

    Raises:
        UsageError: the file cannot be read or is no JSON list or object.
    """
    name = os.environ.get(ANSWERS_VARIABLE)
    if not name:
        return None
    try:
        answers = parse_json(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{ANSWERS_VARIABLE}={name}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{ANSWERS_VARIABLE}={name}: no JSON: {error}") from None
    if not isinstance(answers, (list, dict)):
        raise UsageError(f"{ANSWERS_VARIABLE}={name}: a JSON list or object expected, got {kind_of(answers)}")
    return answers
