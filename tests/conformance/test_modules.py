"""``require``: defined cells and files, loaded once, in the lines of their own text."""

from __future__ import annotations

import pytest

import lua_procedures
from lua_procedures import LuaSyntaxError, get_session
from lua_procedures.modules import Finder, Module


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """The folder that programs stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def defined():
    """The session's defined cells, empty again afterwards."""
    yield get_session().definitions
    get_session().definitions.clear()


def test_a_module_is_what_its_text_returns(cell, beside):
    """The value of require is the text's own, the same at every call."""
    (beside / "tools.lua").write_text("loads = (loads or 0) + 1 return {n = 7}")

    assert cell('return {require("tools").n, require("tools") == require("tools"), loads}').value == [7, True, 1]


def test_without_a_return_it_is_the_globals_it_set(cell, beside):
    """A text of plain functions needs no table of its own."""
    (beside / "tools.tac").write_text("function twice(x) return 2 * x end limit = 3")
    assert cell('local t = require("tools") return {t.twice(4), t.limit, t.pairs == nil}').value == [8, 3, True]


@pytest.mark.parametrize(
    "text", ["Procedure { function(i) return i.n * 10 end }", "function main(i) return i.n * 10 end"]
)
def test_a_main_procedure_of_a_module_can_be_called(cell, beside, text):
    """It is not the program's, and what require gives can be called as it."""
    (beside / "sub.tac").write_text(text)
    ran = cell('local sub = require("sub") return sub{n = 2} + 1')

    assert ran.value == 21
    assert [(each.kind, each.name) for each in ran.checkpoints] == [("procedure_call", "sub")]


def test_a_dotted_name_is_a_path(cell, beside):
    """A dot leads into a folder."""
    (beside / "lib").mkdir()
    (beside / "lib" / "text.lua").write_text("return 'found'")
    assert cell('return require("lib.text")').value == "found"


def test_a_defined_cell_comes_before_a_file(cell, beside, defined):
    """What the session defined hides a file of that name."""
    (beside / "m.lua").write_text("return 'file'")
    defined["m"] = Module("return 'cell'", "m", 2)
    assert cell('return require("m")').value == "cell"


def test_errors_are_told_in_the_modules_own_lines(cell, beside):
    """An error raised in a module names its file and line, and the cell's line of the call."""
    (beside / "bad.lua").write_text("local m = {}\nfunction m.f()\n  error('oh no')\nend\nreturn m")
    (beside / "broken.lua").write_text("return 1 +\n")
    error = cell.fails('local m = require("bad")\n\nm.f()')

    assert (error.message, error.line) == ("bad.lua:3: oh no", 3)
    broken = cell.fails('\nlocal m = require("broken")')
    assert isinstance(broken, LuaSyntaxError)
    assert broken.message.startswith("broken.lua:")
    assert broken.line == 2


def test_a_module_that_is_not_there_says_how_to_make_one(cell, beside):
    """The error tells both ways."""
    error = cell.fails('return require("nowhere")')
    assert (
        "no module 'nowhere': define a cell of that name with --define, or put nowhere.lua beside it" in error.message
    )


@pytest.mark.parametrize("name", ["../outside", "..outside", "/etc/hosts", "a/../../outside", "link"])
def test_no_module_is_outside_the_folder(cell, beside, tmp_path_factory, name):
    """Neither by dots, nor by an absolute path, nor through a link."""
    outside = tmp_path_factory.mktemp("elsewhere") / "outside.lua"
    outside.write_text("return 'secret'")
    (beside.parent / "outside.lua").write_text("return 'secret'")
    (beside / "link.lua").symlink_to(outside)
    assert "no module" in cell.fails(f'return require("{name}")').message


def test_two_modules_that_require_each_other_are_an_error(cell, beside):
    """The error names the one that requires itself."""
    (beside / "a.lua").write_text('return require("b")')
    (beside / "b.lua").write_text('return require("a")')
    assert "a requires itself" in cell.fails('return require("a")').message


def test_a_module_that_failed_can_be_tried_again(cell, beside):
    """A caught failure leaves nothing half-loaded behind."""
    (beside / "m.lua").write_text('if not ready then error("not yet") end return 5')
    assert cell('local ok = pcall(require, "m") ready = true return {ok, require("m")}').value == [False, 5]


def test_an_edit_of_a_module_runs_the_steps_that_use_it(cell, beside):
    """The text of a module's functions is part of what a step captures."""
    program = 'local m = require("m") return Step.run("s", function() return m.f() end)'
    (beside / "m.lua").write_text("local m = {} function m.f() return 1 end return m")
    cell(program)
    assert cell(program).executed == 0
    (beside / "m.lua").write_text("local m = {} function m.f() return 2 end return m")
    assert cell(program).value == 2


def test_a_resumed_run_has_its_modules(cell, beside):
    """The texts are kept with the run: resume needs no files."""
    (beside / "m.lua").write_text("return 4")
    cell('Human.approve("go?") return require("m")', answers=[])
    cell('local m = require("m") Human.approve("go?") return m', answers=[])
    (beside / "m.lua").unlink()
    cell.answer(value=True)
    assert cell.resume().value == 4


def test_the_finder_looks_in_its_folders_in_order(tmp_path):
    """What was kept comes first, then what was defined, then files of the first folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.lua").write_text(name)
    kept, defined = Module("kept", "m"), Module("defined", "m")
    folders = (tmp_path / "one", tmp_path / "two")

    finders = [Finder(kept={"m": kept}, defined={"m": defined}), Finder({}, {"m": defined}), Finder({}, {}, folders)]
    found = [finder("m") for finder in finders]
    assert [module and module.text for module in found] == ["kept", "defined", "one"]
    assert Finder({}, {}, folders)("other") is None


def test_a_file_that_is_no_text_is_an_error(beside):
    """A module must be UTF-8."""
    (beside / "m.lua").write_bytes(b"return '\xff'")
    with pytest.raises(lua_procedures.ProcedureError, match="it is no UTF-8 text"):
        lua_procedures.run('return require("m")')
