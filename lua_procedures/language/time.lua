-- Time and chance: the run's own outside a step, real inside of one.

local type, ipairs, error, find = type, ipairs, error, string.find
local mathtype, floor, osdate = math.type, math.floor, os.date

return function(kit)
  local guest, fail, live, host, raw = kit.guest, kit.fail, kit.live, kit.host, kit.raw
  local where, request, result = kit.where, kit.operation, kit.result

  -- waits durably, on behalf of a primitive; `why` is for whoever watches
  function kit.sleep(primitive, seconds, why)
    return result(primitive, request(primitive, "sleep", seconds + 0.0, (where()), why))
  end

  function guest.Sleep(seconds)
    kit.check("Sleep", "seconds", seconds)
    return kit.sleep("Sleep", seconds)
  end

  local function checked(primitive, ok, ...)
    if ok then return ... end
    local message = (...)
    if type(message) ~= "string" or find(message, "not enough memory", 1, true) then error(message, 0) end
    fail(primitive, (string.gsub(message, "^bad argument #(%d+) to '[^']*' %((.*)%)$", "argument %1: %2")))
  end
  function kit.result_of(primitive, f, ...) return checked(primitive, kit.caught(raw.pcall(f, ...))) end

  local function now() return host.looked_at() / 1e6 end

  guest.os = {
    time = function(parts)
      if parts == nil then return floor(now()) end
      if type(parts) ~= "table" then fail("os.time", "a table expected, got " .. kit.type_name(parts)) end
      return kit.result_of("os.time", kit.raw_time, parts)
    end,
    clock = function() return host.elapsed() / 1e6 end,
    date = function(pattern, time)
      if type(pattern) == "string" and #pattern > 1000 then fail("os.date", "pattern: more than 1,000 bytes long") end
      return kit.result_of("os.date", osdate, pattern or "%c", time or floor(now()))
    end,
    difftime = function(a, b)
      if type(a) ~= "number" or type(b or 0) ~= "number" then fail("os.difftime", "two times expected") end
      return a - (b or 0)
    end,
  }

  -- xoshiro256**, one generator per frame; Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2018)
  local function rotate(x, k) return (x << k) | (x >> (64 - k)) end

  local function generator(seed)
    local function mix() -- splitmix64 spreads the seed over the state
      seed = seed + 0x9E3779B97F4A7C15
      local z = seed
      z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
      z = (z ~ (z >> 27)) * 0x94D049BB133111EB
      return z ~ (z >> 31)
    end
    return { mix(), mix(), mix(), mix() }
  end

  local function draw(s)
    local s1 = s[2]
    local drawn = rotate(s1 * 5, 7) * 9
    s[3] = s[3] ~ s[1]
    s[4] = s[4] ~ s1
    s[2] = s1 ~ s[3]
    s[1] = s[1] ~ s[4]
    s[3] = s[3] ~ (s1 << 17)
    s[4] = rotate(s[4], 45)
    return drawn
  end

  local function rng()
    if not live.rng then live.rng = generator(host.seed()) end
    return live.rng
  end

  local function integer(v, place)
    local n = mathtype(v) and math.tointeger(v)
    if not n then fail("math.random", format("argument %d: an integer expected, got %s", place, kit.show(v))) end
    return n
  end

  local function project(s, limit) -- uniform in 0..limit, unsigned, without bias
    if limit & (limit + 1) == 0 then return draw(s) & limit end
    local mask = limit
    for _, k in ipairs { 1, 2, 4, 8, 16, 32 } do mask = mask | (mask >> k) end
    local drawn
    repeat drawn = draw(s) & mask until math.ult(drawn, limit) or drawn == limit
    return drawn
  end

  local random_library = kit.lib.math
  function random_library.random(low, high)
    local s = rng()
    if low == nil then return (draw(s) >> 11) * 0x1p-53 end
    if high == nil then
      if low == 0 then return draw(s) end
      low, high = 1, integer(low, 1)
    else
      low, high = integer(low, 1), integer(high, 2)
    end
    if low > high then fail("math.random", "the interval is empty") end
    return project(s, high - low) + low
  end
  function random_library.randomseed(seed)
    if seed ~= nil and type(seed) ~= "number" then fail("math.randomseed", "a number expected, got " .. type(seed)) end
    local whole = seed and (math.tointeger(seed) or floor(seed * 1000003))
    live.rng = generator(whole or host.seed())
  end
end
