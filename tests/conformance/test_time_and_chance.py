"""Time and chance: the run's own time, seeded numbers, and what a step draws once."""

from __future__ import annotations

import asyncio
import time

import pytest

import lua_procedures
from lua_procedures import run
from lua_procedures.durable.stores.memory import MemoryStore

from .cells import Cell, Died, DyingStore

# -- the run's own time ----------------------------------------------------------------------------------------

WORK = "for i = 1, 300000 do local x = i * i end"


def test_time_moves_only_at_checkpoints(cell):
    """Between two checkpoints the time stands still, and a checkpoint moves it; all the same on replay."""
    began = time.time()
    ran = cell.twice(f"""
        local a, d = os.clock(), os.time()
        {WORK}
        local b = os.clock()
        Sleep(0.05)
        local c = os.clock()
        {WORK}
        return {{a == b, c - b, c == os.clock(), a, d == os.time() or d + 1 == os.time(), os.date("!%Y-%m-%d")}}
    """)
    stood, moved, stood_again, _, _, _ = ran.value
    assert stood
    assert stood_again
    assert 0.04 < moved <= time.time() - began


def test_the_runs_own_time_is_the_real_time_of_its_checkpoints(cell):
    """It begins when the run does, and `os.date` tells the same as `os.time`."""
    before = int(time.time())
    ran = cell.twice("local t = os.time() return {t, os.date('!%H:%M:%S', t) == os.date('!%H:%M:%S')}")
    assert before <= ran.value[0] <= time.time()
    assert ran.value[1] is True


def test_os_time_of_a_table(cell):
    """`os.time{…}` and `os.difftime` compute as in Lua."""
    day = "os.time{{year = 2020, month = 1, day = {}, hour = 12}}".format
    assert cell(f"return os.difftime({day(2)}, {day(1)})").value == 86400.0


def test_time_in_a_step_is_real(cell):
    """Inside a step's function time moves by itself, and the step is recorded with what it saw."""
    ran = cell.twice(f"""
        return Step.run("s", function()
          local a = os.clock()
          for i = 1, 20 do {WORK} end
          return os.clock() - a
        end)
    """)
    assert ran.value > 0.001


def test_stage_timestamps_are_the_runs_own_time(cell):
    """Moves without a checkpoint between them have one timestamp; replay has the same ones."""
    began = time.time()
    ran = cell.twice(f"""
        Stage.set("a")
        {WORK}
        Stage.set("b")
        Sleep(0.02)
        Stage.set("c")
    """)
    a, b, c = (move.timestamp for move in ran.stages)
    assert a == b
    assert 0.015 < c - b <= time.time() - began


# -- chance ------------------------------------------------------------------------------------------------------

DRAW = """
local before = {math.random(), math.random(10), math.random(5, 6)}
local a = Step.run("a", function() return {math.random(), math.random()} end)
local b = Step.run("b", function() return {math.random(), Step.run("inner", function() return math.random() end)} end)
return {before, a, b, math.random()}
"""


def flat(value):
    return [number for part in value for number in (flat(part) if isinstance(part, list) else [part])]


def test_draws_are_the_same_on_replay(cell):
    """Inside steps and outside."""
    cell.twice(DRAW)


def test_two_runs_draw_different_numbers():
    """Unless a seed is given."""
    assert run(DRAW).value != run(DRAW).value


def test_a_seed_repeats_all_draws():
    """Two runs of the same seed draw the same numbers, another seed others."""
    first, second, other = run(DRAW, seed=5), run(DRAW, seed=5), run(DRAW, seed=6)
    assert first.value == second.value
    assert not set(flat(first.value)) & set(flat(other.value)) - set(range(11))


def test_a_seed_repeats_all_draws_after_an_answer():
    """What a person answered when does not change the draws of a seeded run."""
    program = """
        local review = Human.review{message = "Fine?", artifact = "text"}
        return {Step.run("s", function() return math.random() end), math.random()}"""
    first = run(program, seed=5, answers=["approve"])
    time.sleep(0.01)
    assert run(program, seed=5, answers=["approve"]).value == first.value


def test_each_frame_draws_its_own_numbers(cell):
    """A step's draws do not move the draws outside it, and two steps draw different numbers."""
    ran = cell(
        """
        local a = Step.run("a", function() return math.random() end)
        local x = math.random()
        local b = Step.run("b", function() return {math.random(), math.random()} end)
        return {a, x, b, math.random()}""",
        seed=3,
    )
    without = run("return {math.random(), math.random()}", seed=3, name=cell.name, store=cell.store, fresh=True)
    assert [ran.value[1], ran.value[3]] == without.value
    assert len(set(flat(ran.value))) == 5


def test_draws_inside_and_outside_come_back_after_a_replayed_step(cell):
    """An added draw after a replayed step goes on where the frame was."""
    text = "local x = math.random()\nStep.run('a', function() return math.random() end)\nreturn {x, math.random()%s}"
    first, second = cell(text % ""), cell(text % ", math.random()")
    assert second.value[:2] == first.value


def test_drawn_numbers_fit(cell):
    """Ranges are kept, also the widest ones, and an empty one is an error."""
    ran = cell.twice("""
        local ok = true
        for i = 1, 500 do
          local f, n, m = math.random(), math.random(3), math.random(-2, 2)
          local w = math.random(math.mininteger, math.maxinteger)
          ok = ok and f >= 0 and f < 1 and n >= 1 and n <= 3 and m >= -2 and m <= 2 and math.type(w) == "integer"
        end
        return {ok, pcall(math.random, 0, -1), math.type(math.random(0))}
    """)
    assert ran.value[0] is True
    assert ran.value[1] is False


def test_randomseed_repeats_draws(cell):
    """`math.randomseed(n)` starts a sequence over within its frame."""
    ran = cell.twice("""
        math.randomseed(7)
        local a = math.random()
        math.randomseed(7)
        return {a == math.random()}
    """)
    assert ran.value == [True]


# -- crashes -------------------------------------------------------------------------------------------------------

CRASHING = f"""
local outer = Step.run("outer", function()
  local t, drawn = os.time(), {{math.random(), math.random(100)}}
  Step.run("first", function() return math.random() end)
  {WORK}
  Step.run("second", function() return math.random() end)
  return {{t, drawn, math.random()}}
end)
return outer
"""


@pytest.mark.parametrize("write", range(3, 7))
def test_a_step_entered_again_draws_the_same(write):
    """After a crash it gets the same seed and the same start time again."""
    store = MemoryStore()
    with pytest.raises(Died):
        Cell(DyingStore(store, write, before=True))(CRASHING, seed=4)
    entered = [entry for entry in store.entries(1) if entry.kind == "clock"]
    again = Cell(store)(CRASHING, seed=4)
    assert again.value[1:] == run(CRASHING, seed=4).value[1:]
    if entered:
        assert again.value[0] == int(float(entered[0].outcome))


@pytest.mark.parametrize("seed", [None, 5])
def test_a_step_done_again_draws_anew(cell, seed):
    """`redo` is no crash: the step, and the steps inside it, draw other numbers."""
    program = """
        return Step.run("s", function()
          return {math.random(), Step.run("inner", function() return math.random() end)}
        end)"""
    first, second, third = (
        cell(program, seed=seed),
        cell(program, redo="s", seed=seed),
        cell(program, redo="s", seed=seed),
    )
    assert len({*first.value, *second.value, *third.value}) == 6


# -- Sleep -----------------------------------------------------------------------------------------------------------


def test_a_replay_does_not_sleep_again(cell):
    """The first run waits, the second does not."""
    started = time.monotonic()
    assert slices(cell, "Sleep(0.3) return 1") > 0
    assert time.monotonic() - started >= 0.3
    assert slices(cell, "Sleep(0.3) return 1") == 0


def test_an_interrupted_sleep_waits_out_the_rest(cell):
    """What was slept before the interruption counts, and what passed since."""
    program = "Sleep(1) return os.clock()"

    async def interrupted():
        await asyncio.wait_for(lua_procedures.arun(program, name=cell.name, store=cell.store), 0.25)

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(interrupted())
    time.sleep(0.3)
    assert slices(cell, program) <= 6
    assert time.monotonic() - started >= 1


def slices(cell, program):
    """How often a run of the cell lets the event loop wake it: a sleep does so every tenth of a second."""
    wakings = []

    class Loop(asyncio.SelectorEventLoop):
        def call_at(self, when, *given, **options):  # type: ignore[override]  # its callbacks are of any kind
            wakings.append(when)
            return super().call_at(when, *given, **options)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(lua_procedures.arun(program, name=cell.name, store=cell.store))
    return len(wakings)


def test_a_longer_sleep_is_another_one(cell):
    """Changed seconds are a changed operation; so are changed ones back."""
    assert [cell(f"Sleep({seconds}) return 1").executed for seconds in (0, 0.01, 0)] == [1, 1, 0]


@pytest.mark.parametrize("seconds", ["-1", "0 / 0", "'1'", "nil", "{}"])
def test_sleep_takes_seconds(cell, seconds):
    """Anything but a number of 0 or more is an error that says so."""
    assert "seconds: a number of seconds" in str(cell.fails(f"Sleep({seconds})"))
