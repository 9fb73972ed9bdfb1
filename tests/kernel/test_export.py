"""`%procedures export` and `import`: a run moves from one kernel to another in a file."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.kernel

CELL = """%%procedure moving -o r
local n = Step.run("draw", function() return math.random(1, 2^53) end)
return {n, Human.approve("Take it?")}"""


def test_a_run_moves_to_another_kernel(start_kernel, tmp_path):
    """Exported while it waits, it is imported by a kernel that knows nothing of it, answered there, and completed."""
    first = start_kernel()
    first.run(CELL, allow_stdin=False)
    drawn = first.value("r.checkpoints[0].value")
    wrote = first.run("%procedures export moving 'the run.pickle'")
    assert wrote.texts == ["wrote the run.pickle: 1 checkpoint"]
    first.run("%procedures export moving run.json")
    assert json.loads((tmp_path / "run.json").read_text())["run"]["checkpoints"][0]["value"] == drawn
    first.restart()
    assert first.run("%procedures").texts == ["no runs"]
    brought = first.run("%procedures import 'the run.pickle' --as moved")
    assert brought.texts == ["imported moved: paused, 1 checkpoint"]
    ended = first.run("m = %procedures answer moved yes")
    assert not ended.error
    assert first.value("m.value") == [drawn, True]
    refused = first.run("%procedures import run.json")
    assert "ImportRefused" in refused.error
    wrong = first.run("%procedures import 'the run.pickle' --as")
    assert "--as needs a NAME" in wrong.error
