"""What a pass leaves behind: nothing that waits for the collector of garbage, and users' own frames as they were."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress

import pytest

from lua_procedures import ProcedureError, ToolError, arun, run


def add(first: int, second: int) -> int:
    """Adds."""
    return first + second


ENDINGS = {
    "steps": 'for i = 1, 3 do Step.run("s" .. i, function() State.increment("x") return {i} end) end',
    "caught": 'return pcall(Step.run, "a", function() error("so") end)',
    "a question": 'return Human.approve("Go?")',
    "tools": 't = Tool {input = {a = "number"}, function(a) return a end} return t{a = 1}, add{first = 1, second = 2}',
    "a sub-procedure": 'p = Procedure {function() return Step.run("in", function() return 1 end) end} return p{}',
    "an agent": 'Mocks{a = {message = "hi"}} a = Agent{system_prompt = "x"} return a("hello").content',
    "files": 'File.write("a.txt", "1") return File.read("a.txt")',
}
FAILURES = {
    "a failure": 'Step.run("a", function() return {1} end) error("so")',
    "a responder that fails": 'Step.run("a", function() return {1} end) return Human.approve("Fail?")',
    "a cancelling tool": 'Step.run("a", function() return {1} end) cancel(pack{1})',
    "a limit": 'Step.run("a", function() return {1} end) while true do end',
}


def cancel(row: list[int]) -> None:
    """Ends the run from inside."""
    raise SystemExit


def pack(row: list[int]) -> list[int]:
    """Gives what it got."""
    return row


def respond(request):
    """Fails."""
    raise ValueError(request.message)


def _left(program, store, files):
    """Names of the types that only the collector of garbage finds after a run that nobody holds."""
    for source in ("return 1", program, "return 2"):  # a session holds the last run of each name
        with suppress(ProcedureError, KeyboardInterrupt):
            run(
                source,
                name="left",
                store=store,
                files=files,
                tools=[add, cancel, pack],
                answers=respond if "Fail?" in source else None,
                limits={"max_seconds": 0.1},
            )
        if source == "return 1":
            gc.collect()
            gc.disable()
            gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    return {type(each).__name__ for each in gc.garbage}


@pytest.mark.parametrize("program", [*ENDINGS.values(), *FAILURES.values()], ids=[*ENDINGS, *FAILURES])
def test_what_a_run_took_is_free_when_nobody_holds_it(tmp_path, program):
    """The Lua world at the end of the pass, however it ended, and the journal and its store with the run."""
    held = {"LuaRuntime", "_LuaTable", "_LuaFunction"}
    if program not in FAILURES.values():  # an error and its run hold each other
        held |= {"Driver", "Guest", "Ledger", "Journal", "Run", "SqliteStore"}
    try:
        assert not held & _left(program, str(tmp_path / "runs.db"), tmp_path)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_the_frames_of_a_tool_keep_their_locals():
    """Whoever looks for a fault after the run failed finds what the tool had."""

    def divide(amount: int) -> float:
        """Divides."""
        rest = amount - 1
        raise ToolError(f"nothing is divided by {rest}")

    with pytest.raises(ProcedureError) as failed:
        run("return divide{amount = 1}", tools=[divide])
    assert any(entry.frame.f_locals.get("rest") == 0 for entry in failed.traceback)


def test_a_worker_that_met_the_error_goes_on():
    """A user's own task that failed a tool's call is not ended with the run."""

    async def serve(queue):
        while True:
            amount, reply = await queue.get()
            try:
                if amount < 0:
                    raise ToolError("negative")  # noqa: TRY301 - as a user would
                reply.set_result(2 * amount)
            except ToolError as error:
                reply.set_exception(error)

    async def runs():
        queue: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue()
        worker = asyncio.create_task(serve(queue))

        async def double(amount: int) -> int:
            """Doubles."""
            reply = asyncio.get_running_loop().create_future()
            await queue.put((amount, reply))
            return await reply

        with pytest.raises(ToolError, match="negative"):
            await arun("return double{amount = -1}", tools=[double])
        again = await arun("return double{amount = 4}", tools=[double])
        worker.cancel()
        return again.value

    assert asyncio.run(runs()) == 8
