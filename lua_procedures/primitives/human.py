"""What ``Human.approve{…}`` and its siblings ask: options of the call to a ``HumanRequest``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

from ..durable.serialization import dumps
from ..errors import ProcedureError
from ..human.answers import accept
from ..human.requests import CANCEL, HumanOption, HumanRequest, RequestField, RequestKind
from ..human.schemas import schema_fault
from .catalog import primitive
from .misuse import Misuse, check_options, kind_of
from .rows import Argument

__all__ = ["build_request", "known_options"]

_MESSAGES: Final = {
    "approve": "Approval requested",
    "input": "Input requested",
    "select": "Select",
    "review": "Review requested",
    "multiple": "Input requested",
    "escalate": "Help is needed",
}
_OPTION: Final = primitive("Human.select").argument("options").items
_FIELD: Final = primitive("Human.multiple").argument("fields").items
_SHOWN: Final = 60  # characters of a text in a message


@cache
def known_options(kind: str) -> Mapping[str, Argument]:
    """The options of a ``Human`` call that have a meaning."""
    return {option.name: option for option in primitive(f"Human.{kind}").arguments[0].options}


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
    known = known_options(kind)
    check_options(known.values(), given)
    timeout = given.get("timeout") if "timeout" in known else None
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
        mode=given.get("mode") or "single",
        min=_count(given, "min"),
        max=_count(given, "max"),
        multiline=bool(given.get("multiline")),
        response_schema=_schema(given),
        fields=_fields(given.get("fields")) if kind == "multiple" else (),
        severity=(given.get("severity") or "error") if kind == "escalate" else None,
        metadata={key: value for key, value in given.items() if key not in known},
        line=line or None,
    )
    _check_count(request)
    _check_default(request)
    return request


def _merged(kind: str, options: Any, declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if isinstance(options, list):  # an empty table is one too
        options = {"fields": options} if kind == "multiple" and options else {}
    check_options((known_options(kind)["config_key"],), options)
    key = _text(options, "config_key")
    if key is None:
        return dict(options)
    if key not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise Misuse(f"config_key: a declared one expected ({known}), {_shown(key)} is not declared")
    return {**declared[key], **options}


def _shown(text: str) -> str:
    """A text of the program in a message: short, in quotes."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if len(quoted) <= _SHOWN else quoted[: _SHOWN - 1] + "…"


def _text(given: Mapping[str, Any], option: str) -> str | None:
    value = given.get(option)
    return None if value is None else str(value)


def _count(given: Mapping[str, Any], option: str) -> int | None:
    value = given.get(option)
    return None if value is None else int(value)


def _schema(given: Mapping[str, Any]) -> dict[str, Any] | None:
    value = given.get("response_schema")
    if not value:  # an empty Lua table is a list
        return None if value is None else {}
    fault = schema_fault(value)
    if fault:
        raise Misuse(f"response_schema: a JSON Schema as a table expected; {fault}")
    return cast("dict[str, Any]", value)


def _options(kind: str, given: Mapping[str, Any]) -> tuple[HumanOption, ...]:
    if kind == "approve":
        return (HumanOption(label="Approve", value=True), HumanOption(label="Reject", value=False, type=CANCEL))
    listed = given.get("options")
    if listed is None and kind == "review":
        return (HumanOption(label="approve", value="approve"), HumanOption(label="reject", value="reject", type=CANCEL))
    if not listed:
        return ()
    options = tuple(_option(item, place) for place, item in enumerate(listed, 1))
    labels = [option.label for option in options]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise Misuse(f"options: unique labels expected, {_shown(twice)} is there twice")
    return options


def _option(item: Any, place: int) -> HumanOption:
    if isinstance(item, (str, int, float)) and not isinstance(item, bool):
        return HumanOption(label=str(item), value=item)
    at = f"options[{place}]"
    if not isinstance(item, dict):
        raise Misuse(f"{at}: a string or a table with label expected, got {kind_of(item)}")
    check_options(_OPTION, item, f"{at}.")
    label = item.get("label", item.get("value"))
    if not isinstance(label, (str, int, float)):  # a value that is no text cannot stand for the label
        raise Misuse(f"{at}.label: a string expected, got {kind_of(label)}")
    return HumanOption(label=str(label), value=item.get("value", label), type=item.get("type") or "action")


def _fields(listed: Any) -> tuple[RequestField, ...]:
    fields = tuple(_field(item, place) for place, item in enumerate(listed, 1))
    ids = [field.id for field in fields]
    twice = next((id for id in ids if ids.count(id) > 1), None)
    if twice is not None:
        raise Misuse(f"fields: unique ids expected, {_shown(twice)} is there twice")
    return fields


def _field(item: Any, place: int) -> RequestField:
    item = {} if item == [] else item
    if not isinstance(item, dict):
        raise Misuse(f"field {place}: a table expected, got {kind_of(item)}")
    id = item.get("id")
    at = f"field {_shown(id)}: " if id and isinstance(id, str) else f"field {place}: "
    check_options(_FIELD, item, at)
    kind = item.get("type") or "input"
    try:
        if kind == "select":
            check_options((known_options("select")["options"],), item)
        field = RequestField(
            id=item["id"],
            type=kind,
            message=_text(item, "message") or id,
            placeholder=_text(item, "placeholder"),
            options=_options(kind, item),
            mode=item.get("mode") or "single",
            min=_count(item, "min"),
            max=_count(item, "max"),
            default=_default(kind, item) if "default" in item else None,
            multiline=bool(item.get("multiline")),
            required=item.get("required") is not False,
            response_schema=_schema(item),
        )
        _check_count(field)
        _check_default(_alone(field))
    except Misuse as error:
        raise Misuse(f"{at}{error.message}") from None
    return field


def _alone(field: RequestField) -> HumanRequest:
    """A field as a question of its own."""
    shared = field.model_dump(include={"message", "mode", "min", "max", "multiline", "response_schema"})
    return HumanRequest(id="", kind=field.type, asked_at=0, options=field.options, default=field.default, **shared)


def _default(kind: str, given: Mapping[str, Any]) -> Any:
    if kind == "approve":
        check_options((known_options("approve")["default"],), given)
        return given.get("default") or False
    return given.get("default")


def _check_default(request: HumanRequest) -> None:
    """A default must be a possible answer, or expiry would refuse it."""
    if request.default is None or request.kind in ("approve", "escalate", "multiple"):
        return
    try:
        accept(request, request.default)
    except ProcedureError as error:
        raise Misuse(f"default: a possible answer expected; {error.message}") from None


def _check_count(question: HumanRequest | RequestField) -> None:
    """How many may be chosen must leave an answer that is possible."""
    least, most = question.min or 0, question.max
    if most is not None and most < least:
        raise Misuse(f"max: a number not below min ({least}) expected, got {most}")
    if question.options and least > len(question.options):
        raise Misuse(f"min: at most the number of options ({len(question.options)}) expected, got {least}")
