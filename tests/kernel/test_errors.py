"""How a failed cell looks: the line, what is wrong, what to do; the library only when asked."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(
    ("program", "name", "line", "said"),
    [
        ("local t = nil\nreturn t.x", "LuaRuntimeError", 3, "index a nil value"),
        ("local x = ", "LuaSyntaxError", 2, "unexpected"),
        ("local a = 1\nif a != 2 then end", "LuaSyntaxError", 3, "~="),
        ("Setp.run('a', function() end)", "LuaRuntimeError", 2, "Step"),
        ("Human.aprove{message = 'x'}", "LuaRuntimeError", 2, "approve"),
        ("\n\nStep.run(1, function() end)", "LuaRuntimeError", 4, "Step.run"),
        ("Step.run('a', function() return {x = {1, function() end}} end)", "ConversionError", 2, "$.x[2]"),
        ("input{who = field.string{required = true}}\nreturn 1", "SchemaError", None, "who"),
        ("Stages{'a', 'b'}\nStage.set('c')", "LuaRuntimeError", 3, "'c'"),
        ("error{code = 5}", "LuaRuntimeError", None, "5"),
    ],
)  # fmt: skip
def test_an_error_is_short_and_names_the_line(kernel, program, name, line, said):
    """The editor's line is marked, no frame of the library is shown, and the run can be looked at."""
    cell = kernel.run(f"%%procedure errs -o r\n{program}")
    assert cell.reply["ename"] == name, cell.error
    assert said in cell.error
    assert line is None or re.search(rf"line {line}\b", cell.error)
    assert "Traceback" not in cell.error
    assert "lua_procedures" not in cell.error
    assert ".py" not in cell.error
    assert "0x" not in cell.error
    assert len(cell.error.splitlines()) <= 12
    assert kernel.value("r.status") == "failed"


def test_the_line_is_marked(kernel):
    """The program's own line stands in the error, marked."""
    error = kernel.run("%%procedure marked\nlocal a = 1\nlocal b = a.b.c\nreturn b").error
    assert re.search(r"(?m)^\W*(>|→|-->)\W*3\W.*local b = a\.b\.c", error), error


def test_tb_shows_the_library(kernel):
    """`%tb` gives the whole Python traceback of the last error."""
    kernel.run("%%procedure traced\nerror('broken')")
    shown = kernel.run("%tb")
    text = shown.printed + shown.error
    assert "broken" in text
    assert "lua_procedures" in text
    assert re.search(r"\.py", text)


def test_a_failed_cells_record_stays(kernel):
    """The error comes after the record, which has what was done before."""
    cell = kernel.run("%%procedure recorded\nStep.run('a', function() return 1 end)\nerror('broken')")
    assert cell.kinds == ["display_data", "error"]
    assert cell.record.startswith("recorded: failed · kept 0, ran 1")
    assert "broken" in cell.record
    fixed = kernel.run("%%procedure recorded\nStep.run('a', function() return 1 end)\nreturn 'well'")
    assert "kept 1, ran 0" in fixed.record


def test_python_cells_fail_as_ever(kernel):
    """An error of a Python cell keeps its traceback."""
    kernel.run("%%procedure before-python\nreturn 1")
    assert "Traceback" in kernel.run("1 / 0").error
