"""The form as a widget, on the kernel's side."""

from __future__ import annotations

import pytest

from lua_procedures.human.requests import HumanRequest
from lua_procedures.notebook.forms import Form
from lua_procedures.rendering.elements import Html

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def form():
    request = HumanRequest(id="r1", kind="approve", message=f"Deploy? {HOSTILE}", asked_at=0.0, context={"a": HOSTILE})
    form = Form(request, "<b>panel</b>", name="release")
    yield form
    form.close()


def press(form, content):
    """What the browser's message does."""
    form._handle_custom_msg({"request": "r1", **content} if content else content, [])


def test_an_answer_reaches_every_callback(form):
    """A button's message becomes the raw answer; it may come again."""
    first: list[bool] = []
    second: list[bool] = []
    form.on_answer(first.append)
    form.on_answer(second.append)
    press(form, {"type": "answer", "value": {"button": 0}})
    press(form, {"type": "answer", "value": {"button": 1}})
    assert first == second == [True, False]


def test_later_reaches_its_callback(form):
    """Later is no answer; unknown messages are nothing."""
    answers: list[bool] = []
    calls: list[str] = []
    form.on_answer(answers.append)
    form.on_later(lambda: calls.append("later"))
    press(form, {"type": "later"})
    press(form, {"type": "other"})
    press(form, None)
    assert (answers, calls) == ([], ["later"])


def test_an_answer_to_an_earlier_question_is_dropped(form):
    """Asking again keeps the widget, forgets the callbacks, and takes only what is meant for the new question."""
    first: list[bool] = []
    second: list[bool] = []
    form.on_answer(first.append)
    form.settle("answered", "done")
    form.ask(HumanRequest(id="r2", kind="approve", message="Really?", asked_at=0.0))
    form.on_answer(second.append)
    assert (form.phase, form.outcome, form.request["message"]) == ("open", "", "Really?")
    press(form, {"type": "answer", "value": {"button": 0}})
    press(form, {"type": "answer", "request": "r2", "value": {"button": 1}})
    assert (first, second) == ([], [False])


def test_the_end_shows_the_record_for_the_output_of_this_widget(form):
    """The record is the outcome; the browser knows the id by which it finds the output to replace."""
    form.end({"text/plain": "release: completed", "text/html": "<b>release</b>"})
    assert (form.phase, form.outcome, form.panel) == ("closed", "<b>release</b>", "")
    assert form.output == form.model_id
    assert form.record["text/plain"] == "release: completed"


def test_the_same_faults_are_sent_again(form):
    """Refusing twice with the same faults changes the trait twice; two faults of a field are one message."""
    sent = []
    form.observe(lambda change: sent.append(change["new"]), "problems")
    faults = [{"field": "a", "message": "One."}, {"field": "a", "message": "Two."}, {"field": "", "message": "All."}]
    for _ in range(2):
        form.refuse(faults)
    assert sent == [{"a": "One. Two.", "": "All."}, {}, {"a": "One. Two.", "": "All."}]


def test_settling_sets_phase_and_outcome(form):
    """A form is open until it is settled."""
    assert form.phase == "open"
    form.settle("answered", Html("<b>by command line</b>"))
    assert (form.phase, form.outcome) == ("answered", "<b>by command line</b>")


def test_the_saved_question_is_text_and_escaped(form):
    """Without a kernel the question reads as text and as HTML without scripts, and shows no address."""
    bundle = form.mimebundle()
    assert "Deploy?" in bundle["text/plain"]
    assert "release" in bundle["text/plain"]
    assert "Deploy?" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == form.model_id
    assert form._repr_mimebundle_(include=None, exclude=None) == (bundle, {})
    assert "0x" not in repr(form) + bundle["text/plain"]


def test_the_browsers_part_is_whole():
    """Module and style sheet travel with the widget and fetch nothing."""
    assert "export default" in Form._esm
    assert ".lpf-form" in Form._css
    assert "import " not in Form._esm
    assert "url(" not in Form._css


def test_an_outcome_in_plain_words_is_no_markup(form):
    """Only what is HTML by its type reaches the page as HTML."""
    form.settle("later", f"The kernel is free. {HOSTILE}")
    assert form.outcome == "The kernel is free. &lt;script&gt;alert(1)&lt;/script&gt;"
