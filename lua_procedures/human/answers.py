"""Whether an answer fits its question, and what the program gets for it.

``accept`` is the one gate for answers of every origin: form, terminal, script, command line, another process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import AnswerRefused
from .artifacts import edited_artifact
from .choices import Question, choose, review_options, same
from .expiry import default_of
from .faults import Fault, add_fault, kind_of, sentence, short
from .requests import HumanRequest, RequestField
from .schemas import schema_faults

__all__ = ["accept", "accept_field"]

_REVIEW_KEYS: Final = ("decision", "feedback", "edited_artifact")
_APPROVAL_KEYS: Final = ("approved", "edited_artifact")
_ADDED_LATER: Final = ("responded_at", "timed_out")


def accept(request: HumanRequest, raw: Any) -> Any:
    """Check an answer and give it the form that the program gets.

    Args:
        request: the question.
        raw: the answer: approve a bool, or where its artifact is editable a dict of ``approved`` and
            ``edited_artifact``; input the text or a value by the schema; select a value, a label or a
            list of them; review a decision's label or a dict of ``decision``, ``feedback``, ``edited_artifact``;
            multiple a dict by id; escalate anything.

    Returns:
        What the ``Human`` call returns, except that a review lacks ``responded_at`` and ``timed_out``.

    Raises:
        AnswerRefused: the answer does not fit; ``faults`` names everything that is wrong with it.
    """
    faults: list[Fault] = []
    value = _CHECKS[request.kind](request, raw, faults)
    _refuse(faults)
    return value


def accept_field(field: RequestField, raw: Any) -> Any:
    """Check the answer to one field of a ``multiple``.

    Returns:
        What the program gets under the field's id.

    Raises:
        AnswerRefused: the answer does not fit.
    """
    faults: list[Fault] = []
    value = _check_field(field, raw, faults)
    _refuse(faults)
    return value


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise AnswerRefused("; ".join(map(sentence, faults)), faults)


# Each check appends what is wrong to ``faults`` and returns the value, which counts only without faults.


def _check_approve(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if isinstance(request, HumanRequest) and request.editable and isinstance(raw, Mapping):
        return _check_edited_approval(request, raw, faults)
    if not isinstance(raw, bool):
        add_fault(faults, field, "Approve or reject (true or false).")
    return raw


def _check_edited_approval(request: HumanRequest, raw: Mapping[str, Any], faults: list[Fault]) -> Any:
    """A bool where nothing was edited, or the call is refused."""
    for key in raw.keys() - {*_APPROVAL_KEYS}:
        add_fault(faults, "", f"Unknown key “{short(key)}”; known are {', '.join(_APPROVAL_KEYS)}.")
    approved = _check_approve(request, raw.get("approved"), faults, "approved")
    if approved is not True:
        return approved
    edited = edited_artifact(request, raw.get("edited_artifact"), faults)
    if edited is None:
        return True
    if not faults and request.response_schema is not None:
        for place, message in schema_faults(request.response_schema, edited):
            add_fault(faults, "edited_artifact", f"{place}: {message}" if place else message)
    return {"approved": True, "edited_artifact": edited}


def _check_input(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if request.options:
        return choose(request, raw, faults, field)
    if request.response_schema:
        found = schema_faults(request.response_schema, raw)
        faults.extend({"field": field or name, "message": message} for name, message in found)
    elif not isinstance(raw, str):
        add_fault(faults, field, f"A text is expected, not {kind_of(raw)}.")
    return raw


def _check_select(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if request.mode == "single":
        return choose(request, raw, faults, field)
    items = [] if raw is None else list(raw) if isinstance(raw, (list, tuple)) else [raw]
    values = [choose(request, item, faults, field) for item in items]
    if any(same(value, other) for place, value in enumerate(values) for other in values[:place]):
        add_fault(faults, field, "An option is chosen twice.")
    _check_count(request, len(values), faults, field)
    return values


def _check_count(request: Question, count: int, faults: list[Fault], field: str) -> None:
    least, most = request.min or 0, request.max
    if least <= count and (most is None or count <= most):
        return
    wanted = f"exactly {least}" if least == most else f"at least {least}" if count < least else f"at most {most}"
    add_fault(faults, field, f"Choose {wanted} ({count} chosen).")


def _check_review(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    answer = dict(raw) if isinstance(raw, Mapping) else {"decision": raw}
    for key in answer.keys() - {*_REVIEW_KEYS, *_ADDED_LATER}:
        add_fault(faults, "", f"Unknown key “{short(key)}”; known are {', '.join(_REVIEW_KEYS)}.")
    feedback = answer.get("feedback")
    if feedback is not None and not isinstance(feedback, str):
        add_fault(faults, "feedback", f"A text is expected, not {kind_of(feedback)}.")
    return {
        "decision": _decision(request, answer.get("decision"), faults),
        "feedback": feedback or "",
        "edited_artifact": edited_artifact(request, answer.get("edited_artifact"), faults),
    }


def _check_multiple(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    if not isinstance(raw, Mapping):
        add_fault(faults, "", f"A value for each field is expected, by id, not {kind_of(raw)}.")
        return raw
    ids = [field.id for field in request.fields]
    for unknown in [key for key in raw if key not in ids]:
        add_fault(faults, "", f"Unknown field “{short(unknown)}”; known are {', '.join(ids)}.")
    return {field.id: _check_field(field, raw.get(field.id), faults) for field in request.fields}


def _check_field(field: RequestField, raw: Any, faults: list[Fault]) -> Any:
    several = field.type == "select" and field.mode == "multiple"
    if raw is None and field.default is not None:
        return default_of(field, field.type)
    if raw not in (None, "", []) or (several and field.required):
        return _FIELD_CHECKS[field.type](field, raw, faults, field.id)
    if field.required:
        add_fault(faults, field.id, "An answer is required.")
    return [] if several else raw


def _check_escalate(request: HumanRequest, raw: Any, faults: list[Fault]) -> None:
    return None


_CHECKS: Final[Mapping[str, Callable[[HumanRequest, Any, list[Fault]], Any]]] = {
    "approve": _check_approve,
    "input": _check_input,
    "select": _check_select,
    "review": _check_review,
    "multiple": _check_multiple,
    "escalate": _check_escalate,
}
_FIELD_CHECKS: Final[Mapping[str, Callable[[Question, Any, list[Fault], str], Any]]] = {
    "approve": _check_approve,
    "input": _check_input,
    "select": _check_select,
}


def _decision(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    labels = [option.label for option in review_options(request)]
    if raw is None:
        add_fault(faults, "decision", f"A decision is required: {', '.join(labels)}.")
    elif raw not in labels:
        add_fault(faults, "decision", f"Unknown decision “{short(raw)}”; the options are {', '.join(labels)}.")
    return raw
