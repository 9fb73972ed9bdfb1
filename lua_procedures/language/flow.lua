-- The durable operations, and what may be said and asked on the way.

local type, next, tostring, select, ipairs, rawequal = type, next, tostring, select, ipairs, rawequal
local format, concat, find = string.format, table.concat, string.find
local pack, unpack, setmetatable, error, getmetatable = table.pack, table.unpack, setmetatable, error, getmetatable
local mathtype, floor, osdate = math.type, math.floor, os.date

return function(kit)
  local guest, fail, live, host, raw = kit.guest, kit.fail, kit.live, kit.host, kit.raw
  local encode, where, caught, pcall = kit.encode, kit.where, kit.caught, raw.pcall

  local function request(primitive, ...)
    kit.check_state(primitive)
    return kit.request(primitive, ...)
  end

  ---- steps ------------------------------------------------------------------------------------------

  -- what the host answers: "value" and values; "raise" and a recorded error; "refuse" and what is wrong with the call
  local function result(primitive, action, a, ...)
    if action == "value" then return a, ... end
    if action == "raise" then
      local text, class, detail = a, ...
      if class ~= nil and type(text) == "string" then kit.classes[text] = { class, detail or "" } end
      error(text, 0)
    end
    return fail(primitive, a, ...) -- "refuse": message, class, detail
  end
  kit.result = result

  -- the State keys that a recorded step read, as they are now
  local function answer_reads(primitive, keys)
    local texts = {}
    kit.depend_on_reads(keys)
    for i, key in ipairs(keys) do texts[i] = encode(primitive, kit.read_text(key)) end
    return "[" .. concat(texts, ",") .. "]"
  end

  local function unchecked_text(unchecked)
    if not unchecked then return nil end
    local names = {}
    for name, why in next, unchecked do names[#names + 1] = (name == "" and "the function" or name) .. " (" .. why .. ")" end
    table.sort(names)
    return concat(names, ", ")
  end

  local ENDINGS = { assigns = "assigns the %s '%s'", changes = "changes the %s '%s'" }

  local function settle(effects, action, copies, ...)
    if copies then kit.settle_effects(effects, copies) end
    return result("Step", action, ...)
  end

  local function any_table(n, first, ...)
    if type(first) == "table" then return true end
    return n > 1 and any_table(n - 1, ...)
  end

  local function check_captures(primitive, watched)
    local how, name, what = kit.changed_capture(watched, kit.changed_in_state)
    if how then
      kit.abandon_effects()
      host.captured_changed(primitive .. " " .. format(ENDINGS[how], what, name), name)
      kit.stop()
    end
  end

  -- the step failed: the host keeps that until it is known whether the program goes on
  local function failed(primitive, value)
    local text, class, detail = kit.error_text(value)
    local parent = live.tracker.parent
    local fine, effects, effects_text, reads = pcall(kit.end_effects, primitive)
    if not caught(fine, effects) then
      live.tracker, effects, effects_text, reads = parent, nil, nil, nil
    end
    return settle(effects, request(primitive, "fail", text, effects_text, reads, class, detail))
  end

  -- the function of a step ended: gives the host what came of it, and the program the recorded copy
  local function ended(primitive, watched, rng, fence, ok, ...)
    kit.unfence(fence)
    live.rng = rng
    check_captures(primitive, watched)
    if not ok then return failed(primitive, (...)) end
    if select("#", ...) == 1 and not live.tracker.known then -- the common case: a scalar, and nothing else happened
      local text = kit.scalar_text((...))
      if text then
        live.tracker = live.tracker.parent
        request(primitive, "end", "[" .. text .. "]", nil, nil, false)
        return ...
      end
    end
    local fine, text = pcall(kit.encode_results, primitive, ...)
    if not caught(fine, text) then return failed(primitive, text) end
    local parent, effects, effects_text, reads = live.tracker.parent, nil, nil, nil
    fine, effects, effects_text, reads = pcall(kit.end_effects, primitive)
    if not caught(fine, effects) then
      live.tracker = { parent = parent } -- what the step did cannot be kept: it failed, without effects
      return failed(primitive, effects)
    end
    if any_table(select("#", ...), ...) then
      return settle(effects, request(primitive, "end", text, effects_text, reads, true))
    end
    local _, copies = request(primitive, "end", text, effects_text, reads, false) -- scalars are their own copies
    if copies then kit.settle_effects(effects, copies) end
    return ...
  end

  -- runs a step's function in a frame of its own
  local function run_frame(primitive, watched, fn)
    local rng = live.rng
    live.rng = nil
    kit.begin_effects()
    return ended(primitive, watched, rng, kit.fence(), caught(pcall(fn)))
  end

  local function begun(primitive, watched, fn, action, ...)
    if action == "value" then return ... end
    if action == "run" then return run_frame(primitive, watched, fn) end
    if action == "check" then
      return begun(primitive, watched, fn, request(primitive, "reads", answer_reads(primitive, (...))))
    end
    if action == "replay" then
      local effects, outcome = ...
      kit.apply_effects(effects)
      return result(primitive, unpack(outcome, 1, outcome.n))
    end
    return result(primitive, action, ...)
  end

  local function begin(primitive, kind, name, asked, watched, unchecked, fn)
    return begun(primitive, watched, fn,
      request(primitive, "begin", kind, name, asked, where(), unchecked_text(unchecked)))
  end

  local function check_function(primitive, fn)
    if type(fn) ~= "function" then fail(primitive, "fn: a function expected, got " .. type(fn)) end
  end

  guest.Step = {}

  guest.Step.run = function(name, fn, options)
    if type(name) ~= "string" or name == "" or not utf8.len(name) then
      fail("Step.run", "name: a non-empty string expected, got " .. (name == "" and "an empty one" or type(name)))
    end
    check_function("Step.run", fn)
    local asked, watched, unchecked = kit.fingerprint(fn)
    if options ~= nil then
      if type(options) ~= "table" then fail("Step.run", "options: a table expected, got " .. type(options)) end
      for k in next, options do
        if k ~= "inputs" then fail("Step.run", "unknown option " .. kit.show(k) .. "; the option is inputs") end
      end
      asked = asked .. "\30inputs\31" .. encode("Step.run", options.inputs, "$.inputs")
    end
    return begin("Step.run", "step", name, asked, watched, unchecked, fn)
  end

  function guest.Step.checkpoint(fn)
    check_function("Step.checkpoint", fn)
    local asked, watched, unchecked = kit.fingerprint(fn)
    return begin("Step.checkpoint", "checkpoint", "", asked, watched, unchecked, fn)
  end
  guest.checkpoint = guest.Step.checkpoint

  ---- Checkpoint ---------------------------------------------------------------------------------------

  local function check_position(primitive, k)
    if mathtype(k) == "integer" and k >= 0 then return k end
    if type(k) == "string" and k ~= "" and utf8.len(k) then return k end
    fail(primitive, "a checkpoint's name or position (0-based) expected, got " .. kit.show(k))
  end

  guest.Checkpoint = {
    exists = function(k)
      return result("Checkpoint.exists", request("Checkpoint.exists", "query", "exists", check_position("Checkpoint.exists", k)))
    end,
    get = function(k)
      return result("Checkpoint.get", request("Checkpoint.get", "query", "get", check_position("Checkpoint.get", k)))
    end,
    clear_after = function(k)
      return result("Checkpoint.clear_after", request("Checkpoint.clear_after", "cut", check_position("Checkpoint.clear_after", k)))
    end,
    clear_all = function() return result("Checkpoint.clear_all", request("Checkpoint.clear_all", "cut", 0)) end,
    next_position = function() return host.next_position() end,
  }

  ---- people ---------------------------------------------------------------------------------------------

  local function options_of(primitive, options, message_only)
    if type(options) == "string" and message_only then return { message = options } end
    if options == nil then return {} end
    if type(options) ~= "table" or getmetatable(options) ~= nil then
      fail(primitive, "a table of options expected, got " .. kit.type_name(options))
    end
    return options
  end

  local function asker(kind)
    local primitive = "Human." .. kind
    return function(options, last)
      if rawequal(options, guest.Human) then options = last end -- colon form
      options = options_of(primitive, options, true)
      return result(primitive, request(primitive, "human", kind, encode(primitive, options), (where())))
    end
  end

  local LEVELS = {
    ["Human.notify"] = { level = "info", known = { "debug", "info", "warning", "error", "critical" } },
    ["System.alert"] = { level = "info", known = { "info", "warning", "error", "critical" } },
  }

  local function check_level(primitive, level)
    for _, known in ipairs(LEVELS[primitive].known) do
      if level == known then return end
    end
    fail(primitive, format("unknown level %s; the levels are %s", kit.show(level), concat(LEVELS[primitive].known, ", ")))
  end

  -- shows something at once; the host answers 1 when the run has shown too much
  local function notice(kind, text)
    if host.notice(kind, text, (where())) ~= 0 then kit.stop() end
  end

  local function teller(primitive, kind)
    return function(options, last)
      if rawequal(options, guest.Human) or rawequal(options, guest.System) then options = last end
      options = options_of(primitive, options, true)
      if type(options.message) ~= "string" and options.message ~= nil then
        fail(primitive, "message: a string expected, got " .. type(options.message))
      end
      if options[1] ~= nil then fail(primitive, "a table of named options expected, got a list") end
      if options.details ~= nil and type(options.details) ~= "table" then
        fail(primitive, "details: a list expected, got " .. type(options.details))
      end
      if options.level ~= nil then check_level(primitive, options.level) end
      notice(kind, encode(primitive, options))
    end
  end

  guest.Human = { notify = teller("Human.notify", "notify") }
  for _, kind in ipairs { "approve", "input", "select", "review", "multiple", "escalate" } do
    guest.Human[kind] = asker(kind)
  end
  guest.System = { alert = teller("System.alert", "alert") }
  local declarations = {}
  function guest.Hitl(key, options)
    if type(key) ~= "string" then fail("Hitl", "key: a string expected, got " .. type(key)) end
    declarations[key] = true
    host.declare_hitl(key, encode("Hitl", options_of("Hitl", options)))
  end

  ---- showing values ---------------------------------------------------------------------------------------

  local MAX_SHOWN = 2000

  local function show(v, depth)
    local kind = type(v)
    if kind == "string" then return depth == 0 and kit.utf8(v) or format("%q", kit.utf8(v)) end
    if kind ~= "table" or getmetatable(v) ~= nil then return kit.tostring(v) end
    if depth > 4 then return "{…}" end
    local pieces, size, n = {}, 0, 0
    for k, x in next, v do
      if size > MAX_SHOWN or n >= 100 then
        pieces[#pieces + 1] = "…"
        break
      end
      n = n + 1
      local text = show(x, depth + 1)
      if k ~= n then
        if type(k) == "string" and find(k, "^[%a_][%w_]*$") then text = k .. " = " .. text
        else text = "[" .. show(k, depth + 1) .. "] = " .. text end
      end
      size = size + #text
      pieces[#pieces + 1] = text
    end
    return "{" .. concat(pieces, ", ") .. "}"
  end
  function kit.show(v) return show(v, 0) end
  function kit.type_name(v)
    if v == nil then return "nothing" end
    return type(v) == "table" and "a table with a metatable" or "a " .. type(v)
  end

  function guest.print(...)
    local texts = {}
    for i = 1, select("#", ...) do texts[i] = show((select(i, ...)), 0) end
    notice("print", encode("print", concat(texts, "\t")))
  end

  guest.Log = {}
  for name, level in next, { debug = "debug", info = "info", warn = "warning", warning = "warning", error = "error" } do
    guest.Log[name] = function(message, values, last)
      if rawequal(message, guest.Log) then message, values = values, last end
      local shown = { message = show(message, 0), level = level }
      if values ~= nil then shown.context = show(values, 1) end
      notice("log", encode("Log." .. name, shown))
    end
  end

  ---- time and chance ----------------------------------------------------------------------------------------

  function guest.Sleep(seconds)
    if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
      fail("Sleep", "seconds: a number of seconds, 0 or more, expected, got " .. kit.show(seconds))
    end
    return result("Sleep", request("Sleep", "sleep", seconds + 0.0, (where())))
  end

  local function checked(primitive, ok, ...)
    if ok then return ... end
    local message = (...)
    if type(message) ~= "string" or find(message, "not enough memory", 1, true) then error(message, 0) end
    fail(primitive, (string.gsub(message, "^bad argument #(%d+) to '[^']*' %((.*)%)$", "argument %1: %2")))
  end
  function kit.result_of(primitive, f, ...) return checked(primitive, kit.caught(raw.pcall(f, ...))) end

  local function now() return host.now() / 1e6 end

  guest.os = {
    time = function(parts)
      if parts == nil then return floor(now()) end
      if type(parts) ~= "table" then fail("os.time", "a table expected, got " .. kit.type_name(parts)) end
      return kit.result_of("os.time", kit.raw_time, parts)
    end,
    clock = function() return host.elapsed() / 1e6 end,
    date = function(pattern, time) return kit.result_of("os.date", osdate, pattern or "%c", time or floor(now())) end,
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
