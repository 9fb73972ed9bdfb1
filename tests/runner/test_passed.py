"""What a pass has come past, as those who look at its run see it."""

from __future__ import annotations

from lua_procedures import run

STEPS = """
local a = Step.run("a", function() return {1} end)
local ok = pcall(Step.run, "fails", function() error("no") end)
local b = Step.run("outer", function() return Step.run("inner", function() return 2 end) end)
return b
"""


def listed(ran):
    return [(each.path, each.name, each.line, each.error is None) for each in ran.checkpoints]


def test_lines_that_move_are_told_as_they_are_now():
    """A replayed checkpoint stands where it stands now, the inside of a step included; undone, where it was."""
    first = run(STEPS, name="moving")
    again = run("\n\n" + STEPS, name="moving")
    assert again.executed == 0
    assert listed(again) == [(path, name, line + 2, fine) for path, name, line, fine in listed(first)]
    assert listed(run(STEPS, name="moving")) == listed(first)
    assert listed(first) == [
        ("0", "a", 2, True), ("1", "fails", 3, False), ("2", "outer", 4, True), ("2/0", "inner", 4, True)
    ]  # fmt: skip


def test_a_cut_takes_back_what_follows_and_what_is_inside_it():
    """After ``clear_after`` the checkpoints are those before it, and those of what comes next."""
    ran = run(STEPS.replace("return b", 'Checkpoint.clear_after(1) Step.run("next", function() return 3 end)'))
    assert [(each.path, each.name) for each in ran.checkpoints] == [("0", "a"), ("1", "next")]
