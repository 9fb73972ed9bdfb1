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
        ("Stages{'a', 'b'}\nStage.set('c')", "LuaRuntimeError", 3, 'got "c"'),
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


SESSION = """
from langchain_core.tools import tool
def lookup(key): return key
@tool
def search(query: str) -> str:
    "Searches."
    return query
class Kind: ...
rows, step = [1], None
"""


@pytest.mark.parametrize(
    ("program", "hint"),
    [
        ("return lookup('a')", "lookup is a Python function of this session: give it with --tools lookup"),
        ("return Step.run('a', function() return search{query = 'a'} end)", "give it with --tools search"),
        ("return rows[1]", "rows is a Python variable of this session: give it with -i rows, and read input.rows"),
        ("return Kind()", "'Kind' is not defined"),
        ("return step.x", "'step' is not defined"),
        ("local rows = nil\nreturn rows[1]", "'rows' is nil here"),
    ],
)  # fmt: skip
def test_a_name_of_the_session_is_told(kernel, program, hint):
    """What a program does not know and the notebook does is given by an option, which the record names."""
    kernel.run(SESSION)
    cell = kernel.run(f"%%procedure session\n{program}")
    assert hint in cell.record


def test_the_line_is_marked(kernel):
    """The program's own line stands in the record, marked; without a front end it stands in the exception."""
    program = "%%procedure marked\nlocal a = 1\nlocal b = a.b.c\nreturn b"
    seen = kernel.run(program)
    assert "-&gt; 3 | local b = a.b.c" in seen.page
    assert "local b" not in seen.error
    assert "-> 3 | local b = a.b.c" in kernel.run(program, allow_stdin=False).error


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
