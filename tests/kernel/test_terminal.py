"""Plain IPython in a pseudo-terminal: forms become prompts."""

from __future__ import annotations

import sys

import pexpect  # type: ignore[import-untyped]
import pytest

from ..bounds import PATIENCE
from .kernels import LOOP, environment

pytestmark = pytest.mark.kernel

PROMPT = r"In \[\d+\]: "
ASK = 'return Human.approve{message = "Sure?"}'


class Terminal:
    """IPython at a terminal."""

    def __init__(self, folder):
        options = ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=nocolor"]
        variables = environment(folder, TERM="dumb", PYTHONWARNINGS="default")
        self.child = pexpect.spawn(
            sys.executable, options, cwd=str(folder), env=variables, encoding="utf-8", timeout=PATIENCE
        )
        self.child.setecho(state=False)
        self.child.expect(PROMPT)

    def send(self, code):
        """Type a cell, and do not wait."""
        first, *rest = [*code.split("\n"), "", ""] if "\n" in code else [code]  # two empty lines end a cell magic
        self.child.sendline(first)
        for line in rest:
            self.child.expect_exact("...: ")
            self.child.sendline(line)

    def run(self, code):
        """Type a cell, and what it wrote."""
        self.send(code)
        return self.prompt()

    def expect(self, text):
        """Wait for a text."""
        self.child.expect_exact(text)

    def prompt(self):
        """Wait for the next prompt; what was written before it."""
        self.child.expect(PROMPT)
        return self.child.before


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    assert not terminal.run("%load_ext lua_procedures").strip()
    yield terminal
    terminal.child.close(force=True)


def test_a_question_is_a_prompt(terminal):
    """The question is asked at the terminal; the record follows, once, and `_` is the run."""
    terminal.send(f"%%procedure ask\n{ASK}")
    terminal.expect("Sure?")
    terminal.expect("yes or no: ")
    terminal.child.sendline("yes")
    text = terminal.prompt()
    assert text.count("ask: completed · kept 0, ran 1") == 1
    assert "True" in terminal.run("_.value")
    assert "kept 1, ran 0" in terminal.run(f"%%procedure ask\n{ASK}")


def test_an_answer_that_does_not_fit_is_asked_again(terminal):
    """What is wrong is said, and the prompt comes back."""
    program = 'return Human.select{message = "Color?", options = {"red", "blue"}}'
    terminal.send(f"%%procedure select\n{program}")
    terminal.expect("choice: ")
    terminal.child.sendline("green")
    terminal.expect("Unknown option")
    terminal.expect("choice: ")
    terminal.child.sendline("blue")
    assert "blue" in terminal.prompt()


def test_an_answer_of_the_wrong_form_is_asked_again(terminal):
    """A text that is no answer at all is refused with what is expected, and asked again."""
    terminal.send(f"%%procedure form\n{ASK}")
    terminal.expect("yes or no: ")
    terminal.child.sendline("perhaps")
    terminal.expect("yes or no: ")
    terminal.child.sendline("no")
    assert "value: false" in terminal.prompt()


def test_a_review_shows_its_artifact_and_options(terminal):
    """A review is answered by its decision's label or number."""
    program = 'return Human.review{message = "Notes", artifact = "some text", options = {"Ship", "Hold"}}.decision'
    terminal.send(f"%%procedure review\n{program}")
    terminal.expect("some text")
    terminal.expect("Hold")
    terminal.expect("decision, or edit: ")
    terminal.child.sendline("2")
    terminal.expect("feedback (Enter for none): ")
    terminal.child.sendline("")
    assert "value: Hold" in terminal.prompt()


def test_an_end_of_input_is_later(terminal):
    """Ctrl-D at the prompt pauses the run; `%procedures answer` goes on."""
    terminal.send(f"%%procedure eof\n{ASK}")
    terminal.expect("yes or no: ")
    terminal.child.sendeof()
    assert "eof: paused" in terminal.prompt()
    assert "eof: completed" in terminal.run("%procedures answer eof yes")


def test_ctrl_c_at_the_prompt(terminal):
    """One Ctrl-C ends the cell short; the shell lives, and the same question comes again."""
    terminal.send(f"%%procedure stopped\n{ASK}")
    terminal.expect("yes or no: ")
    terminal.child.sendintr()
    text = terminal.prompt()
    assert "KeyboardInterrupt" in text
    assert "lua_procedures/" not in text
    terminal.send(f"%%procedure stopped\n{ASK}")
    terminal.expect("yes or no: ")
    terminal.child.sendline("yes")
    assert "stopped: completed" in terminal.prompt()


def test_an_edited_artifact(terminal, tmp_path):
    """A review's artifact goes through the editor that the person has chosen."""
    (tmp_path / "ed.py").write_text("import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('better')")
    terminal.run(f"import os, sys; os.environ['VISUAL'] = sys.executable + ' {tmp_path}/ed.py'")
    program = 'return Human.review{message = "Notes", artifact = "text"}.edited_artifact'
    terminal.send(f"%%procedure edited\n{program}")
    terminal.expect("decision, or edit: ")
    terminal.child.sendline("edit")
    terminal.expect("+better")
    terminal.expect("decision, or edit: ")
    terminal.child.sendline("approve\n")
    assert "value: better" in terminal.prompt()


def test_no_wait_asks_nothing(terminal):
    """With `--no-wait` the run pauses, and says how it is answered; a prompt would drop what is typed."""
    text = terminal.run(f"%%procedure free --no-wait\n{ASK}")
    assert "free: paused" in text
    assert "%procedures answer free yes" in text
    assert "free: completed" in terminal.run("%procedures answer free yes")


def test_inside_a_running_loop(terminal):
    """Where an event loop runs already nothing could take an answer: the run pauses and goes on once it has one."""
    run = f"get_ipython().run_cell_magic('procedure', 'looped', {ASK!r})"
    text = terminal.run(f"import asyncio; await asyncio.sleep(0); {run}")
    assert "looped: paused" in text
    assert "looped: completed" in terminal.run("%procedures answer looped yes")


@pytest.mark.parametrize("into", ["/dev/tty", "out.txt"])
def test_a_script_at_a_terminal(tmp_path, into):
    """A script is asked about where the person sits, also while its output goes into a file; keys are edited there."""
    (tmp_path / "s.ipy").write_text(
        f"%load_ext lua_procedures\nprint(get_ipython().run_cell_magic('procedure', 'ask', {ASK!r}).value, 'it is')\n"
    )
    line = f"exec {sys.executable} -m IPython s.ipy > {into}"
    variables = environment(tmp_path, TERM="xterm")
    child = pexpect.spawn("/bin/sh", ["-c", line], cwd=str(tmp_path), env=variables, encoding="utf-8", timeout=PATIENCE)
    child.expect_exact("yes or no:")
    child.send("nox\x7f\r")
    child.expect(pexpect.EOF)
    written = child.before if into == "/dev/tty" else (tmp_path / into).read_text()
    assert "False it is" in written


def test_ipython_with_its_own_editing(tmp_path):
    """Where IPython itself edits lines, a question takes the terminal and gives it back."""
    options = ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor", "--ext", "lua_procedures"]
    variables = environment(tmp_path, TERM="xterm", PROMPT_TOOLKIT_NO_CPR="1")
    size = (40, 120)
    child = pexpect.spawn(sys.executable, options, cwd=str(tmp_path), env=variables, encoding="utf-8", dimensions=size)
    child.timeout = PATIENCE
    child.expect_exact("In [")
    child.send(f"r = get_ipython().run_cell_magic('procedure', 'ask', {ASK!r})\r")
    child.expect_exact("yes or no:")
    child.send("yes\r")
    child.expect_exact("ask: completed")
    child.send("print('it', 'is', r.value)\r")
    child.expect_exact("it is True")
    child.close(force=True)


def test_ctrl_c_in_a_loop(terminal):
    """Ctrl-C ends Lua that catches everything; the next cells run as ever."""
    terminal.send(f"%%procedure loop --max-seconds 3600\n{LOOP}")
    terminal.child.expect(pexpect.TIMEOUT, timeout=1)
    terminal.child.sendintr()
    assert "KeyboardInterrupt" in terminal.prompt()
    assert "42" in terminal.run("6 * 7")
    assert "slept" in terminal.run("import asyncio; await asyncio.sleep(0); print('slept')")


def test_errors_are_short(terminal):
    """The error is the line and the message; `%tb` has the rest."""
    text = terminal.run("%%procedure fails\nlocal t = nil\nreturn t.x")
    assert "line 3" in text
    assert "lua_procedures/" not in text
    assert "Traceback" not in text
    assert "lua_procedures" in terminal.run("%tb")


def test_time_and_python(terminal):
    """`%%time` around a cell, and `run` from Python, work here too."""
    assert "Wall time" in terminal.run("%%time\n%%procedure timed\nreturn 1")
    terminal.run("from lua_procedures import run")
    assert "41" in terminal.run("run('return 41').value")
