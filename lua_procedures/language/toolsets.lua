-- Toolsets, and the tools that an agent offers: handles, toolsets, names, and whole MCP servers.

local type, next, ipairs, setmetatable = type, next, ipairs, setmetatable
local format, sort, concat, gsub = string.format, table.sort, table.concat, string.gsub
local rawget, getmetatable = rawget, getmetatable

return function(kit)
  local guest, fail = kit.guest, kit.fail

  ---- tools by other words -------------------------------------------------------------------------------

  local function is_plain(parts) return type(parts) == "table" and getmetatable(parts) == nil end

  -- the tool that a list has as its declaration, {name=, handler=, …}; nil for anything else
  function kit.inline_tool(parts, name)
    if not is_plain(parts) or type(rawget(parts, "handler") or rawget(parts, 1)) ~= "function" then return nil end
    return kit.declare_tool(name, parts)
  end

  local function renamed(tool, name)
    local copy = {}
    for field, value in next, tool do copy[field] = value end
    copy.name, copy.base = name, tool.base or tool.name
    return kit.register_tool(copy)
  end

  -- Tool "name" {use = "tactus.done"}: a tool that is there, by this name too
  function kit.is_use(tool, parts)
    return is_plain(parts) and type(rawget(parts, "use")) == "string" and (not tool or kit.was_looked_up(tool))
  end
  function kit.use_tool(name, parts)
    local used = kit.known_tool("Tool", (gsub(gsub(parts.use, "^tactus%.", ""), "^tools%.", "")))
    local tool = kit.tool_of(used)
    return tool.name == name and used or renamed(tool, name)
  end

  ---- bundles --------------------------------------------------------------------------------------------

  local toolset = {}  -- name -> handle
  local bundle_of = setmetatable({}, { __mode = "k" })

  local declare_bundle

  local bundle_meta = {
    __metatable = false,
    __index = function(handle, member)
      local bundle = bundle_of[handle]
      if member == "name" then return bundle.name end
      local tool = bundle.tools[member]
      if tool then return tool end
      fail(bundle.name, format("no tool %s in this toolset; it has %s", kit.show(member), concat(bundle.order, ", ")))
    end,
    __call = function(handle, parts)
      local bundle = bundle_of[handle]
      if kit.was_looked_up(bundle) then return declare_bundle(bundle.name, parts) end
      fail(bundle.name, "a toolset cannot be called, but its tools can: " .. concat(bundle.order, ", "))
    end,
    __newindex = function(handle) fail(bundle_of[handle].name, "a toolset cannot be changed") end,
    __pairs = function(handle) return next, bundle_of[handle].tools end,
    __tostring = function(handle) return "toolset " .. bundle_of[handle].name end,
  }

  local function member_of(bundle, key, given)
    local handle = type(given) == "string" and kit.known_tool("Toolset", given) or given
    handle = kit.inline_tool(handle, type(key) == "string" and key or nil) or handle
    local tool = kit.tool_of(handle)
    if not tool then
      fail("Toolset", format("tools[%s]: a tool or its name expected, got %s", kit.show(key), kit.type_name(given)))
    end
    local short = type(key) == "string" and key or tool.name
    if not short then fail("Toolset", format("tools[%s]: the tool has no name", kit.show(key))) end
    return short, renamed(tool, bundle .. "_" .. short)
  end

  function declare_bundle(name, parts)
    kit.declaring("Toolset")
    kit.check_options("Toolset", "parts", parts)
    if not name then fail("Toolset", "a toolset needs a name: assign it to a variable, as in math = Toolset {tools = {…}}") end
    local bundle = { name = name, tools = {}, order = {} }
    for key, given in kit.each(parts.tools) do
      local short, handle = member_of(name, key, given)
      bundle.tools[short] = handle
      bundle.order[#bundle.order + 1] = short
    end
    sort(bundle.order)
    local handle = setmetatable({}, bundle_meta)
    bundle_of[handle], toolset[name] = bundle, handle
    kit.described[handle] = function(describe)
      local texts = {}
      for i, short in ipairs(bundle.order) do texts[i] = describe(bundle.tools[short]) end
      return "toolset " .. concat(texts, ";")
    end
    return handle
  end
  guest.Toolset = kit.by_name("Toolset", "declared-tools", toolset, bundle_of, declare_bundle)

  ---- what an agent offers -------------------------------------------------------------------------------

  -- checks a list of handles and names; whether the names are known is seen when a turn needs them
  function kit.check_tools(primitive, given)
    for i, each in ipairs(given or {}) do
      kit.check_text(primitive, format("tools[%d]", i), each)
      if type(each) ~= "string" and not kit.tool_of(each) and not bundle_of[each] then
        fail(primitive, format("tools[%d]: a tool, a toolset or the name of one expected, got %s", i, kit.type_name(each)))
      end
    end
  end

  -- what a step depends on where one of its turns offers this: a name stands for what it means now
  function kit.tool_description(describe, each)
    if type(each) ~= "string" then return describe(each) end
    local tool = kit.tool_handle(each) or toolset[each]
    if tool then return describe(tool) end
    local texts = { each }
    for i, served in ipairs(kit.served_tools(each)) do texts[i + 1] = describe(served) end
    return concat(texts, ";")
  end
  kit.reader_family("declared-tools", function(name)
    return kit.tool_description(function(each) return (kit.description(each)) end, name)
  end)

  -- the tools of a name: one tool, those of a toolset, or those of an MCP server
  local function named(primitive, name)
    if kit.live.tracker then kit.depend("\31declared-tools " .. name) end
    local tool = kit.find_tool(name)
    if tool then return { tool } end
    if toolset[name] then return nil, toolset[name] end
    local served = kit.result(primitive, kit.request(primitive, "server_tools", name))
    local listed = {}
    for i, each in ipairs(served or { name }) do listed[i] = kit.tool_of(kit.known_tool(primitive, each)) end
    return listed
  end

  local function tools_in(primitive, each)
    local list, bundle = nil, each
    if type(each) == "string" then
      list, bundle = named(primitive, each)
      if list then return list end
    end
    if not bundle_of[bundle] then return { kit.tool_of(bundle) } end
    list = {}
    for i, short in ipairs(bundle_of[bundle].order) do list[i] = kit.tool_of(bundle_of[bundle].tools[short]) end
    return list
  end

  -- the tools of a list as it was given, each once
  function kit.tools_of(primitive, given)
    local list, seen = {}, {}
    for _, each in ipairs(given or {}) do
      for _, tool in ipairs(tools_in(primitive, each)) do
        if not seen[tool.name] then
          seen[tool.name] = true
          list[#list + 1] = tool
        end
      end
    end
    return list
  end

  -- what a model is told of a tool: a Python one is known to the host
  function kit.offer_text(tool)
    return kit.encode_sorted("Agent", {
      name = tool.name, description = tool.description or "", fields = not tool.python and (tool.fields or kit.new_object()) or nil,
      python = tool.python,
    })
  end
end
