"""What ends a run, and what is a tool's or a model's failure."""

from __future__ import annotations

import asyncio

import pytest

from lua_procedures import arun, run
from lua_procedures.testing import ScriptedChatModel

CAUGHT = "local ok, why = pcall(t) return ok, why"


async def awaits_a_cancelled_task():
    """As where a tool's own task group falls apart."""
    task = asyncio.ensure_future(asyncio.sleep(9))
    task.cancel()
    await task


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError("x"), GeneratorExit("x"), BaseExceptionGroup("x", [GeneratorExit()])], ids=repr
)
def test_odd_exceptions_are_failures(error):
    """Only what is meant to end a run ends it: a program catches all else."""

    def t():
        raise error

    ok, why = run(CAUGHT, tools=[t]).value
    assert not ok
    assert type(error).__name__ in why


def test_a_cancelled_task_of_a_tool_is_its_failure():
    """The run itself is not cancelled, and goes on."""
    ok, why = asyncio.run(arun(CAUGHT, tools={"t": awaits_a_cancelled_task})).value
    assert (ok, "CancelledError" in why) == (False, True)


def test_a_cancelled_run_is_cancelled():
    """Whoever cancels the task of the run cancels it, also while a tool waits."""

    async def t():
        await asyncio.sleep(9)

    async def main():
        task = asyncio.ensure_future(arun(CAUGHT, tools=[t]))
        await asyncio.sleep(0.2)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt()], ids=repr)
def test_what_is_meant_to_end_a_run_ends_it_in_a_group_too(error):
    """No program catches it."""

    def t():
        raise BaseExceptionGroup("x", [ValueError(), error])

    with pytest.raises(KeyboardInterrupt):
        run(CAUGHT, tools=[t])


def test_a_models_odd_exceptions_are_failures():
    """A cancelled request inside a client is a failure of the model."""

    def answer(_):
        raise asyncio.CancelledError("gone")

    program = "w = Agent {} return pcall(w, 'x')"
    ran = asyncio.run(arun(program, chat_model=ScriptedChatModel(answers=answer)))
    assert ran.value[0] is False
    assert "gone" in ran.value[1]
