"""The rows of the catalog for people: what they are asked, and what they are shown."""

from __future__ import annotations

from typing import Final

from . import rows
from .rows import Argument, Expected, Primitive, may, must, one_of

__all__ = ["ASKING"]

_CALL: Final = Expected("a message or a table of named options", "string table", "named")
_ASKED: Final = (may("context", rows.KEPT), may("config_key", rows.SAID))
_TIMED: Final = (may("timeout", rows.SECONDS), may("default", rows.KEPT))
_OPTION: Final = (may("label", rows.SAID), may("value", rows.KEPT), may("type", one_of("action", "cancel"), '"action"'))
_CHOICES: Final = Expected("a non-empty list of strings or tables with label", "table", "list", filled=True)
_CHOICE: Final = Expected("a list of strings or tables with label", "table", "list")
_INPUT: Final = (
    may("placeholder", rows.SAID),
    may("options", _CHOICE, items=_OPTION),
    may("multiline", rows.BOOLEAN, "false"),
    may("response_schema", Expected("a JSON Schema as a table", "table", "named")),
)
_SELECT: Final = (may("mode", one_of("single", "multiple"), '"single"'), may("min", rows.COUNT), may("max", rows.COUNT))
_QUESTION: Final = (
    must("id", rows.NAME),
    may("type", one_of("approve", "input", "select"), '"input"'),
    may("message", rows.SAID),
    *_INPUT,
    *_SELECT,
    may("default", rows.KEPT),
    may("required", rows.BOOLEAN, "true"),
)
_TOLD: Final = (may("message", rows.TEXT), may("context", rows.KEPT))


def _human(name: str, summary: str, *options: Argument, question: Expected = _CALL) -> Primitive:
    said = (may("message", rows.SAID), *options, *_ASKED)
    needed = any(option.required for option in options)
    return Primitive(f"Human.{name}", "durable", summary, (Argument("question", question, needed, options=said),))


def _told(name: str, summary: str, argument: str, *options: Argument) -> Primitive:
    return Primitive(name, "shown", summary, (may(argument, _CALL, options=(*_TOLD, *options)),))


ASKING: Final = (
    _human(
        "approve",
        "Asks for a yes or no; a boolean.",
        may("timeout", rows.SECONDS),
        may("default", rows.BOOLEAN, "false"),
    ),
    _human(
        "input", "Asks for a text, or a value by the schema; nil when it timed out with no default.", *_INPUT, *_TIMED
    ),
    _human(
        "select",
        "Asks for one of the options, or a list of them; nil when it timed out with no default.",
        must("options", _CHOICES, items=_OPTION),
        *_SELECT,
        *_TIMED,
        question=rows.OPTIONS,
    ),
    _human(
        "review",
        "Shows an artifact to judge and edit; {decision, feedback, edited_artifact, responded_at, timed_out}.",
        may("artifact", rows.KEPT),
        may("artifact_type", rows.SAID, '"text"'),
        may("options", _CHOICE, items=_OPTION),
        *_TIMED,
    ),
    _human(
        "multiple",
        "Asks for several fields in one form, with options beside them; a table by id.",
        must("fields", Expected("a non-empty list of fields", "table", "list", filled=True), items=_QUESTION),
        may("timeout", rows.SECONDS),
        question=rows.TABLE,
    )._replace(takes="{ {id=, type=, message=, …}, … }"),
    _human(
        "escalate",
        "Waits, without end, until a person has resolved it.",
        may("severity", one_of("info", "warning", "error", "critical"), '"error"'),
    ),
    _told(
        "Human.notify",
        "Shows something, at once.",
        "notice",
        may("content", rows.SAID),
        may("details", Expected("a list of tables with title and content", "table", "list")),
        may("level", one_of("debug", "info", "warning", "error", "critical"), '"info"'),
    ),
    _told(
        "System.alert",
        "Shows an alert, at once.",
        "alert",
        may("level", one_of("info", "warning", "error", "critical"), '"info"'),
        may("source", rows.SAID),
    ),
    Primitive(
        "Hitl",
        "declaration",
        "Declares options that a Human call takes by config_key.",
        (must("key", rows.TEXT), may("options", rows.OPTIONS)),
        takes="(key, {…})",
    ),
)
