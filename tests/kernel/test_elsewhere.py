"""A question that one process asks and another one answers, on stores that both of them open."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from ..bounds import PATIENCE
from .kernels import environment

pytestmark = pytest.mark.kernel

ASK = 'return Human.approve{message = "Sure?"}'


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.database)])
def store(request, tmp_path):
    """A store's URL, the same for every process."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    return request.getfixturevalue("cluster").url()


def python(tmp_path, *words):
    """Run this Python, in a process of its own."""
    return subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def asked(kernel, store):
    """A cell that waits for an answer, once it does, and its question's id."""
    cell = kernel.begin(f'%%procedure shared --store "{store}" -o r\n{ASK}')
    return cell, kernel.form(cell).id


def test_another_kernel_answers(start_kernel, store):
    """`%procedures answer` in a second kernel: the waiting cell of the first goes on, and the second leaves it that."""
    first, second = start_kernel(), start_kernel()
    cell, _ = asked(first, store)
    answered = second.run(f'%procedures answer shared yes --store "{store}"')
    assert answered.reply["status"] == "ok", answered.error
    first.finish(cell)
    assert first.value("(r.value, r.answers[0].channel)") == (True, "notebook")
    assert "with %procedures answer" in cell.record
    late = second.run(f'%procedures answer shared no --store "{store}"')
    assert late.reply["ename"] == "AnswerRefused"


def test_the_command_line_answers_and_python_is_too_late(start_kernel, tmp_path, store):
    """The first of two processes wins; the other one is told which way it was answered, and when."""
    kernel = start_kernel()
    cell, request = asked(kernel, store)
    command = ["-m", "lua_procedures", "answer", "shared", "no", "--store", store]
    assert python(tmp_path, *command).returncode == 0
    late = f"lua_procedures.answer('shared', True, {request!r}, store={store!r})"
    refused = python(tmp_path, "-c", f"import lua_procedures; {late}")
    assert "AnswerRefused" in refused.stderr
    assert "was answered already, from the command line, at 20" in refused.stderr
    kernel.finish(cell)
    assert kernel.value("(r.value, r.answers[0].channel, r.answers[0].timed_out)") == (False, "command line", False)


def test_a_paused_run_is_answered_and_resumed_elsewhere(start_kernel, tmp_path, store):
    """What was asked in a kernel that is gone is answered in Python and goes on in a command."""
    kernel = start_kernel()
    kernel.run(f'%%procedure shared --no-wait --store "{store}"\n{ASK}')
    kernel.stop()
    given = python(tmp_path, "-c", f"import lua_procedures; lua_procedures.answer('shared', True, store={store!r})")
    assert given.returncode == 0, given.stderr
    done = python(tmp_path, "-m", "lua_procedures", "resume", "shared", "--json", "--store", store)
    assert json.loads(done.stdout)["value"] is True


def test_the_time_goes_on_without_the_kernel(start_kernel, tmp_path, store):
    """A question that expired while nothing ran takes no answer any more; its run takes the default at once."""
    kernel = start_kernel()
    program = 'return Human.input{message = "Name?", default = "nobody", timeout = 1}'
    kernel.run(f'%%procedure shared --no-wait --store "{store}"\n{program}')
    kernel.stop()
    command = ["-m", "lua_procedures", "answer", "shared", "late", "--store", store]
    time.sleep(1)
    late = python(tmp_path, *command)
    assert late.returncode
    assert "timed out at 20" in late.stderr
    resumed = start_kernel().run(f'%%procedure shared --store "{store}" -o r\n{program}')
    assert "timed out" in resumed.record
    again = python(tmp_path, "-m", "lua_procedures", "show", "shared", "--store", store)
    assert "(timed out)" in again.stdout
