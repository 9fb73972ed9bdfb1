-- Tools: written in Lua or given by Python, bundled, called and counted.

local type, next, ipairs, rawget, select = type, next, ipairs, rawget, select
local setmetatable, getmetatable, error = setmetatable, getmetatable, error
local format, sort, concat, sub, gsub = string.format, table.sort, table.concat, string.sub, string.gsub

return function(kit)
  local guest, fail, live, encode, where = kit.guest, kit.fail, kit.live, kit.encode, kit.where
  local caught, pcall = kit.caught, kit.raw.pcall
  local seen_of = kit.seen_calls

  local tools = {}                                      -- name -> handle
  local also = {}                                       -- another name of a server's tool, mcp.files.read -> handle
  local of = setmetatable({}, { __mode = "k" })         -- handle -> {name, run, input, output, …}

  ---- calling --------------------------------------------------------------------------------------------

  local function only_field(schema)
    local name = next(schema or {})
    if name ~= nil and next(schema, name) == nil then return name end
  end

  -- t{…} has named arguments; t(value) is for tools with a single one
  local function arguments_of(tool, n, first)
    if n == 0 or first == nil then return kit.new_object() end
    if type(first) == "table" and (getmetatable(first) == nil or first == kit.input) and rawget(first, 1) == nil then return first end
    local single = tool.single or only_field(tool.fields)
    if not single then fail(tool.name, "arguments: a table of named arguments expected, got " .. kit.type_name(first)) end
    local arguments = kit.new_object()
    arguments[single] = first
    return arguments
  end

  -- asks a person first where the tool says so, who may edit the arguments; whether they were edited
  local function approve(tool, made)
    if not tool.requires_approval then return false end
    local fields = not tool.python and tool.fields and encode(tool.name, tool.fields) or nil
    local said = kit.result(tool.name, kit.operation(tool.name, "approval", tool.name, tool.python, fields,
      tool.description, kit.encode_shown(tool.name, made.args, tool.order or {}), (where())))
    if not said then fail(tool.name, "a person did not approve the call", "ToolError") end
    if said == true then return false end
    made.args = said.edited_artifact
    return true
  end

  -- What runs a tool takes the call as it is made, and leaves in it the arguments that counted.

  local function check(tool, made)
    if tool.input then made.args = kit.checked_arguments(tool.name, tool.input, made.args) end
  end

  local function run_lua(tool, made)
    check(tool, made)
    if approve(tool, made) then check(tool, made) end
    return kit.enter(tool.name, "tool_call", tool.name, false, function(given)
      local result = tool.run(given)
      if tool.output then result = kit.checked_output(tool.name, tool.output, result, tool.line) end
      return result
    end, made.args)
  end

  local function run_python(tool, made)
    if tool.requires_approval then
      made.args = kit.result(tool.name, kit.request(tool.name, "tool_arguments", tool.python, encode(tool.name, made.args)))
      approve(tool, made)
    end
    local text = kit.encode_sorted(tool.name, made.args)
    return kit.result(tool.name, kit.operation(tool.name, "tool", tool.python, tool.name, text, (where())))
  end

  local function run_mock(tool, made, mock)
    return kit.call_mock(tool.name, "tool_call", tool.name, mock, made.args, "ToolError")
  end

  -- a Lua tool may be given what cannot be kept: its text is kept then
  local function kept(tool, arguments)
    local ok, text = pcall(encode, tool.name, arguments)
    return caught(ok, text) and kit.kept(arguments) or kit.show(arguments)
  end

  -- what an error says, as readable text: that of a table is its message, where it has one
  function kit.fault_text(value)
    local message = type(value) == "table" and rawget(value, "message")
    if type(message) == "string" then return kit.utf8(message) end
    if type(value) == "table" and getmetatable(value) == nil then return kit.show(value) end
    local ok, text = caught(pcall(kit.tostring, value)) -- the program's own __tostring may raise
    return kit.utf8(ok and text or "an error object of type " .. type(value))
  end

  -- one call is one record, whoever makes it and however it ends
  local function finished(tool, made, ok, result)
    made.args = kept(tool, made.args)
    local call = kit.mark_sorted { name = tool.name, args = made.args }
    if ok then call.result = kit.kept(result)
    else call.error = kit.fault_text(result) end
    kit.note_call(call)
    if not ok then error(result, 0) end
    return result
  end

  local function run_of(tool)
    if tool.python then return run_python end
    if tool.run then return run_lua end
    kit.unknown("Tool", "tool", tool.name, tools)
  end

  -- `made` is given the arguments that counted
  local function call(made, tool, ...)
    if not tool.name then fail("Tool", "a tool needs a name: assign it to a variable, as in search = Tool {…}") end
    local mock = kit.mock_of(tool.base or tool.name) or kit.mock_of(tool.name)
    local run = mock and run_mock or run_of(tool)
    made.args = arguments_of(tool, select("#", ...), ...)
    return finished(tool, made, caught(pcall(run, tool, made, mock)))
  end
  kit.call_tool = call

  ---- handles --------------------------------------------------------------------------------------------

  local declare

  local function is_declaration(parts)
    return type(parts) == "table" and (type(rawget(parts, "handler")) == "function" or type(rawget(parts, 1)) == "function")
  end
  -- whether Tool "name" {…} declares once more
  local function is_again(tool, parts) return is_declaration(parts) and kit.was_looked_up(tool) end

  local MEMBERS = {
    called = function(tool) return function() return seen_of(tool.name).count > 0 end end,
    call_count = function(tool) return function() return seen_of(tool.name).count end end,
    last_call = function(tool) return function() return kit.copy(seen_of(tool.name).last) end end,
    last_result = function(tool)
      return function()
        local last = seen_of(tool.name).last
        return last and kit.copy(last.result)
      end
    end,
    reset = function(tool) return function() kit.reset_calls(tool.name) end end,
    name = function(tool) return tool.name end,
    description = function(tool) return tool.description end,
  }

  local meta = {
    __metatable = false,
    __call = function(handle, ...)
      if is_again(of[handle], ...) then return declare(of[handle].name, ...) end
      if kit.is_use(of[handle], ...) then return kit.use_tool(of[handle].name, ...) end
      return call({}, of[handle], ...)
    end,
    __index = function(handle, member)
      local get = MEMBERS[member]
      if get then return get(of[handle]) end
      fail(of[handle].name or "Tool", "a tool has called, call_count, last_call, last_result, reset, name and description, not "
        .. kit.show(member))
    end,
    __newindex = function(handle) fail(of[handle].name or "Tool", "a tool cannot be changed") end,
    __tostring = function(handle) return "tool " .. (of[handle].name or "without a name") end,
  }

  local function new_handle(tool)
    local handle = setmetatable({}, meta)
    of[handle] = tool
    kit.described[handle] = function(describe)
      return format("tool %s %s %s %s %s %s", tool.name, tool.digest or describe(tool.run), tool.input or "", tool.output or "",
        describe(tool.description), tool.requires_approval and "approved" or "")
    end
    return handle
  end
  function kit.tool_of(handle) return of[handle] end

  local function register(tool)
    local handle = new_handle(tool)
    if tool.name then tools[tool.name] = handle end
    return handle
  end

  -- the tools that Python gives: globals of the program, and known by name
  function kit.set_tools(given)
    for name, tool in next, given do
      tool.name, tool.python = name, name
      local handle = register(tool)
      if tool.server then also[format("mcp.%s.%s", tool.server, tool.tool)] = handle end
      if tool.is_global then kit.env[name] = handle end
    end
  end

  ---- declaring ------------------------------------------------------------------------------------------

  local FIELDS = { name = true, description = true, input = true, output = true, handler = true, requires_approval = true }

  local function check_fields(parts)
    kit.check_options("Tool", "parts", parts)
    kit.check_text("Tool", "name", parts.name)
    kit.check_text("Tool", "description", parts.description)
    for field in next, parts do
      if type(field) == "string" and not FIELDS[field] then
        kit.unknown_field("Tool", field, FIELDS)
      end
    end
    local run = parts.handler or rawget(parts, 1)
    if type(run) ~= "function" then kit.misuse("Tool", "handler", run) end
    return run
  end

  function declare(name, parts)
    kit.declaring("Tool")
    local run = check_fields(parts)
    return register {
      name = name or parts.name, run = run, line = (where()), description = parts.description,
      fields = parts.input, requires_approval = parts.requires_approval,
      input = parts.input and kit.schema_text("Tool", parts.input),
      output = parts.output ~= nil and kit.output_text("Tool", parts.output) or nil,
    }
  end

  local function lookup(primitive, name)
    if type(name) ~= "string" then kit.misuse(primitive, "name", name) end
    kit.check_text(primitive, "name", name)
    if not tools[name] and kit.modules[name] and of[kit.modules[name]] then tools[name] = kit.modules[name] end
    return tools[name] or also[name]
  end

  local function known(primitive, name)
    local handle = lookup(primitive, name)
    if handle then return handle end
    if kit.mock_of(name) then return register { name = name } end -- a mock stands in for a tool that is not here
    kit.unknown(primitive, "tool", name, tools)
  end
  kit.there.tools, kit.there.served_tools = tools, also
  kit.known_tool, kit.register_tool, kit.declare_tool = known, register, declare
  -- the tools of an MCP server, in the order of their names
  function kit.served_tools(name)
    local listed, prefix = {}, format("mcp.%s.", (gsub(name, "^mcp%.", "")))
    for full, handle in next, also do
      if sub(full, 1, #prefix) == prefix then listed[#listed + 1] = handle end
    end
    sort(listed, function(a, b) return of[a].name < of[b].name end)
    return listed
  end
  -- not one that a mock stands in for: nothing is declared of it
  function kit.tool_handle(name)
    local handle = lookup("Tool", name)
    return handle and (of[handle].run or of[handle].python) and handle
  end
  function kit.find_tool(name) return of[lookup("Tool", name)] end

  kit.reader_family("declared-tool", function(name)
    local handle = kit.tool_handle(name)
    return handle and kit.description(handle) or ""
  end)

  -- by name, in a step too
  local function looked_up(primitive, name)
    local handle = known(primitive, name)
    kit.note_lookup("Tool", name, of[handle])
    kit.depend_on_declared("\31declared-tool " .. name, handle)
    return handle
  end

  guest.Tool = { get = function(name) return looked_up("Tool.get", name) end }
  kit.calls[guest.Tool] = function(_, first)
    if type(first) == "string" then
      if not lookup("Tool", first) and not kit.mock_of(first) and kit.is_declared_by_name("Tool", first) then
        return function(parts) -- Tool "name" {…}, or the call of a tool that is not there
          if type(parts) == "table" and (parts.handler or rawget(parts, 1)) then return declare(first, parts) end
          if kit.is_use(nil, parts) then return kit.use_tool(first, parts) end
          return known("Tool", first)
        end
      end
      return looked_up("Tool", first)
    end
    return declare(kit.assigned_name("Tool"), first)
  end
  for _, member in ipairs { "called", "last_call", "last_result" } do
    guest.Tool[member] = function(name)
      kit.check("Tool." .. member, "name", name)
      return MEMBERS[member] { name = also[name] and of[also[name]].name or name }()
    end
  end
  guest.Tool.get_call_count = function(name)
    if name ~= nil then return MEMBERS.call_count { name = known("Tool.get_call_count", name).name }() end
    return kit.count_calls()
  end
  guest.Tool.get_all_calls = function() return kit.copy(kit.all_calls()) end

  ---- done -----------------------------------------------------------------------------------------------

  local done = new_handle {
    name = "done", description = "Ends the work and says why.",
    fields = { reason = { type = "string" }, success = { type = "boolean" } },
    input = encode("done", { reason = { type = "string" }, success = { type = "boolean" } }),
    digest = "done", single = "reason", ends_turn = true,
    run = function(arguments)
      local reason = arguments.reason or "Task completed"
      kit.request_stop(reason, arguments.success ~= false)
      return reason
    end,
  }
  kit.modules["tactus.tools.done"], kit.modules.done = done, done
end
