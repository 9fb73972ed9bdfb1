"""What a person is asked, and what they answered: the records that every front end shares."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CANCEL", "TIMEOUT", "HumanOption", "HumanRequest", "HumanResponse", "RequestField", "RequestKind"]

RequestKind = Literal["approve", "input", "select", "review", "multiple", "escalate"]
Severity = Literal["info", "warning", "error", "critical"]

CANCEL: Final = "cancel"


class _Timeout:
    """The scripted answer that lets a request expire now."""

    def __repr__(self) -> str:
        return "TIMEOUT"


TIMEOUT: Final = _Timeout()


class HumanOption(BaseModel):
    """One thing to choose: a button of a review or an approval, a row of a select.

    Attributes:
        label: what is shown, and what a review's ``decision`` will be.
        value: what a select returns; the label where none was given.
        type: ``"action"``, or ``"cancel"`` for one that looks destructive.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    value: Any = None
    type: Literal["action", "cancel"] = "action"


class RequestField(BaseModel):
    """One field of a ``Human.multiple`` form, or the only one of a simpler request."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: Literal["approve", "input", "select"] = "input"
    message: str = ""
    placeholder: str | None = None
    options: tuple[HumanOption, ...] = ()
    mode: Literal["single", "multiple"] = "single"
    min: int | None = None
    max: int | None = None
    default: Any = None
    multiline: bool = False
    required: bool = True
    response_schema: dict[str, Any] | None = None


class HumanRequest(BaseModel):
    """A question to a person.

    Attributes:
        id: the request's own id; an answer must name it. The same on every re-run of a waiting cell.
        kind: which ``Human`` call asked.
        options: the choices (buttons of an approve or review, rows of an input or select).
        default: taken on expiry, in the form of an answer (approve: a bool; input: the value;
            select: the value or list; review: a label or a dict).
        timeout_seconds: counted from ``asked_at``; None waits for ever.
        asked_at, expires_at: UNIX times in seconds.
        mode, min, max: of a select.
        multiline: of an input.
        response_schema: of an input, or what an edited artifact must fit.
        editable: whether the artifact of an approval may be edited; the answer then is also a dict of ``approved`` and
            ``edited_artifact``.
        fields: of a ``multiple``.
        severity: of an ``escalate``.
        metadata: options of the call that have no meaning of their own.
        line: the cell's line of the call.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RequestKind
    message: str
    options: tuple[HumanOption, ...] = ()
    artifact: Any = None
    artifact_type: str = "text"
    context: Any = None
    placeholder: str | None = None
    default: Any = None
    timeout_seconds: float | None = None
    asked_at: float
    expires_at: float | None = None
    config_key: str | None = None
    mode: Literal["single", "multiple"] = "single"
    min: int | None = None
    max: int | None = None
    multiline: bool = False
    response_schema: dict[str, Any] | None = None
    editable: bool = False
    fields: tuple[RequestField, ...] = ()
    severity: Severity | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    line: int | None = None

    def default_label(self) -> str | None:
        """What the countdown says will be taken: a button's label, or the value; None where expiry takes nothing."""
        if self.kind == "approve":
            return "Approve" if self.default else "Reject"
        if self.kind == "review":
            decision = self.default.get("decision") if isinstance(self.default, dict) else self.default
            return str(decision if decision is not None else "reject")
        if self.kind == "escalate" or self.default is None:
            return None
        chosen = self.default if isinstance(self.default, list) else [self.default]
        labels = {_hashable(option.value): option.label for option in self.options}
        return ", ".join(labels.get(_hashable(value), str(value)) for value in chosen)


class HumanResponse(BaseModel):
    """A person's answer, or the default taken on expiry.

    Attributes:
        request_id: the question it answers.
        value: the answer in the form the program gets.
        responded_at: UNIX time in seconds.
        timed_out: whether the default was taken because nobody answered in time.
        unlisted: whether that gave a review a decision that is none of its options.
        channel: where it came from: ``form``, ``terminal``, ``scripted``, ``notebook`` (a line there), ``python``,
            ``command line``, ``fixture``, ``expiry``, or ``default`` for one that ``--answers default`` took.
    """

    model_config = ConfigDict(frozen=True)

    request_id: str
    value: Any = None
    responded_at: float
    timed_out: bool = False
    unlisted: bool = False
    channel: str = "form"


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
