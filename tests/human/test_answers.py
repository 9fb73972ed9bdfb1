"""Answers: what fits a question, what the program gets for it, and what is said of one that does not fit."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.errors import AnswerRefused
from lua_procedures.human.answers import accept
from lua_procedures.human.artifacts import artifact_kind
from lua_procedures.human.expiry import expired
from lua_procedures.human.parsing import parse_json, parse_text
from lua_procedures.human.requests import HumanOption, HumanRequest, RequestField

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
REGIONS = (
    HumanOption(label="Europe", value="eu"),
    HumanOption(label="America", value={"id": 2}),
    HumanOption(label="eu", value=3),
    HumanOption(label="yes", value=True),
    HumanOption(label="plain"),
)
ADULT = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}, "required": ["name", "age"]}


def question(kind, **fields):
    return HumanRequest(id="r1", kind=kind, message="?", asked_at=0.0, **fields)


def faults(request, raw):
    with pytest.raises(AnswerRefused) as refusal:
        accept(request, raw)
    return {fault["field"]: fault["message"] for fault in refusal.value.faults}


@pytest.mark.parametrize("value", [True, False])
def test_an_approval_is_a_boolean(value):
    """True and false are answers to an approval."""
    assert accept(question("approve"), value) is value


@pytest.mark.parametrize("raw", ["yes", 1, 0, None, "true", [True]])
def test_nothing_else_is_an_approval(raw):
    """What is no boolean is refused: 1 is not true."""
    assert "true or false" in faults(question("approve"), raw)[""]


@given(st.text())
def test_any_text_answers_an_input(text):
    """An input without a schema takes every text, as it is."""
    assert accept(question("input"), text) == text


@pytest.mark.parametrize("raw", [5, None, ["a"], {"a": 1}, True])
def test_an_input_without_schema_is_text(raw):
    """Only a schema lets an input be anything but text."""
    assert "text is expected" in faults(question("input"), raw)[""]


def test_an_input_by_schema_names_every_fault():
    """All faults against the schema come at once, each at its property."""
    assert faults(question("input", response_schema=ADULT), {"age": 7}) == {
        "name": "An answer is required.",
        "age": "This must be at least 18.",
    }


def test_an_input_by_schema_returns_the_value():
    """A value that fits is returned as it is."""
    answer = {"name": "Ada", "age": 36, "more": [1.5]}
    assert accept(question("input", response_schema=ADULT), answer) is answer


def test_an_input_with_choices_takes_one_of_them():
    """Choices are all there is to answer with."""
    request = question("input", options=REGIONS)
    assert accept(request, "Europe") == "eu"
    assert "Unknown option “Mars”" in faults(request, "Mars")[""]


@pytest.mark.parametrize(
    ("raw", "value"),
    [("Europe", "eu"), ("eu", "eu"), ("America", {"id": 2}), ({"id": 2.0}, {"id": 2}), (3, 3), ("plain", "plain")],
)
def test_a_selection_is_a_value_or_a_label(raw, value):
    """A value counts before a label, and the option's own value is returned."""
    assert accept(question("select", options=REGIONS), raw) == value


def test_true_is_not_one():
    """A boolean is another option than the number that Python holds equal."""
    options = (HumanOption(label="number", value=1), HumanOption(label="switch", value=True))
    chosen = [accept(question("select", options=options), option.value) for option in options]
    assert [type(value) for value in chosen] == [int, bool]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "Choose at least 1 (0 chosen)."),
        (None, "Choose at least 1 (0 chosen)."),
        (["Europe", 3, "plain"], "Choose at most 2 (3 chosen)."),
        (["Europe", "eu"], "An option is chosen twice."),
        (["Mars"], "Unknown option “Mars”; the options are Europe, America, eu, yes, plain."),
    ],
)
def test_a_selection_of_several_is_counted(raw, message):
    """Too few, too many, one twice and unknown ones are refused."""
    assert faults(question("select", options=REGIONS, mode="multiple", min=1, max=2), raw)[""] == message


def test_a_selection_of_several_is_a_list():
    """Several are returned as a list in the order given; a single one becomes a list."""
    request = question("select", options=REGIONS, mode="multiple")
    assert accept(request, ["plain", "Europe"]) == ["plain", "eu"]
    assert accept(request, "Europe") == ["eu"]
    assert accept(request, []) == []


def test_a_review_is_a_label_or_a_table():
    """A label alone is a decision without feedback and without an edit."""
    request = question("review", artifact="draft", options=(HumanOption(label="Publish"),))
    assert accept(request, "Publish") == {"decision": "Publish", "feedback": "", "edited_artifact": None}
    table = {"decision": "Publish", "feedback": "ok", "edited_artifact": "better", "timed_out": False}
    assert accept(request, table) == {"decision": "Publish", "feedback": "ok", "edited_artifact": "better"}


def test_a_review_has_approve_and_reject():
    """Without options of its own a review is decided by approve or reject."""
    assert accept(question("review"), "reject")["decision"] == "reject"
    assert "the options are approve, reject" in faults(question("review"), "Approve")["decision"]


def test_a_review_names_every_fault():
    """Decision, feedback, edit and unknown keys are told at once."""
    found = faults(question("review"), {"feedback": 5, "edited_artifact": "x", "desision": "approve"})
    assert found.keys() == {"", "decision", "feedback", "edited_artifact"}
    assert "“desision”" in found[""]


@pytest.mark.parametrize(
    ("kind", "artifact", "edit", "result"),
    [
        ("text", "a", "a", None),
        ("text", "a", "b", "b"),
        ("json", {"a": 1}, '{"a": 2.0}', {"a": 2.0}),
        ("json", {"a": 1}, '{"a": 1}', None),
        ("json", {"a": 1}, [1], [1]),
        ("json", '{"a": 1}', '{"a": 2}', '{"a": 2}'),
        ("json", "[1]", [2], "[\n  2\n]"),
        ("text", {"a": True}, '{"a": 1}', {"a": 1}),
    ],
)
def test_an_edit_is_of_the_artifacts_type(kind, artifact, edit, result):
    """Text replaces text, data replaces data, and an edit that changes nothing is none."""
    request = question("review", artifact=artifact, artifact_type=kind)
    edited = accept(request, {"decision": "approve", "edited_artifact": edit})["edited_artifact"]
    assert json.dumps(edited) == json.dumps(result)


@pytest.mark.parametrize(("artifact", "edit"), [("text", ["a"]), ({"a": 1}, "{nothing"), (None, "x")])
def test_an_edit_that_does_not_fit_is_refused(artifact, edit):
    """An edit of another type, one that is no JSON, and one of nothing are refused at the artifact."""
    found = faults(question("review", artifact=artifact), {"decision": "approve", "edited_artifact": edit})
    assert found.keys() == {"edited_artifact"}


def test_several_fields_are_checked_together():
    """Each field has its own message; unknown ones are named."""
    fields = (
        RequestField(id="ok", type="approve"),
        RequestField(id="why"),
        RequestField(id="many", type="select", mode="multiple", min=1, options=REGIONS),
        RequestField(id="age", response_schema={"type": "integer"}),
    )
    found = faults(question("multiple", fields=fields), {"ok": "perhaps", "why": "", "age": "x", "other": 1})
    assert found.keys() == {"ok", "why", "many", "age", ""}
    assert "“other”" in found[""]


def test_fields_left_out_take_their_default():
    """A field that is missing has its default; an optional one without a default is nothing."""
    fields = (
        RequestField(id="ok", type="approve", default=True),
        RequestField(id="where", type="select", options=REGIONS, default="Europe"),
        RequestField(id="note", required=False),
        RequestField(id="tags", type="select", mode="multiple", options=REGIONS, required=False, min=1),
    )
    assert accept(question("multiple", fields=fields), {}) == {"ok": True, "where": "eu", "note": None, "tags": []}
    assert accept(question("multiple", fields=fields), {"ok": False})["ok"] is False


def test_several_fields_are_answered_by_a_table():
    """What is no table by id answers no form of several fields."""
    assert "by id" in faults(question("multiple", fields=(RequestField(id="a"),)), "x")[""]


@given(JSON)
def test_anything_resolves_an_escalation(raw):
    """An escalation takes any answer and gives the program nil."""
    assert accept(question("escalate"), raw) is None


@pytest.mark.parametrize(
    ("request_", "value"),
    [
        (question("approve"), False),
        (question("approve", default=True), True),
        (question("input"), None),
        (question("input", default="x"), "x"),
        (question("select", options=REGIONS, default="Europe"), "eu"),
        (question("select", options=REGIONS, default=["Europe", 3], mode="multiple"), ["eu", 3]),
        (question("select", options=REGIONS), None),
        (question("review"), {"decision": "reject", "feedback": "", "edited_artifact": None}),
        (question("review", default="Publish"), {"decision": "Publish", "feedback": "", "edited_artifact": None}),
        (
            question("review", default={"decision": "Publish", "feedback": "late"}),
            {"decision": "Publish", "feedback": "late", "edited_artifact": None},
        ),
        (
            question("multiple", fields=(RequestField(id="a", type="approve"), RequestField(id="b", default=5))),
            {"a": False, "b": 5},
        ),
        (question("escalate"), None),
    ],
)
def test_expiry_takes_the_default(request_, value):
    """Each kind has what is taken when nobody answers in time."""
    assert expired(request_) == value


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), (" No ", False), ("Approve", True), ("true", True), ("n", False)]
)
def test_a_typed_approval(text, value):
    """An approval is typed as yes or no."""
    assert accept(question("approve"), parse_text(question("approve"), text)) is value


def test_a_typed_perhaps_is_refused():
    """Other words are no approval."""
    assert faults(question("approve"), parse_text(question("approve"), "perhaps"))


@pytest.mark.parametrize(("text", "value"), [("42", "42"), ("true", "true"), ('"42"', "42"), ("a b", "a b")])
def test_a_typed_text_stays_text(text, value):
    """An input of text gets what was typed, also where it looks like a number; a JSON string is its text."""
    for request in (question("input"), question("input", response_schema={"type": "string"})):
        assert accept(request, parse_text(request, text)) == value


def test_a_typed_value_is_json():
    """Where the question takes values, JSON is read; a label is a label first."""
    assert parse_text(question("input", response_schema={"type": "integer"}), "42") == 42
    assert parse_text(question("multiple"), '{"a": [1.0]}') == {"a": [1.0]}
    assert parse_text(question("select", options=(HumanOption(label="1"),)), "1") == "1"
    assert parse_text(question("select", options=REGIONS), "3") == 3
    assert parse_text(question("review"), "approve") == "approve"
    assert parse_text(question("escalate"), "done now") == "done now"


@given(JSON)
def test_typed_json_is_what_it_says(value):
    """Every JSON value typed for a form of several fields arrives as that value."""
    assert parse_text(question("multiple"), json.dumps(value)) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999", "{"])
def test_json_is_strict(text):
    """What is no finite number is no JSON."""
    with pytest.raises(ValueError, match=r"Expecting|compliant"):
        parse_json(text)


def test_data_is_json_whatever_its_type_says():
    """Data given as a text is shown and edited as JSON; a table stays a table; nothing is nothing."""
    assert artifact_kind(question("review", artifact={"a": 1})) == "json"
    assert artifact_kind(question("review", artifact=[[1]], artifact_type="table")) == "table"
    assert artifact_kind(question("review", artifact="x", artifact_type="code")) == "code"
    assert artifact_kind(question("review")) == ""


@given(st.sampled_from(["approve", "input", "select", "review", "multiple"]), JSON)
def test_an_answer_fits_or_is_refused(kind, raw):
    """Whatever is answered, the outcome is a value or an AnswerRefused that names a fault."""
    request = question(kind, fields=(RequestField(id="a"),)) if kind == "multiple" else question(kind, options=REGIONS)
    refused = []
    try:
        accept(request, raw)
    except AnswerRefused as refusal:
        refused = [refusal]
    for error in refused:
        assert error.faults
        assert all(fault.keys() == {"field", "message"} for fault in error.faults)


def test_a_fault_is_short():
    """A long wrong answer is not repeated whole."""
    assert len(faults(question("select", options=REGIONS), "x" * 10_000)[""]) < 200
    assert math.isfinite(accept(question("input", response_schema={"type": "number"}), 1.5))
