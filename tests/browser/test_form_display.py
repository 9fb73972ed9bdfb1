"""What a form shows while it is open: countdown, problems, drafts, themes, and no script of anybody's."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import expect

from .desks import SETUP, Desk

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\'"${window.hit=1}'
COLOURS = """(element) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const pixel = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const backgrounds = [];
    for (let at = element; at; at = at.parentElement) backgrounds.push(pixel(getComputedStyle(at).backgroundColor));
    const ground = backgrounds.find((colour) => colour[3] === 255);
    return [pixel(getComputedStyle(element).color), ground];
}"""


def test_countdown_names_the_default(lab):
    """The countdown runs in the browser and names what will be taken; without a timeout there is none."""
    form = lab.ask("approve", "In time?", timeout_seconds=200, expires_at=time.time() + 200)
    timer = form.get_by_role("timer")
    expect(timer).to_contain_text("Takes “Reject” in 3:1")
    first = timer.inner_text()
    expect(timer).not_to_have_text(first, timeout=3000)
    lab.button("Approve").click()
    lab.answer()
    form = lab.ask("approve", "Without haste?")
    expect(form.get_by_role("timer")).to_have_text("")
    lab.button("Approve").click()
    lab.answer()


def test_a_context_is_a_table(cells):
    """Each name stands beside its value, in the output of a cell too, where Jupyter has rules for lists."""
    cells.begin("""%%procedure ctx\nHuman.approve{message = "Lend?", context = {weeks = 12, lender = "Eye clinic"}}""")
    form = cells.form("Lend?")
    names, values = form.locator("dt").all(), form.locator("dd").all()
    for name, value in zip(
        [each.bounding_box() for each in names], [each.bounding_box() for each in values], strict=True
    ):
        assert name["y"] == pytest.approx(value["y"], abs=3)
        assert name["x"] + name["width"] <= value["x"] < name["x"] + 200
    form.get_by_role("button", name="Approve").click()


@pytest.mark.parametrize("kind", ["text", "markdown", "json", "html", "image", "table", HOSTILE])
def test_hostile_strings_run_no_script(lab, kind):
    """Message, context, labels and artifacts are shown as text; HTML sits in a frame without permissions."""
    artifact = [{HOSTILE: HOSTILE}] if kind == "table" else f"{HOSTILE}\n[x](javascript:window.hit=1)"
    options = [{"label": f"go {HOSTILE}"}, {"label": "stop", "type": "cancel"}]
    message = f"{kind} {HOSTILE}"
    form = lab.ask(
        "review", message, artifact=artifact, artifact_type=kind, options=options, context={HOSTILE: [HOSTILE]}
    )
    expect(form.locator("dt")).to_have_text([HOSTILE])
    assert form.locator("script, a[href^=javascript], img[src=x]").count() == 0
    lab.page.wait_for_timeout(300)
    assert lab.page.evaluate("window.hit") is None
    for frame in lab.page.frames[1:]:
        assert frame.evaluate("window.hit") is None
    lab.button("stop").click()
    assert lab.answer()["decision"] == "stop"


def test_draft_survives_a_reload(open_notebook):
    """A page loaded again while the cell waits shows the question with what was typed, and takes the answer."""
    desk = Desk(open_notebook(SETUP, ""))
    code = "answers = []\nform.on_answer(answers.append)\nawait ask(form)"
    desk.ask("review", "Kept?", code=code, artifact="one\ntwo", id="kept")
    desk.button("Edit").click()
    desk.form("Kept?").get_by_role("textbox", name="Edit the artifact").fill("one\n2")
    desk.form("Kept?").get_by_label("Feedback").fill("half a thought")
    desk.notebook.save()
    desk.notebook.reload(idle=False)
    form = desk.form("Kept?")
    expect(form.get_by_label("Feedback")).to_have_value("half a thought")
    expect(form.locator("ins")).to_have_text(["+2"])
    desk.button("approve").click()
    desk.notebook.wait_until_idle()
    desk.notebook.set_source(1, "print('GOT', answers[0]['edited_artifact'].split(), answers[0]['feedback'])")
    desk.notebook.run_cell(1)
    desk.notebook.wait_for_text(1, "GOT ['one', '2'] half a thought")


def test_later_keeps_the_form_alive(lab):
    """Later reaches the kernel; the form then says so and still takes the answer."""
    code = "form.on_later(lambda: form.settle('later', Html('The kernel is <b>free</b>.')))\nawait ask(form)"
    form = lab.ask("approve", "Now?", code=code)
    lab.button("Later").click()
    expect(lab.notebook.cell_output(1).get_by_text("The kernel is free.")).to_be_visible()
    expect(lab.button("Later")).to_be_hidden()
    expect(form).to_be_visible()
    lab.button("Approve").click()
    assert lab.answer() is True


def test_the_panel_changes_beside_the_typing(lab):
    """A panel that changes takes neither the focus nor the text from the form, and opened sections stay open."""
    panel = "'<details><summary>Steps</summary>step %d</details>'"
    code = f"""
async def tick():
    for count in range(400):
        form.panel = {panel} % count
        await asyncio.sleep(0.05)
ticking = asyncio.create_task(tick())
await ask(form)
ticking.cancel();
"""
    form = lab.ask("input", "Typed?", code=code)
    output = lab.notebook.cell_output(1)
    output.get_by_text("Steps").click()
    box = form.get_by_role("textbox", name="Typed?")
    box.click()
    lab.page.keyboard.type("typed while it changes", delay=30)
    expect(box).to_be_focused()
    expect(output.locator("details")).to_have_attribute("open", "")
    lab.page.keyboard.press("Enter")
    assert lab.answer() == "typed while it changes"


def test_saved_open_question_is_readable(lab):
    """The file of a notebook with an open form holds the question as text, and no object's address."""
    lab.ask("approve", "Readable?", context={"why": "because"})
    output = lab.notebook.save()["cells"][1]["outputs"][0]["data"]
    plain, html = "".join(output["text/plain"]), "".join(output["text/html"])
    assert "Readable?" in plain
    assert "Readable?" in html
    assert " at 0x" not in plain + html
    lab.button("Approve").click()
    lab.answer()
    lab.notebook.wait_until_idle()
    assert "widget" not in json.dumps(lab.notebook.save())


def test_dark_theme_is_readable(open_notebook):
    """In light and dark, every text of a form has a contrast of 4.5 or more against its ground."""
    desk = Desk(open_notebook(SETUP, ""))
    form = desk.ask(
        "review",
        "Readable?",
        artifact="x",
        context={"name": "value"},
        severity="warning",
        options=[{"label": "Go"}, {"label": "Ask"}, {"label": "Stop", "type": "cancel"}],
        expires_at=time.time() + 1000,
    )
    for dark in (False, True):
        if dark:
            desk.notebook.set_dark()
        texts = ".lpf-message span, .lpf-label, dt, dd, pre, textarea:visible, button:visible, .lpf-countdown"
        for element in form.locator(texts).all():
            text, ground = element.evaluate(COLOURS)
            assert _contrast(text, ground) >= 4.5, (dark, element.inner_text(), text, ground)
    desk.button("Stop").click()
    assert desk.answer()["decision"] == "Stop"


def test_a_restarted_kernel_asks_again(open_notebook):
    """After a stop and a restart of the kernel the same question can be shown and answered."""
    desk = Desk(open_notebook(SETUP, ""))
    desk.ask("approve", "Again?")
    desk.stop()
    desk.notebook.wait_for_text(1, "CancelledError")
    desk.notebook.restart_kernel()
    desk.notebook.run_cell(0)
    desk.notebook.wait_until_idle()
    desk.ask("approve", "Again?")
    desk.button("Approve").click()
    assert desk.answer() is True


def test_no_reply_frees_the_form(open_notebook):
    """A form waits for the kernel's reply, and after a while without one it can be sent again."""
    desk = Desk(open_notebook(SETUP, ""))
    desk.page.clock.install()
    form = desk.ask("input", "Anybody?", code="display(form.mimebundle(), raw=True)")
    box = form.get_by_role("textbox", name="Anybody?")
    box.fill("hello")
    desk.button("Submit").click()
    expect(box).to_be_disabled()
    expect(form.get_by_text("Sending…")).to_be_visible()
    desk.page.clock.fast_forward(16_000)
    expect(form.get_by_text("No reply yet")).to_be_visible()
    expect(box).to_be_enabled()
    expect(box).to_have_value("hello")


def test_markdown_too_deep_is_shown_as_text(lab):
    """A text made to exhaust the browser is shown as it is, and the form works."""
    form = lab.ask("review", "Deep?", artifact=">" * 30_000 + "end", artifact_type="markdown")
    expect(form.locator(".lpf-artifact-content")).to_contain_text("end")
    lab.button("approve").click()
    assert lab.answer()["decision"] == "approve"


def _contrast(one, other):
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour):
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
