"""Forms as axe-core sees them: every kind of question, edited, refused, put off and answered, in light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .desks import SETUP, Desk
from .form_kinds import KINDS
from .procedures import RELEASE

pytestmark = pytest.mark.browser

OUTPUT = ".jp-Notebook .jp-Cell-outputWrapper"
#: Artifacts that can be edited, and a request's fields that an empty answer does not fit.
EDITABLE = ["tool", "text", "markdown", "code", "data"]
REFUSED = ["schema", "several", "multiple", "single"]


@pytest.fixture(scope="module", params=["light", "dark"])
def painted(request, open_shared_notebook):
    """A desk in JupyterLab with each of its themes."""
    desk = Desk(open_shared_notebook(SETUP, ""))
    desk.page.set_viewport_size({"width": 1180, "height": 2000})  # axe-core measures what is within the window
    if request.param == "dark":
        desk.notebook.set_dark()
    return desk


def violations(page):
    """What axe-core finds wrong within outputs: rule, element and advice."""
    page.add_style_tag(
        content="body { height: 100vh }"
    )  # Lab's has no height of its own: axe-core takes all for hidden
    found = Axe().run(page, context={"include": [[OUTPUT]]}, options={"resultTypes": ["violations"]}).response
    assert "color-contrast" in [each["id"] for each in found["passes"]], "axe-core saw no text"
    return [
        (each["id"], node["target"], node["failureSummary"]) for each in found["violations"] for node in each["nodes"]
    ]


@pytest.fixture
def ask(painted):
    """Asks one of the questions, which is withdrawn when the test ends."""
    yield lambda name, **changes: painted.ask(**{**KINDS[name], **changes})
    painted.stop()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_question(painted, ask, name):
    """A form that was just opened has no violation."""
    ask(name)
    assert violations(painted.page) == []


@pytest.mark.parametrize("name", EDITABLE)
def test_an_artifact_that_is_edited(painted, ask, name):
    """Nor has one with an artifact being edited, its differences below."""
    form = ask(name)
    painted.button("Edit").click()
    box = form.get_by_role("textbox", name="Edit the artifact")
    box.fill(box.input_value().replace("o", "oo", 2) + "\nlast")
    expect(form.locator("ins")).not_to_have_count(0)
    assert violations(painted.page) == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_problem_at_a_field(painted, ask, name):
    """Nor one that says what is wrong with an answer."""
    form = ask(name, default=None)
    painted.button("Submit").click()
    expect(form.get_by_role("alert").filter(has_text=".")).not_to_have_count(0)
    assert violations(painted.page) == []


def test_a_question_put_off(painted, ask):
    """Nor one that says that the kernel is free."""
    code = "form.on_later(lambda: form.settle('later', 'Answer here when you like.'))\nawait ask(form)"
    ask("approve", code=code)
    painted.button("Later").click()
    expect(painted.notebook.cell_output(1)).to_contain_text("Answer here when you like.")
    assert violations(painted.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_record(open_cells, theme):
    """Nor have the panel above a question, the record of a paused run, and the record at the end."""
    cells = open_cells()
    if theme == "dark":
        cells.notebook.set_dark()
    cells.begin(RELEASE)
    cells.form("Release notes")
    assert violations(cells.page) == []
    cells.press("Later")
    expect(cells.notebook.cell_output(1)).to_contain_text("The kernel is free")
    assert violations(cells.page) == []
    cells.press("Reject")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    assert violations(cells.page) == []
