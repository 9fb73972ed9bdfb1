-- The guest's `string` and `utf8`.
--
-- `build(guards, patterns, matcher)` returns the two tables. A function of C is called where its cost is known to be
-- small, and the argument checks before it leave it nothing to complain about; else Lua does the work, or hook counts
-- are paid for it.

local select, type = select, type
local mathtype, tointeger = math.type, math.tointeger
local unpack = table.unpack
local C, U = string, utf8
local c_find, c_match, c_gmatch, c_gsub = C.find, C.match, C.gmatch, C.gsub
local c_format, c_rep, c_sub, c_byte = C.format, C.rep, C.sub, C.byte
local c_codepoint, c_utf8char, c_utf8len, c_offset = U.codepoint, U.char, U.len, U.offset
local c_pack, c_unpack, c_packsize = C.pack, C.unpack, C.packsize

-- Bound on the bytes that one substitution by C may write.
local MAX_WRITTEN = 4000000
-- Format strings whose reading is remembered.
local CACHED, CACHED_LENGTH = 500, 200

return function(guards, patterns, matcher)
  guards.own()
  local fail, fits, pay, text, integer = guards.fail, guards.fits, guards.pay, guards.text, guards.integer
  local call, blame, safe_tostring, FREE = guards.call, guards.blame, guards.tostring, guards.FREE
  local max_string = guards.max_string
  local max_written = MAX_WRITTEN < max_string and MAX_WRITTEN or max_string
  local known, lookup = patterns.known, patterns.lookup
  local strings = { len = C.len, byte = c_byte, char = C.char }

  local function long(s)
    fits(#s)
    pay(#s)
  end

  -- Whole strings --------------------------------------------------------------------------------------------------

  local function by_byte(name, f)
    return function(s)
      if type(s) ~= "string" then s = text(s, 1, name) end
      if #s > FREE then long(s) end
      return f(s)
    end
  end

  strings.lower = by_byte("lower", C.lower)
  strings.upper = by_byte("upper", C.upper)
  strings.reverse = by_byte("reverse", C.reverse)

  function strings.sub(s, i, j)
    if type(s) ~= "string" or mathtype(i) ~= "integer" or (j ~= nil and mathtype(j) ~= "integer") then
      s, i, j = text(s, 1, "sub"), integer(i, 2, "sub"), integer(j, 3, "sub", -1)
    end
    local part = c_sub(s, i, j)
    if #part > FREE then pay(#part) end
    return part
  end

  function strings.rep(s, n, separator)
    if type(s) ~= "string" then s = text(s, 1, "rep") end
    if mathtype(n) ~= "integer" then n = integer(n, 2, "rep") end
    local each = #s
    if separator ~= nil then
      separator = text(separator, 3, "rep")
      each = each + #separator
    end
    if n <= 0 or each == 0 then return "" end
    if n > (max_string + each - #s) // each then fits(max_string + 1) end
    if each * n > FREE then pay(each * n) end
    return c_rep(s, n, separator)
  end

  -- Patterns -------------------------------------------------------------------------------------------------------

  function strings.find(s, p, init, plain)
    if type(s) ~= "string" or type(p) ~= "string" or (init ~= nil and mathtype(init) ~= "integer") then
      s, p, init = text(s, 1, "find"), text(p, 2, "find"), integer(init, 3, "find", 1)
    end
    local info = known[p] or lookup(p)
    if #s <= info.reach then return c_find(s, p, init, plain) end
    fits(#s)
    if plain or info.plain then
      if init and init < 0 then init = init < -#s and 1 or #s + init + 1 end
      return matcher.find_plain(s, p, (not init or init == 0) and 1 or init)
    end
    return matcher.find(s, p, init)
  end

  function strings.match(s, p, init)
    if type(s) ~= "string" or type(p) ~= "string" or (init ~= nil and mathtype(init) ~= "integer") then
      s, p, init = text(s, 1, "match"), text(p, 2, "match"), integer(init, 3, "match", 1)
    end
    if #s <= (known[p] or lookup(p)).reach then return c_match(s, p, init) end
    fits(#s)
    return matcher.match(s, p, init)
  end

  function strings.gmatch(s, p, init)
    if type(s) ~= "string" or type(p) ~= "string" or (init ~= nil and mathtype(init) ~= "integer") then
      s, p, init = text(s, 1, "gmatch"), text(p, 2, "gmatch"), integer(init, 3, "gmatch", 1)
    end
    -- Here "^" is no anchor.
    if c_sub(p, 1, 1) == "^" then p = "%" .. p end
    if #s <= (known[p] or lookup(p)).reach then return c_gmatch(s, p, init) end
    fits(#s)
    return matcher.gmatch(s, p, init)
  end

  local REPLACEMENTS = { string = true, table = true, ["function"] = true }

  -- Whether C may substitute: nothing to call or index, few steps, and no large result.
  local function quick_gsub(s, p, replacement)
    if type(replacement) ~= "string" or #s > (known[p] or lookup(p)).reach then return false end
    local most = #replacement
    if c_find(replacement, "%", 1, true) then most = most * (#s + 1) end
    return most * (#s + 1) <= max_written
  end

  function strings.gsub(s, p, replacement, limit)
    if type(s) ~= "string" or type(p) ~= "string" then s, p = text(s, 1, "gsub"), text(p, 2, "gsub") end
    if type(replacement) == "number" then replacement = text(replacement) end
    if not REPLACEMENTS[type(replacement)] then
      guards.mismatch(replacement, 3, "gsub", "string/function/table")
    end
    if limit ~= nil then limit = integer(limit, 4, "gsub") end
    if quick_gsub(s, p, replacement) then
      if #s > FREE then pay(#s << 3) end
      return call("gsub", c_gsub, s, p, replacement, limit)
    end
    fits(#s)
    return matcher.gsub(s, p, replacement, limit)
  end

  -- Formatting -----------------------------------------------------------------------------------------------------

  local formats, remembered = {}, 0

  -- The conversions of a format in order, as a list of letters; `text` says whether %s is among them.
  local function read_format(f)
    pay(#f)
    local letters, n = { text = false }, 0
    for flags, letter in c_gmatch(f, "%%([-+ #0-9.]*)(.?)") do
      if letter ~= "%" or flags ~= "" then
        n = n + 1
        letters[n] = letter
        letters.text = letters.text or letter == "s"
        letters.pointer = letters.pointer or letter == "p"
      end
    end
    return letters
  end

  local function format_of(f)
    local letters = formats[f]
    if letters then return letters end
    letters = read_format(f)
    if #f <= CACHED_LENGTH then
      if remembered == CACHED then formats, remembered = {}, 0 end
      formats[f], remembered = letters, remembered + 1
    end
    return letters
  end

  local PLAIN = { string = true, boolean = true, ["nil"] = true }

  -- The arguments with what %s would show by its address, or with digits too many, replaced by its text.
  local function readable(letters, ...)
    local count, values, size = select("#", ...), { ... }, 0
    for i = 1, count do
      local value = values[i]
      if letters[i] == "s" and not PLAIN[type(value)] then
        value = safe_tostring(value)
        values[i] = value
      end
      if type(value) == "string" then size = size + #value end
    end
    fits(size)
    return unpack(values, 1, count)
  end

  function strings.format(f, ...)
    if type(f) ~= "string" then f = text(f, 1, "format") end
    local letters = formats[f] or format_of(f)
    if letters.pointer then fail("invalid conversion '%p' to 'format' (addresses are not shown)") end
    local a, b, c, d = ...
    local few = select("#", ...) <= 4 and PLAIN[type(a)] and PLAIN[type(b)] and PLAIN[type(c)] and PLAIN[type(d)]
    local result
    if few or not letters.text then
      result = call("format", c_format, f, ...)
    else
      result = call("format", c_format, f, readable(letters, ...))
    end
    if #result > FREE then long(result) end
    return result
  end

  -- Binary ---------------------------------------------------------------------------------------------------------

  -- Fixed sizes such as "c1000" are padded by C: their sum is checked before.
  local function check_sizes(f)
    pay(#f << 4)
    local size = 0
    for digits in c_gmatch(f, "c(%d+)") do
      fits(#digits > 15 and max_string + 1 or 0)
      size = size + tointeger(digits)
      fits(size)
    end
  end

  function strings.pack(f, ...)
    f = text(f, 1, "pack")
    if #f > FREE or c_find(f, "c%d") then check_sizes(f) end
    local result = call("pack", c_pack, f, ...)
    if #result > FREE then long(result) end
    return result
  end

  function strings.packsize(f)
    f = text(f, 1, "packsize")
    pay(#f << 4)
    return call("packsize", c_packsize, f)
  end

  function strings.unpack(f, s, init)
    f, s = text(f, 1, "unpack"), text(s, 2, "unpack")
    pay((#f << 4) + (#s > FREE and #s or 0))
    return call("unpack", c_unpack, f, s, init)
  end

  -- UTF-8 ----------------------------------------------------------------------------------------------------------

  local utf = { char = c_utf8char, charpattern = U.charpattern, codepoint = c_codepoint }

  function utf.len(s, ...)
    if type(s) == "string" and #s > FREE then pay(#s) end
    return call("len", c_utf8len, s, ...)
  end

  function utf.offset(s, ...)
    if type(s) == "string" and #s > FREE then pay(#s) end
    return call("offset", c_offset, s, ...)
  end

  local function continues(code)
    return code and code & 0xC0 == 0x80
  end

  local function stepper(lax)
    return function(s, i)
      s, i = text(s, 1, "for iterator"), integer(i, 2, "for iterator") + 1
      if i < 1 or i > #s then return end
      while continues(c_byte(s, i)) do i = i + 1 end
      if i > #s then return end
      if not c_utf8len(s, i, i, lax) then fail("invalid UTF-8 code") end
      local code = c_codepoint(s, i, i, lax)
      if continues(c_byte(s, i + #c_utf8char(code))) then fail("invalid UTF-8 code") end
      return i, code
    end
  end

  local strict, lax_stepper = stepper(false), stepper(true)

  function utf.codes(s, lax)
    s = text(s, 1, "codes")
    if continues(c_byte(s, 1)) then blame(1, "codes", "invalid UTF-8 code") end
    return lax and lax_stepper or strict, s, 0
  end

  return strings, utf
end
