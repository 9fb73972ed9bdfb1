-- An agent's turn: model call, the tools it asks for, model call again, until text or `done`. The turn is entered on each
-- pass; its model calls and tool calls are checkpoints of their own, so nothing that was finished is done again.

local type, next, ipairs, error = type, next, ipairs, error
local format, concat, match, find = string.format, table.concat, string.match, string.find

local SETTINGS = {
  temperature = true, max_tokens = true, top_p = true, top_k = true, seed = true, stop = true, timeout = true,
  presence_penalty = true, frequency_penalty = true, reasoning_effort = true,
}
local FREE = { auto = true, none = true }                 -- choices of tools that force none,
local FORCED = { required = true, any = true }            -- and that force any

return function(kit)
  local fail, where, host = kit.fail, kit.where, kit.host
  local caught, pcall = kit.caught, kit.raw.pcall
  local told, told_error = kit.told, kit.told_error
  kit.MODEL_SETTINGS = SETTINGS

  ---- messages -------------------------------------------------------------------------------------------

  -- Session's messages and the agent's own, in the order in which they were made. The results of tools have the moment
  -- of the message that asked for them, so that nothing comes between.
  local function messages_text(talk)
    local texts = {}
    local own = talk.alone and talk.said or kit.merged(kit.agent_messages(talk.agent), talk.said)
    local at = 1
    for _, message in ipairs(talk.alone and {} or kit.conversation()) do
      while own[at] and own[at].moment < message.moment do
        texts[#texts + 1] = kit.message_text(own[at])
        at = at + 1
      end
      texts[#texts + 1] = kit.message_text(message)
    end
    for i = at, #own do texts[#texts + 1] = kit.message_text(own[i]) end
    return "[" .. concat(texts, ",") .. "]"
  end

  local function say(talk, message)
    message.moment = message.moment or kit.take_moment()
    talk.said[#talk.said + 1] = message
  end

  ---- what the model is told of tools --------------------------------------------------------------------

  local function no_tool(talk, name)
    local known = #talk.names > 0 and "the tools are " .. concat(talk.names, ", ") or "it has no tools"
    return format("Error: there is no tool %q; %s", name, known)
  end

  local function say_result(talk, asked, text, moment)
    say(talk, { role = "tool", id = asked.id, name = asked.name, content = text, moment = moment })
  end

  -- gives the text for the model, and whether the turn ends with it
  local function answer_call(talk, asked)
    local tool = talk.offered[asked.name]
    if asked.error then return told_error(asked.error) end
    if not tool then return no_tool(talk, asked.name) end
    local call = { name = asked.name }
    talk.calls[#talk.calls + 1] = call
    local ok, result = caught(pcall(kit.call_tool, call, tool, kit.copy(asked.args)))
    call.args = kit.copy(call.args or asked.args)
    if not ok then
      call.error = told_error(result)
      return call.error
    end
    call.result = result
    return told(result), tool.ends_turn
  end

  -- gives the call that ends the turn, if there is one; what is asked for after it does not run
  local function answer_calls(talk, answer, moment)
    local ending
    for _, asked in ipairs(answer.tool_calls) do
      local text, ends = "Error: not run: the work is done", false
      if not ending then text, ends = answer_call(talk, asked) end
      say_result(talk, asked, text, moment)
      if ends then ending = talk.calls[#talk.calls] end
    end
    talk.complete = #talk.said
    return ending
  end

  local function refuse_calls(talk, answer, moment)
    talk.error = format("it asked for tools in more than %d rounds", talk.rounds)
    host.warn(format("%s: %s; the turn ends (max_tool_rounds)", talk.agent.name, talk.error), (where()))
    for _, asked in ipairs(answer.tool_calls) do say_result(talk, asked, "Error: not run: " .. talk.error, moment) end
  end

  ---- asking the model -----------------------------------------------------------------------------------

  local granted = 0 -- how many tokens the run had spent when a person last let it go on beyond --max-tokens
  local function grant(spent)
    granted = spent
    kit.happened { "granted", spent }
  end
  function kit.appliers.granted(effect) grant(effect[2]) end

  -- asks a person; a no of an earlier run is asked again
  local function ask_to_go_on(name, spent)
    local question = kit.encode_sorted("Agent", {
      message = format("Go on beyond %d tokens?", spent), default = false, context = { agent = name },
    })
    while not kit.result(name, kit.operation(name, "human", "approve", question, (where()))) do
      if host.refuse_tokens(spent) ~= 1 then kit.stop() end
    end
    grant(spent)
  end

  local call_model

  local function answered(talk, action, ...)
    if action ~= "budget" then return kit.result(talk.agent.name, action, ...) end
    ask_to_go_on(talk.agent.name, ...)
    return call_model(talk)
  end

  -- A name may be answered by another model another time. The label has the provider, then the name.
  local identities = {}
  kit.reader_family("model", function(key)
    if not identities[key] then
      local provider, name = match(key, "^(.-)\31(.*)$")
      identities[key] = kit.result("Agent", kit.request("Agent", "identity", name, provider))
    end
    return identities[key]
  end)

  function call_model(talk)
    local agent, model = talk.agent, talk.model
    if kit.live.tracker then kit.depend(format("\31model %s\31%s", model.provider or "", model.name or "")) end
    return answered(talk, kit.operation(agent.name, "model_call", agent.name, model.name, model.provider,
      kit.encode_sorted(agent.name, model.settings), talk.prompt, messages_text(talk), talk.offers, agent.output_schema,
      talk.choice, agent.retry, (where()), granted))
  end

  local function add_usage(talk, usage)
    if not usage then return end
    talk.usage = talk.usage or { prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 }
    for name, sum in next, talk.usage do talk.usage[name] = sum + (usage[name] or 0) end
  end

  local function ask(talk)
    local agent, answer = talk.agent, nil
    if talk.mock then
      add_usage(talk, {}) -- what it does not say it cost, it did not cost
      answer = talk.mock
      talk.mock = nil
      answer = kit.result(agent.name, kit.operation(agent.name, "mocked", "model_call", "mock", answer.asked, answer.outcome,
        answer.failed, "ModelError", (where())))
    else
      answer = call_model(talk)
    end
    if not FREE[talk.choice] then talk.choice = nil end -- forced again and again, a turn would never end
    add_usage(talk, answer.usage)
    local moment = kit.take_moment()
    local calls = answer.tool_calls or {}
    say(talk, { role = "assistant", content = answer.content, tool_calls = #calls > 0 and calls or nil, moment = moment })
    answer.tool_calls = calls
    return answer, moment
  end

  -- the last answer: by the schema, after one more try where it does not fit
  local function settled(talk, answer)
    local agent = talk.agent
    if not agent.output_schema or talk.error then return answer.content end
    if answer.fault then
      say(talk, { role = "user", content = answer.fault .. ". Answer again, with nothing but the JSON." })
      talk.offers = "[]"
      answer = ask(talk)
      if answer.fault then fail(agent.name, answer.fault, "ModelError") end
    end
    talk.content = answer.content
    return kit.checked_output(agent.name, agent.output_schema, answer.data, agent.line)
  end

  -- the text of a turn that `done` ended; an answer by the schema was never asked for
  local function ended_by(talk, call)
    local result = call.result
    if talk.content == "" and result ~= nil then talk.content = type(result) == "string" and kit.utf8(result) or told(result) end
    if not talk.agent.output_schema then return talk.content end
    host.warn(format("%s: done ended the turn before an answer by its output; output is nil", talk.agent.name), (where()))
  end

  local function converse(talk)
    local rounds, mocked = 0, talk.mock ~= nil
    while true do
      local answer, moment = ask(talk)
      talk.content = answer.content
      if #answer.tool_calls == 0 then return settled(talk, answer) end
      if rounds == talk.rounds then
        refuse_calls(talk, answer, moment)
        return answer.content
      end
      rounds = rounds + 1
      local ending = answer_calls(talk, answer, moment)
      if ending and not (mocked and answer.content ~= "") then return ended_by(talk, ending) end
      if mocked then return settled(talk, answer) end
    end
  end

  ---- mocks ----------------------------------------------------------------------------------------------

  -- what a mock without data answers to a schema: its message, which may be the JSON of a table as a model's is
  local function data_of(schema, message)
    local is_text = schema == '"string"' or find(schema, '^{[^{]*"type":"string"[^{]*}$') -- a string is expected
    if is_text or type(message) ~= "string" or not find(message, "^%s*{") then return message end
    local ok, value = caught(pcall(kit.decode_json, "Mocks", message, ""))
    return ok and value or message
  end

  local function mocked(agent, message)
    local mock = kit.mock_of(agent.name)
    if not mock then return nil end
    local row = kit.mock_turn(agent.name, mock, message)
    local calls = kit.new_array()
    for i, call in ipairs(row.tool_calls or {}) do
      calls[i] = { id = "call_" .. i, name = call.tool, args = kit.copy(call.args) or kit.new_object() }
    end
    local content = row.message or (row.data ~= nil and kit.encode_sorted("Mocks", row.data)) or ""
    local answer = { content = content, tool_calls = calls, usage = row.usage, data = row.data }
    if type(message) == "string" and message ~= "" then answer.said = { message } end
    if agent.output_schema and row.data == nil then answer.data = data_of(agent.output_schema, row.message) end
    return {
      asked = "message\31" .. kit.encode_sorted("Mocks", message) .. "\30mock\31" .. kit.encode_sorted("Mocks", row),
      outcome = row.error and kit.encode("Mocks", row.error) or kit.encode_sorted("Mocks", answer), failed = row.error ~= nil,
    }
  end

  ---- the turn -------------------------------------------------------------------------------------------

  local function prompt_of(agent, options)
    local given = { prepared = agent.prepare and agent.prepare(kit.input) }
    for name, value in next, options do given[name] = value end
    local prompt = agent.prompt
    if type(prompt) == "function" then prompt = prompt(given) end
    if prompt == nil then return "" end
    if type(prompt) ~= "string" then fail(agent.name, "system_prompt: a string expected, got " .. kit.type_name(prompt)) end
    if agent.prompt ~= prompt then return kit.utf8(prompt) end
    return kit.utf8(kit.filled(agent.name, prompt, given))
  end

  -- whether the last word is an agent's, so that there is nothing to answer
  local function is_silent(talk)
    if #talk.said > 0 then return false end
    if talk.alone then return true end
    local own, shared = kit.agent_messages(talk.agent), kit.conversation()
    local last = own[#own]
    if last and last.role ~= "assistant" then return false end
    for i = #shared, 1, -1 do
      if last and shared[i].moment < last.moment then return true end
      local role = kit.ROLES[shared[i].role]
      if role ~= "system" then return role == "assistant" end
    end
    return true
  end

  -- what is said to the agent: its first message, what is injected, the message of the call; without any, and where
  -- nobody has spoken since it did, that it goes on
  local function open(talk, options)
    local agent = talk.agent
    local is_silent_call = options.message == nil and options.inject == nil
    if agent.initial and is_silent_call and #kit.agent_messages(agent) == 0 then
      say(talk, { role = "user", content = kit.filled(agent.name, agent.initial, options) })
    end
    for _, name in ipairs { "inject", "message" } do
      if options[name] ~= nil then say(talk, { role = "user", content = kit.kept(options[name]) }) end
    end
    if is_silent(talk) then say(talk, { role = "user", content = "Continue." }) end
  end

  -- A choice that a turn takes over from its agent counts where the turn offers that tool.
  local function choice_of(talk, options, given)
    local choice = options.tool_choice or talk.agent.tool_choice
    if choice == nil or FREE[choice] or FORCED[choice] or talk.offered[choice] then return choice end
    if options.tool_choice == nil and given then return nil end
    fail(talk.agent.name, format("tool_choice: %s expected, got %s", concat({
      "auto, none, required, any", #talk.names > 0 and concat(talk.names, ", ") or nil,
    }, ", "), kit.show(choice)))
  end

  local function model_of(agent, options)
    local model = agent.model
    local provider = options.provider
    if provider == nil and not find(options.model or "", "/", 1, true) then provider = model.provider or kit.defaults.provider end
    local settings = {}
    for name, value in next, model.settings do settings[name] = value end
    for name in next, SETTINGS do
      if options[name] ~= nil then settings[name] = options[name] end
    end
    for _, name in next, { "model", "provider", "tool_choice" } do kit.check_text(agent.name, name, options[name]) end
    return { name = options.model or model.name or kit.defaults.model, provider = provider, settings = settings }
  end

  local function talk_of(agent, options, given)
    local talk = {
      agent = agent, said = {}, calls = kit.new_array(), content = "", complete = 0,
      alone = options.history == false or (options.history == nil and not agent.history),
      rounds = options.max_tool_rounds or agent.rounds, offered = {}, names = {},
    }
    local offers = {}
    for i, tool in ipairs(kit.tools_of(agent.name, given or agent.tools)) do
      talk.offered[tool.name], talk.names[i], offers[i] = tool, tool.name, kit.offer_text(tool)
    end
    talk.offers = "[" .. concat(offers, ",") .. "]"
    talk.choice, talk.model = choice_of(talk, options, given), model_of(agent, options)
    return talk
  end

  -- A turn that fails keeps what was said up to its last complete round, so that the next one need not do that again.
  local function conversed(talk)
    local ok, output = caught(pcall(converse, talk))
    if ok then return output end
    if talk.complete > 0 then
      kit.end_turn(talk.agent, { table.unpack(talk.said, 1, talk.complete) }, talk.agent.talk.output)
    end
    error(output, 0)
  end

  local function turn(agent, options, given)
    kit.count_iteration(1)
    local talk = talk_of(agent, options, given)
    talk.prompt = prompt_of(agent, options)
    open(talk, options)
    talk.mock = mocked(agent, talk.said[#talk.said] and talk.said[#talk.said].content or "")
    local output = conversed(talk)
    kit.end_turn(agent, talk.said, kit.kept(output)) -- the program may change what it is given
    return {
      output = output, content = talk.content, tool_calls = talk.calls, usage = talk.usage, error = talk.error,
    }
  end

  function kit.take_turn(agent, given, ...)
    local result = kit.result_fields(given)
    local options = kit.turn_options(agent, result and result.content, given, ...)
    local tools = kit.given_tools(options)
    kit.check_tools(agent.name, tools)
    return kit.turn_result(kit.enter(agent.name, "agent_turn", agent.name, false, turn, agent, options, tools))
  end
end
