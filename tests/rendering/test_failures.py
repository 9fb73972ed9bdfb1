"""What an exception says of a run's failure beside the record that says it, and where there is no record."""

from __future__ import annotations

from lua_procedures.errors import DivergenceError, HumanInputRequired, LuaRuntimeError, RunStopped
from lua_procedures.human.requests import HumanRequest
from lua_procedures.rendering.record import record_html, record_text
from lua_procedures.runs import Checkpoint, Run, RunData

from .pages import Page

MESSAGE = "no such file: a.txt"
EXCERPT = "   5 | local t = nil\n-> 6 | return <t>.x\n   7 | end"


def failure() -> LuaRuntimeError:
    error = LuaRuntimeError(MESSAGE, line=6, hint="Look for it.")
    error.excerpt = EXCERPT
    return error


def run_of(**data: object) -> Run:
    known = {"name": "load", "status": "failed", "error": failure(), "headless": False}
    return Run(RunData(**{**known, **data}))  # type: ignore[arg-type]


def test_without_a_record_the_exception_says_everything() -> None:
    """A terminal's ``run()``, nbclient, nbval and papermill see message, hint and the program's lines."""
    shown = "\n".join(failure()._render_traceback_())
    assert shown == f"LuaRuntimeError: line 6: {MESSAGE}\nLook for it.\n{EXCERPT}"


def test_beside_a_record_the_exception_is_one_line() -> None:
    """The record says what failed; the cell's exception says where, on one line, and keeps its message."""
    error = failure()
    error.told = "all"
    assert error._render_traceback_() == ["LuaRuntimeError at line 6; the record above says more"]
    assert str(error) == f"line 6: {MESSAGE}\nLook for it."


def test_beside_a_record_of_text_the_exception_shows_the_lines() -> None:
    """A terminal's record has the message, so the exception has the program's lines only."""
    error = failure()
    error.told = "message"
    assert error._render_traceback_() == ["LuaRuntimeError at line 6; the record above says more", EXCERPT]


def test_asked_again_the_traceback_is_whole() -> None:
    """``%tb`` shows the message and Python's own lines, whatever the record told."""
    error = failure()
    error.told = "all"
    error._render_traceback_()
    assert MESSAGE in "".join(error._render_traceback_())


def test_a_stop_is_told_once() -> None:
    """The record says how to go on, so the cell's line does not."""
    assert RunStopped("load")._render_traceback_() == ["KeyboardInterrupt: load was stopped"]


def test_the_record_shows_the_lines_around_the_failure() -> None:
    """Where a person looks, the record marks the line; in a headless run the exception does."""
    shown = Page(record_html(run_of()))
    assert "-> 6 | return <t>.x" in shown.text
    assert "strong" in shown.tags
    assert "return" not in Page(record_html(run_of(headless=True))).text


def test_the_record_says_the_message_once() -> None:
    """A checkpoint that failed with what ended the run is marked as failed, and does not say it again."""
    rows = [
        Checkpoint(position=0, path="0", kind="step", name="first", error="another"),
        Checkpoint(position=1, path="1", kind="step", name="load", error=MESSAGE),
    ]
    text = Page(record_html(run_of(list_checkpoints=lambda: rows))).text
    assert text.count(MESSAGE) == 1
    assert text.count("failed") == 3
    assert "another" in text


def test_a_refusal_says_once_what_changed() -> None:
    """With ``--strict`` the sentence on what changed is the error, and is not said beside it."""
    sentence = 'line 2: step "b" is where step "a" was'
    run = run_of(error=DivergenceError(sentence, hint="Without --strict it runs."), change=sentence)
    assert record_text(run).count(sentence) == 1
    assert Page(record_html(run)).text.count(sentence) == 1


def test_a_page_of_its_own_shows_the_lines() -> None:
    """An exported record stands alone, so it marks the line also where the run was headless."""
    assert "-> 6 | return <t>.x" in Page(record_html(run_of(headless=True), alone=True)).text


def test_an_unanswered_question_is_asked_once() -> None:
    """Where nobody could answer, the record shows the question and how to answer it, and no second time as an error."""
    request = HumanRequest(id="r", kind="approve", message="Ship it?", asked_at=1.0, line=3)
    error = HumanInputRequired("a person must answer: Ship it?", request=request, line=3, hint="Script the answer.")
    text = Page(record_html(run_of(status="paused", error=error, pending=request))).text
    assert text.count("Ship it?") == 1
    assert "Script the answer." in text
