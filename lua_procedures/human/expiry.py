"""What is taken when nobody answered in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .choices import Question, known_value
from .requests import HumanRequest

__all__ = ["decides_otherwise", "default_of", "expired"]


def expired(request: HumanRequest) -> Any:
    """The value taken when nobody answered in time, in the form that the program gets."""
    if request.kind == "review":
        return _expired_review(request.default)
    if request.kind == "multiple":
        return {field.id: default_of(field, field.type) for field in request.fields}
    return default_of(request, request.kind)


def decides_otherwise(request: HumanRequest) -> bool:
    """Whether expiry gives a review a decision that is none of its options; small and capital letters are the same."""
    if request.kind != "review":
        return False
    decision = str(expired(request)["decision"]).casefold()
    return all(option.label.casefold() != decision for option in request.options)


def default_of(question: Question, kind: str) -> Any:
    """The default of a question or a field of that kind, as the program gets it."""
    if kind == "approve":
        return bool(question.default)
    if isinstance(question.default, (list, tuple)) and question.mode == "multiple":
        return [known_value(question, item) for item in question.default]
    return known_value(question, question.default)


def _expired_review(default: Any) -> dict[str, Any]:
    table = dict(default) if isinstance(default, Mapping) else {"decision": default}
    decision = table.get("decision")
    return {
        "decision": "reject" if decision is None else decision,
        "feedback": table.get("feedback") or "",
        "edited_artifact": table.get("edited_artifact"),
    }
