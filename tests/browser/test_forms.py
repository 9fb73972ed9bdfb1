"""Every kind of question, answered by mouse and by keyboard in a real JupyterLab and Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("button", "value"), [("Approve", True), ("Reject", False)])
def test_approve_by_mouse(desk, button, value):
    """A click on a button is the answer, in Lab and in Notebook 7."""
    desk.ask("approve", "Deploy?", context={"version": "2.1"})
    desk.button(button).click()
    assert desk.answer() is value


def test_approve_by_keyboard(desk):
    """Tab reaches the buttons and Enter presses them."""
    desk.ask("approve", "Deploy?")
    desk.tab_to(desk.button("Reject"))
    desk.page.keyboard.press("Enter")
    assert desk.answer() is False


def test_input_retyped_arrives_whole(desk):
    """What was typed, corrected and typed again arrives whole, and Jupyter's shortcuts stay away."""
    cells = desk.page.locator(".jp-Notebook .jp-Cell").count()
    form = desk.ask("input", "Which name?", placeholder="a name")
    desk.tab_to(form.get_by_role("textbox", name="Which name?"))
    keyboard = desk.page.keyboard
    keyboard.type("alpha beta", delay=10)
    for _ in range(4):
        keyboard.press("Backspace")
    keyboard.type("gamma dd ünï 漢字 x", delay=10)
    keyboard.press("Home")
    keyboard.type("b")
    keyboard.press("Enter")
    assert desk.answer() == "balpha gamma dd ünï 漢字 x"
    assert desk.page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_multiline_input_is_sent_with_control_enter(lab):
    """In a text of several lines Enter is a new line, and Ctrl+Enter sends."""
    form = lab.ask("input", "Tell", multiline=True, default="old")
    box = form.get_by_role("textbox", name="Tell")
    expect(box).to_have_value("old")
    lab.tab_to(box)
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("one\ntwo")
    lab.page.keyboard.press("Control+Enter")
    assert lab.answer() == "one\ntwo"


def test_input_with_choices(lab):
    """An input with choices shows them as radio buttons."""
    form = lab.ask("input", "Size?", options=[{"label": "small"}, {"label": "large"}])
    form.get_by_role("radio", name="large").click()
    lab.button("Submit").click()
    assert lab.answer() == "large"


def test_input_by_object_schema(lab):
    """An object schema gives one control for each property; numbers arrive as numbers, problems at their field."""
    properties = {
        "name": {"type": "string", "title": "Name"},
        "age": {"type": "integer", "minimum": 18},
        "rate": {"type": "number"},
        "news": {"type": "boolean"},
        "big": {"type": "integer"},
    }
    schema = {"type": "object", "properties": properties, "required": ["name", "age"]}
    form = lab.ask("input", "Who?", response_schema=schema)
    form.get_by_role("textbox", name="Name").fill("Ada")
    age = form.get_by_role("textbox", name="age")
    age.fill("7")
    lab.button("Submit").click()
    expect(form.get_by_role("alert").filter(has_text="at least 18")).to_be_visible()
    expect(age).to_have_attribute("aria-invalid", "true")
    expect(age).to_be_focused()
    age.fill("36")
    form.get_by_role("textbox", name="rate").fill("2.0")
    form.get_by_role("textbox", name="big").fill("9007199254740993")
    form.get_by_role("radio", name="Yes").check()
    age.press("Enter")
    answer = lab.answer()
    assert answer == {"name": "Ada", "age": 36, "rate": 2.0, "news": True, "big": 9007199254740993}
    assert isinstance(answer["rate"], float)


def test_input_by_list_schema_is_json(lab):
    """A schema without simple controls gives a box for JSON, checked like everything else."""
    form = lab.ask("input", "Numbers?", response_schema={"type": "array", "items": {"type": "integer"}})
    box = form.get_by_role("textbox", name="Numbers?")
    box.fill("[1, ")
    lab.button("Submit").click()
    expect(form.get_by_role("alert").filter(has_text="must be a list")).to_be_visible()
    box.fill("[1, 2]")
    lab.button("Submit").click()
    assert lab.answer() == [1, 2]


def test_select_by_keyboard(desk):
    """Arrow keys choose among radio buttons, and Enter sends the option's value."""
    options = [{"label": "Europe", "value": {"id": 1}}, {"label": "Asia", "value": {"id": 2}}]
    form = desk.ask("select", "Where?", options=options, default={"id": 1})
    desk.tab_to(form.get_by_role("radio", name="Europe"))
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    assert desk.answer() == {"id": 2}


def test_the_same_problem_shows_twice(desk):
    """Too few choices are a problem at the field, again when pressed again, and gone with the next choice."""
    options = [{"label": name} for name in ("red", "green", "blue")]
    form = desk.ask("select", "Colours?", options=options, mode="multiple", min=2, max=2)
    problem = form.get_by_role("alert").filter(has_text="Choose exactly 2")
    for _ in range(2):
        desk.button("Submit").click()
        expect(problem).to_be_visible()
        expect(desk.button("Submit")).to_be_enabled()
    desk.tab_to(form.get_by_role("checkbox", name="red"))
    desk.page.keyboard.press("Space")
    expect(problem).to_have_count(0)
    form.get_by_role("checkbox", name="blue").check()
    desk.button("Submit").click()
    assert desk.answer() == ["red", "blue"]


def test_review_with_an_edit(desk):
    """An artifact is rendered, edited with its differences shown, and arrives with the feedback and the decision."""
    options = [{"label": "Publish"}, {"label": "Drop", "type": "cancel"}]
    draft = "# Title\n\nOne *line*.\n"
    form = desk.ask("review", "Publish this?", artifact=draft, artifact_type="markdown", options=options)
    artifact = form.get_by_role("region", name="Artifact")
    expect(artifact.get_by_role("heading", name="Title")).to_be_visible()
    desk.tab_to(artifact.get_by_role("button", name="Edit"))
    keyboard = desk.page.keyboard
    keyboard.press("Enter")
    expect(artifact.get_by_role("textbox", name="Edit the artifact")).to_be_focused()
    keyboard.press("Control+End")
    keyboard.type("Two lines.\n")
    expect(artifact.locator("ins")).to_have_text(["+Two lines."])
    keyboard.press("Escape")
    expect(artifact.get_by_text("Two lines.").first).to_be_visible()
    expect(artifact.get_by_role("textbox")).to_be_hidden()
    form.get_by_label("Feedback", exact=True).fill("nearly")
    desk.tab_to(form.get_by_label("Feedback", exact=True))
    keyboard.press("Control+Enter")
    assert desk.answer() == {"decision": "Publish", "feedback": "nearly", "edited_artifact": draft + "Two lines.\n"}


def test_review_reverted_edit_is_no_edit(lab):
    """Revert takes an edit back; the destructive button works by mouse."""
    options = [{"label": "Publish"}, {"label": "Drop", "type": "cancel"}]
    form = lab.ask("review", "Publish it?", artifact="text", options=options)
    lab.button("Edit").click()
    form.get_by_role("textbox", name="Edit the artifact").fill("other")
    lab.button("Revert").click()
    expect(form.get_by_role("group", name="Changes to the artifact")).to_be_hidden()
    lab.button("Drop").click()
    assert lab.answer() == {"decision": "Drop", "feedback": "", "edited_artifact": None}


def test_review_json_is_data(lab):
    """An edit of data must be JSON, is told so at the artifact, and arrives as data with its floats."""
    form = lab.ask("review", "Fine?", artifact={"a": [1, 2.0]}, artifact_type="json")
    lab.button("Edit").click()
    box = form.get_by_role("textbox", name="Edit the artifact")
    box.fill("{nothing")
    lab.button("approve").click()
    expect(form.get_by_role("alert").filter(has_text="not JSON")).to_be_visible()
    expect(lab.button("approve")).to_be_focused()
    box.fill('{"a": [1, 3.0]}')
    lab.button("approve").click()
    answer = lab.answer()
    assert answer["edited_artifact"] == {"a": [1, 3.0]}
    assert isinstance(answer["edited_artifact"]["a"][1], float)


def test_the_arguments_of_a_tool_can_be_edited(lab):
    """An approval shows them; an edit must fit the tool's schema, is told so at the artifact, and is the answer."""
    properties = {"to": {"type": "string"}, "sum": {"type": "integer"}}
    schema = {"type": "object", "properties": properties, "required": ["to"]}
    given = {
        "artifact": {"to": "Ada", "sum": 500},
        "artifact_type": "json",
        "response_schema": schema,
        "editable": True,
    }
    form = lab.ask("approve", "Run the tool pay?", **given)
    lab.button("Edit").click()
    box = form.get_by_role("textbox", name="Edit the artifact")
    box.fill('{"to": "Ada", "sum": "much"}')
    lab.button("Approve").click()
    expect(form.get_by_role("alert").filter(has_text="sum: This must be a whole number")).to_be_visible()
    box.fill('{"to": "Ada", "sum": 5}')
    lab.button("Approve").click()
    assert lab.answer() == {"approved": True, "edited_artifact": {"to": "Ada", "sum": 5}}
    lab.ask("approve", "Run it as it is?", **given)
    lab.button("Approve").click()
    assert lab.answer() is True


@pytest.mark.parametrize(
    ("kind", "artifact", "selector"),
    [
        ("table", [{"name": "Ada", "born": 1815}], "table td:has-text('1815')"),
        ("code", "x = 1", "pre:has-text('x = 1')"),
        ("html", "<b>bold</b>", "iframe[sandbox='']"),
        ("image", "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "img"),
    ],
)
def test_artifacts_by_type(lab, kind, artifact, selector):
    """Tables, code, HTML and images are shown as what they are; only texts can be edited."""
    form = lab.ask("review", f"A {kind}?", artifact=artifact, artifact_type=kind)
    expect(form.locator(selector)).to_be_visible()
    assert lab.button("Edit").count() == (kind == "code")
    lab.button("approve").click()
    assert lab.answer()["decision"] == "approve"


def test_an_html_artifact_loads_nothing(lab):
    """Its own styles and images count; what it names elsewhere is not asked for, so nobody learns that it was read."""
    asked = []

    def refuse(route):
        asked.append(route.request.url)
        route.abort()

    lab.page.route("**/elsewhere/*", refuse)
    artifact = """<style>b {color: rgb(1, 2, 3); background: url(http://localhost/elsewhere/b)}</style><b>bold</b>
    <link rel="stylesheet" href="http://localhost/elsewhere/l"><img src="http://localhost/elsewhere/i">
    <img id="own" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">"""
    form = lab.ask("review", "A page of others?", artifact=artifact, artifact_type="html")
    page = form.frame_locator("iframe")
    expect(page.locator("b")).to_have_css("color", "rgb(1, 2, 3)")
    expect(page.locator("#own")).to_have_js_property("naturalWidth", 1)
    lab.page.wait_for_timeout(300)
    assert asked == []
    assert page.locator("html").evaluate("() => document.compatMode") == "CSS1Compat"
    lab.button("approve").click()
    assert lab.answer()["decision"] == "approve"


def test_the_notebook_is_saved_from_a_form(desk):
    """Control+S is the front end's, also while somebody types; no other key reaches it."""
    form = desk.ask("input", "Your name?")
    box = form.get_by_role("textbox")
    box.click()
    desk.page.keyboard.type("sd")
    assert desk.page.evaluate("window.jupyterapp.shell.currentWidget.context.model.dirty")
    desk.page.keyboard.press("Control+s")
    desk.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    expect(box).to_have_value("sd")
    expect(box).to_be_focused()
    box.press("Enter")
    assert desk.answer() == "sd"


def test_multiple_with_problems_at_fields(desk):
    """A form of several fields says at each field what is missing and sends a table by id."""
    fields = [
        {"id": "ok", "type": "approve", "message": "Ship it?"},
        {"id": "why", "message": "Why?"},
        {"id": "to", "type": "select", "message": "Where to?", "options": [{"label": "Staging"}], "required": False},
    ]
    form = desk.ask("multiple", "Details", fields=fields)
    why = form.get_by_label("Why?")
    desk.button("Submit").click()
    expect(form.get_by_role("alert").filter(has_text="required")).to_have_count(2)
    form.get_by_role("radio", name="Approve").check()
    expect(form.get_by_role("alert").filter(has_text="required")).to_have_count(1)
    why.fill("because")
    why.press("Enter")
    assert desk.answer() == {"ok": True, "why": "because", "to": None}


def test_escalate(lab):
    """An escalation shows its severity and is resolved by its button."""
    form = lab.ask("escalate", "Payments are down", severity="critical", context="since noon")
    expect(form.get_by_text("critical")).to_be_visible()
    form.get_by_label("Note").fill("restarted")
    lab.button("Resolved").click()
    assert lab.answer() is None
