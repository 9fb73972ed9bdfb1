"""Where a cell cannot be made to await: other magics around it, calls from Python, autoawait off."""

from __future__ import annotations

import pytest

from .outputs import WIDGET

pytestmark = pytest.mark.kernel

STEP = 'return Step.run("a", function() return 41 end) + 1'
ASK = 'return Human.approve{message = "Sure?"}'


def test_time(kernel):
    """`%%time` runs the program and prints its times."""
    cell = kernel.run(f"%%time\n%%procedure timed -o r\n{STEP}")
    assert "Wall time" in cell.printed
    assert cell.kinds.count("display_data") == 1
    assert kernel.value("(r.value, _.value)") == (42, 42)


def test_time_around_a_question(kernel):
    """A question inside `%%time` pauses the run; its form's answer goes on in the same output."""
    cell = kernel.run(f"%%time\n%%procedure timed-ask -o r\n{ASK}")
    assert kernel.value("r.status") == "paused"
    kernel.press(kernel.form(cell))
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") is True


def test_capture(kernel):
    """`%%capture` keeps the record for itself."""
    cell = kernel.run(f"%%capture held\n%%procedure captured -o r\n{STEP}")
    assert not cell.outputs
    assert kernel.value("r.value") == 42
    shown = [text for text in kernel.run("held()").texts if text]  # a result that shows itself is captured empty
    assert [text.split("\n")[0] for text in shown] == ["captured: completed · kept 0, ran 1"]


def test_capture_of_a_long_run(kernel):
    """Nothing of the live panel is collected by `%%capture`, however long the run takes."""
    kernel.run(f"%%capture held\n%%procedure captured-long -o r\nfor i = 1, 8 do Sleep(0.2) end\n{STEP}")
    assert kernel.value("[type(each).__name__ for each in held.outputs if each.data.get('text/html')]") == [
        "RichOutput"
    ]


def test_run_cell_magic(kernel):
    """A call from Python gives the Run, in whatever quotes and wherever it stands."""
    for call in (
        "r = get_ipython().run_cell_magic('procedure', 'called', 'return 7')",
        'r = get_ipython().run_cell_magic("procedure", "called", "return 7")',
        "get_ipython().run_cell_magic('procedure', 'called -o r', 'return 7')",
        "get_ipython().run_cell_magic('procedure', 'called -o r', 'return 7').value",
        "get_ipython().run_cell_magic('procedure', 'called -o r', 'return 7')\nprint('more')",
        "line, text = 'called -o r', 'return 7'\nget_ipython().run_cell_magic('procedure', line, text)",
        "get_ipython().run_cell_magic('procedure', line, text)",
        "get_ipython().run_cell_magic('procedure', 'called -o r', cell='return 7')",
    ):
        kernel.run("r = None")
        cell = kernel.run(call)
        assert cell.reply["status"] == "ok", cell.error
        assert kernel.value("r.value") == 7


def test_autoawait_off(kernel):
    """With `%autoawait off` the same program runs, and a question pauses it with its form alive."""
    kernel.run("%autoawait off")
    try:
        cell = kernel.run(f"%%procedure unawaited -o r\n{STEP}")
        assert "unawaited: completed" in cell.record
        assert kernel.value("r.value") == 42
        cell = kernel.run(f"%%procedure unawaited-ask -o r\n{ASK}")
        assert WIDGET in cell.mime_types
        kernel.press(kernel.form(cell))
        kernel.wait(lambda: "completed" in cell.record)
        assert kernel.value("r.value") is True
    finally:
        kernel.run("%autoawait on")


def test_run_inside_a_cell(kernel):
    """`run` works inside the kernel's running loop and pauses on a question; `await arun` does too."""
    kernel.run("from lua_procedures import run, arun")
    kernel.run("r = run('return Human.approve{message = \"Sure?\"}', name='from-python')")
    assert kernel.value("(r.status, r.pending.message)") == ("paused", "Sure?")
    kernel.run("r = await arun('return Step.run(\"a\", function() return 3 end)')")
    assert kernel.value("(r.status, r.value)") == ("completed", 3)


def test_arun_shows_forms(kernel):
    """`await arun(…)` in a cell shows a form and waits for its answer."""
    cell = kernel.begin(f"from lua_procedures import arun\nr = await arun('{ASK}', name='arun-form')")
    kernel.press(kernel.form(cell))
    kernel.finish(cell)
    assert kernel.value("r.value") is True


def test_a_record_is_shown_once(kernel):
    """A cell that awaits two runs and ends with the first one shows each record once."""
    kernel.run("from lua_procedures import arun")
    cell = kernel.run("a = await arun('return 1', name='a')\nb = await arun('return 2', name='b')\na")
    assert [text.partition(":")[0] for text in cell.texts] == ["a", "b"]
    assert [text.partition(":")[0] for text in kernel.run("a").texts] == ["a"]
    twice = kernel.run("a = await arun('return 1', name='a')\ndisplay(a)\na")
    assert [text.partition(":")[0] for text in twice.texts] == ["a", "a"]


def test_another_magic_after_a_cell(kernel):
    """An awaited cell leaves the next ones as they were."""
    kernel.run(f"%%procedure before\n{STEP}")
    assert kernel.run("%%time\nx = 1").reply["status"] == "ok"
    assert kernel.run("import asyncio\nawait asyncio.sleep(0)\n'slept'").texts == ["'slept'"]
