-- State, Stages and Stage, Iterations, Stop: tables of the guest, read by the host when somebody looks.

local next, type, rawequal, tostring, getmetatable, setmetatable = next, type, rawequal, tostring, getmetatable, setmetatable
local sort, format, concat = table.sort, string.format, table.concat

return function(kit)
  local guest, fail, live, values, host, tables = kit.guest, kit.fail, kit.live, kit.values, kit.host, kit.tables
  local null, happened, depend, readers = kit.null, kit.happened, kit.depend, kit.readers

  ---- State ------------------------------------------------------------------------------------------

  local State = {}

  local function check_key(primitive, key)
    if type(key) ~= "string" then kit.misuse(primitive, "key", key) end
    if not utf8.len(key) then fail(primitive, "key: UTF-8 text expected, got bytes that are none") end
  end

  local function get(key)
    if live.tracker then kit.touch(key) end
    if tables[key] then kit.hand_out(key) end
    return values[key]
  end

  -- what cannot be kept is refused where it is assigned
  local function check_value(primitive, key, value)
    local kind = type(value)
    if kind == "table" or kind == "function" or kind == "thread" or kind == "userdata" or value ~= value
      or value == math.huge or value == -math.huge then
      kit.encode(primitive, value, "$." .. key)
    end
  end

  local function set(primitive, key, value)
    check_key(primitive, key)
    check_value(primitive, key, value)
    if live.tracker then kit.overwrite(key) end
    values[key] = value
    if type(value) == "table" then kit.holds_table(key) end
  end

  local KEYS = "\31keys of State" -- what a step depends on that looks at all of State
  readers[KEYS] = kit.keys_before

  local function sorted_keys()
    local keys = {}
    for k in next, values do keys[#keys + 1] = k end
    sort(keys)
    if live.tracker then
      depend(KEYS)
      for i = 1, #keys do kit.touch(keys[i]) end
    end
    return keys
  end

  function State.get(key, default, last)
    local value = values[key]
    if value ~= nil and not live.tracker then -- the common case first: this call is the hottest
      if tables[key] then kit.hand_out(key) end
      return value
    end
    if key == State then key, default = default, last end
    check_key("State.get", key)
    value = get(key)
    if value == nil then return default end
    return value
  end

  function State.set(key, value, last)
    if rawequal(key, State) then key, value = value, last end
    set("State.set", key, value)
  end

  kit.set_state = set

  function State.all()
    local copy = kit.mark_sorted(kit.new_object())
    for _, key in next, sorted_keys() do copy[key] = kit.copy(values[key]) end
    return copy
  end

  function State.append(key, value, last)
    if rawequal(key, State) then key, value = value, last end
    check_key("State.append", key)
    if value == nil then kit.misuse("State.append", "value", value) end
    check_value("State.append", key, value)
    local list = values[key]
    if list == nil or (type(list) == "table" and getmetatable(list) == nil and (#list > 0 or next(list) == nil)) then
      local is_new = list == nil
      if is_new then
        list = kit.new_array()
        values[key] = list
        kit.holds_table(key)
      end
      local place = #list + 1
      if live.tracker then kit.appending({ "append", key, value, place }, is_new) end
      list[place] = value
      return
    end
    if type(list) == "table" then
      fail("State.append", format("key: the key of a list expected, %q holds a table with named keys", key))
    end
    get(key)
    values[key] = { list, value } -- a scalar becomes the list's first item
    kit.holds_table(key)
    if live.tracker then kit.overwrite(key) end
  end

  function State.increment(key, amount, last)
    if rawequal(key, State) then key, amount = amount, last end
    check_key("State.increment", key)
    if amount == nil then amount = 1 end
    if type(amount) ~= "number" then kit.misuse("State.increment", "amount", amount) end
    local value = get(key)
    if value ~= nil and type(value) ~= "number" then
      host.warn(format("State.increment: %s was a %s and counts as 0", key, type(value)), (kit.where()))
      value = 0
    end
    value = (value or 0) + amount
    check_value("State.increment", key, value)
    values[key] = value
    return value
  end

  function State.delete(key, last)
    if rawequal(key, State) then key = last end
    check_key("State.delete", key)
    if live.tracker then kit.overwrite(key) end
    values[key] = nil
  end

  function State.clear()
    for _, key in next, sorted_keys() do
      if live.tracker then kit.overwrite(key) end
      values[key] = nil
    end
  end

  function kit.appliers.append(effect)
    State.append(effect[2], effect[3])
  end
  function kit.finishers.append(effect, copy)
    local list = values[effect[2]]
    if type(list) == "table" and rawequal(list[effect[4]], effect[3]) then list[effect[4]] = copy[3] end
  end

  local state = setmetatable({}, {
    __metatable = false,
    __index = function(_, key) check_key("state", key) return get(key) end,
    __newindex = function(_, key, value)
      if value ~= nil then return set("state", key, value) end
      check_key("state", key)
      State.delete(key)
    end,
    __pairs = function()
      local keys, i = sorted_keys(), 0
      return function()
        i = i + 1
        local key = keys[i]
        if key ~= nil then return key, values[key] end
      end
    end,
    __tostring = function() return "state" end,
  })
  kit.plain_views[state] = State.all
  guest.State, guest.state = State, state

  ---- Stages -----------------------------------------------------------------------------------------

  local declared, places = {}, {}
  local current, history = nil, {}

  local CURRENT, HISTORY = "\31the current stage", "\31the stage history"
  readers[CURRENT] = function() return current or "" end
  local DECLARED = "\31the declared stages"
  readers[HISTORY] = function()
    local rows = {}
    for i = 1, #history do rows[i] = history[i].to_stage end
    return concat(rows, "\31")
  end
  readers[DECLARED] = function() return concat(declared, "\31") end

  local function check_name(primitive, name)
    if type(name) ~= "string" or name == "" then kit.misuse(primitive, "name", name) end
    if #name > 1000 then fail(primitive, format("name: at most 1,000 bytes expected, got %d", #name)) end
  end

  local function declare(names)
    kit.check("Stages", "names", names)
    local list, index = {}, {}
    for i, name in ipairs(names) do
      if type(name) ~= "string" or name == "" then
        fail("Stages", format("names[%d]: a non-empty string expected, got %s", i, name == "" and '""' or kit.type_name(name)))
      end
      if index[name] then fail("Stages", format("names[%d]: another name expected, %q is declared twice", i, name)) end
      list[i], index[name] = name, i
    end
    for k in next, names do
      if not list[k] then fail("Stages", "names: a list without holes expected, got the key " .. kit.show(k)) end
    end
    if live.tracker then kit.changing(DECLARED, true) end
    declared, places = list, index
    host.stages_declared(concat(list, "\31"))
  end

  function kit.declared_stages() return declared end

  function guest.Stages(names)
    declare(names)
    happened({ "stages", declared })
  end
  function kit.appliers.stages(effect)
    declare(effect[2])
    happened(effect)
  end

  local function move(to, time)
    if live.tracker then
      kit.changing(CURRENT, true)
      kit.changing(HISTORY)
    end
    history[#history + 1] = { from_stage = current, to_stage = to, timestamp = time }
    happened({ "stage", to, time })
    host.stage_moved(to, time)
    current = to
  end
  function kit.appliers.stage(effect) move(effect[2], effect[3]) end

  local function check_declared(primitive, name)
    if #declared > 0 and not places[name] then
      fail(primitive, format("name: one of the stages %s expected, got %q", concat(declared, ", "), name))
    end
  end

  local function read_current()
    if live.tracker then depend(CURRENT) end
    return current
  end

  local Stage = {}
  function Stage.set(name)
    check_name("Stage.set", name)
    check_declared("Stage.set", name)
    move(name, host.now() / 1e6)
  end
  function Stage.advance(name)
    if name ~= nil then
      check_name("Stage.advance", name)
      check_declared("Stage.advance", name)
      move(name, host.now() / 1e6)
      return name
    end
    local before = read_current()
    if live.tracker then depend(DECLARED) end
    if #declared == 0 then fail("Stage.advance", "no stages are declared: say Stages{…} first, or name the stage") end
    local next_name = declared[(before and places[before] or 0) + 1]
    if next_name then move(next_name, host.now() / 1e6) end
    return next_name
  end
  function Stage.current() return read_current() end
  function Stage.is(name)
    check_name("Stage.is", name)
    return read_current() == name
  end
  function Stage.history()
    if live.tracker then depend(HISTORY) end
    return kit.copy(history)
  end
  function Stage.count()
    if live.tracker then depend(HISTORY) end
    return #history
  end
  function Stage.progress()
    local place = places[read_current() or ""]
    if live.tracker then depend(DECLARED) end
    if not place or #declared == 0 then return 0 end
    return place / #declared
  end
  guest.Stage = Stage

  ---- Iterations and Stop ------------------------------------------------------------------------------

  local iterations = 0

  local ITERATIONS = "\31Iterations"
  readers[ITERATIONS] = function() return tostring(iterations) end

  local function count_iteration(n)
    if live.tracker then kit.changing(ITERATIONS) end
    iterations = iterations + n
    happened({ "iterations", n })
  end
  kit.count_iteration = count_iteration
  function kit.appliers.iterations(effect) count_iteration(effect[2]) end

  local function read_iterations()
    if live.tracker then depend(ITERATIONS) end
    return iterations
  end

  guest.Iterations = {
    current = function() return read_iterations() end,
    exceeded = function(n)
      if type(n) ~= "number" then kit.misuse("Iterations.exceeded", "n", n) end
      return read_iterations() >= n
    end,
  }

  local stop = { requested = false, reason = nil, success = true }

  local STOP = "\31Stop"
  readers[STOP] = function() return stop.requested and format("%s %s", stop.success, stop.reason) or "" end

  local function request_stop(reason, success)
    reason = kit.utf8(reason)
    if live.tracker then kit.changing(STOP, true) end
    stop.requested, stop.reason, stop.success = true, reason, success
    happened({ "stop", reason, success })
    host.stop_requested(reason, success)
  end
  kit.request_stop = request_stop
  function kit.appliers.stop(effect) request_stop(effect[2], effect[3]) end

  -- a stop asked for from outside counts from where the program first looks; the host offers it beforehand
  local offers = {}
  function kit.offer_stop(number, reason, success) offers[number] = { reason, success } end

  local function look()
    local number = host.poll_stop()
    if number > 0 then request_stop(offers[number][1], offers[number][2]) end
    if live.tracker then depend(STOP) end
  end

  guest.Stop = {
    requested = function() look() return stop.requested end,
    reason = function() look() return stop.reason end,
    success = function() look() return stop.success end,
    request = function(reason, success)
      kit.check("Stop.request", "reason", reason)
      kit.check("Stop.request", "success", success)
      request_stop(reason, success ~= false)
    end,
  }

  function kit.world_text()
    return kit.encode("State", {
      iterations = iterations, current = current or null, history = history, declared = declared,
      stop = { requested = stop.requested, reason = stop.reason or null, success = stop.success },
    })
  end
end
