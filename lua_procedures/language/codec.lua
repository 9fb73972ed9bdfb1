-- Values as text, for crossing to the host: JSON with tags.
--
-- The host never touches a guest's table: a value crosses as one string, bounded in bytes, leaves and depth. It is
-- written as pieces, `text[1]` to `text[n]`, which are put together now and then. From `text[-1]` down stand the tables
-- that are being written.

local type, next, rawequal, rawlen = type, next, rawequal, rawlen
local format, concat, utf8len, min = string.format, table.concat, utf8.len, math.min
local getmetatable, error, pcall, select = getmetatable, error, pcall, select

local MAX_DEPTH = 100
local SHALLOW = 8     -- depth in which no cycle is looked for, in what is not
local WIDE = 10000    -- leaves
local FULL = 4000     -- pieces that are put together at once
local LONG = 8        -- items of a list that is worth a look whether they are numbers alone
local WINDOW = 1000   -- items that are looked at together
local MAX_KNOWN = 250 -- keys that are kept as text
local BAD = {}        -- raised inside, explained by a second, slower walk
local CYCLE = {}      -- the same, where the first walk knows why
local UNSAID = {}     -- raised inside for what JSON has no word for, where no tag may stand for it

return function(kit)
  local max_leaves, max_bytes = kit.limits.leaves, kit.limits.bytes
  local null, handles, arrays, objects, utf8text = kit.null, kit.handles, kit.arrays, kit.objects, kit.utf8
  local number_text, numbers_text, shortest_text = kit.number_text, kit.numbers_text, kit.shortest_text
  local scalar_text = kit.scalar_text
  local CARE, needed, escaped = kit.CARE, kit.needed_care, kit.escaped
  local is_sorted, sorted_keys, plain_views = kit.sorted_dicts, kit.sorted_keys, kit.plain_views

  ---- strings ------------------------------------------------------------------------------------------

  -- Strings are looked at together. Where one of them needs care, each is looked at.
  local function check_strings(text)
    local strings, places, count, size = text.strings, text.places, text.count, text.size
    for i = 1, count do size = size + #strings[i] end
    if size > max_bytes then error(BAD, 0) end
    text.size, text.count = size, 0
    local all = concat(strings, ",", 1, count)
    local care, is_utf8 = needed(all), utf8len(all)
    if is_utf8 and not care then return end
    for i = 1, count do
      local s, place = strings[i], places[i]
      if is_utf8 or utf8len(s) then
        if care then text[place] = escaped(s, care) end
      elseif text[place + 1] ~= '"' then error(BAD, 0) -- a key
      elseif text.is_bare then error(UNSAID, 0)
      else text[place - 1], text[place], text[place + 1] = '{"\\u0000":"bytes","v":"', escaped(utf8text(s), CARE), '"}' end
    end
  end

  local function put_string(s, text, n, closing)
    local count = text.count + 1
    text.count = count
    text.strings[count], text.places[count] = s, n + 2
    text[n + 1], text[n + 2], text[n + 3] = '"', s, closing
    return n + 3
  end

  local known_keys, known_count = {}, 0 -- keys of dicts that needed no care, as they stand in text

  local function know_key(k)
    if #k > 100 or not utf8len(k) or needed(k) then return end
    known_count = known_count + 1
    known_keys[k] = '"' .. k .. '":'
  end

  -- the pieces so far, put together
  local function joined(text, n)
    if text.count > 0 or text.size > max_bytes then check_strings(text) end
    return concat(text, "", 1, n)
  end

  local function gather(text, n)
    local parts = text.parts or {}
    parts[#parts + 1] = joined(text, n)
    text.parts = parts
    kit.check_stop()
    return 0
  end

  ---- tables -------------------------------------------------------------------------------------------

  local put

  local function count_leaves(text, count)
    text.leaves = text.leaves + count
    if text.leaves > max_leaves then error(BAD, 0) end
  end

  local function put_items(t, first, last, text, n)
    for i = first, last do
      local v = t[i]
      if v == nil then error(BAD, 0) end
      if n > FULL then n = gather(text, n) end
      n = put(v, text, n) + 1
      text[n] = ","
    end
    return n
  end

  local function put_long_list(t, count, text, n)
    for first = 1, count, WINDOW do
      local last = min(first + WINDOW - 1, count)
      local numbers = numbers_text(t, first, last, text.is_bare)
      if numbers then
        if n > FULL then n = gather(text, n) end
        n = n + 2
        text[n - 1], text[n] = numbers, ","
      else n = put_items(t, first, last, text, n) end
    end
    return n
  end

  local function put_list(t, text, n)
    local count, keys = rawlen(t), 0
    count_leaves(text, count)
    for _ in next, t do keys = keys + 1 end
    if keys ~= count then error(BAD, 0) end
    n = n + 1
    text[n] = "["
    n = count < LONG and put_items(t, 1, count, text, n) or put_long_list(t, count, text, n)
    text[n] = "]" -- for the last comma
    return n
  end

  local function put_entry(k, v, text, n)
    if n > FULL then n = gather(text, n) end
    local known = known_keys[k]
    if known then
      n = n + 1
      text[n] = known
      text.size = text.size + #k
    else
      if type(k) ~= "string" then error(BAD, 0) end
      if known_count < MAX_KNOWN then know_key(k) end
      n = put_string(k, text, n, '":')
    end
    n = put(v, text, n) + 1
    text[n] = ","
    return n
  end

  local function put_dict(t, text, n)
    n = n + 1
    text[n] = "{"
    local count = 0
    if text.in_order or is_sorted[t] then
      for i, k in next, sorted_keys(t) do
        n = put_entry(k, t[k], text, n)
        count = i
      end
    else
      for k, v in next, t do
        n = put_entry(k, v, text, n)
        count = count + 1
      end
    end
    text[n] = "}" -- for the last comma
    count_leaves(text, count)
    return n
  end

  -- a dict whose own keys include the one that marks a tag
  local function put_tagged(t, text, n)
    local keys = sorted_keys(t)
    count_leaves(text, #keys)
    n = n + 1
    text[n] = '{"\\u0000":"dict","v":['
    for _, k in next, keys do
      if type(k) ~= "string" then error(BAD, 0) end
      if n > FULL then n = gather(text, n) end
      text[n + 1] = "["
      n = put(t[k], text, put_string(k, text, n + 1, '",')) + 2
      text[n - 1], text[n] = "]", ","
    end
    text[n] = "]}" -- for the last comma
    return n
  end

  local function put_special(v, text, n)
    if rawequal(v, null) then
      text[n + 1] = "null"
      return n + 1
    end
    local handle = handles[v]
    if handle then
      if text.is_bare then error(UNSAID, 0) end
      text[n + 1] = format('{"\\u0000":"handle","i":%d}', handle)
      return n + 1
    end
    local as_plain = plain_views[v]
    if as_plain and text.is_compared and kit.described[v] then -- what is compared says which one it is, not how it is
      text[n + 1] = kit.described[v](nil, v)
      return n + 1
    end
    if as_plain then return put(as_plain(v), text, n) end
    error(BAD, 0)
  end

  local function put_table(t, text, n)
    if getmetatable(t) ~= nil then return put_special(t, text, n) end
    local is_list = t[1] ~= nil
    if not is_list and next(t) == nil then
      text[n + 1] = (objects[t] or text.is_bare and not arrays[t]) and "{}" or "[]"
      return n + 1
    end
    local depth = text.depth + 1
    if depth > MAX_DEPTH then error(BAD, 0) end
    for i = 1, (depth > SHALLOW or text.leaves > WIDE or text.parts) and depth - 1 or 0 do
      if text[-i] == t then error(CYCLE, 0) end
    end
    text.depth, text[-depth] = depth, t
    if is_list then n = put_list(t, text, n)
    elseif t["\0"] ~= nil and not text.is_bare then n = put_tagged(t, text, n)
    else n = put_dict(t, text, n) end
    text.depth = depth - 1
    return n
  end

  function put(v, text, n)
    local kind = type(v)
    if kind == "number" then
      if v - v ~= 0 then error(BAD, 0) end -- NaN, or an infinity
      text[n + 1] = text.is_bare and shortest_text(v) or number_text(v)
    elseif kind == "string" then return put_string(v, text, n, '"')
    elseif kind == "table" then return put_table(v, text, n)
    elseif kind == "boolean" then text[n + 1] = v and "true" or "false"
    elseif kind == "nil" then text[n + 1] = "null"
    else error(BAD, 0) end
    return n + 1
  end

  ---- whole values -------------------------------------------------------------------------------------

  local SORTED, SHOWN, BARE = "sorted", "shown", "bare"

  local function write(v, way)
    local text = {
      strings = {}, places = {}, count = 0, size = 0, leaves = 1, depth = 0,
      in_order = way == SORTED or way == SHOWN, is_compared = way == SORTED, is_bare = way == BARE,
    }
    local last = joined(text, put(v, text, 0))
    return text.parts and concat(text.parts) .. last or last
  end

  local function encode(primitive, v, path, way)
    local simple = scalar_text(v)
    if simple then return simple end
    local ok, text = kit.unhooked(write, v, way)
    if ok then return text end
    if rawequal(text, UNSAID) then
      kit.fail(primitive, "a string that is not UTF-8, or a handle, cannot stand in JSON", "ConversionError", "$")
    end
    local is_cycle = rawequal(text, CYCLE)
    if not is_cycle and not rawequal(text, BAD) then error(text, 0) end
    return kit.refuse(primitive, v, path or "$", is_cycle)
  end

  -- the JSON text of a value; raises a ConversionError that names what cannot cross, and where
  function kit.encode(primitive, v, path) return encode(primitive, v, path) end

  -- the same with the keys of all dicts in order, for comparing
  function kit.encode_sorted(primitive, v, path) return encode(primitive, v, path, SORTED) end

  -- the same for people and models to read: what stands for a table is written as that table
  function kit.shown_text(primitive, v) return encode(primitive, v, "$", SHOWN) end

  -- the same for showing: the keys of a list come first, as they stand there, and all others in order
  function kit.encode_shown(primitive, t, first)
    if plain_views[t] then t = plain_views[t](t) end
    local pieces, rest = {}, {}
    for k, v in next, t do
      if type(k) ~= "string" or k == "\0" then return encode(primitive, t, "$", SHOWN) end -- no plain JSON
      rest[k] = v
    end
    local function put_key(k)
      pieces[#pieces + 1] = encode(primitive, k) .. ":" .. encode(primitive, rest[k], "$." .. k, SHOWN)
      rest[k] = nil
    end
    for _, k in next, first do
      if rest[k] ~= nil then put_key(k) end
    end
    for _, k in next, sorted_keys(rest) do put_key(k) end
    return "{" .. concat(pieces, ",") .. "}"
  end

  -- the same for programs, which know no tags and no digits too many: a key is a key, an empty table is {} unless it is
  -- an array, and numbers are as short as they can be
  function kit.encode_bare(primitive, v) return encode(primitive, v, "$", BARE) end

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
    local ok, text = kit.caught(kit.unhooked(write, value))
    if ok then return text, "", "" end
    local told, message = kit.caught(pcall(kit.tostring, value)) -- the program's own __tostring may raise
    return kit.encode("error", utf8text(told and message or "an error object of type " .. type(value))), "", ""
  end
end
