-- What the values of a program are beside plain Lua: `null`, handles, and the marks of tables.

local type, next, rawget, rawequal, error = type, next, rawget, rawequal, error
local getmetatable, setmetatable = getmetatable, setmetatable
local move, byte, gsub, utf8len, utf8char = table.move, string.byte, string.gsub, utf8.len, utf8.char

return function(kit)
  local live = kit.live
  local weak = { __mode = "k" }
  local arrays, objects = setmetatable({}, weak), setmetatable({}, weak) -- what an empty table was
  local handles = setmetatable({}, weak)                                 -- handle -> host's number
  local tokens = setmetatable({}, weak) -- handle -> what tells its object from all others of the session
  local null = setmetatable({}, { __metatable = false, __tostring = function() return "null" end,
                                  __newindex = function() error("null cannot be changed", 2) end })
  kit.null, kit.guest.null = null, null
  kit.objects, kit.arrays, kit.handles, kit.handle_tokens = objects, arrays, handles, tokens

  -- text that is not UTF-8 has each byte as one character
  function kit.utf8(s)
    if utf8len(s) then return s end
    return (gsub(s, "[\128-\255]", function(c) return utf8char(byte(c)) end))
  end

  ---- marks ------------------------------------------------------------------------------------------

  local function marker(registry, other, name)
    return function(t)
      if t == nil then t = {} end
      if type(t) ~= "table" then kit.misuse(name, "table", t) end
      registry[t], other[t] = true, nil
      return t
    end
  end
  kit.guest.array = marker(arrays, objects, "array")
  kit.guest.object = marker(objects, arrays, "object")
  function kit.new_array() local t = {} arrays[t] = true return t end
  function kit.new_object() local t = {} objects[t] = true return t end
  function kit.is_object(t) return objects[t] == true end
  function kit.is_array(t) return arrays[t] == true end
  function kit.as_list(t)
    if next(t) == nil then arrays[t] = true end
    return t
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

  -- a copy that is the same whether it was made now or put back: dicts are visited in the order of their keys, and
  -- what is empty is a list or an object; a step's null in a dict is left out, as in all that comes from the journal
  function kit.kept(v)
    local view = type(v) == "table" and kit.plain_views[v]
    if view then v = view(v) end
    if type(v) ~= "table" or getmetatable(v) ~= nil then return v end
    local is_dict = next(v) ~= nil and rawget(v, 1) == nil or next(v) == nil and objects[v]
    local copy = is_dict and kit.new_object() or {}
    for k, x in next, v do
      if not (is_dict and live.tracker and rawequal(x, null)) then copy[k] = kit.kept(x) end
    end
    return kit.mark_sorted(is_dict and copy or kit.as_list(copy))
  end

  ---- handles ------------------------------------------------------------------------------------------

  function kit.new_handle(number, type_name, token)
    local function refuse_access() error("a handle of type " .. type_name .. " can only be passed on", 2) end
    local handle = setmetatable({}, {
      __metatable = false, __index = refuse_access, __newindex = refuse_access,
      __len = refuse_access, __pairs = refuse_access, __tostring = function() return type_name end, __name = type_name,
    })
    handles[handle] = number
    tokens[handle] = token
    return handle
  end

  ---- from the host ------------------------------------------------------------------------------------

  -- Builds a value of the host's. A list is the number of its items and the items. A dict is its shape as a number
  -- below zero and its values; after the number of a new shape come the number of keys and the keys. `inner` stands
  -- for a table, and these follow in the order in which they are met.
  local inner = {}
  kit.inner = inner

  function kit.build(flat)
    local tables, made, done, shapes, i = { {} }, 1, 0, {}, 1
    while done < made do
      done = done + 1
      local t, count, keys = tables[done], flat[i], nil
      if count < 0 then
        keys = shapes[-count]
        if not keys then
          keys = move(flat, i + 2, i + 1 + flat[i + 1], 1, {})
          shapes[-count] = keys
          i = i + 1 + #keys
        end
        count = #keys
      end
      for j = 1, count do
        local v = flat[i + j]
        if v == inner then
          made = made + 1
          v = {}
          tables[made] = v
        elseif v == nil and not keys then v = null end
        if v ~= nil then t[keys and keys[j] or j] = v end
      end
      i = i + 1 + count
      if next(t) == nil then (keys and objects or arrays)[t] = true end
    end
    return tables[1]
  end
end
