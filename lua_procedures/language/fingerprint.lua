-- Fingerprints: what a step's function is and what it captures, as text, so that a change of it is found.

local type, next, rawequal, rawget, rawlen, tostring = type, next, rawequal, rawget, rawlen, tostring
local match, concat, sort = string.match, table.concat, table.sort
local mathtype, getmetatable, setmetatable = math.type, getmetatable, setmetatable
local getinfo, getupvalue, dump = debug.getinfo, debug.getupvalue, string.dump

local MAX_CAPTURED = 10000

return function(kit)
  local handles, utf8text = kit.handles, kit.utf8

  -- A fingerprint is a list of parts "label\31text\30": the function's own text, then every captured value.
  -- `watched` remembers what was captured, so that a change made by the step itself is found afterwards.

  local function by_key(a, b)
    local ta, tb = type(a), type(b)
    if ta == tb and (ta == "string" or ta == "number") then return a < b end
    return ta < tb
  end

  local describe_value

  local function describe_table(t, seen)
    if seen.tables[t] then return "@" .. seen.tables[t] end
    seen.count = seen.count + 1
    seen.tables[t] = seen.count
    if getmetatable(t) ~= nil then seen.unchecked[seen.label] = "a metatable" end
    local keys, n = {}, 0
    for k in next, t do
      n = n + 1
      keys[n] = k
    end
    seen.leaves = seen.leaves + n
    if seen.leaves > MAX_CAPTURED then
      seen.unchecked[seen.label] = "more than 10,000 leaves"
      return "{…}"
    end
    if n ~= rawlen(t) then sort(keys, by_key) end
    local texts = {}
    for i = 1, n do
      local k = keys[i]
      texts[i] = describe_value(k, seen) .. "=" .. describe_value(rawget(t, k), seen)
    end
    return (n == 0 and kit.is_object(t) and "object{" or "{") .. concat(texts, ",") .. "}"
  end

  -- A table's text stands for itself alone, so that it can be taken again after the step and compared.
  local function describe_captured_table(t, seen)
    local tables, count = seen.tables, seen.count
    seen.tables, seen.count = {}, 0
    local text = describe_table(t, seen)
    seen.tables, seen.count = tables, count
    return text
  end

  local identities, identity_count = setmetatable({}, { __mode = "k" }), 0
  local function identity(v)
    if not identities[v] then
      identity_count = identity_count + 1
      identities[v] = identity_count
    end
    return "#" .. identities[v]
  end

  local function own_text(t)
    return describe_table(t, { label = "", count = 0, leaves = 0, tables = {}, unchecked = {}, by_identity = true })
  end

  local NOTHING = { "", {}, true, true } -- from load(): there is no text, and it may name anything

  -- what is known of a function's text: its digest, the names in it that may be globals, whether it may reach all
  -- globals, and whether it names the input
  local function text_of(fn)
    local info = getinfo(fn, "S")
    local known = kit.functions[info.source]
    local text = known and known[info.linedefined << 24 | info.lastlinedefined]
    if text == true then -- it shares its lines with others and carries a mark
      text = known[-tonumber(match(dump(fn, true), "\31(%d+)\31"))]
    end
    if text then return text, text[1] end
    return NOTHING, "dump:" .. utf8text(dump(fn, true))
  end

  -- describes one captured value and remembers it; `fn` is nil for a global
  local function capture(seen, fn, i, name, value, is_top)
    if is_top then seen.label = name end
    local entry = { fn = fn, i = i, name = name, value = value }
    seen.watched[#seen.watched + 1] = entry
    if type(value) ~= "table" or kit.known[value] or handles[value] then return describe_value(value, seen) end
    local functions = seen.function_count
    local text = describe_captured_table(value, seen)
    entry.text = functions == seen.function_count and text or own_text(value)
    return text
  end

  -- a function that may reach every global may change every one
  local function watch_globals(seen)
    if seen.watched.globals_seen then return end
    local all = {}
    for name, value in next, kit.env do
      all[name] = true
      seen.watched[#seen.watched + 1] = { name = name, value = value }
    end
    seen.watched.globals_seen = all
  end

  local function describe_function(fn, seen)
    if seen.functions[fn] then return "@" .. seen.functions[fn] end
    seen.function_count = seen.function_count + 1
    seen.functions[fn] = seen.function_count
    local text, digest = text_of(fn)
    local parts, captured, is_top = { digest }, { _ENV = true }, seen.top == fn
    for i = 1, 255 do
      local name, value = getupvalue(fn, i)
      if not name then break end
      if name ~= "_ENV" then
        captured[name] = true
        parts[#parts + 1] = name .. "\31" .. capture(seen, fn, i, name, value, is_top)
      end
    end
    for _, name in next, text[2] do
      if not captured[name] then
        local value = rawget(kit.env, name)
        if value == nil then
          seen.watched[#seen.watched + 1] = { name = name }
        else
          parts[#parts + 1] = name .. "\31" .. capture(seen, nil, 0, name, value, is_top)
        end
      end
    end
    if text[3] then watch_globals(seen) end
    if text[4] then seen.watched.input = true end
    return concat(parts, is_top and "\30" or ";")
  end

  function describe_value(v, seen)
    local kind = type(v)
    if kind == "string" then return "s" .. #v .. ":" .. utf8text(v) end
    if kind == "number" then return (mathtype(v) == "integer" and "i" or "f") .. tostring(v) end
    if kind == "nil" or kind == "boolean" then return tostring(v) end
    if v == kit.input then seen.watched.input = true end
    if kit.known[v] then return "<" .. kit.known[v] .. ">" end
    if kind == "table" then
      if handles[v] then return "<handle " .. handles[v] .. ">" end
      return describe_table(v, seen)
    end
    if kind == "function" then return seen.by_identity and identity(v) or describe_function(v, seen) end
    if seen.by_identity then return identity(v) end
    seen.unchecked[seen.label] = "a " .. kind
    return "<" .. kind .. ">"
  end

  local WATCHED = { watched = {} } -- for values that need no walk
  local SCALARS = { string = true, number = true, boolean = true, ["nil"] = true }

  -- Most steps capture scalars and what is ours only: their fingerprint needs no walk. nil where it does.
  local function simple_fingerprint(fn)
    local text, digest = text_of(fn)
    if text[3] then return nil end
    local names, env = text[2], kit.env
    for i = 1, #names do
      if rawget(env, names[i]) ~= nil then return nil end
    end
    local watched, n = { fn = fn, globals = names, input = text[4] }, 0
    local asked = "function\31" .. digest
    for i = 1, 255 do
      local name, value = getupvalue(fn, i)
      if not name then break end
      if name ~= "_ENV" then
        if not SCALARS[type(value)] and not kit.known[value] then return nil end
        if value == kit.input then watched.input = true end
        asked = asked .. "\30" .. name .. "\31" .. describe_value(value, WATCHED)
        watched[n + 1], watched[n + 2], watched[n + 3] = i, name, value
        n = n + 3
      end
    end
    watched.n = n
    return asked, watched
  end

  local function shallow(t)
    local copy = {}
    for k, v in next, t do copy[k] = v end
    return copy
  end

  local function alike(a, b)
    for k, v in next, a do
      if not rawequal(v, b[k]) then return false end
    end
    for k in next, b do
      if a[k] == nil then return false end
    end
    return true
  end

  -- the fingerprint of a function; also what it captured (for `changed_capture`) and what could not be checked
  function kit.fingerprint(fn)
    if kit.known[fn] then return "function\31<" .. kit.known[fn] .. ">", { n = 0, fn = fn, globals = {} }, nil end
    local text, watched = simple_fingerprint(fn)
    if text then
      if watched.input then watched.input = shallow(kit.input) end
      return text, watched, nil
    end
    local seen = { top = fn, label = "", count = 0, leaves = 0, function_count = 0,
                   tables = {}, functions = {}, watched = {}, unchecked = {} }
    text = describe_function(fn, seen)
    if seen.watched.input then seen.watched.input = shallow(kit.input) end
    return "function\31" .. text, seen.watched, next(seen.unchecked) ~= nil and seen.unchecked or nil
  end

  local function current_value(entry)
    if entry.fn then
      local _, value = getupvalue(entry.fn, entry.i)
      return value
    end
    return rawget(kit.env, entry.name)
  end

  local function changed_simply(watched)
    for k = 1, watched.n, 3 do
      local _, value = getupvalue(watched.fn, watched[k])
      if not rawequal(value, watched[k + 2]) then return "assigns", watched[k + 1], "captured local" end
    end
    for i = 1, #watched.globals do
      if rawget(kit.env, watched.globals[i]) ~= nil then return "assigns", watched.globals[i], "global" end
    end
  end

  -- after a step: the first captured value that it changed and may not ("assigns" or "changes", name), else nil.
  -- `in_state(table)` says whether a changed table is State's, and records the change.
  function kit.changed_capture(watched, in_state)
    if watched.input and not alike(watched.input, kit.input) then return "changes", "input", "captured table" end
    if watched.n then return changed_simply(watched) end
    for name in next, watched.globals_seen and kit.env or {} do
      if not watched.globals_seen[name] then return "assigns", name, "global" end
    end
    for i = 1, #watched do
      local entry = watched[i]
      local value = current_value(entry)
      if not rawequal(value, entry.value) then
        return "assigns", entry.name, entry.fn and "captured local" or "global"
      end
      if entry.text and own_text(value) ~= entry.text and not in_state(value) then
        return "changes", entry.name, entry.fn and "captured table" or "global table"
      end
    end
  end
end
