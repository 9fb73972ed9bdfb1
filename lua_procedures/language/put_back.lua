-- What recorded steps did to State, put back: a step that is replayed is not run.

local next, type, rawequal = next, type, rawequal

return function(kit)
  local values, appliers, finishers = kit.values, kit.appliers, kit.finishers
  local is_plain, with, sorted = kit.snapshots.is_plain, kit.snapshots.with, kit.sorted_keys

  local function at(key, path, depth)
    local t = values[key]
    for i = 1, depth do
      if type(t) ~= "table" then return nil end
      t = t[path[i]]
    end
    return t
  end

  local function parent_of(key, path)
    local t = at(key, path, #path - 1)
    if type(t) == "table" then return t, path[#path] end
  end

  function appliers.set(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = effect[3]
    if type(effect[3]) == "table" then kit.holds_table(effect[2]) end
  end
  function appliers.delete(effect)
    kit.overwrite(effect[2])
    values[effect[2]] = nil
  end
  function appliers.put(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if not t then return end
    if t[k] == nil then kit.mark_sorted(t) end
    t[k] = effect[4]
  end
  function appliers.cut(effect)
    kit.touch(effect[2])
    local t, k = parent_of(effect[2], effect[3])
    if not t then return end
    t[k] = nil
    kit.mark_sorted(t)
  end

  -- A live step's own tables give way to the recorded copies, where they still are, so that live and replay
  -- share nothing by chance.
  function finishers.set(effect, copy)
    if rawequal(values[effect[2]], effect[3]) then values[effect[2]] = copy[3] end
  end
  function finishers.put(effect, copy)
    local t, k = parent_of(effect[2], effect[3])
    if t and rawequal(t[k], effect[4]) then t[k] = copy[4] end
  end

  function appliers.warned(effect) -- the notice itself is the host's to put back
    kit.warned[effect[2]] = true
    kit.happened(effect)
  end

  -- a recorded step is not run: what it did happens again, also to the steps around it
  function kit.apply_effects(effects)
    for i = 1, #effects do
      local effect = effects[i]
      appliers[effect[1]](effect)
    end
  end

  function kit.settle_effects(effects, copies)
    for i = 1, #(effects or {}) do
      local finish = finishers[effects[i][1]]
      if finish and copies[i] then finish(effects[i], copies[i]) end
    end
  end

  ---- tables of State that a step captured -----------------------------------------------------------------

  local function path_to(t, v, path, seen)
    if rawequal(v, t) then return path end
    if not is_plain(v) or seen[v] then return nil end
    seen[v] = true
    for k, x in next, v do
      local found = type(x) == "table" and path_to(t, x, with(path, k), seen)
      if found then return found end
    end
  end

  local function refill(t, contents)
    if type(t) ~= "table" or type(contents) ~= "table" then return end
    for k in next, t do t[k] = nil end
    for k, v in next, contents do t[k] = v end
    kit.mark_sorted(t)
  end

  function appliers.fill(effect)
    kit.touch(effect[2])
    refill(at(effect[2], effect[3], #effect[3]), effect[4])
  end
  function finishers.fill(effect, copy) refill(effect[4], copy[4]) end

  -- A captured table changed without State being asked for it. Where it is part of State, the change is one of State's.
  function kit.changed_in_state(t)
    for _, key in next, sorted(values) do
      local path = type(values[key]) == "table" and path_to(t, values[key], {}, {})
      if path then
        kit.refilled(key, path, t)
        return true
      end
    end
    return false
  end
end
