-- A program: its schemas, its input and output, and where it starts: as a script, with a main procedure, or with main().

local type, next, rawget, setmetatable, getmetatable = type, next, rawget, setmetatable, getmetatable
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

  local OPTIONS = { type = true, required = true, default = true, description = true, enum = true, items = true, fields = true }

  local function is_plain(schema) return type(schema) == "table" and getmetatable(schema) == nil end

  -- warns of what a field says that has no meaning, in depth
  local check_fields
  local function check_field(primitive, name, field)
    if not is_plain(field) then return end
    for option in kit.each(field) do
      if type(option) == "string" and not OPTIONS[option] then
        kit.unknown_field(format("%s: %s", primitive, name), option, OPTIONS, "option")
      end
    end
    check_field(primitive, name .. " items", field.items)
    check_fields(primitive, name .. ".", field.fields)
  end

  function check_fields(primitive, within, fields)
    if not is_plain(fields) then return end
    for name, field in kit.each(fields) do check_field(primitive, within .. kit.show(name), field) end
  end

  -- the same for a table of fields, which as an output may be one field
  function kit.check_schema(primitive, schema, is_output)
    if is_output and is_plain(schema) and type(schema.type) == "string" then check_field(primitive, "output", schema)
    else check_fields(primitive, "", schema) end
  end

  -- the same for initial values, of which some may be fields
  function kit.check_state_schema(primitive, values)
    for name, value in kit.each(is_plain(values) and values or {}) do
      if is_plain(value) and kit.guest.field[value.type] then check_field(primitive, kit.show(name), value) end
    end
  end

  function kit.schema_text(primitive, schema, is_output)
    local text = encode(primitive, schema)
    kit.check_schema(primitive, schema, is_output)
    return text
  end

  -- an output may be one field instead of a table of fields, and that a bare type name
  function kit.output_text(primitive, schema)
    local text = type(schema) == "string" and encode(primitive, schema) or kit.schema_text(primitive, schema, true)
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
