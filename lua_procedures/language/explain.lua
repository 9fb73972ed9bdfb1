-- Why a value cannot cross, and where in it: the slow walk, after the fast one has refused.

local type, next, rawequal, tostring, getmetatable, error = type, next, rawequal, tostring, getmetatable, error
local find, format = string.find, string.format
local mathtype, huge, utf8len = math.type, math.huge, utf8.len

local MAX_DEPTH = 100
local MAX_EXPLAINED = 10000 -- tables looked through for what is wrong with a value

return function(kit)
  local handles, null, utf8text = kit.handles, kit.null, kit.utf8
  local max_leaves, max_bytes = kit.limits.leaves, kit.limits.bytes

  -- a key as it stands in a path
  local function step(k)
    if type(k) == "string" and find(k, "^[%a_][%w_]*$") then return "." .. k end
    if type(k) == "string" then return "[" .. format("%q", utf8text(k)) .. "]" end
    return "[" .. tostring(k) .. "]"
  end

  local explain -- what is wrong with a value, and the path to it from there

  local function explain_table(t, seen)
    if seen[t] then return "a cycle", "" end
    if getmetatable(t) ~= nil and not (handles[t] or rawequal(t, null) or kit.plain_views[t]) then
      return "a table with a metatable", ""
    end
    seen.count = (seen.count or 0) + 1
    if seen.count > MAX_EXPLAINED then return nil end -- far enough: it is the size
    kit.check_stop()
    seen.depth = seen.depth + 1
    if seen.depth > MAX_DEPTH then return "a table more than 100 deep", "" end
    local strings, numbers, largest = 0, 0, 0
    for k in next, t do
      if type(k) == "string" then strings = strings + 1
      elseif mathtype(k) == "integer" and k >= 1 then
        numbers = numbers + 1
        if k > largest then largest = k end
      else
        local shown = type(k) == "number" and format("the number %s", k) or "a " .. type(k)
        return "a table whose key is " .. shown, ""
      end
      if type(k) == "string" and not utf8len(k) then return "a key that is not UTF-8 text", "" end
    end
    if strings > 0 and numbers > 0 then return "a table that mixes list items and named keys", "" end
    if numbers ~= largest then return format("a list with holes (%d items up to [%d])", numbers, largest), "" end
    seen[t] = true
    for k, v in next, t do
      local what, below = explain(v, seen)
      if what then return what, step(k) .. below end
      if (seen.count or 0) > MAX_EXPLAINED then return nil end
    end
    seen[t] = nil
    seen.depth = seen.depth - 1
  end

  function explain(v, seen)
    local kind = type(v)
    if seen.left then -- a look, no more: see kit.inspect
      seen.left = seen.left - 1
      if seen.left < 0 then return nil end
    end
    if kind == "table" then
      if handles[v] or rawequal(v, null) or kit.plain_views[v] then return nil end
      return explain_table(v, seen)
    end
    if kind == "function" then return "a function", "" end
    if kind == "thread" then return "a coroutine", "" end
    if kind == "userdata" then return "a userdata", "" end
    if v ~= v then return "NaN (not a number)", "" end
    if v == huge or v == -huge then return "infinity", "" end
  end

  local function fail(primitive, what, path)
    kit.fail(primitive, what .. " cannot be kept or passed on, at " .. path, "ConversionError", path)
  end

  -- raises where something that cannot be kept is among the first leaves of a value
  function kit.inspect(primitive, v, path, leaves)
    if type(v) ~= "table" then return end
    local what, below = explain(v, { depth = 0, left = leaves })
    if what then fail(primitive, what, path .. below) end
  end

  -- a State key and the path below it, as errors name them
  function kit.path_text(key, path)
    local text = "$" .. step(key)
    for i = 1, #path do text = text .. step(path[i]) end
    return text
  end

  -- raises for a value that the fast walk has refused, perhaps for a cycle that is far inside
  function kit.refuse(primitive, v, path, is_cycle)
    local ok, what, below = kit.unhooked(explain, v, { depth = 0 })
    if not ok then error(what, 0) end
    if what then fail(primitive, what, path .. below) end
    if is_cycle then fail(primitive, "a value with a cycle", path) end
    fail(primitive, format("a value larger than %d bytes or %d leaves (repeated references counted)", max_bytes, max_leaves), path)
  end
end
