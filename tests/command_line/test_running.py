"""``run`` and ``resume`` without a terminal: values, exit codes, errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import tomllib
from importlib import import_module

import pytest

from lua_procedures.command_line.main import main

from ..bounds import PATIENCE
from .commands import ASK, ROOT

STEPS = """
Stages{"one", "two"}
Stage.set("one")
local n = Step.run("collect", function() return 2 end)
for i = 1, 100 do checkpoint(function() return i end) end
Stage.advance()
Log.warn("careful", {n = n})
print("hello")
return {n = n, s = input.s}
"""


def test_a_value_goes_to_stdout_and_what_happens_to_stderr(cli):
    """The value is JSON on stdout; stages, checkpoints and notices are lines on stderr."""
    done = cli("run", cli.write("steps.lua", STEPS), "-p", "s=text")
    assert done.code == 0
    assert json.loads(done.out) == {"n": 2, "s": "text"}
    lines = done.err.splitlines()
    assert lines[0] == "stage: one"
    assert lines[1].startswith("step collect (line 4, ")
    assert "stage: two" in lines
    assert any(line.startswith("[warning] careful") for line in lines)
    assert "hello" in lines
    assert lines[-1] == "steps: completed · kept 0, ran 101"
    assert len(lines) < 20  # a hundred checkpoints of one name are few lines


def test_running_it_again_keeps_everything(cli):
    """The run is named after its file and kept in the folder's own store, so the second time nothing runs."""
    program = cli.write("steps.lua", STEPS)
    cli("run", program)
    assert (cli.path / "lua-procedures.db").is_file()
    done = cli("run", program, "--json")
    assert (done.json["name"], done.json["replayed"], done.json["executed"]) == ("steps", 101, 0)
    assert "kept 101" in done.err
    assert "collect" not in done.err
    assert cli("run", program, "--fresh", "--json").json["executed"] == 101
    assert cli("run", program, "--redo", "collect", "--json").json["executed"] == 1
    assert cli("run", program, "--store", "other.db", "--json").json["executed"] == 101
    assert cli("run", program, "--name", "another", "--json").json["executed"] == 101


def test_the_whole_run_as_json(cli):
    """``--json`` writes one object with the names of ``Run``."""
    done = cli("run", cli.write("a.lua", 'State.set("k", {1, null})\nreturn 1, "two"'), "--json", "--seed", "5")
    assert done.code == 0
    assert {name: done.json[name] for name in ("name", "status", "value", "error", "pending", "stage", "state")} == {
        "name": "a", "status": "completed", "value": [1, "two"], "error": None, "pending": None, "stage": None,
        "state": {"k": [1, None]},
    }  # fmt: skip
    assert done.json["run_id"]
    assert done.json["store"].endswith("lua-procedures.db")


@pytest.mark.parametrize(
    ("program", "out"),
    [
        ('return "é\\n"', "é\n\n"),
        ("return nil", ""),
        ("return 2.5", "2.5\n"),
        ("return {}", "[]\n"),
        ('return "\\255"', '{\n  "\\u0000": "bytes",\n  "v": "ÿ"\n}\n'),
    ],
)
def test_values_on_stdout(cli, program, out):
    """A text is written as it is, nothing for nil, anything else as JSON."""
    assert cli("run", cli.write("v.lua", program)).out == out


def test_a_terminal_that_knows_no_unicode(cli):
    """What cannot be written in the terminal's encoding is escaped, and nothing fails."""
    done = cli("run", cli.write("u.lua", 'print("→")\nreturn "é"'), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.code, done.out) == (0, "\\xe9\n")
    assert "\\u2192" in done.err


def test_inputs(cli):
    """``-p`` is JSON, else a text, and counts before ``--params``; a field that is declared a text stays one."""
    cli.write("in.json", '{"a": [1], "b": 1}')
    program = "input{version = field.string{}}\nreturn {input.a, input.b, input.c, input.version}"
    words = ["-p", "b=2", "-p", "c=x=y", "-p", "version=1.10"]
    done = cli("run", cli.write("in.lua", program), "--params", "in.json", *words, "--json")
    assert done.json["value"] == [[1], 2, "x=y", "1.10"]


def test_a_program_from_stdin(cli):
    """``-`` reads the program from stdin."""
    done = cli("run", "-", "--name", "piped", "-p", "n=3", "--json", stdin="return input.n + 1")
    assert (done.json["name"], done.json["value"]) == ("piped", 4)


def test_modules_and_files(cli):
    """``require`` looks beside the program, ``File`` in the current folder or in ``--files``."""
    (cli.path / "src").mkdir()
    (cli.path / "data").mkdir()
    cli.write("src/helper.lua", "return {n = 7}")
    cli.write("data/x.txt", "inside")
    program = cli.write("src/main.lua", 'return {require("helper").n, File.read(input.path)}')
    assert cli("run", program, "-p", "path=data/x.txt", "--json").json["value"] == [7, "inside"]
    assert cli("run", program, "-p", "path=x.txt", "--files", "data", "--json").json["value"] == [7, "inside"]


def test_an_error_is_the_files_own_line(cli):
    """A program that fails is exit code 1, with the line marked, and no traceback unless asked for."""
    program = cli.write("fails.lua", "local t = nil\n\nreturn t.x\n")
    done = cli("run", program)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("fails.lua, line 3: attempt to index a nil value (local 't')\n")
    assert "-> 3 | return t.x" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in cli("run", program, "--traceback").err
    failed = cli("run", program, "--json")
    assert (failed.code, failed.json["status"], failed.json["error"]["line"]) == (1, "failed", 3)
    assert failed.json["error"]["type"] == "LuaRuntimeError"


def test_a_program_that_does_not_compile(cli):
    """A syntax error is exit code 1 and marks the line."""
    done = cli("run", cli.write("bad.lua", "local x = 1\nreturn x +"))
    assert done.code == 1
    assert "-> 2 | return x +" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "required: COMMAND"),
        (["rum"], "unknown command 'rum'; did you mean run?"),
        (["run"], "required: FILE"),
        (["run", "missing.lua"], "missing.lua: No such file or directory"),
        (["run", "ask.lua", "--frsh"], "unknown option --frsh; did you mean --fresh?"),
        (["run", "ask.lua", "--fre"], "unknown option --fre"),
        (["run", "ask.lua", "more"], "unexpected 'more'"),
        (["run", "ask.lua", "-p", "novalue"], "-p novalue: KEY=VALUE expected"),
        (["run", "ask.lua", "--seed", "x"], "--seed"),
        (["run", "ask.lua", "--params", "list.json"], "--params list.json: a JSON object expected"),
        (["run", "ask.lua", "--params", "ask.lua"], "--params ask.lua: no JSON"),
        (["run", "ask.lua", "--answers", "nowhere.json"], "--answers nowhere.json: No such file or directory"),
        (["run", "ask.lua", "--answers", "number.json"], "a JSON list or object expected, or the word default"),
        (["run", "ask.lua", "--files", "nowhere"], "--files nowhere: there is no such folder"),
        (["run", "ask.lua", "--name", ""], "a run's name is printable text"),
        (["run", "ask.lua", "--max-seconds", "-1"], "max_seconds"),
        (["answer", "ask"], "required: VALUE"),
        (["list", "--quiet"], "unknown option --quiet"),
    ],
)
def test_wrong_usage(cli, words, said):
    """What is wrong with the command itself is exit code 2, said in a sentence or as JSON, and changes nothing."""
    cli.write("ask.lua", ASK)
    cli.write("list.json", "[]")
    cli.write("number.json", "5")
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (cli.path / "lua-procedures.db").exists()
    as_json = cli(*(words or ["rum"]), "--json")
    assert (as_json.code, as_json.json["error"]["type"]) == (2, "UsageError")
    assert as_json.json["error"]["message"] in as_json.err


def test_other_inputs_are_another_journal(cli):
    """A run whose inputs are forgotten asks anew, and is another journal of the name."""
    program = cli.write("ask.lua", ASK)
    cli.write("yes.json", "[true]")
    assert cli("run", program, "-p", "n=1", "--answers", "yes.json").code == 0
    assert cli("run", program, "-p", "n=1").code == 0
    assert cli("run", program).code == 3


@pytest.mark.parametrize("store", ["nowhere/x.db", "mysql://u:secret@host/x", "ask.lua"])
def test_a_store_that_cannot_be_used(cli, store):
    """A store that cannot be opened is exit code 1 and says why; no password is shown."""
    done = cli("run", cli.write("ask.lua", ASK), "--store", store, "--json")
    assert done.code == 1
    assert done.json["error"]["type"] == "StoreError"
    assert "secret" not in done.out + done.err


def test_without_a_terminal_a_question_pauses_the_run(cli):
    """Nobody can be asked, so the run waits: exit code 3, and the line to type next, which works."""
    done = cli("run", cli.write("ask.lua", ASK))
    assert (done.code, done.out) == (3, "")
    assert "Ship? (approve, line 1)" in done.err
    [line] = [line for line in done.err.splitlines() if line.startswith("to answer: ")]
    words = line.split(" answer ", 1)[1].split()
    went_on = cli("answer", *words)
    assert (went_on.code, json.loads(went_on.out)) == (0, {"ok": True})


def test_the_line_to_type_names_the_store(cli):
    """Where the run is in another store the line says so."""
    done = cli("run", cli.write("ask.lua", ASK), "--store", "other.db", "--json")
    assert (done.code, done.json["status"], done.json["pending"]["message"]) == (3, "paused", "Ship?")
    assert "answer ask yes --resume --store other.db" in done.err


def test_scripted_answers(cli):
    """``--answers`` takes a list, an object by message, or the word ``default``."""
    program = cli.write("ask.lua", ASK)
    cli.write("list.json", "[true]")
    cli.write("by.json", '{"Ship?": true}')
    for number, (answers, ok) in enumerate([("list.json", True), ("by.json", True), ("default", False)]):
        done = cli("run", program, "--answers", answers, "--name", f"n{number}", "--json")
        assert (done.code, done.json["value"]) == (0, {"ok": ok})
    assert cli("run", program, "--name", "n2").code == 3  # a default counts where it is asked for
    assert cli("resume", "n2", "--answers", "list.json").code == 0


def test_an_answer_that_does_not_fit_leaves_the_question(cli):
    """A scripted answer that is none is exit code 1 and said with its file; the question can still be answered."""
    cli.write("wrong.json", '["perhaps"]')
    program = cli.write("ask.lua", ASK)
    done = cli("run", program, "--answers", "wrong.json", "--json")
    assert (done.code, done.json["status"], done.json["error"]["type"]) == (1, "paused", "AnswerRefused")
    assert "--answers wrong.json: " in done.json["error"]["message"]
    assert "Approve or reject" in done.err
    assert "to answer: " in done.err
    from_environment = cli("resume", "ask", LUA_PROCEDURES_ANSWERS="wrong.json")
    assert from_environment.code == 1
    assert "LUA_PROCEDURES_ANSWERS=wrong.json: " in from_environment.err
    assert cli("answer", "ask", "yes", "--resume").code == 0


def test_a_plan_changes_nothing(cli):
    """``--plan`` says what would run, and why, and runs nothing."""
    program = cli.write("steps.lua", STEPS)
    cli("run", program)
    cli.write("steps.lua", STEPS.replace("return 2", "return 3"))
    done = cli("run", program, "--plan")
    assert done.code == 0
    assert "line 4" in done.out
    assert "collect" in done.out
    planned = cli("run", program, "--plan", "--json").json
    assert planned["planned"][0]["name"] == "collect"
    assert "collect" in planned["change"]
    assert cli("show", "steps", "--json").json["value"]["n"] == 2


def test_a_plan_makes_no_file(cli):
    """Where there is no store yet, a plan is that of a run that begins; what it cannot know is said once."""
    program = cli.write("steps.lua", STEPS)
    for words in ([], ["--store", "sqlite:///nowhere/other.db"]):
        done = cli("run", program, "--plan", *words)
        assert done.code == 0
        assert done.out.startswith("steps: ")
        assert "collect" in done.out
        assert (done.out + done.err).count("what follows is known") == 1
    assert cli("run", program, "--plan", "--json").json["planned"][0]["name"] == "collect"
    assert [path.name for path in cli.path.iterdir()] == ["steps.lua"]
    assert cli("run", program, "--plan", "--store", "runs").code == 1


def test_strict_refuses_a_change(cli):
    """``--strict`` is exit code 1 where a checkpoint changed, and changes nothing."""
    program = cli.write("steps.lua", STEPS)
    cli("run", program)
    cli.write("steps.lua", STEPS.replace("return 2", "return 3"))
    done = cli("run", program, "--strict", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "DivergenceError")
    assert cli("resume", "steps", "--json").json["replayed"] == 101


def test_memory_forgets(cli):
    """``--store memory:`` writes nothing."""
    assert cli("run", cli.write("a.lua", "return checkpoint(function() return 1 end)"), "--store", "memory:").code == 0
    assert [path.name for path in cli.path.iterdir()] == ["a.lua"]


def test_a_fixture_is_recorded_and_replayed(cli):
    """``--record`` writes the answers of a run, and ``--replay`` takes them from there."""
    program = cli.write("ask.lua", ASK)
    cli.write("yes.json", "[true]")
    assert cli("run", program, "--answers", "yes.json", "--record", "fixture.json").code == 0
    done = cli("run", program, "--replay", "fixture.json", "--store", "other.db", "--json")
    assert (done.code, done.json["value"]) == (0, {"ok": True})


def test_what_is_resumed_is_recorded_and_replayed(cli):
    """``resume`` and ``answer --resume`` write fixtures and go on from them, too."""
    program = cli.write("ask.lua", ASK)
    assert cli("run", program, "--quiet").code == 3
    assert cli("answer", "ask", "yes", "--resume", "--record", "fixture.json").code == 0
    assert cli("run", program, "--quiet", "--store", "other.db").code == 3
    done = cli("resume", "ask", "--replay", "fixture.json", "--store", "other.db", "--json")
    assert (done.code, done.json["value"]) == (0, {"ok": True})
    wrong = cli("resume", "ask", "--replay", "nowhere.json", "--json")
    assert (wrong.code, wrong.json["error"]["type"]) == (2, "UsageError")


@pytest.mark.parametrize("program", ["while true do pcall(function() while true do end end) end", "Sleep(1e6)"])
def test_a_run_that_is_stopped_goes_on_later(cli, program):
    """Ctrl-C ends a run with exit code 130; nothing that was done is done again."""
    text = f'Step.run("first", function() return 1 end)\nprint("ready")\n{program}'
    path = cli.write("long.lua", text)
    with cli.start("run", path, "--json") as child:
        while "ready" not in (line := child.stderr.readline()):
            assert line
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert json.loads(out)["status"] == "cancelled"
    assert "run it again to go on" in err
    assert "Traceback" not in err
    cli.write("long.lua", 'Step.run("first", function() return 1 end)\nprint("ready")')
    assert cli("run", path, "--json").json["replayed"] == 1


def test_a_limit(cli):
    """``--max-seconds`` ends a program that runs away."""
    done = cli("run", cli.write("loop.lua", "while true do end"), "--max-seconds", "0.2", "--json")
    assert (done.code, done.json["error"]["type"]) == (1, "LimitExceeded")


def test_quiet(cli):
    """``--quiet`` leaves the value, and nothing else."""
    done = cli("run", cli.write("steps.lua", STEPS), "--quiet")
    assert done.err == ""
    assert json.loads(done.out)["n"] == 2


def test_a_reader_that_leaves(cli):
    """A pipe that is closed early is no error."""
    cli.write("big.lua", 'return ("x"):rep(1000000)')
    with cli.start("run", "big.lua", "--quiet") as child:
        child.stdout.read(1)
        child.stdout.close()
        assert child.stderr.read() == ""
        assert child.wait(PATIENCE) == 0


def test_the_installed_command():
    """``lua-procedures`` is what ``python -m lua_procedures`` runs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["lua-procedures"].partition(":")
    assert getattr(import_module(module), name) is main


def test_help_says_what_a_script_must_know(cli):
    """The help names the default store and the exit codes."""
    for words in (["--help"], ["run", "--help"], ["answer", "--help"]):
        done = cli(*words)
        assert done.code == 0
        assert "./lua-procedures.db" in done.out
        assert "3 waiting for a person" in done.out


def test_help_is_light(cli):
    """Help and wrong usage load none of the heavy parts."""
    script = "import sys; from lua_procedures.command_line.main import main; print(main(['rum'])); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=cli.environment, capture_output=True, text=True, check=True
    )
    code, loaded = done.stdout.splitlines()
    assert code == "2"
    assert not {"pydantic", "lupa", "sqlite3", "asyncio"} & set(loaded.split())
