-- The result of a turn: a table of its fields that is its text where it is printed or joined.

local next, setmetatable = next, setmetatable

local ALSO = { value = "output", text = "content" } -- as programs of Tactus say it

return function(kit)
  local fail = kit.fail
  local results = setmetatable({}, { __mode = "k" }) -- result -> its fields

  -- the fields of a result, or nil for any other value
  function kit.result_fields(value) return results[value] end

  local result_meta = {
    __metatable = false,
    __index = function(result, field) return results[result][ALSO[field] or field] end,
    __newindex = function() fail("agent", "the result of a turn cannot be changed") end,
    __pairs = function(result) return next, results[result] end,
    __tostring = function(result) return results[result].content end,
    __concat = function(a, b) return kit.tostring(a) .. kit.tostring(b) end,
  }

  -- makes the result of a turn of its fields
  function kit.turn_result(fields)
    local result = setmetatable({}, result_meta)
    results[result] = fields
    kit.plain_views[result] = function(each) return results[each] end
    kit.described[result] = function(describe, each)
      return "result " .. (describe and describe(results[each]) or kit.encode_sorted("Agent", results[each]))
    end
    return result
  end
end
