"""What a tool can ask of the run that called it."""

from __future__ import annotations

import asyncio
import contextvars
from threading import Thread

import pytest

from lua_procedures import ToolError, UsageError, current_run
from lua_procedures.tools.current import calling
from lua_procedures.tools.python import tool_of


def stop(reason: str, success: bool = True) -> str:  # noqa: FBT001, FBT002 - as in Lua
    """Stop the run."""
    run = current_run()
    run.request_stop(reason, success)
    return f"{run.name} {run.run_id}"


async def stop_later(reason: str) -> str:
    """Stop the run."""
    await asyncio.sleep(0)
    return await asyncio.create_task(asyncio.to_thread(stop, reason))


def test_a_stop_is_collected():
    """What tools ask for in a call is there for the run, in order."""
    made = tool_of(stop)
    with calling("triage", "r1") as run:
        assert made.call({"reason": "a"}) == "triage r1"
        made.call({"reason": "b", "success": False})
    assert run.asked == [("a", True), ("b", False)]


def test_in_async_tools_and_threads():
    """The run is known in an async tool, in its tasks, in threads with its context, and without a loop."""
    with calling("triage", "r1") as run:
        assert tool_of(stop_later).call({"reason": "a"}) == "triage r1"

        async def main() -> None:
            await tool_of(stop_later).acall({"reason": "b"})
            tool_of(stop_later).call({"reason": "c"})  # inside a loop: in a thread of its own

        asyncio.run(main())
        thread = Thread(target=contextvars.copy_context().run, args=(stop, "d"))
        thread.start()
        thread.join()
    assert [each.reason for each in run.asked] == ["a", "b", "c", "d"]


def test_outside_a_tool():
    """Outside a call there is no run; after it nothing can be asked."""
    with pytest.raises(UsageError, match="for tools, while a run calls them"):
        current_run()
    with calling("triage", "r1"):
        kept = current_run()
        with calling("inner", "r2"):
            assert current_run().name == "inner"
        assert current_run() is kept
    with pytest.raises(UsageError, match="the tool's call is over"):
        kept.request_stop("late")
    with pytest.raises(UsageError):
        current_run()


def test_misuse():
    """A reason is text and success a boolean; misuse fails the tool with that message."""
    with calling("triage", "r1") as run:
        with pytest.raises(UsageError, match="reason: a str expected, got int"):
            run.request_stop(5)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="success: a bool expected, got str"):
            run.request_stop("x", "yes")  # type: ignore[arg-type]
        with pytest.raises(ToolError, match="reason: a str expected"):
            tool_of(lambda: current_run().request_stop(None), "t").call({})  # type: ignore[arg-type]
    assert run.asked == []
