"""Scripted answers in every form, and what is said of those that do not fit."""

from __future__ import annotations

import pytest

from lua_procedures import TIMEOUT, AnswerRefused, ProcedureError, UsageError, run
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.human.requests import HumanRequest
from lua_procedures.human.responders import Scripted, answers_from_environment

FIELDS = """
return Human.multiple{{id = "ok", type = "approve"}, {id = "n", response_schema = {type = "integer"}},
                      {id = "c", type = "select", options = {"a", {label = "B", value = 2}}, required = false}}
"""
TOOL = """
send = Tool {input = {to = field.string{required = true}}, requires_approval = true,
             function(args) return "sent to " .. args.to end}
return send{to = "ann"}
"""
TWO = 'return {Human.input("a"), Human.input("b")}'


def question(message="?", **fields):
    return HumanRequest(id="r1", kind="input", message=message, asked_at=0.0, **fields)


def ran(program, answers):
    return run(program, answers=answers, store=MemoryStore())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[NaN]", "no JSON"),
        (b"\xff\xfe[]", "no JSON"),
        (b'"yes"', "a JSON list or object expected, got a text"),
        (b"true", "got a boolean"),
        (b"5", "got a number"),
        (b"null", "got nothing"),
    ],
)
def test_a_file_that_holds_no_answers(tmp_path, monkeypatch, text, said):
    """The error names the variable, the file, and what is wrong with it."""
    (tmp_path / "a.json").write_bytes(text)
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", str(tmp_path / "a.json"))
    with pytest.raises(UsageError, match=r"LUA_PROCEDURES_ANSWERS=.*a\.json: ") as wrong:
        answers_from_environment()
    assert said in wrong.value.message


@pytest.mark.parametrize(("name", "said"), [("missing.json", "No such file"), (".", "directory")])
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, name, said):
    """A missing file and a folder are told apart."""
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", str(tmp_path / name))
    with pytest.raises(UsageError, match=said):
        answers_from_environment()


def test_no_variable_is_no_answers(monkeypatch):
    """Also an empty one."""
    monkeypatch.setenv("LUA_PROCEDURES_ANSWERS", "")
    assert answers_from_environment() is None
    monkeypatch.delenv("LUA_PROCEDURES_ANSWERS")
    assert answers_from_environment() is None


@pytest.mark.parametrize("answers", [b"yes", bytearray(b"yes"), {"a", "b"}, 5, True, "[true]"])
def test_what_is_no_answers(answers):
    """Bytes are no list of answers, nor is JSON as text, as papermill's -p gives it."""
    with pytest.raises(UsageError, match="a list, a dict, a callable or 'default' expected"):
        Scripted(answers)


def test_a_tuple_is_a_list_of_answers():
    """So is every sequence that is no text."""
    assert ran(TWO, ("x", "y")).value == ["x", "y"]


def test_a_name_and_the_message_name_the_same_question():
    """The `config_key` is looked for first."""
    scripted = Scripted({"?": "by message", "key": "by key"})
    assert scripted.answer(question(config_key="key")) == "by key"
    assert scripted.answer(question()) == "by message"
    assert scripted.unused() == []


def test_a_dict_answers_a_question_each_time():
    """Equal messages have equal answers."""
    assert ran('return {Human.input("a"), Human.input("a")}', {"a": "x"}).value == ["x", "x"]


def test_a_function_may_leave_a_question_to_its_default():
    """What it gives is taken as it is: None is no answer, `TIMEOUT` the default."""
    program = 'return {Human.input{message = "a", default = "d"}, Human.input("b")}'
    paused = ran(program, lambda request: TIMEOUT if request.message == "a" else None)
    assert (paused.answers[0].value, paused.pending.message) == ("d", "b")


def test_a_function_that_fails_fails_the_run():
    """The exception is named; the question is still open when it runs again."""
    store = MemoryStore()
    with pytest.raises(ProcedureError, match="ZeroDivisionError") as failed:
        run(TWO, name="r", store=store, answers=lambda _: 1 / 0)
    assert failed.value.run is not None
    assert failed.value.run.status == "failed"
    assert run(TWO, name="r", store=store, answers=["x", "y"]).value == ["x", "y"]


def test_a_scripted_form_of_several_fields():
    """By id; labels and values both name an option, and what is not required may be left out."""
    assert ran(FIELDS, [{"ok": True, "n": 3, "c": "B"}]).value == {"ok": True, "n": 3, "c": 2}
    assert "c" not in ran(FIELDS, [{"ok": False, "n": 3}]).value


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        ({"ok": "yes", "n": "3", "c": "z", "d": 1}, {"", "ok", "n", "c"}),
        ({}, {"ok", "n"}),
        ([True, 3], {""}),
        (True, {""}),
    ],
)
def test_a_scripted_form_that_does_not_fit(answer, faults):
    """Every field that is wrong is named, and the question stays."""
    with pytest.raises(AnswerRefused) as refused:
        ran(FIELDS, [answer])
    assert {fault["field"] for fault in refused.value.faults} == faults
    assert refused.value.run is not None
    assert refused.value.run.status == "paused"


@pytest.mark.parametrize(
    ("answer", "value"),
    [(True, "sent to ann"), ({"approved": True}, "sent to ann"),
     ({"approved": True, "edited_artifact": {"to": "bob"}}, "sent to bob"),
     ({"approved": True, "edited_artifact": '{"to": "bob"}'}, "sent to bob")],
)  # fmt: skip
def test_a_scripted_approval_with_edited_arguments(answer, value):
    """The tool is called with what the answer makes of its arguments, as data or as JSON."""
    assert ran(TOOL, [answer]).value == value


@pytest.mark.parametrize("edited", [{"to": 5}, {}, "{", [1], {"to": "bob", "cc": {"deep": [float("inf")]}}], ids=str)
def test_edited_arguments_that_the_tool_does_not_take(edited):
    """They are refused before the tool is called."""
    with pytest.raises(AnswerRefused):
        ran(TOOL, [{"approved": True, "edited_artifact": edited}])


def test_why_a_question_has_no_scripted_answer():
    """The names that were given are said, or how many answers came before."""
    named = Scripted({"Deploy?": True, "x" * 100: False})
    assert named.why_none().startswith("The answers that were given are for “Deploy?”, “xxx")
    listed = Scripted([1, 2])
    assert [listed.answer(question()) for _ in range(3)] == [1, 2, None]
    assert listed.why_none() == "2 of the 2 answers that were given came before it."
    assert "function" in Scripted(lambda _: None).why_none()
    assert Scripted(None).why_none() == Scripted("default").why_none() == ""
