"""Who drives a job: the event loop, or this thread."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from ..durable.finding import newest
from ..durable.roots import root_of
from ..errors import RunLocked
from ..exports.writing import write
from ..fixtures.opening import open_fixtures
from ..runner.driver import Driver
from ..runs import Run
from ..session import get_session
from .job import Job, checked_name
from .preparing import inputs_of, meet_servers, prepare

__all__ = ["drive", "in_loop", "run_here"]


async def drive(job: Job) -> Run:
    """Run a job to its end or its pause; errors of the program are in ``run.error``, not raised.

    A pass of the same run that is still driven by this process is stopped first: two would do the same work twice.

    Raises:
        RunLocked: another process drives the run; or a pass of this one that cannot be stopped from here, such as
            where a tool starts its own run again.
    """
    checked_name(job.name)
    if not (job.plan and job.models):  # a run that is only shown asks nothing
        job.recording, job.replaying = open_fixtures(job.record, job.replay, job.name, job.title)
    await meet_servers(job)
    if job.plan:
        return await prepare(job).drive()
    await _stop(_driven_here(job), job.name)
    with ExitStack() as held:
        driver = prepare(job, held)
        key, driving = driver.key, get_session().driving
        driving[key] = asyncio.current_task() if in_loop() else None
        held.callback(driving.pop, key, None)
        try:
            return await driver.drive()
        finally:
            _record(job, driver)


def _driven_here(job: Job) -> asyncio.Task[Any] | None:
    """The task of this process that drives the job's run now; the job's store is opened by the way."""
    store = job.opened()
    if job.fresh:
        return None
    row = newest(store, job.name, root_of(inputs_of(job), job.seed))
    return None if row is None else get_session().driving.get((store.url, row.id))


def _record(job: Job, driver: Driver) -> None:
    """Write what the pass asked, however it ended.

    Raises:
        StoreError: the file cannot be written.
    """
    fixture = None if job.recording is None else driver.run._data.fixture()  # noqa: SLF001 - driven here
    if job.recording is not None and fixture is not None:
        job.recording.write(fixture, write)


async def _stop(other: asyncio.Task[Any] | None, name: str) -> None:
    """Stop the task that drives another pass of the run, and wait until it has."""
    if other is None or other.done():
        return
    if other is asyncio.current_task() or other.get_loop() is not asyncio.get_running_loop():
        raise RunLocked(
            f"the run {name!r} is being driven already, by this process",
            host=socket.gethostname(),
            process=os.getpid(),
            hint="Wait until it has ended.",
        )
    other.cancel()
    await asyncio.wait([other], timeout=5)


def run_here(job: Job, drives: Callable[[], Coroutine[Any, Any, Run]] | None = None) -> Run:
    """Complete a job on this thread.

    Without a running event loop it gets one of its own. Inside a running loop it is driven step by step, which works
    as long as it waits for nobody: a question pauses the run instead.

    Args:
        job: what to run.
        drives: drives it; ``drive`` by default.
    """
    job.blocking = in_loop()
    coroutine = drives() if drives else drive(job)
    if not job.blocking:
        with asyncio.Runner() as runner:
            result: Run = runner.run(coroutine)
        return result
    try:
        while True:
            coroutine.send(None)
    except StopIteration as finished:
        ended: Run = finished.value
        return ended
    finally:
        coroutine.close()


def in_loop() -> bool:
    """Whether an event loop runs on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
