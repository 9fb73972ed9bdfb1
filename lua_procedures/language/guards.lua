-- Checks and errors shared by the guest's standard library.
--
-- `build(options)` takes { tostring = safe_tostring, max_string = bytes } and returns the guards. An error raised here
-- carries the position of the guest's call: frames of the library itself (those whose source was registered with
-- `own`) are skipped.

local error, pcall, rawget, tonumber, tostring, type = error, pcall, rawget, tonumber, tostring, type
local getinfo, getmetatable = debug.getinfo, debug.getmetatable
local find, format, gsub = string.find, string.format, string.gsub
local mathtype, tointeger = math.type, math.tointeger

-- Work of one C call, in bytes touched, that goes unchecked and uncharged: about a tenth of a millisecond.
local FREE = 1 << 16
-- A count hook cannot fire inside a C call, so long ones are followed by idle instructions: one per 16 kB.
local BYTES_PER_INSTRUCTION = 14
-- Lua's own words; they end a run and must pass unchanged.
local OUT_OF_MEMORY = "not enough memory"

return function(options)
  local max_string = options.max_string
  local guards = {
    FREE = FREE < max_string and FREE or max_string, max_string = max_string, tostring = options.tostring,
    metatable = getmetatable,
  }
  local sources = { [getinfo(1, "S").source] = true }

  -- Counts the functions of the chunk that calls this as the library's own.
  function guards.own()
    sources[getinfo(2, "S").source] = true
  end

  -- The level of the innermost frame that is not the library's, as `error` counts it for the caller; nil if none.
  local function guest_level()
    local level = 2
    local frame = getinfo(level, "S")
    while frame and sources[frame.source] do
      level = level + 1
      frame = getinfo(level, "S")
    end
    return frame and level - 1
  end

  -- Raises `message` at the guest's call.
  local function fail(message)
    error(message, guest_level() or 0)
  end
  guards.fail = fail

  -- Raises "bad argument" for argument `index` of `name`, counted as the guest wrote the call.
  local function blame(index, name, message)
    local level = guest_level()
    local frame = level and getinfo(level - 1, "n")
    if frame and frame.namewhat == "method" then
      index = index - 1
      if index == 0 then fail(format("calling '%s' on bad self (%s)", name, message)) end
    end
    fail(format("bad argument #%d to '%s' (%s)", index, name, message))
  end
  guards.blame = blame

  local function kind(value)
    local meta = getmetatable(value)
    local name = meta and rawget(meta, "__name")
    return type(name) == "string" and name or type(value)
  end

  -- Raises "X expected, got Y" for argument `index`.
  local function mismatch(value, index, name, expected)
    blame(index, name, format("%s expected, got %s", expected, kind(value)))
  end
  guards.mismatch = mismatch

  -- The string that `value` is or, as a number, stands for.
  function guards.text(value, index, name)
    if type(value) == "string" then return value end
    if type(value) == "number" then return tostring(value) end
    mismatch(value, index, name, "string")
  end

  -- The integer that `value` is or stands for; `default` where it is nil and a default is given.
  function guards.integer(value, index, name, default)
    if mathtype(value) == "integer" then return value end
    if value == nil and default then return default end
    local exact = tointeger(value)
    if exact then return exact end
    if (type(value) == "string" or type(value) == "number") and tonumber(value) then
      blame(index, name, "number has no integer representation")
    end
    mismatch(value, index, name, "number")
  end

  -- Spends hook counts for `bytes` of work that a C function did.
  local function pay(bytes)
    for _ = 1, bytes >> BYTES_PER_INSTRUCTION do end
  end
  guards.pay = pay

  -- Raises when a string would have more than `max_string` bytes.
  function guards.fits(bytes)
    if bytes > max_string then fail(format("string too large (limit %d bytes)", max_string)) end
  end

  local function reraise(name, message)
    if type(message) ~= "string" or message == OUT_OF_MEMORY then error(message, 0) end
    local _, _, index, reason = find(message, "^bad argument #(%d+) to '[^']*' %((.*)%)$")
    if index then blame(tointeger(index), name, reason) end
    fail((gsub(message, "to '%?'", "to '" .. name .. "'")))
  end

  local function relay(name, ok, ...)
    if ok then return ... end
    reraise(name, ...)
  end

  -- Calls a C function that runs no guest code; its errors come out at the guest's call, under `name`.
  function guards.call(name, f, ...)
    return relay(name, pcall(f, ...))
  end

  return guards
end
