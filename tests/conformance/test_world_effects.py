"""What a step does to Stage and Stop, and what it shows, is put back when the step is not run again."""

from __future__ import annotations

from .cells import messages


def test_stages_are_put_back_with_their_times(cell):
    """Moves made in a step are there on replay, in order and with the same timestamps, seen by the program too."""
    ran = cell.twice("""
        Stages{"a", "b", "c"}
        Stage.set("a")
        Step.run("s", function()
          Stage.advance()
          Step.run("t", function() Stage.set("b") end)
        end)
        Stage.advance("c")
        local rows = {}
        for i, row in ipairs(Stage.history()) do rows[i] = {row.from_stage or "", row.to_stage, row.timestamp} end
        return {rows, Stage.current(), Stage.count(), Stage.progress(), Stage.advance() == nil}
    """)
    rows, *rest = ran.value
    assert [row[:2] for row in rows] == [["", "a"], ["a", "b"], ["b", "b"], ["b", "c"]]
    assert [row[2] for row in rows] == [move.timestamp for move in ran.stages]
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert rest == ["c", 4, 1.0, True]
    assert ran.stage == "c"


def test_stages_declared_in_a_step_are_put_back(cell):
    """The declaration holds after the replay, too."""
    ran = cell.twice("""
        Step.run("s", function() Stages{"a", "b"} Stage.advance() end)
        return {pcall(Stage.set, "unknown"), Stage.advance()}
    """)
    assert ran.value[0] is False
    assert ran.value[-1] == "b"


def test_a_stop_asked_for_in_a_step_is_put_back(cell):
    """Reason and success are there on replay; the last one wins."""
    ran = cell.twice("""
        Step.run("s", function() Stop.request("first") Stop.request("second", false) end)
        return {Stop.requested(), Stop.reason(), Stop.success(), Iterations.current(), Iterations.exceeded(0)}
    """)
    assert ran.value == [True, "second", False, 0, True]
    assert (ran.stop.requested, ran.stop.reason, ran.stop.success, ran.iterations) == (True, "second", False, 0)


def test_before_any_request_nothing_is_stopped(cell):
    """False, nil, true."""
    assert cell("return {Stop.requested(), Stop.reason() == nil, Stop.success()}").value == [False, True, True]


def test_notices_are_put_back_in_order(cell):
    """What a step and its inner steps showed is shown again, once, where it was, with all its fields."""
    ran = cell.twice("""
        print("before")
        Step.run("outer", function()
          print("outer 1", {a = 1})
          Step.run("inner", function() Log.warn("inner", {k = 2}) end)
          local details = {{title = "t", content = "c"}}
          Human.notify{message = "outer 2", content = "**x**", details = details, level = "error"}
          System.alert{message = "outer 3", source = "probe", context = {x = 1}, extra = 5}
        end)
        print("after")
    """)
    shown = [notice.message for notice in ran.notices]
    assert shown == ["before", "outer 1\t{a = 1}", "inner", "outer 2", "outer 3", "after"]
    assert ran.notices[4].source == "probe"
    assert ran.notices[3].details == ({"title": "t", "content": "c"},)


def test_an_interrupted_step_shows_its_notices_once(cell):
    """Entered again, it shows what its finished inner steps showed, and its own, each once."""
    program = """
        Step.run("outer", function()
          print("one")
          Step.run("inner", function() print("two") end)
          Human.approve("Go?")
          print("three")
        end)"""
    assert messages(cell(program), "print") == ["one", "two"]
    assert messages(cell(program, answers=[True]), "print") == ["one", "two", "three"]
    assert messages(cell.twice(program), "print") == ["one", "two", "three"]
