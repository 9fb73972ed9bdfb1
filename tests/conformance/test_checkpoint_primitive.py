"""`Checkpoint`: what a program asks of its own journal, and how it cuts it."""

from __future__ import annotations

import time

import pytest

from .cells import Cell, Died, DyingStore, paths


def recorded(cell):
    """The names of all steps that the only journal holds, in order."""
    return [entry.name for entry in cell.store.entries(1) if entry.kind == "step"]


DRAW = 'Step.run("%s", function() return math.random() end)'


def test_exists_and_get_answer_by_name_and_position(cell):
    """A name or a 0-based position of this frame; nil where there is none."""
    ran = cell.twice(
        """
        Step.run("a", function() return {1, "x"} end)
        Step.run("b", function() return nil, 2 end)
        Human.input("Name?")
        return {
          {Checkpoint.exists("a"), Checkpoint.exists(0), Checkpoint.exists(2), Checkpoint.exists("Name?")},
          {Checkpoint.exists("z"), Checkpoint.exists(3), Checkpoint.get("z") == nil, Checkpoint.get(9) == nil},
          {Checkpoint.get("a"), Checkpoint.get(0), Checkpoint.get(2), select(2, Checkpoint.get("b"))},
        }
    """,
        answers=lambda request: "Ada",
    )
    assert ran.value == [[True] * 4, [False, False, True, True], [[1, "x"], [1, "x"], "Ada", 2]]


def test_answers_take_no_position_and_are_the_same_on_replay(cell):
    """What the journal held when the program first asked counts, this pass's work included."""
    program = """
        local before = Checkpoint.exists("a")
        Step.run("a", function() return 1 end)
        local after = Checkpoint.exists("a")
        return {before, after, Checkpoint.next_position()}"""
    ran = cell.twice(program)
    assert ran.value == [False, True, 1]
    assert paths(ran) == ["0"]


def test_an_edited_program_asks_what_the_journal_holds(cell):
    """A question that is new sees what earlier runs recorded; its answer then stays."""
    cell("Step.run('a', function() return 7 end)")
    program = """
        local known, value = Checkpoint.exists("a"), Checkpoint.get("a")
        return {known, value, Checkpoint.exists("b")}"""
    assert cell(program).value == [True, 7, False]
    cell("Step.run('a', function() return 8 end)\nStep.run('b', function() return 9 end)")
    assert cell(program).value == [True, 7, False]


def test_positions_are_of_the_frame_that_asks(cell):
    """Inside a step names and positions are those of its own frame."""
    ran = cell.twice("""
        Step.run("a", function() return "outer a" end)
        local inside = Step.run("b", function()
          local first = Checkpoint.next_position()
          Step.run("c", function() return "inner" end)
          return {first, Checkpoint.next_position(), Checkpoint.get(0), Checkpoint.exists("a"), Checkpoint.exists("c")}
        end)
        return {inside, Checkpoint.get(0), Checkpoint.exists("c"), Checkpoint.next_position()}
    """)
    assert ran.value == [[0, 1, "inner", False, True], "outer a", False, 2]


def test_get_gives_a_copy(cell):
    """Changing what `get` gave changes nothing recorded."""
    ran = cell.twice("""
        local t = Step.run("a", function() return {1} end)
        local got = Checkpoint.get("a")
        got[2] = 2
        return {#Checkpoint.get("a"), #t}
    """)
    assert ran.value == [1, 1]


def test_a_caught_failure_exists_without_a_value(cell):
    """It has its place in the journal, and `get` gives nil."""
    ran = cell.twice("""
        pcall(Step.run, "bad", function() error("x") end)
        return {Checkpoint.exists("bad"), Checkpoint.get("bad") == nil}
    """)
    assert ran.value == [True, True]


@pytest.mark.parametrize("call", ["exists", "get", "clear_after"])
@pytest.mark.parametrize("argument", ["nil", "-1", "1.5", "''", "{}"])
def test_a_checkpoint_is_named_by_text_or_position(cell, call, argument):
    """Anything else is an error that says what was expected."""
    assert "name or position (0-based) expected" in str(cell.fails(f"Checkpoint.{call}({argument})"))


# -- cuts ----------------------------------------------------------------------------------------------------

CUT = "\n".join(
    [f"local {name} = {DRAW % name}" for name in "abc"]
    + ["%s", "local position = Checkpoint.next_position()", f"local d = {DRAW % 'd'}", "return {a, b, c, position, d}"]
)


@pytest.mark.parametrize(("cut", "kept"), [("'b'", 1), ("1", 1), ("0", 0), ("'c'", 2)])
def test_clear_after_forgets_that_checkpoint_and_all_later_ones(cell, cut, kept):
    """The next operation takes its position, and the next run starts from what the cut left."""
    program = CUT % f"Checkpoint.clear_after({cut})"
    first = cell(program)
    assert first.value[3] == kept
    assert paths(first) == [str(place) for place in range(kept + 1)]
    second = cell(program)
    assert second.value[:kept] == first.value[:kept]
    assert len(recorded(cell)) == 4 + (4 - kept)


def test_clear_all_starts_the_next_run_from_the_beginning(cell):
    """Nothing of the finished run is used again."""
    program = f"local a = {DRAW % 'a'}\nlocal b = {DRAW % 'b'}\nCheckpoint.clear_all()\nreturn {{a, b}}"
    cell(program)
    assert cell(program).replayed == 0
    assert len(recorded(cell)) == 4


def test_what_runs_again_after_a_cut_meets_chance_and_time_anew(cell):
    """A forgotten step is no interrupted one: it draws other numbers, and its time is the time it runs at."""
    program = """
        local drawn = Step.run("s", function() return {math.random(), os.clock()} end)
        Checkpoint.clear_all()
        return drawn"""
    first = cell(program)
    time.sleep(0.05)
    second = cell(program)
    assert second.value[1] >= first.value[1] + 0.05
    assert second.value[0] != first.value[0]


def test_an_unknown_checkpoint_cuts_nothing(cell):
    """`clear_after` of what is not there has no effect."""
    ran = cell.twice(f"local a = {DRAW % 'a'}\nCheckpoint.clear_after('z')\nCheckpoint.clear_after(7)\nreturn a")
    assert paths(ran) == ["0"]


def test_a_cut_does_not_touch_state(cell):
    """What the forgotten steps did to State stays for this run."""
    ran = cell("Step.run('a', function() state.k = 1 end)\nCheckpoint.clear_all()\nreturn state.k")
    assert (ran.value, ran.state) == (1, {"k": 1})


def test_a_name_is_free_after_a_cut(cell):
    """A forgotten step's name can be used again, for something else too."""
    ran = cell("""
        Step.run("a", function() return 1 end)
        Checkpoint.clear_all()
        return Step.run("a", function() return 2 end)""")
    assert (ran.value, paths(ran)) == (2, ["0"])


def test_a_cut_can_be_made_over_and_over(cell):
    """A loop that clears what it did in each round ends, with fresh work in each."""
    ran = cell("""
        local drawn = {}
        for i = 1, 4 do
          drawn[i] = Step.run("work", function() return os.clock() end)
          Checkpoint.clear_after("work")
        end
        return drawn""")
    assert len(set(ran.value)) == 4


def test_a_cut_in_a_step_is_of_its_own_frame(cell):
    """Inside a step only its own checkpoints are forgotten."""
    ran = cell.twice("""
        local a = Step.run("a", function() return math.random() end)
        local b = Step.run("b", function()
          local x = Step.run("x", function() return math.random() end)
          Checkpoint.clear_all()
          return {x, Checkpoint.next_position(), Step.run("y", function() return math.random() end)}
        end)
        return {a, b}""")
    assert ran.value[1][1] == 0


WAITING = CUT.replace("return {a", 'local ok = Human.approve("Go?")\nreturn {ok, a') % "Checkpoint.clear_after('b')"


def test_a_pause_replays_across_the_cut(cell):
    """A pass resumed after a pause knows what was cut only now, and goes on behind it."""
    first = cell(WAITING)
    assert first.status == "paused"
    again = cell(WAITING)
    second = cell(WAITING, answers=[True])
    assert (first.pending.id, second.executed) == (again.pending.id, 1)
    assert recorded(cell) == list("abcd")
    assert second.value[0] is True
    third = cell(WAITING, answers=[True])
    assert third.value[1] == second.value[1]
    assert recorded(cell) == list("abcdbcd")


@pytest.mark.parametrize("write", range(2, 7))
@pytest.mark.parametrize("before", [True, False])
def test_a_killed_pass_replays_across_the_cut(cell, write, before):
    """Wherever the process died, the next pass ends as an undisturbed one, and no step ran twice."""
    program = CUT % "Checkpoint.clear_after('b')"
    undisturbed = Cell()(program, seed=2)
    with pytest.raises(Died):
        Cell(DyingStore(cell.store, write, before=before))(program, seed=2)
    assert cell(program, seed=2).value == undisturbed.value
    assert recorded(cell) == list("abcd")


def test_the_history_keeps_what_was_cut(cell):
    """The entries are still in the store."""
    cell(CUT % "Checkpoint.clear_all()")
    assert recorded(cell) == list("abcd")


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_a_cut_counts_where_nothing_is_written(cell, runs):
    """With `strict` and `plan`, too, it forgets what earlier runs did after their own cuts of the same place."""
    source = """
    Checkpoint.clear_all()
    local a = Step.run("a", function() return 1 end)
    return a + Step.run("b", function() return a + 1 end)
    """
    for _ in range(runs):
        assert cell(source).executed == 2
    assert 'step "a" runs again' in str(cell.fails(source, strict=True))
    planned = cell(source, plan=True)
    assert (planned.status, planned.replayed, [each.name for each in planned.planned][:1]) == ("pending", 0, ["a"])
