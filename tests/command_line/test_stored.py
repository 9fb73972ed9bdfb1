"""Commands on what a store has."""

from __future__ import annotations

import os

import pytest

from lua_procedures import CheckpointManager, RunState
from lua_procedures.durable.stores import open_store
from lua_procedures.testing.samples import some_row

from .commands import ASK

TWO = 'local a = Step.run("collect", function() return 1 end)\nlocal b = Human.input{message = "Name?"}\nreturn {a, b}'


@pytest.fixture
def paused(cli):
    """A folder with a run that waits for a person."""
    assert cli("run", cli.write("two.lua", TWO), "--quiet").code == 3
    return cli


def test_a_store_that_is_not_there_is_not_made(cli):
    """Looking for a run makes no file: ``list`` has nothing to list, all else says what is missing."""
    assert cli("list") == (0, "", "no runs\n")
    assert cli("list", "--json").json == []
    commands = ("show a", "history a", "fork a 1 b", "answer a 1", "resume a", "export a a.md", "list --store typo.db")
    for command in (*commands, "show a --store sqlite:///typo.db"):
        done = cli(*command.split(), "--json")
        assert done.code == 1
        assert "there is no store" in done.json["error"]["message"]
    assert list(cli.path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["show"], ["history"], ["resume"], ["answer", "1"], ["fork", "1", "b"], ["export", "a.md"]]
)
def test_a_run_that_is_not_there(paused, words):
    """An unknown run is exit code 1, and the known ones are named."""
    command, *rest = words
    done = paused(command, "nobody", *rest)
    assert (done.code, done.out) == (1, "")
    assert "no run 'nobody'" in done.err
    assert "The runs there: two." in done.err


def test_list(paused):
    """Each name once, the one updated last at the end; records of runs are no runs."""
    paused("run", paused.write("a.lua", "return 1"), "--quiet")
    paused("run", paused.write("two.lua", TWO), "-p", "x=1", "--quiet")
    CheckpointManager(str(paused.path / "lua-procedures.db")).save(RunState())
    done = paused("list")
    assert done.code == 0
    assert [line.split()[:2] for line in done.out.splitlines()] == [["a", "completed"], ["two", "paused"]]
    assert [(row["name"], row["status"]) for row in paused("list", "--json").json] == [
        ("a", "completed"), ("two", "paused"),
    ]  # fmt: skip
    assert "records" not in paused("show", "nobody").err


def test_list_shows_a_seed_that_was_given(cli):
    """A run with ``--seed`` goes on only with it: the list says which."""
    program = cli.write("a.lua", "return 1")
    cli("run", program)
    assert "seed" not in cli("list").out
    cli("run", program, "--seed", "7")
    assert cli("list").out.endswith("  seed 7\n")
    assert cli("list", "--json").json[0]["seed"] == 7


def test_show(paused):
    """The record with its open question, and how to answer it; nothing runs."""
    done = paused("show", "two")
    assert done.code == 0
    assert "two: paused · kept 1, ran 0" in done.out
    assert "collect" in done.out
    assert "Name? (input, line 2)" in done.out
    assert "to answer: python -m lua_procedures answer two TEXT --resume" in done.out
    shown = paused("show", "two", "--json").json
    assert (shown["status"], shown["pending"]["message"], shown["replayed"]) == ("paused", "Name?", 1)
    assert paused("list", "--json").json[0]["status"] == "paused"


def test_an_answer_says_how_to_go_on(paused):
    """The command to type next is complete, also where the store is another one."""
    assert paused("answer", "two", "42").err == "answered: Name?\nto go on: python -m lua_procedures resume two\n"
    program = paused.write("ask.lua", ASK)
    paused("run", program, "--name", "a b", "--store", "my runs.db")
    done = paused("answer", "a b", "no", "--store", "my runs.db")
    assert done.err.endswith("to go on: python -m lua_procedures resume 'a b' --store 'my runs.db'\n")


def test_of_many_runs_the_nearest_is_named(paused):
    """A name that is mistyped is answered in a line, whatever the number of runs."""
    store = open_store(str(paused.path / "lua-procedures.db"))
    for number in range(100):
        store.create(some_row(f"run {number}"))
    store.close()
    assert paused("show", "twoo").err.endswith("\nDid you mean two?\n")
    assert paused("show", "quite another").err.endswith("\nThere are 101 runs; none has a name like that.\n")


def test_answer_then_resume(paused):
    """``answer`` records, ``resume`` goes on; a second answer is refused."""
    done = paused("answer", "two", "42", "--json")
    assert (done.code, done.json["value"], done.json["channel"]) == (0, "42", "command line")
    again = paused("answer", "two", "43")
    assert (again.code, again.out) == (1, "")
    went_on = paused("resume", "two", "--json")
    assert (went_on.code, went_on.json["value"], went_on.json["executed"]) == (0, [1, "42"], 1)
    assert paused("resume", "two", "--json").json["executed"] == 0


def test_an_answer_for_another_question(paused):
    """``--request`` is refused where another question is open, and says which is."""
    request = paused("show", "two", "--json").json["pending"]["id"]
    wrong = paused("answer", "two", "x", "--request", "0000")
    assert wrong.code == 1
    assert f"It asks: {request} (Name?)" in wrong.err
    assert paused("answer", "two", "x", "--request", request, "--resume", "--json").json["value"] == [1, "x"]


@pytest.mark.parametrize(("typed", "ok"), [("yes", True), ("no", False), ("true", True)])
def test_an_approval_is_yes_or_no(cli, typed, ok):
    """An approval is answered in words."""
    cli("run", cli.write("ask.lua", ASK))
    assert cli("answer", "ask", typed, "--resume", "--json").json["value"] == {"ok": ok}


def test_an_answer_that_does_not_fit(cli):
    """It is exit code 1, and the question stays."""
    cli("run", cli.write("ask.lua", ASK))
    done = cli("answer", "ask", "perhaps", "--resume", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "AnswerRefused")
    assert cli("show", "ask", "--json").json["pending"]["message"] == "Ship?"


def test_an_answer_that_begins_with_a_dash(cli):
    """A negative number is an answer, and after ``--`` anything is."""
    cli("run", cli.write("n.lua", 'return Human.input{message = "N?", response_schema = {type = "number"}}'))
    assert cli("answer", "n", "-3", "--resume", "--json").json["value"] == -3
    cli("run", cli.write("t.lua", 'return Human.input{message = "T?"}'))
    assert cli("answer", "--resume", "--json", "t", "--", "--none").json["value"] == "--none"


def test_history_and_fork(paused):
    """The history tells what was superseded; a fork keeps what lies before a position."""
    paused("answer", "two", "Ann", "--resume")
    paused("run", paused.write("two.lua", TWO.replace("return 1", "return 2")), "--quiet")
    history = paused("history", "two")
    assert history.code == 0
    assert "two: 1 journal" in history.out
    [journal] = paused("history", "two", "--json").json["journals"]
    assert journal["superseded"]
    forked = paused("fork", "two", "1", "other")
    assert forked.code == 0
    assert "other" in forked.out
    assert paused("resume", "other", "--json").json["replayed"] == 1
    by_name = paused("fork", "two", "collect", "third", "--json")
    assert by_name.code == 0
    assert "no checkpoint 'nowhere'" in paused("fork", "two", "nowhere", "fourth").err


def test_diff_and_clear(paused):
    """Two runs are compared; what comes after a checkpoint is forgotten, or all of a run."""
    paused("answer", "two", "Ann", "--resume")
    paused("fork", "two", "1", "other")
    assert paused("resume", "other").code == 3
    paused("answer", "other", "Bob", "--resume")
    done = paused("diff", "two", "other")
    assert done.code == 0
    assert "Bob" in done.out
    assert paused("diff", "two", "other", "--json").json["same"] == 1
    cut = paused("clear", "two", "--after", "collect", "--json").json
    assert (cut["kept"], cut["forgotten"]) == (1, 1)
    assert paused("resume", "two", "--json").json["replayed"] == 1
    assert paused("clear", "two").code == 0
    assert [row["name"] for row in paused("list", "--json").json] == ["other"]


def test_export_and_import(paused):
    """A run goes to a file and into another store, and on from there."""
    done = paused("export", "two", "two.run")
    assert (done.code, done.out) == (0, "wrote two.run: 1 checkpoint\n")
    assert paused("import", "two.run", "--store", "other.db").out == "imported two: paused, 1 checkpoint\n"
    again = paused("import", "two.run", "--as", "three", "--json")
    assert again.json["name"] == "three"
    assert paused("answer", "three", "x", "--resume", "--json").json["value"] == [1, "x"]
    assert paused("show", "two", "--json").json["status"] == "paused"
    assert paused("export", "two", "two.md", "--json").json["path"] == "two.md"
    assert "Name?" in (paused.path / "two.md").read_text()


def test_a_file_that_is_no_export(paused):
    """A damaged file is refused with exit code 1, and the store is as it was."""
    paused.write("bad.run", "no export")
    done = paused("import", "bad.run", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "ImportRefused")
    assert [row["name"] for row in paused("list", "--json").json] == ["two"]


def test_a_fault_of_ours_is_short(cli):
    """Even a fault of ours is a sentence; the traceback is there for those who ask."""
    cli.write(
        "sitecustomize.py",
        "import lua_procedures.command_line.stored as stored\n"
        "def broken(options):\n    raise ZeroDivisionError('gone wrong')\n"
        "stored.list_runs = broken\n",
    )
    path = f"{cli.path}{os.pathsep}{cli.environment['PYTHONPATH']}"
    done = cli("list", PYTHONPATH=path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("ZeroDivisionError: gone wrong\n")
    assert cli("list", "--json", PYTHONPATH=path).json["error"]["message"] == "ZeroDivisionError: gone wrong"
    assert "Traceback" not in done.err
    assert "Traceback" in cli("list", "--traceback", PYTHONPATH=path).err
