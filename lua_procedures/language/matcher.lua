-- A pattern matcher in Lua, with the semantics of the C one, that a count hook can stop anywhere.
--
-- `build(guards, patterns)` returns { find, match, gmatch, gsub, find_plain }. The first four take checked arguments:
-- strings, an integer `init` or count where they have one. A compiled pattern is a chain of closures
-- `step(m, i)`: each matches its item of subject `m.text` at `i`, calls the rest, and returns the position after the
-- whole match or nil. No capture needs undoing: what a step reads was set on the way to it.

local tostring, type = tostring, type
local byte, c_find, sub = string.byte, string.find, string.sub
local concat, unpack = table.concat, table.unpack

-- Bound on the bytes times class length that one C call may look at: a tenth of a second.
local QUICK = 50000000
-- A plain search in a long subject goes by windows, a small one first.
local FIRST_WINDOW, LAST_WINDOW, HEAD = 1 << 12, 1 << 20, 1 << 10
local POSITION = false

return function(guards, patterns)
  guards.own()
  local fail, fits, pay, FREE = guards.fail, guards.fits, guards.pay, guards.FREE
  local byte_set = patterns.byte_set

  -- Where `needle` is at or after `i`: first and last position, or nil.
  local function find_plain(s, needle, i)
    local head, size, window = sub(needle, 1, HEAD), #needle, FIRST_WINDOW
    while i + size - 1 <= #s do
      local whole = #s - i < LAST_WINDOW
      local at, looked
      if whole then
        at = c_find(s, head, i, true)
        looked = (at or #s) - i
      else
        at = c_find(sub(s, i, i + window + HEAD - 2), head, 1, true)
        at, looked = at and i + at - 1, window
      end
      if looked > FREE then pay(looked) end
      if at and (size <= HEAD or sub(s, at, at + size - 1) == needle) then return at, at + size - 1 end
      if not at and whole then return nil end
      if at and size > FREE then pay(size) end
      i = at and at + 1 or i + window
      window = window < LAST_WINDOW and window * 2 or window
    end
  end

  -- Steps ----------------------------------------------------------------------------------------------------------

  local function accept(_, i)
    return i
  end

  local function finish()
    return function(m, i)
      return i == m.size + 1 and i or nil
    end
  end

  local function literal(item, after)
    local text, length = item.text, #item.text
    if length == 1 then
      local code = byte(text)
      return function(m, i)
        if byte(m.text, i) == code then return after(m, i + 1) end
      end
    end
    return function(m, i)
      if length > FREE then pay(length) end
      if sub(m.text, i, i + length - 1) == text then return after(m, i + length) end
    end
  end

  local function class(item, after)
    local set = byte_set(item.class)
    return function(m, i)
      if set[byte(m.text, i)] then return after(m, i + 1) end
    end
  end

  local function optional(item, after)
    local set = byte_set(item.class)
    return function(m, i)
      return set[byte(m.text, i)] and after(m, i + 1) or after(m, i)
    end
  end

  local function lazy(item, after)
    local set = byte_set(item.class)
    return function(m, i)
      while true do
        local stop = after(m, i)
        if stop then return stop end
        if not set[byte(m.text, i)] then return nil end
        i = i + 1
      end
    end
  end

  -- A function that gives the position after the longest run of the class at `i`.
  local function runner(item)
    local set, run, weight = byte_set(item.class), "^" .. item.class .. "*", #item.class
    return function(m, i)
      if weight > m.quick then
        while set[byte(m.text, i)] do i = i + 1 end
        return i
      end
      local _, last = c_find(m.text, run, i)
      if last - i > FREE then pay(last - i) end
      return last + 1
    end
  end

  local function greedy(item, after)
    local run_end, once = runner(item), item.once
    local least = item.quantifier == "+" and 1 or 0
    return function(m, i)
      local last = run_end(m, i)
      local first = i + least
      if once and first < last then first = last end
      for j = last, first, -1 do
        local stop = after(m, j)
        if stop then return stop end
      end
    end
  end

  local REPEATS = { ["*"] = greedy, ["+"] = greedy, ["-"] = lazy, ["?"] = optional }

  local function repeated(item, after)
    return REPEATS[item.quantifier](item, after)
  end

  local function open(item, after)
    local k = item.k
    return function(m, i)
      m.from[k], m.to[k] = i, nil
      return after(m, i)
    end
  end

  local function position(item, after)
    local k = item.k
    return function(m, i)
      m.from[k], m.to[k] = i, POSITION
      return after(m, i)
    end
  end

  local function close(item, after)
    local k = item.k
    return function(m, i)
      m.to[k] = i
      return after(m, i)
    end
  end

  local function back(item, after)
    local k = item.k
    return function(m, i)
      local from, length = m.from[k], m.to[k] - m.from[k]
      if length > FREE then pay(length) end
      if i + length - 1 <= m.size and sub(m.text, from, from + length - 1) == sub(m.text, i, i + length - 1) then
        return after(m, i + length)
      end
    end
  end

  local function never()
    return function() end
  end

  local function escaped(c)
    return c_find(c, "%W") and "%" .. c or c
  end

  local function balance(item, after)
    local first, last = item.first, item.last
    local either = "[" .. escaped(first) .. escaped(last) .. "]"
    return function(m, i)
      if sub(m.text, i, i) ~= first then return nil end
      local depth = 1
      while depth > 0 do
        local from = i + 1
        i = c_find(m.text, either, from)
        if not i then return nil end
        if i - from > FREE then pay(i - from) end
        -- With equal delimiters the closing one counts, as in C.
        depth = depth + (sub(m.text, i, i) == last and -1 or 1)
      end
      return after(m, i + 1)
    end
  end

  local function frontier(item, after)
    local set = byte_set(item.class)
    return function(m, i)
      -- Both ends of the subject count as the byte 0.
      if not set[i > 1 and byte(m.text, i - 1) or 0] and set[byte(m.text, i) or 0] then return after(m, i) end
    end
  end

  local function fault(item)
    return function()
      fail(item.message)
    end
  end

  local STEPS = {
    literal = literal, class = class, ["repeat"] = repeated, open = open, close = close, position = position,
    finish = finish, back = back, never = never, balance = balance, frontier = frontier, fault = fault,
  }

  -- Compiling and searching ----------------------------------------------------------------------------------------

  local PASSIVE = { open = true, position = true }

  -- The item that every match must start with, where there is one: a search jumps to where it can be.
  local function lead_of(info)
    local k = 1
    while info.items[k] and PASSIVE[info.items[k].kind] do k = k + 1 end
    local item = info.items[k] or {}
    if info.anchored then return nil end
    if item.kind == "literal" then return { text = item.text } end
    if item.kind == "balance" then return { text = item.first } end
    if item.kind == "class" or (item.kind == "repeat" and item.quantifier == "+") then return { class = item.class } end
  end

  local function compiled(p)
    local info = patterns.lookup(p)
    if not info.step then
      local step = accept
      for k = #info.items, 1, -1 do
        local item = info.items[k]
        step = STEPS[item.kind](item, step)
      end
      info.step, info.lead = step, lead_of(info)
    end
    return info
  end

  local function state(s)
    return { text = s, size = #s, quick = QUICK // (#s + 1), from = {}, to = {} }
  end

  -- The first position at or after `i` where a match may start; nil if there is none.
  local function candidate(lead, m, i)
    if lead.text then return (find_plain(m.text, lead.text, i)) end
    if #lead.class > m.quick then return i end
    local at = c_find(m.text, lead.class, i)
    local looked = (at or m.size) - i
    if looked > FREE then pay(looked) end
    return at
  end

  -- The first match at or after `i`: where it starts and the position after it; nil if there is none.
  local function search(info, m, i)
    local step, lead = info.step, info.lead
    local last = info.anchored and i <= m.size and i or m.size + 1
    while i <= last do
      if lead then
        i = candidate(lead, m, i)
        if not i then return nil end
      end
      local stop = step(m, i)
      if stop then return i, stop end
      i = i + 1
    end
  end

  -- Captures -------------------------------------------------------------------------------------------------------

  -- Capture `k` of a match; the first of a pattern without captures is the whole match.
  local function capture(info, m, k, start, stop)
    if k > info.captures then
      if k > 1 then fail("invalid capture index %" .. k) end
      return sub(m.text, start, stop - 1)
    end
    local from, to = m.from[k], m.to[k]
    if to == POSITION then return from end
    if not to then fail("unfinished capture") end
    return sub(m.text, from, to - 1)
  end

  -- All captures of a match, or the whole match if `whole` and the pattern has none.
  local function captures(info, m, start, stop, whole)
    local count = info.captures
    if count == 0 then
      if whole then return sub(m.text, start, stop - 1) end
      return
    end
    if count == 1 then return capture(info, m, 1) end
    local values = {}
    for k = 1, count do values[k] = capture(info, m, k) end
    return unpack(values, 1, count)
  end

  -- The position that `init` means in a subject of that size.
  local function start_of(init, size)
    if not init or init == 0 or init < -size then return 1 end
    return init > 0 and init or size + init + 1
  end

  local function find(s, p, init)
    local info, m = compiled(p), state(s)
    local start, stop = search(info, m, start_of(init, #s))
    if not start then return nil end
    return start, stop - 1, captures(info, m, start, stop, false)
  end

  local function match(s, p, init)
    local info, m = compiled(p), state(s)
    local start, stop = search(info, m, start_of(init, #s))
    if not start then return nil end
    return captures(info, m, start, stop, true)
  end

  -- The next match at or after `i` that is not the empty one at the end of the match before.
  local function search_on(info, m, i, previous)
    local start, stop = search(info, m, i)
    if start and stop == previous then
      if info.anchored then return nil end
      return search(info, m, i + 1)
    end
    return start, stop
  end

  local function gmatch(s, p, init)
    if sub(p, 1, 1) == "^" then p = "%" .. p end
    local info, m = compiled(p), state(s)
    local i, previous = start_of(init, #s), nil
    return function()
      local start, stop = search_on(info, m, i, previous)
      if not start then
        i = m.size + 2
        return nil
      end
      i, previous = stop, stop
      return captures(info, m, start, stop, true)
    end
  end

  -- Substitution ---------------------------------------------------------------------------------------------------

  -- Pieces of a result, joined now and then to keep the table small.
  local function add(out, piece)
    out.size = out.size + #piece
    fits(out.size)
    local n = out.n + 1
    out[n], out.n = piece, n
    if n == 4096 then
      out.joined[#out.joined + 1] = concat(out, "", 1, n)
      out.n = 0
    end
  end

  local function finished(out)
    local joined = out.joined
    joined[#joined + 1] = concat(out, "", 1, out.n)
    if out.size > FREE then pay(out.size) end
    return concat(joined)
  end

  local function expand(out, info, m, start, stop, replacement)
    local i = 1
    while true do
      local at = c_find(replacement, "%", i, true)
      if not at then break end
      add(out, sub(replacement, i, at - 1))
      local c = sub(replacement, at + 1, at + 1)
      if c == "%" then
        add(out, c)
      elseif c == "0" then
        add(out, sub(m.text, start, stop - 1))
      elseif c_find(c, "%d") then
        add(out, tostring(capture(info, m, byte(c) - 48, start, stop)))
      else
        fail("invalid use of '%' in replacement string")
      end
      i = at + 2
    end
    add(out, sub(replacement, i))
  end

  local function replace(out, info, m, start, stop, replacement)
    local kind, value = type(replacement), nil
    if kind == "string" then return expand(out, info, m, start, stop, replacement) end
    if kind == "table" then
      value = replacement[capture(info, m, 1, start, stop)]
    else
      value = replacement(captures(info, m, start, stop, true))
    end
    if not value then value = sub(m.text, start, stop - 1) end
    if type(value) == "number" then value = tostring(value) end
    if type(value) ~= "string" then fail("invalid replacement value (a " .. type(value) .. ")") end
    add(out, value)
  end

  local function gsub(s, p, replacement, limit)
    local info, m = compiled(p), state(s)
    local out = { n = 0, size = 0, joined = {} }
    local count, copied, previous = 0, 1, nil
    while count < (limit or #s + 1) do
      local start, stop = search_on(info, m, copied, previous)
      if not start then break end
      count = count + 1
      add(out, sub(s, copied, start - 1))
      replace(out, info, m, start, stop, replacement)
      copied, previous = stop, stop
      if info.anchored then break end
    end
    add(out, sub(s, copied))
    return finished(out), count
  end

  return { find = find, match = match, gmatch = gmatch, gsub = gsub, find_plain = find_plain }
end
