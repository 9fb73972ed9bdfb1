"""What those who watch a run are told of its waits and its stops."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from lua_procedures import run
from lua_procedures.events import CheckpointStarted, Event, RunStarted, StopRequested, Waiting
from lua_procedures.jobs import Job, run_here
from lua_procedures.runs import Run, RunData


def watched(source: str, seen: list[Event] | None = None) -> tuple[Run, list[Event]]:
    """The run of a program, and what it told."""
    seen = [] if seen is None else seen
    job = Job(source=source, name="watched", fresh=True)
    job.sink = seen.append
    return run_here(job), seen


def test_a_sleep_says_until_when() -> None:
    """Before a run sleeps, it tells the path of the sleep and when that is over."""
    before = time.time()
    _, seen = watched("Sleep(0.05)")
    (waiting,) = [event for event in seen if isinstance(event, Waiting)]
    assert (waiting.path, waiting.why) == ("0", "")
    assert waiting.until >= before + 0.05
    assert seen.index(waiting) > next(at for at, event in enumerate(seen) if isinstance(event, CheckpointStarted))


def test_a_retry_says_what_it_waits_after() -> None:
    """The wait between two attempts tells which one failed, of how many."""
    source = "return Retry.with_backoff(function() error('no') end, {max_attempts = 3, initial_delay = 0.01})"
    _, seen = watched(f"return pcall(function() {source} end)")
    waits = [event.why for event in seen if isinstance(event, Waiting)]
    assert waits == ["attempt 1 of 3 failed", "attempt 2 of 3 failed"]


def test_a_stop_of_the_program_is_told() -> None:
    """``Stop.request`` is told with its reason, as one that the program knows."""
    _, seen = watched("Stop.request('enough', false)")
    assert StopRequested("enough", success=False, seen=True) in seen


def test_a_stop_is_asked_for_from_outside() -> None:
    """Who watches can ask a program that looks at ``Stop`` to stop; it is told, and then told again when it is seen."""
    seen: list[Event] = []

    class Watcher(list[Event]):
        def append(self, event: Event) -> None:
            seen.append(event)
            if isinstance(event, CheckpointStarted) and event.path == "2":
                (started,) = [each for each in seen if isinstance(each, RunStarted)]
                assert started.ask_to_stop is not None
                started.ask_to_stop("that will do")

    source = "local n = 0\nwhile not Stop.requested() do n = n + 1 Sleep(0.001) end\nreturn n, Stop.reason()"
    stopped, _ = watched(source, Watcher())
    assert stopped.value == [3, "that will do"]
    assert stopped.stop.reason == "that will do"
    stops = [event.seen for event in seen if isinstance(event, StopRequested)]
    assert stops == [False, True]


def test_a_stop_from_outside_is_met_again_among_steps(tmp_path: Path) -> None:
    """A replay sees it where the first run saw it, also where each step before is answered from the record at once."""

    class Watcher(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, CheckpointStarted) and event.path == "7":
                (started,) = [each for each in self if isinstance(each, RunStarted)]
                assert started.ask_to_stop is not None
                started.ask_to_stop("that will do")

    source = """
    local n = 0
    for i = 1, 1000 do
      n = Step.run("s" .. i, function() for _ = 1, 1e6 do end return i end)
      if Stop.requested() then break end
    end
    return n, Stop.reason()
    """
    store = str(tmp_path / "runs.db")
    job = Job(source=source, name="asked", store=store)
    job.sink = Watcher().append
    first = run_here(job)
    assert first.error is None
    n, reason = first.value
    assert (8 <= n < 1000, reason) == (True, "that will do")
    for text in (source, source + " -- again"):
        again = run(text, name="asked", store=store)
        assert (again.value, again.executed) == (first.value, 0)


def test_a_program_without_stop_cannot_be_asked() -> None:
    """One that never looks at ``Stop`` would not see it, so nobody is offered to ask."""
    _, seen = watched("return 1")
    assert [event.ask_to_stop for event in seen if isinstance(event, RunStarted)] == [None]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_stop_just_before_a_wait_is_met() -> None:
    """A stop that comes while the run is told to wait ends it, and not only after the wait."""

    def press_stop(event: Event) -> None:
        if isinstance(event, Waiting):
            signal.raise_signal(signal.SIGINT)

    run = Run(RunData(name="stopped"))
    with pytest.raises(KeyboardInterrupt):
        run_here(Job("Sleep(3600)", "stopped", fresh=True, sink=press_stop, run=run))
    assert run.status == "cancelled"
