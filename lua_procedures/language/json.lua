-- Json.encode and Json.decode, in Lua, so that they never wait and never leave the guest's limits.

local type, tonumber = type, tonumber
local find, sub, byte, gsub, format, char = string.find, string.sub, string.byte, string.gsub, string.format, utf8.char
local huge = math.huge

local MAX_DEPTH = 100
local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local CONTROL = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

return function(kit)
  local fail, null = kit.fail, kit.null
  local asking, about = "", "" -- the primitive that reads a text now, and what its errors begin with

  local function expected(what, text, at)
    local found = at > #text and "the end" or format("%q", sub(text, at, at))
    fail(asking, format("%s%s expected at byte %d, found %s", about, what, at, found))
  end

  local function skip(text, at) return find(text, "[^ \t\r\n]", at) or #text + 1 end

  local function unicode(text, at)
    local hex = sub(text, at, at + 3)
    if not find(hex, "^%x%x%x%x$") then expected("four hexadecimal digits", text, at) end
    return tonumber(hex, 16)
  end

  local function escape(text, at)
    local c = sub(text, at, at)
    if c ~= "u" then
      if not ESCAPED[c] then expected("an escape", text, at) end
      return ESCAPED[c], at + 1
    end
    local code = unicode(text, at + 1)
    at = at + 5
    if code >= 0xD800 and code < 0xDC00 and sub(text, at, at + 1) == "\\u" then
      local low = unicode(text, at + 2)
      if low >= 0xDC00 and low < 0xE000 then
        return char(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 6
      end
    end
    if code >= 0xD800 and code < 0xE000 then code = 0xFFFD end -- half a pair stands for nothing
    return char(code), at
  end

  local function string_at(text, at)
    local pieces, n = {}, 0
    while true do
      local stop = find(text, '["\\]', at)
      if not stop then expected("a closing quote", text, #text + 1) end
      n = n + 1
      pieces[n] = sub(text, at, stop - 1)
      if byte(text, stop) == 34 then return table.concat(pieces, "", 1, n), stop + 1 end
      n = n + 1
      pieces[n], at = escape(text, stop + 1)
    end
  end

  local value_at

  local function list_at(text, at, depth)
    local list, n = kit.new_array(), 0
    at = skip(text, at)
    if sub(text, at, at) == "]" then return list, at + 1 end
    while true do
      local item
      item, at = value_at(text, at, depth)
      n = n + 1
      list[n] = item == nil and null or item
      at = skip(text, at)
      local c = sub(text, at, at)
      if c == "]" then return list, at + 1 end
      if c ~= "," then expected("',' or ']'", text, at) end
      at = at + 1
    end
  end

  local function object_at(text, at, depth)
    local object = kit.new_object()
    at = skip(text, at)
    if sub(text, at, at) == "}" then return object, at + 1 end
    while true do
      at = skip(text, at)
      if sub(text, at, at) ~= '"' then expected("a key in quotes", text, at) end
      local key
      key, at = string_at(text, at + 1)
      at = skip(text, at)
      if sub(text, at, at) ~= ":" then expected("':'", text, at) end
      object[key], at = value_at(text, at + 1, depth)
      at = skip(text, at)
      local c = sub(text, at, at)
      if c == "}" then return object, at + 1 end
      if c ~= "," then expected("',' or '}'", text, at) end
      at = at + 1
    end
  end

  local WORDS = { { "true", true }, { "false", false }, { "null", nil } }

  local function plain_at(text, at)
    for i = 1, 3 do
      local word = WORDS[i][1]
      if sub(text, at, at + #word - 1) == word then return WORDS[i][2], at + #word end
    end
    local first, last = find(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
    local digits = first and sub(text, first, last)
    local number = digits and not find(digits, "^-?0%d") and not find(digits, "%.$") and not find(digits, "%.[eE]")
      and tonumber(digits)
    if not number then expected("a value", text, at) end
    if number == huge or number == -huge then expected("a number of at most 64 bits", text, at) end
    return number, last + 1
  end

  function value_at(text, at, depth)
    if depth > MAX_DEPTH then fail(asking, about .. "more than 100 deep") end
    at = skip(text, at)
    local c = byte(text, at)
    if c == 34 then return string_at(text, at + 1) end
    if c == 123 then return object_at(text, at + 1, depth + 1) end
    if c == 91 then return list_at(text, at + 1, depth + 1) end
    return plain_at(text, at)
  end

  -- on behalf of a primitive
  function kit.encode_json(primitive, value)
    local text = kit.encode_bare(primitive, value)
    return (gsub(text, "%c", function(c) return CONTROL[c] or format("\\u%04x", byte(c)) end))
  end

  -- the same; `of` is what errors begin with
  function kit.decode_json(primitive, text, of)
    asking, about = primitive, of
    local value, at = value_at(text, 1, 0)
    at = skip(text, at)
    if at <= #text then expected("the end", text, at) end
    return value
  end

  kit.guest.Json = kit.both_forms({
    encode = function(value) return kit.encode_json("Json.encode", value) end,
    decode = function(text)
      if type(text) ~= "string" then kit.misuse("Json.decode", "text", text) end
      return kit.decode_json("Json.decode", text, "")
    end,
  })
end
