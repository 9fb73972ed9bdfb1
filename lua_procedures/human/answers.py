"""Whether an answer fits its question, and what the program gets for it.

``accept`` is the one gate for answers of every origin: form, terminal, script, command line, another process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..errors import AnswerRefused
from .requests import HumanOption, HumanRequest, RequestField
from .schemas import schema_faults

__all__ = ["accept", "artifact_kind", "expired", "option_value", "parse_json", "parse_text", "review_options"]

Fault = dict[str, str]
Question = HumanRequest | RequestField

_REVIEW_OPTIONS: Final = (
    HumanOption(label="approve", value="approve"),
    HumanOption(label="reject", value="reject", type="cancel"),
)
_REVIEW_KEYS: Final = ("decision", "feedback", "edited_artifact")
_APPROVAL_KEYS: Final = ("approved", "edited_artifact")
_ADDED_LATER: Final = ("responded_at", "timed_out")
_WORDS: Final = {
    **dict.fromkeys(("yes", "y", "true", "approve"), True),
    **dict.fromkeys(("no", "n", "false", "reject"), False),
}
_MISSING: Final = object()


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
    if faults:
        raise AnswerRefused("; ".join(_sentence(fault) for fault in faults), faults)
    return value


def expired(request: HumanRequest) -> Any:
    """The value taken when nobody answered in time, in the form that the program gets."""
    if request.kind == "review":
        return _expired_review(request.default)
    if request.kind == "multiple":
        return {field.id: _default(field, field.type) for field in request.fields}
    return _default(request, request.kind)


def parse_text(request: HumanRequest, text: str) -> Any:
    """Read an answer typed as one string: JSON, else the string; yes or no for an approval.

    What is text to the question stays text: a label, and any answer to an input of strings (``42`` is ``"42"``).
    The result is for :func:`accept`.
    """
    if request.kind == "approve":
        value = _json_or_text(text) if request.editable else text
        return _WORDS.get(text.strip().casefold(), value)
    if any(text == option.label for option in _options(request)):
        return text
    value = _json_or_text(text)
    return text if _wants_text(request) and not isinstance(value, str) else value


def parse_json(text: str) -> Any:
    """Read JSON strictly: NaN and the infinities, however written, are a ``ValueError``."""
    value = json.loads(text)
    json.dumps(value, allow_nan=False)
    return value


def option_value(option: HumanOption) -> Any:
    """What choosing this option gives: its value, or its label where it has none."""
    return option.label if option.value is None else option.value


def review_options(request: HumanRequest) -> tuple[HumanOption, ...]:
    """The decisions of a review: the declared ones, else approve and reject."""
    return request.options or _REVIEW_OPTIONS


def artifact_kind(request: HumanRequest) -> str:
    """How the artifact is shown and edited: its type, but ``json`` where a text type was given data.

    ``""`` where there is no artifact.
    """
    if request.artifact is None:
        return ""
    if isinstance(request.artifact, str) or request.artifact_type in ("table", "image", "html"):
        return request.artifact_type
    return "json"


# Each check appends what is wrong to ``faults`` and returns the value, which counts only without faults.


def _check_approve(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if isinstance(request, HumanRequest) and request.editable and isinstance(raw, Mapping):
        return _check_edited_approval(request, raw, faults)
    if not isinstance(raw, bool):
        _fault(faults, field, "Approve or reject (true or false).")
    return raw


def _check_edited_approval(request: HumanRequest, raw: Mapping[str, Any], faults: list[Fault]) -> Any:
    """A bool where nothing was edited, or the call is refused."""
    for key in raw.keys() - {*_APPROVAL_KEYS}:
        _fault(faults, "", f"Unknown key “{_short(key)}”; known are {', '.join(_APPROVAL_KEYS)}.")
    approved = _check_approve(request, raw.get("approved"), faults, "approved")
    if approved is not True:
        return approved
    edited = _edited(request, raw.get("edited_artifact"), faults)
    if edited is None:
        return True
    if not faults and request.response_schema is not None:
        for place, message in schema_faults(request.response_schema, edited):
            _fault(faults, "edited_artifact", f"{place}: {message}" if place else message)
    return {"approved": True, "edited_artifact": edited}


def _check_input(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if request.options:
        return _choose(request, raw, faults, field)
    if request.response_schema:
        found = schema_faults(request.response_schema, raw)
        faults.extend({"field": field or name, "message": message} for name, message in found)
    elif not isinstance(raw, str):
        _fault(faults, field, f"A text is expected, not {_kind(raw)}.")
    return raw


def _check_select(request: Question, raw: Any, faults: list[Fault], field: str = "") -> Any:
    if request.mode == "single":
        return _choose(request, raw, faults, field)
    items = [] if raw is None else list(raw) if isinstance(raw, (list, tuple)) else [raw]
    values = [_choose(request, item, faults, field) for item in items]
    if any(_same(value, other) for place, value in enumerate(values) for other in values[:place]):
        _fault(faults, field, "An option is chosen twice.")
    _check_count(request, len(values), faults, field)
    return values


def _check_count(request: Question, count: int, faults: list[Fault], field: str) -> None:
    least, most = request.min or 0, request.max
    if least <= count and (most is None or count <= most):
        return
    wanted = f"exactly {least}" if least == most else f"at least {least}" if count < least else f"at most {most}"
    _fault(faults, field, f"Choose {wanted} ({count} chosen).")


def _check_review(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    answer = dict(raw) if isinstance(raw, Mapping) else {"decision": raw}
    for key in answer.keys() - {*_REVIEW_KEYS, *_ADDED_LATER}:
        _fault(faults, "", f"Unknown key “{_short(key)}”; known are {', '.join(_REVIEW_KEYS)}.")
    feedback = answer.get("feedback")
    if feedback is not None and not isinstance(feedback, str):
        _fault(faults, "feedback", f"A text is expected, not {_kind(feedback)}.")
    return {
        "decision": _decision(request, answer.get("decision"), faults),
        "feedback": feedback or "",
        "edited_artifact": _edited(request, answer.get("edited_artifact"), faults),
    }


def _check_multiple(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    if not isinstance(raw, Mapping):
        _fault(faults, "", f"A value for each field is expected, by id, not {_kind(raw)}.")
        return raw
    ids = [field.id for field in request.fields]
    for unknown in [key for key in raw if key not in ids]:
        _fault(faults, "", f"Unknown field “{_short(unknown)}”; known are {', '.join(ids)}.")
    return {field.id: _check_field(field, raw.get(field.id), faults) for field in request.fields}


def _check_field(field: RequestField, raw: Any, faults: list[Fault]) -> Any:
    several = field.type == "select" and field.mode == "multiple"
    if raw is None and field.default is not None:
        return _default(field, field.type)
    if raw not in (None, "", []) or (several and field.required):
        return _FIELD_CHECKS[field.type](field, raw, faults, field.id)
    if field.required:
        _fault(faults, field.id, "An answer is required.")
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
        _fault(faults, "decision", f"A decision is required: {', '.join(labels)}.")
    elif raw not in labels:
        _fault(faults, "decision", f"Unknown decision “{_short(raw)}”; the options are {', '.join(labels)}.")
    return raw


def _edited(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    """The edited artifact, of the artifact's type; None where it is as it was."""
    original, kind = request.artifact, artifact_kind(request)
    if raw is None:
        return None
    if not kind:
        _fault(faults, "edited_artifact", "There is no artifact to edit.")
    elif kind == "json":
        raw = _edited_json(original, raw, faults)
    elif type(raw) is not type(original):
        _fault(faults, "edited_artifact", f"The artifact is {_kind(original)}; {_kind(raw)} does not replace it.")
    return None if _same(raw, original) else raw


def _edited_json(original: Any, raw: Any, faults: list[Fault]) -> Any:
    """Data replaces data; where the artifact is JSON text, so is the edit. A typed text is read as JSON."""
    if not isinstance(raw, str):
        return json.dumps(raw, ensure_ascii=False, indent=2) if isinstance(original, str) else raw
    try:
        data = parse_json(raw)
    except ValueError as error:
        _fault(faults, "edited_artifact", f"This is not JSON: {error}.")
        return raw
    return raw if isinstance(original, str) else data


def _choose(question: Question, raw: Any, faults: list[Fault], field: str) -> Any:
    value = _find(question, raw)
    if value is _MISSING:
        labels = ", ".join(option.label for option in question.options)
        unknown = f"Unknown option “{_short(raw)}”; the options are {labels}."
        _fault(faults, field, f"Choose an option: {labels}." if raw is None else unknown)
        return raw
    return value


def _find(question: Question, raw: Any) -> Any:
    """The value of the option that ``raw`` names by value or, failing that, by label."""
    values = [option_value(option) for option in question.options]
    by_label = [option_value(option) for option in question.options if option.label == raw]
    return next((value for value in values if _same(value, raw)), by_label[0] if by_label else _MISSING)


def _default(question: Question, kind: str) -> Any:
    if kind == "approve":
        return bool(question.default)
    if isinstance(question.default, (list, tuple)) and question.mode == "multiple":
        return [_known(question, item) for item in question.default]
    return _known(question, question.default)


def _known(question: Question, raw: Any) -> Any:
    value = _find(question, raw)
    return raw if value is _MISSING else value


def _expired_review(default: Any) -> dict[str, Any]:
    table = dict(default) if isinstance(default, Mapping) else {"decision": default}
    decision = table.get("decision")
    return {
        "decision": "reject" if decision is None else decision,
        "feedback": table.get("feedback") or "",
        "edited_artifact": table.get("edited_artifact"),
    }


def _options(request: HumanRequest) -> Sequence[HumanOption]:
    return review_options(request) if request.kind == "review" else request.options


def _wants_text(request: HumanRequest) -> bool:
    if request.kind != "input" or request.options:
        return False
    return not request.response_schema or request.response_schema.get("type") == "string"


def _json_or_text(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def _same(one: Any, other: Any) -> bool:
    """Equality in which true is not 1; 2 and 2.0 are equal."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _fault(faults: list[Fault], field: str, message: str) -> None:
    faults.append({"field": field, "message": message})


def _sentence(fault: Fault) -> str:
    return f"{fault['field']}: {fault['message']}" if fault["field"] else fault["message"]


def _kind(value: Any) -> str:
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "nothing" if value is None else f"a {type(value).__name__}")


def _short(value: Any, limit: int = 60) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
