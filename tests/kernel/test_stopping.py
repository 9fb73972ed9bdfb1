"""The stop button: on an open form, in Lua that catches everything, and what comes after."""

from __future__ import annotations

import pytest

from .kernels import LOOP
from .outputs import WIDGET

pytestmark = pytest.mark.kernel

#: The program has come so far, and what follows never ends.
BEGIN = "begin()\n"


@pytest.fixture(autouse=True)
def begun(kernel, tmp_path):
    """A function that waits until a program has called the tool ``begin``, and is in the middle of what follows."""
    file = tmp_path / "begun"
    kernel.run(f"import pathlib\ndef begin() -> None:\n    pathlib.Path({str(file)!r}).touch()")

    def wait() -> None:
        kernel.wait(file.exists)
        kernel.listen(0.3)

    return wait


def stopped(kernel, cell):
    """Press stop, and wait for the end of a cell that would not end by itself."""
    kernel.interrupt()
    return kernel.finish(cell)


def test_stop_on_an_open_form(kernel):
    """The cell ends as interrupted, no widget is left, and the next run asks the same question, only that one."""
    program = (
        'local n = Step.run("draw", function() return math.random(1, 2^53) end)\n'
        'return {n, Human.approve{message = "Sure " .. n .. "?"}}'
    )
    cell = kernel.begin(f"%%procedure stop-form -o r\n{program}")
    form = kernel.form(cell)
    stopped(kernel, cell)
    assert (cell.reply["status"], kernel.value("r.status")) == ("error", "cancelled")
    assert "KeyboardInterrupt" in cell.error
    assert "lua_procedures/" not in cell.error
    assert WIDGET not in cell.mime_types
    assert "Sure" in cell.record
    again = kernel.begin(f"%%procedure stop-form -o r\n{program}")
    same = kernel.form(again)
    assert (same.id, same.message) == (form.id, form.message)
    kernel.press(same)
    kernel.finish(again)
    assert kernel.value("(r.status, r.value[1], len(r.answers), r.replayed)") == ("completed", True, 1, 1)


CATCHERS = {
    "pcall": LOOP,
    "xpcall": "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "coroutine": "local co = coroutine.wrap(function() while true do end end)\nwhile true do pcall(co) end",
    "metamethod": (
        "local t = setmetatable({}, {__index = function() while true do end end})\n"
        "while true do pcall(function() return t.x end) end"
    ),
}


@pytest.mark.parametrize("program", CATCHERS.values(), ids=CATCHERS)
def test_stop_in_lua_that_catches_everything(kernel, begun, program):
    """No pcall, handler, metamethod or coroutine keeps the program alive; the kernel lives on."""
    cell = kernel.begin(f"%%procedure stop-loop --max-seconds 3600 --tools begin -o r\n{BEGIN}{program}")
    begun()
    assert not cell.done
    stopped(kernel, cell)
    assert cell.reply["status"] == "error"
    assert kernel.value("(r.status, r.executed + r.replayed)") == ("cancelled", 1)
    assert kernel.run("print('alive')").printed == "alive\n"


def test_a_stopped_run_goes_on_after_an_edit(kernel, begun):
    """What was done before the stop is kept when the loop is taken out."""
    step = "local a = Step.run('a', function() return 41 end)\n"
    cell = kernel.begin(f"%%procedure stop-edit --max-seconds 3600 --tools begin\n{step}{BEGIN}{LOOP}")
    begun()
    stopped(kernel, cell)
    done = kernel.run(f"%%procedure stop-edit -o r\n{step}return a + 1")
    assert "kept 1, ran 0" in done.record
    assert kernel.value("r.value") == 42


def test_stop_cancels_the_queue(kernel):
    """Cells queued behind a stopped form do not run, as for any interrupted cell."""
    cell = kernel.begin('%%procedure stop-queue\nreturn Human.approve{message = "Sure?"}')
    kernel.form(cell)
    queued = kernel.begin("print('ran')")
    kernel.listen(0.3)
    stopped(kernel, cell)
    kernel.finish(queued)
    assert queued.reply["status"] == "aborted"
    assert not queued.printed


def test_stop_in_a_sleep(kernel, begun):
    """A sleeping run stops at once and sleeps out the rest when it runs again."""
    cell = kernel.begin(f"%%procedure stop-sleep --tools begin -o r\n{BEGIN}Sleep(3600)\nreturn 1")
    begun()
    stopped(kernel, cell)
    assert kernel.value("r.status") == "cancelled"


def test_stop_where_nothing_is_awaited(kernel, begun):
    """Inside `%%time` the loop stops, too."""
    cell = kernel.begin(f"%%time\n%%procedure stop-time --max-seconds 3600 --tools begin\n{BEGIN}{LOOP}")
    begun()
    stopped(kernel, cell)
    assert cell.reply["status"] == "error"
    assert kernel.run("print('alive')").printed == "alive\n"


def test_stop_while_a_paused_run_goes_on(kernel, begun):
    """A run that an answer set going again outside a cell stops, and the kernel lives on."""
    options = "--no-wait --max-seconds 3600 --tools begin -o r"
    cell = kernel.run(f'%%procedure stop-later {options}\nHuman.approve{{message = "Sure?"}}\n{BEGIN}{LOOP}')
    kernel.press(kernel.form(cell))
    begun()
    kernel.interrupt()
    assert kernel.run("print('alive')").printed == "alive\n"
    kernel.wait(lambda: "cancelled" in cell.record)
    assert kernel.value("r.status") == "cancelled"


def test_an_endless_program_meets_its_limit(kernel):
    """Nobody presses stop: the limit ends it, the kernel lives on."""
    cell = kernel.run(f"%%procedure limit --max-seconds 0.5\n{LOOP}")
    assert cell.reply["ename"] == "LimitExceeded"
    assert kernel.run("print('alive')").printed == "alive\n"
