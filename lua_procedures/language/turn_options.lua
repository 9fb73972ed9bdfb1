-- What a turn of an agent is given: a message or options. What is probably a slip is said.

local type, next, select, min, abs = type, next, select, math.min, math.abs
local rawget, getmetatable = rawget, getmetatable
local format, find, lower, byte, sort = string.format, string.find, string.lower, string.byte, table.sort

local LONGEST = 24 -- of a name that may be a misspelt option
local OPTIONS = {
  message = true, inject = true, tools = true, model = true, provider = true, tool_choice = true, max_tool_rounds = true,
  history = true, toolsets = true,
}
-- what is an option elsewhere: of a question, of an agent
local NOT_HERE = { context = true, initial_message = true, output = true, prepare = true, retry = true }

return function(kit)
  local fail, where, host = kit.fail, kit.where, kit.host

  ---- slips ----------------------------------------------------------------------------------------------

  -- how many letters are to be put in, taken out, changed or swapped with their neighbour
  local function distance(a, b)
    local before, last, row = {}, {}, {}
    for j = 0, #b do row[j] = j end
    for i = 1, #a do
      before, last, row = last, row, { [0] = i }
      for j = 1, #b do
        local same = byte(a, i) == byte(b, j)
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
        local is_swapped = i > 1 and j > 1 and byte(a, i) == byte(b, j - 1) and byte(a, i - 1) == byte(b, j)
        if is_swapped then row[j] = min(row[j], before[j - 2] + 1) end
      end
    end
    return row[#b]
  end

  -- the option that a name was probably meant to be, or nil
  local function meant(name)
    local nearest, least = nil, #name > 5 and 3 or 2
    for _, known in next, { OPTIONS, kit.MODEL_SETTINGS } do
      for option in next, known do
        local far = abs(#option - #name) < 3 and distance(lower(name), option) or 3
        if far < least or far == least and nearest and option < nearest then nearest, least = option, far end
      end
    end
    return nearest
  end

  local function is_filled_in(name, text)
    return text ~= nil and (find(text, "{" .. name .. "}", 1, true) or find(text, "{" .. name .. ".", 1, true)) ~= nil
  end

  -- a key that no template fills in and that is nearly an option, or one elsewhere; a prompt that is a function may use any
  local function warn_of_slips(agent, options)
    if type(agent.prompt) == "function" then return end
    local slips = {}
    for name in next, options do
      local is_key = type(name) == "string" and #name <= LONGEST and not OPTIONS[name] and not kit.MODEL_SETTINGS[name]
      if is_key and not is_filled_in(name, agent.prompt) and not is_filled_in(name, agent.initial) then
        slips[#slips + 1] = (meant(name) or NOT_HERE[name]) and name
      end
    end
    sort(slips)
    for _, name in next, slips do
      local told = format("%s: %s is no option of a turn", agent.name, kit.utf8(name))
      if meant(name) then host.warn(format("%s; did you mean '%s'?", told, meant(name)), (where()))
      else host.remark(format("%s, and no text of the agent has {%s}", told, kit.utf8(name)), (where())) end
    end
  end

  local function warn_of_more(agent, ...)
    for i = 1, select("#", ...) do
      if select(i, ...) ~= nil then
        return host.warn(format("%s: a turn takes one argument, a message or options; the others are dropped", agent.name), (where()))
      end
    end
  end

  ---- options --------------------------------------------------------------------------------------------

  -- the options of a turn; `said` is the text of a turn's result, which is a message too
  function kit.turn_options(agent, said, options, ...)
    warn_of_more(agent, ...)
    if options == nil then return {} end
    if type(options) == "string" then return { message = options } end
    if said then return { message = said } end
    if type(options) ~= "table" or getmetatable(options) ~= nil and not kit.plain_views[options] then
      kit.misuse("Agent.turn", "options", options)
    end
    if rawget(options, 1) ~= nil then kit.misuse("Agent.turn", "options", options) end
    if rawget(options, "system_prompt") ~= nil then
      fail(agent.name, format("it is declared already, in line %d; a turn takes no system_prompt", agent.line))
    end
    kit.check_options("Agent.turn", "options", options)
    warn_of_slips(agent, options)
    return options
  end
end
