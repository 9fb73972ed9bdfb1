"""The option line, its defaults, its help, and how a cell that cannot run says so."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel


def refused(kernel, line, program="return 1"):
    """Run a cell that must be refused; its error."""
    cell = kernel.run(f"%%procedure {line}\n{program}")
    assert cell.reply["status"] == "error", cell.outputs
    assert cell.reply["ename"] == "UsageError", cell.error
    assert len(cell.error.splitlines()) <= 4
    return cell.error


def test_an_unknown_option_names_a_close_one(kernel):
    """A misspelt option is an error that says what was meant."""
    assert "--frsh; did you mean --fresh?" in refused(kernel, "x --frsh")
    assert "did you mean --no-wait?" in refused(kernel, "x --nowait")
    assert "%%procedure?" in refused(kernel, "x --zzz")
    assert "did you mean -o?" in refused(kernel, "x --output r")
    assert "did you mean" not in refused(kernel, "x --help")


@pytest.mark.parametrize(
    "option", ["--fre", "--str", "--no", "--ans default", "--max-sec 3", "--sto memory:", "--in r"]
)
def test_abbreviations_are_refused(kernel, option):
    """An option has to be written in full."""
    assert "unknown option" in refused(kernel, f"x {option}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("one two", "unexpected 'two'"),
        ("x -p", "-p"),
        ("x -p version", "KEY=VALUE"),
        ("x -p =1", "KEY=VALUE"),
        ("x --seed many", "--seed"),
        ("x --max-seconds long", "--max-seconds"),
        ("x --max-seconds 0", "max_seconds"),
        ("x --store", "--store"),
        ('x -p a="open', "quot"),
        ("x --params nowhere", "there is no variable nowhere"),
        ("x -i nowhere", "there is no variable nowhere"),
        ("x --answers nowhere", "there is no variable nowhere"),
        ("x --params number", "a dict expected, got int"),
        ("x --answers number", "got int"),
        ("x --answers answer", "did you mean answers?"),
        ("x -o not-a-name", "not-a-name"),
        ("x -o 1r", "1r"),
        ("x -o class", "class"),
        (f"{'x' * 129}", "128 characters"),
        ("''", "1 to 128 characters"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_a_short_error(kernel, line, said):
    """Every fault of the option line names the thing, and nothing has run."""
    kernel.run("number, answers = 3, [True]")
    assert said in refused(kernel, line)


def test_a_wrong_store_is_a_short_error(kernel, tmp_path):
    """A store that cannot be read, of an unknown kind, or in a folder that is not there."""
    (tmp_path / "text.db").write_text("no database " * 100)
    for url, said in (
        (f"sqlite:///{tmp_path / 'text.db'}", "text.db"),
        (f"sqlite:///{tmp_path / 'nowhere' / 'runs.db'}", "nowhere"),
        ("mysql://host/runs", "mysql"),
    ):
        cell = kernel.run(f"%%procedure stored --store {url}\nreturn Step.run('a', function() return 1 end)")
        assert cell.reply["ename"] in {"StoreError", "UsageError"}, cell.error
        assert said in cell.error
        assert "lua_procedures/" not in cell.error


def test_the_line_splits_by_shell_rules(kernel):
    """Quotes hold words together; values are JSON where they are JSON, else text."""
    kernel.run(
        "%%procedure 'two words' -o r "
        "-p note=\"a b\" -p list='[1, 2.5, null]' -p n=3 -p text='\"3\"' -p empty= -p eq=a=b\n"
        "return {input.note, input.list, input.n, input.text, input.empty, input.eq}"
    )
    assert kernel.value("(r.name, r.value)") == ("two words", ["a b", [1, 2.5, None], 3, "3", "", "a=b"])


def test_nothing_is_expanded(kernel):
    """`$` and `{}` mean nothing in the line and in the cell."""
    kernel.run("name = 'expanded'")
    cell = kernel.run(
        "%%procedure '$name {name}' -o r -p who='$HOME {name} ${name}'\nreturn input.who .. ' $name {name} {{name}}'"
    )
    assert cell.reply["status"] == "ok", cell.error
    assert kernel.value("(r.name, r.value)") == ("$name {name}", "$HOME {name} ${name} $name {name} {{name}}")


def test_inputs_from_the_notebook(kernel):
    """`--params` is a dict, `-i` takes variables by name: a Run as its value, a DataFrame as rows; `-p` wins."""
    kernel.run("%%procedure earlier -o earlier\nreturn {total = 7}")
    kernel.run("import pandas\ntimes = pandas.to_datetime(['2026-01-02', None])")
    kernel.run("frame = pandas.DataFrame({'a': [1, 2], 'b': ['x', None], 't': times})")
    kernel.run("base = {'a': 1, 'b': 2}; one, two = 1, 'zwei'")
    kernel.run("%%procedure inputs --params base -i one,two -i earlier -p b=3 -o r\nreturn input")
    assert kernel.value("r.value.get('earlier')") == {"total": 7}
    kernel.run("%%procedure inputs --params base -i one,two -p b=3 -o r\nreturn input")
    assert kernel.value("r.value") == {"a": 1, "b": 3, "one": 1, "two": "zwei"}
    program = "local rows = input.frame\nreturn {#rows, rows[1].a, rows[2].b == nil, rows[2].t == nil, rows[1].t}"
    kernel.run(f"%%procedure frames -i frame -o r\n{program}")
    assert kernel.value("r.value") == [2, 1, True, True, "2026-01-02T00:00:00"]


def test_config_sets_the_defaults(kernel):
    """`%config Procedures.x` is the default of option `--x`; the line wins."""
    kernel.run("%config Procedures.answers = 'default'\n%config Procedures.seed = 7")
    try:
        program = 'return {math.random(1, 1000000), Human.approve{message = "Sure?", default = true}}'
        kernel.run(f"%%procedure configured -o one\n{program}")
        kernel.run(f"%%procedure configured-too -o two\n{program}")
        kernel.run(f"%%procedure configured-three --seed 8 -o three\n{program}")
        assert kernel.value("one.value == two.value != three.value")
        assert kernel.value("one.value[1]") is True
    finally:
        kernel.run("%config Procedures.answers = None\n%config Procedures.seed = None")
    kernel.run("%config Procedures.max_seconds = 0.2")
    try:
        assert kernel.run("%%procedure limited\nwhile true do end").reply["ename"] == "LimitExceeded"
    finally:
        kernel.run("%config Procedures.max_seconds = 30.0")
    listed = kernel.run("%config Procedures").printed
    for trait in ("answers", "no_wait", "strict", "quiet", "seed", "store", "max_seconds", "max_memory", "env_allowed"):
        assert f"Procedures.{trait}" in listed


def test_a_wrong_config_is_refused(kernel):
    """A trait that is not there, or a value of the wrong type, is said and changes nothing."""
    assert "expected a float" in kernel.run("%config Procedures.max_seconds = 'long'").printed
    assert "nope" in kernel.run("%config Procedures.nope = 1").printed
    assert kernel.run("%%procedure after-config\nreturn 1").reply["status"] == "ok"


def test_help_documents_every_option(kernel):
    """`%%procedure?` shows each option with its meaning."""
    (page,) = kernel.run("%%procedure?").reply["payload"]
    text = page["data"]["text/plain"]
    options = "NAME -p --params -i --tools --predictors --answers -o --into --fresh --strict --plan --redo --no-wait"
    for option in [
        *options.split(),
        *"--define --file --files --seed --store --max-seconds --max-memory --quiet".split(),
    ]:
        assert f"{option} " in text
    assert "%procedures graph NAME" in kernel.run("%procedures?").reply["payload"][0]["data"]["text/plain"]


def test_a_cell_without_a_name_is_known_by_its_id(kernel):
    """The front end's cell id is the name: an edit continues the run; the id stands nowhere in the record."""
    program = "local a = Step.run('a', function() return 1 end)\n"
    first = kernel.run(f"%%procedure -o r\n{program}return a", cell="0f5e1c2d-cell")
    assert kernel.value("r.name") == "0f5e1c2d-cell"
    assert first.record.startswith("procedure: completed · kept 0, ran 1")
    assert "0f5e1c2d" not in first.record
    edited = kernel.run(f"%%procedure -o r\n{program}return a + 1", cell="0f5e1c2d-cell")
    assert edited.record.startswith("procedure: completed · kept 1, ran 0")
    other = kernel.run(f"%%procedure\n{program}return a", cell="77aa-cell")
    assert "kept 0, ran 1" in other.record


def test_a_cell_without_an_id_is_known_by_its_text(kernel):
    """Where no id is sent, the same text is the same run and another text is another."""
    program = "return Step.run('a', function() return 'by text' end)"
    kernel.run(f"%%procedure -o first\n{program}")
    again = kernel.run(f"%%procedure -o second\n{program}")
    assert "kept 1, ran 0" in again.record
    assert kernel.value("first.name == second.name")
    assert kernel.value("first.name") not in again.record
    assert "kept 0, ran 1" in kernel.run(f"%%procedure\n{program} .. '!'").record


def test_quiet_shows_forms_and_the_record(kernel):
    """`--quiet` leaves out the live panel only."""
    cell = kernel.begin('%%procedure quiet --quiet\nreturn Human.approve{message = "Sure?"}')
    form = kernel.form(cell)
    assert form.state["panel"] == ""
    kernel.press(form)
    assert "quiet: completed" in kernel.finish(cell).record


def test_redo_runs_what_is_named(kernel):
    """`--redo` runs a step again; what follows is kept while that comes out the same."""
    program = (
        "local a = Step.run('a', function() return 1 end)\n"
        "local b = Step.run('b', function() return a + 1 end)\nreturn b"
    )
    kernel.run(f"%%procedure redone\n{program}")
    cell = kernel.run(f"%%procedure redone --redo a -o r\n{program}")
    assert "kept 1, ran 1" in cell.record
    assert kernel.value("[(c.name, c.replayed) for c in r.checkpoints]") == [("a", False), ("b", True)]


def test_o_binds_whatever_comes(kernel):
    """`-o` and `--into` bind the run that failed, too; a line that cannot be read binds nothing."""
    kernel.run("%%procedure fails -o failed\nerror('broken')")
    assert kernel.value("(failed.status, 'broken' in str(failed.error))") == ("failed", True)
    kernel.run("kept = 1")
    kernel.run("%%procedure fails -o kept --frsh\nreturn 1")
    assert kernel.value("kept") == 1
    kernel.run("%%procedure into --into named\nreturn 5")
    assert kernel.value("named.value") == 5


def test_procedures_commands(kernel):
    """The list has the runs in order; an unknown command or run, or a missing word, is a short error."""
    kernel.run("%%procedure listed\nreturn 1")
    assert "listed" in kernel.run("%procedures").texts[0]
    assert "listed: completed" in kernel.run("%procedures show listed").texts[0]
    assert "listed: completed" in kernel.run("%procedure show listed").texts[0]
    for line, said in (
        ("shw listed", "shw"),
        ("show", "NAME"),
        ("show nobody", "nobody"),
        ("answer listed yes", "waits for no"),
    ):
        cell = kernel.run(f"%procedures {line}")
        assert cell.reply["status"] == "error"
        assert said in cell.error
        assert "lua_procedures/" not in cell.error
