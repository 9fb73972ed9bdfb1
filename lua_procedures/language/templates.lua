-- Texts with {input.x}, {state.x}, {prepared.x}, {env.X} and the like, which are filled in once: what was filled in is
-- no template, and what is not known stays as it is.

local type, next, gsub, gmatch, match, rawget = type, next, string.gsub, string.gmatch, string.match, rawget
local getmetatable = getmetatable

return function(kit)
  local function text_of(value)
    if type(value) == "string" then return kit.utf8(value) end
    if type(value) == "table" and (getmetatable(value) == nil or kit.plain_views[value]) then
      return kit.shown_text("Agent", value)
    end
    return kit.tostring(value)
  end

  -- what a path such as "user.name" leads to in a table; a list's items are counted from 1
  local function follow(value, path)
    for part in gmatch(path, "[^.]+") do
      local view = type(value) == "table" and kit.plain_views[value]
      if view then value = view(value) end
      if type(value) ~= "table" or getmetatable(value) ~= nil then return nil end
      local item = rawget(value, part)
      if item == nil then item = rawget(value, math.tointeger(part)) end
      value = item
    end
    return value
  end

  local function variable(primitive, name)
    return kit.result(primitive, kit.request(primitive, "environment", name))
  end

  -- the text with what `given` holds by name, beside input, params, state and env
  function kit.filled(primitive, text, given)
    local known = {}
    local function look(name)
      local head, rest = match(name, "^([^.]+)%.?(.*)$")
      if given[head] ~= nil then return follow(given[head], rest) end
      if head == "input" or head == "params" then return rest ~= "" and follow(kit.input, rest) or nil end
      if rest == "" then return nil end
      if head == "state" then
        local key, path = match(rest, "^([^.]+)%.?(.*)$")
        return follow(kit.guest.State.get(key), path)
      end
      if head == "env" then return variable(primitive, rest) end
    end
    for name in gmatch(text, "{([%a_][%w_.]*)}") do -- what suspends may not be asked for inside gsub
      if known[name] == nil then
        local value = look(name)
        known[name] = value ~= nil and text_of(value) or false
      end
    end
    return (gsub(text, "{([%a_][%w_.]*)}", function(name) return known[name] or nil end))
  end
end
