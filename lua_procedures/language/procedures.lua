-- Procedures: the main one, which the program is, and sub-procedures, which are entered where they are called.

local type, next, rawget, rawequal, setmetatable, getmetatable = type, next, rawget, rawequal, setmetatable, getmetatable
local format, sort = string.format, table.sort

return function(kit)
  local guest, fail, where, encode = kit.guest, kit.fail, kit.where, kit.encode
  local FIELDS = { input = true, output = true, state = true, stages = true, run = true, description = true, name = true }

  ---- what all procedures have --------------------------------------------------------------------------

  local function function_of(parts)
    local run = rawget(parts, "run") or rawget(parts, 1)
    return type(run) == "function" and run or nil
  end

  local function check_parts(parts)
    if type(parts) ~= "table" then kit.misuse("Procedure", "parts", parts) end
    kit.check_options("Procedure", "parts", parts)
    local run = function_of(parts)
    if not run then kit.misuse("Procedure", "run", rawget(parts, 1)) end
    for k in next, parts do
      if type(k) == "string" and not FIELDS[k] then
        kit.unknown_field("Procedure", k, FIELDS)
      end
    end
    kit.check_state_schema("Procedure", parts.state)
    return run
  end

  local function check_state_fields(fields)
    local keys = {}
    for key in next, fields do
      if type(key) ~= "string" then
        fail("Procedure", "state: a table of fields expected, got one with the key " .. kit.show(key))
      end
      keys[#keys + 1] = key
    end
    sort(keys)
    return keys
  end

  -- initial values, by schema or as they are; `only_new` leaves keys that have a value
  local function fill_state(fields, only_new)
    for _, key in next, check_state_fields(fields) do
      local default = fields[key]
      if type(default) == "table" and type(default.type) == "string" then default = default.default end
      if default ~= nil and not (only_new and guest.State.get(key) ~= nil) then
        kit.set_state("Procedure", key, kit.copy(default))
      end
    end
  end

  ---- the main procedure -------------------------------------------------------------------------------

  local main, main_line = nil, nil

  local function declare_main(parts)
    kit.declaring("Procedure")
    local run = check_parts(parts)
    if main then fail("Procedure", format("two main procedures: the first in line %d", main_line)) end
    main, main_line = run, (where())
    if parts.stages then guest.Stages(parts.stages) end
    if parts.state then fill_state(parts.state) end
    if parts.input then kit.declare_input("Procedure", parts.input) end
    if parts.output then kit.declare_output("Procedure", parts.output) end
  end

  function kit.main_procedure() return main end

  -- for the time in which another text is loaded: its main procedure is not the program's
  function kit.without_main(load, ...)
    local kept, kept_line, results = main, main_line, nil
    main = nil
    results = table.pack(kit.raw.pcall(load, ...))
    local found = main
    main, main_line = kept, kept_line
    kit.caught(results[1], results[2])
    if not results[1] then kit.raw.error(results[2], 0) end
    return found, results
  end

  ---- sub-procedures -----------------------------------------------------------------------------------

  local named = {}                                          -- name -> handle, once it was named
  local parts_of = setmetatable({}, { __mode = "k" })       -- handle -> {name, run, input, output, line}

  local function checked_output(procedure, first, ...)
    if not procedure.output then return first, ... end
    return kit.checked_output(procedure.name, procedure.output, first, procedure.line)
  end

  local function call(procedure, arguments)
    if arguments ~= nil and type(arguments) ~= "table" then
      fail(procedure.name, "input: a table expected, got " .. kit.type_name(arguments))
    end
    if procedure.input then
      arguments = kit.checked_arguments(procedure.name, procedure.input, arguments or kit.new_object())
    end
    return kit.enter(procedure.name, "procedure_call", procedure.name, true, function(given)
      if procedure.state then fill_state(procedure.state, true) end
      if procedure.stages and #kit.declared_stages() == 0 then guest.Stages(procedure.stages) end
      return checked_output(procedure, procedure.run(given))
    end, arguments or {})
  end

  local function declare(handle, parts)
    kit.declaring("Procedure")
    local procedure, run = parts_of[handle], check_parts(parts)
    if procedure.run then
      fail("Procedure", format("%s is declared twice; the first time in line %d", procedure.name, procedure.line))
    end
    if parts.state then check_state_fields(parts.state) end
    procedure.run, procedure.line = run, (where())
    procedure.state, procedure.stages = parts.state, parts.stages
    procedure.input = parts.input and kit.schema_text("Procedure", parts.input)
    procedure.output = parts.output and kit.output_text("Procedure", parts.output)
    return handle
  end

  local function call_or_declare(handle, arguments)
    local procedure = parts_of[handle]
    if type(arguments) == "table" and getmetatable(arguments) == nil and function_of(arguments) then
      return declare(handle, arguments)
    end
    if not procedure.run then
      kit.unknown("Procedure", "procedure", procedure.name, named, function(handle) return parts_of[handle].run end)
    end
    return call(procedure, arguments)
  end

  local meta = {
    __metatable = false,
    __call = function(handle, arguments) return call_or_declare(handle, arguments) end,
    __index = function(handle, member)
      local procedure = parts_of[handle]
      if member == "name" then return procedure.name end
      if member == "run" then
        return function(arguments, last)
          if rawequal(arguments, handle) then arguments = last end -- colon form
          return call_or_declare(handle, arguments)
        end
      end
      fail(procedure.name, "a procedure has run and name, not " .. kit.show(member))
    end,
    __newindex = function(handle) fail(parts_of[handle].name, "a procedure cannot be changed") end,
    __tostring = function(handle) return "procedure " .. parts_of[handle].name end,
  }

  local function new_handle(name)
    local handle = setmetatable({}, meta)
    named[name] = handle
    parts_of[handle] = { name = name }
    kit.described[handle] = function(describe) return "procedure " .. describe(parts_of[handle].run) end
    return handle
  end

  local function handle_of(name) return named[name] or new_handle(name) end

  -- a main procedure of a text that was required: callable by the text's name
  function kit.module_procedure(name, run)
    local handle = handle_of(name)
    local procedure = parts_of[handle]
    if not procedure.run then procedure.run, procedure.line = run, (where()) end
    return handle
  end

  function guest.Procedure(first)
    if first == "main" then return declare_main end
    if type(first) == "string" then
      if first == "" or not utf8.len(first) then kit.misuse("Procedure", "name", first) end
      return handle_of(first)
    end
    local name = kit.assigned_name("Procedure") or type(first) == "table" and rawget(first, "name") or nil
    if name == nil or name == "main" then return declare_main(first) end
    return declare(new_handle(name), first) -- the last one of a name counts, as for any variable
  end
end
