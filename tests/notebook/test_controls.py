"""A request as the browser gets it, and what the browser sends as an answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.human.answers import accept
from lua_procedures.human.requests import HumanOption, HumanRequest, RequestField
from lua_procedures.notebook.controls import browser_view, controls, read_answer

FIELDS = (
    RequestField(id="ok", type="approve", message="Ship it?", default=True),
    RequestField(id="why", multiline=True, placeholder="a reason"),
    RequestField(id="to", type="select", options=(HumanOption(label="A", value=1), HumanOption(label="B", value=2))),
    RequestField(id="n", response_schema={"type": "number"}),
)


def question(kind, **fields):
    return HumanRequest(id="r1", kind=kind, message="?", asked_at=0.0, **fields)


def by_schema(schema, **fields):
    return question("input", response_schema=schema, **fields)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (None, "text"),
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "choice"),
        ({"enum": ["a", 1]}, "choice"),
        ({"type": "array"}, "json"),
        ({"type": "object", "properties": {"inner": {"type": "object"}}}, "json"),
        ({}, "text"),
    ],
)
def test_a_schema_decides_the_control(schema, kind):
    """Each simple type has its control; anything else is a box for JSON."""
    assert [control.kind for control in controls(by_schema(schema))] == [kind]


def test_an_object_schema_has_a_control_for_each_property():
    """Properties with a simple type are controls of their own, with title, description and default."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "title": "Name"}, "age": {"type": "integer", "description": "years"}},
        "required": ["name"],
    }
    name, age = controls(by_schema(schema, default={"age": 7}))
    assert (name.id, name.label, name.required) == ("name", "Name", True)
    assert (age.hint, age.required, age.view()["value"]) == ("years", False, "7")
    assert read_answer(by_schema(schema), {"fields": {"name": "Ada", "age": ""}}) == {"name": "Ada"}


def test_fields_of_a_form():
    """Each field of a multiple is one control with what it holds at first."""
    views = browser_view(question("multiple", fields=FIELDS))["controls"]
    assert [(view["id"], view["kind"], view["label"], view["value"]) for view in views] == [
        ("ok", "choice", "Ship it?", 0),
        ("why", "lines", "why", ""),
        ("to", "choice", "to", None),
        ("n", "number", "n", ""),
    ]


def test_what_the_fields_send():
    """Places become values, texts numbers; a number that is none stays a text for the check to refuse."""
    request = question("multiple", fields=FIELDS)
    sent = {"fields": {"ok": 1, "why": "so", "to": 1, "n": "2.0"}}
    assert read_answer(request, sent) == {"ok": False, "why": "so", "to": 2, "n": 2.0}
    assert read_answer(request, {"fields": {"n": "many"}}) == {"ok": None, "why": "", "to": None, "n": "many"}


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_kind_and_size(number):
    """A number typed as Python writes it arrives as that number, however large, an integer or a float as it was."""
    answer = read_answer(by_schema({"type": "number"}), {"fields": {"": json.dumps(number)}})
    assert (type(answer), answer) == (type(number), number)


@pytest.mark.parametrize(("place", "value"), [(0, True), (1, False), (2, None), (-1, None), ("0", None), (None, None)])
def test_the_buttons_of_an_approval(place, value):
    """Approve and Reject are true and false; any other place is no answer."""
    assert read_answer(question("approve"), {"button": place}) is value


def test_options_are_sent_by_place():
    """A value that JSON in a browser could not carry comes back as it was."""
    options = (HumanOption(label="big", value=2**60 + 1), HumanOption(label="float", value=2.0))
    assert read_answer(question("select", options=options), {"fields": {"": 0}}) == 2**60 + 1
    several = read_answer(question("select", options=options, mode="multiple"), {"fields": {"": [1]}})
    assert [type(value) for value in several] == [float]


def test_an_approval_sends_an_edit_only_where_there_is_one():
    """Where its artifact cannot be edited, an approval is a bool whatever comes."""
    fixed = question("approve", artifact={"a": 1})
    editable = question("approve", artifact={"a": 1}, artifact_type="json", editable=True)
    sent = {"button": 0, "artifact": '{"a": 2}'}
    assert read_answer(fixed, sent) is True
    assert read_answer(editable, {"button": 1, "artifact": None}) is False
    assert accept(editable, read_answer(editable, sent)) == {"approved": True, "edited_artifact": {"a": 2}}
    assert accept(editable, read_answer(editable, {**sent, "button": 1})) is False
    assert [browser_view(each)["artifact"]["editable"] for each in (fixed, editable)] == [False, True]


def test_a_review_sends_label_feedback_and_edit():
    """The pressed button is the decision; what was not edited is None."""
    request = question("review", artifact={"a": 1.0}, options=(HumanOption(label="Go"),))
    sent = {"button": 0, "feedback": "fine", "artifact": None}
    assert read_answer(request, sent) == {"decision": "Go", "feedback": "fine", "edited_artifact": None}
    view = browser_view(request)["artifact"]
    assert view == {"kind": "json", "text": '{\n  "a": 1.0\n}', "editable": True}


@pytest.mark.parametrize("sent", [None, "x", [], {}, {"button": 99, "fields": None}])
@pytest.mark.parametrize("kind", ["approve", "input", "select", "review", "multiple", "escalate"])
def test_nonsense_is_no_answer(kind, sent):
    """A message that makes no sense is read as an answer that says nothing."""
    read_answer(question(kind, fields=FIELDS if kind == "multiple" else ()), sent)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "approve"}, "Takes “Reject”"),
        ({"kind": "select", "options": (HumanOption(label="A", value=1),), "default": 1}, "Takes “A”"),
        ({"kind": "input"}, "Ends without an answer"),
        ({"kind": "multiple", "fields": FIELDS}, "Takes the defaults"),
        ({"kind": "approve", "expires_at": None}, ""),
    ],
)
def test_the_countdown_names_what_is_taken(fields, text):
    """The button's label or the value; nothing where nothing expires."""
    assert browser_view(question(**{"expires_at": 5.0, **fields}))["expiry"] == text


def test_everything_is_json():
    """Whatever the program gave, the browser's view can be sent and shows no address."""
    request = question("approve", context={"handle": object(), "n": 1, "t": "x"})
    assert json.loads(json.dumps(browser_view(request)))["context"][0] == ["handle", '"<object>"']


@given(st.text(), st.text())
def test_text_that_hides_is_shown(message, label):
    """Characters that turn or hide text are replaced; an answer still gets the option's own label."""
    option = HumanOption(label=label)
    request = HumanRequest(id="r", kind="review", message=message, asked_at=0.0, options=(option,))
    view = browser_view(request)
    assert not set("\u202e\u2066\x1b") & set(view["message"] + view["buttons"][0]["label"])
    if label:
        assert accept(request, read_answer(request, {"button": 0}))["decision"] == label
