"""Questions at a terminal: prompts, and answers from another terminal meanwhile."""

from __future__ import annotations

import json
import sys

import pytest

from .commands import ASK, ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a pseudo-terminal")

REVIEW = """
local r = Human.review{message = "Notes", context = {version = 2}, artifact = "first line\\nsecond line",
                       options = {"Ship", {label = "Hold", type = "cancel"}}}
return r.decision
"""


def test_a_question_is_a_prompt(cli):
    """The question is asked where the person sits, and the value follows."""
    child = cli.terminal("run", cli.write("ask.lua", ASK))
    child.expect_exact("Ship? (approve, line 1)")
    child.expect_exact("yes or no: ")
    child.sendline("yes")
    code, text = ended(child)
    assert code == 0
    assert "ask: completed · kept 0, ran 1" in text
    assert '"ok": true' in text
    assert cli("run", "ask.lua", "--json").json["replayed"] == 1


def test_what_does_not_fit_is_asked_again(cli):
    """A wrong answer is said, and the prompt comes back; an empty line asks again."""
    program = 'return Human.select{message = "Color?", options = {"red", "blue"}}'
    child = cli.terminal("run", cli.write("c.lua", program))
    child.expect_exact("1  red")
    child.expect_exact("2  blue")
    for typed, said in (("green", "Unknown option"), ("", "")):
        child.expect_exact("choice: ")
        child.sendline(typed)
        child.expect_exact(said)
    child.expect_exact("choice: ")
    child.sendline("blue")
    code, text = ended(child)
    assert (code, text.splitlines()[-1]) == (0, "blue")


def test_several_questions(cli):
    """Questions follow each other, also where the answers were typed at once."""
    program = (
        'return Human.input{message = "First?"} .. Human.input{message = "Next?"} .. Human.input{message = "Last?"}'
    )
    child = cli.terminal("run", cli.write("s.lua", program), "--quiet")
    child.expect_exact("First?")
    child.expect_exact("answer: ")
    child.send("a\nb\nç\n")
    code, text = ended(child)
    assert code == 0
    assert text.endswith("abç\n")


def test_a_review_is_shown_whole(cli):
    """The artifact is there in full, with the context and the decisions."""
    child = cli.terminal("run", cli.write("r.lua", REVIEW))
    child.expect_exact("decision, or edit: ")
    shown = child.before.replace("\r\n", "\n")
    assert "  | first line\n  | second line\n" in shown
    assert "version" in shown
    assert "1  Ship\n  2  Hold\n" in shown
    child.sendline("Hold")
    child.expect_exact("feedback (Enter for none): ")
    child.sendline("")
    assert ended(child)[0] == 0


def test_nothing_shown_acts_on_the_terminal(cli):
    """Control characters of a message, an artifact, a notice or a value do not reach the terminal."""
    program = """
local bad = "\\27[2J\\27]0;title\\7"
print(bad)
local r = Human.review{message = bad, artifact = bad, options = {"Ship"}}
return bad
"""
    child = cli.terminal("run", cli.write("x.lua", program))
    child.expect_exact("decision, or edit: ")
    shown = child.before
    child.sendline("Ship\n")
    code, text = ended(child)
    assert code == 0
    assert "\x1b" not in shown + text
    assert "\x07" not in shown + text


def test_an_answer_from_another_terminal_closes_the_prompt(cli):
    """The waiting process notices, says who answered, and drops what was half typed."""
    program = 'local a = Human.input{message = "First?"}\nreturn {a, Human.input{message = "Second?"}}'
    child = cli.terminal("run", cli.write("two.lua", program))
    child.expect_exact("answer: ")
    child.send("half ty")
    assert cli("answer", "two", "from elsewhere").code == 0
    child.expect_exact("answered from the command line")
    child.expect_exact("Second?")
    child.expect_exact("answer: ")
    child.sendline("here")
    code, text = ended(child)
    assert code == 0
    assert json.loads(text[text.index("[") :]) == ["from elsewhere", "here"]


def test_answer_with_resume_leaves_the_run_to_who_waits(cli):
    """Where another process drives the run ``answer --resume`` hands the answer over, and nothing is done twice."""
    once = 'Step.run("once", function() print("did it") end)'
    program = f'{ASK.splitlines()[0]}\nHuman.input{{message = "Who?"}}\n{once}\nreturn ok'
    child = cli.terminal("run", cli.write("ask.lua", program))
    child.expect_exact("yes or no: ")
    other = cli("answer", "ask", "yes", "--resume")
    assert other.code == 0
    assert "answered; the run 'ask' is" in other.err
    child.expect_exact("answer: ")
    child.sendline("Ada")
    code, text = ended(child)
    assert (code, text.count("did it")) == (0, 1)
    assert cli("run", "ask.lua", "--json").json["executed"] == 0


def test_a_question_that_expires(cli):
    """The default is taken while the prompt is open, and the prompt says so."""
    program = 'return Human.approve{message = "Ship?", timeout = 1, default = true}'
    child = cli.terminal("run", cli.write("t.lua", program))
    child.expect_exact("Ship?")
    child.expect_exact("timed out: Approve")
    code, text = ended(child)
    assert (code, text.splitlines()[-1]) == (0, "true")


def test_the_end_of_input_is_later(cli):
    """Ctrl-D leaves the question: exit code 3, and how to go on."""
    child = cli.terminal("run", cli.write("ask.lua", ASK))
    child.expect_exact("yes or no: ")
    child.sendeof()
    code, text = ended(child)
    assert code == 3
    assert "to answer: " in text
    assert cli("answer", "ask", "yes", "--resume", "--json").json["value"] == {"ok": True}


def test_ctrl_c_at_the_prompt(cli):
    """Ctrl-C stops the run: exit code 130, no traceback; the same question comes again."""
    child = cli.terminal("run", cli.write("ask.lua", ASK))
    child.expect_exact("yes or no: ")
    child.sendintr()
    code, text = ended(child)
    assert code == 130
    assert "run it again to go on" in text
    assert "Traceback" not in text
    child = cli.terminal("resume", "ask")
    child.expect_exact("yes or no: ")
    child.sendline("no")
    assert ended(child)[0] == 0


def test_prompts_are_not_in_the_result(cli):
    """With stdout in a file the question is asked all the same, and the file holds the result alone."""
    cli.write("ask.lua", ASK)
    child = cli.terminal("run", "ask.lua", "--json", into="result.json")
    child.expect_exact("yes or no: ")
    child.sendline("yes")
    code, text = ended(child)
    assert code == 0
    assert '"value"' not in text
    assert json.loads((cli.path / "result.json").read_text())["value"] == {"ok": True}


def test_questions_that_nobody_would_see(cli):
    """With stderr in a file there is no terminal to ask at, so the run pauses."""
    cli.write("ask.lua", ASK)
    child = cli.terminal("run", "ask.lua", into="log.txt", stream=2)
    assert ended(child)[0] == 3
    assert "to answer: " in (cli.path / "log.txt").read_text()
