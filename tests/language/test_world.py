"""The guest's world under attack, through the public API: nothing reachable, nothing endless, nothing that kills.

Run as a program, this file is the worker that runs attacks, so that a hang or a crash ends with it.
"""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import _thread
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..bounds import PATIENCE
from .workers import Worker, serve

LIMITS = {"max_seconds": 20, "max_memory_mb": 60}
SOON = {"max_seconds": 0.4, "max_memory_mb": 60}  # for what reaches the limit
ADDRESS = re.compile(r"0x[0-9a-f]{6,}|\b[0-9a-f]{12,}\b")


class World(Worker):
    """Runs programs in a process of its own."""

    def __init__(self) -> None:
        super().__init__("tests.language.test_world", PATIENCE)

    def run(self, source: str, **options: Any) -> dict[str, Any]:
        """How a program ended: ``how``, ``value``, ``message``, ``state``, ``notices``, ``megabytes``."""
        try:
            outcome: dict[str, Any] = self.ask({"source": source, "limits": LIMITS, **options})
        except (TimeoutError, EOFError) as error:
            return {"how": "hung" if isinstance(error, TimeoutError) else "died"}
        return outcome


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    worker = World()
    yield worker
    worker.close()


def value(outcome: dict[str, Any]) -> Any:
    assert outcome["how"] == "completed", outcome
    return outcome["value"]


# What can be reached --------------------------------------------------------------------------------------------------

ABSENT = """
python.eval python.builtins io debug package collectgarbage dofile loadfile os.execute os.getenv os.exit os.remove os.rename
os.tmpname os.setlocale string.dump
""".split()


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_not_there(world, name):
    """No way out is a global, and what Lua or lupa would bring along is nil."""
    assert value(world.run(f"return {name} == nil")) is True


def test_libraries_do_not_come_back(world):
    """`require`, `package.loaded` and the string metatable bring back nothing real."""
    tries = [
        "pcall(function() return require('io').open end)", "pcall(function() return package.loaded.os.execute end)",
        "pcall(function() return ('').dump.x end)", "pcall(function() return getmetatable('').__index.dump end)",
        "pcall(function() return _G._G.debug.getinfo end)", "pcall(function() return load('return io.open')() end)",
        "pcall(function() return _ENV.python.builtins.open end)",
    ]  # fmt: skip
    for each in tries:
        assert value(world.run(f"return ({each})")) is False, each


WALK = r"""
local seen, found = {}, {}
local function walk(v, path)
  if type(v) == "userdata" then found[#found + 1] = path end
  if type(v) ~= "table" or seen[v] then return end
  seen[v] = true
  for k, x in next, v do walk(k, path .. ".key") walk(x, path .. "." .. tostring(k)) end
  walk(getmetatable(v), path .. ".metatable")
end
for _, name in ipairs(NAMES) do walk(_G[name], name) end
walk(_G, "_G")
return table.concat(found, " ")
"""


def test_no_python_object_hangs_in_the_tables(world):
    """Whatever a program can walk to holds no userdata."""
    from lua_procedures.primitives.names import primitive_names

    names = sorted({name.partition(".")[0] for name in primitive_names()} | {"math"})
    assert value(world.run(f"local NAMES = {{{', '.join(map(json.dumps, names))}}}\n{WALK}")) == ""


RUDE = r"'\255\254'"
RUDE_CALLS = [
    f"_G[{RUDE}].x()", f"Stages{{{RUDE}}}", f"Stage.set({RUDE})", f"Stage.advance({RUDE})", f"Stop.request({RUDE})",
    f"Hitl({RUDE}, {{}})", f"State.set({RUDE}, 'x') State.increment({RUDE})", f"State.append({RUDE}, 1)",
    f"Procedure{{[{RUDE}]=1, function() end}}", f"Step.run({RUDE}, function() end)", f"Checkpoint.exists({RUDE})",
    f"Checkpoint.get({RUDE})", f"Checkpoint.clear_after({RUDE})", f"print({RUDE})", f"Log.info({RUDE}, {{{RUDE}}})",
    f"Human.notify{{message={RUDE}, [{RUDE}]=1}}", f"System.alert{{message={RUDE}, level={RUDE}}}", f"Sleep({RUDE})",
    f"Human.approve{{message={RUDE}, default=true}}", f"Human.{{0}}({RUDE})".format("approve"),
    f"Step.run('a', function() error({RUDE}) end)", f"Json.decode({RUDE})", f"Json.encode{{[{RUDE}]=1}}",
    f"load({RUDE}, {RUDE})()", f"load('error(1)', '=' .. {RUDE})()", f"os.date({RUDE})", f"field.string({RUDE})",
    f"math.random({RUDE})", f"array({RUDE})", f"input{{[{RUDE}]='string'}}", f"state[{RUDE}] = 1", f"error({RUDE})",
    "Stage.set(('x'):rep(10))", "setmetatable(_G, {})", "Stop.request('r', 1)",
]  # fmt: skip
NO_PYTHON = """
local kinds = {{}}
local function note(e) kinds[#kinds + 1] = type(e) == "userdata" and "userdata" or nil end
pcall(function()
  local guard <close> = setmetatable({{}}, {{ __close = function(_, e) note(e) end }})
  {call}
end)
note(select(2, pcall(function() {call} end)))
xpcall(function() {call} end, note)
local co = coroutine.create(function() {call} end)
note(select(2, coroutine.resume(co)))
note(select(2, coroutine.close(co)))
return #kinds
"""


@pytest.mark.parametrize("call", RUDE_CALLS)
def test_no_python_exception_reaches_the_program(world, call):
    """Bytes that are no text, and other bad arguments: what a program catches is never a Python exception."""
    outcome = world.run(NO_PYTHON.format(call=call), answers="default")
    if outcome["how"] == "completed":
        assert outcome["value"] in {0, None}  # None: what a `Procedure` of the call returned
    assert outcome["how"] in PUBLIC_ENDS, outcome


PUBLIC_ENDS = {
    "completed", "paused", "LuaRuntimeError", "LuaSyntaxError", "ConversionError", "LimitExceeded", "SchemaError",
}  # fmt: skip


@pytest.mark.parametrize("call", RUDE_CALLS)
def test_bad_bytes_end_no_run_with_a_python_error(world, call):
    """Uncaught, the same calls end the run with an error of ours, and its record can be read."""
    outcome = world.run(call, answers="default")
    assert outcome["how"] in PUBLIC_ENDS, outcome
    assert not [notice for notice in outcome["notices"] if "could not be read" in notice], outcome


BYTECODE = [r"load('\27Lua')", r"load('\27Lua', 'x', 'b')", r"load('\27Lua', 'x', 'bt')", "load('return 1', 'x', 'b')"]


@pytest.mark.parametrize(
    "call",
    [
        *BYTECODE,
        r"load((function() local n = 0 return function() n = n + 1 return n == 1 and '\27Lua' or nil end end)())",
    ],
)
def test_no_bytecode(world, call):
    """`load` takes text only, whatever the mode says."""
    assert value(world.run(f"local f, message = {call} return {{f == nil, type(message)}}")) == [True, "string"]


@pytest.mark.parametrize(
    "target", "_G _ENV State state Stage Step Human Json Log os string table math coroutine input null ''".split()
)
def test_metatables_of_ours_are_locked(world, target):
    """No metatable of ours can be read or replaced."""
    source = f"return {{getmetatable({target}) or false, (pcall(setmetatable, {target}, {{}}))}}"
    assert value(world.run(source)) == [False, False]


def test_finalisers_are_refused(world):
    """`__gc` is an error in `setmetatable`, and one added later never runs."""
    assert value(world.run("return pcall(setmetatable, {}, {__gc = print})"))[0] is False
    later = """
      local ran = 0
      for i = 1, 2e4 do local mt = {} setmetatable({}, mt) mt.__gc = function() ran = ran + 1 end end
      return ran"""
    assert value(world.run(later)) == 0


SHOWS = [
    "return tostring({})", "return tostring(print)", "return tostring(function() end)", "return {tostring(coroutine.running())}",
    "return tostring(coroutine.create(print))", "return ('%s %s'):format({}, print)", "return tostring(Step.run)",
    "print({}, print, coroutine.create(print), {{}}, {[{}] = print})", "Log.info({}, {a = {{{{{{}}}}}}})", "return ('%p'):format({})",
    "error({})", "error(print)", "error(setmetatable({}, {__metatable = 1}))", "return table.concat({{}})", "return 1 .. {}",
    "return {} < {}", "State.set('a', print)", "Human.notify{message = print}", "return ('%q'):format({})", "return #print",
    "Step.run({}, print)", "return select(2, pcall(error, {}))", "assert(false, {})", "return select('#', {}) .. tostring(_G)",
    "return tostring(null) .. tostring(state) .. tostring(input)", "return tostring(setmetatable({}, {__name = 'thing'}))",
    "return ('').rep({}, 1)", "local t <close> = {}", "for i = 1, {} do end", "for x in {} do end", "return {} + 1", "return math.max({})",
]  # fmt: skip


@pytest.mark.parametrize("source", SHOWS)
def test_no_address_is_shown(world, source):
    """Neither values, nor notices, nor messages show where something lies in memory."""
    outcome = world.run(source)
    assert outcome["how"] in {*PUBLIC_ENDS}
    assert not ADDRESS.search(json.dumps([outcome["value"], outcome["message"], outcome["notices"]])), outcome


# What ends ------------------------------------------------------------------------------------------------------------

LOOP = "while true do end"
ENDLESS = {
    "loop": LOOP,
    "for": "for i = 1, math.huge do end",
    "goto": "::again:: goto again",
    "tail call": "local function f() return f() end f()",
    "pcall": f"while true do pcall(function() {LOOP} end) end",
    "pcall of pcall": f"while true do pcall(pcall, pcall, function() {LOOP} end) end",
    "pcall of error": "while true do pcall(error) pcall(error, nil) pcall(error, {}) end",
    "xpcall": f"while true do xpcall(function() {LOOP} end, function() {LOOP} end) end",
    "xpcall that raises": "while true do xpcall(error, function() error('again') end) xpcall({}, {}) end",
    "wrap": f"local f = coroutine.wrap(function() {LOOP} end) while true do pcall(f) end",
    "resume": f"while true do coroutine.resume(coroutine.create(function() {LOOP} end)) end",
    "coroutines in coroutines": f"""
        local function nest(n) return coroutine.wrap(function() if n > 0 then nest(n - 1)() end {LOOP} end) end
        while true do pcall(nest(20)) end""",
    "hooks of a coroutine made before": """
        local co = coroutine.create(function() while true do coroutine.yield() end end)
        while true do coroutine.resume(co) end""",
    "yields": "local f = coroutine.wrap(function() while true do coroutine.yield(1) end end) while true do f() end",
    "close": f"""
        while true do
          local co = coroutine.create(function() local x <close> = setmetatable({{}}, {{ __close = function() {LOOP} end }}) coroutine.yield() end)
          coroutine.resume(co)
          pcall(coroutine.close, co)
        end""",
    "close of a block": f"while true do pcall(function() local x <close> = setmetatable({{}}, {{ __close = function() {LOOP} end }}) end) end",
    "close after the latch": f"""
        local x <close> = setmetatable({{}}, {{ __close = function() while true do pcall(function() {LOOP} end) end end }})
        {LOOP}""",
    "close of a for": f"""
        local guard = setmetatable({{}}, {{ __close = function() {LOOP} end }})
        while true do pcall(function() for _ in next, {{1}}, nil, guard do error('x') end end) end""",
    "index": f"local t = setmetatable({{}}, {{ __index = function() {LOOP} end }}) while true do pcall(function() return t.x end) end",
    "newindex": f"local t = setmetatable({{}}, {{ __newindex = function() {LOOP} end }}) while true do pcall(function() t.x = 1 end) end",
    "operators": f"""
        local f = function() {LOOP} end
        local t = setmetatable({{}}, {{ __add = f, __eq = f, __lt = f, __le = f, __concat = f, __len = f, __call = f, __unm = f }})
        while true do
          pcall(function() return t + 1 end) pcall(function() return t < t end) pcall(function() return t .. t end)
          pcall(function() return #t end) pcall(t) pcall(function() return t == setmetatable({{}}, getmetatable(t)) end)
        end""",
    "tostring": f"local t = setmetatable({{}}, {{ __tostring = function() {LOOP} end }}) while true do pcall(tostring, t) end",
    "format": f"local t = setmetatable({{}}, {{ __tostring = function() {LOOP} end }}) while true do pcall(string.format, '%s', t) end",
    "print": f"local t = setmetatable({{}}, {{ __tostring = function() {LOOP} end }}) while true do pcall(print, t) end",
    "pairs": f"local t = setmetatable({{}}, {{ __pairs = function() {LOOP} end }}) while true do pcall(pairs, t) end",
    "sort": f"while true do pcall(table.sort, {{3, 2, 1}}, function() {LOOP} end) end",
    "gsub": f"while true do pcall(string.gsub, 'abc', '.', function() {LOOP} end) end",
    "gsub table": f"local t = setmetatable({{}}, {{ __index = function() {LOOP} end }}) while true do pcall(string.gsub, 'abc', '.', t) end",
    "load": f"while true do pcall(load('{LOOP}')) end",
    "load of a reader": "load(function() return ' ' end) load(function() while true do end end)",
    "load with an environment": f"load('while true do pcall(x.y) end', 'n', 't', setmetatable({{}}, {{ __index = function() {LOOP} end }}))()",
    "backtracking": "local s = ('a'):rep(40) while true do pcall(string.find, s, ('a-'):rep(30) .. 'b') end",
    "backtracking on a long text": "return (('a'):rep(1e6)):find('.-.-.-.-b')",
    "move": "while true do pcall(table.move, {}, 1, 1e15, 2) end",
    "move with metamethods": "local t = setmetatable({}, { __index = function() return 1 end, __newindex = function() end }) table.move(t, 1, 1e15, 2)",
    "insert": "local t = setmetatable({}, { __len = function() return 1e15 // 1 | 0 end }) while true do pcall(table.insert, t, 1, 1) end",
    "concat": "local t = setmetatable({}, { __index = function() return '' end }) while true do pcall(table.concat, t, '', 1, 1e12 // 1 | 0) end",
    "unpack": "while true do pcall(table.unpack, {}, 1, 1e7 // 1 | 0) end",
    "sort of many": "local t = {} for i = 1, 3e5 do t[i] = -i end while true do table.sort(t, function(a, b) return a < b end) end",
    "rep": "while true do local s = ('x'):rep(1e7) end",
    "State": "while true do State.set('a', 1) State.get('a') end",
    "Log": "while true do pcall(Log.info, '') end",
    "time": "while true do os.time() os.clock() math.random() end",
    "Json": "local s = '[' .. ('1,'):rep(1e5) .. '1]' while true do pcall(Json.decode, s) end",
    "step": f"Step.run('a', function() while true do pcall(function() {LOOP} end) end end)",
    "step in pcall": f"while true do pcall(Step.run, 'a', function() {LOOP} end) end",
    "step in a coroutine": f"coroutine.wrap(function() Step.run('a', function() {LOOP} end) end)()",
    "Stop": "while true do Stop.requested() end",
    "returned value": "local t = {} for i = 1, 40 do t = {t, t} end return t",
    "pairs of State": "state.a = 1 while true do for k in pairs(state) do end end",
    "main": f"function main() {LOOP} end",
    "Procedure": f"Procedure{{ function() {LOOP} end }}",
    "error with a tostring that loops": f"error(setmetatable({{}}, {{ __tostring = function() {LOOP} end }}))",
    "error in a step with a tostring that loops": f"Step.run('a', function() error(setmetatable({{}}, {{ __tostring = function() {LOOP} end }})) end)",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_programs_are_ended(world, name):
    """What does not end by itself is ended by the limit, and nothing in the program can catch that."""
    outcome = world.run(ENDLESS[name], limits=SOON)
    assert outcome["how"] == "LimitExceeded", outcome
    assert outcome["after"] == "completed"


@pytest.mark.parametrize(
    "name",
    "loop,pcall,xpcall,wrap,yields,close,close after the latch,index,sort,gsub,tostring,load,backtracking,step,Stop,State".split(
        ","
    ),
)
def test_interrupts_cannot_be_caught(world, name):
    """The stop button ends a plain `run()` with KeyboardInterrupt, and the process lives on."""
    outcome = world.run(f"begin() {ENDLESS[name]}", interrupt=0.1)
    assert outcome["how"] == "KeyboardInterrupt", outcome
    assert (outcome["status"], outcome["after"]) == ("cancelled", "completed")


GREEDY = {
    "table": "local t = {} while true do pcall(function() t[#t + 1] = {} end) end",
    "string": "local s = 'x' while true do pcall(function() s = s .. s end) end",
    "strings": "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e5) .. #t end) end",
    "coroutines": "local t = {} while true do pcall(function() t[#t + 1] = coroutine.wrap(function() coroutine.yield() end) t[#t]() end) end",
    "closures": "local t = {} while true do local n = #t t[n + 1] = function() return n end end",
    "in a coroutine": "local t = {} local f = coroutine.wrap(function() while true do t[#t + 1] = {} end end) while true do pcall(f) end",
    "in a metamethod": "local t = {} local m = setmetatable({}, { __index = function() while true do t[#t + 1] = {} end end }) while true do pcall(function() return m.x end) end",
    "in a handler": "local t = {} while true do xpcall(error, function() while true do t[#t + 1] = {} end end) end",
    "in a comparator": "local t = {} while true do pcall(table.sort, {2, 1}, function() while true do t[#t + 1] = {} end end) end",
    "in close": "local t = {} while true do pcall(function() local x <close> = setmetatable({}, { __close = function() while true do t[#t + 1] = {} end end }) end) end",
    "in State": "local n = 0 while true do n = n + 1 pcall(State.set, 'k' .. n, ('x'):rep(1e4)) end",
    "in a list of State": "while true do pcall(State.append, 'k', 'some text') end",
    "in a step": "Step.run('a', function() local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e5) .. #t end) end end)",
    "concat": "local t = {} for i = 1, 1e6 do t[i] = 'some text or other' end while true do t[1] = table.concat(t) end",
    "unpack": "local t = {} while true do t = {table.unpack(t), table.unpack({1, 2, 3}), t} end",
    "print of much": "local s = ('x'):rep(2.5e7) while true do pcall(print, s, s, s) end",
    "encode of much": "local s = ('x'):rep(2.5e7) while true do pcall(Json.encode, {s, s, s}) end",
    "load": "local t = {} while true do pcall(function() t[#t + 1] = load('return \"' .. ('x'):rep(1e5) .. #t .. '\"') end) end",
    "returned value": "local s, t = ('x'):rep(1e7), {} for i = 1, 9 do t[i] = s end return t",
}  # fmt: skip


@pytest.mark.parametrize("name", GREEDY)
def test_greedy_programs_are_ended(world, name):
    """A program over the memory limit is ended, whatever catches errors in it, and the process lives on."""
    outcome = world.run(GREEDY[name], limits={"max_seconds": 30, "max_memory_mb": 60})
    assert outcome["how"] == "LimitExceeded", outcome
    assert outcome["after"] == "completed"


PUSHES = {
    "result of a step": "local t = Step.run('a', function() local t = {} for i = 1, 2e5 do t[i] = 'text ' .. i end return t end) return #t",
    "one big text": "return #Step.run('a', function() return ('x'):rep(2e7) end)",
    "State put back": "Step.run('a', function() local t = {} for i = 1, 2e5 do t[i] = 'text ' .. i end state.t = t end) return #state.t",
    "error of a step": "local ok, e = pcall(Step.run, 'a', function() error({text = ('x'):rep(2e7)}) end) Step.run('b', function() return 1 end) return #e.text",
    "result from the journal": "Step.run('a', function() return ('x'):rep(2e7) end) return #Checkpoint.get('a')",
}  # fmt: skip


@pytest.mark.parametrize("name", PUSHES)
def test_big_results_put_back_are_bounded(world, name):
    """A replay that pushes more than the memory limit ends cleanly: in the push nothing can run out of memory."""
    first = world.run(PUSHES[name], name=name, limits={"max_memory_mb": 250})
    assert first["how"] == "completed", first
    again = world.run(PUSHES[name], name=name, limits={"max_memory_mb": 6})
    assert (again["how"], again["after"]) == ("LimitExceeded", "completed"), again


@pytest.mark.parametrize(
    "source",
    [
        "local n = #input.x for i = 1, 10 do pcall(string.rep, 'x', 1e6) end return n",
        "return pcall(print, input.x)",
        "return {}",
    ],
)
def test_big_inputs_are_bounded(world, source):
    """Inputs over the memory limit end the program cleanly, whatever it does."""
    outcome = world.run(source, big_input=20_000_000, limits={"max_memory_mb": 6})
    assert (outcome["how"], outcome["after"]) == ("LimitExceeded", "completed"), outcome


def test_big_answers_are_bounded(world):
    """A person's long text over the memory limit ends the program cleanly."""
    outcome = world.run("return #Human.input{}", answers=["x" * 20_000_000], limits={"max_memory_mb": 6})
    assert (outcome["how"], outcome["after"]) == ("LimitExceeded", "completed"), outcome


FLOODS = {
    "print": "while true do pcall(print, ('x'):rep(1e5)) end",
    "nothing": "while true do print() end",
    "log": "while true do pcall(Log.info, ('x'):rep(1e4), {a = ('y'):rep(1000)}) end",
    "notify": "while true do pcall(Human.notify, {message = 'm', content = ('x'):rep(1e5)}) end",
    "alert": "while true do pcall(System.alert, {message = ('x'):rep(1e5)}) end",
    "unknown globals": "local n = 0 while true do n = n + 1 local _ = _G[('x'):rep(1e5) .. n] end",
    "increments": "local n = 0 while true do n = n + 1 local k = ('x'):rep(1e5) .. n state[k] = true State.increment(k) State.delete(k) end",
    "stages": "local n = 0 while true do n = n + 1 Stage.set(('x'):rep(900) .. n % 8) end",
    "short stages": "while true do Stage.set('a') end",
    "declarations": "local n = 0 while true do n = n + 1 Hitl('k' .. n, {message = ('x'):rep(1e5)}) end",
    "declared stages": "while true do Stages{('x'):rep(1e6), 'b'} end",
    "stops": "while true do Stop.request(('x'):rep(1e6)) end",
    "looks": "while true do local _ = Checkpoint.exists('a') end",
    "same step": "while true do Step.run('a', function() return 1 end) end",
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_stopped(world, name):
    """What a program tells the host is bounded: the host's memory is not under Lua's limit."""
    world.close()  # a fresh process, for its memory is measured
    outcome = world.run(FLOODS[name], limits={"max_seconds": 2, "max_memory_mb": 60, "max_checkpoints": 5000})
    assert outcome["how"] == "LimitExceeded", outcome
    assert outcome["megabytes"] < 300


@pytest.mark.skipif(sys.platform == "win32", reason="there it is not measured")
def test_what_floods_take_is_seen(world):
    """The measure of these tests: a flood that is let through takes as much memory as it shows."""
    world.close()
    outcome = world.run("for i = 1, 400 do print(('x'):rep(1e6)) end", limits={"max_notice_bytes": 10**9})
    assert outcome["how"] == "completed", outcome
    assert outcome["megabytes"] > 300


def test_a_crossing_counts_what_is_repeated(world):
    """One text referenced 500 times, and a table doubled 40 times, are refused by their size."""
    text = "local s, t = ('x'):rep(1e6), {} for i = 1, 500 do t[i] = s end return t"
    doubled = "local t = {} for i = 1, 40 do t = {t, t} end return t"
    for source, limits in [(text, {}), (doubled, {"max_leaves": 10_000})]:
        for form in ("{0}", "Step.run('a', function() {0} end)", "return Json.encode((function() {0} end)())"):
            outcome = world.run(form.format(source), limits={"max_seconds": 30, **limits})
            assert outcome["how"] == "ConversionError", (source, form, outcome)
            assert "larger than" in outcome["message"]


DEEP = {
    "recursion": "local function f() return 1 + f() end return f()",
    "pcall": "local function f() return pcall(f) end return {f()}",
    "xpcall": "local function f() return xpcall(f, f) end return {f()}",
    "handler": "return xpcall(error, function(m) error(m) end)",
    "gsub": "local function f(s) return (s:gsub('.', f)) end return f('x')",
    "sort": "local function f() table.sort({2, 1}, f) return true end return f()",
    "index": "local t = {} setmetatable(t, { __index = function(_, k) return t[k .. 'x'] end }) return t.a",
    "index chain": "local t = {} for i = 1, 3000 do t = setmetatable({}, { __index = t }) end return t.a == nil",
    "index cycle": "local t = {} setmetatable(t, { __index = t }) return t.a",
    "wrap": "local function f() return coroutine.wrap(f)() end return f()",
    "resume": "local function f() return coroutine.resume(coroutine.create(f)) end return {f()}",
    "tostring": "local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) return tostring(t)",
    "concat": "local t t = setmetatable({}, { __concat = function() return t .. t end }) return t .. t",
    "load": "return load(('('):rep(1e5) .. ('('):rep(1e5)) == nil",
    "load in load": "local function f() return load('return ...')(f()) end return f()",
    "pattern": "return (('('):rep(1e5)):find(('(%('):rep(40))",
    "Json": "return Json.decode(('['):rep(1e5))",
    "State": "local t = {} for i = 1, 1e4 do t = {t} end state.t = t",
    "State by reference": "state.t = {} local t = state.t for i = 1, 1e4 do t.t = {} t = t.t end return State.all()",
    "State cycle": "state.t = {} state.t.t = state.t return State.all()",
    "step": "return Step.run('a', function() local t = {} for i = 1, 1e4 do t = {t} end return t end)",
    "captured": "local t = {} for i = 1, 1e4 do t = {t} end return Step.run('a', function() return t and 1 end)",
    "captured functions": "local f = function() end for i = 1, 1e4 do local g = f f = function() return g() end end return Step.run('a', f)",
    "steps": "local function f() return Step.run('a', f) end return f()",
    "returned": "local t = {} for i = 1, 1e5 do t = {t} end return t",
    "raised": "local t = {} for i = 1, 1e5 do t = {t} end error(t)",
    "printed": "local t = {} for i = 1, 1e5 do t = {t} end print(t)",
    "source": "return " + "(" * 5000,
    "long source": "local x = 1 " + "x = x + 1 " * 20_000 + "return x",
    "many locals": "".join(f"local a{i} = 1 " for i in range(300)),
    "inputs": "input{a = {type = 'object', fields = {b = {type = 'object', fields = {}}}}} return input",
    "close": "local function f() local x <close> = setmetatable({}, { __close = f }) end f()",
    "equal": "local mt = {} mt.__eq = function(a, b) return a == b end return setmetatable({}, mt) == setmetatable({}, mt)",
    "pairs": "local t t = setmetatable({}, { __pairs = function() return pairs(t) end }) return pairs(t)",
}  # fmt: skip


@pytest.mark.parametrize("name", DEEP)
def test_depth_kills_nothing(world, name):
    """Recursion without end is an error of the program's, and never one of the process."""
    outcome = world.run(DEEP[name], limits={"max_seconds": 1, "max_memory_mb": 200})
    assert outcome["how"] in PUBLIC_ENDS, outcome
    assert outcome["after"] == "completed"


# What guests' tables cannot do ----------------------------------------------------------------------------------------

CROSSINGS = {
    "return": "return {t}", "step": "Step.run('a', function() return {x = t} end)", "State": "state.a = t", "append": "State.append('a', t)",
    "by reference": "state.a = {} state.a.b = t return State.all()", "step and State": "Step.run('a', function() state.a = {} state.a.b = t end)",
    "notify": "Human.notify{message = 'm', context = t}", "options": "Human.approve(t)", "notify options": "Human.notify(t)",
    "question": "Human.input{message = t}", "fields": "Human.multiple{t}", "log": "Log.info('m', t)", "log message": "Log.info(t)",
    "print": "print(t, {t})", "raised": "error({t})", "Json": "Json.encode(t)", "inputs": "Step.run('a', print, {inputs = t})",
    "step options": "Step.run('a', print, t)", "captured": "Step.run('a', function() return t and 1 end)", "Procedure": "Procedure(t)",
    "schema": "input(t)", "field": "field.string(t)", "output": "output(t)", "stages": "Stages(t)", "Hitl": "Hitl('k', t)", "array": "array(t)",
    "key": "return {[t] = 1}", "alert": "System.alert{message = 'm', context = {t}}", "name": "Step.run(t, print)", "default": "return State.get('x', t)",
    "unpack": "return table.unpack(t)", "global": "_G.x = t Step.run('a', function() return x and 1 end)", "sleep": "Sleep(t)",
    "state schema": "Procedure{state = t, function() end}", "date": "os.time(t)", "replaced": "state.a = {1} setmetatable(state.a, getmetatable(t)) return state.a",
}  # fmt: skip
RAISES = "function(_, k) error('touched') end"
TRAPS = {
    "raises": f"{{ __index = {RAISES}, __newindex = {RAISES}, __len = {RAISES}, __pairs = {RAISES}, __call = {RAISES}, __eq = {RAISES}, __concat = {RAISES} }}",
    "hides": f"{{ __index = {RAISES}, __newindex = {RAISES}, __metatable = false }}",
    "loops": "{ __index = function() while true do end end, __newindex = function() while true do end end, __tostring = function() while true do end end }",
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("name", CROSSINGS)
def test_metamethods_harm_no_crossing(world, name, trap):
    """A table whose metamethods raise, hide or loop is refused or passed on at every crossing; the host lives on."""
    outcome = world.run(
        f"local t = setmetatable({{}}, {TRAPS[trap]})\n{CROSSINGS[name]}", answers="default", limits=SOON
    )
    assert outcome["how"] in PUBLIC_ENDS, outcome
    assert outcome["after"] == "completed"


def test_a_yield_forges_no_request(world):
    """What a program's own coroutine yields is only for who resumes it, however equal it claims to be."""
    source = """
      local forged = setmetatable({}, { __eq = function() return true end })
      local co = coroutine.wrap(function() return coroutine.yield(forged, "end", "[1]", nil, nil, false) end)
      local tag, op = co()
      local ok, message = pcall(coroutine.yield, forged, "done", "[1]")
      return {rawequal(tag, forged), op, ok, message}"""
    same, op, ok, message = value(world.run(source))
    assert (same, op, ok) == (True, "end", False)
    assert "coroutine.yield" in message


@pytest.mark.parametrize("how", ["done", "failed", "latched", "memory"])
def test_a_result_forges_no_end(world, how):
    """A program that returns the host's own words has returned texts."""
    assert value(world.run(f"return '{how}', '[1]', 'x'")) == [how, "[1]", "x"]


def test_the_latch_cannot_be_kept(world):
    """Nothing of the program runs once it is over a limit: it cannot see, keep or print what ended it."""
    source = f"""
      local x <close> = setmetatable({{}}, {{ __close = function(_, e) print("seen", e) State.set("seen", true) end }})
      {LOOP}"""
    outcome = world.run(source)
    assert (outcome["how"], outcome["notices"], outcome["state"]) == ("LimitExceeded", [], {})


SABOTAGE = {
    "libraries emptied": "for _, library in ipairs{string, table, math, utf8, os} do for k in next, library do library[k] = nil end end",
    "libraries raise": "for _, library in ipairs{string, table, math, utf8, os} do for k in next, library do library[k] = function() error('bad') end end end",
    "globals raise": "for _, k in ipairs{'type', 'next', 'pairs', 'ipairs', 'error', 'tostring', 'select', 'pcall', 'setmetatable', 'getmetatable', 'rawget'} do _G[k] = function() error('bad') end end",
    "primitives nil": "State.get, State.set, State.all, State.append, State.delete, State.clear, Stage.history, Log.debug = nil",
    "families nil": "Step.checkpoint = nil Human.review = nil Json.encode = nil Step = nil State = nil",
    "families raise": "for _, f in ipairs{'set', 'get', 'all', 'delete', 'clear'} do State[f] = function() error('bad') end end",
    "null changed": "rawset(null, 'a', 1) rawset(null, 1, 1)",
}  # fmt: skip
ORDINARY = """
    Stages{'a', 'b'} Stage.set('a')
    local step = Step
    state.n = 1
    state.list = {1, {x = 2}}
    local r = step.run('s', function() State.increment('n') return {list = {1, null}, n = 1.5} end)
    local seen = {}
    Log.info('line', {a = 1})
    print('some', {1, 2})
    Human.notify{message = 'm', details = {{title = 't', content = 'c'}}}
    Procedure{ input = {x = {type = 'integer', default = 4}}, state = {p = 3}, output = {r = 'number'}, function(input)
      local ok = Human.approve{message = 'sure?'}
      local d = Json.decode('[1, {"a": null}]')
      return {r = input.x + state.n + r.list[1] + (ok and 1 or 0)}
    end }"""


@pytest.mark.parametrize("name", SABOTAGE)
def test_changed_builtins_change_the_guest_only(world, name):
    """A program that spoils its own names breaks none of ours: primitives, the record and later runs work."""
    outcome = world.run(f"{SABOTAGE[name]}\n{ORDINARY}", answers=[True])
    assert value(outcome) == {"r": 8}
    assert outcome["state"] == {"n": 2, "list": [1, {"x": 2}], "p": 3}
    assert [notice for notice in outcome["notices"] if "read" in notice] == []
    assert outcome["after"] == "completed"


# Coroutines and errors ------------------------------------------------------------------------------------------------


def test_coroutine_functions(world):
    """`running`, `isyieldable`, `status` and `close` say what Lua says; the program itself is the main one."""
    source = """
      local main, is_main = coroutine.running()
      local co = coroutine.create(function() coroutine.yield(coroutine.isyieldable(), select(2, coroutine.running())) end)
      local _, yieldable, inner = coroutine.resume(co)
      return {type(main), is_main, coroutine.isyieldable(), yieldable, inner, coroutine.status(co), coroutine.close(co), coroutine.status(co)}"""
    assert value(world.run(source)) == ["thread", True, False, True, False, "suspended", True, "dead"]


def test_many_coroutines_are_collected(world):
    """A hundred thousand coroutines, one after the other, fit into the memory."""
    source = """
      local n = 0
      for i = 1, 1e5 do n = n + coroutine.wrap(function() coroutine.yield(1) end)() end
      return n"""
    assert value(world.run(source, limits={"max_seconds": 30, "max_memory_mb": 100})) == 100_000


RAISED = {
    "error({code = 5})": "code",
    "error(setmetatable({}, {__tostring = function() return 'told' end}))": "told",
    "error(setmetatable({}, {__tostring = function() error('inner') end}))": "",
    "error(setmetatable({}, {__tostring = function() return 5 end}))": "",
    "error(setmetatable({}, {__tostring = {}}))": "",
    "error(setmetatable({}, {__name = '\\255'}))": "",
    "error()": "nil",
    "error(nil)": "nil",
    "error(false)": "false",
    "error(12)": "12",
    "error(print)": "function",
    "error(coroutine.create(print))": "coroutine",
    "error(0/0)": "nan",
    "error(null)": "null",
    "error(state)": "",
    "error('text', 0)": "text",
    "error('two\\nlines')": "two\nlines",
    "error('\\0')": "\0",
    "error('cell:999: far away', 0)": "far away",
    "error('not enough ' .. 'memory!')": "memory!",
}


@pytest.mark.parametrize("source", RAISED)
def test_any_value_can_be_raised(world, source):
    """Whatever is raised and not caught ends the run with a LuaRuntimeError that tells it."""
    outcome = world.run(source)
    assert outcome["how"] == "LuaRuntimeError", outcome
    assert RAISED[source] in outcome["message"]
    assert (outcome["status"], outcome["after"]) == ("failed", "completed")


LOOPING = "local loops = setmetatable({}, {__tostring = function() while true do end end})"
RAISING = f"{LOOPING} local first = setmetatable({{}}, {{__tostring = function() error(loops) end}})"


@pytest.mark.parametrize(
    "raising", ["error(first)", "Step.run('a', function() error(first) end)", "pcall(tostring, first) error(first)"]
)
def test_error_objects_cannot_hang_their_telling(world, raising):
    """An error object whose `__tostring` raises one whose `__tostring` loops ends the run all the same."""
    outcome = world.run(f"{RAISING}\n{raising}")
    assert outcome["how"] in {"LuaRuntimeError", "LimitExceeded"}, outcome
    assert outcome["after"] == "completed"


LONG = {
    "message": "error(('x'):rep(1e7))",
    "message of many lines": "error(('x\\n'):rep(1e6))",
    "table": "error{a = ('x'):rep(1e6)}",
    "step's name": "Step.run(('n'):rep(1e6), 5)",
    "stage": "Stages{'a'} Stage.set(('x'):rep(1e6))",
    "level": "Human.notify{message = 'm', level = ('x'):rep(1e6)}",
    "option": "Human.approve{timeout = ('x'):rep(1e6)}",
    "global": "_G[('x'):rep(1e6)].y()",
    "key of State": "State.set(('k'):rep(1e6), print)",
    "choices": "Human.select{options = {'a'}, default = ('x'):rep(1e6)}",
    "Json": "Json.decode(('x'):rep(1e6))",
    "input": "input{a = {type = 'string', enum = {('x'):rep(1e6)}, default = 'y'}}",
    "type": "input{a = ('x'):rep(1e6)}",
    "config_key": "Human.approve{config_key = ('x'):rep(1e6)}",
    "tostring": "error(setmetatable({}, {__tostring = function() return ('x'):rep(1e6) end}))",
}


@pytest.mark.parametrize("name", LONG)
def test_messages_are_short(world, name):
    """A message of an error is cut where a person would stop reading."""
    outcome = world.run(LONG[name], limits={"max_seconds": 30, "max_memory_mb": 250})
    assert outcome["how"] in PUBLIC_ENDS - {"completed"}, outcome["how"]
    assert len(outcome["message"]) < 5000
    assert all(len(notice) < 5000 for notice in outcome["notices"])


# Texts, lines and order -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_the_editor_does(world, end):
    """Any line ending counts once, in the program's errors and in its syntax errors."""
    assert world.run(end.join(["local a = 1", "", "error('here')"]))["message"].startswith("line 3: ")
    assert world.run(end.join(["local a = 1", "", "local b = = 1"]))["message"].startswith("line 3: ")


def test_nul_is_a_character(world):
    """NUL in texts, sources and keys is one character of them."""
    assert value(world.run("return {#'a\\0b', 'a\\0b', ('a\0b'):len()}")) == [3, "a\0b", 3]
    assert value(world.run("state['a\\0b'] = 1 return state['a\\0b']")) == 1


def test_a_for_variable_is_read_only(world):
    """Assigning to a `for` variable is a syntax error that says so and what to do."""
    outcome = world.run("for i = 1, 3 do\n  i = i + 1\nend")
    assert outcome["how"] == "LuaSyntaxError"
    assert outcome["message"].startswith("line 2: ")
    assert "for" in outcome["message"]
    assert re.search(r"local", outcome["message"])


def test_a_surrogate_in_the_source_is_a_syntax_error(world):
    """A source that is no valid Unicode is refused as such."""
    assert world.run("return '\ud800'")["how"] in {"LuaSyntaxError", "ConversionError"}


LOADS = {
    "own environment": ("local e = {y = 2} return load('x = y', 'n', 't', e)() or e.x", 2),
    "no environment of ours": ("return load('return print == nil', 'n', 't', {})()", True),
    "same world": ("x = 5 return load('return x')()", 5),
    "upvalues": (
        "local f = load('local a = ... return function() a = a + 1 return a end') local g = f(1) g() return g()",
        3,
    ),
    "name of ours": (
        "local ok, m = pcall(load('error(1 .. {})', '=(lua_procedures)')) return m:find('lua_procedures', 1, true) == nil",
        True,
    ),
    "too large": ("return select(2, load(('x'):rep(2e6))):find('too large') ~= nil", True),
    "syntax error": ("return load('x =') == nil", True),
    "no text": ("return pcall(load, 5)", [False]),
}


@pytest.mark.parametrize("name", LOADS)
def test_load(world, name):
    """`load` compiles text into this world, or into a table that it is given."""
    source, expected = LOADS[name]
    got = value(world.run(source))
    assert got == expected or (name == "no text" and got[0] is False)


PAIRS = """
    local t, seen = {}, {}
    for i = 1, 300 do t["key" .. i * 7919 % 1000] = i end
    for i = 1, 100 do t["key" .. i * 13] = nil end
    for k in pairs(t) do seen[#seen + 1] = k end
    for k in pairs{alpha = 1, beta = 2, gamma = 3, delta = 4, [1.5] = 5, [true] = 6} do seen[#seen + 1] = tostring(k) end
    return table.concat(seen, " ")"""


def test_pairs_has_one_order_in_every_process():
    """String keys are visited in the same order in every process."""
    workers = [World() for _ in range(3)]
    orders = {value(worker.run(PAIRS)) for worker in workers}
    for worker in workers:
        worker.close()
    assert len(orders) == 1


# The worker -----------------------------------------------------------------------------------------------------------


def _limit_memory() -> None:
    """A runaway attack ends in a MemoryError, not in the machine's end."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))


def _megabytes() -> float:
    """The most memory that this process has had."""
    if sys.platform == "win32":
        return 0.0
    if sys.platform == "linux":  # where ``getrusage`` begins with what the process had that started this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _outcome(attack: dict[str, Any]) -> dict[str, Any]:
    from lua_procedures import run
    from lua_procedures.errors import ProcedureError
    from lua_procedures.session import get_session

    name = attack.get("name", "attack")
    options: dict[str, Any] = {key: attack[key] for key in ("answers", "limits") if key in attack}
    options["params"] = {"x": "x" * attack["big_input"]} if "big_input" in attack else {}
    timer = threading.Timer(attack.get("interrupt", 0), _thread.interrupt_main)
    options["tools"] = {"begin": timer.start} if "interrupt" in attack else {}
    before = _megabytes()
    how, message = "", ""
    try:
        how = run(attack["source"], name=name, fresh="name" not in attack, **options).status
    except ProcedureError as error:
        how, message = type(error).__name__, str(error)
    except KeyboardInterrupt:
        how = "KeyboardInterrupt"
    except BaseException as error:  # noqa: BLE001 - told to the test, which fails
        how, message = f"!{type(error).__name__}", repr(error)[:500]
    done = get_session().runs[name]
    return {
        "how": how,
        "message": message,
        "megabytes": _megabytes() - before,
        "status": done.status,
        "value": done.value,
        "state": done.state,
        "notices": [notice.message[:10_000] for notice in done.notices[:1000]],
        "after": run("return 1").status,
    }


def _serve() -> None:
    _limit_memory()
    serve(_outcome)


if __name__ == "__main__":
    _serve()
