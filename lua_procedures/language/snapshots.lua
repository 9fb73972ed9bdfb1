-- Copies of State's tables as a step first met them, and the changes that lead from them to the tables as they are.

local next, type, rawequal, getmetatable = next, type, rawequal, getmetatable

return function(kit)
  local sorted = kit.sorted_keys

  local function is_plain(v) return type(v) == "table" and getmetatable(v) == nil end

  -- A snapshot node remembers which table it was made of. `nodes` has those made before, so that a table which
  -- is changed under one key and then looked at under another is still known as it was.
  local function snapshot(v, nodes)
    if not is_plain(v) then return v end
    local node = nodes[v]
    if node then
      nodes.met = true
      return node
    end
    local fields = {}
    node = { source = v, fields = fields, object = kit.is_object(v) }
    nodes[v] = node
    for k, x in next, v do fields[k] = snapshot(x, nodes) end
    return node
  end

  local function is_node(before) return type(before) == "table" and before.source ~= nil end

  local function rebuilt(node)
    if not is_node(node) then return node end
    local t = node.object and kit.new_object() or {}
    for k, x in next, node.fields do t[k] = rebuilt(x) end
    return kit.mark_sorted(t)
  end

  local function same(before, now)
    if is_node(before) then return rawequal(before.source, now) end
    return rawequal(before, now)
  end

  local function with(path, k)
    local longer = {}
    for i = 1, #path do longer[i] = path[i] end
    longer[#longer + 1] = k
    return longer
  end

  -- the changes that lead from a snapshot to a table of the same identity; lists shrink from their end
  local compare
  function compare(key, before, now, path, effects)
    local added, removed = {}, {}
    for _, k in next, sorted(before.fields) do
      local old, new = before.fields[k], now[k]
      if new == nil then removed[#removed + 1] = k
      elseif not same(old, new) then
        -- what was there may still be held by the program: its own changes come first
        if is_node(old) then compare(key, old, old.source, with(path, k), effects) end
        effects[#effects + 1] = { "put", key, with(path, k), new }
      elseif is_plain(new) then compare(key, old, new, with(path, k), effects) end
    end
    for k in next, now do
      if before.fields[k] == nil then added[k] = true end
    end
    for _, k in next, sorted(added) do effects[#effects + 1] = { "put", key, with(path, k), now[k] } end
    for i = #removed, 1, -1 do effects[#effects + 1] = { "cut", key, with(path, removed[i]) } end
    if next(added) ~= nil or #removed > 0 then kit.mark_sorted(now) end
  end

  kit.snapshots = {
    is_plain = is_plain, of = snapshot, is_node = is_node, rebuilt = rebuilt, same = same, compare = compare,
    with = with,
  }
end
