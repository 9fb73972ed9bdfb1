-- Numbers as text that reads back exactly.
--
-- Lua finds the shortest text of a float by trying 15 digits, and then 17: that takes twice the time of writing 17 at
-- once. So only the floats that are likely to be short are left to Lua.

local type, format, concat, unpack, rep = type, string.format, table.concat, table.unpack, string.rep

local DECIMALS = 1e6
local ROUND = 1.5 * 2.0 ^ 52 -- a float plus this has no decimals left
local BATCH = 8
local DIGITS = "%.17g"
local DIGITS_BATCH = rep(DIGITS, BATCH, ",")

return function(kit)
  -- the text of a number that is finite, or the number where Lua writes it
  function kit.number_text(v)
    if (v * DECIMALS + ROUND - ROUND) / DECIMALS == v or v // 1 == v then return v end
    return format(DIGITS, v)
  end
  local number_text = kit.number_text

  -- the texts of the items `first` to `last` with commas between them; nil where not all are finite numbers
  function kit.numbers_text(t, first, last, shortest)
    local long = 0
    for i = first, last do
      local v = t[i]
      if type(v) ~= "number" or v - v ~= 0 then return nil end
      if (v * DECIMALS + ROUND - ROUND) / DECIMALS ~= v and v // 1 ~= v then long = long + 1 end
    end
    if long == 0 or shortest then return concat(t, ",", first, last) end
    local texts, n = {}, 0
    if long == last - first + 1 then -- one call for many
      while first + BATCH - 1 <= last do
        n = n + 1
        texts[n] = format(DIGITS_BATCH, unpack(t, first, first + BATCH - 1))
        first = first + BATCH
      end
    end
    for i = first, last do
      n = n + 1
      texts[n] = number_text(t[i])
    end
    return concat(texts, ",", 1, n)
  end
end
