"""The options of a question, and which of them an answer means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .faults import Fault, add_fault, short
from .requests import HumanOption, HumanRequest, RequestField

__all__ = ["Question", "choose", "known_value", "option_value", "options_of", "review_options", "same"]

Question = HumanRequest | RequestField

_REVIEW_OPTIONS: Final = (
    HumanOption(label="approve", value="approve"),
    HumanOption(label="reject", value="reject", type="cancel"),
)
_MISSING: Final = object()


def option_value(option: HumanOption) -> Any:
    """What choosing this option gives: its value, or its label where it has none."""
    return option.label if option.value is None else option.value


def review_options(request: HumanRequest) -> tuple[HumanOption, ...]:
    """The decisions of a review: the declared ones, else approve and reject."""
    return request.options or _REVIEW_OPTIONS


def options_of(question: Question) -> Sequence[HumanOption]:
    """What there is to choose, by the labels that a person may name."""
    is_review = isinstance(question, HumanRequest) and question.kind == "review"
    return review_options(question) if isinstance(question, HumanRequest) and is_review else question.options


def choose(question: Question, raw: Any, faults: list[Fault], field: str) -> Any:
    """The value of the option that ``raw`` names; a fault where it names none."""
    value = _find(question, raw)
    if value is _MISSING:
        labels = ", ".join(option.label for option in question.options)
        unknown = f"Unknown option “{short(raw)}”; the options are {labels}."
        add_fault(faults, field, f"Choose an option: {labels}." if raw is None else unknown)
        return raw
    return value


def _find(question: Question, raw: Any) -> Any:
    """The value of the option that ``raw`` names by value or, failing that, by label."""
    values = [option_value(option) for option in question.options]
    by_label = [option_value(option) for option in question.options if option.label == raw]
    return next((value for value in values if same(value, raw)), by_label[0] if by_label else _MISSING)


def known_value(question: Question, raw: Any) -> Any:
    """The value of the option that ``raw`` names, else ``raw`` itself."""
    value = _find(question, raw)
    return raw if value is _MISSING else value


def same(one: Any, other: Any) -> bool:
    """Equality in which true is not 1; 2 and 2.0 are equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
