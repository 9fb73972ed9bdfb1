"""What prompts can do: numbers and Tab, several lines, field after field, an editor, the time that is left."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ..bounds import eventually
from .commands import ASK, ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")

TERMINALS = pytest.mark.parametrize("term", ["dumb", "xterm"])
SELECT = 'return Human.select{message = "Color?", options = {"red", {label = "Light blue", value = "sky"}}}'
SEVERAL = 'return Human.select{message = "Days?", mode = "multiple", min = 2, options = {"mon", "tue", "wed"}}'
REVIEW = """
local r = Human.review{message = "Notes", artifact = %s, artifact_type = "%s", options = {"Ship", "Hold"}}
return {r.decision, r.feedback, r.edited_artifact}
"""
FIELDS = """
return Human.multiple{
  {id = "ok", type = "approve", message = "Ready?"},
  {id = "count", message = "Count", response_schema = {type = "integer"}},
  {id = "days", type = "select", mode = "multiple", options = {"mon", "tue"}},
  {id = "note", message = "Note", required = false, default = "none yet"},
}
"""


class Dialog:
    """A command at a terminal, by what is expected and what is typed."""

    def __init__(self, child):
        self.child = child

    def say(self, *pairs):
        """Wait for each text, and type the line after it."""
        for text, line in pairs:
            self.child.expect_exact(text)
            self.child.send(f"{line}\r")

    def value(self):
        """The value that the program returned."""
        code, text = ended(self.child)
        assert code == 0, text
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        shown = plain[plain.index("ran ") :].partition("\n")[2]
        return json.loads(shown)


@pytest.fixture
def talk(cli):
    """A function that runs a program at a terminal."""

    def start(program, term="dumb", **variables):
        blank = {"VISUAL": "", "EDITOR": ""}
        return Dialog(cli.terminal("run", cli.write("p.lua", program), TERM=term, **{**blank, **variables}))

    return start


@pytest.fixture
def editor(cli):
    """A function that makes an editor which leaves these texts, one each time that it is opened."""

    def make(*texts, code=0, name="ed"):
        lines = [f"import sys, pathlib; texts = {texts!r}; at = pathlib.Path({name + '.count'!r})"]
        lines.append("n = int(at.read_text()) if at.exists() else 0; at.write_text(str(n + 1))")
        lines.append("if n < len(texts): pathlib.Path(sys.argv[1]).write_text(texts[n] + chr(10), encoding='utf-8')")
        cli.write(f"{name}.py", "\n".join([*lines, f"sys.exit({code})"]))
        return f"{sys.executable} {cli.path / name}.py"

    return make


@TERMINALS
@pytest.mark.parametrize(("typed", "value"), [("2", '"sky"'), ("Light blue", '"sky"'), ("RED", '"red"')])
def test_a_choice_by_number_or_name(cli, term, typed, value):
    """An option is chosen by its place, by its label, or by its label in other case."""
    child = cli.terminal("run", cli.write("p.lua", f"return {{{SELECT[7:]}}}"), "--json", into="out.json", TERM=term)
    child.expect_exact("2  Light blue")
    child.expect_exact("choice:")
    child.send(f"{typed}\r")
    assert ended(child)[0] == 0
    assert json.loads((cli.path / "out.json").read_text())["value"] == [json.loads(value)]


def test_tab_completes_a_choice(talk):
    """Tab completes what was begun, whatever its case."""
    dialog = talk(f"return {{{SELECT[7:]}}}", "xterm")
    dialog.child.expect_exact("choice:")
    dialog.child.send("li\t")
    dialog.child.expect_exact("Light blue")
    dialog.child.send("\r")
    assert dialog.value() == ["sky"]


@TERMINALS
def test_several_choices(talk, term):
    """Several are named with commas between them; too few are refused, and asked for again."""
    dialog = talk(SEVERAL, term)
    dialog.say(("(with commas):", "mon"), ("at least 2", "3, mon"))
    assert dialog.value() == ["wed", "mon"]


def test_nothing_chosen(talk):
    """Where nothing need be chosen, ``none`` chooses nothing; an empty line does not."""
    dialog = talk(SEVERAL.replace("min = 2, ", ""))
    dialog.say(("(with commas, or none):", ""), ("(with commas, or none):", "none"))
    assert dialog.value() == []


@pytest.mark.parametrize(("term", "end"), [("dumb", "\r.\r"), ("xterm", "\x1b\r")])
def test_several_lines(talk, term, end):
    """An answer of several lines arrives with its lines; the prompt says how it ends."""
    dialog = talk('return {Human.input{message = "Text?", multiline = true}}', term)
    dialog.child.expect_exact("Esc and Enter end it" if term == "xterm" else "end with a line that is only a dot")
    dialog.child.send(f"one\r\rthree, ç{end}")
    assert dialog.value() == ["one\n\nthree, ç"]


@TERMINALS
def test_field_after_field(talk, term):
    """Each field is asked for itself, with its problem where it is; a default stands there already."""
    dialog = talk(FIELDS, term)
    dialog.say(("Ready?", "perhaps"), ("true or false", "yes"), ("Count:", "many"), ("whole number", "3"))
    dialog.say(("days (with commas, or none):", "2, 1"), ("Note (optional):", ""))
    assert dialog.value() == {"ok": True, "count": 3, "days": ["tue", "mon"], "note": "none yet"}


def test_an_escalation_is_resolved_by_a_word(talk):
    """An empty line resolves nothing; a remark does."""
    dialog = talk('Human.escalate{message = "Disk full", severity = "critical"}\nreturn {"on"}')
    dialog.child.expect_exact("Disk full (escalate, critical")
    dialog.say(("when it is:", ""), ("when it is:", "cleaned up"))
    assert dialog.value() == ["on"]


@TERMINALS
def test_a_text_is_edited(talk, editor, term):
    """The artifact is edited in the editor, the difference is shown, and the feedback is asked for."""
    dialog = talk(REVIEW % ('"one\\ntwo"', "markdown"), term, EDITOR=editor("one\n2"))
    dialog.say(("decision, or edit:", "edit"))
    for line in ("-two", "+2"):
        dialog.child.expect_exact(line)
    dialog.say(("decision, or edit:", "1"), ("feedback", "fine"))
    assert dialog.value() == ["Ship", "fine", "one\n2"]


def test_what_is_not_edited_is_no_edit(talk, editor):
    """An editor that changes nothing leaves no edited artifact."""
    dialog = talk(REVIEW % ('"one\\ntwo"', "markdown"), EDITOR=editor())
    dialog.say(("edit: ", "edit"), ("nothing was changed", "Hold"), ("feedback", ""))
    assert dialog.value() == ["Hold", ""]


@TERMINALS
def test_json_is_edited_until_it_is_json(talk, editor, term):
    """What is no JSON is said, and edited again from what was written."""
    dialog = talk(REVIEW % ("{a = 1}", "json"), term, VISUAL=editor('{"a": ', '{"a": [2, "é"]}'), EDITOR="false")
    dialog.say(("edit:", "edit"), ("This is not JSON", ""), ("edit:", "Ship"), ("feedback", ""))
    assert dialog.value() == ["Ship", "", {"a": [2, "é"]}]


def test_a_table_is_edited_as_its_rows(talk, editor):
    """A table is edited as JSON and stays a list of rows; anything else does not replace it."""
    program = REVIEW % ("{{a = 1}, {a = 2}}", "table")
    dialog = talk(program, EDITOR=editor('{"a": 1}', '[{"a": 3}]'))
    dialog.say(("edit: ", "edit"), ("a table does not replace it", ""), ("edit: ", "Ship"), ("feedback", ""))
    assert dialog.value() == ["Ship", "", [{"a": 3}]]


def test_an_edit_is_given_up(talk, editor):
    """A word instead of Enter leaves the artifact as it was, and what was written is kept and its place said."""
    dialog = talk(REVIEW % ("{a = 1}", "json"), EDITOR=editor('{"a": '))
    dialog.say(("edit: ", "edit"), ("Enter edits it again", "no"), ("edit: ", "Ship"), ("feedback", ""))
    assert dialog.value() == ["Ship", ""]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "There is no editor: set VISUAL or EDITOR"),
        ("no-such-editor -w", "The editor no-such-editor cannot be started"),
        ("false", "The editor false ended with code 1"),
        ("'", "VISUAL or EDITOR is no command"),
    ],
)
def test_an_editor_that_fails(talk, command, said):
    """The reason is a sentence, and the question is still there."""
    dialog = talk(REVIEW % ('"text"', "text"), EDITOR=command)
    dialog.say(("edit: ", "edit"), (said, "Ship"), ("feedback", ""))
    assert dialog.value() == ["Ship", ""]


def test_an_option_named_edit(talk, editor):
    """An option of that name is the option; editing has another word then."""
    program = 'return {Human.review{message = "N", artifact = "a", options = {"Edit", "Drop"}}.decision}'
    dialog = talk(program, EDITOR=editor("b"))
    dialog.say(("decision, or :edit: ", "edit"), ("feedback", ""))
    assert dialog.value() == ["Edit"]


@TERMINALS
def test_the_arguments_of_a_tool_are_edited(talk, editor, term):
    """An approval's arguments are edited; what the tool does not take is refused before it is asked again."""
    program = """
send = Tool {description = "Send", input = {to = field.string{required = true}}, requires_approval = true,
             function(args) return "sent to " .. args.to end}
return {send{to = "ann"}}
"""
    dialog = talk(program, term, EDITOR=editor('{"to": 5}', '{"to": "bob"}'))
    dialog.say(("yes or no, or edit:", "edit"), ("must be a text", ""), ("yes or no, or edit:", "yes"))
    assert dialog.value() == ["sent to bob"]


@TERMINALS
def test_later_keeps_what_was_edited(talk, editor, term):
    """Ctrl-D after an edit pauses the run, and says in which file the edit is."""
    dialog = talk(REVIEW % ('"text"', "markdown"), term, EDITOR=editor("better"))
    dialog.say(("edit:", "edit"))
    dialog.child.expect_exact("+better")
    dialog.child.expect_exact("edit:")
    dialog.child.send("\x04")
    dialog.child.expect(r"What you edited is kept in (\S+\.md)")
    assert Path(dialog.child.match[1]).read_text(encoding="utf-8") == "better\n"
    assert ended(dialog.child)[0] == 3


def test_a_drafts_file_is_gone_after_the_answer(talk, cli, editor):
    """What was taken over is left nowhere else."""
    folder = cli.path / "tmp"
    folder.mkdir()
    dialog = talk(REVIEW % ('"text"', "text"), EDITOR=editor("better"), TMPDIR=str(folder))
    dialog.say(("edit: ", "edit"), ("+better", "Ship"), ("feedback", ""))
    assert dialog.value()[2] == "better"
    assert not list(folder.rglob("artifact*"))


@TERMINALS
def test_expiry_at_the_prompt(talk, term):
    """How long there is stands there; the default is taken when it is over, and half an answer is dropped."""
    dialog = talk('return {Human.select{message = "Q?", options = {"a", "b"}, default = "b", timeout = 5}}', term)
    dialog.child.expect(r"time left: \d s, then “b”")
    dialog.child.expect_exact("choice:")
    dialog.child.send("half")
    dialog.child.expect_exact("timed out: b")
    assert dialog.value() == ["b"]


def test_expiry_while_the_editor_is_open(talk, cli, editor):
    """The editor is not torn away; what it leaves comes too late, and is kept."""
    editor("late")
    waiting = "import pathlib, subprocess, sys, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)\n"
    cli.write("slow.py", f"{waiting}subprocess.run([sys.executable, 'ed.py', sys.argv[1]], check=True)")
    program = 'local r = Human.review{message = "N", artifact = "a", timeout = 5}\nreturn {r.decision, r.timed_out}'
    dialog = talk(program, EDITOR=f"{sys.executable} slow.py")
    dialog.say(("edit: ", "edit"))
    eventually(lambda: "timed out" in cli("answer", "p", "perhaps").err)
    cli.write("go", "")
    dialog.child.expect_exact("What you edited is kept in")
    dialog.child.expect_exact("timed out: reject")
    assert dialog.value() == ["reject", True]


@TERMINALS
def test_an_answer_from_elsewhere_closes_the_prompt(talk, cli, term):
    """The prompt goes and says who answered; the next question has a prompt of its own."""
    program = 'local a = Human.input{message = "First?"}\nreturn {a, Human.input{message = "Second?"}}'
    dialog = talk(program, term)
    dialog.child.expect_exact("answer:")
    dialog.child.send("half")
    assert cli("answer", "p", "from elsewhere").code == 0
    dialog.child.expect_exact("answered from the command line")
    dialog.child.expect_exact("Second?")
    dialog.say(("answer:", "here"))
    assert dialog.value() == ["from elsewhere", "here"]


def test_ctrl_c_with_a_movable_cursor(talk, cli):
    """Ctrl-C is no signal while a line is edited, and stops the run all the same."""
    dialog = talk(ASK, "xterm")
    dialog.child.expect_exact("yes or no:")
    dialog.child.send("\x03")
    code, text = ended(dialog.child)
    assert code == 130
    assert "Traceback" not in text
    assert cli("answer", "p", "yes", "--resume", "--json").json["value"] == {"ok": True}


def test_ctrl_d_with_a_movable_cursor(talk):
    """Ctrl-D on an empty line is later."""
    dialog = talk(ASK, "xterm")
    dialog.child.expect_exact("yes or no:")
    dialog.child.send("\x04")
    code, text = ended(dialog.child)
    assert code == 3
    assert "to answer: " in text


def test_questions_typed_ahead(talk):
    """What was typed before a question is there when it comes, with a movable cursor, too."""
    program = 'return {Human.input{message = "A?"}, Human.input{message = "B?"}}'
    dialog = talk(program, "xterm")
    dialog.child.expect_exact("answer:")
    dialog.child.send("a\rb\r")
    assert dialog.value() == ["a", "b"]
