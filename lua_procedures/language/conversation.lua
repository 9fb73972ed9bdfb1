-- Session, which is MessageHistory too: the run's shared conversation.
--
-- An agent sees its system prompt, then these messages and its own, in the order they were made. So each message has
-- a moment: who keeps messages elsewhere takes one from `kit.next_moment()` for each of them, whether it is made or put
-- back, and merges them by it with those of `kit.conversation()`.

local type, next, ipairs, pcall = type, next, ipairs, pcall
local format, concat = string.format, table.concat

local MESSAGES = "\31the messages of Session" -- what a step depends on that looks at them

return function(kit)
  local guest, live, happened, encode = kit.guest, kit.live, kit.happened, kit.encode

  local messages, moment = {}, 0

  -- the number of a new message in the order of all messages of the run
  function kit.next_moment()
    moment = moment + 1
    return moment
  end

  ---- reading ------------------------------------------------------------------------------------------

  -- a step depends on the messages that were there before it added any itself
  kit.readers[MESSAGES] = function(tracker)
    local texts = {}
    for i = 1, tracker and tracker.messages_met or #messages do
      local message = messages[i]
      message.text = message.text or kit.encode_sorted("Session", { message.role, message.content })
      texts[i] = message.text
    end
    return concat(texts, ",")
  end

  -- the messages as {role=, content=, moment=}, oldest first; not to be changed
  function kit.conversation()
    if live.tracker then kit.depend(MESSAGES) end
    return messages
  end

  local function history()
    local copies = kit.new_array()
    for i, message in next, kit.conversation() do
      copies[i] = { role = message.role, content = kit.copy(message.content) }
    end
    return copies
  end

  -- the same, where nothing depends on it
  function kit.session_messages() return messages end

  -- Rows as a JSON list that the host reads when the run ends, bounded like all that crosses: the newest give way.
  function kit.rows_text(what, rows, view)
    local texts, room = {}, kit.limits.bytes
    for i, row in ipairs(rows) do
      local ok, text = pcall(encode, what, view(row))
      room = room - (ok and #text or room + 1)
      if room < 0 then
        local left = #rows - i + 1
        kit.host.warn(format("the last %d of %d %s are left out of the run: they pass max_bytes", left, #rows, what), 0)
        break
      end
      texts[i] = text
    end
    return "[" .. concat(texts, ",") .. "]"
  end

  ---- changing -----------------------------------------------------------------------------------------

  local function add(role, content)
    local tracker = live.tracker
    while tracker do
      tracker.messages_met = tracker.messages_met or #messages
      tracker = tracker.parent
    end
    messages[#messages + 1] = { role = role, content = kit.kept(content), moment = kit.next_moment() }
    happened({ "message", role, messages[#messages].content })
  end
  function kit.appliers.message(effect) add(effect[2], effect[3]) end

  local function clear()
    if live.tracker then kit.changing(MESSAGES, true) end
    messages = {}
    happened({ "no messages" })
  end
  kit.appliers["no messages"] = clear

  ---- what programs call -------------------------------------------------------------------------------

  local FIELDS = { role = true, content = true }

  local function append(primitive, role, content)
    if type(role) == "table" then
      local message = kit.check_options(primitive, "message", role)
      for name in next, message do
        if not FIELDS[name] then
          kit.host.warn(format("%s: unknown field %s is left out", primitive, kit.show(name)), (kit.where()))
        end
      end
      role, content = message.role, message.content
    elseif type(role) ~= "string" then
      kit.misuse(primitive, "message", role)
    end
    kit.check(primitive, "role", role)
    kit.check(primitive, "content", content)
    encode(primitive, content, "$.content") -- refuses what cannot be kept
    add(role, content)
  end

  local function conversation(name)
    return kit.both_forms({
      append = function(role, content) append(name .. ".append", role, content) end,
      inject_system = function(text) add("system", kit.check(name .. ".inject_system", "text", text)) end,
      history = history,
      get = history,
      count = function() return #kit.conversation() end,
      clear = clear,
    })
  end
  guest.Session, guest.MessageHistory = conversation("Session"), conversation("MessageHistory")
end
