-- What a step does to State, Stage and the rest: noticed while it runs, put back when it is not run again.
--
-- Each step that is open has a tracker. State's tables are plain Lua tables that the program changes
-- freely, so a tracker keeps a copy of every top-level key that the step touches and compares at its end;
-- what is only appended, moved or logged is kept as it happens.

local next, type, rawequal, rawlen, getmetatable = next, type, rawequal, rawlen, getmetatable
local concat, sort = table.concat, table.sort

return function(kit)
  local live, encode = kit.live, kit.encode
  local values = {}     -- State: top-level key -> value
  local appliers = {}   -- kind of effect -> function(effect)
  local finishers = {}  -- kind of effect -> function(effect, copy): puts the recorded copy in place
  kit.values = values
  kit.appliers = appliers
  kit.finishers = finishers

  ---- copies that remember which table they were made of -------------------------------------------

  local function snapshot(v)
    if type(v) ~= "table" or getmetatable(v) ~= nil then return v end
    local fields = {}
    for k, x in next, v do fields[k] = snapshot(x) end
    return { source = v, fields = fields }
  end

  local function same(before, now)
    if type(before) ~= "table" or before.source == nil then return rawequal(before, now) end
    return rawequal(before.source, now)
  end

  local function with(path, k)
    local longer = {}
    for i = 1, #path do longer[i] = path[i] end
    longer[#longer + 1] = k
    return longer
  end

  -- the changes that lead from a snapshot to a table of the same identity; lists shrink from their end
  local function compare(before, now, path, changes)
    local removed = {}
    for k, old in next, before.fields do
      local new = now[k]
      if new == nil then removed[#removed + 1] = k
      elseif not same(old, new) then changes[#changes + 1] = { path = with(path, k), value = new, set = true }
      elseif type(new) == "table" and getmetatable(new) == nil then compare(old, new, with(path, k), changes) end
    end
    local added = {}
    for k in next, now do
      if before.fields[k] == nil then added[#added + 1] = k end
    end
    local function order(a, b)
      if type(a) == type(b) then return a < b end
      return type(a) == "number"
    end
    sort(added, order)
    for i = 1, #added do changes[#changes + 1] = { path = with(path, added[i]), value = now[added[i]], set = true } end
    sort(removed, order)
    for i = #removed, 1, -1 do changes[#changes + 1] = { path = with(path, removed[i]) } end
  end

  ---- trackers -----------------------------------------------------------------------------------------

  local ABSENT = ""

  local function read_text(key)
    local v = values[key]
    if v == nil then return ABSENT end
    return encode("State", v, "$." .. key)
  end
  kit.read_text = read_text

  function kit.begin_effects()
    live.tracker = { parent = live.tracker } -- its tables are made when something happens
  end

  local function opened(tracker)
    if not tracker.known then
      tracker.reads, tracker.known, tracker.before, tracker.written, tracker.log = {}, {}, {}, {}, {}
    end
    return tracker
  end

  -- the program looks at a State key: every open step depends on what it finds
  function kit.touch(key)
    local tracker = live.tracker
    local text, copy
    while tracker do
      if not opened(tracker).known[key] then
        text = text or read_text(key)
        copy = copy or { value = snapshot(values[key]) }
        tracker.known[key] = true
        tracker.reads[key] = text
        tracker.before[key] = copy
      end
      tracker = tracker.parent
    end
  end

  -- the program replaces a State key without looking
  function kit.overwrite(key)
    local tracker = live.tracker
    while tracker do
      opened(tracker).known[key] = true
      tracker.written[key] = true
      tracker = tracker.parent
    end
  end

  -- something else than State is read: `label` names it, `text` is what was found
  function kit.depend(label, text)
    local tracker = live.tracker
    while tracker do
      if opened(tracker).reads[label] == nil then tracker.reads[label] = text end
      tracker = tracker.parent
    end
  end

  -- something happened that is put back as it was: {kind, …} of plain values
  function kit.happened(effect)
    local tracker = live.tracker
    while tracker do
      opened(tracker)
      tracker.log[#tracker.log + 1] = effect
      tracker = tracker.parent
    end
  end

  -- whether an append to this key has to be kept as such (its list was not copied before)
  function kit.unseen(key)
    local tracker = live.tracker
    return tracker ~= nil and not opened(tracker).known[key]
  end

  local function sorted_keys(...)
    local keys, seen = {}, {}
    for _, set in next, { ... } do
      for k in next, set do
        if not seen[k] then
          seen[k] = true
          keys[#keys + 1] = k
        end
      end
    end
    sort(keys)
    return keys
  end

  local function state_effects(tracker, effects)
    for _, key in next, sorted_keys(tracker.before, tracker.written) do
      local before, now = tracker.before[key], values[key]
      if now == nil then effects[#effects + 1] = { "delete", key }
      elseif tracker.written[key] or before == nil or not same(before.value, now) then
        if not (before and rawequal(before.value, now)) then effects[#effects + 1] = { "set", key, now } end
      elseif type(now) == "table" and getmetatable(now) == nil then
        local changes = {}
        compare(before.value, now, {}, changes)
        for _, change in next, changes do
          if change.set then effects[#effects + 1] = { "put", key, change.path, change.value }
          else effects[#effects + 1] = { "cut", key, change.path } end
        end
      end
    end
  end

  local function reads_text(reads)
    local keys = sorted_keys(reads)
    if #keys == 0 then return nil end
    for i = 1, #keys do
      keys[i] = encode("State", keys[i]) .. ":" .. encode("State", reads[keys[i]])
    end
    return "{" .. concat(keys, ",") .. "}"
  end

  -- ends the innermost tracker: its effects, their text, and the text of what it read
  function kit.end_effects(primitive)
    local tracker = live.tracker
    live.tracker = tracker.parent
    local effects = tracker.log
    if not effects then return nil, nil, nil end
    if next(tracker.before) ~= nil or next(tracker.written) ~= nil then state_effects(tracker, effects) end
    local reads = next(tracker.reads) ~= nil and reads_text(tracker.reads) or nil
    if #effects == 0 then return effects, nil, reads end
    local texts = {}
    for i = 1, #effects do texts[i] = encode(primitive, effects[i], "$State") end
    return effects, "[" .. concat(texts, ",") .. "]", reads
  end

  function kit.abandon_effects()
    live.tracker = live.tracker.parent
  end

  ---- putting back ---------------------------------------------------------------------------------------

  local function parent_of(key, path)
    local t = values[key]
    for i = 1, #path - 1 do
      if type(t) ~= "table" then return nil end
      t = t[path[i]]
    end
    if type(t) == "table" then return t, path[#path] end
  end

  function appliers.set(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = effect[3]
  end
  function appliers.delete(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = nil
  end
  function appliers.put(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if t then t[k] = effect[4] end
  end
  function appliers.cut(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if t then t[k] = nil end
  end
  -- a live step's own tables give way to the recorded copies, so that live and replay share nothing by chance
  function finishers.set(effect, copy) values[effect[2]] = copy[3] end
  function finishers.put(effect, copy)
    local t, k = parent_of(effect[2], effect[3])
    if t then t[k] = copy[4] end
  end

  -- a recorded step is not run: what it did happens again, also to the steps around it
  function kit.apply_effects(effects)
    for i = 1, #effects do
      local effect = effects[i]
      appliers[effect[1]](effect)
    end
  end

  function kit.settle_effects(effects, copies)
    for i = 1, #effects do
      local finish = finishers[effects[i][1]]
      if finish and copies[i] then finish(effects[i], copies[i]) end
    end
  end

  ---- tables of State that a step captured -----------------------------------------------------------------

  local function path_to(t, v, path, seen)
    if rawequal(v, t) then return path end
    if type(v) ~= "table" or seen[v] or getmetatable(v) ~= nil then return nil end
    seen[v] = true
    for k, x in next, v do
      local found = type(x) == "table" and path_to(t, x, with(path, k), seen)
      if found then return found end
    end
  end

  local function at(key, path)
    local t = values[key]
    for i = 1, #path do
      if type(t) ~= "table" then return nil end
      t = t[path[i]]
    end
    return t
  end

  local function refill(t, contents)
    if type(t) ~= "table" or type(contents) ~= "table" then return end
    for k in next, t do t[k] = nil end
    for k, v in next, contents do t[k] = v end
  end

  function appliers.fill(effect)
    kit.touch(effect[2])
    refill(at(effect[2], effect[3]), effect[4])
  end
  function finishers.fill(effect, copy) refill(effect[4], copy[4]) end

  -- A captured table changed without State being asked for it. Where it is part of State, the change is one of State's.
  function kit.changed_in_state(t)
    for key, v in next, values do
      local path = type(v) == "table" and path_to(t, v, {}, {})
      if path then
        local tracker = live.tracker
        while tracker do
          if not opened(tracker).known[key] then tracker.log[#tracker.log + 1] = { "fill", key, path, t } end
          tracker = tracker.parent
        end
        return true
      end
    end
    return false
  end
end
