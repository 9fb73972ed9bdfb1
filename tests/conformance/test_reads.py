"""What a step read of State, Stage and Stop: it runs again when that is another, and only then."""

from __future__ import annotations

import pytest

READS = {
    "the key": "local v = state.k",
    "State.get": "local v = State.get('k')",
    "increment": "State.increment('k')",
    "pairs": "for k, v in pairs(state) do end",
    "State.all": "local all = State.all()",
    "a captured helper": "read()",
}


@pytest.mark.parametrize("how", READS.values(), ids=READS)
def test_a_step_depends_on_the_state_it_read(cell, how):
    """It replays while the key it read is the same, runs again where it changed, and is found again after."""
    text = f"""
        state.k = %s
        local function read() return state.k end
        return Step.run("s", function() {how} return math.random() .. os.clock() end)"""
    first = cell(text % "1")
    assert (cell(text % "1").value, cell(text % "1").executed) == (first.value, 0)
    second = cell(text % "2")
    assert second.executed == 1
    assert second.value != first.value
    assert (cell(text % "1").value, cell(text % "1").executed) == (first.value, 0)
    assert cell(text % "2").value == second.value


def test_state_that_a_step_did_not_read_does_not_count(cell):
    """Another key may change, and a key that the step only writes."""
    text = """
        state.other, state.written = %s, %s
        return Step.run("s", function() state.written = 5 return math.random() .. os.clock() end)"""
    first = cell(text % (1, 1))
    second = cell(text % (2, 2))
    assert (second.value, second.executed) == (first.value, 0)


def test_state_read_in_a_nested_step_counts_for_the_outer_one(cell):
    """The outer step depends on what its inner steps read."""
    text = """
        state.k = %s
        return Step.run("outer", function() return Step.run("inner", function() return state.k end) end)"""
    assert [cell(text % n).value for n in (1, 2, 1)] == [1, 2, 1]


WORLD = {
    "the current stage": "return Stage.current()",
    "is": "return Stage.is('two')",
    "progress": "return Stage.progress()",
    "count": "return Stage.count()",
    "history": "return #Stage.history()",
    "stop": "return Stop.requested()",
    "reason": "return Stop.reason()",
    "iterations": "return Iterations.current()",
    "an empty State": "for k in pairs(state) do end",
}


@pytest.mark.parametrize("how", WORLD.values(), ids=WORLD)
def test_a_step_that_looked_at_stage_or_stop_replays(cell, how):
    """What a step read of Stage, Stop and Iterations is the same on replay, so it does not run again."""
    cell.twice(f"""
        Stages{{"one", "two"}}
        Stage.set("two")
        Stop.request("enough")
        return Step.run("s", function() {how} end)""")


OWN = {
    "the stage": "Stage.set('one') return Stage.current()",
    "two stages": "Stage.advance() Stage.advance() return Stage.progress()",
    "the history": "Stage.set('one') return Stage.count()",
    "a stop": "Stop.request('x') return Stop.reason()",
    "a new key": "state.new = 1 local n = 0 for k in pairs(state) do n = n + 1 end return n",
    "a deleted key": "state.k = nil return State.all()",
    "an appended item": "State.append('list', 1) return #state.list",
    "a new list": "State.append('made', 1) State.append('made', 2) return #state.made",
    "an inner step's item": "Step.run('i', function() State.append('list', 1) end) return #state.list",
    "an inner step's stage": "Step.run('i', function() Stage.set('two') end) return Stage.current()",
}


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_a_step_that_reads_what_it_did_itself_replays(cell, body):
    """It depends on what it found before it began, not on its own doing."""
    cell.twice(f"""
        Stages{{"one", "two"}}
        state.k, state.list = 1, {{0}}
        return Step.run("s", function() {body} end)""")


def test_state_keys_named_like_something_else_are_only_keys(cell):
    """No name of a State key means Stage, Stop or the like to the journal."""
    names = "stage", "Stop", "Iterations", "keys of State", "the current stage"
    read = " ".join(f"got[#got + 1] = state['{name}']" for name in names)
    text = (
        "\n".join([*(f"state['{name}'] = %d" for name in names), "Stop.request('x')", "Stage.set('y')"])
        + f"""
        return Step.run("s", function()
          local got = {{Stop.reason(), Stage.current(), Iterations.current()}}
          {read}
          return got
        end)"""
    )
    assert cell.twice(text % (1, 2, 3, 4, 5)).value == ["x", "y", 0, 1, 2, 3, 4, 5]
    assert cell(text % (1, 2, 3, 4, 6)).value == ["x", "y", 0, 1, 2, 3, 4, 6]


@pytest.mark.parametrize("how", ["Stage.current()", "Stage.is('b')", "Stage.progress()", "Stage.advance()"])
def test_a_step_depends_on_the_stage_it_read(cell, how):
    """It runs again when the stage that it looked at is another one."""
    text = f"Stages{{'a', 'b', 'c'}}\nStage.set('%s')\nreturn Step.run('s', function() return {how} end)"
    values = [cell(text % stage).value for stage in "aba"]
    assert values[0] == values[2] != values[1]


def test_a_list_under_two_keys_is_read_as_it_was_before_it_was_appended_to(cell):
    """Also where the key that was appended to is gone, or both were appended to, when the other one is read."""
    program = """
        State.append("s", "x")
        state.p = state.s
        Step.run("deleted", function() State.append("s", "y") State.delete("s") return #state.p end)
        state.q = state.p
        return Step.run("both", function() State.append("p", 1) State.append("q", 2) return state.q end)
    """
    assert cell.twice(program).value == ["x", "y", 1, 2]
