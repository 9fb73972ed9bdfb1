-- A program: its schemas, its input and output, and where it starts: as a script, with a main procedure, or with main().

local type, next, rawget, setmetatable = type, next, rawget, setmetatable
local format, pack, unpack = string.format, table.pack, table.unpack

return function(kit)
  local guest, fail, request, encode, where = kit.guest, kit.fail, kit.request, kit.encode, kit.where
  local TYPES = { "string", "number", "integer", "boolean", "array", "object" }

  ---- schemas ----------------------------------------------------------------------------------------

  guest.field = {}
  for _, name in next, TYPES do
    guest.field[name] = function(options)
      kit.check_options("field." .. name, "options", options)
      local schema = { type = name }
      for k, v in next, options or {} do schema[k] = v end
      encode("field." .. name, schema)
      return schema
    end
  end

  function kit.schema_text(primitive, schema)
    return encode(primitive, schema)
  end

  -- an output may be one field instead of a table of fields, and that a bare type name
  function kit.output_text(primitive, schema)
    local text = type(schema) == "string" and encode(primitive, schema) or kit.schema_text(primitive, schema)
    kit.result(primitive, request(primitive, "schema", text))
    return text
  end

  function kit.checked_arguments(primitive, schema, arguments)
    return kit.result(primitive, request(primitive, "arguments", schema, encode(primitive, arguments), (where())))
  end

  function kit.checked_output(primitive, schema, value, line)
    return kit.result(primitive, request(primitive, "outputs", schema, encode(primitive, value), line))
  end

  ---- inputs and outputs -------------------------------------------------------------------------------

  local input = {}
  local output_schema = nil
  local input_declared, output_declared = nil, nil

  local function fill(values)
    for k in next, input do input[k] = nil end
    for k, v in next, values or {} do input[k] = v end
  end

  function kit.declare_input(primitive, schema)
    if input_declared then fail(primitive, format("the input is declared twice; the first time in line %d", input_declared)) end
    input_declared = where()
    fill(kit.result(primitive, request(primitive, "inputs", kit.schema_text(primitive, schema), input_declared)))
  end

  function kit.declare_output(primitive, schema)
    if output_declared then fail(primitive, format("the output is declared twice; the first time in line %d", output_declared)) end
    output_declared = where()
    output_schema = kit.output_text(primitive, schema)
  end

  setmetatable(input, { __metatable = false, __call = function(_, schema) kit.declare_input("input", kit.check("input", "fields", schema)) end })
  kit.plain_views[input] = function()
    local copy = kit.new_object()
    for k, v in next, input do copy[k] = v end
    return copy
  end
  guest.input, guest.params, kit.input = input, input, input
  function guest.output(schema) kit.declare_output("output", kit.check("output", "fields", schema)) end
  function kit.set_input(values) fill(values) end

  -- the whole program as one function for a host thread
  function kit.program(chunk)
    return function()
      local results = pack(chunk())
      kit.tell_listed()
      local start = kit.main_procedure()
      if not start then
        local named = rawget(kit.env, "main")
        if type(named) == "function" then start = named end
      end
      if start then results = pack(start(input)) end
      kit.check_all_state()
      if not output_schema then return unpack(results, 1, results.n) end
      return kit.checked_output("return", output_schema, results[1], output_declared)
    end
  end
end
