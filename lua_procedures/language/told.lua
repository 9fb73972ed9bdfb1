-- What a chat model is told: messages as plain data, and what tools gave as text.

local type, next, getmetatable = type, next, getmetatable
local format, match, sub, find = string.format, string.match, string.sub, string.find

local MOST_TOLD = 100000 -- bytes of a tool's result that a model is told
local ROLES = { human = "user", ai = "assistant", developer = "system", user = "user", assistant = "assistant", system = "system" }

return function(kit)
  kit.ROLES = ROLES

  -- a copy with names for what is no JSON
  local function readable(value)
    if type(value) == "string" then return utf8.len(value) and value or format("<%d bytes>", #value) end
    if kit.handles[value] then return format("<%s>", kit.tostring(value)) end
    if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
    local copy = kit.copy(value)
    for k, each in next, value do copy[k] = readable(each) end
    return copy
  end

  -- a message as plain data: what the model is sent
  function kit.plain_message(message)
    local role = ROLES[message.role] or message.role == "tool" and message.id and "tool" or "user"
    local plain = { role = role, content = readable(message.content) }
    plain.tool_calls, plain.tool_call_id, plain.name = readable(message.tool_calls), message.id, message.name
    return plain
  end

  function kit.message_text(message)
    message.sent = message.sent or kit.encode_sorted("Agent", kit.plain_message(message))
    return message.sent
  end

  local function cut(text)
    if #text <= MOST_TOLD then return text end
    return sub(text, 1, utf8.offset(text, 0, MOST_TOLD) - 1) .. format("… (cut: %d bytes in all)", #text)
  end

  local function told(value)
    if value == nil then return "null" end
    local result = kit.result_fields(value)
    if result then value = result.content end
    if kit.handles[value] then return format("<%s>, which tools can take and nobody can read", kit.tostring(value)) end
    if type(value) == "string" and not utf8.len(value) then return format("<%d bytes>, which nobody can read", #value) end
    local text = type(value) == "string" and value or kit.shown_text("Agent", value)
    if find(text, '"\\u0000"', 1, true) then text = kit.shown_text("Agent", readable(kit.kept(value))) end
    return cut(text)
  end

  -- an error without the line of the program, which says nothing to a model
  local function told_error(value)
    local text = kit.fault_text(value)
    return "Error: " .. cut(match(text, "^[^:\n]*:%d+: (.*)$") or text)
  end
  kit.told, kit.told_error = told, told_error
end
