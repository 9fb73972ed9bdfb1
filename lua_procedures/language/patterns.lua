-- Lua patterns, parsed: the items of a pattern, and what matching it can cost.
--
-- `build(guards)` returns { lookup, known, byte_set }. `lookup(p)` gives, cached,
--   items   a list of { kind, ... } in order; see `parse`
--   reach   the longest subject for which the C matcher is sure to end soon; -1 for a malformed pattern
--   plain   whether `find` takes it as it stands
-- The C matcher backtracks where no hook can stop it. `reach` follows from a bound on its steps, size^degree * weight.

local next = next
local byte, char, find, sub = string.byte, string.char, string.find, string.sub
local concat = table.concat

-- Steps granted to one C call: some milliseconds.
local BUDGET = 2000000
local CACHED, CACHED_LENGTH = 500, 1000
-- What the C matcher allows of captures and of nested items.
local MAX_CAPTURES, MAX_NESTED = 32, 199

-- What makes C's `find` look for a pattern; a lone ")" does not, but no other function takes it.
local SPECIAL = "[%^%$%*%+%?%.%(%[%%%-]"
local QUANTIFIERS = { ["*"] = true, ["+"] = true, ["?"] = true, ["-"] = true }

-- Byte sets --------------------------------------------------------------------------------------------------------

local function set_where(class)
  local set = {}
  for b = 0, 255 do
    if find(char(b), class) then set[b] = true end
  end
  return set
end

local letter_sets = {}

-- The bytes that `%letter` stands for.
local function letter_set(letter)
  local set = letter_sets[letter]
  if not set then
    set = find(letter, "[acdglpsuwxzACDGLPSUWXZ]") and set_where("%" .. letter) or { [byte(letter)] = true }
    letter_sets[letter] = set
  end
  return set
end

local function bracket_set(text)
  local set, last = {}, #text
  local negated = sub(text, 2, 2) == "^"
  local i = negated and 3 or 2
  while i < last do
    local c = sub(text, i, i)
    if c == "%" then
      for b in next, letter_set(sub(text, i + 1, i + 1)) do set[b] = true end
      i = i + 2
    elseif sub(text, i + 1, i + 1) == "-" and i + 2 < last then
      for b = byte(c), byte(text, i + 2) do set[b] = true end
      i = i + 3
    else
      set[byte(c)] = true
      i = i + 1
    end
  end
  if not negated then return set end
  local rest = {}
  for b = 0, 255 do rest[b] = not set[b] or nil end
  return rest
end

local function build_set(class)
  local first = sub(class, 1, 1)
  if first == "[" then return bracket_set(class) end
  if first == "%" then return letter_set(sub(class, 2)) end
  if class == "." then return set_where(".") end
  return { [byte(class)] = true }
end

-- Parsing ----------------------------------------------------------------------------------------------------------

-- The position after the class that starts at `i`, or nil and what is wrong with it.
local function class_end(p, i)
  local c = sub(p, i, i)
  if c == "%" then
    if i == #p then return nil, "malformed pattern (ends with '%')" end
    return i + 2
  end
  if c ~= "[" then return i + 1 end
  i = i + 1
  if sub(p, i, i) == "^" then i = i + 1 end
  repeat
    if i > #p then return nil, "malformed pattern (missing ']')" end
    i = i + (sub(p, i, i) == "%" and i < #p and 2 or 1)
  until sub(p, i, i) == "]"
  return i + 1
end

-- The character that a class stands for when it stands for one only.
local function literal_of(class)
  if #class == 1 then return class ~= "." and class end
  return sub(class, 1, 1) == "%" and not find(class, "%w", 2) and sub(class, 2)
end

local function fault(message)
  return { kind = "fault", message = message }
end

local function open_capture(parser, i)
  if parser.captures == MAX_CAPTURES then return fault("too many captures") end
  local k = parser.captures + 1
  parser.captures = k
  if sub(parser.p, i + 1, i + 1) == ")" then
    parser.state[k] = "position"
    return { kind = "position", k = k }, i + 2
  end
  parser.state[k] = "open"
  return { kind = "open", k = k }, i + 1
end

local function close_capture(parser, i)
  for k = parser.captures, 1, -1 do
    if parser.state[k] == "open" then
      parser.state[k] = "closed"
      return { kind = "close", k = k }, i + 1
    end
  end
  return fault("invalid pattern capture")
end

local function balance(parser, i)
  if i + 3 > #parser.p then return fault("malformed pattern (missing arguments to '%b')") end
  return { kind = "balance", first = sub(parser.p, i + 2, i + 2), last = sub(parser.p, i + 3, i + 3) }, i + 4
end

local function frontier(parser, i)
  if sub(parser.p, i + 2, i + 2) ~= "[" then return fault("missing '[' after '%f' in pattern") end
  local after, message = class_end(parser.p, i + 2)
  if not after then return fault(message) end
  return { kind = "frontier", class = sub(parser.p, i + 2, after - 1) }, after
end

local function back_reference(parser, i)
  local k = byte(parser.p, i + 1) - 48
  local state = parser.state[k]
  if not state or state == "open" then return fault("invalid capture index %" .. k) end
  return { kind = state == "position" and "never" or "back", k = k }, i + 2
end

local function single(parser, i)
  local after, message = class_end(parser.p, i)
  if not after then return fault(message) end
  local class, quantifier = sub(parser.p, i, after - 1), sub(parser.p, after, after)
  local literal = literal_of(class)
  if QUANTIFIERS[quantifier] then
    if literal and find(literal, "%W") then class = "%" .. literal end
    return { kind = "repeat", class = class, quantifier = quantifier }, after + 1
  end
  if literal then return { kind = "literal", text = literal }, after end
  return { kind = "class", class = class }, after
end

local ESCAPES = { b = balance, f = frontier }
for digit = 0, 9 do ESCAPES[char(48 + digit)] = back_reference end

local function next_item(parser, i)
  local c = sub(parser.p, i, i)
  if c == "(" then return open_capture(parser, i) end
  if c == ")" then return close_capture(parser, i) end
  if c == "$" and i == #parser.p then return { kind = "finish" }, i + 1 end
  local escape = c == "%" and ESCAPES[sub(parser.p, i + 1, i + 1)]
  return (escape or single)(parser, i)
end

local NESTS = { open = true, close = true, position = true, ["repeat"] = true }

-- The items of `p` from `i` on. A fault ends them: like C, it is raised when matching comes to it, not before.
local function parse(p, i)
  local parser = { p = p, captures = 0, state = {} }
  local items, nested, run = {}, 0, nil
  while i and i <= #p do
    local item
    item, i = next_item(parser, i)
    if NESTS[item.kind] then nested = nested + 1 end
    if nested > MAX_NESTED then item, i = fault("pattern too complex"), nil end
    if item.kind == "literal" and run then
      run[#run + 1] = item.text
    else
      run = item.kind == "literal" and { item.text } or nil
      item.run = run
      items[#items + 1] = item
    end
  end
  for _, item in next, items do
    if item.run and #item.run > 1 then item.text = concat(item.run) end
  end
  local unclosed = false
  for k = 1, parser.captures do unclosed = unclosed or parser.state[k] == "open" end
  local last = items[#items]
  return items, parser.captures, unclosed or (last and last.kind == "fault")
end

-- Cost -------------------------------------------------------------------------------------------------------------

local function disjoint(set, others)
  for _, other in next, others do
    for b in next, set do
      if other[b] then return false end
    end
  end
  return true
end

-- What is known of the items after some item, starting with none:
--   fails  degree of the cost of an attempt that fails; takes, of one that matches
--   sure   it matches wherever it is tried; at_end, it matches the empty rest of a subject
--   starts sets of which the next byte must be in one, or false where nothing is known
local function nothing_after()
  return { fails = 0, takes = 0, sure = true, at_end = true, starts = {} }
end

local function max(a, b)
  return a > b and a or b
end

local function starts_of(set, rest, optional)
  if not optional then return { set } end
  if not rest.starts then return false end
  local starts = { set }
  for _, other in next, rest.starts do starts[#starts + 1] = other end
  return starts
end

local function after_repeat(item, set, rest)
  local mark = item.quantifier
  local optional = mark ~= "+"
  -- Giving bytes back is in vain where what follows cannot start with them: then it is tried once.
  item.once = rest.starts and not rest.sure and disjoint(set, rest.starts)
  local once = rest.sure or item.once
  local fails, takes, weight = rest.fails, rest.takes, 1
  if mark == "?" then
    weight = once and 1 or 2
  else
    fails = rest.sure and 0 or once and max(1, fails) or fails + 1
    takes = max(1, max(fails, takes))
  end
  local sure = (optional and rest.sure) or (item.class == "." and (mark == "*" or mark == "-") and rest.at_end)
  return { fails = sure and 0 or fails, takes = takes, sure = sure, at_end = optional and rest.at_end,
    starts = starts_of(set, rest, optional), weight = weight }
end

local function after_scan(rest, starts)
  return { fails = max(1, rest.fails), takes = max(1, rest.takes), sure = false, at_end = false, starts = starts }
end

local function after_one(rest, set)
  return { fails = rest.fails, takes = rest.takes, sure = false, at_end = false, starts = set and { set } or false }
end

local TRANSPARENT = { open = true, close = true, position = true }

local function after_item(item, rest, set_of)
  local kind = item.kind
  if TRANSPARENT[kind] then return rest end
  if kind == "repeat" then return after_repeat(item, set_of(item.class), rest) end
  if kind == "balance" then return after_scan(rest, { { [byte(item.first)] = true } }) end
  if kind == "back" then return after_scan(rest, false) end
  if kind == "finish" then return { fails = 0, takes = 0, sure = false, at_end = true, starts = {} } end
  if kind == "literal" then return after_one(rest, { [byte(item.text)] = true }) end
  if kind == "class" then return after_one(rest, set_of(item.class)) end
  return after_one(rest, false)
end

-- The longest subject with size^degree * weight <= BUDGET.
local function reach_of(info, set_of)
  if info.malformed then return -1 end
  local weight, rest = #info.source, nothing_after()
  for i = #info.items, 1, -1 do
    rest = after_item(info.items[i], rest, set_of)
    if info.items[i].kind == "repeat" then weight = weight * rest.weight end
    if weight > BUDGET then return -1 end
  end
  local degree = max(1, max(rest.fails + (info.anchored and 0 or 1), rest.takes))
  return (BUDGET / max(1, weight)) ^ (1 / degree) // 1 - 1
end

-- Cache ------------------------------------------------------------------------------------------------------------

return function(guards)
  guards.own()
  local known, sets, count = {}, {}, 0

  local function byte_set(class)
    local set = sets[class] or build_set(class)
    if #class <= CACHED_LENGTH then sets[class] = set end
    return set
  end

  local function analyse(p)
    local info = { source = p, plain = not find(p, SPECIAL), anchored = sub(p, 1, 1) == "^" }
    if info.plain and not find(p, ")", 1, true) then
      info.items, info.captures = { p ~= "" and { kind = "literal", text = p } or nil }, 0
    else
      info.items, info.captures, info.malformed = parse(p, info.anchored and 2 or 1)
    end
    info.reach = reach_of(info, byte_set)
    return info
  end

  local function remember(p, info)
    if count == CACHED then
      for key in next, known do known[key] = nil end
      for key in next, sets do sets[key] = nil end
      count = 0
    end
    known[p], count = info, count + 1
  end

  local function lookup(p)
    local info = known[p]
    if not info then
      info = analyse(p)
      if #p <= CACHED_LENGTH then remember(p, info) end
    end
    return info
  end

  return { lookup = lookup, known = known, byte_set = byte_set }
end
