"""A ``HITLRequest`` of Tactus as a question of ours, and an answer of ours as a ``HITLResponse``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ...errors import UsageError
from ...human.artifacts import ARTIFACT_TYPES
from ...human.requests import HumanRequest, HumanResponse
from ...primitives.human import build_request
from .checkpoints import plain
from .library import models

__all__ = ["asked", "question", "response_of"]

#: Tactus's type of a request → the kind of question.
_KINDS: Final = {
    "approval": "approve",
    "input": "input",
    "select": "select",
    "review": "review",
    "inputs": "multiple",
    "escalation": "escalate",
}
#: What a call of Tactus carries for hosts beside its context.
_ACTION: Final = ("action_key", "resource_refs", "preconditions", "expires_at", "response_schema", "ui_schema")


def question(request: Any, id: str) -> HumanRequest:
    """What a ``HITLRequest`` asks, as a question that our forms show.

    Raises:
        UsageError: there is no form for its type.
        ProcedureError: something in it does not fit, such as a default that is no possible answer.
    """
    kind, metadata = _kind(request.request_type), plain(dict(request.metadata or {}))
    options = {
        "message": request.message,
        "timeout": request.timeout_seconds,
        **_OPTIONS[kind](request, metadata),
    }
    given = {name: value for name, value in options.items() if value is not None}
    return build_request(kind, given, {}, id=id, asked_at=time.time(), line=None)


def asked(request: HumanRequest) -> dict[str, Any]:
    """What makes a question the same question: its content, not when it is asked."""
    content: dict[str, Any] = request.model_dump(exclude={"id", "asked_at", "expires_at"}, exclude_defaults=True)
    return content


def response_of(request: HumanRequest, response: HumanResponse) -> Any:
    """An answer as a ``HITLResponse``."""
    value = response.value
    if request.kind == "review":
        value = {name: value[name] for name in ("decision", "feedback", "edited_artifact")}
    elif value is None and request.kind == "select" and request.mode == "multiple":
        value = []
    when = datetime.fromtimestamp(response.responded_at, UTC)
    return models().HITLResponse(value=value, responded_at=when, timed_out=response.timed_out)


def _kind(request_type: str) -> str:
    kind = _KINDS.get(request_type)
    if kind is None:
        raise UsageError(f"there is no form for a request of type {request_type!r}; there are {', '.join(_KINDS)}")
    return kind


def _approve(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"default": bool(request.default_value), "context": _context(metadata)}


def _input(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: metadata.get(name) for name in ("placeholder", "multiline", "response_schema")}
    return {**known, "default": plain(request.default_value), "options": _choices(request.options)}


def _select(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: metadata.get(name) for name in ("mode", "min", "max")}
    default = plain(request.default_value)
    # Tactus's default of several is an empty list, which is no possible answer where one is required
    return {**known, "default": default if default != [] else None, "options": _choices(request.options)}


def _review(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    kind, options = metadata.get("artifact_type"), _choices(request.options)
    return {
        "artifact": metadata.get("artifact"),
        "artifact_type": kind if kind in ARTIFACT_TYPES else "text",
        "options": options,
        "default": _decision(plain(request.default_value), options or []),
    }


def _multiple(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"fields": [_field(item) for item in metadata.get("items", ())]}


def _escalate(request: Any, metadata: Mapping[str, Any]) -> dict[str, Any]:
    context = metadata.get("context")
    return {"severity": metadata.get("severity"), "context": context or None, "timeout": None}


_OPTIONS: Final = {
    "approve": _approve,
    "input": _input,
    "select": _select,
    "review": _review,
    "multiple": _multiple,
    "escalate": _escalate,
}


def _context(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: value for name, value in metadata.items() if name not in _ACTION} or None


def _choices(options: Any) -> list[dict[str, Any]] | None:
    """Options with what a form shows of them."""
    return [_choice(option) for option in plain(options)] if options else None


def _choice(option: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: option[name] for name in ("label", "value") if option.get(name) is not None}
    return {**chosen, "type": "cancel" if option.get("type") == "cancel" else "action"}


def _decision(default: Any, options: list[dict[str, Any]]) -> str | None:
    """The option that a default means; Tactus writes its label otherwise (``reject`` for ``Reject``)."""
    wanted = default.get("decision") if isinstance(default, Mapping) else default
    labels = [option["label"] for option in options]
    return next((label for label in labels if label.casefold() == str(wanted).casefold()), None)


def _field(item: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: item.get("metadata", {}).get(name) for name in ("placeholder", "multiline", "mode", "min", "max")}
    field = {
        **known,
        "id": item["item_id"],
        "type": _kind(item["request_type"]),
        "message": item.get("message") or item.get("label"),
        "options": _choices(item.get("options")),
        "default": item.get("default_value"),
        "required": item.get("required", True),
    }
    return {name: value for name, value in field.items() if value is not None}
