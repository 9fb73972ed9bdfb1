-- Numbers and strings as JSON text that reads back exactly.
--
-- Lua finds a text of a float by trying 15 digits, and then 17: that takes twice the time of writing 17 at once. So
-- only the floats that are likely to be short are left to Lua, and 16 digits are tried only for what people read.

local type, tostring, find, gsub, format, rep = type, tostring, string.find, string.gsub, string.format, string.rep
local tonumber, mathtype = tonumber, math.type
local concat, unpack, utf8len, huge = table.concat, table.unpack, utf8.len, math.huge

local DECIMALS = 1e6
local ROUND = 1.5 * 2.0 ^ 52 -- a float plus this has no decimals left
local BATCH = 8
local DIGITS = "%.17g"
local LONG = 18 -- bytes of a text that may have 17 digits
local DIGITS_BATCH = rep(DIGITS, BATCH, ",")

return function(kit)
  ---- numbers ------------------------------------------------------------------------------------------

  -- the text of a number that is finite, or the number where Lua writes it
  function kit.number_text(v)
    if (v * DECIMALS + ROUND - ROUND) / DECIMALS == v or v // 1 == v then return v end
    return format(DIGITS, v)
  end
  local number_text = kit.number_text

  -- a number's text with as many of 15 to 17 digits as it takes to read back as the same number, as short as it can be
  function kit.shortest_text(v)
    local text = tostring(v)
    if #text < LONG or mathtype(v) == "integer" then return text end
    local shorter = format("%.16g", v)
    if #shorter < #text and tonumber(shorter) == v and find(shorter, "[.e]") then return shorter end
    return text
  end
  local shortest_text = kit.shortest_text

  -- the texts of the items `first` to `last` with commas between them; nil where not all are finite numbers
  function kit.numbers_text(t, first, last, shortest)
    local long = 0
    for i = first, last do
      local v = t[i]
      if type(v) ~= "number" or v - v ~= 0 then return nil end
      if (v * DECIMALS + ROUND - ROUND) / DECIMALS ~= v and v // 1 ~= v then long = long + 1 end
    end
    if long == 0 then return concat(t, ",", first, last) end
    local texts, n, text_of = {}, 0, shortest and shortest_text or number_text
    if not shortest and long == last - first + 1 then -- one call for many
      while first + BATCH - 1 <= last do
        n = n + 1
        texts[n] = format(DIGITS_BATCH, unpack(t, first, first + BATCH - 1))
        first = first + BATCH
      end
    end
    for i = first, last do
      n = n + 1
      texts[n] = text_of(t[i])
    end
    return concat(texts, ",", 1, n)
  end

  ---- strings ------------------------------------------------------------------------------------------

  local CARE = { { "\\", "\\\\" }, { '"', '\\"' }, { "\0", "\\u0000" } } -- what is escaped, in this order

  -- those of them that are in a string
  local function needed(s)
    local care = nil
    for i = 1, 3 do
      if find(s, CARE[i][1], 1, true) then
        care = care or {}
        care[#care + 1] = CARE[i]
      end
    end
    return care
  end

  local function escaped(s, care)
    for i = 1, #care do
      if find(s, care[i][1], 1, true) then s = gsub(s, care[i][1], care[i][2]) end
    end
    return s
  end
  kit.CARE, kit.needed_care, kit.escaped = CARE, needed, escaped

  -- the JSON text of a scalar that needs no care; nil for anything else
  function kit.scalar_text(v)
    local kind = type(v)
    if kind == "number" then
      if v == v and v ~= huge and v ~= -huge then return shortest_text(v) end
    elseif kind == "string" then
      if #v < 1000 and utf8len(v) and not needed(v) then return '"' .. v .. '"' end
    elseif kind == "nil" then return "null"
    elseif kind == "boolean" then return v and "true" or "false" end
  end
end
