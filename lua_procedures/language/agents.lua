-- Agents: what is declared, and the handle that programs call. A turn itself is in turns.lua.

local type, next, ipairs, rawequal = type, next, ipairs, rawequal
local setmetatable, getmetatable = setmetatable, getmetatable
local format, sort, concat, match = string.format, table.sort, table.concat, string.match

return function(kit)
  local guest, fail, live, where = kit.guest, kit.fail, kit.live, kit.where

  local agents = {}                                     -- name -> handle
  local of = setmetatable({}, { __mode = "k" })         -- handle -> {name, id, model, prompt, tools, talk, …}

  ---- its own conversation -------------------------------------------------------------------------------

  -- What an agent has said and heard, by the agent's id: its name, and from the second of that name on also a number.
  local talks = {}    -- id -> {messages=, output=}
  local declared = {} -- name -> how often

  local function new_talk(agent)
    declared[agent.name] = (declared[agent.name] or 0) + 1
    agent.id = declared[agent.name] == 1 and agent.name or format("%s\31%d", agent.name, declared[agent.name])
    agent.talk = { messages = {} }
    talks[agent.id] = agent.talk
  end

  local function label(id) return "\31agent " .. id end

  -- a step depends on what was said before it added any itself; lists of messages only grow, or give way to another
  kit.reader_family("agent", function(id, tracker)
    local met, texts = tracker and tracker.talks_met and tracker.talks_met[id], {}
    if not met then met = { messages = talks[id].messages, count = #talks[id].messages, output = talks[id].output } end
    for i = 1, met.count do texts[i] = kit.message_text(met.messages[i]) end
    return concat(texts, ",") .. kit.encode_sorted("Agent", met.output)
  end)

  -- the messages that the agent has exchanged, oldest first; not to be changed
  function kit.agent_messages(agent)
    if live.tracker then kit.depend(label(agent.id)) end
    return agent.talk.messages
  end

  -- two lists of messages as one, by their moments: a turn inside another turn was made before the other's end
  function kit.merged(list, added)
    local both, i = {}, 1
    for _, message in ipairs(added) do
      while list[i] and list[i].moment <= message.moment do
        both[#both + 1] = list[i]
        i = i + 1
      end
      both[#both + 1] = message
    end
    for rest = i, #list do both[#both + 1] = list[rest] end
    return both
  end

  local function note_met(id)
    local talk, tracker = talks[id], live.tracker
    while tracker do
      tracker.talks_met = tracker.talks_met or {}
      tracker.talks_met[id] = tracker.talks_met[id] or { messages = talk.messages, count = #talk.messages, output = talk.output }
      tracker = tracker.parent
    end
  end

  local function take_turn(id, messages, output)
    note_met(id)
    local talk = talks[id]
    local list, last = talk.messages, talk.messages[#talk.messages]
    if last and messages[1] and last.moment > messages[1].moment then talk.messages = kit.merged(list, messages)
    else
      for _, message in ipairs(messages) do list[#list + 1] = message end
    end
    talk.output = output
  end

  -- A moment for what is said in a turn. Each counts also where the turn is put back, or fails, so that what Session
  -- gets meanwhile stays where it was.
  function kit.take_moment()
    kit.happened { "moment" }
    return kit.next_moment()
  end
  kit.appliers.moment = kit.take_moment

  local KEPT = { "role", "content", "tool_calls", "id", "name" }

  -- what is put back of a turn: its messages, each with how many moments ago it was made
  local function happened(id, messages, output, now)
    if not live.tracker then return end
    local plain = kit.new_array()
    for i, message in ipairs(messages) do
      plain[i] = { ago = now - message.moment }
      for _, field in ipairs(KEPT) do plain[i][field] = message[field] end
    end
    kit.happened { "turn", id, plain, output }
  end

  -- a turn came to its end: what was said in it is the agent's from now on
  function kit.end_turn(agent, messages, output)
    take_turn(agent.id, messages, output)
    happened(agent.id, messages, output, kit.next_moment())
  end
  function kit.appliers.turn(effect)
    local messages, now = {}, kit.next_moment()
    for i, message in ipairs(effect[3]) do
      messages[i] = kit.kept(message)
      messages[i].moment, messages[i].ago = now - message.ago, nil
    end
    take_turn(effect[2], messages, effect[4])
    happened(effect[2], messages, effect[4], now)
  end

  local function reset(id)
    if live.tracker then kit.changing(label(id), true) end
    talks[id].messages, talks[id].output = {}, nil
    kit.happened { "no turns", id }
  end
  kit.appliers["no turns"] = function(effect) reset(effect[2]) end

  ---- handles --------------------------------------------------------------------------------------------

  local function call(agent, ...)
    if not agent.name then fail("Agent", "an agent needs a name: assign it to a variable, as in writer = Agent {…}") end
    return kit.take_turn(agent, ...)
  end

  local MEMBERS = {
    name = function(agent) return agent.name end,
    output = function(agent)
      kit.agent_messages(agent)
      return kit.copy(agent.talk.output)
    end,
    history = function(agent)
      local copies = kit.new_array()
      for i, message in ipairs(kit.agent_messages(agent)) do copies[i] = kit.plain_message(message) end
      return copies
    end,
    reset = function(agent) return function() reset(agent.id) end end,
    turn = function(agent, handle)
      return function(first, ...)
        if rawequal(first, handle) then return call(agent, ...) end -- colon form
        return call(agent, first, ...)
      end
    end,
  }

  local declare

  local meta = {
    __metatable = false,
    __call = function(handle, ...)
      if kit.declares_again(of[handle], ...) then return declare(of[handle].name, ...) end
      return call(of[handle], ...)
    end,
    __index = function(handle, member)
      local get = MEMBERS[member]
      if get then return get(of[handle], handle) end
      fail(of[handle].name or "Agent", "an agent has history, name, output, reset and turn, not " .. kit.show(member))
    end,
    __newindex = function(handle) fail(of[handle].name or "Agent", "an agent cannot be changed") end,
    __tostring = function(handle) return "agent " .. (of[handle].name or "without a name") end,
  }

  ---- declaring ------------------------------------------------------------------------------------------

  local function describe_of(agent, handle)
    kit.described[handle] = function(describe)
      local tools = {}
      for i, tool in ipairs(agent.tools or {}) do tools[i] = kit.tool_description(describe, tool) end
      local model = agent.model
      return format("agent %s %s %s %s %s %s %s", agent.name or "", agent.declared, describe(agent.prompt), describe(agent.prepare),
        concat(tools, ","), not model.name and kit.defaults.model or "", not model.provider and kit.defaults.provider or "")
    end
  end

  function declare(name, parts)
    kit.declaring("Agent")
    kit.check_agent(parts)
    local line, chunk = where()
    local agent = {
      name = name or parts.name, line = line, chunk = chunk, prompt = parts.system_prompt, initial = parts.initial_message,
      model = kit.agent_model(parts), tools = kit.given_tools(parts), prepare = parts.prepare, tool_choice = parts.tool_choice,
      rounds = parts.max_tool_rounds or 16, history = parts.history ~= false,
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
    if agent.name then
      agents[agent.name] = handle
      new_talk(agent)
    end
    describe_of(agent, handle)
    return handle
  end

  kit.there.agents = agents
  kit.reader_family("declared-agent", function(name) return agents[name] and kit.description(agents[name]) or "" end)

  guest.Agent = kit.by_name("Agent", "declared-agent", agents, of, declare, function(name)
    return kit.mock_of(name) and declare(name, {}) -- a mock stands in for an agent that is not here
  end)

  ---- all messages of the run ----------------------------------------------------------------------------

  local function all_messages()
    local all = {}
    for _, message in ipairs(kit.session_messages()) do all[#all + 1] = { message = message, place = #all } end
    for id, talk in next, talks do
      local name = match(id, "^[^\31]*")
      for _, message in ipairs(talk.messages) do all[#all + 1] = { message = message, agent = name, place = #all } end
    end
    sort(all, function(a, b)
      if a.message.moment ~= b.message.moment then return a.message.moment < b.message.moment end
      return a.place < b.place
    end)
    return all
  end

  -- what the host reads when the run ends, in the order in which they were made, bounded like all that crosses
  function kit.messages_text()
    return kit.rows_text("messages", all_messages(), function(each)
      local message = each.message
      return { role = message.role, content = message.content, agent = each.agent, tool_calls = message.tool_calls }
    end)
  end
end
