"""The quickstart's cell in one awaiting cell, from the first form to the record, and again."""

from __future__ import annotations

import re

import pytest

from .kernels import RELEASE
from .outputs import WIDGET

pytestmark = pytest.mark.kernel

SHIPPED = {"shipped": True, "notes": ["faster", "safer"], "collected": 1}


def begun(kernel, name, options="", program=RELEASE):
    """Begin the release and do not wait."""
    return kernel.begin(f'%%procedure {name} -p version="2.1.0" {options}\n{program}')


def released(kernel, name, options="", program=RELEASE):
    """Run the release by its two forms; the finished cell."""
    cell = begun(kernel, name, options, program)
    review = kernel.form(cell)
    kernel.press(review, 0)
    kernel.press(kernel.form(cell, after=review), 0)
    return kernel.finish(cell)


def rerun(kernel, name, options="", program=RELEASE):
    """Run the release where nothing should be asked."""
    return kernel.finish(begun(kernel, name, options, program))


def test_both_forms_are_answered_in_the_running_cell(kernel):
    """The cell shows one form after the other and goes on with each answer; its value is what the program returns."""
    cell = begun(kernel, "release")
    review = kernel.form(cell)
    assert review.message == "Release notes"
    assert [button["label"] for button in review.state["request"]["buttons"]] == ["Approve", "Reject"]
    assert review.state["request"]["expires_at"] is not None
    assert not cell.done
    kernel.press(review, 0, feedback="good")
    sure = kernel.form(cell, after=review)
    assert (sure.message, sure.state["request"]["expiry"]) == ("Ship 2.1.0?", "Takes “Reject”")
    kernel.press(sure, 0)
    kernel.finish(cell)
    assert cell.reply["status"] == "ok"
    assert kernel.value("_.value") == SHIPPED
    assert kernel.value("[(a.value if a.value is True else a.value['feedback'], a.channel) for a in _.answers]") == [
        ("good", "form"),
        (True, "form"),
    ]


def test_an_edited_artifact_and_a_refusal_arrive(kernel):
    """What was edited in the form is the program's; another button takes another way."""
    cell = begun(kernel, "edited")
    review = kernel.form(cell)
    kernel.press(review, 0, artifact="faster\n“safer” ünd € 🎉")
    kernel.press(kernel.form(cell, after=review), 1)
    kernel.finish(cell)
    value = kernel.value("_.value")
    assert value == {"shipped": False, "notes": "faster\n“safer” ünd € 🎉", "collected": 1}
    cell = begun(kernel, "refused")
    kernel.press(kernel.form(cell), 1, feedback="too short")
    kernel.finish(cell)
    assert kernel.value("_.value") == {"shipped": False, "why": "too short"}


def test_the_record_appears_once(kernel):
    """One display and no result; the value evaluated in another cell shows the record as a result."""
    cell = released(kernel, "once", "-o r")
    assert cell.kinds == ["display_data"]
    assert cell.record.startswith("once: completed · kept 0, ran 3\n")
    again = kernel.run("r")
    assert again.kinds == ["execute_result"]
    assert again.texts == [cell.record]


def test_the_value_and_o_are_the_run(kernel):
    """`_` and `-o` are the same Run, with all it did."""
    released(kernel, "bound", "-o r")
    assert kernel.value("r is _")
    assert kernel.value("(r.name, r.status, r.stage, r.state, r.value)") == (
        "bound",
        "completed",
        "ship",
        {"collected": 1},
        SHIPPED,
    )
    assert kernel.value("[m.to_stage for m in r.stages]") == ["prepare", "approve", "ship"]
    assert kernel.value("[(c.path, c.kind, c.name, c.line) for c in r.checkpoints]") == [
        ("0", "step", "collect notes", 4),
        ("1", "human", "Release notes", 9),
        ("2", "human", "Ship 2.1.0?", 14),
    ]


def test_the_finished_output_holds_no_widget(kernel):
    """What is saved is text and HTML, and its text has no clock, duration, id or address."""
    cell = released(kernel, "saved", "-o r")
    assert cell.mime_types == {"text/plain", "text/html"}
    assert WIDGET not in str(cell.outputs)
    text = cell.record
    assert kernel.value("r.run_id") not in text
    assert not re.search(r"\d:\d\d|\d ?m?s\b|0x[0-9a-f]+|ago|just now", text)
    fresh = released(kernel, "saved", "--fresh")
    assert fresh.record == text


def test_running_again_asks_and_computes_nothing(kernel):
    """The same cell again: everything is kept, and it says so; effects of the step are put back, not doubled."""
    released(kernel, "again", "-o first")
    for _ in range(2):
        cell = rerun(kernel, "again", "-o r")
        assert cell.record.startswith("again: completed · kept 3, ran 0\n")
        assert kernel.value("r.value") == SHIPPED
    assert kernel.value("r.answers == first.answers and r.stages == first.stages")


def test_an_edit_of_the_last_lines_keeps_the_rest(kernel):
    """Nothing before the edit is asked or computed again."""
    released(kernel, "tail")
    edited = RELEASE.replace("return {shipped = sure", 'return {added = "yes", shipped = sure')
    cell = rerun(kernel, "tail", "-o r", edited)
    assert cell.record.startswith("tail: completed · kept 3, ran 0\n")
    assert kernel.value("r.value") == {"added": "yes", **SHIPPED}


def test_a_comment_reruns_nothing(kernel):
    """Comments and layout are not the program, also inside a step's function."""
    released(kernel, "comment")
    edited = RELEASE.replace('  State.increment("collected")', '  -- count\n\n    State.increment( "collected" )')
    assert edited != RELEASE
    assert "kept 3, ran 0" in rerun(kernel, "comment", program=edited).record


def test_an_edited_step_and_what_follows_run_again(kernel):
    """The step runs again with a line on what changed, the questions on its result come again; undo finds the old."""
    released(kernel, "step")
    edited = RELEASE.replace('"safer"}', '"safer", "smaller"}')
    cell = released(kernel, "step", "-o r", edited)
    assert "ran 3" in cell.record.split("\n")[0]
    assert 'line 4: step "collect notes" changed (its function)' in cell.record
    assert kernel.value("r.value['notes']") == ["faster", "safer", "smaller"]
    undone = rerun(kernel, "step", "-o r")
    assert "kept 3, ran 0" in undone.record
    assert kernel.value("r.value") == SHIPPED
    assert "kept 3, ran 0" in rerun(kernel, "step", program=edited).record


def test_a_captured_value_counts(kernel):
    """A step runs again when a local that it captures has another value, with its name."""
    program = 'local {} = {}\nreturn Step.run("a", function() return n + 1 end)'
    kernel.run("%%procedure captured\n" + program.format("n", 1))
    cell = kernel.run("%%procedure captured -o r\n" + program.format("n", 2))
    assert "ran 1" in cell.record
    assert "'n'" in cell.record or "n)" in cell.record
    assert kernel.value("r.value") == 3
    assert "kept 1, ran 0" in kernel.run("%%procedure captured\n" + program.format("n", 1)).record


def test_other_inputs_are_another_journal(kernel):
    """Changed inputs start over; the old inputs find their results."""
    program = 'return Step.run("a", function() return input.version .. "!" end)'
    kernel.run(f"%%procedure inputs -p version=1.0.0\n{program}")
    assert "kept 0, ran 1" in kernel.run(f"%%procedure inputs -p version=2.0.0\n{program}").record
    assert "kept 1, ran 0" in kernel.run(f"%%procedure inputs -p version=1.0.0 -o r\n{program}").record
    assert kernel.value("r.value") == "1.0.0!"


def test_fresh_starts_over(kernel):
    """`--fresh` asks and computes everything again, and later cells go on from there."""
    program = 'return Step.run("a", function() return math.random(1, 2^53) end)'
    kernel.run(f"%%procedure fresh -o first\n{program}")
    cell = kernel.run(f"%%procedure fresh --fresh -o second\n{program}")
    assert "kept 0, ran 1" in cell.record
    assert "kept 1, ran 0" in kernel.run(f"%%procedure fresh -o third\n{program}").record
    assert kernel.value("second.value == third.value != first.value")


def test_strict_refuses_a_change_and_changes_nothing(kernel):
    """`--strict` passes where nothing changed; else a DivergenceError, after which the old results are still there."""
    released(kernel, "strict")
    assert "kept 3, ran 0" in rerun(kernel, "strict", "--strict").record
    refused = rerun(kernel, "strict", "--strict", RELEASE.replace('"safer"}', '"other"}'))
    assert refused.reply["ename"] == "DivergenceError"
    assert "changed (its function)" in refused.error
    longer = rerun(
        kernel,
        "strict",
        "--strict",
        RELEASE.replace("Human.notify", "checkpoint(function() return 1 end)\nHuman.notify"),
    )
    assert longer.reply["ename"] == "DivergenceError"
    assert "kept 3, ran 0" in rerun(kernel, "strict", "--strict").record


def test_plan_only_says_what_would_run(kernel):
    """`--plan` names the first operation that would run, its line and why; nothing runs and nothing is asked."""
    released(kernel, "plan")
    edited = RELEASE.replace('"safer"}', '"other"}')
    plan = rerun(kernel, "plan", "--plan -o r", edited)
    assert plan.reply["status"] == "ok"
    assert "line 4" in plan.record
    assert "collect notes" in plan.record
    assert "its function" in plan.record
    assert WIDGET not in plan.mime_types
    assert kernel.value("r.executed") == 0
    assert "kept 3, ran 0" in rerun(kernel, "plan").record
    new = rerun(kernel, "planned-anew", "--plan")
    assert "line 4" in new.record
    assert "planned-anew" not in kernel.run("%procedures").texts[0]
