-- People: what they are asked and what they are shown.

local type, next, tostring, select, ipairs, rawequal = type, next, tostring, select, ipairs, rawequal
local format, concat, find, getmetatable = string.format, table.concat, string.find, getmetatable

return function(kit)
  local guest, fail, host, encode, where = kit.guest, kit.fail, kit.host, kit.encode, kit.where
  local request, result = kit.operation, kit.result

  ---- showing values ---------------------------------------------------------------------------------------

  local MAX_SHOWN = 2000

  local function show(v, depth)
    local kind = type(v)
    if kind == "string" then return depth == 0 and kit.utf8(v) or format("%q", kit.utf8(v)) end
    if kind ~= "table" or getmetatable(v) ~= nil then return kit.tostring(v) end
    if depth > 4 then return "{…}" end
    local pieces, size, n = {}, 0, 0
    for k, x in kit.each(v) do
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

  ---- asking and telling -----------------------------------------------------------------------------------

  local function options_of(primitive, options, message_only)
    if type(options) == "string" and message_only then return { message = options } end
    if options == nil then return {} end
    if type(options) ~= "table" or getmetatable(options) ~= nil then
      fail(primitive, "a table of options expected, got " .. kit.type_name(options))
    end
    return options
  end

  local HITL = "\31Hitl " -- what a step depends on that asks by a declaration
  local declarations = {}
  setmetatable(kit.readers, {
    __index = function(_, label)
      if type(label) ~= "string" or string.sub(label, 1, #HITL) ~= HITL then return nil end
      return function() return declarations[string.sub(label, #HITL + 1)] or "" end
    end,
  })

  local function asker(kind)
    local primitive = "Human." .. kind
    return function(options, last)
      if rawequal(options, guest.Human) then options = last end -- colon form
      options = options_of(primitive, options, true)
      if kit.live.tracker and type(options.config_key) == "string" then kit.depend(HITL .. options.config_key) end
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
  function guest.Hitl(key, options)
    if type(key) ~= "string" then fail("Hitl", "key: a string expected, got " .. type(key)) end
    declarations[key] = encode("Hitl", options_of("Hitl", options))
    host.declare_hitl(key, declarations[key])
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
end
