-- Dicts whose order must not tell how they came about, and lists that are not in order in memory.
--
-- The order of `next` depends on what a table once held. A dict that a step changed in place goes through other
-- hands live than on replay, so it is visited in the order of its keys.

local type, next, rawget, setmetatable, error = type, next, rawget, setmetatable, error
local sort = table.sort

local MANY = 100000 -- keys that C sorts in one go, which nothing can stop

return function(kit)
  local sorted_dicts = setmetatable({}, { __mode = "k" })
  kit.sorted_dicts = sorted_dicts

  function kit.is_sorted(t) return sorted_dicts[t] end
  function kit.mark_sorted(t)
    if next(t) == nil or rawget(t, 1) == nil then sorted_dicts[t] = true end
    return t
  end

  local compared = 0
  local function before(a, b)
    compared = compared + 1
    if compared % 10000 == 0 then kit.check_stop() end
    if type(a) == type(b) and (type(a) == "string" or type(a) == "number") then return a < b end
    return type(a) < type(b)
  end

  kit.key_before = before

  local function sorted_keys(t)
    local keys, n, others = {}, 0, false
    for k in next, t do
      n = n + 1
      keys[n] = k
      if type(k) ~= "string" then others = true end
    end
    if others or n > MANY then sort(keys, before) else sort(keys) end
    return keys
  end
  kit.sorted_keys = sorted_keys

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
  kit.guest.python = { iter = kit.guest.pairs } -- programs of Tactus loop so
end
