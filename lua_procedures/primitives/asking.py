"""The rows of the catalog for people: what they are asked, and what they are shown."""

from __future__ import annotations

from typing import Final

from .rows import (
    BOOLEAN,
    COUNT,
    KEPT,
    NAME,
    OPTIONS,
    SAID,
    SECONDS,
    TABLE,
    TEXT,
    Argument,
    Expected,
    Primitive,
    may,
    must,
    one_of,
)

__all__ = ["ASKING"]

_CALL: Final = Expected("a message or a table of named options", "string table", "named")
_ASKED: Final = (may("context", KEPT), may("config_key", SAID))
_TIMED: Final = (may("timeout", SECONDS), may("default", KEPT))
_OPTION: Final = (may("label", SAID), may("value", KEPT), may("type", one_of("action", "cancel"), '"action"'))
_CHOICES: Final = Expected("a non-empty list of strings or tables with label", "table", "list", filled=True)
_CHOICE: Final = Expected("a list of strings or tables with label", "table", "list")
_INPUT: Final = (
    may("placeholder", SAID),
    may("options", _CHOICE, items=_OPTION),
    may("multiline", BOOLEAN, "false"),
    may("response_schema", Expected("a JSON Schema as a table", "table", "named")),
)
_SELECT: Final = (may("mode", one_of("single", "multiple"), '"single"'), may("min", COUNT), may("max", COUNT))
_QUESTION: Final = (
    must("id", NAME),
    may("type", one_of("approve", "input", "select"), '"input"'),
    may("message", SAID),
    *_INPUT,
    *_SELECT,
    may("default", KEPT),
    may("required", BOOLEAN, "true"),
)
_TOLD: Final = (may("message", TEXT), may("context", KEPT))


def _human(name: str, summary: str, *options: Argument, question: Expected = _CALL) -> Primitive:
    said = (may("message", SAID), *options, *_ASKED)
    needed = any(option.required for option in options)
    return Primitive(f"Human.{name}", "durable", summary, (Argument("question", question, needed, options=said),))


ASKING: Final = (
    _human("approve", "Asks for a yes or no; a boolean.", may("timeout", SECONDS), may("default", BOOLEAN, "false")),
    _human(
        "input", "Asks for a text, or a value by the schema; nil when it timed out with no default.", *_INPUT, *_TIMED
    ),
    _human(
        "select",
        "Asks for one of the options, or a list of them; nil when it timed out with no default.",
        must("options", _CHOICES, items=_OPTION),
        *_SELECT,
        *_TIMED,
        question=OPTIONS,
    ),
    _human(
        "review",
        "Shows an artifact to judge and edit; {decision, feedback, edited_artifact, responded_at, timed_out}.",
        may("artifact", KEPT),
        may("artifact_type", SAID, '"text"'),
        may("options", _CHOICE, items=_OPTION),
        *_TIMED,
    ),
    _human(
        "multiple",
        "Asks for several fields in one form; a table by id.",
        must("fields", Expected("a non-empty list of fields", "table", "list", filled=True), items=_QUESTION),
        may("timeout", SECONDS),
        question=TABLE,
    )._replace(takes="{ {id=, type=, message=, …}, … }"),
    _human(
        "escalate",
        "Waits, without end, until a person has resolved it.",
        may("severity", one_of("info", "warning", "error", "critical"), '"error"'),
    ),
    Primitive(
        "Human.notify",
        "shown",
        "Shows something, at once.",
        (
            may(
                "notice",
                _CALL,
                options=(
                    *_TOLD,
                    may("content", SAID),
                    may("details", Expected("a list of tables with title and content", "table", "list")),
                    may("level", one_of("debug", "info", "warning", "error", "critical"), '"info"'),
                ),
            ),
        ),
    ),
    Primitive(
        "System.alert",
        "shown",
        "Shows an alert, at once.",
        (
            may(
                "alert",
                _CALL,
                options=(
                    *_TOLD,
                    may("level", one_of("info", "warning", "error", "critical"), '"info"'),
                    may("source", SAID),
                ),
            ),
        ),
    ),
    Primitive(
        "Hitl",
        "declaration",
        "Declares options that a Human call takes by config_key.",
        (must("key", TEXT), may("options", OPTIONS)),
        takes="(key, {…})",
    ),
)
