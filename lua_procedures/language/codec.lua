-- Values as text, for crossing to the host: JSON with tags.
--
-- The host never touches a guest's table: a value crosses as one string, bounded in bytes, leaves and depth.

local type, next, rawequal, rawget, rawlen, tostring = type, next, rawequal, rawget, rawlen, tostring
local find, gsub, format, byte = string.find, string.gsub, string.format, string.byte
local concat, sort, pack, unpack = table.concat, table.sort, table.pack, table.unpack
local mathtype, huge = math.type, math.huge
local utf8len, utf8char = utf8.len, utf8.char
local getmetatable, setmetatable, error, pcall, select = getmetatable, setmetatable, error, pcall, select

local MAX_DEPTH = 100
local MAX_EXPLAINED = 10000 -- tables looked through for what is wrong with a value
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\0"] = "\\u0000" }

return function(kit)
  local max_leaves, max_bytes = kit.limits.leaves, kit.limits.bytes
  local weak = { __mode = "k" }
  local arrays, objects = setmetatable({}, weak), setmetatable({}, weak) -- what an empty table was
  local handles = setmetatable({}, weak)                                 -- handle -> host's number
  local null = setmetatable({}, { __metatable = false, __tostring = function() return "null" end,
                                  __newindex = function() error("null cannot be changed", 2) end })
  kit.null = null
  kit.handles = handles

  local function utf8text(s)
    if utf8len(s) then return s end
    return (gsub(s, "[\128-\255]", function(c) return utf8char(byte(c)) end))
  end
  kit.utf8 = utf8text

  ---- encoding --------------------------------------------------------------------------------------

  local BAD = {}    -- raised inside, explained by a second, slower walk
  local size = 0    -- bytes of strings so far
  local open = {}   -- tables on the way down
  local quoted = {} -- keys, as they stand in text
  local quoted_count = 0

  local function quote(s)
    size = size + #s
    if size > max_bytes then error(BAD, 0) end
    if not utf8len(s) then
      return '{"\\u0000":"bytes","v":"' .. gsub(utf8text(s), '["\\%z]', ESCAPES) .. '"}'
    end
    if find(s, '["\\%z]') then s = gsub(s, '["\\%z]', ESCAPES) end
    return '"' .. s .. '"'
  end

  local function key_text(k)
    local text = quoted[k]
    if text then
      size = size + #k
      return text
    end
    if type(k) ~= "string" or k == "\0" or not utf8len(k) then error(BAD, 0) end
    text = quote(k) .. ":"
    if quoted_count > 1000 then quoted, quoted_count = {}, 0 end
    quoted[k] = text
    quoted_count = quoted_count + 1
    return text
  end

  local bare_objects = false -- Json.encode: an unmarked empty table is {}
  function kit.bare_tables_are_objects(yes) bare_objects = yes end

  local put

  local function put_special(v, out, n)
    if rawequal(v, null) then
      out[n + 1] = "null"
      return n + 1
    end
    local handle = handles[v]
    if handle then
      out[n + 1] = format('{"\\u0000":"handle","i":%d}', handle)
      return n + 1
    end
    local as_plain = kit.plain_views[v]
    if as_plain then return put(as_plain(v), out, n) end
    error(BAD, 0)
  end

  local function put_list(t, first, out, n)
    out[n + 1] = "["
    n = put(first, out, n + 1)
    local i = 1
    for k, v in next, t, 1 do
      i = i + 1
      if k ~= i then -- not in order in memory: count instead
        local count = 0
        for _ in next, t do count = count + 1 end
        if count ~= rawlen(t) then error(BAD, 0) end
        for j = i, count do
          if rawget(t, j) == nil then error(BAD, 0) end
          out[n + 1] = ","
          n = put(rawget(t, j), out, n + 1)
        end
        break
      end
      out[n + 1] = ","
      n = put(v, out, n + 1)
    end
    out[n + 1] = "]"
    return n + 1
  end

  local function put_dict(t, k, v, out, n)
    local before = "{"
    repeat
      out[n + 1] = before
      out[n + 2] = key_text(k)
      n = put(v, out, n + 2)
      before = ","
      k, v = next(t, k)
    until k == nil
    out[n + 1] = "}"
    return n + 1
  end

  local depth = 0
  local sort_all = false -- texts that are compared do not tell how a dict came about
  local put_sorted

  -- a dict whose own keys include the one that marks a tag
  local function put_tagged(t, out, n)
    n = n + 1
    out[n] = '{"\\u0000":"dict","v":[['
    local k, v = next(t)
    repeat
      if type(k) ~= "string" or not utf8len(k) then error(BAD, 0) end
      out[n + 1], out[n + 2] = quote(k), ","
      n = put(v, out, n + 2)
      k, v = next(t, k)
      n = n + 1
      out[n] = k == nil and "]]}" or "],["
    until k == nil
    return n
  end

  function put(v, out, n)
    local kind = type(v)
    if kind == "string" then
      out[n + 1] = quote(v)
    elseif kind == "number" then
      if v ~= v or v == huge or v == -huge then error(BAD, 0) end
      out[n + 1] = v
    elseif kind == "boolean" then
      out[n + 1] = v and "true" or "false"
    elseif kind == "table" then
      if getmetatable(v) ~= nil then return put_special(v, out, n) end
      if n > max_leaves * 3 or depth >= MAX_DEPTH or open[v] then error(BAD, 0) end
      local k, first = next(v)
      if k == nil then
        out[n + 1] = (objects[v] or bare_objects and not arrays[v]) and "{}" or "[]"
        return n + 1
      end
      open[v] = true
      depth = depth + 1
      local top = rawget(v, 1)
      if top ~= nil and k == 1 then n = put_list(v, top, out, n)
      elseif top ~= nil and type(k) == "number" then n = put_list(kit.in_order(v), top, out, n)
      elseif rawget(v, "\0") ~= nil then n = put_tagged(v, out, n)
      elseif top == nil and (sort_all or kit.is_sorted(v)) then n = put_sorted(v, out, n)
      else n = put_dict(v, k, first, out, n) end
      depth = depth - 1
      open[v] = nil
      return n
    elseif kind == "nil" then
      out[n + 1] = "null"
    else
      error(BAD, 0)
    end
    return n + 1
  end

  -- a list whose first element in memory is not [1]: a copy in order
  function kit.in_order(t)
    local copy, count = {}, 0
    for k in next, t do
      if mathtype(k) ~= "integer" then error(BAD, 0) end
      count = count + 1
    end
    for i = 1, count do
      if rawget(t, i) == nil then error(BAD, 0) end
      copy[i] = rawget(t, i)
    end
    return copy
  end

  ---- dicts whose order must not tell how they came about ----------------------------------------------

  -- The order of `next` depends on what a table once held. A dict that a step changed in place goes through other
  -- hands live than on replay, so it is visited in the order of its keys.
  local sorted_dicts = setmetatable({}, weak)

  function kit.is_sorted(t) return sorted_dicts[t] end
  function kit.mark_sorted(t)
    if next(t) == nil or rawget(t, 1) == nil then sorted_dicts[t] = true end
    return t
  end

  local function sorted_keys(t)
    local keys = {}
    for k in next, t do keys[#keys + 1] = k end
    sort(keys, function(a, b)
      if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
      return type(a) < type(b)
    end)
    return keys
  end

  -- visits a table for showing it
  function kit.each(t)
    if not sorted_dicts[t] then return next, t end
    local keys, i = sorted_keys(t), 0
    return function()
      i = i + 1
      if keys[i] ~= nil then return keys[i], rawget(t, keys[i]) end
    end
  end

  local raw_pairs = kit.lib.pairs
  kit.guest.pairs = function(t)
    if t == nil then error("bad argument #1 to 'pairs' (table expected, got nil)", 2) end
    if not sorted_dicts[t] then return raw_pairs(t) end
    local keys, i = sorted_keys(t), 0
    return function()
      repeat i = i + 1 until keys[i] == nil or rawget(t, keys[i]) ~= nil
      if keys[i] ~= nil then return keys[i], rawget(t, keys[i]) end
    end
  end

  function put_sorted(t, out, n)
    local before = "{"
    for _, k in next, sorted_keys(t) do
      out[n + 1] = before
      out[n + 2] = key_text(k)
      n = put(rawget(t, k), out, n + 2)
      before = ","
    end
    out[n + 1] = "}"
    return n + 1
  end

  ---- explaining what was refused ----------------------------------------------------------------------

  local function child_path(path, k)
    if type(k) == "string" and find(k, "^[%a_][%w_]*$") then return path .. "." .. k end
    if type(k) == "string" then return path .. "[" .. format("%q", utf8text(k)) .. "]" end
    return path .. "[" .. tostring(k) .. "]"
  end

  local explain

  local function explain_table(t, path, seen)
    if seen[t] then return "a cycle", path end
    if getmetatable(t) ~= nil and not (handles[t] or rawequal(t, null) or kit.plain_views[t]) then
      return "a table with a metatable", path
    end
    seen.count = (seen.count or 0) + 1
    if seen.count > MAX_EXPLAINED then return nil end -- far enough: it is the size
    seen.depth = seen.depth + 1
    if seen.depth > MAX_DEPTH then return "a table more than 100 deep", path end
    local strings, numbers, largest = 0, 0, 0
    for k in next, t do
      if type(k) == "string" then strings = strings + 1
      elseif mathtype(k) == "integer" and k >= 1 then
        numbers = numbers + 1
        if k > largest then largest = k end
      else
        local shown = type(k) == "number" and format("the number %s", k) or "a " .. type(k)
        return "a table whose key is " .. shown, path
      end
      if type(k) == "string" and not utf8len(k) then return "a key that is not UTF-8 text", path end
    end
    if strings > 0 and numbers > 0 then return "a table that mixes list items and named keys", path end
    if numbers ~= largest then return format("a list with holes (%d items up to [%d])", numbers, largest), path end
    seen[t] = true
    for k, v in next, t do
      local what, at = explain(v, child_path(path, k), seen)
      if what then return what, at end
      if (seen.count or 0) > MAX_EXPLAINED then return nil end
    end
    seen[t] = nil
    seen.depth = seen.depth - 1
  end

  function explain(v, path, seen)
    local kind = type(v)
    if seen.left then -- a look, no more: see kit.inspect
      seen.left = seen.left - 1
      if seen.left < 0 then return nil end
    end
    if kind == "table" then
      if handles[v] or rawequal(v, null) or kit.plain_views[v] then return nil end
      return explain_table(v, path, seen)
    end
    if kind == "function" then return "a function", path end
    if kind == "thread" then return "a coroutine", path end
    if kind == "userdata" then return "a userdata", path end
    if v ~= v then return "NaN (not a number)", path end
    if v == huge or v == -huge then return "infinity", path end
  end

  -- raises where something that cannot be kept is among the first leaves of a value
  function kit.inspect(primitive, v, path, leaves)
    if type(v) ~= "table" then return end
    local what, at = explain(v, path, { depth = 0, left = leaves })
    if what then kit.fail(primitive, what .. " cannot be kept or passed on, at " .. at, "ConversionError", at) end
  end

  -- a State key and the path below it, as errors name them
  function kit.path_text(key, path)
    local text = child_path("$", key)
    for i = 1, #path do text = child_path(text, path[i]) end
    return text
  end

  local function reset()
    size, depth = 0, 0
    if next(open) ~= nil then open = {} end
  end

  local function refuse(primitive, v, path)
    local what, at = explain(v, path, { depth = 0 })
    if not what then
      what, at = format("a value larger than %d bytes or %d leaves (repeated references counted)", max_bytes, max_leaves), path
    end
    kit.fail(primitive, what .. " cannot be kept or passed on, at " .. at, "ConversionError", at)
  end

  local function try(v)
    reset()
    local out = {}
    local n = put(v, out, 0)
    return concat(out, "", 1, n)
  end

  -- the JSON text of a scalar that needs no care; nil for anything else
  function kit.scalar_text(v)
    local kind = type(v)
    if kind == "number" then
      if v == v and v ~= huge and v ~= -huge then return tostring(v) end
    elseif kind == "string" then
      if #v < 1000 and utf8len(v) and not find(v, '["\\%z]') then return '"' .. v .. '"' end
    elseif kind == "nil" then return "null"
    elseif kind == "boolean" then return v and "true" or "false" end
  end

  -- the JSON text of a value; raises a ConversionError that names what cannot cross, and where
  function kit.encode(primitive, v, path)
    local simple = kit.scalar_text(v)
    if simple then return simple end
    local ok, text = pcall(try, v)
    if ok then return text end
    if not rawequal(text, BAD) then error(text, 0) end
    return refuse(primitive, v, path or "$")
  end

  -- the same with the keys of all dicts in order, for comparing
  function kit.encode_sorted(primitive, v, path)
    sort_all = true
    local ok, text = pcall(kit.encode, primitive, v, path)
    sort_all = false
    if not kit.caught(ok, text) then error(text, 0) end
    return text
  end

  -- several values as a JSON list; one value and none are the common cases
  function kit.encode_results(primitive, ...)
    local n = select("#", ...)
    if n == 0 then return "[]" end
    if n == 1 then return "[" .. kit.encode(primitive, (...)) .. "]" end
    local texts = { ... }
    for i = 1, n do texts[i] = kit.encode(primitive, texts[i], "$[" .. i .. "]") end
    return "[" .. concat(texts, ",", 1, n) .. "]"
  end

  -- text, class and detail of an error value, for the host
  function kit.error_text(value)
    if type(value) == "string" then
      local class = kit.classes[value]
      local text = kit.encode("error", utf8text(value))
      if class then return text, class[1], class[2] end
      return text, "", ""
    end
    local ok, text = pcall(try, value)
    if ok then return text, "", "" end
    local told, message = kit.caught(pcall(kit.tostring, value)) -- the program's own __tostring may raise
    return kit.encode("error", utf8text(told and message or "an error object of type " .. type(value))), "", ""
  end

  ---- marks ------------------------------------------------------------------------------------------

  local function marker(registry, other, name)
    return function(t)
      if t == nil then t = {} end
      if type(t) ~= "table" then kit.fail(name, "a table expected, got " .. type(t)) end
      registry[t], other[t] = true, nil
      return t
    end
  end
  kit.guest.array = marker(arrays, objects, "array")
  kit.guest.object = marker(objects, arrays, "object")
  kit.guest.null = null
  function kit.new_array() local t = {} arrays[t] = true return t end
  function kit.new_object() local t = {} objects[t] = true return t end
  function kit.is_object(t) return objects[t] == true end
  function kit.as_list(t)
    if next(t) == nil then arrays[t] = true end
    return t
  end

  kit.handle_tokens = setmetatable({}, weak) -- handle -> what tells its object from all others of the session

  function kit.new_handle(number, type_name, token)
    local function refuse_access() error("a handle of type " .. type_name .. " can only be passed on", 2) end
    local handle = setmetatable({}, {
      __metatable = false, __index = refuse_access, __newindex = refuse_access,
      __tostring = function() return type_name end, __name = type_name,
    })
    handles[handle] = number
    kit.handle_tokens[handle] = token
    return handle
  end

  -- a copy in depth of plain data, which keeps what empty tables were
  function kit.copy(v)
    if type(v) ~= "table" or getmetatable(v) ~= nil then return v end
    local copy = {}
    for k, x in next, v do copy[k] = kit.copy(x) end
    if objects[v] then objects[copy] = true end
    if arrays[v] then arrays[copy] = true end
    if kit.is_sorted(v) then kit.mark_sorted(copy) end
    return copy
  end
end
