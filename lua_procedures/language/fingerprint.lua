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

  local describe_value

  local function describe_table(t, seen)
    if seen.tables[t] then return "@" .. seen.tables[t] end
    seen.count = seen.count + 1
    seen.tables[t] = seen.count
    if getmetatable(t) ~= nil and t ~= kit.input then seen.unchecked[seen.label] = "a metatable" end
    local keys, n, other = {}, 0, false
    for k in next, t do
      n = n + 1
      keys[n] = k
      other = other or (type(k) ~= "string" and type(k) ~= "number")
    end
    seen.leaves = seen.leaves + n
    if seen.leaves > MAX_CAPTURED then
      seen.unchecked[seen.label] = "more than 10,000 leaves"
      return "{…}"
    end
    if n ~= rawlen(t) then sort(keys, kit.key_before) end
    local texts = {}
    for i = 1, n do
      local k = keys[i]
      texts[i] = describe_value(k, seen) .. "=" .. describe_value(rawget(t, k), seen)
    end
    if other then sort(texts) end -- keys of other types have no order of their own
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
    if value == kit.input then entry.fixed = true
    elseif type(value) ~= "table" or kit.known[value] or handles[value] or kit.described[value] then
      return describe_value(value, seen)
    end
    local functions = seen.function_count
    local text = describe_captured_table(value, seen)
    entry.text = functions == seen.function_count and text or own_text(value)
    return text
  end

  -- a function that may reach every global depends on every one, and may change every one
  local function capture_globals(seen, parts, is_top)
    if seen.watched.globals_seen then return end
    local all = {}
    seen.watched.globals_seen = all
    for _, name in next, kit.sorted_keys(kit.env) do
      all[name] = true
      parts[#parts + 1] = tostring(name) .. "\31" .. capture(seen, nil, 0, name, rawget(kit.env, name), is_top)
    end
  end

  -- what the program has added to our libraries, which any function may call
  local function capture_additions(seen, parts, is_top)
    for _, library in next, kit.changed_libraries() do
      for _, name in next, kit.sorted_keys(library) do
        local label = kit.known[library] .. "." .. tostring(name)
        parts[#parts + 1] = label .. "\31" .. describe_value(rawget(library, name), seen)
      end
    end
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
      if name ~= "_ENV" or value ~= kit.env then
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
    if text[3] then capture_globals(seen, parts, is_top) end
    if text[4] and not captured.input and next(kit.input) ~= nil then
      parts[#parts + 1] = "input\31" .. capture(seen, nil, 0, "input", kit.input, is_top)
    end
    if is_top then capture_additions(seen, parts, is_top) end
    return concat(parts, is_top and "\30" or ";")
  end

  function describe_value(v, seen)
    local kind = type(v)
    if kind == "string" then return "s" .. #v .. ":" .. utf8text(v) end
    if kind == "number" then return (mathtype(v) == "integer" and "i" or "f") .. tostring(v) end
    if kind == "nil" or kind == "boolean" then return tostring(v) end
    if kit.known[v] and v ~= kit.input then return "<" .. kit.known[v] .. ">" end
    if kind == "table" then
      if handles[v] then return "<handle " .. kit.handle_tokens[v] .. ">" end
      local own = kit.described[v] -- procedures, tools, nodes: what they are, not how they are made
      if own then return own(function(part) return describe_value(part, seen) end, v) end
      return describe_table(v, seen)
    end
    if kind == "function" then return seen.by_identity and identity(v) or describe_function(v, seen) end
    if seen.by_identity then return identity(v) end
    seen.unchecked[seen.label] = "a " .. kind
    return "<" .. kind .. ">"
  end

  local SCALARS = { string = true, number = true, boolean = true, ["nil"] = true }

  -- Most steps capture scalars and what is ours only: their fingerprint needs no walk. nil where it does.
  local function simple_fingerprint(fn)
    local text, digest = text_of(fn)
    if text[3] or (text[4] and next(kit.input) ~= nil) or kit.libraries_changed() then return nil end
    local names, env = text[2], kit.env
    for i = 1, #names do
      if rawget(env, names[i]) ~= nil then return nil end
    end
    local asked, watched, n = text.asked, nil, 0
    if not asked then
      asked = "function\31" .. digest
      text.asked, text.alone = asked, { globals = names, n = 0, libraries = false }
    end
    for i = 1, 255 do
      local name, value = getupvalue(fn, i)
      if not name then break end
      if name ~= "_ENV" or value ~= kit.env then
        if not SCALARS[type(value)] and (not kit.known[value] or value == kit.input) then return nil end
        asked = asked .. "\30" .. name .. "\31" .. describe_value(value)
        if watched then
          watched[n + 1], watched[n + 2], watched[n + 3] = i, name, value
        else
          watched = { i, name, value, fn = fn, globals = names, n = 3, libraries = false }
        end
        n = n + 3
      end
    end
    if not watched then return asked, text.alone end
    watched.n = n
    return asked, watched
  end

  -- the fingerprint of a function; also what it captured (for `changed_capture`) and what could not be checked
  function kit.fingerprint(fn)
    if kit.known[fn] then return "function\31<" .. kit.known[fn] .. ">", { n = 0, fn = fn, globals = {}, libraries = kit.libraries_changed() }, nil end
    local text, watched = simple_fingerprint(fn)
    if text then return text, watched, nil end
    local seen = { top = fn, label = "", count = 0, leaves = 0, function_count = 0,
                   tables = {}, functions = {}, watched = {}, unchecked = {} }
    text = describe_function(fn, seen)
    seen.watched.libraries = kit.libraries_changed()
    return "function\31" .. text, seen.watched, next(seen.unchecked) ~= nil and seen.unchecked or nil
  end

  -- what is declared, as text, and what it captured
  function kit.description(handle)
    local seen = { label = "", count = 0, leaves = 0, function_count = 0,
                   tables = {}, functions = {}, watched = {}, unchecked = {} }
    local text = describe_value(handle, seen)
    seen.watched.libraries = kit.libraries_changed()
    return text, seen.watched
  end

  local function current_value(entry)
    if entry.fixed then return entry.value end
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
    if kit.libraries_changed() ~= watched.libraries then return "changes", "a library", "table of" end
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
