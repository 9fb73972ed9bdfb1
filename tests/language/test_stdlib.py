"""The guest's standard library: Lua's own behaviour, at a bounded cost.

Run as a program, this file is the worker that the attacks run in, so that a hang ends with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lupa import lua55

LANGUAGE = Path(__file__).parents[2] / "lua_procedures" / "language"
PARTS = ("stdlib", "guards", "patterns", "matcher", "strings", "tables")
LIMIT = 100_000_000

# Two worlds with the same programs: `guest` has the library, `real` has Lua's own. Both have a hook that ends a
# program for good when its time is over. Returns run(world, text) -> how, values...
WORLDS = r"""
return function(texts, max_string, seconds)
  local assert, error, load, next, rawget, select, tostring, type = assert, error, load, next, rawget, select, tostring, type
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
  local worlds = { guest = { tostring = text_of, part = part }, real = { tostring = tostring, unpack = table.unpack } }
  for name in next, lib do worlds.real[name] = worlds.real[name] or _G[name] end
  for name, member in next, lib do worlds.guest[name] = member end
  for name, member in next, common do worlds.guest[name], worlds.real[name] = member, member end
  worlds.guest.real = worlds.real
  worlds.guest._G = worlds.guest

  local globals, names = _G, {}
  for name in next, globals do names[name] = true end
  for name in next, names do globals[name] = nil end

  local function finish(ok, ...)
    sethook()
    if latched then return "stopped" end
    return ok and "done" or "failed", ...
  end
  return function(world, text)
    local program, message = load(text, "=cell", "t", worlds[world])
    if not program then return "syntax", message end
    metatable_of("").__index = worlds[world].string
    started, latched = clock(), false
    sethook(hook, "", 1000)
    return finish(pcall(program))
  end
end
"""

# Returns same(case, ...): nothing where our matcher and C's give the same values or the same error, else both.
COMPARE = r"""
  local guards = { own = function() end, fits = function() end, pay = function() end, FREE = FREE,
    fail = function(message) error(message, 0) end }
  local patterns = part("patterns")(guards)
  local ours, C = part("matcher")(guards, patterns), real.string
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


class Worlds:
    """A Lua runtime with a guest's world, and a real one beside it."""

    def __init__(self, *, max_string: int = LIMIT, seconds: float = 10.0, max_memory: int = 0) -> None:
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
('abc'):gsub('a', function() error({}) end) == nil
('hello world'):gsub('o', '0', 1), ('hello'):gsub('l', 'L', 0), ('hello'):gsub('', '-'), ('hello'):gsub('x*', '-')
('abc'):gsub('%w', '%0%0'), ('abc'):gsub('b', 5), ('$a $b $c'):gsub('%$(%w+)', {a = 1, b = false})
('abc'):gsub('(a)(b)', function(x, y) return y .. x end), ('abc'):gsub('b', setmetatable({}, {__index = string.upper}))
('abc'):gmatch('b')(), ('abc'):gmatch('.', 3)(), ('abc'):gmatch('(a)(b)')(), ('^a^b'):gmatch('^(%w)')(), ('a'):gmatch('b')()
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
table.sort({1, 'x'})
table.sort({{}, {}})
table.sort({true, false})
table.sort({1, 2}, 5)
table.sort({3, 1, 2}, function(a, b) error('mine') end)
table.sort(nil)
#table.create(10), #table.create(3, 4)
table.create(-1)
table.create(1, 2 ^ 31)
table.create()
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
pairs(nil)
next({}, 'x')
utf8.char(97, 233), utf8.len('a\u{e9}'), utf8.offset('a\u{e9}b', 3), utf8.codepoint('\u{e9}'), utf8.len('\xff')
utf8.len({})
utf8.len('abc', 9)
utf8.offset('\u{e9}', 1, 2)
utf8.codepoint('\xff')
utf8.codes('\x80')
(function() local t = {} for p, c in utf8.codes('a\u{e9}\u{20ac}\u{1F600}') do table.insert(t, p .. ':' .. c) end return unpack(t) end)()
(function() for _ in utf8.codes('a\xff') do end end)()
(function() for _ in utf8.codes('\u{e9}\x80') do end end)()
(function() for _ in utf8.codes('a\u{D800}') do end end)()
(function() local n = 0 for _, c in utf8.codes('a\u{7FFFFFFF}', true) do n = n + c end return n end)()
(function() local s = '' for k, v in pairs({10, 20, x = 1}) do s = s .. k .. v end return s end)()
(function() local s = '' for i, v in ipairs({10, 20, nil, 3}) do s = s .. i .. v end return s end)()
math.type(1), math.tointeger(2.0), math.max(1, 3, 2), math.ult(1, -1), math.fmod(7, 3), math.floor(1.5)
math.floor({})
""".strip().splitlines()  # fmt: skip


@pytest.mark.parametrize("expression", PARITY)
def test_parity(lua, expression):
    """A call gives what Lua's own function gives, or fails with the same message at the same line."""
    program = f"\nlocal values = table.pack({expression})\nreturn values.n, unpack(values, 1, values.n)"
    expected, got = lua.outcome(program, "real"), lua.outcome(program)
    assert got == tuple(_without_no_value(each) for each in expected)


def _without_no_value(value: Any) -> Any:
    """Our functions take an argument that is not given for nil."""
    return value.replace("got no value", "got nil") if isinstance(value, str) else value
