-- What State cannot keep: found at the next checkpoint, or when the run ends.

local next, type = next, type
local concat = table.concat

return function(kit)
  local values, encode, sorted = kit.values, kit.encode, kit.sorted_keys

  -- A table of State that was handed out can be given something that State cannot keep. It is looked through at the
  -- next checkpoint, up to a number of leaves, so that a checkpoint costs the same however large State is; the rest
  -- is found when the step or the run ends.
  local MAX_LOOKED_AT = 500
  local handed, tables = {}, {}
  kit.tables = tables -- keys that have held a table

  function kit.hand_out(key) handed[key] = true end
  function kit.holds_table(key) handed[key], tables[key] = true, true end

  function kit.check_state(primitive)
    if next(handed) == nil then return end
    local keys = sorted(handed)
    handed = {}
    for i = 1, #keys do kit.inspect(primitive, values[keys[i]], "$." .. keys[i], MAX_LOOKED_AT) end
  end

  -- State as the host reads it when the run ends; what cannot cross, or is too much in all, is left out. It is read
  -- where nothing can stop it, so it is bounded over all keys together.
  local MAX_STATE = kit.limits.bytes

  function kit.state_text()
    local pieces, room = {}, MAX_STATE
    for _, key in next, sorted(values) do
      local ok, text = kit.raw.pcall(encode, "State", values[key], "$." .. key)
      if ok and #text < room then
        room = room - #text
        pieces[#pieces + 1] = encode("State", key) .. ":" .. text
      end
      if room < MAX_STATE // 2 then break end
    end
    return "{" .. concat(pieces, ",") .. "}"
  end

  -- the whole State, when the program completes; raises by path
  function kit.check_all_state()
    for _, key in next, sorted(values) do
      if type(values[key]) == "table" then encode("State", values[key], "$." .. key) end
    end
  end
end
