-- The standard library of the guest's world, as far as it is pure Lua.
--
-- `build(options)` takes
--   tostring    turns any value into text without showing an address
--   max_string  the largest string in bytes that the library makes
--   part        gives the builder of another file of the library by its name
-- and returns fresh tables and functions by their names. The chunk keeps the originals from when it was loaded: the
-- real globals may be emptied afterwards. `random`, `randomseed`, `print`, `load`, `pcall`, `error`, metatables and
-- coroutines are not here, and `string.dump` is nowhere.

local assert, ipairs, next, pairs, select, tonumber, type = assert, ipairs, next, pairs, select, tonumber, type
local rawequal, rawget, rawlen, rawset = rawequal, rawget, rawlen, rawset
local math = math

-- Numerals up to here are read without a charge.
local SHORT = 1000

local MATH = {
  "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "frexp", "huge", "ldexp", "log", "max",
  "maxinteger", "min", "mininteger", "modf", "pi", "rad", "sin", "sqrt", "tan", "tointeger", "type", "ult",
}

return function(options)
  local guards = options.part("guards")(options)
  guards.own()
  local patterns = options.part("patterns")(guards)
  local matcher = options.part("matcher")(guards, patterns)
  local strings, utf = options.part("strings")(guards, patterns, matcher)
  local tables = options.part("tables")(guards)

  local lib = {
    string = strings, utf8 = utf, table = tables, math = {}, unpack = tables.unpack,
    assert = assert, ipairs = ipairs, next = next, pairs = pairs, select = select, type = type,
    rawequal = rawequal, rawget = rawget, rawlen = rawlen, rawset = rawset,
  }
  for _, name in ipairs(MATH) do lib.math[name] = math[name] end

  function lib.tonumber(...)
    local value, base = ...
    local kind = type(value)
    if base == nil and (kind == "number" or (kind == "string" and #value <= SHORT)) then return tonumber(value) end
    if kind == "string" then guards.pay(#value) end
    return guards.call("tonumber", tonumber, ...)
  end

  return lib
end
