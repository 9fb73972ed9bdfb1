"""What goes wrong in a program is told in a short error that names the thing, and the run's record is intact."""

# ruff: noqa: E501, FBT003 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import os
import re
import sqlite3
import sys

import pytest

import lua_procedures
from lua_procedures import (
    AnswerRefused,
    ConversionError,
    LuaRuntimeError,
    LuaSyntaxError,
    ProcedureError,
    SchemaError,
    StoreError,
    UsageError,
    answer,
    resume,
    run,
)


def waiting(source, name):
    """The request that a named run waits for."""
    return run(source, name=name).pending


def record(info):
    """The run that an error ended."""
    return info.value.run


# Python habits --------------------------------------------------------------------------------------------------------

HABITS = {
    "local x = True\nif x then return 1 end return 0": ("True", "true"),
    "local x = None\nreturn x": ("None", "nil"),
    "local x = 1\nif x != 2 then end": ("~=", "~="),
    "local x = 1\nx += 1": ("x = x + …", "+="),
    "local x = 1\nx++": ("+ 1", "+"),
    "local x = {1: 2}": ("=", "="),
    "def f():\n  return 1": ("function", "function"),
    "if x:\n  y = 1": ("then", "then"),
    "return len({1})": ("len", "#"),
    "local s = 'a' + 'b'": ("..", ".."),
    "local x = not_there()": ("not_there", "not_there"),
    "try\n  x = 1\nend": ("pcall", "pcall"),
    "x = [1, 2]": ("{", "{"),
    "return 1 and continue": ("continue", "continue"),
    "# a comment": ("--", "--"),
    "import os": ("import", "import"),
    "while true {\n}": ("do", "do"),
    "local x = null && true": ("and", "and"),
}  # fmt: skip


@pytest.mark.parametrize("source", HABITS)
def test_python_habits(source):
    """Python in Lua is told what Lua has instead, in an error or a warning."""
    try:
        done = run(source)
        status, told = done.status, " ".join(notice.message for notice in done.notices)
    except (LuaSyntaxError, LuaRuntimeError) as error:
        status, told = "failed", str(error)
        assert error.line  # noqa: PT017 - either way is right
    assert all(word in told for word in HABITS[source]), told
    assert status in {"completed", "failed"}


CLOSE = {
    "Setp.run('a', function() end)": "Step",
    "Human.aprove{}": "Human.approve",
    "State.incremnt('a')": "State.increment",
    "Stage.sett('a')": "Stage.set",
    "Jsn.encode(1)": "Json",
    "prnt(1)": "print",
    "Checkpoint.exist('a')": "Checkpoint.exists",
    "Chekpoint.exists('a')": "Checkpoint",
    "slep(1)": "Sleep",
    "Log.inf('a')": "Log.info",
    "string.formt('a')": "string.format",
    "table.insrt({}, 1)": "table.insert",
    "field.strng{}": "field.string",
    "Iteration.current()": "Iterations",
    "math.flor(1)": "math.floor",
    "tostrng(1)": "tostring",
}


@pytest.mark.parametrize("call", CLOSE)
def test_unknown_primitives(call):
    """A name that is not there is an error at the cell's line that says what is close."""
    with pytest.raises(LuaRuntimeError) as error:
        run(f"local a = 1\n{call}\nlocal b = 2")
    assert error.value.line == 2
    assert CLOSE[call] in str(error.value)
    assert len(str(error.value)) < 300


def test_an_unknown_global_warns_once():
    """Reading a global that is not there gives nil and, once, a warning that says what is close."""
    done = run("if Stat then end\nif Stat then end\nreturn Stat")
    assert done.value is None
    assert [(notice.kind, notice.line) for notice in done.notices] == [("warning", 1)]
    assert "Stat" in done.notices[0].message
    assert "State" in done.notices[0].message


SYNTAX = {
    "local x =": 1,
    "if true then\n  return 1": 1,
    "local x = 1\nend": 2,
    "return 'text": 1,
    "return [[text": 1,
    "local a = 1\nlocal b = (1\n": 2,
    "goto nowhere": 1,
    "local x <const> = 1\nx = 2": 2,
    "break": 1,
    "for i = 1 do end": 1,
    "f(": 1,
    "x = = 1": 1,
    "return '\\q'": 1,
    "local 1x = 2": 1,
    "function() end": 1,
}


@pytest.mark.parametrize("source", SYNTAX)
def test_syntax_errors(source):
    """A program that does not compile is a short LuaSyntaxError with its line; nothing ran."""
    with pytest.raises(LuaSyntaxError) as error:
        run(source)
    assert error.value.line == SYNTAX[source]
    assert len(str(error.value)) < 300
    assert "lua_procedures" not in str(error.value)
    assert (record(error).status, record(error).checkpoints) == ("failed", [])


# Wrong arguments of Lua's own functions (those of primitives: tests/conformance/test_misuse_generated.py) --------------

PURE = [
    "os.date({})", "os.date('%Q')", "os.date('%c', 'x')", "os.time('x')", "os.time{year = 'x'}", "os.difftime()", "math.random('x')", "math.random(2, 1)",
    "math.randomseed({})", "math.floor('x')", "string.rep()", "table.concat(5)", "setmetatable({}, 1)", "setmetatable(1, {})", "coroutine.create(1)",
    "coroutine.wrap(1)", "coroutine.resume(1)", "coroutine.status(1)", "coroutine.close(1)", "coroutine.isyieldable(1)", "load(1)", "unpack(1)",
    "select()", "next()", "ipairs()", "pairs()", "rawset(1)", "tonumber()", "assert()", "utf8.char('x')", "state[5] = 1", "null.x = 1", "coroutine.close(coroutine.running())",
]  # fmt: skip


@pytest.mark.parametrize("call", PURE)
def test_lua_functions_blame_the_cell(call):
    """A Lua function used wrongly is an error at the cell's line, under the name that the program knows."""
    statement = call if "=" in call and "(" not in call else f"local b = {call}"
    with pytest.raises(LuaRuntimeError) as error:
        run(f"local a = 1\n{statement}\nreturn a")
    assert error.value.line == 2
    assert not re.search(r"lua_procedures|osdate|raw_|'\?'", str(error.value)), error.value
    if call.startswith("os."):
        assert call[3:].partition("(")[0].partition("{")[0] in str(error.value)


@pytest.mark.parametrize(
    "function", ["print", "string.upper", "math.max", "tostring", "State.all", "Json.encode", "table.unpack"]
)
def test_steps_of_our_functions(function):
    """A function of ours or of Lua's can be a step itself, and what it raises is told under its name."""
    try:
        assert run(f"Step.run('a', {function})").status == "completed"
    except LuaRuntimeError as error:
        assert "dump" not in str(error)  # noqa: PT017


def test_errors_have_public_classes():
    """Whatever a program does wrong, the error's class can be imported from the package."""
    for source in (
        "Human.approve{timeout = 'x'}",
        "Step.run('a', function() end) Step.run('a', function() return 1 end)",
        "error('x')",
        "x =",
        "return print",
        "input{a = {required = true}}",
    ):
        with pytest.raises(ProcedureError) as error:
            run(f"local x = 1\n{source}\n")
        assert type(error.value).__name__ in lua_procedures.__all__, error.value


# Values, inputs, names ------------------------------------------------------------------------------------------------


def test_an_unconvertible_value_keeps_the_record():
    """A step whose result cannot be kept fails the run by path; the checkpoints before it stay."""
    source = "Step.run('good', function() return 1 end)\nlocal r = Step.run('bad', function() return {list = {1, print}} end)"
    with pytest.raises(ConversionError, match=r"line 2: Step\.run: ") as error:
        run(source)
    assert error.value.path == "$.list[2]"
    assert [each.name for each in record(error).checkpoints if each.error is None] == ["good"]


def test_a_missing_input():
    """A required input that is missing is named, at the declaration's line."""
    with pytest.raises(SchemaError, match="version") as error:
        run("local a = 1\ninput{version = field.string{required = true}}\nreturn 1")
    assert error.value.line == 2
    assert error.value.faults == [{"field": "version", "expected": "a string", "actual": "nothing"}]


USAGE = [
    ({"name": ""}, "name"), ({"name": "x" * 129}, "name"), ({"name": "a\nb"}, "name"), ({"name": 5}, "name"), ({"params": [1]}, "params"),
    ({"params": "x"}, "params"), ({"limits": {"max_secnds": 1}}, "max_secnds"), ({"limits": {"max_seconds": -1}}, "max_seconds"),
    ({"limits": {"max_seconds": "soon", "max_depth": 0}}, "max_depth"), ({"store": "mysql://x"}, "mysql"), ({"store": 5}, "store"),
    ({"answers": 5}, "answers"), ({"seed": "x"}, "seed"), ({"seed": 2**80}, "seed"), ({"redo": 5}, "redo"), ({"params": {5: 1}}, "key"),
    ({"limits": 5}, "limits"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "named"), USAGE, ids=[str(options)[:40] for options, _ in USAGE])
def test_wrong_options_of_run(options, named):
    """A wrong argument of `run` is a short error of ours that names it; the program does not run."""
    with pytest.raises((UsageError, ConversionError, StoreError)) as error:
        run("Step.run('ran', function() end) return 1", **options)
    assert named in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("source", [5, None, b"return 1", ["return 1"]])
def test_a_source_is_text(source):
    """A source that is no text is a UsageError that says so."""
    with pytest.raises(UsageError, match="source"):
        run(source)


# Stores ---------------------------------------------------------------------------------------------------------------


def test_an_unreadable_store(tmp_path):
    """A file that is no database is a StoreError that names it, and the file is left as it was."""
    path = tmp_path / "runs.db"
    path.write_text("this is no database " * 100)
    with pytest.raises(StoreError, match=r"runs\.db"):
        run("return 1", store=str(path))
    assert path.read_text().startswith("this is no database")


def test_a_database_of_someone_else(tmp_path):
    """A database with other tables of the same names is refused, or left alone; nothing of it is lost."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE journals (x TEXT)")
        other.execute("INSERT INTO journals VALUES ('theirs')")
    other.close()
    with pytest.raises(StoreError, match=r"other\.db"):
        run("return 1", store=str(path))
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT x FROM journals").fetchall() == [("theirs",)]
    reader.close()


def test_a_store_that_is_a_folder(tmp_path):
    """A folder in the place of the file is a StoreError that names it."""
    with pytest.raises(StoreError, match=re.escape(tmp_path.name)):
        run("return 1", store=f"sqlite:///{tmp_path}")


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write anywhere"
)
def test_a_folder_that_is_read_only(tmp_path):
    """A folder that cannot be written is a StoreError that names the file."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match=r"runs\.db"):
            run("return 1", store=str(tmp_path / "runs.db"))
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_not_there(tmp_path):
    """A store in a folder that does not exist is a StoreError that names it."""
    with pytest.raises(StoreError, match="nowhere"):
        run("return 1", store=str(tmp_path / "nowhere" / "runs.db"))


# Answers --------------------------------------------------------------------------------------------------------------


def test_an_answer_for_another_request():
    """An answer that names another request is refused; the question stays open and can be answered."""
    source = "return Human.input{message = 'name?'}"
    id = waiting(source, "other request").id
    with pytest.raises(AnswerRefused, match="no-such-id") as error:
        answer("other request", "x", "no-such-id")
    assert "name?" in str(error.value)
    assert waiting(source, "other request").id == id
    answer("other request", "x", id)
    assert resume("other request").value == "x"


@pytest.mark.parametrize(("value", "named"), [(5, "text"), (None, "text"), (["a"], "text")])
def test_an_answer_that_does_not_fit(value, named):
    """An answer of the wrong kind is refused, and the question stays."""
    name = f"unfit {value}"
    run("return Human.input{}", name=name)
    with pytest.raises(AnswerRefused, match=named):
        answer(name, value)
    assert run("return Human.input{}", name=name).status == "paused"


@pytest.mark.parametrize("value", ["\ud800", float("nan"), 2**70, object(), {1: 2}])
def test_an_answer_that_cannot_cross(value):
    """An answer that Lua cannot have is an error of ours, and the question stays."""
    name = f"uncrossable {type(value).__name__}"
    source = "return Human.input{response_schema = {description = 'anything'}}"
    with pytest.raises((AnswerRefused, ConversionError)):
        run(source, name=name, answers=[value])
    assert run(source, name=name).status == "paused"


def test_nobody_asked():
    """Answering a run that asks nothing, or that is not there, is a short error that names it."""
    run("return 1", name="asks nothing")
    with pytest.raises(AnswerRefused, match="asks nothing"):
        answer("asks nothing", True)
    with pytest.raises(StoreError, match="not there at all"):
        answer("not there at all", True)
    with pytest.raises(StoreError, match="not there at all"):
        resume("not there at all")


def test_an_error_keeps_its_run():
    """A failed run holds what was done: State, notices, checkpoints, stage, the error with its line and its excerpt."""
    source = "Stages{'a', 'b'}\nStage.set('a')\nState.set('k', 1)\nprint('p')\nStep.run('s', function() return 1 end)\nlocal x = nil\nreturn x.y.z"
    with pytest.raises(LuaRuntimeError) as error:
        run(source, name="keeps")
    failed = record(error)
    assert (failed.status, failed.state, failed.stage, failed.value) == ("failed", {"k": 1}, "a", None)
    assert [notice.message for notice in failed.notices] == ["p"]
    assert [each.name for each in failed.checkpoints] == ["s"]
    assert failed.error is error.value
    assert error.value.line == 7
    assert "return x.y.z" in (error.value.excerpt or "")
    assert run(source.replace("x.y.z", "5"), name="keeps").replayed == 1
