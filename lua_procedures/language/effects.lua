-- What a step does to State, Stage and the rest: noticed while it runs, put back when it is not run again.
--
-- Each step that is open has a tracker. State's tables are plain Lua tables that the program changes
-- freely, so a tracker keeps a copy of every top-level key that the step touches and compares at its end;
-- what is only appended, moved or logged is kept as it happens.

local next, setmetatable = next, setmetatable
local concat, byte, match = table.concat, string.byte, string.match

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

  local snapshots = kit.snapshots
  local is_plain, snapshot, is_node, rebuilt = snapshots.is_plain, snapshots.of, snapshots.is_node, snapshots.rebuilt
  local same, compare, sorted = snapshots.same, snapshots.compare, kit.sorted_keys

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

  -- a captured table that is part of State was changed: kept by the steps that do not compare its key
  function kit.refilled(key, path, t)
    local tracker = live.tracker
    while tracker do
      if not opened(tracker).known[key] then tracker.log[#tracker.log + 1] = { "fill", key, path, t } end
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
end
