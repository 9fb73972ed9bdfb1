"""Notebooks with nobody there: nbclient, papermill, nbval, and IPython without a terminal."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from ..bounds import PATIENCE
from .kernels import RELEASE, environment
from .outputs import WIDGET

pytestmark = [pytest.mark.kernel, pytest.mark.notebook]

ANSWERS = '["Approve", True]'
ASK = 'return Human.approve{message = "Sure?"}'


def notebook(*sources, parameters=None):
    """A notebook of these cells below one that loads the extension; one more, tagged, where parameters are given."""
    cells = [nbformat.v4.new_code_cell("%load_ext lua_procedures")]
    if parameters is not None:
        cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def release(**parts):
    """The quickstart as a notebook: run, run again, look at it."""
    cell = f'%%procedure release -p version="2.1.0" --answers answers -o r\n{RELEASE}'
    again = f'%%procedure release -p version="2.1.0"\n{RELEASE}'
    return notebook(cell, "r.value", again, "r", "%procedures show release", **parts)


def execute(made, tmp_path, *, allow_errors=False, **variables):
    """Run a notebook by nbclient; its outputs are in the cells."""
    client = NotebookClient(
        made,
        timeout=int(PATIENCE),
        kernel_name="python3",
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute(env=environment(tmp_path, **variables))
    return made


def outputs(made):
    """All outputs, cell by cell."""
    return [[dict(output) for output in cell.outputs] for cell in made.cells]


def run(tmp_path, *command, typed="", **variables):
    """Run a command of this Python with a text, and nobody, at its standard input."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env=environment(tmp_path, **variables),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_nbclient_gives_the_same_outputs_each_time(tmp_path):
    """Three runs in three kernels: the same outputs, HTML included, without a widget."""
    first, second, third = (outputs(execute(release(parameters=f"answers = {ANSWERS}"), tmp_path)) for _ in range(3))
    assert first == second == third
    assert WIDGET not in json.dumps(first)
    assert [[output["output_type"] for output in cell] for cell in first] == [
        [],
        [],
        ["display_data"],
        ["execute_result"],
        ["display_data"],
        ["execute_result"],
        ["execute_result"],
    ]
    assert first[2][0]["data"]["text/plain"].startswith("release: completed · kept 0, ran 3\n")
    assert first[4][0]["data"]["text/plain"].startswith("release: completed · kept 3, ran 0\n")


def test_papermill_carries_the_answers(tmp_path):
    """A parameter holds the scripted answers; another value takes another way."""
    nbformat.write(release(parameters="answers = None"), tmp_path / "in.ipynb")
    for answers, shipped in (('["Approve", true]', True), ('["Reject"]', False)):
        options = ["in.ipynb", "out.ipynb", "--no-progress-bar", "-y", f"answers: {answers}"]
        done = run(tmp_path, "papermill", *options)
        assert done.returncode == 0, done.stderr
        text = json.dumps(outputs(nbformat.read(tmp_path / "out.ipynb", as_version=4)))
        assert f"'shipped': {shipped}" in text


@pytest.mark.slow
def test_nbval_passes_three_times(tmp_path):
    """A saved notebook with scripted answers compares equal each time, and fails when an answer is another."""
    made = execute(release(parameters=f"answers = {ANSWERS}"), tmp_path)
    nbformat.write(made, tmp_path / "saved.ipynb")
    command = ["pytest", "--nbval", "-p", "no:cacheprovider", "-q", "saved.ipynb"]
    for _ in range(3):
        done = run(tmp_path, *command)
        assert done.returncode == 0, done.stdout
    made.cells[1].source = 'answers = ["Reject"]'
    nbformat.write(made, tmp_path / "saved.ipynb")
    assert run(tmp_path, *command).returncode == 1


def test_without_answers_it_fails_at_once_and_says_what_to_do(tmp_path):
    """`HumanInputRequired` names the question and the ways to answer; the paused run is answered by a line."""
    made = notebook(
        f"%%procedure ask -o r\n{ASK}", "r.status, r.pending.message", "%procedures answer ask yes", "_.value"
    )
    _, failed, status, answered, value = outputs(execute(made, tmp_path, allow_errors=True))
    error = next(output for output in failed if output["output_type"] == "error")
    assert error["ename"] == "HumanInputRequired"
    text = "\n".join(error["traceback"])
    for said in ("Sure?", "--answers", "LUA_PROCEDURES_ANSWERS", "%procedures answer ask"):
        assert said in text
    assert "lua_procedures/" not in text
    assert status[0]["data"]["text/plain"] == "('paused', 'Sure?')"
    assert answered[0]["data"]["text/plain"].startswith("ask: completed")
    assert value[0]["data"]["text/plain"] == "True"


def test_the_line_to_type_works_as_it_is_printed(tmp_path):
    """The error and the record of a run in a store of its own name that store; without it the error says where."""
    made = notebook(
        f"%%procedure z9 --store r.db\n{ASK}", "%procedures answer z9 yes", "%procedures answer z9 yes --store r.db"
    )
    _, failed, astray, answered = outputs(execute(made, tmp_path, allow_errors=True))
    texts = "\n".join(["\n".join(each.get("traceback", [])) + str(each.get("data", "")) for each in failed])
    assert "%procedures answer z9 VALUE --store r.db" in texts
    assert "%procedures answer z9 yes --store r.db" in texts
    assert "z9 is in r.db: add --store r.db" in "\n".join(astray[-1]["traceback"])
    assert answered[0]["data"]["text/plain"].startswith("z9: completed")


def test_arun_pauses_where_a_cell_would_fail(tmp_path):
    """`await arun(…)` in a notebook that nobody can answer gives the paused run."""
    made = notebook(f"from lua_procedures import arun\nr = await arun('{ASK}', name='ask')", "r.status")
    assert outputs(execute(made, tmp_path))[2][0]["data"]["text/plain"] == "'paused'"


def test_without_answers_the_first_cells_work_is_kept(tmp_path):
    """What ran before the question is not run again when answers are there."""
    program = f'local n = Step.run("draw", function() return math.random(1, 2^53) end)\n{ASK}'
    code = "%%procedure kept --store runs.db"
    execute(notebook(f"{code}\n{program}"), tmp_path, allow_errors=True)
    made = execute(notebook("answers = [True]", f"{code} --answers answers\n{program}"), tmp_path)
    assert outputs(made)[2][0]["data"]["text/plain"].startswith("kept: completed · kept 1, ran 1")


def test_answers_from_a_file(tmp_path):
    """`LUA_PROCEDURES_ANSWERS` names a JSON file with a list or a dict by message; the line's own answers win."""
    for answers in (["Approve", True], {"Release notes": "Approve", "Ship 2.1.0?": True}):
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        cell = f'%%procedure release -p version="2.1.0"\n{RELEASE}'
        made = execute(notebook(cell, "_.value['shipped']"), tmp_path, LUA_PROCEDURES_ANSWERS=tmp_path / "answers.json")
        assert outputs(made)[2][0]["data"]["text/plain"] == "True"
    (tmp_path / "answers.json").write_text("[false]")
    made = notebook("answers = [True]", f"%%procedure own --answers answers\n{ASK}", "_.value")
    made = execute(made, tmp_path, LUA_PROCEDURES_ANSWERS=tmp_path / "answers.json")
    assert outputs(made)[3][0]["data"]["text/plain"] == "True"


def test_an_answers_file_that_cannot_be_read_is_a_short_error(tmp_path):
    """The error names the variable and the file."""
    made = notebook(f"%%procedure ask\n{ASK}")
    execute(made, tmp_path, allow_errors=True, LUA_PROCEDURES_ANSWERS=tmp_path / "missing.json")
    (error,) = outputs(made)[1]
    assert error["ename"] == "UsageError"
    assert "LUA_PROCEDURES_ANSWERS" in error["evalue"]
    assert "missing.json" in error["evalue"]


def test_unused_answers_are_a_warning(tmp_path):
    """Answers nobody asked for are in the record and in the run's notices; those used are not."""
    made = notebook(
        "answers = [True, 'extra', 3]",
        f"%%procedure unused --answers answers -o r\n{ASK}",
        "[notice.message for notice in r.notices if notice.kind == 'warning']",
        "by_message = {'Sure?': True, 'Really?': False}",
        f"%%procedure unused-dict --answers by_message -o r\n{ASK}",
        "[notice.message for notice in r.notices if notice.kind == 'warning']",
    )
    _, _, record, messages, _, _, named = outputs(execute(made, tmp_path))
    assert "extra" in record[0]["data"]["text/plain"]
    assert "2 scripted answers" in messages[0]["data"]["text/plain"]
    assert "Really?" in named[0]["data"]["text/plain"]
    assert "Sure?" not in named[0]["data"]["text/plain"]


def test_a_scripted_answer_that_does_not_fit(tmp_path):
    """The cell fails with `AnswerRefused`; the question stays and a good answer goes on."""
    made = notebook(
        "answers = ['perhaps']", f"%%procedure unfit --answers answers\n{ASK}", "%procedures answer unfit no", "_.value"
    )
    _, _, failed, _, value = outputs(execute(made, tmp_path, allow_errors=True))
    assert failed[-1]["ename"] == "AnswerRefused"
    assert value[0]["data"]["text/plain"] == "False"


def test_answers_default(tmp_path):
    """`--answers default` takes every default at once and marks them; such answers count only with that option."""
    program = 'return Human.approve{message = "Sure?", default = true, timeout = 600}'
    made = notebook(
        f"%%procedure defaults --answers default -o r\n{program}",
        "[(a.value, a.timed_out) for a in r.answers]",
        f"%%procedure defaults --answers default\n{program}",
        f"%%procedure defaults\n{program}",
    )
    _, _, taken, again, without = outputs(execute(made, tmp_path, allow_errors=True))
    assert taken[0]["data"]["text/plain"] == "[(True, True)]"
    assert "kept 1, ran 0" in again[0]["data"]["text/plain"]
    assert without[-1]["ename"] == "HumanInputRequired"


def test_scripted_answers_for_other_questions(tmp_path):
    """Where answers were given and none is for the question, the error says which questions they are for."""
    made = notebook("answers = {'Sure!': True}", f"%%procedure other --answers answers\n{ASK}")
    error = outputs(execute(made, tmp_path, allow_errors=True))[2][-1]
    assert error["ename"] == "HumanInputRequired"
    assert "The answers that were given are for “Sure!”." in "\n".join(error["traceback"])


def test_nbconvert_executes(tmp_path):
    """`nbconvert --execute` is headless: a question fails at once, and a file's answers are taken."""
    nbformat.write(notebook(f"%%procedure ask\n{ASK}"), tmp_path / "in.ipynb")
    command = ["nbconvert", "--execute", "--to", "notebook", "--output", "out.ipynb", "in.ipynb"]
    failed = run(tmp_path, *command)
    assert failed.returncode
    assert "HumanInputRequired" in failed.stderr
    (tmp_path / "answers.json").write_text("[true]")
    done = run(tmp_path, *command, LUA_PROCEDURES_ANSWERS=tmp_path / "answers.json")
    assert done.returncode == 0, done.stderr
    assert "ask: completed" in (tmp_path / "out.ipynb").read_text()


@pytest.mark.parametrize("wrapped", ["%%time\n", ""])
def test_ipython_without_a_terminal(tmp_path, wrapped):
    """`ipython -c` cannot ask: it fails at once and says what to do."""
    done = run(tmp_path, "IPython", "--ext", "lua_procedures", "-c", f"{wrapped}%%procedure ask\n{ASK}")
    text = done.stdout + done.stderr
    assert "HumanInputRequired" in text
    assert "LUA_PROCEDURES_ANSWERS" in text
    assert "lua_procedures/" not in text


def test_ipython_with_piped_input(tmp_path):
    """Cells from a pipe: a question fails at once, and what follows in the pipe is no answer."""
    typed = f"%load_ext lua_procedures\nrun = get_ipython().run_cell_magic\nrun('procedure', 'ask', {ASK!r})\nyes\n"
    done = run(tmp_path, "IPython", "--simple-prompt", typed=typed)
    assert "HumanInputRequired" in done.stdout + done.stderr
    assert "ask: completed" not in done.stdout


def test_ipython_script_with_answers(tmp_path):
    """An `.ipy` script runs a cell with scripted answers."""
    (tmp_path / "answers.json").write_text('["Approve", true]')
    (tmp_path / "script.ipy").write_text(
        "%load_ext lua_procedures\n"
        f"program = {RELEASE!r}\n"
        "r = get_ipython().run_cell_magic('procedure', 'release -p version=\"2.1.0\"', program)\n"
        "print(r.value)\n"
    )
    done = run(tmp_path, "IPython", "script.ipy", LUA_PROCEDURES_ANSWERS=tmp_path / "answers.json")
    assert "'shipped': True" in done.stdout, done.stdout + done.stderr
