-- Agents: what is declared, and the handle that programs call. A turn itself is in turns.lua.

local type, next, ipairs, rawequal, rawget = type, next, ipairs, rawequal, rawget
local setmetatable, getmetatable = setmetatable, getmetatable
local format, sort, concat = string.format, table.sort, table.concat

return function(kit)
  local guest, fail, live, where = kit.guest, kit.fail, kit.live, kit.where

  local agents = {}                                     -- name -> handle
  local of = setmetatable({}, { __mode = "k" })         -- handle -> {name, model, prompt, tools, messages, …}

  ---- its own conversation -------------------------------------------------------------------------------

  local function label(agent) return "\31agent " .. agent.name end

  kit.reader_family("agent", function(name)
    local agent, texts = of[agents[name]], {}
    for i, message in ipairs(agent.messages) do texts[i] = kit.message_text(message) end
    return concat(texts, ",") .. kit.encode_sorted("Agent", agent.output)
  end)

  -- the messages that the agent has exchanged, oldest first; not to be changed
  function kit.agent_messages(agent)
    if live.tracker then kit.depend(label(agent)) end
    return agent.messages
  end

  local function take_turn(agent, messages, output)
    if live.tracker then kit.changing(label(agent)) end
    for _, message in ipairs(messages) do agent.messages[#agent.messages + 1] = message end
    agent.output = output
  end

  -- a turn came to its end: what was said in it is the agent's from now on
  function kit.end_turn(agent, messages, output)
    take_turn(agent, messages, output)
    kit.happened { "turn", agent.name, messages, output }
  end
  function kit.appliers.turn(effect)
    local messages = {}
    for i, message in ipairs(effect[3]) do
      messages[i] = kit.copy(message)
      messages[i].moment = kit.next_moment()
    end
    take_turn(of[agents[effect[2]]], messages, effect[4])
  end

  local function reset(agent)
    if live.tracker then kit.changing(label(agent), true) end
    agent.messages, agent.output = {}, nil
    kit.happened { "no turns", agent.name }
  end
  kit.appliers["no turns"] = function(effect) reset(of[agents[effect[2]]]) end

  ---- handles --------------------------------------------------------------------------------------------

  local function call(agent, options)
    if not agent.name then fail("Agent", "an agent needs a name: assign it to a variable, as in writer = Agent {…}") end
    return kit.take_turn(agent, options)
  end

  local MEMBERS = {
    name = function(agent) return agent.name end,
    output = function(agent)
      kit.agent_messages(agent)
      return kit.copy(agent.output)
    end,
    history = function(agent)
      local copies = kit.new_array()
      for i, message in ipairs(kit.agent_messages(agent)) do copies[i] = kit.plain_message(message) end
      return copies
    end,
    reset = function(agent) return function() reset(agent) end end,
    turn = function(agent, handle)
      return function(options, last)
        if rawequal(options, handle) then options = last end -- colon form
        return call(agent, options)
      end
    end,
  }

  local meta = {
    __metatable = false,
    __call = function(handle, options) return call(of[handle], options) end,
    __index = function(handle, member)
      local get = MEMBERS[member]
      if get then return get(of[handle], handle) end
      fail(of[handle].name or "Agent", "an agent has history, name, output, reset and turn, not " .. kit.show(member))
    end,
    __newindex = function(handle) fail(of[handle].name or "Agent", "an agent cannot be changed") end,
    __tostring = function(handle) return "agent " .. (of[handle].name or "without a name") end,
  }

  ---- declaring ------------------------------------------------------------------------------------------

  local FIELDS = {
    name = true, description = true, system_prompt = true, initial_message = true, model = true, provider = true, tools = true,
    output = true, prepare = true, tool_choice = true, max_tool_rounds = true, retry = true, history = true,
  }

  local function check_fields(parts)
    kit.check_options("Agent", "parts", parts)
    for field in next, parts do
      if not FIELDS[field] and not kit.MODEL_SETTINGS[field] then
        kit.host.warn(format("Agent: unknown field %s is ignored", kit.show(field)), (where()))
      end
    end
  end

  -- model = "name", "provider/model" or {name=, temperature=, …}; settings may stand beside it too
  local function model_of(parts)
    local model = { provider = parts.provider, settings = {} }
    for name in next, kit.MODEL_SETTINGS do model.settings[name] = parts[name] end
    if type(parts.model) ~= "table" then
      model.name = parts.model
      return model
    end
    for name, value in next, parts.model do
      if name == "name" or name == "provider" then model[name] = value else model.settings[name] = value end
    end
    if type(model.name) ~= "string" and model.name ~= nil then kit.misuse("Agent", "model", model.name) end
    return model
  end

  local function describe_of(agent, handle)
    kit.described[handle] = function(describe)
      local tools = {}
      for i, tool in ipairs(agent.tools or {}) do tools[i] = describe(tool) end
      return format("agent %s %s %s %s %s", agent.name or "", agent.declared, describe(agent.prompt), describe(agent.prepare),
        concat(tools, ","))
    end
  end

  local function declare(name, parts)
    check_fields(parts)
    local agent = {
      name = name or parts.name, line = (where()), prompt = parts.system_prompt, initial = parts.initial_message,
      model = model_of(parts), tools = parts.tools, prepare = parts.prepare, tool_choice = parts.tool_choice,
      rounds = parts.max_tool_rounds or 16, history = parts.history ~= false, messages = {},
    }
    kit.check_tools("Agent", agent.tools)
    agent.output_schema = parts.output ~= nil and kit.output_text("Agent", parts.output) or nil
    agent.retry = parts.retry ~= nil and kit.encode_sorted("Agent", parts.retry) or nil
    if agent.retry then kit.result("Agent", kit.request("Agent", "retrying", agent.retry)) end
    agent.declared = kit.encode_sorted("Agent", {
      initial = agent.initial, model = agent.model, output = agent.output_schema, choice = agent.tool_choice,
      rounds = agent.rounds, retry = agent.retry, history = agent.history,
    })
    local handle = setmetatable({}, meta)
    of[handle] = agent
    if agent.name then agents[agent.name] = handle end
    describe_of(agent, handle)
    return handle
  end

  local function known_agents()
    local names = {}
    for name in next, agents do names[#names + 1] = name end
    sort(names)
    return #names == 0 and "none is declared" or "the agents are " .. concat(names, ", ")
  end

  function guest.Agent(first)
    if type(first) ~= "string" then return declare(kit.assigned_name("Agent"), first) end
    if agents[first] then return agents[first] end
    if kit.is_declared_by_name("Agent", first) then
      return function(parts) return declare(first, parts) end
    end
    if kit.mock_of(first) then return declare(first, {}) end -- a mock stands in for an agent that is not here
    fail("Agent", format("unknown agent %q; %s", first, known_agents()))
  end

  ---- all messages of the run ----------------------------------------------------------------------------

  local function all_messages()
    local all = {}
    for _, message in ipairs(kit.session_messages()) do all[#all + 1] = { message = message, place = #all } end
    for name, handle in next, agents do
      for _, message in ipairs(of[handle].messages) do all[#all + 1] = { message = message, agent = name, place = #all } end
    end
    sort(all, function(a, b)
      if a.message.moment ~= b.message.moment then return a.message.moment < b.message.moment end
      return a.place < b.place
    end)
    return all
  end

  -- what the host reads when the run ends, in the order in which they were made, bounded like all that crosses
  function kit.messages_text()
    local texts, room = {}, kit.limits.bytes
    for i, each in ipairs(all_messages()) do
      local message = each.message
      texts[i] = kit.encode("Session", { role = message.role, content = message.content, agent = each.agent, tool_calls = message.tool_calls })
      room = room - #texts[i]
      if room < 0 then break end
    end
    return "[" .. concat(texts, ",") .. "]"
  end
end
