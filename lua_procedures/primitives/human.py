"""What ``Human.approve{…}`` and its siblings ask: options of the call to a ``HumanRequest``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from ..durable.serialization import dumps
from ..errors import ProcedureError
from ..human.answers import accept
from ..human.requests import CANCEL, HumanOption, HumanRequest, RequestField, RequestKind, Severity
from ..human.schemas import schema_fault
from .misuse import Misuse

__all__ = ["build_request", "known_options"]

_MESSAGES: Final = {
    "approve": "Approval requested",
    "input": "Input requested",
    "select": "Select",
    "review": "Review requested",
    "multiple": "Input requested",
    "escalate": "Help is needed",
}
_COMMON: Final = {"message", "context", "config_key"}
_OWN: Final = {
    "approve": {"timeout", "default"},
    "input": {"placeholder", "options", "timeout", "default", "multiline", "response_schema"},
    "select": {"options", "mode", "min", "max", "timeout", "default"},
    "review": {"artifact", "artifact_type", "options", "timeout", "default"},
    "multiple": {"fields", "timeout"},
    "escalate": {"severity"},
}
_SEVERITIES: Final = get_args(Severity)
_SHOWN = 60  # characters of a value in a message


def known_options(kind: str) -> set[str]:
    """The options of a ``Human`` call that have a meaning."""
    return _COMMON | _OWN[kind]


def build_request(
    kind: str,
    options: Any,
    declared: Mapping[str, Mapping[str, Any]],
    *,
    id: str,
    asked_at: float,
    line: int | None,
) -> HumanRequest:
    """The question that a call asks.

    Args:
        kind: which ``Human`` call.
        options: the call's table; for ``multiple`` a list of fields, or a table with ``fields``.
        declared: the ``Hitl`` declarations by key.
        id: the request's id.
        asked_at: UNIX time in seconds of the first asking.
        line: the cell's line of the call.

    Raises:
        Misuse: an option is of the wrong type, or names something unknown.
        ConversionError: a handle is among the options.
    """
    given = _merged(kind, options, declared)
    dumps(given)  # a question is kept as text: a handle is refused, with its path
    timeout = _number(given, "timeout", least=0) if "timeout" in _OWN[kind] else None
    known = _COMMON | _OWN[kind]
    request = HumanRequest(
        id=id,
        kind=cast("RequestKind", kind),
        message=_text(given, "message") or _MESSAGES[kind],
        options=_options(kind, given),
        artifact=given.get("artifact"),
        artifact_type=_text(given, "artifact_type") or "text",
        context=given.get("context"),
        placeholder=_text(given, "placeholder"),
        default=_default(kind, given),
        timeout_seconds=timeout,
        asked_at=asked_at,
        expires_at=None if timeout is None else asked_at + timeout,
        config_key=_text(given, "config_key"),
        mode=_mode(given),
        min=_count(given, "min"),
        max=_count(given, "max"),
        multiline=_flag(given, "multiline"),
        response_schema=_schema(given),
        fields=_fields(given.get("fields")) if kind == "multiple" else (),
        severity=_severity(given) if kind == "escalate" else None,
        metadata={key: value for key, value in given.items() if key not in known},
        line=line or None,
    )
    _check_count(request)
    _check_default(request)
    return request


def _merged(kind: str, options: Any, declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(options, list):
        if kind == "multiple":
            options = {"fields": options}
        elif options:
            raise Misuse("a table of named options expected, got a list")
        else:
            options = {}
    key = _text(options, "config_key")
    if key is None:
        return dict(options)
    if key not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise Misuse(f"config_key: {_shown(key)} is not declared; the declarations are: {known}")
    return {**declared[key], **options}


def _kind_of(value: Any) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
        bytes: "text that is not UTF-8",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def _wrong(option: str, expected: str, value: Any) -> Misuse:
    return Misuse(f"{option}: {expected} expected, got {_shown(value)}")


def _shown(value: Any) -> str:
    """A value for a message: short, and in Lua's words."""
    if not isinstance(value, (str, int, float)):
        return _kind_of(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _text(given: Mapping[str, Any], option: str) -> str | None:
    value = given.get(option)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _wrong(option, "a string", value)


def _flag(given: Mapping[str, Any], option: str, *, unset: bool = False) -> bool:
    value = given.get(option, unset)
    if isinstance(value, bool):
        return value
    raise _wrong(option, "a boolean", value)


def _number(given: Mapping[str, Any], option: str, *, least: float) -> float | None:
    value = given.get(option)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
        raise _wrong(option, f"a number of seconds, {least:g} or more,", value)
    return float(value)


def _count(given: Mapping[str, Any], option: str) -> int | None:
    value = given.get(option)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise _wrong(option, "a whole number, 0 or more,", value)


def _mode(given: Mapping[str, Any]) -> Any:
    value = given.get("mode", "single")
    if value in ("single", "multiple"):
        return value
    raise _wrong("mode", '"single" or "multiple"', value)


def _schema(given: Mapping[str, Any]) -> dict[str, Any] | None:
    value = given.get("response_schema")
    if not value:  # an empty Lua table is a list
        return None if value is None else {}
    if not isinstance(value, dict):
        raise _wrong("response_schema", "a JSON Schema as a table", value)
    fault = schema_fault(value)
    if fault:
        raise Misuse(fault)
    return value


def _severity(given: Mapping[str, Any]) -> Severity:
    value = given.get("severity", "error")
    if value in _SEVERITIES:
        return cast("Severity", value)
    raise Misuse(f"unknown severity {_shown(value)}; the severities are {', '.join(_SEVERITIES)}")


def _options(kind: str, given: Mapping[str, Any]) -> tuple[HumanOption, ...]:
    if kind == "approve":
        return (HumanOption(label="Approve", value=True), HumanOption(label="Reject", value=False, type=CANCEL))
    listed = given.get("options")
    if listed is None and kind == "review":
        return (HumanOption(label="approve", value="approve"), HumanOption(label="reject", value="reject", type=CANCEL))
    if kind == "select" and not listed:
        raise Misuse("options: a list of choices expected")
    if not listed:
        return ()
    if not isinstance(listed, list):
        raise _wrong("options", "a list of strings or tables with label", listed)
    options = tuple(_option(item, place) for place, item in enumerate(listed, 1))
    labels = [option.label for option in options]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise Misuse(f"options: {_shown(twice)} is there twice")
    return options


def _option(item: Any, place: int) -> HumanOption:
    if isinstance(item, (str, int, float)) and not isinstance(item, bool):
        return HumanOption(label=str(item), value=item)
    if not isinstance(item, dict):
        raise _wrong(f"options[{place}]", "a string or a table with label", item)
    label, kind = item.get("label", item.get("value")), item.get("type", "action")
    if label is None:
        raise Misuse(f"options[{place}]: a label is missing")
    if not isinstance(label, (str, int, float)):
        raise _wrong(f"options[{place}].label", "a string", label)
    if kind not in ("action", CANCEL):
        raise _wrong(f"options[{place}].type", '"action" or "cancel"', kind)
    return HumanOption(label=str(label), value=item.get("value", label), type=kind)


def _fields(listed: Any) -> tuple[RequestField, ...]:
    if not isinstance(listed, list) or not listed:
        raise Misuse("a list of fields expected: { {id=…, type=…, message=…}, … }")
    fields = tuple(_field(item, place) for place, item in enumerate(listed, 1))
    ids = [field.id for field in fields]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        raise Misuse(f"the id {_shown(twice)} is there twice; ids are unique")
    return fields


def _field(item: Any, place: int) -> RequestField:
    if not isinstance(item, dict):
        raise _wrong(f"field {place}", "a table", item)
    id = item.get("id")
    if not isinstance(id, str) or not id:
        raise Misuse(f"field {place}: an id (a non-empty string) is required")
    kind = item.get("type", "input")
    if kind not in ("approve", "input", "select"):
        raise _wrong(f"field {_shown(id)}: type", '"approve", "input" or "select"', kind)
    try:
        field = RequestField(
            id=id,
            type=kind,
            message=_text(item, "message") or id,
            placeholder=_text(item, "placeholder"),
            options=_options(kind, item),
            mode=_mode(item),
            min=_count(item, "min"),
            max=_count(item, "max"),
            default=_default(kind, item) if "default" in item else None,
            multiline=_flag(item, "multiline"),
            required=_flag(item, "required", unset=True),
            response_schema=_schema(item),
        )
        _check_count(field)
        _check_default(_alone(field))
    except Misuse as error:
        raise Misuse(f"field {_shown(id)}: {error.message}") from None
    return field


def _alone(field: RequestField) -> HumanRequest:
    """A field as a question of its own."""
    shared = field.model_dump(include={"message", "mode", "min", "max", "multiline", "response_schema"})
    return HumanRequest(id="", kind=field.type, asked_at=0, options=field.options, default=field.default, **shared)


def _default(kind: str, given: Mapping[str, Any]) -> Any:
    default = given.get("default")
    if kind == "approve":
        if default is None:
            return False
        if not isinstance(default, bool):
            raise _wrong("default", "a boolean", default)
    return default


def _check_default(request: HumanRequest) -> None:
    """A default must be a possible answer, or expiry would refuse it."""
    if request.default is None or request.kind in ("approve", "escalate", "multiple"):
        return
    try:
        accept(request, request.default)
    except ProcedureError as error:
        raise Misuse(f"default: {error.message}") from None


def _check_count(question: HumanRequest | RequestField) -> None:
    """How many may be chosen must leave an answer that is possible."""
    least, most = question.min or 0, question.max
    if most is not None and most < least:
        raise Misuse(f"max: a number not below min ({least}) expected, got {most}")
    if question.options and least > len(question.options):
        raise Misuse(f"min: at most the number of options ({len(question.options)}) expected, got {least}")
