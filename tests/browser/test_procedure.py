"""The ``%%procedure`` cell as a person uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .procedures import LOAD, RELEASE, WIDGET

pytestmark = pytest.mark.browser

EVERY_LEVEL = """\
%%procedure levels
print("a printed line", {1, 2})
Log.debug("debugged", {step = 1})
Log.info("informed")
Log.warn("warned")
Log.error("erred")
for _, level in ipairs{"info", "warning", "error"} do Human.notify{message = level .. " notify", level = level} end
for _, level in ipairs{"info", "warning", "error", "critical"} do
  System.alert{message = level .. " alert", level = level, source = "disk", context = {free = "2 GB"}}
end
Human.notify{message = "Report", content = "- *one*\\n- `two`", details = {{title = "Why", content = "because"}}}
return undefined_name
"""
WATCH = """(output) => {
    window.seen = {changes: [], gap: 0};
    new MutationObserver(() => {
        const now = performance.now();
        if (now - (window.seen.changes.at(-1) ?? 0) > 40) window.seen.changes.push(now);
    }).observe(output, {childList: true, subtree: true});
    let last = performance.now();
    setInterval(() => {
        const now = performance.now();
        window.seen.gap = Math.max(window.seen.gap, now - last);
        last = now;
    }, 10);
}"""
HEIGHTS = """(output) => {
    window.heights = [];
    const look = () => {
        const height = output.getBoundingClientRect().height;
        if (height !== window.heights.at(-1)) window.heights.push(height);
        requestAnimationFrame(look);
    };
    look();
}"""
#: A run that goes on until somebody stops it, and has something to open.
WORK = """\
%%procedure work --max-seconds 120 -o work
Human.notify{message = "Findings", details = {{title = "How", content = "by looking"}, {title = "Else", content = "x"}}}
Log.info("a long line " .. string.rep("lorem ipsum ", 60) .. "the end")
local n = 0
while not Stop.requested() do
  n = n + 1
  Step.run("work " .. n, function() if n % 2 == 0 then Step.run("part", function() end) end Sleep(0.1) end)
  if n == 40 then Human.approve("Go on?") end
end
return Stop.reason()
"""
ROWS = "(output) => [...output.querySelectorAll('tr')].map((row) => Math.round(row.getBoundingClientRect().height))"


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_release_is_answered_by_mouse_in_the_running_cell(open_cells, shot, front_end):
    """The forms appear in the running cell, queued cells wait, and a static record remains."""
    cells = open_cells(RELEASE, "print('next')", front_end=front_end)
    notebook = cells.notebook
    notebook.run_cell(1)
    notebook.run_cell(2)
    cells.form("Release notes")
    shot(notebook, "review")
    assert "next" not in cells.text(2)
    cells.press("Approve")
    cells.form("Ship 2.1.0?")
    shot(notebook, "approve")
    cells.press("Approve")
    notebook.wait_for_text(1, "completed")
    notebook.wait_for_text(2, "next")
    shot(notebook, "record")
    assert "kept 0, ran 3" in cells.text()
    saved = notebook.save()
    outputs = saved["cells"][1]["outputs"]
    assert [output["output_type"] for output in outputs] == ["display_data"]
    assert not [kind for output in outputs for kind in output["data"] if "widget" in kind]
    assert "widgets" not in saved["metadata"]


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_release_is_answered_by_keyboard_alone(open_cells, shot, front_end):
    """Tab, Enter, Space and Ctrl+Enter do everything; text that was corrected arrives whole in the run's value."""
    cells = open_cells(RELEASE, front_end=front_end)
    cells.notebook.run_cell(1)
    form, keyboard = cells.form("Release notes"), cells.page.keyboard
    keyboard.press("Escape")
    cells.tab_to(form.get_by_role("button", name="Edit"))
    keyboard.press("Space")
    keyboard.press("Control+End")
    keyboard.type("\nsmalle", delay=5)
    keyboard.press("Backspace")
    keyboard.type("er, dd aa bb", delay=5)
    for _ in range(3):
        keyboard.press("Backspace")
    keyboard.type("ünï", delay=5)
    cells.tab_to(form.get_by_label("Feedback", exact=True))
    keyboard.type("fine x", delay=5)
    keyboard.press("Backspace")
    keyboard.type("so far", delay=5)
    shot(cells.notebook, "edited")
    keyboard.press("Control+Enter")
    sure = cells.form("Ship 2.1.0?")
    expect(sure).to_be_focused()
    shot(cells.notebook, "second")
    keyboard.press("Tab")
    expect(sure.get_by_role("button", name="Approve")).to_be_focused()
    keyboard.press("Enter")
    cells.notebook.wait_for_text(1, "completed")
    shot(cells.notebook, "record")
    expect(cells.notebook.cell(1)).to_be_focused()
    value, feedback = cells.python("(run.value, run.answers[0].value['feedback'])")
    assert value == {"shipped": True, "notes": "faster\nsafer\nsmaller, dd aaünï", "collected": 1}
    assert feedback == "fine so far"


def test_running_again_keeps_what_is_unchanged(cells, shot):
    """A completed run asks nothing again; edited last lines keep all before; an edited step says what changed."""
    cells.begin(RELEASE)
    for question in ("Release notes", "Ship 2.1.0?"):
        cells.form(question)
        cells.press("Approve")
    cells.notebook.wait_for_text(1, "kept 0, ran 3")
    assert "kept 3, ran 0" in cells.finish(RELEASE, "kept 3, ran 0")
    cells.has_no_form()
    edited = RELEASE.replace("return {shipped = sure", "return {last = 'lines', shipped = sure")
    assert "lines" in cells.finish(edited, '"last": "lines"')
    assert "kept 3, ran 0" in cells.text()
    cells.begin(edited.replace('"safer"}', '"safer", "smaller"}'))
    form = cells.form("Release notes")
    expect(form).to_contain_text("smaller")
    cells.press("Approve")
    cells.form("Ship 2.1.0?")
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "kept 0, ran 3")
    assert "line 4" in cells.text()
    assert "changed" in cells.text()
    shot(cells.notebook, "changed")
    assert "kept 3, ran 0" in cells.finish(RELEASE, "kept 3, ran 0")


def test_a_problem_at_a_field_keeps_the_form(cells, shot):
    """Too few choices are said at the field; the question stays and takes the next answer."""
    cells.begin(
        '%%procedure colours -o colours\nreturn Human.select{message = "Colours?", options = {"red", "green", "blue"}, '
        'mode = "multiple", min = 2}'
    )
    form = cells.form("Colours?")
    form.get_by_role("checkbox", name="red").check()
    cells.press("Submit")
    expect(form.get_by_role("alert").filter(has_text="at least 2")).to_be_visible()
    shot(cells.notebook, "problem")
    form.get_by_role("checkbox", name="blue").check()
    cells.press("Submit")
    cells.notebook.wait_for_text(1, "completed")
    assert cells.python("colours.value") == ["red", "blue"]


def test_every_kind_of_notice_is_shown_in_order(cells, shot):
    """Prints, logs, notifications and alerts of all levels stand in order, with what belongs to them."""
    text = cells.finish(EVERY_LEVEL, "Report")
    order = [
        "a printed line",
        "debugged",
        "informed",
        "warned",
        "erred",
        "info notify",
        "warning notify",
        "error notify",
    ]
    order += ["info alert", "warning alert", "error alert", "critical alert", "Report", "undefined_name"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    expect(cells.notebook.cell_output(1).locator("li code")).to_have_text("two")
    shot(cells.notebook, "light")
    cells.notebook.set_dark()
    shot(cells.notebook, "dark")
    cells.notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})


def test_the_output_does_not_jump(cells):
    """The rows of checkpoints are as high under the form as in the record."""
    cells.begin('%%procedure heights\nStep.run("first", function() end)\nreturn Human.approve("Same height?")')
    cells.form("Same height?")
    output = cells.notebook.cell_output(1)
    expect(output).to_contain_text("waiting")
    during = output.evaluate(ROWS)
    cells.press("Approve")
    cells.notebook.wait_for_text(1, "completed")
    cells.has_no_form()
    assert output.evaluate(ROWS) == during


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_what_a_person_opened_stays_open(open_cells, shot, front_end):
    """Drawings, a form, its answer and the record leave open what was opened, focused what had the focus."""
    cells = open_cells(front_end=front_end)
    cells.begin(WORK)
    output = cells.notebook.cell_output(1)
    opened = output.locator("details[open] > summary")
    expect(output.get_by_role("button", name="Request stop")).to_be_visible()
    output.locator("summary", has_text="a long line").click()
    output.locator("summary", has_text="How").click()
    expect(output).to_contain_text("earlier checkpoint")
    expect(output.locator("summary", has_text="How")).to_be_focused()
    shot(cells.notebook, "opened")
    cells.form("Go on?")
    expect(opened).to_have_count(2)
    shot(cells.notebook, "asked")
    cells.press("Approve")
    expect(output).not_to_contain_text("Go on?")
    expect(opened).to_have_count(2)
    output.get_by_role("button", name="Request stop").click()
    cells.notebook.wait_for_text(1, "completed")
    expect(opened).to_have_count(2)
    assert [each.inner_text()[:16] for each in opened.all()] == ["How", "info a long line"]


def test_a_stop_is_requested_in_the_panel(cells, shot):
    """The control in the panel asks the program to stop: it sees why, and ends as it likes; no widget is left."""
    cells.begin(WORK.replace("n == 40", "false"))
    output = cells.notebook.cell_output(1)
    output.get_by_role("button", name="Request stop").click()
    cells.notebook.wait_for_text(1, "completed")
    shot(cells.notebook, "stopped")
    assert cells.python("(work.value, work.stop.requested)") == ("by hand, in the panel", True)
    expect(output.get_by_role("button")).to_have_count(0)
    assert WIDGET not in cells.saved_output()
    assert "widgets" not in cells.notebook.save()["metadata"]


def test_a_program_that_does_not_look_is_not_asked(cells):
    """Where no request to stop would be seen, the panel offers none."""
    cells.begin("%%procedure deaf\nSleep(1.5)\nreturn 1")
    output = cells.notebook.cell_output(1)
    expect(output).to_contain_text("until")
    cells.page.wait_for_timeout(900)
    expect(output.get_by_role("button")).to_have_count(0)
    cells.notebook.wait_for_text(1, "completed")


def test_the_output_does_not_shrink_and_grow(cells):
    """While steps come and go the output gets no lower from one drawing to the next."""
    source = "%%procedure steady\nlocal i, part = 0, function() Sleep(0.02) end\nwhile true do\n  i = i + 1\n"
    source += "  Step.run('work ' .. i, function()\n    if i % 2 == 0 then\n"
    cells.begin(source + "for j = 1, 4 do Step.run('part ' .. j, part) end end\n    Sleep(0.1)\n  end)\nend")
    output = cells.notebook.cell_output(1)
    expect(output).to_contain_text("earlier checkpoint")
    output.evaluate(HEIGHTS)
    cells.page.wait_for_timeout(3000)
    heights = cells.page.evaluate("window.heights")
    cells.stop()
    assert heights == sorted(heights)


def test_a_long_run_leaves_the_browser_responsive(cells, shot):
    """Ten thousand steps change the output about four times a second, never block the page, and are counted right."""
    source = "%%procedure long -o long\nlocal sum = 0\nfor i = 1, 10000 do\n  local n = i\n"
    source += '  sum = sum + Step.run("step " .. i, function() return n end)\nend\nreturn sum'
    output = cells.notebook.cell_output(1)
    cells.finish("%%procedure before\nreturn 'nothing'")
    output.evaluate(WATCH)
    cells.begin(source)
    cells.notebook.wait_for_text(1, "kept 0, ran 10,000", 120)
    seen = cells.page.evaluate("window.seen")
    seconds = (seen["changes"][-1] - seen["changes"][0]) / 1000
    print(f"{len(seen['changes'])} changes in {seconds:.1f} s, longest pause of the page {seen['gap']:.0f} ms")  # noqa: T201
    assert len(seen["changes"]) <= 5 * seconds + 4
    assert seen["gap"] < 1000
    shot(cells.notebook, "long")
    assert cells.python("(long.value, long.executed, len(long.checkpoints))") == (50005000, 10000, 10000)
    assert output.locator("tr").count() <= 201


def test_a_sleeping_run_shows_where_it_is(cells):
    """What happened just before a long silence is in the panel, although it is drawn at most four times a second."""
    cells.begin('%%procedure silent\nStep.run("before the silence", function() end)\nprint("good night")\nSleep(3)')
    output = cells.notebook.cell_output(1)
    expect(output).to_contain_text("good night", timeout=2500)
    expect(output).to_contain_text("before the silence")
    expect(output).to_contain_text("running")
    cells.notebook.wait_for_text(1, "completed")


def test_other_outputs_are_left_alone(cells):
    """What a Python cell shows stays, whatever a run beside it shows; two cells of one name show one run each."""
    notebook = cells.notebook
    cells.begin("print('python'); [1, 2]")
    notebook.wait_for_text(1, "[1, 2]")
    source = '%%procedure twice -o twice\nlocal sure = Human.approve("Both?")\nreturn sure'
    cells.begin(source, 2)
    cells.form("Both?", 2)
    cells.press("Approve", 2)
    notebook.wait_for_text(2, "kept 0, ran 1")
    cells.finish(source.replace("return sure", "return {sure}"), "kept 1, ran 0", 3)
    assert "kept 0, ran 1" in cells.text(2)
    cells.has_no_form(3)
    assert "".join(notebook.cell_output(1).locator("pre").all_inner_texts()).split() == ["python", "[1,", "2]"]
    kinds = [output["output_type"] for output in notebook.save()["cells"][1]["outputs"]]
    assert kinds == ["stream", "execute_result"]


def test_a_second_cell_of_the_name_takes_the_question_over(cells, shot):
    """A waiting run that is run from another cell asks there, and the first output says so without a form."""
    source = '%%procedure moved --no-wait -o moved\nreturn Human.approve("Where?")'
    cells.begin(source)
    cells.form("Where?")
    cells.begin(source, 2)
    cells.form("Where?", 2)
    cells.has_no_form()
    expect(cells.notebook.cell_output(1)).to_contain_text("goes on elsewhere")
    shot(cells.notebook, "taken-over")
    cells.press("Approve", 2)
    cells.notebook.wait_for_text(2, "completed")
    assert cells.python("moved.value") is True


def test_procedures_lists_the_runs(open_cells, shot):
    """``%procedures`` is a table of runs with what became of them."""
    cells = open_cells()
    cells.finish("%%procedure fine\nreturn 1")
    cells.begin("%%procedure broken\nerror('no')")
    cells.notebook.wait_for_text(1, "failed")
    cells.begin("%%procedure <b>bold</b>\nreturn 1")
    cells.notebook.wait_for_text(1, "completed")
    cells.begin("%procedures")
    rows = cells.notebook.cell_output(1).locator("tr")
    expect(rows).to_have_count(3)
    for row, texts in zip(
        rows.all(), (("fine", "completed"), ("broken", "failed"), ("<b>bold</b>", "completed")), strict=True
    ):
        for text in texts:
            expect(row).to_contain_text(text)
    shot(cells.notebook, "list")


def test_an_error_is_short(cells, shot):
    """A failed run shows its record and the cell's own line, and no traceback of the library."""
    cells.begin(
        '%%procedure failing\nlocal n = Step.run("read", function() return 1 end)\nlocal t = nil\nreturn t.x + n'
    )
    cells.notebook.wait_for_text(1, "failed")
    cells.notebook.wait_until_idle()
    text = cells.text()
    assert text.count("attempt to index a nil value") == 1
    assert "-> 4 | return t.x + n" in text
    assert text.rstrip().endswith("LuaRuntimeError at line 4; the record above says more")
    assert "lua_procedures/" not in text
    shot(cells.notebook, "failed")
    (error,) = [each for each in cells.notebook.save()["cells"][1]["outputs"] if each["output_type"] == "error"]
    assert "attempt to index a nil value" in error["evalue"]
    assert cells.notebook.errors == []
    assert LOAD not in text
