"""File, and the modules tactus.io.file, json, csv and tsv: each operation is done once and recorded."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from lua_procedures import LuaRuntimeError, UsageError, resume

from .cells import Cell, Died, DyingStore, differing, outcome, paths
from .programs import programs_of, statements_of


class FilesCell(Cell):
    """A cell with a folder of files."""

    def __init__(self, folder, **options):
        super().__init__(**options)
        self.folder = folder

    def __call__(self, source, **options):
        return super().__call__(source, **{"files": self.folder, **options})


@pytest.fixture
def cell(tmp_path):
    (tmp_path / "files").mkdir()
    return FilesCell(tmp_path / "files")


def test_a_file_is_written_and_read(cell):
    """As text; `write` gives true, and each call is a checkpoint of kind `file` named by its path."""
    ran = cell.twice("""
        return {File.write("out/a.txt", "hé\\r\\n"), File.read("out/a.txt"), File:read("out/a.txt"), File.size("out/a.txt"),
                File.exists("out/a.txt"), File.exists("no.txt"), File.exists("out"), File.write("empty", ""), File.read("empty")}
    """)
    assert ran.value == [True, "hé\r\n", "hé\r\n", 5, True, False, False, True, ""]
    assert (cell.folder / "out" / "a.txt").read_bytes() == "hé\r\n".encode()
    assert {(each.kind, each.name) for each in ran.checkpoints} == {
        ("file", name) for name in ("out/a.txt", "no.txt", "out", "empty")
    }


def test_bytes_stay_bytes(cell):
    """A file that is not UTF-8 is a Lua string of its bytes, and goes back as it came."""
    data = bytes(range(256))
    (cell.folder / "a.bin").write_bytes(data)
    ran = cell.twice("local b = File.read('a.bin') File.write('b.bin', b) return {#b, b:byte(256), b}")
    assert ran.value == [256, 255, data]
    assert (cell.folder / "b.bin").read_bytes() == data


def test_a_read_file_is_answered_from_the_journal(cell):
    """A file that changed since is not read again, one that is gone is still there; a written one is not written again."""
    (cell.folder / "in.txt").write_text("first")
    program = (
        "local t = File.read('in.txt') File.write('out.txt', t) return {t, File.exists('in.txt'), File.size('in.txt')}"
    )
    cell(program)
    (cell.folder / "in.txt").unlink()
    (cell.folder / "out.txt").write_text("mine")
    ran = cell(program)
    assert (ran.value, ran.executed) == (["first", True, 5], 0)
    assert (cell.folder / "out.txt").read_text() == "mine"


def test_redo_of_a_path_reads_again(cell):
    """What follows is kept where the file is the same, and runs again where it is not."""
    (cell.folder / "in.txt").write_text("first")
    program = "local t = File.read('in.txt') return {t, Step.run('s', function() return t end)}"
    cell(program)
    assert paths(cell(program, redo="in.txt"), replayed=False) == ["0"]
    (cell.folder / "in.txt").write_text("second")
    again = cell(program, redo="in.txt")
    assert (again.value, again.executed) == (["second", "second"], 2)
    assert "in.txt" in again._data.change


def test_another_text_is_written(cell):
    """The text is part of what is asked; undoing the edit finds the old entry, and writes nothing."""
    program = "File.write('a.txt', '%s') return Step.run('s', function() return 1 end)"
    cell(program % "one")
    ran = cell(program % "two")
    assert (ran.executed, (cell.folder / "a.txt").read_text()) == (2, "two")
    assert ran._data.change == 'line 1: file "a.txt" changed (text)'
    assert (cell(program % "one").executed, (cell.folder / "a.txt").read_text()) == (0, "two")


def test_a_plan_touches_no_file(cell):
    """It says what would be done."""
    ran = cell("File.write('a.txt', 'x')", plan=True)
    assert ran._data.change == 'line 1: file "a.txt" is new'
    assert list(cell.folder.iterdir()) == []


FAULTS = {
    "File.read('no.txt')": "File.read: no.txt: no such file",
    "File.size('no.txt')": "File.size: no.txt: no such file",
    "File.read('sub')": "File.read: sub: a folder, not a file",
    "File.exists('../a')": "File.exists: ../a: leads out of the run's folder of files",
    "File.write('/tmp/a', 'x')": "File.write: /tmp/a: an absolute path; paths are relative to the run's folder of files",
    "File.read('large')": "File.read: large: larger than 5,000 bytes (limits max_bytes)",
}


@pytest.mark.parametrize("call", FAULTS)
def test_a_fault_is_an_error_at_the_line(cell, call):
    """It names the call and the path; a failure that ends the run is tried again."""
    (cell.folder / "sub").mkdir()
    (cell.folder / "large").write_bytes(b"x" * 5001)
    error = cell.fails(f"local a = 1\nlocal b = {call}\nreturn b", limits={"max_bytes": 5000})
    assert isinstance(error, LuaRuntimeError)
    assert str(error) == f"line 2: {FAULTS[call]}"
    assert list(cell.store.entries(1)) == []


def test_a_fault_that_was_caught_replays(cell):
    """It is part of what happened, even where the file is there now; `--redo failed` tries again."""
    program = "local ok, why = pcall(File.read, 'late.txt') return {ok, why, Step.run('s', function() return 1 end)}"
    first = cell.twice(program)
    assert first.value == [False, "cell:1: File.read: late.txt: no such file", 1]
    assert [each.error for each in first.checkpoints] == ["late.txt: no such file", None]
    (cell.folder / "late.txt").write_text("there")
    assert cell(program).value == first.value
    assert cell(program, redo="failed").value == [True, "there", 1]


def test_files_in_steps(cell):
    """A step that is not run again touches no file; an interrupted one finds what it had done."""
    program = """
        return Step.run("s", function()
          local n = File.exists("n.txt") and tonumber(File.read("n.txt")) or 0
          File.write("n.txt", tostring(n + 1))
          return {n, Human.approve("Go?")}
        end)
    """
    cell(program)
    assert cell(program, answers=[True]).value == [0, True]
    assert cell.twice(program).value == [0, True]
    assert (cell.folder / "n.txt").read_text() == "1"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_write_whose_entry_was_lost_is_done_again(cell, before):
    """The file is written first and recorded then; dying between the two does it twice, to the same end."""
    program = "File.write('a.txt', 'one') local t = File.read('a.txt') File.write('a.txt', t .. 'two') return File.read('a.txt')"
    store = cell.store
    for write in range(2, 7):
        cell.store = DyingStore(store, write, before=before)
        with pytest.raises(Died):
            cell(program, name=f"{write}")
        cell.store = store
        assert cell(program, name=f"{write}").value == "onetwo"
        assert (cell.folder / "a.txt").read_text() == "onetwo"


def test_paths_are_texts(cell):
    """What is none is an error that says what is expected."""
    for call, told in {
        "File.read()": "path: a non-empty string expected, got nil",
        "File.read('')": 'path: a non-empty string expected, got ""',
        "File.exists(5)": "path: a non-empty string expected, got a number",
        "File.size('a\\0b')": "path: UTF-8 text without control characters expected",
        "File.read('\\255')": "path: UTF-8 text without control characters expected",
        "File.read(('x'):rep(5000))": "path: more than 4096 bytes long",
        "File.write('a')": "text: a string expected, got nil",
        "File.write('a', 5)": "text: a string expected, got a number",
    }.items():
        assert str(cell.fails(f"local b = {call}")) == f"line 1: {call.partition('(')[0]}: {told}"


def test_a_text_larger_than_the_limit(cell):
    """It does not cross."""
    error = cell.fails("File.write('a', ('x'):rep(5001))", limits={"max_bytes": 5000})
    assert str(error) == "line 1: File.write: text: 5001 bytes, and limits max_bytes is 5000"


# -- the folder --------------------------------------------------------------------------------------------


def test_the_folder_is_the_current_one(tmp_path, monkeypatch):
    """Where none is given, that of the start; where one is given, it stays the run's when it is resumed from elsewhere."""
    (tmp_path / "a.txt").write_text("here")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("there")
    monkeypatch.chdir(tmp_path)
    cell, program = Cell(), "Human.approve('Go?') return File.read('a.txt')"
    cell(program)
    cell(program, files="sub", name="sub")
    monkeypatch.chdir("/")
    assert cell.resume(answers=[True]).value == "here"
    assert resume("sub", store=cell.store, answers=[True]).value == "there"
    cell(program, name="other", files=tmp_path)
    assert resume("other", store=cell.store, files=tmp_path / "sub", answers=[True]).value == "there"


@pytest.mark.parametrize(("files", "told"), [("no/such", "no folder 'no/such'"), (5, "path expected, got int")])
def test_a_folder_that_is_none(files, told):
    """It is told before anything runs."""
    with pytest.raises(UsageError, match=told):
        Cell()("Step.run('ran', function() end)", files=files)


# -- modules -----------------------------------------------------------------------------------------------


def test_the_modules(cell):
    """`require` gives each of them, and each reads what it writes."""
    ran = cell.twice("""
        local file, json = require("tactus.io.file"), require("tactus.io.json")
        local csv, tsv = require("tactus.io.csv"), require("tactus.io.tsv")
        file.write("a.txt", "text")
        json.write("a.json", {list = {1, 2.5, true, null}, text = "é", none = object{}})
        csv.write("a.csv", {{name = "Ada", note = 'says "x, y"\\nand more'}, {name = "Bo", age = 5}})
        tsv:write("a.tsv", {{"a", "b"}, {1, "x y"}})
        return {file.read("a.txt"), json.read("a.json"), csv.read("a.csv"), tsv:read("a.tsv")}
    """)
    assert ran.value == [
        "text",
        {"list": [1, 2.5, True, None], "text": "é", "none": {}},
        [{"name": "Ada", "note": 'says "x, y"\nand more', "age": ""}, {"name": "Bo", "note": "", "age": "5"}],
        [{"a": "1", "b": "x y"}],
    ]
    assert (cell.folder / "a.csv").read_text() == 'name,note,age\nAda,"says ""x, y""\nand more",\nBo,,5\n'
    assert (cell.folder / "a.tsv").read_text() == "a\tb\n1\tx y\n"


def test_steps_know_the_modules(cell):
    """A step may use them by a local name, and is not run again for it; it must not change them."""
    ran = cell.twice("""
        local csv = require("tactus.io.csv")
        return Step.run("s", function() csv.write("a.csv", {{a = 1}}) return csv.read("a.csv") end)
    """)
    assert (ran.value, paths(ran)) == ([{"a": "1"}], ["0", "0/0", "0/1"])
    assert "changes" in str(cell.fails("local csv = require('tactus.io.csv') Step.run('t', function() csv.x = 1 end)"))


WRITTEN = {
    "{{b = 1, a = true}, {c = 2.0}}": "a,b,c\ntrue,1,\n,,2.0\n",
    "{{b = 1, a = 2}}, {headers = {'b', 'a', 'z'}}": "b,a,z\n1,2,\n",
    "{{b = 1}}, {'b', 'a'}": "b,a\n1,\n",
    "{{1, 2}, {3}}, {headers = {'x', 'y'}}": "x,y\n1,2\n3\n",
    "{{1, null, 'a\tb'}}": "1,,a\tb\n",
    "{}": "",
    "{}, {headers = {'a'}}": "a\n",
    "{{}, {a = 1}}": 'a\n""\n1\n',
    "{{''}}": '""\n',
    "State.get('rows')": "k\n1\n",
}


@pytest.mark.parametrize("rows", WRITTEN)
def test_tables_of_values(cell, rows):
    """Dicts below the names of their columns, in the order they are met or as given; lists as they are."""
    cell.twice(f"State.set('rows', {{{{k = 1}}}}) require('tactus.io.csv').write('a.csv', {rows})")
    assert (cell.folder / "a.csv").read_text() == WRITTEN[rows]


WRONG_ROWS = {
    "write('a.csv')": "rows: a list of tables expected, got nil",
    "write('a.csv', 'x')": "rows: a list of tables expected, got a string",
    "write('a.csv', {a = 1})": "rows: a list of tables expected",
    "write('a.csv', {1, 2})": "rows: a list of tables expected",
    "write('a.csv', {{a = 1}, {1}})": "rows[2]: a table with named keys expected, like the others, got a list",
    "write('a.csv', {{a = {1}}})": "rows[1], column 1: a string, number or boolean expected, got a list",
    "write('a.csv', {{a = {b = 1}}})": "rows[1], column 1: a string, number or boolean expected, got a table",
    "write('a.csv', {{input.it}})": "rows[1], column 1: a string, number or boolean expected, got a handle",
    "write('a.csv', {{'\\255'}})": "rows[1], column 1: a string, number or boolean expected, got a text that is not UTF-8",
    "write('a.csv', {{a = 1}}, {headers = {'b'}})": "rows[1]: headers does not name the column 'a'",
    "write('a.csv', {{a = 1}}, {headers = 'a'})": "headers: a list of strings expected",
    "write('a.csv', {{a = 1}}, {columns = {'a'}})": "unknown option columns; the option is headers",
    "write('a.csv', {{a = 1}}, 5)": "options: a table of options expected, got a number",
    "write('a.csv', {{print}})": "a function cannot be kept or passed on, at $.rows[1][1]",
    "write(5, {})": "path: a non-empty string expected, got a number",
    "read()": "path: a non-empty string expected, got nil",
    "read('no.csv')": "no.csv: no such file",
}


@pytest.mark.parametrize("call", WRONG_ROWS)
def test_wrong_tables(cell, call):
    """What is no table of values is an error that says where, and nothing is written."""
    error = cell.fails(f"local csv = require('tactus.io.csv')\nlocal b = csv.{call}", params={"it": object()})
    assert str(error) == f"line 2: csv.{call.partition('(')[0]}: {WRONG_ROWS[call]}"
    assert list(cell.folder.iterdir()) == []


READ = {
    "a,b\n1,2\n": [{"a": "1", "b": "2"}],
    "\ufeffa;b\r\n\r\n1;2\r\n": [{"a;b": "1;2"}],
    "a,b\n1\n": [{"a": "1"}],
    'a\n"x\n\ny"\n': [{"a": "x\n\ny"}],
    "a\n" + "x" * 200_000: [{"a": "x" * 200_000}],
    "a,b": [],
    "": [],
    "\n\n": [],
}


@pytest.mark.parametrize("text", READ, ids=lambda text: repr(text[:20]))
def test_tables_that_are_read(cell, text):
    """Rows by the names in the first one; cells are texts, of any length; blank lines are none."""
    limit = csv.field_size_limit()
    (cell.folder / "a.csv").write_bytes(text.encode())
    assert cell.twice("return require('tactus.io.csv').read('a.csv')").value == READ[text]
    assert csv.field_size_limit() == limit


UNREADABLE = {
    b"a,b\n1,2,3\n": "line 2: 3 cells, but the first row names 2",
    b"a,b,a\n": "the column 'a' is there twice",
    b'a\n"x\n': "line 2: unexpected end of data",
    b'a\n"x"y\n': "line 2: ',' expected after '\"'",
    b"a\n\xff\n": "the file is not UTF-8 text",
}


@pytest.mark.parametrize("data", UNREADABLE)
def test_tables_that_cannot_be_read(cell, data):
    """The error says where; caught, it is the same on replay."""
    (cell.folder / "a.csv").write_bytes(data)
    ran = cell.twice("return select(2, pcall(require('tactus.io.csv').read, 'a.csv'))")
    assert ran.value == f"cell:1: csv.read: a.csv: {UNREADABLE[data]}"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": 1,}', 'a key in quotes expected at byte 9, found "}"'),
        (b"", "a value expected at byte 1, found the end"),
        (b"\xff", "not UTF-8 text"),
        (b"[" * 200, "more than 100 deep"),
    ],
)  # fmt: skip
def test_bad_json_files(cell, data, told):
    """The error names the file and the byte."""
    (cell.folder / "a.json").write_bytes(data)
    assert str(cell.fails("local b = require('tactus.io.json').read('a.json')")) == f"line 1: json.read: a.json: {told}"


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5), st.sampled_from(["csv", "tsv"]))
@example([["a", "b"], ['"', ",\t\r\n"]], "csv")
def test_any_cells_come_back(rows, form):
    """Whatever the cells hold is written so that Python, and we, read the same."""
    if rows[0][0] == rows[0][1] or rows[0][0].startswith("\ufeff"):
        return
    with tempfile.TemporaryDirectory() as folder:
        ran = FilesCell(Path(folder))(
            f"local m = require('tactus.io.{form}') m.write('a', input.rows) return m.read('a')", params={"rows": rows}
        )
        text = (Path(folder) / "a").read_bytes().decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter={"csv": ",", "tsv": "\t"}[form])) == rows
    assert ran.value == [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


# -- the rule ----------------------------------------------------------------------------------------------

PATHS = st.sampled_from(["a", "b", "sub/a", "sub", "../x"])
SIMPLE = st.one_of(
    st.builds("note(out, tostring((pcall(File.write, '{}', '{}'))))".format, PATHS, st.text("xyz", max_size=2)),
    st.builds("note(out, select(2, pcall(File.read, '{}')))".format, PATHS),
    st.builds("note(out, tostring(select(2, pcall(File.exists, '{}'))))".format, PATHS),
    st.builds("note(out, select(2, pcall(File.size, '{}')))".format, PATHS),
    st.builds("pcall(File.write, '{}', table.concat(out, ' '))".format, PATHS),
    st.sampled_from(
        ["Session.append('user', '%(name)s')", "note(out, Session.count())", "Session.clear()", "Sleep(0)"]
    ),
)
STATEMENTS = statements_of(SIMPLE, "{code = 5}")
PROGRAMS = programs_of(STATEMENTS)


def held(folder):
    """All files of a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PROGRAMS, st.lists(st.tuples(st.integers(0, 25), st.booleans()), max_size=3))
def test_a_second_run_is_the_first(program, deaths):
    """Inside and outside of steps, after deaths at any write too: the same files at the end, and nothing touched again."""
    note(program.text)
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as straight:
        cell, folder = FilesCell(Path(name)), Path(name)
        undisturbed = FilesCell(Path(straight))(program.text)
        store = cell.store
        for write, before in deaths:
            cell.store = DyingStore(store, write, before=before)
            try:
                cell(program.text)
            except Died:
                continue
        cell.store = store
        first = cell(program.text)
        if not deaths:
            assert (first.value, first.messages, held(folder)) == (
                undisturbed.value,
                undisturbed.messages,
                held(Path(straight)),
            )
        (folder / "a").unlink(missing_ok=True)
        (folder / "b").write_text("changed from outside")
        before_replay = held(folder)
        again = cell.twice(program.text)
        assert not differing(outcome(first), outcome(again))
        assert held(folder) == before_replay
