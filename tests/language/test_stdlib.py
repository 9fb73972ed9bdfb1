"""The guest's standard library: Lua's own behaviour, at a bounded cost.

Run as a program, this file is the worker that the attacks run in, so that a hang ends with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua55

from ..bounds import PATIENCE
from .workers import Worker, serve

LANGUAGE = Path(__file__).parents[2] / "lua_procedures" / "language"
PARTS = ("stdlib", "guards", "patterns", "matcher", "strings", "tables")
LIMIT = 100_000_000

# Two worlds with the same programs: `guest` has the library, `real` has Lua's own. Both have a hook that ends a
# program for good when its time is over. Returns run(world, text) -> how, values...
WORLDS = r"""
return function(texts, max_string, seconds)
  local assert, error, load, next, tostring, type = assert, error, load, next, tostring, type
  local pcall, clock, sethook, metatable_of = pcall, os.clock, debug.sethook, debug.getmetatable
  local create, resume, close = coroutine.create, coroutine.resume, coroutine.close
  local LATCH, latched, started = {}, false, nil

  local function text_of(v)
    local meta = type(v) == "table" and metatable_of(v)
    if meta and meta.__tostring then return meta.__tostring(v) end
    if meta and meta.__name then return meta.__name end
    if type(v) == "table" or type(v) == "function" then return type(v) end
    return tostring(v)
  end
  local function part(name) return assert(load(texts[name], "=(library)", "t"))() end
  local lib = part("stdlib") { tostring = text_of, max_string = max_string, part = part }

  local function hook()
    if latched or clock() - started > seconds then
      latched = true
      sethook(hook, "", 1)
      error(LATCH, 0)
    end
  end
  local function caught(...)
    if latched then error(LATCH, 0) end
    return ...
  end
  local function hooked(f) local co = create(f) sethook(co, hook, "", 1000) return co end
  local function through(ok, ...) if not ok then error((...), 0) end return ... end
  local function wrap(f)
    local co = hooked(f)
    return function(...) return through(caught(resume(co, ...))) end
  end
  local common = {
    error = error, setmetatable = setmetatable, getmetatable = getmetatable,
    pcall = function(...) return caught(pcall(...)) end,
    coroutine = { create = hooked, wrap = wrap, yield = coroutine.yield, close = close,
      resume = function(...) return caught(resume(...)) end },
  }
  local builders = { patterns = part("patterns"), matcher = part("matcher") }
  local worlds = {
    guest = { tostring = text_of, builders = builders },
    real = { tostring = tostring, unpack = table.unpack },
  }
  for name in next, lib do worlds.real[name] = worlds.real[name] or _G[name] end
  for name, member in next, lib do worlds.guest[name] = member end
  for name, member in next, common do worlds.guest[name], worlds.real[name] = member, member end
  worlds.guest.real, worlds.guest.seconds = worlds.real, clock
  worlds.guest._G = worlds.guest

  local globals, names = _G, {}
  for name in next, globals do names[name] = true end
  for name in next, names do globals[name] = nil end

  local function finish(ok, ...)
    if latched then return "stopped" end
    return ok and "done" or "failed", ...
  end
  return function(world, text)
    local program, message = load(text, "=cell", "t", worlds[world])
    if not program then return "syntax", message end
    metatable_of("").__index = worlds[world].string
    started, latched = clock(), false
    return finish(resume(hooked(program)))
  end
end
"""

# Returns same(case, ...): nothing where our matcher and C's give the same values or the same error, else both.
COMPARE = r"""
  local guards = { own = function() end, fits = function() end, pay = function() end, FREE = 1 << 16,
    fail = function(message) error(message, 0) end }
  local patterns = builders.patterns(guards)
  local ours, C = builders.matcher(guards, patterns), real.string
  local function outcome(f, ...)
    local r = table.pack(pcall(f, ...))
    for i = 1, r.n do r[i] = tostring(r[i]) end
    if r[1] == "false" then r[2] = C.gsub(r[2], "^[^:]*:%d+: ", "") end
    return table.concat(r, "|")
  end
  local function all(gmatch)
    return function(s, p, init)
      local found = {}
      for a, b in gmatch(s, p, init) do table.insert(found, tostring(a) .. "," .. tostring(b)) end
      return table.concat(found, ";")
    end
  end
  local function joined(...)
    local values = table.pack(...)
    for i = 1, values.n do values[i] = tostring(values[i]) end
    return "<" .. table.concat(values, ",") .. ">"
  end
  local functions = {
    find = { C.find, ours.find }, match = { C.match, ours.match }, gmatch = { all(C.gmatch), all(ours.gmatch) },
    gsub = { C.gsub, ours.gsub },
  }
  return function(name, s, p, third, fourth)
    if name == "find" and patterns.lookup(p).plain then return end
    if third == "function" then third = joined end
    if third == "table" then third = { a = "X", [1] = 7, b = false } end
    local expected = outcome(functions[name][1], s, p, third, fourth)
    local got = outcome(functions[name][2], s, p, third, fourth)
    if expected ~= got then return expected .. "  but  " .. got end
  end
"""


# Returns search(p, unit, tail): lets C search and substitute in the longest subject it is called for; its length.
SEARCH = r"""
  local guards = { own = function() end, FREE = 1 << 16 }
  local patterns, C = builders.patterns(guards), real.string
  return function(p, unit, tail)
    local reach = math.min(patterns.lookup(p).reach, 500000)
    local size = (reach - #tail) // #unit
    if size < 1 then return 0 end
    local s = C.rep(unit, math.tointeger(size)) .. tail
    C.find(s, p)
    C.gsub(s, p, "")
    return #s
  end
"""


class Worlds:
    """A Lua runtime with a guest's world, and a real one beside it."""

    def __init__(self, *, max_string: int = LIMIT, seconds: float = PATIENCE, max_memory: int = 0) -> None:
        self.lua = lua55.LuaRuntime(
            unpack_returned_tuples=False,
            register_eval=False,
            register_builtins=False,
            max_memory=max_memory,
            encoding="latin-1",
        )
        texts = {name: (LANGUAGE / f"{name}.lua").read_text(encoding="utf-8") for name in PARTS}
        self._run = self.lua.execute(WORLDS)(self.lua.table_from(texts), max_string, seconds)

    def outcome(self, text: str, world: str = "guest") -> tuple[Any, ...]:
        """How the program ended (``done``, ``failed``, ``stopped``), and its values or its error."""
        said = self._run(world, text)
        return said if isinstance(said, tuple) else (said,)

    def value(self, text: str) -> Any:
        """The one value that the program returns."""
        how, *values = self.outcome(text)
        assert (how, len(values)) == ("done", 1), values
        return values[0]

    def error(self, text: str) -> str:
        """The message that the program fails with."""
        how, message = self.outcome(text)
        assert how == "failed", message
        return message


@pytest.fixture(scope="module")
def lua() -> Worlds:
    return Worlds()


# What there is, and that it is Lua's --------------------------------------------------------------------------------


def test_names(lua):
    """The library has Lua's pure functions, and none that shows or loads bytecode or draws random numbers."""
    names = """
      local found = {}
      for _, library in ipairs{"string", "table", "utf8", "math"} do
        for name in pairs(_G[library]) do table.insert(found, library .. "." .. name) end
      end
      return table.concat(found, " ")"""
    expected = """
        math.abs math.acos math.asin math.atan math.ceil math.cos math.deg math.exp math.floor math.fmod math.frexp
        math.huge math.ldexp math.log math.max math.maxinteger math.min math.mininteger math.modf math.pi math.rad
        math.sin math.sqrt math.tan math.tointeger math.type math.ult
        string.byte string.char string.find string.format string.gmatch string.gsub string.len string.lower
        string.match string.pack string.packsize string.rep string.reverse string.sub string.unpack string.upper
        table.concat table.create table.insert table.move table.pack table.remove table.sort table.unpack
        utf8.char utf8.charpattern utf8.codepoint utf8.codes utf8.len utf8.offset
        """
    assert sorted(lua.value(names).split()) == expected.split()


def test_tables_are_fresh():
    """The guest gets tables of its own; what it does to them, the library does not notice."""
    spoilt = "string.gsub, table.concat, utf8.len, math.type = nil; return (string.rep('x', 3))"
    assert Worlds().value(spoilt) == "xxx"


PARITY = r"""
('x'):rep(3), ('x'):rep(3, '-'), ('x'):rep(0), ('x'):rep(-1), ('x'):rep(2, 1), string.rep(12, '2'), ('x'):rep(1e2)
('x'):rep(1.5)
('x'):rep({})
('x'):rep('a')
string.rep(nil, 2)
string.rep({}, 2)
string.rep('x', 2, {})
string.rep(setmetatable({}, {__name = 'Thing'}), 2)
('hello'):sub(2), ('hello'):sub(-3, -2), ('hello'):sub(10), ('hello'):sub(0, 99), string.sub(12345, 2.0, '3')
('hello'):sub(1.5)
('hello'):sub({})
('hello'):sub(1, {})
('aXb'):lower(), ('aXb'):upper(), ('abc'):reverse(), ('abc'):byte(-1), ('abc'):byte(1, -1), string.char(65, 66), #'x'
string.lower(nil)
string.upper(print)
('a.b'):find('.', 1, true), ('a.b'):find('.')
('abc'):find('b', -2), ('abc'):find('', 10), ('abc'):find('', 4), ('abc'):find('c', 1.0), ('abc'):find('c', '3')
('a)b'):find('a)')
('a)b'):match('a)')
('abc'):find(nil)
('abc'):find('b', {})
string.find('abc', 'b', 1.5)
string.match({}, 'b')
('key = 1'):match('^(%w+)%s*=%s*(%d+)$'), ('x'):match('()x()'), ('x'):match('y'), ('abc'):match('b', 3), (5):type()
('abc'):match('[a')
('abc'):match('%')
('abc'):find('(a')
('abc'):find('a)')
('abc'):match('%1')
('abc'):match('%f')
('abc'):match('%b')
('abc'):gsub('%', '')
('abc'):gsub('a', '%2')
('abc'):gsub('a', '%x')
('abc'):gsub('a', function() return {} end)
('abc'):gsub('a', true)
('abc'):gsub('a', 'b', {})
('abc'):gsub('a', function() error('mine') end)
('hello world'):gsub('o', '0', 1), ('hello'):gsub('l', 'L', 0), ('hello'):gsub('', '-'), ('hello'):gsub('x*', '-')
('abc'):gsub('%w', '%0%0'), ('abc'):gsub('b', 5), ('$a $b $c'):gsub('%$(%w+)', {a = 1, b = false})
('abc'):gsub('(a)(b)', function(x, y) return y .. x end), ('abc'):gsub('b', proxy{b = 'B'})
('abc'):gmatch('b')(), ('abc'):gmatch('.', 3)(), ('abc'):gmatch('(a)(b)')(), ('a'):gmatch('b')()
('^a^b'):gmatch('^(%w)')(), ('^^'):gmatch('^+')(), ('a'):gmatch('^')()
('abc'):gmatch('[a')()
('abc'):gmatch({})
string.format('%5.2f|%-5s|%05d|%x|%q|%%|%c|%i|%g|%a|%e|%o', 1.5, 'ab', 42, 255, 'a\n\0', 65, 7, 0.1, 1, 12, 8)
string.format('%s %s %s', nil, true, 1.0), string.format('%10s|%.1s', 'abc', 'abc'), string.format('%q', 1 / 3)
string.format('%d', 'x')
string.format('%d', 1.5)
string.format('%d')
string.format('%s %s', 1)
string.format('%q', {})
string.format('%y', 1)
string.format('%123d', 1)
string.format({}, 1)
('%d'):format({})
('%d'):format(nil)
string.pack('<i4', 7), string.packsize('i4i4'), string.unpack('z', 'ab\0'), string.unpack('<i2', '\1\0\2\0', 3)
string.pack('y')
string.unpack('i4', 'ab')
string.packsize('z')
string.pack('i4', 'x')
(function() local t = {1, 2} table.insert(t, 3) table.insert(t, 1, 0) table.insert(t, 3, 9) return unpack(t) end)()
table.insert({}, 3, 1)
table.insert({}, 1, 2, 3)
table.insert({}, 'x', 3)
table.insert(nil, 1)
table.insert('abc', 1)
(function() local t = {1, 2, 3, 4} return table.remove(t), table.remove(t, 1), table.remove(t, 3), #t, unpack(t) end)()
table.remove({}), table.remove({}, 0), table.remove({[0] = 5}, 0), table.remove({1}, 2), table.remove({1, 2}, nil)
table.remove({1, 2, 3}, 7)
table.remove({}, {})
table.remove(5)
table.concat({1, 'a', 2.5}, '-'), table.concat({}, 'x'), table.concat({1, 2, 3}, ',', 2, 3), table.concat({1, 2}, 7)
table.concat({1, {}, 3})
table.concat({1, 2, 3}, ',', 1, 5)
table.concat({}, {})
table.concat(nil)
unpack({1, 2, 3}, 2), unpack({}, 1, 3), table.pack(1, nil).n, unpack({1, 2}, '2'), unpack({1, 2, 3}, -1, 1)
table.unpack({}, 1, 1e8)
table.unpack({}, math.mininteger, math.maxinteger)
table.unpack(nil)
table.unpack({}, {})
unpack(table.move({1, 2, 3}, 1, 3, 2)), unpack(table.move({1, 2, 3}, 2, 3, 1)), unpack(table.move({1, 2}, 1, 2, 3, {8}))
table.move({}, 1, math.maxinteger, 2)
table.move({}, 0, math.maxinteger, 2)
table.move({}, -1, math.maxinteger, 2)
table.move({}, 1, 2)
table.move(nil, 1, 2, 3)
table.move({}, 1, 2, 3, 4)
(function() local t = {3, 1, 2, 1.5} table.sort(t) return unpack(t) end)()
(function() local t = {'b', 'a', 'B', 'é'} table.sort(t) return unpack(t) end)()
(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return unpack(t) end)()
table.sort({1, 2}, 5)
table.sort({3, 1, 2}, function(a, b) error('mine') end)
table.sort(nil)
#table.create(10), #table.create(3, 4)
table.create(-1)
table.create(1, 2 ^ 31)
table.create()
(function() local t = {1, 2} local p = proxy(t) table.insert(p, 4) table.insert(p, 1, 0) return unpack(t) end)()
(function() local t = {1, 2, 3, 4} local p = proxy(t) return table.remove(p, 2), table.remove(p), unpack(t) end)()
table.concat(proxy{1, 'b', 3}, '-', 2, 3), table.concat(proxy{1, 'b'}), unpack(proxy{1, 2, 3}, 2), unpack(proxy{}, 1, 2)
(function() local t = {} table.move(proxy{1, 2, 3}, 1, 3, 2, proxy(t)) return t[1], t[2], t[4] end)()
(function() local t = {1, 2, 3} local p = proxy(t) table.move(p, 1, 3, 2) return unpack(t) end)()
(function() local t = {3, 1, 2} table.sort(proxy(t)) return unpack(t) end)()
(function() local t = {ordered(2), ordered(1), ordered(3)} table.sort(t) return t[1].n, t[2].n, t[3].n end)()
(function() local t = {} for i = 1, 30 do t[i] = ordered(i * 7 % 31) end table.sort(t) return t[1].n, t[30].n end)()
table.insert(proxy{}, 5, 1)
table.remove(proxy{1}, 5)
table.concat(proxy{1, {}, 2})
tonumber('0x10'), tonumber('z', 36), tonumber('1e1'), tonumber(' 5 '), tonumber('x'), tonumber(nil), tonumber(7, nil)
tonumber()
tonumber(5, 10)
tonumber('5', 99)
tonumber({}, 10)
rawequal('a', 'a'), rawlen({1}), rawget({5}, 1), next({}), select(-1, 1, 2), type(nil), assert(1, 2)
assert(false)
assert(nil, 'mine')
select(0)
ipairs()
next({}, 'x')
utf8.char(97, 233), utf8.len('a\u{e9}'), utf8.offset('a\u{e9}b', 3), utf8.codepoint('\u{e9}'), utf8.len('\xff')
utf8.len({})
utf8.len('abc', 9)
utf8.offset('\u{e9}', 1, 2)
utf8.codepoint('\xff')
utf8.codes('\x80')
(function() local s = '' for p, c in utf8.codes('a\u{e9}\u{20ac}\u{1F600}') do s = s .. p .. c end return s end)()
(function() for _ in utf8.codes('a\xff') do end end)()
(function() for _ in utf8.codes('\u{e9}\x80') do end end)()
(function() for _ in utf8.codes('a\u{D800}') do end end)()
(function() local n = 0 for _, c in utf8.codes('a\u{7FFFFFFF}', true) do n = n + c end return n end)()
(function() local s = '' for k, v in pairs({10, 20, x = 1}) do s = s .. k .. v end return s end)()
(function() local s = '' for i, v in ipairs({10, 20, nil, 3}) do s = s .. i .. v end return s end)()
math.type(1), math.tointeger(2.0), math.max(1, 3, 2), math.ult(1, -1), math.fmod(7, 3), math.floor(1.5)
math.floor({})
""".strip().splitlines()  # fmt: skip


PROXY = """
local function proxy(t)
  return setmetatable({}, {__index = t, __newindex = t, __len = function() return #t end})
end
local function ordered(n)
  return setmetatable({n = n}, {__lt = function(a, b) return a.n < b.n end})
end
"""


@pytest.mark.parametrize("expression", PARITY)
def test_parity(lua, expression):
    """A call gives what Lua's own function gives, or fails with the same message at the same line."""
    program = f"{PROXY}\nlocal values = table.pack({expression})\nreturn values.n, unpack(values, 1, values.n)"
    expected, got = lua.outcome(program, "real"), lua.outcome(program)
    assert got == tuple(_without_no_value(each) for each in expected)


def _without_no_value(value: Any) -> Any:
    """Our functions take an argument that is not given for nil."""
    return value.replace("got no value", "got nil") if isinstance(value, str) else value


@pytest.mark.parametrize("values", ["{1, 'x'}", "{{}, {}}", "{true, false}"])
def test_sort_of_unlike_values(lua, values):
    """What cannot be compared fails in Lua's words, and says where."""
    program = f"local t = {values}\ntable.sort(t)\nreturn 0"
    assert lua.error(program) == f"cell:2: {lua.outcome(program, 'real')[1]}"


FAILING = (
    "local failing = setmetatable({}, {__index = function() error('mine') end, __len = function() return 'x' end})"
)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("local t = {}\n\nlocal s = t.name:rep(2)", "cell:3: attempt to index a nil value (field 'name')"),
        (
            "local function f(s)\n  local x = s:rep({})\nend\nf('a')",
            "cell:2: bad argument #1 to 'rep' (number expected, got table)",
        ),
        ("local s = ''\ns.rep({}, 2)", "cell:2: bad argument #1 to 'rep' (string expected, got table)"),
        (
            "\n\nlocal s = string.format('%p', {})",
            "cell:3: invalid conversion '%p' to 'format' (addresses are not shown)",
        ),
        ("local ok, m = pcall(string.rep) error(m, 0)", "bad argument #1 to 'rep' (string expected, got nil)"),
        ("coroutine.wrap(string.find)({})", "bad argument #1 to 'find' (string expected, got table)"),
        (f"{FAILING}\ntable.concat(failing, '', 1, 2)", "cell:1: mine"),
        (f"{FAILING}\ntable.unpack(failing, 1, 2)", "cell:1: mine"),
        (f"{FAILING}\nlocal n = table.remove(failing)", "cell:2: object length is not an integer"),
        (
            "local s = ('x'):rep(200)\ns = s:gsub('x', function() return {} end)",
            "cell:2: invalid replacement value (a table)",
        ),
    ],
)
def test_errors_are_the_guests(lua, program, message):
    """An error carries the guest's line and the function's name, and an error of the guest's own stays as it was."""
    assert lua.error(program) == message


# What is not Lua's ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("string.format('%s %s', {}, next)", "table function"),
        ("string.format('%-8s|%.2s', {}, {})", "table   |ta"),
        ("string.format('%s', setmetatable({}, {__tostring = function() return 'me' end}))", "me"),
        ("string.format('%d %s', 1, setmetatable({}, {__name = 'Thing'}))", "1 Thing"),
        ("string.format('%s%s%s%s%s%s', 1, {}, nil, 2, 'x', 0)", "1tablenil2x0"),
        ("select(2, pcall(table.concat, {{}}))", "invalid value (table) at index 1 in table for 'concat'"),
        ("select(2, pcall(string.format, '%q', {}))", "bad argument #2 to 'format' (value has no literal form)"),
    ],
)
def test_no_address_is_shown(lua, expression, text):
    """Text made of a table or a function has its name, or what its metatable says, and no address."""
    assert lua.value(f"return ({expression})") == text


@pytest.mark.parametrize(
    "expression",
    [
        "('x'):rep(1001)",
        "('x'):rep(math.maxinteger)",
        "('x'):rep(2, ('y'):rep(999))",
        "table.concat({a, a})",
        "table.concat({a, a, 1}, ',')",
        "table.concat({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, ('-'):rep(99))",
        "string.format('%s%s', a, a)",
        "string.format('%s%s%s%s%s', a, 1, 1, 1, a)",
        "a:gsub('x', 'yy')",
        "a:gsub('x', function() return 'yy' end)",
        "a:gsub('x', {x = a})",
        "string.pack('c1001', '')",
        "string.pack('zz', a, a)",
    ],
)
def test_large_strings_are_refused(expression):
    """A function that would make a string over the limit says so instead."""
    message = Worlds(max_string=1000).error(f"local a = ('x'):rep(800)\nlocal s = {expression}")
    assert message == "cell:2: string too large (limit 1000 bytes)"


def test_strings_up_to_the_limit_are_made():
    """The limit itself is allowed."""
    program = "local a = ('x'):rep(500) return #a:rep(2), #(a .. a):rep(1), #a:gsub('x', 'yy'), #table.concat({a, a})"
    assert Worlds(max_string=1000).outcome(program) == ("done", 1000, 1000, 1000, 1000)


# Waiting inside a callback -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return (('a b'):gsub('%w', yield))", "1 1"),
        ("return (('a b'):gsub('%w', waiting))", "1 1"),
        ("local t = {3, 1, 2} table.sort(t, function(a, b) yield() return a < b end) return table.concat(t)", "123"),
        ("return table.concat(waiting, ' ')", "1 1"),
        ("return table.remove(waiting)", 1),
        ("table.insert(waiting, 5) return rawlen(waiting)", 0),
        ("local a, b = table.unpack(waiting) return a + b", 2),
        ("local n = 0 for _, v in pairs(waiting) do n = n + v end return n", 9),
        ("return string.format('is %s', waiting)", "is 1"),
    ],
)
def test_callbacks_may_yield(lua, body, result):
    """A coroutine may be suspended inside a function that the library calls."""
    program = f"""
      local yield = coroutine.yield
      local waiting = setmetatable({{}}, {{
        __len = function() yield() return 2 end,
        __index = function() return yield() end,
        __newindex = function() yield() end,
        __pairs = function() yield() return next, {{4, 5}} end,
        __tostring = function() return tostring(yield()) end,
      }})
      local co = coroutine.create(function() return 'result', (function() {body} end)() end)
      local yields, ok, tag, value = -1, true, nil, nil
      repeat
        yields = yields + 1
        ok, tag, value = coroutine.resume(co, 1)
        if not ok then error(tag, 0) end
      until tag == 'result'
      return yields > 0, value"""
    assert lua.outcome(program) == ("done", True, result)


# Sorting -------------------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(st.integers(-50, 50), st.floats(-5, 5))
SORT = """
  return function(list, n, before)
    local copy = table.move(list, 1, n, 1, {})
    table.sort(copy, before)
    return copy
  end"""


def _sorted(lua: Worlds, values: list[Any], before: str = "nil") -> list[Any]:
    program = f"{SORT}".replace("before)\n    local", f"_)\n    local before = {before}\n    local")
    result = lua.value(program)(lua.lua.table_from(values), len(values))
    return [result[i + 1] for i in range(len(values))]


@given(st.one_of(st.lists(NUMBERS, max_size=80), st.lists(st.text("abc", max_size=4), max_size=80)))
def test_sort(lua, values):
    """A list is sorted as Python sorts it, with and without a comparator."""
    assert _sorted(lua, values) == sorted(values)
    assert _sorted(lua, values, "function(a, b) return b < a end") == sorted(values, reverse=True)


@given(st.lists(st.integers(0, 99), max_size=80))
def test_sort_is_stable(lua, values):
    """With a comparator, what is equal for it keeps its order."""
    by_tens = "function(a, b) return a // 10 < b // 10 end"
    assert _sorted(lua, values, by_tens) == sorted(values, key=lambda value: value // 10)


@given(st.lists(st.integers(0, 9), max_size=100), st.sampled_from(["true", "1", "a <= b", "a ~= b", "(a + b) % 3 > 0"]))
def test_inconsistent_comparators_end(lua, values, condition):
    """Whatever a comparator says, the list has the same elements afterwards."""
    assert sorted(_sorted(lua, values, f"function(a, b) return {condition} end")) == sorted(values)


def test_failed_sort_leaves_the_list(lua):
    """A list whose comparator fails is as it was."""
    program = """
      local t, n = {5, 4, 3, 2, 1}, 0
      pcall(table.sort, t, function(a, b) n = n + 1 if n == 4 then error('no') end return a < b end)
      return table.concat(t)"""
    assert lua.value(program) == "54321"


# The matcher ---------------------------------------------------------------------------------------------------------

ITEMS = r"""
a b c . %a %d %s %w %x %W %z %. %- [ab] [^a] [a-c] [%w_] []] [^]] [a-] [%]] [a-%z] - * + ? ^ $ ( ) ] () % [ [^ [%
%f %b %1 %2 %0 %b() %bab %baa %f[a] %f[%W] (a*) (.-)
"""
SUFFIXES = st.sampled_from(["", "", "", "*", "+", "-", "?"])
ITEM = st.builds("{}{}".format, st.sampled_from([*ITEMS.split(), " ", "\0", "\xe9"]), SUFFIXES)
BODY = st.lists(ITEM, max_size=5).map("".join)
PATTERNS = st.builds("{}{}{}".format, st.sampled_from(["", "", "^"]), BODY, st.sampled_from(["", "", "$"]))
SUBJECTS = st.text("aabbc() 1.-]_\0\xe9", max_size=12)
INITS = st.one_of(st.none(), st.integers(-15, 15))
REPLACEMENTS = st.sampled_from(["x", "", "%0", "<%1>", "%2", "%%", "%", "%a", "function", "table"])


@pytest.fixture(scope="module")
def same(lua):
    """Compares our matcher with C's."""
    return lua.value(COMPARE)


@pytest.fixture(scope="module")
def search(lua):
    """Lets C search the longest subject that it is trusted with for a pattern."""
    return lua.value(SEARCH)


@settings(max_examples=400)
@given(subject=SUBJECTS, pattern=PATTERNS, init=INITS)
def test_matcher_finds_what_c_finds(same, subject, pattern, init):
    """Our matcher gives the positions, captures and errors of C's, for any pattern."""
    assert same("find", subject, pattern, init) is None
    assert same("match", subject, pattern, init) is None
    assert same("gmatch", subject, pattern, init) is None


@settings(max_examples=400)
@given(subject=SUBJECTS, pattern=PATTERNS, replacement=REPLACEMENTS, limit=st.one_of(st.none(), st.integers(-1, 3)))
def test_matcher_replaces_what_c_replaces(same, subject, pattern, replacement, limit):
    """Our matcher substitutes as C's does, by string, function and table."""
    assert same("gsub", subject, pattern, replacement, limit) is None


@settings(max_examples=150)
@given(
    pattern=PATTERNS,
    unit=st.sampled_from(["a", "ab", " ", "a ", "(", "()"]),
    tail=st.sampled_from(["", "b", "aaab", "ba"]),
)
def test_c_is_trusted_with_what_it_can_do(search, pattern, unit, tail):
    """C comes to an end on the longest subject for which a pattern is left to it: with more it would take for ever."""
    assert 0 <= search(pattern, unit, tail) <= 500_000


@pytest.mark.parametrize("needle", ["b", "ab", "b" + "a" * 1023, "b" + "a" * 1024, "a" * 40 + "b", "ba" * 3000 + "c"])
@pytest.mark.parametrize("position", [1, 4096, 1048570, 2097100, 4999000])
def test_plain_search_in_a_long_subject(lua, needle, position):
    """A string is found wherever it lies in a subject of five megabytes, and not behind it."""
    program = f"""
      local needle = {json.dumps(needle)}
      local s = ('a'):rep({position}) .. needle .. ('a'):rep(5000000 - {position})
      local first, last = s:find(needle, 1, true)
      return first, last, (s:find(needle, {position}, true)), (s:find(needle, -5000, true)), (s:find(needle .. 'x'))"""
    assert lua.outcome(program) == lua.outcome(program, "real")


BIG = """
  local line = 'lorem ipsum, dolor = 42; sit amet\\n'
  local text = line:rep(1000000 // #line)
  local blank, ones = (' '):rep(1000000), ('a'):rep(1000000)
"""


HONEST = r"""
return text:find('%d+'), ones:find('a+'), ones:find('a*$'), ones:match('^%s*(.-)%s*$') == ones
return (text .. 'NEEDLE 7'):find('NEEDLE%s+%d'), (text .. 'needle'):find('needle', 1, true), text:find('needle')
return text:match('^(.*)$') == text, #text:match('^.*;'), #text:match('(.-)\n'), blank:match('^%s*$') == blank
return (select(2, text:gsub('%s+', ' '))), (select(2, text:gsub('%w+', '<%0>'))), #text:gsub('[^\n]', '')
return (select(2, text:gsub('%w+', string.upper))), (select(2, text:gsub('%a+', {lorem = 'x'})))
return (select(2, text:gsub('(%w+)%s*=%s*(%w+)', '%2=%1'))), ('(' .. text .. ')'):find('%b()'), text:find('%f[%d]%d')
local n = 0 for w in text:gmatch('%w+') do n = n + #w end return n
local n = 0 for l in text:gmatch('(.-)\n') do n = n + #l end return n
local n, i = 0, 0 repeat n, i = n + 1, text:find(',', i + 1, true) until not i return n
local n, i = 0, 0 repeat n, i = n + 1, text:find('%d', i + 1) until not i return n
return #text:rep(20), #text:upper(), #text:reverse(), text:sub(2) == text, #string.format('%s|%s', text, text)
local t = {} for i = 1, 200000 do t[i] = i * 7919 % 200003 end table.sort(t) return t[1], t[200000]
local t = {} for i = 1, 50000 do table.insert(t, tostring(i)) end return #table.concat(t, ',')
local t = {} for i = 1, 200000 do table.insert(t, i) end while #t > 0 do table.remove(t) end return #t
local t = {} for i = 1, 3000 do table.insert(t, 1, i) end for i = 1, 2000 do table.remove(t, 1) end return #t
local t = {} for i = 1, 100000 do t[i] = i end return select('#', table.unpack(t)), #table.move(t, 1, #t, 2)
""".strip().splitlines()


@pytest.mark.parametrize("work", HONEST)
def test_honest_work(lua, work):
    """Ordinary work on a megabyte gives Lua's results; work that grows with its square would reach the limit."""
    assert lua.outcome(BIG + work) == lua.outcome(BIG + work, "real")


# Attacks -------------------------------------------------------------------------------------------------------------

SECONDS = 0.3  # that an attack may run

ATTACK_WORLD = """
  local big = ('a'):rep(30000000)
  local huge = setmetatable({}, {
    __len = function() return math.maxinteger - 1 end, __index = function() return '' end, __newindex = function() end,
  })
  local sparse = {} for i = 0, 62 do sparse[1 << i] = 'x' end
  local full = {} for i = 1, 900000 do full[i] = i end
"""

ATTACKS = r"""
('a'):rep(60):find(('a*'):rep(30) .. 'b')
('a'):rep(60):match(('a?'):rep(60) .. ('a'):rep(59) .. 'b')
('a'):rep(60):gsub(('a-'):rep(30) .. 'b', '')
('a'):rep(60):gsub(('a-'):rep(30) .. 'b', {})
('a'):rep(60):gmatch(('(a*)'):rep(30) .. 'b')()
('a'):rep(2000):find('.-.-.-.-b')
('a'):rep(2000):find('^(.*)(.*)(.*)%3%2%1b')
('a'):rep(30000):find('a-b')
('a'):rep(30000):find('(a*)%1b')
('a'):rep(1000):gsub('a*a*a*b', 'x')
('x='):rep(5000):match('(.-)=(.-)=(.-)=(.-)!')
('('):rep(200000):find('%b()')
('('):rep(200000):gsub('%b()', '')
(' '):rep(300000):match('^%s*(.-)%s*x$')
(' '):rep(300000):gsub('%s+$x', '')
big:find('a*b')
big:find('[b-z]+')
big:find('a-b')
big:find('(a)(a)(a)b')
big:match('.-b')
big:find('[' .. ('bcdefgh'):rep(1000) .. ']')
big:find('[' .. ('bcdefgh'):rep(100000) .. ']+x')
big:find(('a'):rep(10000) .. 'b')
big:find(('a'):rep(1000000) .. 'b', 1, true)
big:find(('a'):rep(40) .. 'b', 1, true)
big:gsub('', 'x')
big:gsub('a', '%0%0%0%0%0%0%0%0%0%0')
big:gsub('.', function() end)
big:gsub('a', {a = big})
('a'):rep(3000):gsub('a', ('b'):rep(100000))
('a'):rep(3000):gsub('.+', ('%0'):rep(100000))
for _ in big:gmatch('a') do end
for _ in big:gmatch('') do end
for _ in ('a'):rep(30000):gmatch('.-b') do end
while true do pcall(string.find, ('a'):rep(200), 'a*a*b') end
while true do big:lower() end
while true do big:reverse() end
while true do big:sub(2) end
while true do big:find('b', 1, true) end
while true do big:find('[^a]') end
while true do big:match('^a*') end
while true do big:byte(1, 900000) end
while true do ('a'):rep(30000000) end
while true do ('abc'):gsub('%w', ('x'):rep(100000)) end
while true do string.format('%s', big) end
while true do string.format(big) end
while true do string.pack('z', big) end
while true do string.unpack('z', big .. '\0') end
while true do pcall(string.pack, (' '):rep(10000000)) end
while true do pcall(string.packsize, (' '):rep(10000000)) end
while true do tonumber(big) end
while true do tonumber(('1'):rep(10000000)) end
while true do utf8.len(big) end
while true do utf8.offset(big, 29000000) end
local f = utf8.codes('') while true do pcall(f, ('\x80'):rep(10000000), 1) end
for _ in utf8.codes(big) do end
(''):rep(10 ^ 15 // 1 | 0)
('a'):rep(10 ^ 15 // 1 | 0)
('a'):rep(1 << 62, big)
string.pack('c99999999', '')
string.pack('c99999999999999999999', '')
string.pack(('c9999999'):rep(1000))
string.format(('%99d'):rep(10000000), 1)
string.format(('%5'):rep(10000000))
string.format(('1'):rep(10000000) .. '%' .. ('1'):rep(10000000))
table.concat(huge)
table.concat(huge, 'x')
table.concat(sparse, '', 1)
table.concat(full, big)
while true do table.concat(full) end
table.insert(huge, 1, 1)
table.insert(sparse, 1, 1)
table.remove(huge, 1)
table.remove(sparse, 1)
while true do table.insert(full, 1, 1) end
while true do table.remove(full, 1) end
table.move({}, 1, 1000000000000000, 2)
table.move({}, 1, 1000000000000000, 2, {})
table.move(huge, 1, math.maxinteger - 1, 1, {})
while true do table.move(full, 1, #full, 1, {}) end
table.unpack(huge)
table.unpack(sparse, 1, 1 << 62)
while true do table.unpack(full) end
while true do table.pack(table.unpack(full)) end
while true do table.create(1 << 30, 1 << 30) end
table.sort(huge)
table.sort(huge, function() return true end)
table.sort(sparse, function() return true end)
table.sort(full, function(a, b) return a > b end)
while true do table.sort(full) end
local t = {} for i = 1, 30 do t[i] = big end while true do table.sort(t) end
local t = {} for i = 1, 20000 do t[i] = i % 2 end while true do table.sort(t) end
table.sort(full, function() while true do end end)
coroutine.wrap(function() table.sort(full, function() coroutine.yield() while true do end end) end)() while true do end
coroutine.wrap(function() big:gsub('.', function() while true do end end) end)()
table.sort({1, 2, 3}, function() table.sort(full, function() return true end) end)
local s = 'a' for i = 1, 26 do s = s .. s end s:find('a*b') s:upper()
local p = ('%w*'):rep(100000) big:find(p)
local p = ('('):rep(1000000) big:find(p)
local p = ('a'):rep(1000000) .. '*' big:find(p)
for i = 1, 1e9 do ('a'):find('[' .. i .. '%w]*b') end
""".strip().splitlines()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker("tests.language.test_stdlib", PATIENCE)
    yield worker
    worker.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_end(worker, attack):
    """No use of the library holds Lua longer than the hook allows."""
    assert worker.ask(attack) in {"done", "failed", "stopped"}


def _outcome(attack: str) -> str:
    """How an attack ended."""
    world = Worlds(seconds=SECONDS, max_memory=256_000_000)
    statements = ("for ", "while ", "local ", "coroutine", "table.")
    statement = attack if attack.startswith(statements) else f"local _ = {attack}"
    how: str = world.outcome(f"{ATTACK_WORLD} {statement}")[0]
    return how


if __name__ == "__main__":
    serve(_outcome)
