-- Puts the parts of the prelude together into one guest world, and empties the real globals.

return function(host, limits, texts)
  local load, pairs, ipairs, type, next, error, assert, raw_tostring = load, pairs, ipairs, type, next, error, assert, tostring
  local rawget, rawset, setmetatable, metatable_of = rawget, rawset, setmetatable, debug.getmetatable

  local weak = { __mode = "k" }
  local kit = {
    host = host, limits = limits, guest = {}, raw_time = os.time,
    arguments = texts.arguments,             -- what primitives expect of their arguments
    functions = {}, names = {}, declared = {}, -- of the texts that were loaded: see `load` of the runtime
    calls = {},                              -- library -> what calling it does
    modules = {},                            -- what `require` gives of ours
    described = setmetatable({}, weak),      -- value -> function(describe, value): its text in fingerprints
  }
  -- Nothing of Python enters, also not the exception of a call whose arguments cannot be converted.
  local utf8len, pcall, select, unpack = utf8.len, pcall, select, table.unpack
  local function plain(...)
    local values, n = { ... }, select("#", ...)
    for i = 1, n do
      if type(values[i]) == "string" and not utf8len(values[i]) then values[i] = kit.utf8(values[i]) end
    end
    return unpack(values, 1, n)
  end
  local function answer(ok, ...)
    if not ok then kit.stop() end
    return ...
  end
  local guarded = {}
  for name, call in pairs(host) do
    guarded[name] = function(...) return answer(pcall(call, plain(...))) end
  end
  for _, name in ipairs {
    "tick", "limit_memory", "out_of_memory", "now", "looked_at", "elapsed", "seed", "next_position", "step_position",
    "begin_step", "end_step",
  } do
    guarded[name] = host[name] -- take no text, or none that was not looked at
  end
  kit.host = guarded
  kit.known = setmetatable({}, weak)        -- what is ours, by its name
  kit.plain_views = setmetatable({}, weak)  -- proxies, with what they stand for

  local NAMES = { table = "table", ["function"] = "function", thread = "coroutine", userdata = "userdata" }

  -- like Lua's own, but without addresses, and no digit longer than needed
  function kit.tostring(v)
    local kind = type(v)
    if kind == "number" then return kit.shortest_text(v) end
    if not NAMES[kind] then return raw_tostring(v) end
    local meta = kind == "table" and metatable_of(v)
    if type(meta) ~= "table" then return NAMES[kind] end
    local by = rawget(meta, "__tostring")
    if by ~= nil then
      local text = by(v)
      if type(text) ~= "string" then error("'__tostring' must return a string", 2) end
      return text
    end
    local name = rawget(meta, "__name")
    return type(name) == "string" and name or NAMES[kind]
  end

  -- our own parts keep the real libraries, in copies that outlive the emptied globals
  local libraries = {}
  for name, member in pairs(_G) do
    libraries[name] = member
    if type(member) == "table" and member ~= _G then
      libraries[name] = {}
      for k, v in pairs(member) do libraries[name][k] = v end
    end
  end

  local function build(name) return assert(load(texts[name], "=(lua_procedures)", "b", libraries))() end

  kit.lib = build("stdlib") { tostring = kit.tostring, max_string = limits.string, part = build }
  for name, member in pairs(kit.lib) do kit.guest[name] = member end
  kit.guest.tostring = kit.tostring
  for _, name in ipairs(texts.order) do build(name)(kit) end

  local function know(path, v)
    if (type(v) ~= "table" and type(v) ~= "function") or kit.known[v] then return end
    kit.known[v] = path
    if type(v) ~= "table" or v == kit.env then return end
    for k, x in next, v do
      if type(k) == "string" then know(path .. "." .. k, x) end
    end
  end
  for name, member in next, kit.guest do know(name, member) end
  for name, module in next, kit.modules do know(name, module) end

  -- Our libraries are tables of the program's own, whose members stand behind them: what a program adds is noticed,
  -- since a step may call it, and a step must not add anything itself.
  local changed, version = {}, 0
  function kit.changed_libraries() return changed end
  function kit.libraries_changed() return version > 0 and version end
  local function protect(library)
    if type(library) == "table" and library ~= kit.env and not metatable_of(library) then
      local members = {}
      for name, member in pairs(library) do members[name], library[name] = member, nil end
      setmetatable(library, {
        __metatable = false, __index = members, __call = kit.calls[library],
        __newindex = function(t, name, value)
          version = version + 1
          if next(t) == nil then changed[#changed + 1] = t end
          rawset(t, name, value)
        end,
        __pairs = function(t)
          local all = {}
          for name, member in next, members do all[name] = member end
          for name, member in next, t do all[name] = member end
          return next, all
        end,
      })
    end
  end
  for _, library in pairs(kit.guest) do protect(library) end
  for _, module in pairs(kit.modules) do protect(module) end

  local strings = metatable_of("")
  strings.__index, strings.__metatable = kit.guest.string, false

  -- Lua forgets the line of a tail call, and most programs end with one; where something is to be closed it makes none.
  function kit.load(text, chunk) return load("local _program <close> = nil; " .. text, chunk, "t", kit.env) end
  function kit.set_functions(chunk, functions) kit.functions[chunk] = functions end
  function kit.set_names(chunk, names, declared)
    kit.names[chunk] = names
    for callee, listed in pairs(declared) do
      kit.declared[callee] = kit.declared[callee] or {}
      for _, name in ipairs(listed) do kit.declared[callee][name] = true end
    end
  end
  function kit.start(id, chunk) kit.new_thread(id, kit.program(chunk)) end

  local loaded = package.loaded
  for _, library in pairs(loaded) do
    if type(library) == "table" and library ~= loaded then
      for name in pairs(library) do library[name] = nil end
    end
  end
  return kit
end
