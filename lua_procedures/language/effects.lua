-- What a step does to State, Stage and the rest: noticed while it runs, put back when it is not run again.
--
-- Each step that is open has a tracker. State's tables are plain Lua tables that the program changes
-- freely, so a tracker keeps a copy of every top-level key that the step touches and compares at its end;
-- what is only appended, moved or logged is kept as it happens.

local next, type, rawequal, getmetatable, setmetatable = next, type, rawequal, getmetatable, setmetatable
local concat, sort, byte, match = table.concat, table.sort, string.byte, string.match

return function(kit)
  local live, encode = kit.live, kit.encode
  local values = {}     -- State: top-level key -> value
  local readers = {}    -- what a step may depend on beside State: label -> function that gives its text now
  local appliers = {}   -- kind of effect -> function(effect): makes it happen again
  local finishers = {}  -- kind of effect -> function(effect, copy): puts the recorded copy in place
  kit.values, kit.readers, kit.appliers, kit.finishers = values, readers, appliers, finishers

  -- Readers of many things of one family have labels "\31family name"; `read(name, tracker)` gives the text.
  local families = {}
  function kit.reader_family(family, read) families[family] = read end
  setmetatable(readers, {
    __index = function(_, label)
      if byte(label) ~= 31 then return nil end -- a State key, as most are
      local family, name = match(label, "^\31(%S+) (.*)$")
      local read = families[family]
      return read and function(tracker) return read(name, tracker) end
    end,
  })

  local function is_plain(v) return type(v) == "table" and getmetatable(v) == nil end

  ---- snapshots ------------------------------------------------------------------------------------------

  -- A snapshot node remembers which table it was made of. `nodes` has those made before, so that a table which
  -- is changed under one key and then looked at under another is still known as it was.
  local function snapshot(v, nodes)
    if not is_plain(v) then return v end
    local node = nodes[v]
    if node then
      nodes.met = true
      return node
    end
    local fields = {}
    node = { source = v, fields = fields, object = kit.is_object(v) }
    nodes[v] = node
    for k, x in next, v do fields[k] = snapshot(x, nodes) end
    return node
  end

  local function is_node(before) return type(before) == "table" and before.source ~= nil end

  local function rebuilt(node)
    if not is_node(node) then return node end
    local t = node.object and kit.new_object() or {}
    for k, x in next, node.fields do t[k] = rebuilt(x) end
    return kit.mark_sorted(t)
  end

  local function same(before, now)
    if is_node(before) then return rawequal(before.source, now) end
    return rawequal(before, now)
  end

  local function with(path, k)
    local longer = {}
    for i = 1, #path do longer[i] = path[i] end
    longer[#longer + 1] = k
    return longer
  end

  local function order(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end

  local function sorted(set)
    local keys = {}
    for k in next, set do keys[#keys + 1] = k end
    sort(keys, order)
    return keys
  end

  -- the changes that lead from a snapshot to a table of the same identity; lists shrink from their end
  local compare
  function compare(key, before, now, path, effects)
    local added, removed = {}, {}
    for _, k in next, sorted(before.fields) do
      local old, new = before.fields[k], now[k]
      if new == nil then removed[#removed + 1] = k
      elseif not same(old, new) then
        -- what was there may still be held by the program: its own changes come first
        if is_node(old) then compare(key, old, old.source, with(path, k), effects) end
        effects[#effects + 1] = { "put", key, with(path, k), new }
      elseif is_plain(new) then compare(key, old, new, with(path, k), effects) end
    end
    for k in next, now do
      if before.fields[k] == nil then added[k] = true end
    end
    for _, k in next, sorted(added) do effects[#effects + 1] = { "put", key, with(path, k), now[k] } end
    for i = #removed, 1, -1 do effects[#effects + 1] = { "cut", key, with(path, removed[i]) } end
    if next(added) ~= nil or #removed > 0 then kit.mark_sorted(now) end
  end

  ---- trackers -----------------------------------------------------------------------------------------

  -- whether a key was there when the step first met it; called before any change
  local function note_presence(tracker, key, was_there)
    if tracker.present[key] == nil then tracker.present[key] = was_there end
  end

  local ABSENT = ""

  local function text_of(key, value)
    if value == nil then return ABSENT end
    return kit.encode_sorted("State", value, "$." .. key)
  end

  -- what a step that read this finds now: a State key, or something that has a reader
  function kit.read_text(key)
    local reader = readers[key]
    if reader then return reader() end
    return text_of(key, values[key])
  end

  local function opened(tracker)
    if not tracker.known then
      tracker.reads, tracker.known, tracker.before, tracker.written = {}, {}, {}, {}
      tracker.log, tracker.appended, tracker.lists, tracker.nodes = {}, {}, {}, {}
      tracker.present, tracker.base = {}, {}
    end
    return tracker
  end

  -- `watched` is what the step captured: its tables are known as they are now, if they turn out to be State's
  function kit.begin_effects(watched)
    local tracker = { parent = live.tracker } -- its tables are made when something happens
    live.tracker = tracker
    if watched.n or next(values) == nil then return end
    for i = 1, #watched do
      local value = watched[i].value
      if is_plain(value) and not kit.known[value] then snapshot(value, opened(tracker).nodes) end
    end
  end

  -- a key's value as the step first met it: without what the step itself has appended, and as its tables were
  local function met_value(tracker, key, node)
    local first = tracker.appended[key]
    if first == nil then first = tracker.lists[values[key]] end -- the same list stands or stood under another key
    if first == nil then return tracker.nodes.met and rebuilt(node) or values[key] end
    if first == 0 then return nil end
    if first == 1 and kit.is_object(values[key]) then return kit.new_object() end
    local list = {}
    for i = 1, first - 1 do list[i] = values[key][i] end
    return kit.as_list(list)
  end

  -- the program looks at a State key: every open step depends on what it finds
  local function touch_in(tracker, key)
    note_presence(tracker, key, values[key] ~= nil)
    if tracker.known[key] then return end
    local node = snapshot(values[key], tracker.nodes)
    tracker.reads[key] = text_of(key, met_value(tracker, key, node))
    tracker.known[key] = true
    tracker.before[key] = { value = node }
  end

  function kit.touch(key)
    local tracker = live.tracker
    while tracker do
      touch_in(opened(tracker), key)
      tracker = tracker.parent
    end
  end

  -- the program replaces a State key without looking; called before it does
  function kit.overwrite(key)
    local tracker = live.tracker
    while tracker do
      note_presence(opened(tracker), key, values[key] ~= nil)
      tracker.known[key] = true
      tracker.written[key] = true
      tracker = tracker.parent
    end
  end

  -- the program appends without looking: kept as such by the steps that have not looked at the list
  function kit.appending(effect, is_new)
    local tracker, key = live.tracker, effect[2]
    while tracker do
      note_presence(opened(tracker), key, not is_new)
      -- a list whose copy is there already (it was captured) is compared as a whole
      if not is_new and tracker.nodes[values[key]] then touch_in(tracker, key) end
      if not tracker.known[key] then
        tracker.log[#tracker.log + 1] = effect
        local list = values[key]
        if tracker.lists[list] == nil then tracker.lists[list] = effect[4] end
        if tracker.appended[key] == nil then tracker.appended[key] = is_new and 0 or tracker.lists[list] end
      end
      tracker = tracker.parent
    end
  end

  -- something else than State is read; `label` has a reader. A step depends on it as it was before the step's own
  -- changes, and not at all where those replaced it, or where its reader says nil: the step itself made it.
  function kit.depend(label)
    local tracker = live.tracker
    while tracker do
      local reads, base = opened(tracker).reads, tracker.base[label]
      if reads[label] == nil and base ~= false then reads[label] = base or readers[label](tracker) end
      tracker = tracker.parent
    end
  end

  -- something with a reader is about to change; `replaced` says that nothing of it is left
  function kit.changing(label, replaced)
    local tracker = live.tracker
    while tracker do
      local base = opened(tracker).base
      if base[label] == nil then base[label] = not replaced and readers[label](tracker) end
      tracker = tracker.parent
    end
  end

  -- the keys of State as they were before the step's own changes
  function kit.keys_before(tracker)
    local present, keys = tracker and tracker.present or {}, {}
    for key in next, values do
      if present[key] ~= false then keys[key] = true end
    end
    for key, was_there in next, present do
      if was_there then keys[key] = true end
    end
    return concat(sorted(keys), "\31")
  end

  -- an inner step is not run again: what it read, the steps around it read
  function kit.depend_on_reads(keys)
    if not live.tracker then return end
    for _, key in next, keys do
      if readers[key] then kit.depend(key) else kit.touch(key) end
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

  local function state_effects(tracker, effects)
    local keys = {}
    for key in next, tracker.before do keys[key] = true end
    for key in next, tracker.written do keys[key] = true end
    for _, key in next, sorted(keys) do
      local before, now = tracker.before[key], values[key]
      if before and before.value == nil and now == nil then -- looked at, and nothing was there or is
      elseif now == nil then
        if before and is_node(before.value) then compare(key, before.value, before.value.source, {}, effects) end
         effects[#effects + 1] = { "delete", key }
      elseif before == nil or not same(before.value, now) then
        if before and is_node(before.value) then compare(key, before.value, before.value.source, {}, effects) end
        effects[#effects + 1] = { "set", key, now }
      elseif is_plain(now) then compare(key, before.value, now, {}, effects) end
    end
  end

  local function reads_text(reads)
    local keys = sorted(reads)
    if #keys == 0 then return nil end
    for i = 1, #keys do
      keys[i] = encode("State", keys[i]) .. ":" .. encode("State", reads[keys[i]])
    end
    return "{" .. concat(keys, ",") .. "}"
  end

  local PLACES = { set = 3, put = 4, append = 3, fill = 4 } -- where an effect has a value of State

  local function effect_text(primitive, effect)
    local pieces, place = {}, PLACES[effect[1]]
    for i = 1, #effect do
      local path = place == i and kit.path_text(effect[2], i == 4 and effect[3] or {}) or "$"
      pieces[i] = encode(primitive, effect[i], path)
    end
    return "[" .. concat(pieces, ",") .. "]"
  end

  -- ends the innermost tracker: its effects, their text, and the text of what it read
  function kit.end_effects(primitive)
    local tracker = live.tracker
    live.tracker = tracker.parent
    local effects = tracker.log
    if not effects then return nil, nil, nil end
    if next(tracker.before) ~= nil or next(tracker.written) ~= nil then state_effects(tracker, effects) end
    local reads = reads_text(tracker.reads)
    if #effects == 0 then return effects, nil, reads end
    local texts = {}
    for i = 1, #effects do texts[i] = effect_text(primitive, effects[i]) end
    return effects, "[" .. concat(texts, ",") .. "]", reads
  end

  function kit.abandon_effects() live.tracker = live.tracker.parent end

  ---- putting back ---------------------------------------------------------------------------------------

  local function at(key, path, depth)
    local t = values[key]
    for i = 1, depth do
      if type(t) ~= "table" then return nil end
      t = t[path[i]]
    end
    return t
  end

  local function parent_of(key, path)
    local t = at(key, path, #path - 1)
    if type(t) == "table" then return t, path[#path] end
  end

  function appliers.set(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = effect[3]
    if type(effect[3]) == "table" then kit.holds_table(effect[2]) end
  end
  function appliers.delete(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = nil
  end
  function appliers.put(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if not t then return end
    if t[k] == nil then kit.mark_sorted(t) end
    t[k] = effect[4]
  end
  function appliers.cut(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if not t then return end
    t[k] = nil
    kit.mark_sorted(t)
  end

  -- A live step's own tables give way to the recorded copies, where they still are, so that live and replay
  -- share nothing by chance.
  function finishers.set(effect, copy)
    if rawequal(values[effect[2]], effect[3]) then values[effect[2]] = copy[3] end
  end
  function finishers.put(effect, copy)
    local t, k = parent_of(effect[2], effect[3])
    if t and rawequal(t[k], effect[4]) then t[k] = copy[4] end
  end

  function appliers.warned(effect) -- the notice itself is the host's to put back
    kit.warned[effect[2]] = true
    kit.happened(effect)
  end

  -- a recorded step is not run: what it did happens again, also to the steps around it
  function kit.apply_effects(effects)
    for i = 1, #effects do
      local effect = effects[i]
      appliers[effect[1]](effect)
    end
  end

  function kit.settle_effects(effects, copies)
    for i = 1, #(effects or {}) do
      local finish = finishers[effects[i][1]]
      if finish and copies[i] then finish(effects[i], copies[i]) end
    end
  end

  ---- tables of State that a step captured -----------------------------------------------------------------

  local function path_to(t, v, path, seen)
    if rawequal(v, t) then return path end
    if not is_plain(v) or seen[v] then return nil end
    seen[v] = true
    for k, x in next, v do
      local found = type(x) == "table" and path_to(t, x, with(path, k), seen)
      if found then return found end
    end
  end

  local function refill(t, contents)
    if type(t) ~= "table" or type(contents) ~= "table" then return end
    for k in next, t do t[k] = nil end
    for k, v in next, contents do t[k] = v end
    kit.mark_sorted(t)
  end

  function appliers.fill(effect)
    kit.touch(effect[2])
    refill(at(effect[2], effect[3], #effect[3]), effect[4])
  end
  function finishers.fill(effect, copy) refill(effect[4], copy[4]) end

  -- A captured table changed without State being asked for it. Where it is part of State, the change is one of State's.
  function kit.changed_in_state(t)
    for _, key in next, sorted(values) do
      local path = type(values[key]) == "table" and path_to(t, values[key], {}, {})
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

  ---- what State cannot keep -----------------------------------------------------------------------------------

  -- A table of State that was handed out can be given something that State cannot keep. It is looked through at the
  -- next checkpoint, up to a number of leaves, so that a checkpoint costs the same however large State is; the rest
  -- is found when the step or the run ends.
  local MAX_LOOKED_AT = 500
  local handed, tables = {}, {}
  kit.tables = tables -- keys that have held a table

  function kit.hand_out(key) handed[key] = true end
  function kit.holds_table(key) handed[key], tables[key] = true, true end

  function kit.check_state(primitive)
    if next(handed) == nil then return end
    local keys = sorted(handed)
    handed = {}
    for i = 1, #keys do kit.inspect(primitive, values[keys[i]], "$." .. keys[i], MAX_LOOKED_AT) end
  end

  -- State as the host reads it when the run ends; what cannot cross, or is too much in all, is left out. It is read
  -- where nothing can stop it, so it is bounded over all keys together.
  local MAX_STATE = kit.limits.bytes

  function kit.state_text()
    local pieces, room = {}, MAX_STATE
    for _, key in next, sorted(values) do
      local ok, text = kit.raw.pcall(encode, "State", values[key], "$." .. key)
      if ok and #text < room then
        room = room - #text
        pieces[#pieces + 1] = encode("State", key) .. ":" .. text
      end
      if room < MAX_STATE // 2 then break end
    end
    return "{" .. concat(pieces, ",") .. "}"
  end

  -- the whole State, when the program completes; raises by path
  function kit.check_all_state()
    for _, key in next, sorted(values) do
      if type(values[key]) == "table" then encode("State", values[key], "$." .. key) end
    end
  end
end
