"""A request as the browser needs it: which controls it takes, and what their contents mean as an answer.

The browser knows no types. It shows texts and sends texts, switches and the places of chosen options; everything
that has a type is written and read here, so that large integers, ``2.0`` and values of options stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..human.choices import option_value, review_options
from ..human.parsing import parse_json
from ..human.requests import HumanOption, HumanRequest, RequestField
from ..human.schemas import normal_schema
from ..rendering.text import clean, one_line
from .artifacts import artifact_view, context_rows, json_text, shown

__all__ = ["Control", "browser_view", "controls", "expiry_text", "read_answer"]

ControlKind = Literal["text", "lines", "number", "date", "json", "choice", "choices"]

_APPROVE: Final = (HumanOption(label="Approve", value=True), HumanOption(label="Reject", value=False, type="cancel"))
_YES_NO: Final = (HumanOption(label="Yes", value=True), HumanOption(label="No", value=False))


@dataclass(frozen=True)
class Control:
    """One control of a form.

    Attributes:
        id: where its problems are shown and its value belongs; ``""`` where it is the whole answer.
        kind: how it looks and how what it sends is read.
        label: its name; ``""`` where the request's message is its name.
        hint: a line below it.
        options: of a ``choice`` or ``choices``; it sends places in this list.
        default: what it holds at first, None for nothing.
    """

    id: str
    kind: ControlKind
    label: str = ""
    hint: str = ""
    placeholder: str = ""
    required: bool = True
    options: tuple[HumanOption, ...] = ()
    default: Any = None

    def view(self) -> dict[str, Any]:
        """The control as JSON for the browser, with what it holds at first."""
        return {
            "id": self.id,
            "kind": self.kind,
            "label": clean(self.label),
            "hint": clean(self.hint),
            "placeholder": self.placeholder,
            "required": self.required,
            "options": [clean(option.label) for option in self.options],
            "value": self._first(),
        }

    def read(self, sent: Any) -> Any:
        """What the browser sent, as a value: None for nothing, the text itself where it cannot be read."""
        if self.kind == "choices":
            return [self._value(place) for place in sent or ()]
        if self.kind == "choice":
            return None if sent is None else self._value(sent)
        if self.kind in ("number", "json"):
            return _read_json(str(sent or ""))
        return str(sent or "")

    def _value(self, place: Any) -> Any:
        known = isinstance(place, int) and 0 <= place < len(self.options)
        return option_value(self.options[place]) if known else None

    def _first(self) -> Any:
        if self.kind in ("choice", "choices"):
            wanted = self.default if isinstance(self.default, (list, tuple)) else [self.default]
            places = [place for place, option in enumerate(self.options) if _names(option, wanted)]
            return places if self.kind == "choices" else next(iter(places), None)
        if self.default is None:
            return ""
        return json_text(self.default) if self.kind in ("json", "number") else str(self.default)


def controls(request: HumanRequest) -> list[Control]:
    """The controls of a request besides its buttons, its feedback and its artifact."""
    if request.kind == "multiple":
        return [_field_control(field) for field in request.fields]
    if request.kind == "select":
        return [_select_control(request, id="", label="", required=True)]
    if request.kind != "input":
        return []
    properties = _simple_properties(request)
    return properties or [_input_control(request, id="", label="", required=True)]


def browser_view(request: HumanRequest) -> dict[str, Any]:
    """The request as JSON for the browser; every value in it is a text to be shown, never markup."""
    return {
        "id": request.id,
        "kind": request.kind,
        "severity": request.severity or ("error" if request.kind == "escalate" else ""),
        "message": clean(request.message),
        "context": context_rows(request.context),
        "artifact": artifact_view(request),
        "controls": [control.view() for control in controls(request)],
        "buttons": [{"label": label, "type": kind} for label, kind in _buttons(request)],
        "expires_at": request.expires_at,
        "expiry": expiry_text(request),
    }


def read_answer(request: HumanRequest, sent: Any) -> Any:
    """The answer that the browser sent, for ``accept``.

    Args:
        request: the question.
        sent: ``{"button": place, "fields": {id: content}, "feedback": text, "artifact": edited text or None}``.
    """
    message = sent if isinstance(sent, Mapping) else {}
    if request.kind == "approve":
        approved, edited = _pressed(_APPROVE, message).value, message.get("artifact")
        is_edited = request.editable and edited is not None
        return {"approved": approved, "edited_artifact": edited} if is_edited else approved
    if request.kind == "escalate":
        return message.get("feedback") or None
    if request.kind == "review":
        return {
            "decision": _pressed(review_options(request), message).label or None,
            "feedback": message.get("feedback") or "",
            "edited_artifact": message.get("artifact"),
        }
    fields = message.get("fields") or {}
    values = {control.id: control.read(fields.get(control.id)) for control in controls(request)}
    if request.kind == "multiple":
        return values
    return values[""] if "" in values else {key: value for key, value in values.items() if value not in (None, "")}


def expiry_text(request: HumanRequest) -> str:
    """What happens on expiry, as the countdown says it; ``""`` for a request that never expires."""
    if request.expires_at is None or request.kind == "escalate":
        return ""
    label = request.default_label()
    if label is not None:
        return f"Takes “{one_line(label, 60)}”"
    return "Takes the defaults" if request.kind == "multiple" else "Ends without an answer"


def _buttons(request: HumanRequest) -> list[tuple[str, str]]:
    if request.kind == "approve":
        return [(option.label, option.type) for option in _APPROVE]
    if request.kind == "review":
        return [(clean(option.label), option.type) for option in review_options(request)]
    return [("Resolved" if request.kind == "escalate" else "Submit", "action")]


def _pressed(options: Sequence[HumanOption], message: Mapping[str, Any]) -> HumanOption:
    place = message.get("button")
    if isinstance(place, int) and 0 <= place < len(options):
        return options[place]
    return HumanOption(label="")


def _field_control(field: RequestField) -> Control:
    label = field.message or field.id
    if field.type == "approve":
        return Control(field.id, "choice", label, required=field.required, options=_APPROVE, default=field.default)
    if field.type == "select":
        return _select_control(field, id=field.id, label=label, required=field.required)
    return _input_control(field, id=field.id, label=label, required=field.required)


def _input_control(question: HumanRequest | RequestField, *, id: str, label: str, required: bool) -> Control:
    placeholder, default = question.placeholder or "", question.default
    if question.options:
        return Control(id, "choice", label, "", "", required, question.options, default)
    schema = normal_schema(question.response_schema or {"type": "string"})
    kind = "lines" if question.multiline else _schema_kind(schema)
    return Control(id, kind, label, _hint(schema, kind), placeholder, required, _schema_options(schema), default)


def _simple_properties(request: HumanRequest) -> list[Control]:
    """One control for each property of an object schema; none where a property is itself a list or a table."""
    schema = normal_schema(request.response_schema or {})
    properties = schema.get("properties") or {}
    kinds = {name: _schema_kind(part) for name, part in properties.items()}
    if schema.get("type") != "object" or "json" in kinds.values():
        return []
    defaults = request.default if isinstance(request.default, Mapping) else {}
    return [
        Control(
            name,
            kinds[name],
            str(part.get("title") or name),
            _hint(part, kinds[name]),
            required=name in schema.get("required", ()),
            options=_schema_options(part),
            default=defaults.get(name, part.get("default")),
        )
        for name, part in properties.items()
    ]


def _schema_kind(schema: Any) -> ControlKind:
    if not isinstance(schema, Mapping):
        return "json"
    if "enum" in schema or schema.get("type") == "boolean":
        return "choice"
    if schema.get("type") in ("number", "integer"):
        return "number"
    if schema.get("type") != "string":
        return "json"
    return "date" if schema.get("format") == "date" else "text"


def _schema_options(schema: Mapping[str, Any]) -> tuple[HumanOption, ...]:
    if "enum" in schema:
        return tuple(HumanOption(label=shown(value), value=value) for value in schema["enum"])
    return _YES_NO if schema.get("type") == "boolean" else ()


def _hint(schema: Mapping[str, Any], kind: ControlKind) -> str:
    return str(schema.get("description") or ("JSON" if kind == "json" else ""))


def _select_control(question: HumanRequest | RequestField, *, id: str, label: str, required: bool) -> Control:
    if question.mode == "single":
        return Control(id, "choice", label, "", "", required, question.options, question.default)
    hint = _how_many(question.min, question.max)
    return Control(id, "choices", label, hint, "", required, question.options, question.default)


def _how_many(least: int | None, most: int | None) -> str:
    if least and most:
        return f"Choose {least}." if least == most else f"Choose {least} to {most}."
    if least:
        return f"Choose at least {least}."
    return f"Choose at most {most}." if most is not None else "Choose any number."


def _names(option: HumanOption, wanted: Sequence[Any]) -> bool:
    value = option_value(option)
    return any((type(value) is type(item) and value == item) or option.label == item for item in wanted)


def _read_json(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return parse_json(text)
    except ValueError:
        return text
