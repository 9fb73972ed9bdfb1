"""What the options of a `Human` call ask, and which are refused."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import pytest

from lua_procedures import TIMEOUT, ProcedureError, run


def record(info):
    """The run that an error ended."""
    return info.value.run


def asked(call, before="", **options):
    """The request that a program waits for."""
    return run(f"{before} return {call}", **options).pending


DEFAULTS = {
    "approve": ("Human.approve{}", "Approval requested"),
    "input": ("Human.input{}", "Input requested"),
    "select": ("Human.select{options = {'a'}}", "Select"),
    "review": ("Human.review{}", "Review requested"),
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_messages_have_defaults(kind):
    """Each kind has its own message where none is given."""
    call, message = DEFAULTS[kind]
    request = asked(call)
    assert (request.kind, request.message) == (kind, message)


def test_a_message_alone():
    """`Human.approve("message")` and the colon form are the same as the table."""
    assert asked("Human.approve('Go?')").message == "Go?"
    assert asked("Human:approve{message = 'Go?'}").message == "Go?"


def test_every_option_arrives():
    """The request carries the options of the call, and unknown ones in its metadata."""
    request = asked(
        """Human.select{message = 'm', context = {a = 1}, options = {'x', {label = 'Y', value = 2}}, mode = 'multiple',
           min = 1, max = 2, timeout = 5, default = {'x'}, color = 'red'}"""
    )
    assert [(option.label, option.value) for option in request.options] == [("x", "x"), ("Y", 2)]
    assert (request.mode, request.min, request.max, request.default) == ("multiple", 1, 2, ["x"])
    assert (request.timeout_seconds, request.expires_at - request.asked_at) == (5, 5)
    assert (request.context, request.metadata, request.line) == ({"a": 1}, {"color": "red"}, request.line)


def test_the_line_of_the_call():
    """The request knows the cell's line of its call."""
    assert asked("nil", before="local a = 1\n\nlocal b = Human.input{}\n").line == 3


def test_a_review_has_two_options():
    """Without options a review offers approve and reject; tables say which one cancels."""
    assert [(option.label, option.type) for option in asked("Human.review{}").options] == [
        ("approve", "action"),
        ("reject", "cancel"),
    ]
    request = asked(
        "Human.review{options = {'Ship', {label = 'Stop', type = 'cancel'}}, artifact = 'a', artifact_type = 'code'}"
    )
    assert [(option.label, option.type) for option in request.options] == [("Ship", "action"), ("Stop", "cancel")]
    assert (request.artifact, request.artifact_type) == ("a", "code")


def test_fields_of_one_form():
    """`Human.multiple` takes a list of fields, or a table with `fields` and options."""
    fields = "{{id = 'a', message = 'A?'}, {id = 'b', type = 'approve', default = true}, {id = 'c', type = 'select', options = {1, 2}}}"
    assert [(field.id, field.type) for field in asked(f"Human.multiple{fields}").fields] == [
        ("a", "input"),
        ("b", "approve"),
        ("c", "select"),
    ]
    request = asked(f"Human.multiple{{fields = {fields}, message = 'All', timeout = 3}}")
    assert (request.message, request.timeout_seconds, len(request.fields)) == ("All", 3, 3)


def test_options_stand_beside_the_fields():
    """What is named beside a list of fields are options of the form, and what has no meaning its metadata."""
    before = "Hitl('k', {context = {from = 'Hitl'}})"
    call = "Human.multiple{message = 'All', timeout = 60, config_key = 'k', team = 'ops', {id = 'a'}, {id = 'b'}}"
    request = asked(call, before=before)
    assert [field.id for field in request.fields] == ["a", "b"]
    assert (request.message, request.timeout_seconds, request.metadata) == ("All", 60, {"team": "ops"})
    assert (request.config_key, request.context) == ("k", {"from": "Hitl"})
    assert asked("Human.multiple{{id = 'a'}, context = {1, 2}}").context == [1, 2]
    assert run(f"{before} return {call}.b", answers=[{"a": "x", "b": "y"}]).value == "y"


def test_an_escalation_never_times_out():
    """A `timeout` of an escalation is only metadata."""
    request = asked("Human.escalate{message = 'Help', severity = 'critical', timeout = 1}")
    assert (request.severity, request.expires_at) == ("critical", None)
    assert asked("Human.escalate{}").severity == "error"


def test_declarations_are_merged():
    """A `config_key` brings the declared options; the call's own win."""
    declared = "Hitl('k', {message = 'declared', timeout = 9, default = true})"
    request = asked("Human.approve{config_key = 'k', timeout = 4}", before=declared)
    assert (request.message, request.timeout_seconds, request.default, request.config_key) == ("declared", 4, True, "k")


ANSWERS = [
    ("Human.approve{}", True, True),
    ("Human.approve{}", TIMEOUT, False),
    ("Human.approve{default = true}", TIMEOUT, True),
    ("Human.input{}", "text", "text"),
    ("Human.input{}", TIMEOUT, None),
    ("Human.input{default = 'd'}", TIMEOUT, "d"),
    ("Human.input{response_schema = {type = 'integer'}}", 5, 5),
    ("Human.select{options = {'a', {label = 'B', value = 2}}}", "B", 2),
    ("Human.select{options = {'a', 'b'}, mode = 'multiple'}", ["b"], ["b"]),
    ("Human.select{options = {'a'}}", TIMEOUT, None),
    ("Human.multiple{{id = 'a'}, {id = 'b', type = 'approve'}}", {"a": "x", "b": True}, {"a": "x", "b": True}),
    ("Human.escalate{}", "done", None),
]


@pytest.mark.parametrize(("call", "answer", "expected"), ANSWERS)
def test_answers_arrive(call, answer, expected):
    """The program gets the answer in the form that the kind promises, and again on replay."""
    name = f"answers {call} {answer}"
    source = f"local a = {call} return a"
    assert run(source, name=name, answers=[answer]).value == expected
    again = run(source, name=name)
    assert (again.value, again.replayed) == (expected, 1)


def test_a_review_answers_in_full():
    """A review gives decision, feedback, the edited artifact or nil, the time, and whether it timed out."""
    source = "return Human.review{artifact = 'old', options = {'Ship', 'Stop'}}"
    value = run(source, answers=[{"decision": "Ship", "feedback": "fine", "edited_artifact": "new"}]).value
    assert (value["decision"], value["feedback"], value["edited_artifact"], value["timed_out"]) == (
        "Ship",
        "fine",
        "new",
        False,
    )
    expired = run("return Human.review{artifact = 'old'}", answers=[TIMEOUT]).value
    assert (expired["decision"], expired["feedback"], expired.get("edited_artifact"), expired["timed_out"]) == (
        "reject",
        "",
        None,
        True,
    )


WRONG = {
    "Human.approve{message = {}}": "message",
    "Human.approve{message = true}": "message",
    "Human.approve{timeout = 'soon'}": "timeout: a number of seconds (0 to 1e9) expected, got a string",
    "Human.approve{timeout = -1}": "timeout",
    "Human.approve{timeout = true}": "timeout",
    "Human.approve{default = 'yes'}": "default",
    "Human.approve{1, 2}": "named options",
    "Human.approve{config_key = 'k'}": "k",
    "Human.approve{config_key = {}}": "config_key",
    "Human.approve{context = function() end}": "function",
    "Human.approve{context = input.x}": "$.context",
    "Human.input{placeholder = {}}": "placeholder",
    "Human.input{multiline = 'yes'}": "multiline",
    "Human.input{response_schema = 'integer'}": "response_schema",
    "Human.input{response_schema = {type = 'nonsense'}}": "response_schema",
    "Human.input{options = {'a'}, default = 'b'}": "default",
    "Human.input{options = 'a'}": "options",
    "Human.select{}": "options",
    "Human.select{options = {}}": "options",
    "Human.select{options = {true}}": "options[1]",
    "Human.select{options = {{value = {}}}}": "options[1]",
    "Human.select{options = {{label = {}}}}": "options[1].label",
    "Human.select{options = {'a', 'a'}}": '"a" is there twice',
    "Human.select{options = {'a'}, mode = 'many'}": "mode",
    "Human.select{options = {'a'}, min = 'one'}": "min",
    "Human.select{options = {'a'}, mode = 'multiple', min = 2}": "min",
    "Human.select{options = {'a', 'b'}, mode = 'multiple', min = 2, max = 1}": "max",
    "Human.select{options = {'a'}, max = -1}": "max",
    "Human.select{options = {'a'}, default = 'b'}": "default",
    "Human.review{options = {{label = 'a', type = 'other'}}}": "options[1].type",
    "Human.review{artifact_type = {}}": "artifact_type",
    "Human.review{default = 'other'}": "default",
    "Human.review{artifact = {1, nil, 3}}": "$.artifact",
    "Human.multiple{}": "fields",
    "Human.multiple{'a'}": "field 1",
    "Human.multiple{message = 'All'}": "fields: a non-empty list of fields expected, got nil",
    "Human.multiple{message = 'All', 'a'}": "field 1",
    "Human.multiple{timeout = 'soon', {id = 'a'}}": "timeout: a number of seconds (0 to 1e9) expected, got a string",
    "Human.multiple{message = 'All', {id = 'a'}, [3] = {id = 'b'}}": "$.fields",
    "Human.multiple{{message = 'a'}}": "id",
    "Human.multiple{{id = 'a'}, {id = 'a'}}": '"a" is there twice',
    "Human.multiple{{id = 'a', type = 'review'}}": "type",
    "Human.multiple{{id = 'a', type = 'select'}}": 'field "a": options',
    "Human.multiple{{id = 'a', type = 'select', options = {'x'}, default = 'y'}}": "default",
    "Human.multiple{{id = 'a', type = 'approve', default = 'y'}}": "default",
    "Human.multiple{{id = 'a', required = 'no'}}": "required",
    "Human.escalate{severity = 'bad'}": 'severity: one of info, warning, error, critical expected, got "bad"',
}


@pytest.mark.parametrize("call", WRONG)
def test_wrong_options(call):
    """A wrong option is an error of one line at the call that names the primitive and the option; nothing is asked."""
    with pytest.raises(ProcedureError) as error:
        run(f"local a = 1\nlocal b = {call}\nreturn b", params={"x": object()})
    assert error.value.line == 2
    assert error.value.message.startswith(call.partition("{")[0])
    assert WRONG[call] in error.value.message
    assert len(error.value.message) < 300
    assert (record(error).status, record(error).pending) == ("failed", None)


@pytest.mark.parametrize("call", WRONG)
def test_wrong_options_can_be_caught(call):
    """`pcall` gets the same error as a text with its position."""
    source = f"local ok, e = pcall(function()\nlocal b = {call}\nend)\nreturn {{ok, e}}"
    ok, message = run(source, params={"x": object()}).value
    assert ok is False
    assert message.startswith(f"cell:2: {call.partition('{')[0]}: ")


def test_bytes_can_be_shown():
    """An artifact that is no text, such as an image, is asked about and kept."""
    source = "return Human.review{artifact = '\\x89PNG\\xff', artifact_type = 'image'}.decision"
    assert asked(source.removeprefix("return ").removesuffix(".decision")).artifact == b"\x89PNG\xff"
    assert run(source, answers=["approve"]).value == "approve"
