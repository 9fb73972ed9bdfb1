"""Where a program may wait: coroutines, callbacks, and the places that cannot be suspended."""

from __future__ import annotations

import pytest

from lua_procedures import LuaRuntimeError

from .cells import paths


def test_coroutines_of_the_program_work(cell):
    """A durable operation in a coroutine goes to the run; the coroutine's own yields go to its resumer."""
    ran = cell.twice("""
        local function worker(name)
          return coroutine.create(function(a)
            local x = Step.run(name .. " 1", function() return a * 2 end)
            local b = coroutine.yield(x)
            local y = Step.run(name .. " 2", function() return b * 3 end)
            coroutine.yield(y)
            return "done"
          end)
        end
        local one, two = worker("one"), worker("two")
        local got = {}
        for i = 1, 3 do
          for _, co in ipairs{one, two} do got[#got + 1] = select(2, coroutine.resume(co, i)) end
        end
        return {got, coroutine.status(one)}
    """)
    assert ran.value == [[2, 2, 6, 6, "done", "done"], "dead"]
    assert [each.name for each in ran.checkpoints] == ["one 1", "two 1", "one 2", "two 2"]


def test_coroutines_inside_a_step_work(cell):
    """A coroutine made in a step may yield to it, with durable operations between."""
    ran = cell.twice("""
        return Step.run("s", function()
          local got = {}
          for v in coroutine.wrap(function()
            for i = 1, 3 do coroutine.yield(Step.run("i" .. i, function() return i end)) end
          end) do got[#got + 1] = v end
          return got
        end)
    """)
    assert ran.value == [1, 2, 3]
    assert paths(ran) == ["0", "0/0", "0/1", "0/2"]


def test_a_coroutine_may_be_left_unfinished(cell):
    """Nothing of it is needed at the end."""
    ran = cell.twice("""
        local co = coroutine.wrap(function() coroutine.yield(Step.run("a", function() return 1 end)) end)
        return co()
    """)
    assert ran.value == 1


@pytest.mark.parametrize("caught", [False, True])
def test_a_yield_out_of_the_program_is_an_error(cell, caught):
    """It says that only a coroutine of the program's own can yield."""
    if caught:
        assert cell("return (pcall(coroutine.yield, 1))").value is False
    else:
        assert "outside a coroutine" in str(cell.fails("coroutine.yield(1)"))


def test_a_yield_out_of_a_step_is_an_error(cell):
    """A step must end before its coroutine yields, also out of an inner step and through pcall."""
    error = cell.fails("""
        local co = coroutine.wrap(function()
          Step.run("outer", function() Step.run("inner", function() coroutine.yield(1) end) end)
        end)
        co()""")
    assert isinstance(error, LuaRuntimeError)
    assert "out of a step" in error.message


def test_a_yield_is_allowed_again_after_the_step(cell):
    """Also where the step failed."""
    ran = cell.twice("""
        local co = coroutine.wrap(function()
          pcall(Step.run, "bad", function() coroutine.yield(1) end)
          coroutine.yield(2)
          Step.run("good", function() end)
          coroutine.yield(3)
        end)
        return {co(), co()}
    """)
    assert ran.value == [2, 3]


CALLBACKS = {
    "table.sort": "local t = {3, 1, 2} table.sort(t, function(a, b) return ask(a .. '<' .. b) and a < b end) return t",
    "string.gsub": "return (string.gsub('a-b', '%w', function(c) ask(c) return c:upper() end))",
    "gsub method": "return (('x y'):gsub('%w', function(c) ask(c) return c .. c end))",
    "an iterator": "local n = 0 for v in function() n = n + 1 ask(n) return n < 3 and n or nil end do end return n",
    "__index": "return setmetatable({}, {__index = function(_, k) return ask(k) end}).key",
    "__eq and __lt": """local m = {} m.__lt = function() return ask('lt') end m.__eq = function() return ask('eq') end
        local a, b = setmetatable({}, m), setmetatable({}, m) return {a < b, a == b}""",
    "__concat": "return setmetatable({}, {__concat = function() return ask('concat') and 'x' end}) .. ''",
    "__pairs": """local t = setmetatable({}, {__pairs = function() ask('pairs') return next, {a = 1} end})
        for k, v in pairs(t) do return k end""",
    "__close": "do local c <close> = setmetatable({}, {__close = function() ask('close') end}) end return 1",
    "pcall": "return select(2, pcall(pcall, ask, 'x'))",
}


@pytest.mark.parametrize("body", CALLBACKS.values(), ids=CALLBACKS)
def test_callbacks_may_wait(cell, body):
    """A person is asked from within it, the run pauses, goes on, and replays."""
    program = f"local function ask(m) return Human.approve(tostring(m)) end\n{body}"
    expected = cell(program, answers=lambda request: True, name="at once").value
    for _ in range(20):
        ran = cell(program)
        if ran.status == "completed":
            break
        cell.answer(value=True)
    assert ran.value == expected
    assert ran.executed == 1
    assert cell.twice(program).value == expected


CANNOT = {
    "an xpcall handler": "return {xpcall(error, function() return Step.run('s', function() return 1 end) end, 'x')}",
    "__close of a closed coroutine": """
        local co = coroutine.create(function()
          local c <close> = setmetatable({}, {__close = function() Sleep(0) end})
          coroutine.yield()
        end)
        coroutine.resume(co)
        return {coroutine.close(co)}""",
}


def test_a_tostring_of_its_own_may_wait(cell):
    """`tostring` is written in Lua here, so an operation inside of `__tostring` suspends as anywhere."""
    program = """
        local function text() return Step.run("s", function() return "x" end) end
        return tostring(setmetatable({}, {__tostring = text}))"""
    assert cell.twice(program).value == "x"


@pytest.mark.parametrize("body", CANNOT.values(), ids=CANNOT)
def test_where_lua_cannot_suspend_an_operation_is_an_error(cell, body):
    """The error says so, names the operation, and the run goes on as after any error."""
    program = f"""
        local got = (function() {body} end)
        local ok, value = pcall(got)
        local text = type(value) == "table" and tostring(value[2]) or tostring(value)
        return {{text, Step.run("after", function() return 1 end)}}"""
    ran = cell.twice(program)
    assert "cannot wait here" in ran.value[0]
    assert ran.value[1] == 1
    assert paths(ran) == ["0"]


def test_showing_and_state_never_suspend(cell):
    """Printing, logging, State, Stage and time work where nothing can wait."""
    ran = cell.twice("""
        local t = setmetatable({}, {__tostring = function()
          print("shown") Log.info("logged") State.increment("n") Stage.set("s") Human.notify("told")
          return tostring(os.time() > 0 and math.random() >= 0)
        end})
        return {tostring(t), State.get("n"), Stage.current()}
    """)
    assert ran.value == ["true", 1, "s"]
    assert len(ran.notices) == 3
