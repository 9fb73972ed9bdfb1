"""A question still open, as static text and HTML."""

from __future__ import annotations

import html
from typing import Any

import pytest

from lua_procedures.human.requests import HumanOption, HumanRequest, RequestField
from lua_procedures.rendering.requests import request_html, request_text


def request_of(**fields: Any) -> HumanRequest:
    known = {"id": "secret-id", "kind": "approve", "message": "Ship it?", "asked_at": 1.8e9, "line": 9}
    return HumanRequest(**{**known, **fields})


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({"kind": "approve"}, "yes"),
        ({"kind": "input"}, "TEXT"),
        ({"kind": "input", "response_schema": {"type": "object"}}, "JSON"),
        ({"kind": "select", "options": (HumanOption(label="Blue one", value="blue"),)}, "blue"),
        ({"kind": "select", "options": (HumanOption(label="1", value="1"),)}, "'\"1\"'"),
        ({"kind": "select", "mode": "multiple", "options": (HumanOption(label="a", value=2),)}, "'[2]'"),
        ({"kind": "review", "options": (HumanOption(label="send back"),)}, "'send back'"),
        ({"kind": "multiple", "fields": (RequestField(id="age"),)}, '\'{"age": "…"}\''),
        ({"kind": "escalate", "severity": "error"}, "resolved"),
    ],
)
def test_every_kind_of_question_says_how_to_answer(fields: dict[str, Any], command: str) -> None:
    """The command that answers carries a value of the form that this kind of question takes."""
    request = request_of(**fields)
    assert request_text(request, "r").endswith(f"%procedures answer r {command}")
    assert f"%procedures answer r {command}" in html.unescape(request_html(request, "r"))


def test_a_question_shows_its_artifact_and_context() -> None:
    """Markdown is rendered, data is a table, and a long artifact is shortened."""
    markup = request_html(request_of(artifact="# Notes\n\n- **new**", artifact_type="markdown", context={"v": "1.2"}))
    assert "<li><strong>new</strong></li>" in markup
    assert "<table" in markup
    assert len(request_html(request_of(artifact="x" * 100_000))) < 4_000


def test_a_question_reads_as_a_whole() -> None:
    """The text has the message, what was given with it, what can be chosen, what expiry takes, and how to answer."""
    request = request_of(
        kind="select",
        message="Which\ncolours?",
        context={"n": 1},
        options=(HumanOption(label="Red", value="r"), HumanOption(label="Blue", value="b")),
        mode="multiple",
        min=1,
        max=2,
        default=["b"],
        timeout_seconds=90,
    )
    assert request_text(request, "paint").split("\n") == [
        "question: Which colours? (select, line 9)",
        '  context: {"n": 1}',
        "  choose 1 to 2 of: Red, Blue",
        "  after 90 s without an answer: Blue",
        "  to answer: run it again, or %procedures answer paint '[\"r\"]'",
    ]


def test_the_line_to_type_names_the_store() -> None:
    """Where the run's store must be named, the line does so as a shell takes it."""
    request = request_of(kind="approve")
    for shown in (
        request_text(request, "a b", "my runs.db"),
        html.unescape(request_html(request, "a b", "my runs.db")),
    ):
        assert "%procedures answer 'a b' yes --store 'my runs.db'" in shown


def test_an_escalation_never_expires() -> None:
    """An escalation says how severe it is and nothing of a timeout."""
    text = request_text(request_of(kind="escalate", severity="critical", timeout_seconds=5))
    assert "(escalate, critical, line 9)" in text
    assert "without an answer" not in text


def test_what_a_form_would_show_is_said() -> None:
    """Default, placeholder, schema, fields and the first of many options are in the text."""
    many = tuple(HumanOption(label=f"option {at}") for at in range(50))
    text = request_text(
        request_of(
            kind="input",
            options=many,
            default="option 3",
            placeholder="a word",
            response_schema={"type": "string"},
            fields=(RequestField(id="age", message="How old?"), RequestField(id="ok", type="approve")),
        )
    )
    assert "option 0, option 1" in text
    assert "default: option 3" in text
    assert "placeholder: a word" in text
    assert 'schema: {"type": "string"}' in text
    assert "fields: age (input: How old?), ok (approve)" in text
    assert "(30 more)" in request_html(request_of(kind="select", options=many))


def test_artifacts_are_shown_by_their_type() -> None:
    """A table is a table, an image is only named, anything else is shown as it is written."""
    assert request_html(request_of(artifact=[{"a": 1}], artifact_type="table")).count("<th ") == 1
    assert "an image" in request_html(request_of(artifact="aGk=", artifact_type="image"))
    assert "&lt;b&gt;hi" in request_html(request_of(artifact="<b>hi</b>", artifact_type="html"))
