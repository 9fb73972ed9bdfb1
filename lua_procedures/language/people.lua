-- People: what they are asked and what they are shown.

local type, next, select, ipairs, rawequal = type, next, select, ipairs, rawequal
local format, concat, find, getmetatable = string.format, table.concat, string.find, getmetatable

return function(kit)
  local guest, host, encode, where = kit.guest, kit.host, kit.encode, kit.where
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
    return type(v) == "table" and getmetatable(v) ~= nil and "a table with a metatable" or "a " .. type(v)
  end

  ---- asking and telling -----------------------------------------------------------------------------------

  local function options_of(options)
    if type(options) == "string" then return { message = options } end
    return options or {}
  end

  -- options may stand beside the list of fields: Human.multiple{message=, {id=}, …}
  local function with_fields(options)
    if getmetatable(options) ~= nil or options[1] == nil or options.fields ~= nil then return options end
    local fields, named = {}, {}
    for k, v in next, options do
      if type(k) == "string" then named[k] = v else fields[k] = v end
    end
    if next(named) == nil then return options end
    named.fields = fields
    return named
  end

  local HITL = "\31Hitl " -- what a step depends on that asks by a declaration
  local declarations = {}
  kit.reader_family("Hitl", function(key) return declarations[key] or "" end)

  local function asker(kind)
    local primitive = "Human." .. kind
    return function(options, last)
      if rawequal(options, guest.Human) then options = last end -- colon form
      options = options_of(kit.check(primitive, "question", options))
      if kind == "multiple" then options = with_fields(options) end
      if kit.live.tracker and type(options.config_key) == "string" then kit.depend(HITL .. options.config_key) end
      return result(primitive, request(primitive, "human", kind, encode(primitive, options), (where())))
    end
  end

  -- shows something at once; the host answers 1 when the run has shown too much
  local function notice(kind, text)
    if host.notice(kind, text, (where())) ~= 0 then kit.stop() end
  end

  local function teller(primitive, argument, kind)
    return function(options, last)
      if rawequal(options, guest.Human) or rawequal(options, guest.System) then options = last end
      notice(kind, encode(primitive, options_of(kit.check_options(primitive, argument, options))))
    end
  end

  guest.Human = { notify = teller("Human.notify", "notice", "notify") }
  for _, kind in ipairs { "approve", "input", "select", "review", "multiple", "escalate" } do
    guest.Human[kind] = asker(kind)
  end
  guest.System = { alert = teller("System.alert", "alert", "alert") }
  local function declare(key, text)
    if kit.live.tracker then kit.changing(HITL .. key, true) end
    declarations[key] = text
    kit.happened { "hitl", key, text }
    host.declare_hitl(key, text)
  end
  function kit.appliers.hitl(effect) declare(effect[2], effect[3]) end

  function guest.Hitl(key, options)
    kit.check("Hitl", "key", key)
    declare(key, encode("Hitl", kit.check("Hitl", "options", options) or {}))
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
