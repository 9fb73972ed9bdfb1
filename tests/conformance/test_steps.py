"""Steps: positions and frames, replay, names, results, and what a step may not change."""

from __future__ import annotations

import pytest

from lua_procedures import LimitExceeded, LuaRuntimeError, ProcedureError, run

from .cells import Cell, messages, paths

NESTED = """
local a = Step.run("a", function() return 1 end)
local b = Step.run("b", function()
  local x = Step.run("x", function() return Step.run("deep", function() return 2 end) end)
  return x + checkpoint(function() return 3 end)
end)
local c = Step.checkpoint(function() return 4 end)
local ok = Human.approve{message = "Go on?"}
Sleep(0)
return {a, b, c, ok}
"""


# -- positions and frames ----------------------------------------------------------------------------------


def test_each_operation_takes_the_next_position_of_its_frame(cell):
    """Positions count within the frame, and a step opens a frame of its own."""
    ran = cell(NESTED, answers=[True])
    assert [(each.path, each.position, each.kind, each.name) for each in ran.checkpoints] == [
        ("0", 0, "step", "a"),
        ("1", 1, "step", "b"),
        ("1/0", 0, "step", "x"),
        ("1/0/0", 0, "step", "deep"),
        ("1/1", 1, "checkpoint", ""),
        ("2", 2, "checkpoint", ""),
        ("3", 3, "human", "Go on?"),
        ("4", 4, "sleep", ""),
    ]


def test_counts_are_of_the_outermost_frame(cell):
    """`executed` and `replayed` count the outermost frame only."""
    first, second = cell(NESTED, answers=[True]), cell(NESTED)
    assert (first.replayed, first.executed, second.replayed, second.executed) == (0, 5, 5, 0)


def test_inner_checkpoints_are_listed_without_re_entering_their_step(cell):
    """A replayed run lists the inner checkpoints too, in path order, outer before inner, all as replayed."""
    first, second = cell(NESTED, answers=[True]), cell(NESTED)
    assert paths(second, replayed=True) == paths(first)
    assert [each.value for each in second.checkpoints] == [each.value for each in first.checkpoints]


def test_paths_sort_by_number(cell):
    """Checkpoint 10 comes after checkpoint 9, not after 1."""
    ran = cell("for i = 1, 12 do Step.run('s' .. i, function() return i end) end")
    assert paths(ran) == [str(place) for place in range(12)]


def test_checkpoints_carry_the_line_of_their_call(cell):
    """`line` is the line of the call, in nested steps too."""
    ran = cell(NESTED, answers=[True])
    assert [each.line for each in ran.checkpoints] == [2, 3, 4, 4, 5, 7, 8, 9]


def test_the_line_is_the_nearest_to_the_call(cell):
    """A call in a function has its own line, not the function's call's; of a tail call the step's function is known."""
    ran = cell("""local function ask(n)
        local x = Step.run(n, function() return 1 end)
        return x
    end
    ask("a")
    local function early() return 2 end
    Step.checkpoint(early)

    return Step.run("last", function()
        return 3
    end)""")
    assert [each.line for each in ran.checkpoints] == [2, 7, 9]


def test_a_tail_call_has_the_line_of_its_function(cell):
    """Lua forgets the line of a tail call; the step's function stands in it, or further up than what is known."""
    inline = "Procedure { function()\nSleep(0)\n\nreturn Step.run('a', function() end) end }"
    assert cell(inline).checkpoints[-1].line == 4
    above = "local function early() end Procedure { function()\nSleep(0)\n\nreturn Step.run('a', early) end }"
    assert cell(above, name="other").checkpoints[-1].line == 2


# -- replay ------------------------------------------------------------------------------------------------


def test_a_completed_step_is_not_entered_again(cell):
    """Its result comes from the journal: a number drawn inside is the same, and nothing ran."""
    cell.twice("return Step.run('draw', function() return math.random(), math.random(1000000) end)")


def test_what_stands_before_the_first_new_operation_is_kept(cell):
    """A longer program keeps all that the shorter one had recorded."""
    draw = "local a = Step.run('draw', function() return math.random() end)\n"
    first = cell(draw + "return a")
    second = cell(draw + "local b = Step.run('next', function() return 1 end)\nreturn a")
    assert second.value == first.value
    assert (second.replayed, second.executed) == (1, 1)


def test_an_unnamed_run_uses_nothing_older():
    """Two runs without a name share no journal."""
    program = "return Step.run('draw', function() return math.random() end)"
    first, second = run(program), run(program)
    assert first.name != second.name
    assert (second.replayed, second.executed) == (0, 1)
    assert first.value != second.value


def test_a_step_may_be_reached_through_other_functions_of_lua(cell):
    """A step called through pcall, a tail call, a metamethod, an iterator or a coroutine replays alike."""
    ran = cell.twice("""
        local function tail(name) return Step.run(name, function() return name end) end
        local thing = setmetatable({}, {__index = function(_, k) return tail("index " .. k) end,
                                        __add = function(a, b) return tail("add") end,
                                        __call = function() return tail("call") end})
        local function each()
          local i = 0
          return function() i = i + 1 if i <= 2 then return tail("each " .. i) end end
        end
        local names = {select(2, pcall(tail, "pcall")), thing.x, thing + 1, thing()}
        for name in each() do names[#names + 1] = name end
        names[#names + 1] = coroutine.wrap(function() return tail("wrap") end)()
        return names
    """)
    assert ran.value == ["pcall", "index x", "add", "call", "each 1", "each 2", "wrap"]


def test_a_run_has_at_most_so_many_checkpoints(cell):
    """One checkpoint more than the limit ends the program, which cannot catch it."""
    error = cell.fails(
        "for i = 1, 9 do pcall(Step.run, 's' .. i, function() return i end) end", limits={"max_checkpoints": 8}
    )
    assert isinstance(error, LimitExceeded)


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["''", "nil", "7", "{}", "true"])
def test_a_name_is_a_non_empty_string(cell, name):
    """Anything else is an error that says what was expected."""
    assert "name: a non-empty string expected" in str(cell.fails(f"Step.run({name}, function() end)"))


def test_the_function_is_a_function(cell):
    """A step without a function, or with unknown options, is an error that names the argument."""
    assert "fn: a function expected, got nil" in str(cell.fails("Step.run('a')"))
    assert "unknown option input" in str(cell.fails("Step.run('a', function() end, {input = 1})"))


def test_a_name_used_twice_for_the_same_gives_the_recorded_result(cell):
    """The second use of a name takes no position and leaves a warning."""
    ran = cell.twice("""
        local function draw() return math.random() end
        local a, b = Step.run("draw", draw), Step.run("draw", draw)
        return {a == b, Checkpoint.next_position()}
    """)
    assert ran.value == [True, 1]
    assert len(messages(ran, "warning")) == 1
    assert '"draw"' in messages(ran, "warning")[0]


def test_a_second_use_gives_a_copy_of_its_own(cell):
    """The recorded table is given as another copy, which the first one's changes do not reach."""
    ran = cell.twice("""
        local function list() return {1} end
        local a = Step.run("list", list)
        a[2] = 2
        return {#Step.run("list", list), #a}
    """)
    assert ran.value == [1, 2]


def test_a_name_used_twice_for_something_else_is_an_error(cell):
    """Another function, or other captures, under the same name: an error with the first use's line."""
    other = cell.fails("Step.run('a', function() return 1 end)\nStep.run('a', function() return 2 end)")
    assert '"a" is taken in line 1' in str(other)
    captures = cell.fails("for i = 1, 2 do Step.run('b', function() return i end) end")
    assert '"b" is taken in line 1' in str(captures)


def test_a_name_used_twice_can_be_caught(cell):
    """The error of a name's second use is an ordinary Lua error, also when the first use was replayed."""
    ran = cell.twice("""
        Step.run("a", function() return 1 end)
        local ok, message = pcall(Step.run, "a", function() return 2 end)
        return {ok, message:find("taken", 1, true) ~= nil, Step.run("b", function() return 3 end)}
    """)
    assert ran.value == [False, True, 3]


def test_names_are_unique_within_their_frame_only(cell):
    """The same name in another frame is another step."""
    ran = cell.twice("""
        local function inner() return Step.run("same", function() return math.random() end) end
        return {Step.run("one", inner), Step.run("two", inner), Step.run("same", function() return 0 end)}
    """)
    assert len(set(ran.value)) == 3


def test_a_failed_use_frees_the_name(cell):
    """After a caught failure the name can be used again, with the same function or another."""
    ran = cell.twice("""
        local ok = pcall(Step.run, "a", function() error("no") end)
        local again = pcall(Step.run, "a", function() error("no") end)
        return {ok, again, Step.run("a", function() return "done" end)}
    """)
    assert ran.value == [False, False, "done"]
    assert paths(ran) == ["0", "1", "2"]


def test_checkpoints_without_a_name_go_by_position(cell):
    """`checkpoint(fn)` and `Step.checkpoint(fn)` may stand there with the same function as often as one likes."""
    ran = cell.twice("""
        local function draw() return math.random() end
        return {checkpoint(draw), Step.checkpoint(draw), checkpoint(draw)}
    """)
    assert len(set(ran.value)) == 3


def test_errors_name_the_call(cell):
    """An error of a primitive carries the position and the primitive's name."""
    error = cell.fails("\n\nStep.run('', function() end)")
    assert isinstance(error, ProcedureError)
    assert error.line == 3
    assert "Step.run" in error.message
    assert isinstance(error, LuaRuntimeError)


def test_another_name_is_another_run():
    """Runs of different names in one store share nothing."""
    one = Cell(name="one")
    two = Cell(one.store, name="two")
    program = "return Step.run('draw', function() return math.random() end)"
    assert one(program).value != two(program).value
    assert one(program).executed == two(program).executed == 0


@pytest.mark.parametrize(
    "declaration",
    [
        "Tool 'made' {function() return 1 end}",
        "Toolset 'made' {tools = {}}",
        "Model 'made' {type = 'mock', value = 1}",
        "Procedure 'made' {function() return 1 end}",
        "default_model 'made'",
    ],
)
def test_a_step_cannot_declare(cell, declaration):
    """What a step declares would be missing where the step is not run again, so it is refused."""
    with pytest.raises(ProcedureError, match=r"a step cannot declare, .*: declare it above the step, which can use it"):
        cell(f"Step.run('s', function() {declaration} end)")
