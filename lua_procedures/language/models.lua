-- Models: predictors by name, declared here or given by the session.

local type, next, rawequal, setmetatable, getmetatable = type, next, rawequal, setmetatable, getmetatable
local format, sort, concat = string.format, table.sort, table.concat

return function(kit)
  local guest, fail, encode, where = kit.guest, kit.fail, kit.encode, kit.where
  local models = {}                               -- name -> handle
  local of = setmetatable({}, { __mode = "k" })   -- handle -> {name, declared, line}

  local TYPES = { python = true, registry = true, sklearn = true, http = true, mock = true }
  local FIELDS = { type = true, endpoint = true, headers = true, timeout = true, value = true, features = true,
                   input = true, output = true, description = true, name = true }

  -- a type that there is not is an error where everything else says that it is a declaration
  local function check_type(name, parts)
    if type(parts) ~= "table" or getmetatable(parts) ~= nil or type(parts.type) ~= "string" or TYPES[parts.type] then return end
    if not kit.is_declared_by_name("Model", name) or kit.mock_of(name) then return end
    local types = {}
    for each in next, TYPES do types[#types + 1] = each end
    sort(types)
    fail("Model", format("%s: type: one of %s expected, got %s", name, concat(types, ", "), kit.show(parts.type)))
  end

  local function is_declaration(parts)
    if type(parts) ~= "table" or getmetatable(parts) ~= nil or not TYPES[parts.type] then return false end
    for field in next, parts do
      if not FIELDS[field] then return false end
    end
    return true
  end

  local function declare(handle, parts)
    kit.declaring("Model")
    local model = of[handle]
    if model.declared then fail("Model", format("%s is declared twice; the first time in line %d", model.name, model.line)) end
    model.declared, model.line = kit.encode_sorted("Model", parts), (where())
    kit.check_schema("Model", parts.input)
    kit.check_schema("Model", parts.output, true)
    return handle
  end

  local function predict(model, input)
    if type(input) ~= "table" or getmetatable(input) ~= nil and input ~= kit.input then
      fail(model.name, "input: a table expected, got " .. kit.type_name(input))
    end
    local mock = kit.mock_of(model.name)
    local value
    if mock then value = kit.call_mock(model.name, "model_predict", model.name, mock, input, "ModelError")
    else
      value = kit.result(model.name, kit.operation(model.name, "predict", model.name, model.declared,
        kit.encode_sorted(model.name, input), (where())))
    end
    return { output = value }
  end

  local function call(handle, input)
    if not of[handle].declared and is_declaration(input) then return declare(handle, input) end
    if not of[handle].declared then check_type(of[handle].name, input) end
    return predict(of[handle], input)
  end

  local meta = {
    __metatable = false,
    __call = function(handle, input) return call(handle, input) end,
    __index = function(handle, member)
      local model = of[handle]
      if member == "name" then return model.name end
      if member == "predict" then
        return function(input, last)
          if rawequal(input, handle) then input = last end -- colon form
          return predict(model, input)
        end
      end
      fail(model.name, "a model has predict and name, not " .. kit.show(member))
    end,
    __newindex = function(handle) fail(of[handle].name, "a model cannot be changed") end,
    __tostring = function(handle) return "model " .. of[handle].name end,
  }

  local function handle_of(name)
    if models[name] then return models[name] end
    local handle = setmetatable({}, meta)
    models[name], of[handle] = handle, { name = name }
    kit.described[handle] = function() return format("model %s %s", name, of[handle].declared or "") end
    return handle
  end

  kit.there.models = models

  local function may_come(name)
    return of[handle_of(name)].declared or kit.is_declared_by_name("Model", name) or kit.mock_of(name)
  end

  function guest.Model(first)
    if type(first) == "string" and first ~= "" then
      kit.check_text("Model", "name", first)
      if not may_come(first) then -- what the session does not have may still be mocked further down
        kit.result("Model", kit.request("Model", "model", first, kit.names_mocks()))
      end
      return handle_of(first)
    end
    if type(first) ~= "table" then kit.misuse("Model", "parts", first) end
    kit.check_options("Model", "parts", first)
    local name = kit.assigned_name("Model") or first.name
    if type(name) ~= "string" then fail("Model", "a model needs a name: assign it to a variable, or say Model \"name\" {…}") end
    if not is_declaration(first) then
      local fields = {}
      for field in next, FIELDS do fields[#fields + 1] = field end
      sort(fields)
      fail("Model", format("parts: a table with %s expected, got one with another field", concat(fields, ", ")))
    end
    return declare(handle_of(name), first)
  end
end
