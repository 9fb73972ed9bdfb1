"""`%procedures history`, `fork`, `diff` and `clear`, and the retention that is configured."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel

CELL = """%%%%procedure draft -o r
local a = Step.run("load", function() return 1 end)
local b = Step.run("write", function() return %s end)
return {a, b}"""


def test_the_past_of_a_run_is_shown_forked_compared_and_cleared(start_kernel):
    """Each subcommand says in text what it shows or did, and a cell of a fork's name goes on from there."""
    kernel = start_kernel()
    kernel.run(CELL % "'one'", allow_stdin=False)
    kernel.run(CELL % "'two'", allow_stdin=False)
    shown = kernel.run("%procedures history draft")
    [text] = shown.texts
    assert text.splitlines() == [
        "draft: 1 journal",
        "  no inputs  generation 0 (newest)  completed  2 checkpoints",
        '    superseded from 1, step "write": 1 checkpoint; line 3: step "write" changed (its function)',
    ]
    forked = kernel.run("%procedures fork draft write other")
    assert forked.texts == ["forked draft to other: 1 checkpoint kept, it goes on at position 1"]
    kernel.run((CELL % "'three'").replace("draft", "other"), allow_stdin=False)
    assert kernel.value("(r.replayed, r.executed, r.value)") == (1, 1, [1, "three"])
    differs = kernel.run("%procedures diff draft other").texts[0].splitlines()
    assert differs[:2] == [
        "draft → other: 1 checkpoint the same, 1 changed",
        '  1  step "write": line 3: step "write" changed (its function)',
    ]
    assert "+three" in differs[4]
    cut = kernel.run("%procedures clear draft --after load")
    assert cut.texts == ["cleared draft after load: 1 checkpoint kept, 1 forgotten"]
    assert kernel.run("%procedures clear other").texts == ["cleared other: 1 journal deleted"]
    assert kernel.run("%procedures").texts == ["draft  cancelled"]
    refused = kernel.run("%procedures fork draft wirte again")
    assert "The nearest: " in refused.error


def test_old_journals_go_when_a_run_ends(start_kernel):
    """`%config Procedures.keep_runs` is applied at the end of a run, which says so in one line when it deleted any."""
    kernel = start_kernel()
    kernel.run("%config Procedures.keep_runs = 2")
    fresh = (CELL % "1").replace("-o r", "-o r --fresh --quiet")
    said = [kernel.run(fresh, allow_stdin=False).printed for _ in range(3)]
    assert said == ["", "", "deleted 1 old journal: draft\n"]
