"""What a run takes of the process's memory."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from lua_procedures import run

STEPS = 2_000
MOST = 500  # bytes a step
PROGRAM = "for i = 1, {} do Step.run('s' .. i, function() return i end) end {}"


@pytest.mark.parametrize("walked", [False, True])
@pytest.mark.parametrize("store", ["memory:", "sqlite"])
def test_a_step_takes_half_a_kilobyte_at_most(tmp_path, store, walked):
    """A run that is held, with its store, whether its steps ran in it or were replayed."""
    url = store if store == "memory:" else str(tmp_path / "runs.db")
    run(PROGRAM.format(5, ""), name="warm", store=url)
    if walked:
        run(PROGRAM.format(STEPS, ""), name="steps", store=url)
    gc.collect()
    tracemalloc.start()
    try:
        held = run(PROGRAM.format(STEPS, "-- again" if walked else ""), name="steps", store=url)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held.replayed == (STEPS if walked else 0)
    assert taken / STEPS < MOST
    assert [each.value for each in held.checkpoints] == [*range(1, STEPS + 1)]
