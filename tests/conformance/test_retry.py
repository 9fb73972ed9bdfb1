"""Retry.with_backoff: a function is called again while it fails; its waits are Sleeps."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lua_procedures import ConversionError, LimitExceeded, LuaRuntimeError

from .cells import Cell, messages, outcome, paths

FLAKY = """
    local calls = 0
    local function flaky()
      calls = calls + 1
      if calls < %d then error("attempt " .. calls, 0) end
      return calls, nil, "done"
    end
"""


def sleeps(run):
    """The recorded waits, in seconds."""
    return [float(each.asked.partition("\x1f")[2]) for each in run if each.kind == "sleep"]


def waits(options, failures=4):
    """The waits of a call that fails so often and then does not."""
    source = f"""
        local waits, calls = {{}}, 0
        Retry.with_backoff(function() calls = calls + 1 if calls <= {failures} then error("x") end end,
          {{max_attempts = {failures + 1}, on_error = function(e) waits[#waits + 1] = e.delay end, {options}}})
        return waits
    """
    ran = Cell()(source)
    assert [each.kind for each in ran.checkpoints] == ["sleep"] * len([wait for wait in ran.value if wait])
    return ran.value


def test_what_succeeds_is_called_once(cell):
    """All its results are given, and nothing waits."""
    ran = cell(FLAKY % 1 + "local a, b, c = Retry.with_backoff(flaky) return {a, b == nil, c, calls}")
    assert (ran.value, ran.checkpoints) == ([1, True, "done", 1], [])


def test_what_fails_is_called_again(cell):
    """Until it succeeds; the waits are recorded and not waited for again."""
    ran = cell.twice(FLAKY % 3 + "local n, _, s = Retry:with_backoff(flaky, {initial_delay = 0.01}) return {n, s}")
    assert ran.value == [3, "done"]
    assert sleeps(cell.store.entries(1)) == [0.01, 0.02]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("initial_delay = 0.001", [0.001, 0.002, 0.004, 0.008]),
        ("base_delay = 0.001, backoff_factor = 3", [0.001, 0.003, 0.009, 0.027]),
        ("initial_delay = 0.001, max_delay = 0.003", [0.001, 0.002, 0.003, 0.003]),
        ("initial_delay = 1, max_delay = 0.001", [0.001] * 4),
        ("initial_delay = 0.001, backoff_factor = 1", [0.001] * 4),
        ("initial_delay = 0", [0] * 4),
        ("initial_delay = 0.001, backoff_factor = 1e300, max_delay = 0.002", [0.001, 0.002, 0.002, 0.002]),
        ("initial_delay = 0.001, backoff_factor = 0", [0.001, 0, 0, 0]),
    ],
)
def test_waits_grow(options, expected):
    """From the initial delay by the factor, up to the longest; a wait of nothing is none."""
    assert waits(options) == pytest.approx(expected)


def test_defaults(cell):
    """Three attempts; after one second the second, after two more the third."""
    ran = cell("""
        local told = {}
        pcall(function()
          Retry.with_backoff(function() error("x", 0) end, {
            on_error = function(e) told[#told + 1] = e if #told == 1 then State.set("first", e) error("enough") end end })
        end)
        return told
    """)
    assert ran.value == [{"attempt": 1, "max_attempts": 3, "error": "x", "delay": 1}]


def test_jitter_is_the_runs_chance(cell):
    """Between half a wait and a whole one, the same on replay, by the seed's numbers."""
    source = """
        local waits = {}
        pcall(Retry.with_backoff, function() error("x") end,
          {retries = 6, base_delay = 0.01, backoff_factor = 1, jitter = true, on_error = function(e) waits[e.attempt] = e.delay end})
        return waits
    """
    ran = cell.twice(source, seed=1)
    assert all(0.005 <= wait <= 0.01 for wait in ran.value[:-1])
    assert len(set(ran.value)) == 6
    assert ran.value[-1] == 0
    assert Cell()(source, seed=1).value == ran.value != Cell()(source, seed=2).value


def test_on_error_is_told_of_every_failure(cell):
    """With the error as it was raised, the wait that follows, and 0 after the last."""
    ran = cell.twice("""
        local told = {}
        local ok, why = pcall(Retry.with_backoff, function() error({code = 5}) end,
          {max_attempts = 2, initial_delay = 0.001, on_error = function(e) told[#told + 1] = e end})
        return {ok, why, told}
    """)
    ok, why, told = ran.value
    assert (ok, why) == (False, "cell:3: Retry.with_backoff: Retry failed after 2 attempts: {code = 5}")
    assert told == [
        {"attempt": 1, "max_attempts": 2, "error": {"code": 5}, "delay": 0.001},
        {"attempt": 2, "max_attempts": 2, "error": {"code": 5}, "delay": 0},
    ]


def test_exhausted(cell):
    """The error is at the call's line and ends with the last failure."""
    error = cell.fails(
        "local n = 0\nlocal r = Retry.with_backoff(function()\nn = n + 1\nerror('no ' .. n)\nend, {retries = 1})"
    )
    assert isinstance(error, LuaRuntimeError)
    assert str(error) == "line 2: Retry.with_backoff: Retry failed after 1 attempt: line 4: no 1"


def test_the_class_of_the_last_failure_stays(cell):
    """Python can tell it from others."""
    error = cell.fails("local r = Retry.with_backoff(function() State.set('k', print) end, {max_attempts = 1})")
    assert isinstance(error, ConversionError)
    assert "Retry failed after 1 attempt" in str(error)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{max_atempts = 2}", "unknown option max_atempts; the options are max_attempts (or retries), initial_delay"),
        ("{max_attempts = 0}", "max_attempts: a whole number (1 or more) expected, got 0"),
        ("{retries = 1.5}", "max_attempts: a whole number (1 or more) expected, got 1.5"),
        ("{retries = 2, max_attempts = 2}", "max_attempts and retries are the same option: give one of them"),
        ("{initial_delay = -1}", "initial_delay: a number of seconds (0 to 1e9) expected, got -1"),
        ("{base_delay = 'x'}", "initial_delay: a number of seconds (0 to 1e9) expected, got a string"),
        ("{backoff_factor = 0/0}", "backoff_factor: a number (0 or more) expected, got"),
        ("{jitter = 0.5}", "jitter: a boolean expected, got a number"),
        ("{on_error = 'x'}", "on_error: a function expected, got a string"),
        ("{1, 2}", "options: a table of named options expected, got a list"),
        ("5", "options: a table of named options expected, got a number"),
    ],
)
def test_misuse(cell, options, told):
    """A wrong option is told before anything is called."""
    error = cell.fails(f"local r = Retry.with_backoff(function() State.set('called', true) end, {options})")
    assert str(error).startswith(f"line 1: Retry.with_backoff: {told}")
    assert error.run is not None
    assert error.run.state == {}


def test_a_function_is_expected(cell):
    """Not what it returned."""
    error = cell.fails("local r = Retry.with_backoff(nil, {})")
    assert str(error) == "line 1: Retry.with_backoff: fn: a function expected, got nil"


def test_a_limit_is_never_retried(cell):
    """It ends the program at once."""
    source = "local n = 0 Retry.with_backoff(function() n = n + 1 print(n) while true do end end, {initial_delay = 0})"
    error = cell.fails(source, limits={"max_seconds": 0.2})
    assert isinstance(error, LimitExceeded)
    assert error.run is not None
    assert messages(error.run, "print") == ["1"]


def test_a_question_is_no_failure(cell):
    """It passes through; the run waits, and goes on in the same attempt."""
    source = (
        FLAKY % 2
        + """
        return Retry.with_backoff(function() flaky() return {Human.approve("Go?"), calls} end, {initial_delay = 0})
    """
    )
    assert cell(source).status == "paused"
    assert cell(source, answers=[True]).value == [True, 2]
    assert cell(source).executed == 0


def test_an_interrupted_retry_goes_on(cell):
    """What its attempts did before is answered from the journal, and its waits are not waited for again."""
    source = """
        local n = 0
        return Retry.with_backoff(function()
          n = n + 1
          local made = Step.run("try " .. n, function() State.append("made", n) return n end)
          pcall(File.read, "missing " .. n)
          if n == 3 then return {n, Human.approve("Go?"), State.get("made")} end
          error("not yet")
        end, {initial_delay = 0.01})
    """
    first = cell(source)
    assert (first.status, len(first.checkpoints)) == ("paused", 8)
    ran = cell(source, answers=[True])
    assert (ran.value, paths(ran, replayed=False)) == ([3, True, [1, 2, 3]], ["8"])


def test_retries_in_a_step(cell):
    """A step that retries is one checkpoint with its waits inside; its failures are its own."""
    ran = cell.twice("""
        return Step.run("s", function()
          local n = 0
          return Retry.with_backoff(function()
            n = n + 1
            State.increment("n")
            local ok, why = pcall(Step.run, "inner " .. n, function() if n < 3 then error({n = n}) end return n end)
            if not ok then error(why) end
            return n
          end, {initial_delay = 0.001, jitter = true})
        end)
    """)
    assert (ran.value, ran.state) == (3, {"n": 3})
    assert [(each.path, each.kind, each.error is None) for each in ran.checkpoints] == [
        ("0", "step", True),
        ("0/0", "step", False),
        ("0/1", "sleep", True),
        ("0/2", "step", False),
        ("0/3", "sleep", True),
        ("0/4", "step", True),
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.integers(1, 4), st.booleans(), st.booleans())
def test_a_second_run_is_the_first(failures, attempts, within, jitter):
    """However often it fails, durable operations in it or not, in a step or not."""
    call = f"""
        local n, out = 0, {{}}
        local ok, why = pcall(Retry.with_backoff, function()
          n = n + 1
          Session.append("user", n)
          local ok, why = pcall(Step.run, "try " .. n, function()
            if n <= {failures} then error({{n = n}}) end
            return n
          end)
          if not ok then error(why) end
          return why
        end, {{retries = {attempts}, base_delay = 0.0001, jitter = {str(jitter).lower()},
               on_error = function(e) out[#out + 1] = e end}})
        return {{ok, why, out, Session.count(), math.random(100)}}
    """
    cell = Cell()
    ran = cell.twice(f"return Step.run('s', function() {call} end)" if within else call)
    assert ran.value[0] is (failures < attempts)
    assert len(ran.value[2]) == ran.value[3] - ran.value[0] == min(failures, attempts)
    assert outcome(ran)["messages"] == ran.messages
