"""Steps that fail: what is recorded of a failure, what is tried again, and what a program may catch."""

from __future__ import annotations

import pytest

from lua_procedures import LuaRuntimeError, ToolError

from .cells import messages, paths


def test_a_failure_that_ends_the_run_is_tried_again(cell):
    """It is not recorded; what stands before it, and what finished inside it, replays."""
    program = """
        local a = Step.run("a", function() return math.random() end)
        local b = Step.run("b", function()
          local inner = Step.run("inner", function() print(math.random()) return 1 end)
          error("no luck")
        end)"""
    first, second = cell.failed(program), cell.failed(program)
    assert (second.status, second.replayed) == ("failed", 1)
    assert paths(second, replayed=True) == ["0", "1/0"]
    assert messages(second, "print") == messages(first, "print")


def test_a_mended_step_runs_anew(cell):
    """Once the step's function is mended it is another step; what stands before is kept."""
    text = """
        local a = Step.run("a", function() return math.random() end)
        return {a, Step.run("b", function() %s end)}"""
    first = cell.failed(text % "error('no')")
    second = cell(text % "return 1")
    assert second.value == [first.checkpoints[0].value, 1]


def test_a_failure_outside_a_step_keeps_what_was_done(cell):
    """The re-run goes on from the last checkpoint, and what is mended after it runs nothing twice."""
    text = 'local a = Step.run("a", function() return math.random() end)\n%s\nreturn a'
    error = cell.fails(text % "local t = nil\nt = t.x")
    assert isinstance(error, LuaRuntimeError)
    assert error.line == 3
    assert error.run is not None
    assert cell(text % "").value == error.run.checkpoints[0].value
    assert cell(text % "").executed == 0


def test_a_caught_failure_is_recorded(cell):
    """It replays as the same error, and the step does not run again."""
    ran = cell.twice("""
        local ok, message = pcall(Step.run, "bad", function() error("no " .. math.random()) end)
        return {ok, message, Step.run("next", function() return 1 end)}
    """)
    assert ran.value[0] is False
    assert ran.checkpoints[0].error == ran.value[1]
    assert ran.checkpoints[0].value is None


def test_a_failure_that_is_caught_at_the_very_end_is_recorded(cell):
    """Completing is going on: no other operation need follow."""
    ran = cell.twice("return {pcall(Step.run, 'bad', function() error({n = math.random()}) end)}")
    assert ran.value[0] is False


def test_a_caught_failure_before_an_error_is_tried_again(cell):
    """A program that catches a failure and then fails itself has not gone on: nothing is recorded."""
    program = "local ok = pcall(Step.run, 'bad', function() print('tried') error('x') end)\n%s"
    cell.fails(program % "error('too')")
    assert list(cell.store.entries(cell.store.journals()[0].id)) == []
    assert cell(program % "return ok").executed == 1


def test_a_caught_failure_before_a_question_is_recorded(cell):
    """A wait is reached by going on: the failed step is not tried again when the answer comes."""
    program = """
        local ok, drawn = pcall(Step.run, "bad", function() error({n = math.random()}) end)
        return {drawn.n, Human.approve("Go?")}"""
    first = cell(program)
    second = cell(program, answers=[True])
    assert (first.status, second.replayed, second.executed) == ("paused", 1, 1)
    assert cell.twice(program).value == second.value


ERRORS = {
    "a string": ("'text'", "text"),
    "a string without position": ("'text', 0", "text"),
    "a table": ("{code = 5, list = {1, 2}}", {"code": 5, "list": [1, 2]}),
    "a number": ("5", 5),
    "a float": ("5.5", 5.5),
    "a boolean": ("false", False),
    "a text with quotes": (r"'\"\\\0ü'", '"\\\0ü'),
    "a list": ("{}", []),
}


@pytest.mark.parametrize(("thrown", "value"), ERRORS.values(), ids=ERRORS)
def test_error_values_come_back(cell, thrown, value):
    """A caught error is the same value live and on replay."""
    ran = cell.twice(f"local ok, e = pcall(Step.run, 's', function() error({thrown}) end)\nreturn e")
    assert ran.value == value or (isinstance(value, str) and ran.value.endswith(f": {value}"))


@pytest.mark.parametrize(("thrown", "value"), ERRORS.values(), ids=ERRORS)
def test_uncaught_error_values_reach_python(cell, thrown, value):
    """`.value` is the Lua error value as plain data."""
    error = cell.fails(f"Step.run('s', function() error({thrown}) end)")
    assert isinstance(error, LuaRuntimeError)
    assert error.value == value or (isinstance(value, str) and error.value.endswith(f": {value}"))
    assert error.run is not None
    assert error.run.error is error
    assert error.run.status == "failed"


def test_a_caught_error_table_is_a_recorded_copy(cell):
    """The table that was thrown is not the one that is caught, live as on replay."""
    ran = cell.twice("""
        state.t = {1}
        local ok, e = pcall(Step.run, "s", function() error(state.t) end)
        e[2] = 2
        return {#e, #state.t, rawequal(e, state.t)}
    """)
    assert ran.value == [2, 1, False]


def test_an_error_that_cannot_be_recorded_becomes_text(cell):
    """An error object with a metatable is caught as its text, live as on replay."""
    ran = cell.twice("""
        return select(2, pcall(Step.run, "s", function()
          error(setmetatable({}, {__tostring = function() return "custom" end}))
        end))
    """)
    assert ran.value == "custom"


def test_effects_of_a_caught_failure_stay(cell):
    """What the step had done before it failed counts, live as on replay: State, Stage, Stop and notices."""
    ran = cell.twice("""
        state.list = {1}
        pcall(Step.run, "bad", function()
          State.increment("n")
          state.list[1] = nil
          state.t = {1}
          State.append("l", {1})
          Stage.set("broken")
          Stop.request("broken", false)
          print("before")
          error("x")
        end)
        table.insert(state.t, 2)
        return {State.get("n"), #state.list, #state.t, #state.l[1]}
    """)
    assert ran.value == [1, 0, 2, 1]
    assert (ran.stage, ran.stop.reason, messages(ran, "print")) == ("broken", "broken", ["before"])


def test_a_failure_caught_in_a_step_is_the_inner_ones(cell):
    """An inner failure that the outer step catches is recorded inside it; the outer one succeeded."""
    ran = cell.twice("""
        return Step.run("outer", function()
          local ok, e = pcall(Step.run, "inner", function() error({n = 1}) end)
          return {ok, e.n, Step.run("after", function() return 2 end)}
        end)
    """)
    assert ran.value == [False, 1, 2]
    assert [(each.path, each.error) for each in ran.checkpoints] == [("0", None), ("0/0", '{"n":1}'), ("0/1", None)]


def test_a_failure_that_passes_through_two_steps(cell):
    """Both steps failed, both are recorded once the program goes on, and a later step stands after them."""
    ran = cell.twice("""
        local ok = pcall(Step.run, "outer", function()
          Step.run("fine", function() return 1 end)
          Step.run("inner", function() error("deep") end)
        end)
        return {ok, Step.run("after", function() return 2 end)}
    """)
    assert ran.value == [False, 2]
    failed = [each.path for each in ran.checkpoints if each.error is not None]
    assert (paths(ran), failed) == (["0", "0/0", "0/1", "1"], ["0", "0/1"])


def test_a_failed_step_inside_another_one_is_tried_again_with_it(cell):
    """Where the outer step's failure ends the run, the inner failure that it had gone past is recorded."""
    program = """
        Step.run("outer", function()
          pcall(Step.run, "inner", function() print("tried") error("x") end)
          Step.run("fine", function() return 1 end)
          error("late")
        end)"""
    cell.fails(program)
    second = cell.failed(program)
    assert paths(second, replayed=True) == ["0/0", "0/1"]
    assert messages(second, "print") == ["tried"]


def test_a_step_that_fails_first_and_then_succeeds(cell):
    """A loop that tries again under other names records each try."""
    ran = cell.twice("""
        for i = 1, 5 do
          local ok, value = pcall(Step.run, "try " .. i, function()
            State.increment("tries")
            if State.get("tries") < 3 then error("not yet") end
            return "done"
          end)
          if ok then return {i, value, State.get("tries")} end
        end
    """)
    assert ran.value == [3, "done", 3]
    assert [each.error is None for each in ran.checkpoints] == [False, False, True]


def test_failures_in_error_handlers_do_not_break_the_frames(cell):
    """After an error in a handler of `xpcall` the next step stands where it should."""
    ran = cell.twice("""
        local ok, e = xpcall(Step.run, function(m) return "handled: " .. m.n end, "bad", function() error({n = 1}) end)
        return {ok, e, Step.run("after", function() return Checkpoint.next_position() end), Checkpoint.next_position()}
    """)
    assert ran.value == [False, "handled: 1", 0, 2]


MISUSES = "Human.select{options = 5}", "Stage.set(7)", "Step.run()", "Sleep(-1)", "state[1] = 2"


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_can_be_caught(cell, misuse):
    """An error of a primitive is a string with position and name, and the program may go on."""
    ran = cell.twice(f"local ok, e = pcall(function() {misuse} end)\nreturn {{ok, e}}")
    assert ran.value[0] is False
    assert ran.value[1].startswith("cell:1: ")


def test_a_step_whose_state_cannot_be_kept_has_ended(cell):
    """Its failure is caught and recorded as any other, and what follows stands after it, not inside it."""
    ran = cell.twice("""
        state.k = {}
        local ok = pcall(Step.run, "s", function() state.k.a = {print} return 1 end)
        state.k.a = nil
        return {ok, Step.run("t", function() return 2 end)}
    """)
    assert ran.value == [False, 2]
    assert [(each.path, each.name) for each in ran.checkpoints] == [("0", "s"), ("1", "t")]


def test_a_replayed_failure_is_no_other_error_of_the_pass(cell):
    """An error that is raised again later keeps its class, whatever else the host refused meanwhile."""

    def refuse(x: int) -> int:
        raise ValueError("odd")

    program = """
        local _, why = pcall(Step.run, 'a', function() refuse{x = 1} end)
        pcall(refuse, {x = 'no number'})
        error(why, 0)"""
    first, second = (cell.fails(program, tools=[refuse]) for _ in range(2))
    assert type(first) is type(second) is ToolError
    assert str(first) == str(second)
