-- The fields that declare an agent: which there are, what they say of its model and its tools.

local type, next, ipairs = type, next, ipairs
local getmetatable, format = getmetatable, string.format

return function(kit)
  local fail, where = kit.fail, kit.where

  local FIELDS = {
    name = true, description = true, system_prompt = true, initial_message = true, model = true, provider = true, tools = true,
    toolsets = true, output = true, prepare = true, tool_choice = true, max_tool_rounds = true, retry = true, history = true,
  }

  local DECLARES = {
    description = true, system_prompt = true, initial_message = true, output = true, prepare = true, retry = true,
  }

  local BOTH = { "model", "provider", "tools", "toolsets" } -- fields of a declaration that a turn takes too

  -- refuses what may be meant as a second declaration: with these fields alone it would be a turn without a message
  local function check_turn(agent, parts)
    for _, field in ipairs(BOTH) do
      if parts[field] ~= nil then
        fail(agent.name, format("it is declared already, in line %d; for a turn of it say message = … or .turn{…}, "
          .. "and for another agent another name", agent.line))
      end
    end
  end

  -- whether Agent "name" {…} declares once more: the same statement, or fields that no turn takes
  function kit.declares_again(agent, parts)
    if type(parts) ~= "table" or getmetatable(parts) ~= nil or not kit.was_looked_up(agent) then return false end
    if parts.message ~= nil or parts.inject ~= nil then return false end
    for field in next, DECLARES do
      if parts[field] ~= nil then return true end
    end
    local line, chunk = where()
    if agent.line == line and agent.chunk == chunk then return true end
    check_turn(agent, parts)
    return false
  end

  local known = {} -- fields and, beside them, settings of the model
  for _, names in next, { FIELDS, kit.MODEL_SETTINGS } do
    for name in next, names do known[name] = true end
  end

  -- checks the fields of a declaration
  function kit.check_agent(parts)
    kit.check_options("Agent", "parts", parts)
    for _, field in next, { "name", "provider", "tool_choice" } do kit.check_text("Agent", field, parts[field]) end
    for field in next, parts do
      if not known[field] then
        kit.unknown_field("Agent", field, known)
      end
    end
  end

  -- model = "name", "provider/model" or {name=, temperature=, …}; settings may stand beside it too
  function kit.agent_model(parts)
    local model = { provider = parts.provider, settings = {} }
    for name in next, kit.MODEL_SETTINGS do model.settings[name] = parts[name] end
    if type(parts.model) ~= "table" then
      model.name = kit.check_text("Agent", "model", parts.model)
      return model
    end
    for name, value in next, parts.model do
      if name == "name" or name == "provider" then model[name] = kit.check_text("Agent", "model." .. name, value)
      else
        if kit.MODEL_SETTINGS[name] then kit.check("Agent", name, value)
        else kit.host.remark(format("Agent: model.%s is passed on to the model as it is", name), (where())) end
        model.settings[name] = value
      end
    end
    if type(model.provider) ~= "string" and model.provider ~= nil then kit.misuse("Agent", "provider", model.provider) end
    if type(model.name) ~= "string" and model.name ~= nil then kit.misuse("Agent", "model", model.name) end
    return model
  end

  -- the tools that a declaration or a turn gives, toolsets beside them; nil where it says nothing of them
  function kit.given_tools(parts)
    if parts.tools == nil and parts.toolsets == nil then return nil end
    local list = {}
    for _, field in ipairs { "tools", "toolsets" } do
      for _, each in ipairs(parts[field] or {}) do list[#list + 1] = kit.inline_tool(each) or each end
    end
    return list
  end
end
