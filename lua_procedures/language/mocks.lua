-- Mocks: what stands in for agents, tools and models, whoever calls them.

local type, next, ipairs, getmetatable = type, next, ipairs, getmetatable
local format, concat, sort, find, sub = string.format, table.concat, table.sort, string.find, string.sub

return function(kit)
  local guest, fail, encode = kit.guest, kit.fail, kit.encode
  local mocks = {}  -- name -> what was declared
  local uses = {}   -- name -> how often it was used
  local met = {}    -- name -> whether what it stands for was asked for
  local places = {} -- name -> line and chunk of what declared it
  kit.there = {}    -- tables whose keys are the names of what a mock can stand in for

  local FIELDS = {
    message = "string", tool_calls = "table", data = "any", usage = "table", -- of agents
    error = "string", conditional = "table", returns = "any",               -- of tools and models
    temporal = "table",
  }
  local ANSWERS = "message, tool_calls, data, temporal or error"
  local ORDER = "message, tool_calls, data, usage, temporal, error, conditional, returns"

  ---- declaring ------------------------------------------------------------------------------------------

  local function check(where, expected, value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then
      fail("Mocks", format("%s: %s expected, got %s", where, expected, kit.type_name(value)))
    end
  end

  local function check_calls(where, calls)
    for i, call in ipairs(calls) do
      local at = format("%s[%d]", where, i)
      check(at, "a table {tool=, args=}", call)
      if type(call.tool) ~= "string" then fail("Mocks", format("%s.tool: a string expected, got %s", at, kit.type_name(call.tool))) end
      if call.args ~= nil then check(at .. ".args", "a table", call.args) end
    end
  end

  local function check_conditional(where, rows)
    for i, row in ipairs(rows) do
      local at = format("%s[%d]", where, i)
      check(at, "a table {when=, returns=}", row)
      check(at .. ".when", "a table of arguments", row.when)
      if row.returns == nil then fail("Mocks", at .. ".returns: a value expected, got nothing") end
    end
  end

  local function check_mock(name, mock)
    check(name, "a table", mock)
    if next(mock) == nil then fail("Mocks", format("%s: it says nothing; the fields are %s", name, ORDER)) end
    for field, value in next, mock do
      local expected = FIELDS[field]
      local at = name .. "." .. kit.show(field)
      if not expected then fail("Mocks", format("%s: unknown field; the fields are %s", at, ORDER)) end
      if expected == "table" then check(at, "a table", value)
      elseif expected ~= "any" and type(value) ~= expected then
        fail("Mocks", format("%s: a %s expected, got %s", at, expected, kit.type_name(value)))
      end
    end
    if mock.tool_calls then check_calls(name .. ".tool_calls", mock.tool_calls) end
    if mock.conditional then check_conditional(name .. ".conditional", mock.conditional) end
    encode("Mocks", mock, "$." .. name)
  end

  local function put(name, mock, line, chunk)
    if kit.live.tracker then kit.changing("\31Mocks " .. name, true) end
    mocks[name], places[name] = mock, { line, chunk }
    kit.happened { "mocks", name, mock, line, chunk }
  end

  function guest.Mocks(declared)
    kit.check("Mocks", "declarations", declared)
    for name, mock in next, declared do
      if type(name) ~= "string" then fail("Mocks", "declarations: a table of mocks by name expected, got one with the key " .. kit.show(name)) end
      check_mock(name, mock)
      put(name, kit.kept(mock), kit.where())
    end
  end
  function kit.appliers.mocks(effect) put(effect[2], kit.kept(effect[3]), effect[4] or 0, effect[5] or "") end
  kit.reader_family("Mocks", function(name) return mocks[name] and kit.encode_sorted("Mocks", mocks[name]) or "" end)

  local function meet(name)
    met[name] = true
    kit.happened { "mock_met", name }
  end
  function kit.appliers.mock_met(effect) meet(effect[2]) end

  -- the mock of that name, or nil
  function kit.mock_of(name)
    if kit.live.tracker then kit.depend("\31Mocks " .. name) end
    if mocks[name] then meet(name) end
    return mocks[name]
  end

  local function is_there(name)
    if met[name] or uses[name] or kit.modules[name] then return true end
    for _, named in next, kit.there do
      if named[name] then return true end
    end
    return false
  end

  local function unmocked()
    local names = kit.new_array()
    for _, named in next, kit.there do
      for name in next, named do
        if not mocks[name] then names[#names + 1] = name end
      end
    end
    sort(names)
    return names
  end

  -- the mocks that stand in for nothing, by their names, and what there is that has none; "" without any
  function kit.idle_mocks_text()
    local idle = kit.new_object()
    for name in next, mocks do
      if not is_there(name) then idle[name] = places[name] end
    end
    return next(idle) ~= nil and kit.encode_sorted("Mocks", { idle = idle, unmocked = unmocked() }) or ""
  end

  ---- answering ------------------------------------------------------------------------------------------

  local TESTS = {
    contains = function(text, part) return find(text, part, 1, true) ~= nil end,
    startswith = function(text, part) return sub(text, 1, #part) == part end,
    endswith = function(text, part) return part == "" or sub(text, -#part) == part end,
  }

  local function fits(expected, value)
    if type(expected) == "string" then
      local test, part = expected:match("^(%a+):(.*)$")
      if TESTS[test] then return type(value) == "string" and TESTS[test](value, part) end
    end
    return encode("Mocks", expected) == encode("Mocks", value)
      or type(expected) == "table" and kit.encode_sorted("Mocks", expected) == kit.encode_sorted("Mocks", value)
  end

  local function meets(when, arguments)
    for name, expected in next, when do
      if not fits(expected, arguments[name]) then return false end
    end
    return true
  end

  local function count(name, n)
    if kit.live.tracker then kit.changing("\31mocked " .. name) end
    uses[name] = (uses[name] or 0) + n
    kit.happened { "mocked", name, n }
  end
  kit.reader_family("mocked", function(name) return format("%d", uses[name] or 0) end)
  function kit.appliers.mocked(effect) count(effect[2], effect[3]) end

  -- which use of a mock this is, from 1
  function kit.use_mock(name)
    if kit.live.tracker then kit.depend("\31mocked " .. name) end
    count(name, 1)
    return uses[name]
  end

  -- a row that says what the agent answers, or else one that says what is wrong
  local function row_of(name, row)
    local is_table = type(row) == "table"
    if is_table and (row.message ~= nil or row.tool_calls ~= nil or row.data ~= nil or row.error ~= nil) then return row end
    local said = {}
    for field in next, is_table and row or {} do said[#said + 1] = kit.show(field) end
    sort(said)
    return { error = format("no mock of %s fits this turn: an agent's mock says %s, and this one %s", name, ANSWERS,
      not is_table and "is " .. kit.type_name(row) or #said > 0 and "only " .. concat(said, ", ") or "nothing") }
  end

  -- the row of an agent's mock for this turn: the first whose `when_message` fits, else the one whose turn it is
  function kit.mock_turn(name, mock, message)
    local use, rows = kit.use_mock(name), {}
    if not mock.temporal or #mock.temporal == 0 then return row_of(name, mock) end
    for _, row in ipairs(mock.temporal) do
      local expected = type(row) == "table" and row.when_message
      if not expected then rows[#rows + 1] = row
      elseif fits(expected, message) then return row_of(name, row) end
    end
    if #rows == 0 then return { error = format("no mock of %s fits this message", name) } end
    return row_of(name, rows[use] or rows[#rows])
  end

  -- what a tool's or a model's mock gives for these arguments: a value, or nil and the error
  local function outcome_of(name, mock, arguments)
    local use = kit.use_mock(name)
    if mock.error then return nil, mock.error end
    for _, row in ipairs(mock.conditional or {}) do
      if meets(row.when, arguments) then return row.returns end
    end
    if mock.temporal and #mock.temporal > 0 then return mock.temporal[use] or mock.temporal[#mock.temporal] end
    if mock.returns ~= nil then return mock.returns end
    return nil, format("no mock of %s fits these arguments", name)
  end

  -- a mocked call of a tool or a model, as a checkpoint of its kind
  function kit.call_mock(primitive, kind, name, mock, arguments, class)
    local value, fault = outcome_of(name, mock, arguments)
    local asked = "arguments\31" .. kit.encode_sorted(primitive, arguments) .. "\30mock\31" .. kit.encode_sorted(primitive, mock)
    local outcome = fault and encode(primitive, fault) or encode(primitive, value)
    return kit.result(primitive, kit.operation(primitive, "mocked", kind, name, asked, outcome, fault ~= nil, class, (kit.where())))
  end
end
