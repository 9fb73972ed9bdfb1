-- Forms of a program: a script, a script with schemas, one main procedure, or a function main().

local type, next, rawget, rawequal, setmetatable, getmetatable = type, next, rawget, rawequal, setmetatable, getmetatable
local format, pack, unpack = string.format, table.pack, table.unpack

return function(kit)
  local guest, fail, request, encode, where = kit.guest, kit.fail, kit.request, kit.encode, kit.where
  local TYPES = { "string", "number", "integer", "boolean", "array", "object" }

  ---- schemas ----------------------------------------------------------------------------------------

  guest.field = {}
  for _, name in next, TYPES do
    guest.field[name] = function(options)
      if options ~= nil and type(options) ~= "table" then
        fail("field." .. name, "a table of options expected, got " .. type(options))
      end
      local schema = { type = name }
      for k, v in next, options or {} do schema[k] = v end
      return schema
    end
  end

  ---- inputs and outputs -------------------------------------------------------------------------------

  local input = {}
  local output_schema = nil
  local input_declared, output_declared = nil, nil

  local function fill(values)
    for k in next, input do input[k] = nil end
    for k, v in next, values or {} do input[k] = v end
  end

  local function schema_text(primitive, schema)
    if type(schema) ~= "table" then fail(primitive, "a table of fields expected, got " .. type(schema)) end
    return encode(primitive, schema)
  end

  local function declare_input(primitive, schema)
    if input_declared then fail(primitive, format("the input is declared twice; the first time in line %d", input_declared)) end
    input_declared = where()
    fill(kit.result(primitive, request(primitive, "inputs", schema_text(primitive, schema), input_declared)))
  end

  local function declare_output(primitive, schema)
    if output_declared then fail(primitive, format("the output is declared twice; the first time in line %d", output_declared)) end
    output_declared = where()
    local text = type(schema) == "string" and encode(primitive, schema) or schema_text(primitive, schema)
    kit.result(primitive, request(primitive, "schema", text))
    output_schema = text
  end

  setmetatable(input, { __metatable = false, __call = function(_, schema) declare_input("input", schema) end })
  kit.plain_views[input] = function()
    local copy = kit.new_object()
    for k, v in next, input do copy[k] = v end
    return copy
  end
  guest.input, guest.params, kit.input = input, input, input
  function guest.output(schema) declare_output("output", schema) end
  function kit.set_input(values) fill(values) end

  ---- the main procedure ---------------------------------------------------------------------------------

  local main, main_line = nil, nil
  local KNOWN = { input = true, output = true, state = true, stages = true, run = true, description = true, name = true }

  local function initial_state(fields)
    if type(fields) ~= "table" then fail("Procedure", "state: a table of fields expected, got " .. type(fields)) end
    local keys = {}
    for key in next, fields do keys[#keys + 1] = key end
    for _, key in next, keys do
      if type(key) ~= "string" then fail("Procedure", "state: a table of fields expected, got one with the key " .. kit.show(key)) end
    end
    table.sort(keys)
    for _, key in next, keys do
      local schema = fields[key]
      local default = schema
      if type(schema) == "table" and type(schema.type) == "string" then default = schema.default end
      if default ~= nil then kit.set_state("Procedure", key, kit.copy(default)) end
    end
  end

  local function declare_main(parts)
    if type(parts) ~= "table" then fail("Procedure", "a table expected, got " .. type(parts)) end
    local run = parts.run or rawget(parts, 1)
    if type(run) ~= "function" then
      fail("Procedure", "a function expected: Procedure { input = {…}, function(input) … end }")
    end
    if main then fail("Procedure", format("two main procedures: the first in line %d", main_line)) end
    for k in next, parts do
      if type(k) == "string" and not KNOWN[k] then kit.host.warn("Procedure: unknown field " .. k .. " is ignored", (where())) end
    end
    main, main_line = run, (where())
    if parts.stages then guest.Stages(parts.stages) end
    if parts.state then initial_state(parts.state) end
    if parts.input then declare_input("Procedure", parts.input) end
    if parts.output then declare_output("Procedure", parts.output) end
  end

  function guest.Procedure(first)
    if first == "main" then return declare_main end
    if type(first) ~= "table" then fail("Procedure", "a table expected, got " .. type(first)) end
    return declare_main(first)
  end

  -- the whole program as one function for a host thread
  function kit.program(chunk)
    return function()
      local results = pack(chunk())
      local start = main
      if not start then
        local named = rawget(kit.env, "main")
        if type(named) == "function" then start = named end
      end
      if start then results = pack(start(input)) end
      kit.check_all_state()
      if not output_schema then return unpack(results, 1, results.n) end
      return kit.result("return", request("return", "outputs", output_schema, encode("return", results[1]), output_declared))
    end
  end
end
