"""What a cell is given beside its text: definitions, files, folders, tools, predictors, environment variables."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel


def refused(kernel, code):
    """Run a cell that must be refused before anything of it runs; its error in short."""
    cell = kernel.run(code)
    assert cell.reply["status"] == "error", cell.outputs
    assert cell.reply["ename"] in {"UsageError", "LuaSyntaxError"}, cell.error
    assert len(cell.error.splitlines()) <= 4, cell.error
    assert "lua_procedures/" not in cell.error
    assert cell.mime_types == set()
    return cell.error


def test_a_defined_cell_is_required(kernel):
    """`--define` runs nothing and says so; `require` gives its return value, or the globals it set."""
    defined = kernel.run("%%procedure 'text tools' --define\nprint('loaded')\nreturn {shout = string.upper}")
    assert defined.printed == 'defined text tools: require("text tools") gives it\n'
    kernel.run("%%procedure counting --define\nfunction twice(n) return 2 * n end")
    program = "local t = require('text tools')\nreturn {t.shout('a'), require('counting').twice(4)}"
    cell = kernel.run(f"%%procedure user -o r\n{program}")
    assert kernel.value("r.value") == ["A", 8]
    assert "loaded" in cell.record
    kernel.run("%%procedure 'text tools' --define\nreturn {shout = function(s) return s .. '!' end}")
    kernel.run(f"%%procedure user -o r\n{program}")
    assert kernel.value("r.value") == ["a!", 8]


def test_a_wrong_definition_is_a_short_error(kernel):
    """It needs a name, and has to compile; nothing is defined by it, and what is not there is said."""
    assert "--define needs a NAME" in refused(kernel, "%%procedure --define\nreturn 1")
    assert "line 3" in refused(kernel, "%%procedure broken --define\nlocal x = 1\nreturn return")
    missing = kernel.run("%%procedure missing\n\nreturn require('broken')")
    assert "no module 'broken'" in missing.error
    assert "line 3" in missing.error


def test_a_file_is_run(kernel):
    """`--file` runs it as a cell without a text and as a line, with all options; it requires what is beside it."""
    folder = kernel.folder / "programs"
    folder.mkdir(exist_ok=True)
    (folder / "flow.lua").write_text(
        "local near = require('near')\nlocal n = Step.run('n', function() return near.n end)\nreturn {n, input.x}\n"
    )
    (folder / "near.tac").write_text("return {n = 7}\n")
    cell = kernel.run("%%procedure --file programs/flow.lua filed -p x=1 -o r\n")
    assert kernel.value("(r.name, r.value)") == ("filed", [7, 1])
    assert cell.record.startswith("filed: completed · kept 0, ran 1")
    line = kernel.run("%procedure --file=programs/flow.lua filed -p x=1 -o again")
    assert line.record.startswith("filed: completed · kept 1, ran 0")
    assert kernel.value("again.value") == [7, 1]
    (folder / "broken.lua").write_text("return 1 +\n")
    assert "-&gt; 1 | return 1 +" in kernel.run("%procedure --file programs/broken.lua broken-file").page


def test_a_wrong_file_is_a_short_error(kernel):
    """One that is not there, that is no text, or that stands beside a text of the cell's own."""
    (kernel.folder / "bytes.lua").write_bytes(b"\xff\xfe")
    assert "nowhere.lua: No such file" in refused(kernel, "%procedure --file nowhere.lua")
    assert "nowhere.lua: No such file" in refused(kernel, "%%procedure x --file nowhere.lua\n")
    assert "bytes.lua: it is no UTF-8 text" in refused(kernel, "%procedure --file bytes.lua")
    assert "the cell has a text of its own" in refused(kernel, "%%procedure --file bytes.lua\nreturn 1")
    assert "--file" in refused(kernel, "%%procedure x --file\nreturn 1")


def test_files_are_of_one_folder(kernel):
    """`--files` is the folder that `File` uses, by default the notebook's; a wrong one is a short error."""
    (kernel.folder / "data").mkdir(exist_ok=True)
    (kernel.folder / "data" / "a.txt").write_text("inside")
    (kernel.folder / "a.txt").write_text("beside")
    program = "return {File.read('a.txt'), pcall(File.read, '../a.txt')}"
    kernel.run(f"%%procedure reading --files data -o r\n{program}")
    assert kernel.value("r.value[:2]") == ["inside", False]
    kernel.run("%%procedure reading-here -o r\nreturn File.read('a.txt')")
    assert kernel.value("r.value") == "beside"
    kernel.run("%config Procedures.files = 'data'")
    try:
        kernel.run("%%procedure reading-there -o r\nreturn File.read('a.txt')")
        assert kernel.value("r.value") == "inside"
    finally:
        kernel.run("%config Procedures.files = None")
    assert "--files nowhere: there is no such folder" in refused(kernel, "%%procedure x --files nowhere\nreturn 1")
    assert "--files a.txt: there is no such folder" in refused(kernel, "%%procedure x --files a.txt\nreturn 1")


def test_tools_of_the_notebook(kernel):
    """`--tools` takes functions, lists and dicts of them by the variable's name; each call is made once."""
    kernel.run("calls = []\ndef add(a: int, b: int = 1) -> int:\n    calls.append(a)\n    return a + b")
    kernel.run("more = [add]\nnamed = {'plus': add}")
    program = "return {add and add{a = 1, b = 2}, plus and plus(5)}"
    kernel.run(f"%%procedure tooled --tools add,named -o r\n{program}")
    assert kernel.value("(r.value, calls)") == ([3, 6], [1, 5])
    cell = kernel.run(f"%%procedure tooled --tools 'more, named' -o r\n{program}")
    assert kernel.value("(r.value, calls)") == ([3, 6], [1, 5])
    assert "kept 2, ran 0" in cell.record
    kernel.run("%%procedure asking --tools add\nlocal go = Human.approve('go?')\nreturn add{a = 10}", allow_stdin=False)
    kernel.run("s = %procedures answer asking yes")
    assert kernel.value("s.value") == 11


def test_wrong_tools_are_short_errors(kernel):
    """A variable that is not there, that is no tool, or that hides a name of the language."""
    kernel.run("number = 3\ndef add(a: int) -> int:\n    return a\nprint_it = {'print': add}")
    assert "--tools ad: there is no variable ad" in refused(kernel, "%%procedure x --tools ad\nreturn 1")
    assert "did you mean add?" in refused(kernel, "%%procedure x --tools ad\nreturn 1")
    assert "got a int" in refused(kernel, "%%procedure x --tools number\nreturn 1")
    assert "'print' is a name of the language" in refused(kernel, "%%procedure x --tools print_it\nreturn 1")
    assert "two tools are named 'add'" in refused(kernel, "%%procedure x --tools add,add\nreturn 1")
    assert "--tools" in refused(kernel, "%%procedure x --tools\nreturn 1")


def test_predictors_of_the_notebook(kernel):
    """`--predictors` is a dict for `Model`; predictions are kept, and an estimator says how it took its values."""
    kernel.run(
        "class Sum:\n    def predict(self, rows):\n        return [sum(row) for row in rows]\n"
        "models = {'size': lambda given: len(given['text']), 'sum': Sum()}"
    )
    program = "return {Model('size'){text = 'four'}.output, Model('sum'){b = 2, a = 1}.output}"
    cell = kernel.run(f"%%procedure predicting --predictors models -o r\n{program}")
    assert kernel.value("r.value") == [4, 3]
    assert "in the order of their keys (a, b)" in cell.record
    again = kernel.run(f"%%procedure predicting --predictors models -o r\n{program}")
    assert again.record.startswith("predicting: completed · kept 2, ran 0")
    assert again.record.splitlines()[-2:] == cell.record.splitlines()[-2:]  # the warning and the value


def test_wrong_predictors_are_short_errors(kernel):
    """A variable that is not there or no dict; a model that nobody gave is an error of its line."""
    kernel.run("number = 3")
    assert "there is no variable nowhere" in refused(kernel, "%%procedure x --predictors nowhere\nreturn 1")
    assert "a dict expected, got int" in refused(kernel, "%%procedure x --predictors number\nreturn 1")
    unknown = kernel.run("%%procedure x\n\nreturn Model('nobody'){n = 1}")
    assert unknown.reply["ename"] == "ModelError"
    assert "line 3" in unknown.error


def test_variables_of_the_environment_are_listed(start_kernel):
    """`%config Procedures.env_allowed` lists those that a header may name; no other one leaves the process."""
    kernel = start_kernel(MODEL_TOKEN="s3cret")
    program = 'return Model("m"){n = 1}'
    head = 'Model "m" {type = "http", endpoint = "http://127.0.0.1:9/", headers = {x = "{env.MODEL_TOKEN}"}}'
    closed = kernel.run(f"%%procedure calling\n{head}\n{program}")
    assert "the environment variable MODEL_TOKEN is not allowed" in closed.error
    assert "%config Procedures.env_allowed" in closed.error
    assert "is not allowed" in kernel.run("%procedures resume calling").error
    kernel.run("%config Procedures.env_allowed = ['MODEL_TOKEN']")
    for code in ("%procedures resume calling", f"%%procedure calling\n{head}\n{program}"):
        opened = kernel.run(code)
        assert "http://127.0.0.1:9/ cannot be reached" in opened.error
        assert "s3cret" not in opened.error
    assert "expected a" in kernel.run("%config Procedures.env_allowed = [1]").printed
