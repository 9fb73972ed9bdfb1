-- The guest's `table`.
--
-- `build(guards)` returns it. Tables without a metatable and of moderate length go to C; others are walked in Lua, so
-- that a huge `__len`, or a border far beyond the elements, meets a hook, and so that metamethods may yield.

local ipairs, pcall, rawequal, rawget, select, type = ipairs, pcall, rawequal, rawget, select, type
local mathtype, maxinteger = math.type, math.maxinteger
local T = table
local c_concat, c_create, c_insert, c_move, c_remove, c_sort, c_unpack =
  T.concat, T.create, T.insert, T.move, T.remove, T.sort, T.unpack

-- Elements that one C call may move, and roughly the bytes of work that each is worth.
local MAX_MOVED, ELEMENT = 1 << 20, 16
-- Elements that C may sort, the bytes that they may have together, and the work that each is worth.
local MAX_SORTED, MAX_COMPARED, SORTED = 20000, 1 << 20, 256
-- Up to here sorting by insertion is fastest, and joining needs no look at each piece.
local FEW = 12
-- What `create` reserves at most; tables grow by themselves.
local MAX_RESERVED = 1 << 16
local MAX_ARRAY = (1 << 31) - 1

return function(guards)
  guards.own()
  local blame, call, fail, fits, pay = guards.blame, guards.call, guards.fail, guards.fits, guards.pay
  local integer, metatable, mismatch, FREE = guards.integer, guards.metatable, guards.mismatch, guards.FREE
  local max_string = guards.max_string
  local tables = { pack = T.pack }

  -- Elements that C may move without a charge.
  local FREELY = FREE // ELEMENT

  local function check_table(t, index, name, ...)
    if type(t) == "table" then return end
    local meta = metatable(t)
    for _, event in ipairs({ ... }) do
      if not (meta and rawget(meta, event)) then mismatch(t, index, name, "table") end
    end
  end

  -- The length of `t`, by its `__len` if it has one.
  local function length(t)
    local n = #t
    if mathtype(n) ~= "integer" then fail("object length is not an integer") end
    return n
  end

  -- Inserting and removing -----------------------------------------------------------------------------------------

  local function insert_at(t, position, value)
    if type(t) ~= "table" then check_table(t, 1, "insert", "__index", "__newindex", "__len") end
    local last = length(t) + 1
    if mathtype(position) ~= "integer" then position = integer(position, 2, "insert") end
    if position < 1 or position > last then blame(2, "insert", "position out of bounds") end
    local moved = last - position
    if metatable(t) or moved > MAX_MOVED then
      for i = last, position + 1, -1 do t[i] = t[i - 1] end
      t[position] = value
      return
    end
    if moved > FREELY then pay(moved * ELEMENT) end
    c_insert(t, position, value)
  end

  function tables.insert(t, value, ...)
    local extra = select("#", ...)
    if extra == 0 then
      if type(t) ~= "table" or metatable(t) then
        check_table(t, 1, "insert", "__index", "__newindex", "__len")
        t[length(t) + 1] = value
        return
      end
      t[#t + 1] = value
    elseif extra == 1 then
      insert_at(t, value, (...))
    else
      fail("wrong number of arguments to 'insert'")
    end
  end

  local function remove_at(t, position, size)
    local value = t[position]
    for i = position, size - 1 do t[i] = t[i + 1] end
    t[position > size and position or size] = nil
    return value
  end

  function tables.remove(t, position)
    if type(t) ~= "table" then check_table(t, 1, "remove", "__index", "__newindex", "__len") end
    local size = length(t)
    if position == nil then position = size end
    if mathtype(position) ~= "integer" then position = integer(position, 2, "remove") end
    if position ~= size and (position < 1 or position > size + 1) then
      blame(2, "remove", "position out of bounds")
    end
    local moved = size - position
    if metatable(t) or moved <= 0 or moved > MAX_MOVED then return remove_at(t, position, size) end
    if moved > FREELY then pay(moved * ELEMENT) end
    return c_remove(t, position)
  end

  local function move_each(from, first, last, target, to)
    if target > last or target <= first or not rawequal(from, to) then
      for i = 0, last - first do to[target + i] = from[first + i] end
    else
      for i = last - first, 0, -1 do to[target + i] = from[first + i] end
    end
  end

  function tables.move(from, first, last, target, to)
    first, last, target = integer(first, 2, "move"), integer(last, 3, "move"), integer(target, 4, "move")
    if to == nil then to = from end
    check_table(from, 1, "move", "__index")
    check_table(to, rawequal(from, to) and 1 or 5, "move", "__newindex")
    if last < first then return to end
    if first <= 0 and last >= maxinteger + first then blame(3, "move", "too many elements to move") end
    local count = last - first + 1
    if target > maxinteger - count + 1 then blame(4, "move", "destination wrap around") end
    if metatable(from) or metatable(to) or count > MAX_MOVED then
      move_each(from, first, last, target, to)
      return to
    end
    if count > FREELY then pay(count * ELEMENT) end
    return c_move(from, first, last, target, to)
  end

  function tables.create(size, rest)
    size, rest = integer(size, 1, "create"), integer(rest, 2, "create", 0)
    if size < 0 or size > MAX_ARRAY then blame(1, "create", "out of range") end
    if rest < 0 or rest > MAX_ARRAY then blame(2, "create", "out of range") end
    return c_create(size < MAX_RESERVED and size or MAX_RESERVED, rest < MAX_RESERVED and rest or MAX_RESERVED)
  end

  -- To and from lists ----------------------------------------------------------------------------------------------

  function tables.unpack(t, first, last)
    if type(t) == "table" and not metatable(t) and first == nil and last == nil then
      last = #t
      if last <= FREELY then return c_unpack(t, 1, last) end
    end
    if type(t) ~= "table" then check_table(t, 1, "unpack", "__index") end
    first = integer(first, 2, "unpack", 1)
    last = last == nil and length(t) or integer(last, 3, "unpack")
    if first > last then return end
    local count = last - first
    if count < 0 or count >= MAX_MOVED then fail("too many results to unpack") end
    if metatable(t) then t, first, last = tables.move(t, first, last, 1, {}), 1, count + 1 end
    if count > FREELY then
      pay(count * ELEMENT)
      -- The stack may be too full; asked first, as C would complain of it at this line.
      if not pcall(c_unpack, t, first, last) then fail("too many results to unpack") end
    end
    return c_unpack(t, first, last)
  end

  -- The pieces from `first` to `last`, checked, as a plain list; their numbers keep their place.
  local function pieces(t, separator, first, last)
    local plain = not metatable(t)
    local list, size, extra = plain and t or {}, 0, #separator
    for i = first, last do
      local piece = t[i]
      local kind = type(piece)
      if kind == "string" then
        size = size + #piece
      elseif kind ~= "number" then
        fail("invalid value (" .. kind .. ") at index " .. i .. " in table for 'concat'")
      end
      size = size + extra
      if size > max_string then fits(size - extra) end
      if not plain then list[i - first + 1] = piece end
    end
    if size > FREE then pay(size) end
    if plain then return t, first, last end
    return list, 1, last - first + 1
  end

  function tables.concat(t, separator, first, last)
    if type(t) ~= "table" or metatable(t) then check_table(t, 1, "concat", "__index", "__len") end
    separator = separator == nil and "" or guards.text(separator, 2, "concat")
    first = first == nil and 1 or integer(first, 3, "concat")
    last = last == nil and length(t) or integer(last, 4, "concat")
    if first > last then return "" end
    local few = last - first < FEW and last - first >= 0
    if not few or metatable(t) then t, first, last = pieces(t, separator, first, last) end
    local result = call("concat", c_concat, t, separator, first, last)
    if #result > FREE then
      fits(#result)
      pay(#result)
    end
    return result
  end

  -- Sorting --------------------------------------------------------------------------------------------------------

  -- Whether the list has only numbers, or only strings, so that no comparison can call or fail; and the bytes of
  -- the strings. A NaN, which C's sort may complain of, counts as too many bytes.
  local function is_uniform(t, n)
    local kind, size = type(t[1]), 0
    if metatable(t) or (kind ~= "number" and kind ~= "string") then return false end
    for i = 1, n do
      local value = t[i]
      if type(value) ~= kind then return false end
      if kind == "string" then
        size = size + #value
      elseif value ~= value then
        size = MAX_COMPARED + 1
      end
    end
    return true, size
  end

  local function below(a, b)
    return a < b
  end

  local ORDERED = { number = true, string = true }

  local function less(a, b)
    local kind = type(a)
    if kind ~= type(b) or not ORDERED[kind] then
      local left, right = metatable(a), metatable(b)
      if not (left and rawget(left, "__lt") or right and rawget(right, "__lt")) then
        local other = type(b)
        fail(kind == other and "attempt to compare two " .. kind .. " values"
          or "attempt to compare " .. kind .. " with " .. other)
      end
    end
    return a < b
  end

  local function sort_few(list, first, last, before)
    for i = first + 1, last do
      local value, j = list[i], i - 1
      while j >= first and before(value, list[j]) do
        list[j + 1] = list[j]
        j = j - 1
      end
      list[j + 1] = value
    end
  end

  -- Merges the sorted `from[first..middle]` and `from[middle + 1..last]` into `to`.
  local function merge(from, to, first, middle, last, before)
    local i, j = first, middle + 1
    for k = first, last do
      if i <= middle and (j > last or not before(from[j], from[i])) then
        to[k] = from[i]
        i = i + 1
      else
        to[k] = from[j]
        j = j + 1
      end
    end
  end

  -- A stable merge sort of `list[1..n]`; it ends whatever `before` says. Gives the sorted list.
  local function sorted(list, n, before)
    for first = 1, n, FEW do
      local last = first + FEW - 1
      sort_few(list, first, last < n and last or n, before)
    end
    local other, width = {}, FEW
    while width < n do
      for first = 1, n, 2 * width do
        local middle, last = first + width - 1, first + 2 * width - 1
        merge(list, other, first, middle < n and middle or n, last < n and last or n, before)
      end
      list, other, width = other, list, 2 * width
    end
    return list
  end

  function tables.sort(t, before)
    if type(t) ~= "table" then check_table(t, 1, "sort", "__index", "__newindex", "__len") end
    local n = length(t)
    if n < 2 then return end
    if n >= MAX_ARRAY then blame(1, "sort", "array too big") end
    if before == nil then
      local uniform, size = is_uniform(t, n)
      if uniform and n <= MAX_SORTED and size <= MAX_COMPARED then
        if n > FREELY then pay(n * SORTED) end
        return c_sort(t)
      end
      before = uniform and below or less
    elseif type(before) ~= "function" then
      mismatch(before, 2, "sort", "function")
    end
    local list = {}
    for i = 1, n do list[i] = t[i] end
    list = sorted(list, n, before)
    for i = 1, n do t[i] = list[i] end
  end

  return tables
end
