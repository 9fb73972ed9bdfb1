-- A node as the program has it: what it tells, what can be changed, and how it crosses.

local type, next, rawequal, tostring, setmetatable = type, next, rawequal, tostring, setmetatable
local format, utf8len = string.format, utf8.len

local MAX_NAMED = 60 -- bytes of a label in tostring(node)

return function(kit)
  local fail, live, null, tree, NODE = kit.fail, kit.live, kit.null, kit.tree, kit.tree.metatable
  local nodes, place_of_node, id_of, metadata = tree.nodes, tree.place_of_node, tree.id_of, tree.metadata
  local look, copied, is_number = tree.look, tree.copied, tree.is_number

  local properties = {
    id = id_of,
    label = function(i)
      look(tree.TEXT, i)
      return tree.label_of(i)
    end,
    content = function(i)
      look(tree.TEXT, i)
      return copied(tree.contents[i])
    end,
  }
  local methods = {}

  local function told(v) return v == nil and "nil" or kit.type_name(v) end

  local function place(node, method)
    local i = place_of_node[node]
    if i then return i end
    fail("GraphNode." .. method, format("node: a node expected, got %s; call it as node:%s(…)", told(node), method))
  end

  function methods.children(node)
    local i = place(node, "children")
    look(tree.CHILDREN, i)
    local list = kit.new_array()
    for k, child in next, tree.children_of(i) do list[k] = nodes[child] end
    return list
  end

  function methods.parent(node)
    local i = place(node, "parent")
    look(tree.PARENT, i)
    return nodes[tree.parents[i]]
  end

  function methods.score(node)
    local i = place(node, "score")
    look(tree.SCORE, i)
    return tree.score_of(i)
  end

  function methods.metadata(node)
    local i = place(node, "metadata")
    look(tree.METADATA, i)
    return tree.metadata_of(i)
  end

  local function put(i, key, value)
    if key == "score" then
      tree.scores[i] = is_number(value) and value or "null"
      if is_number(value) then value = nil end
    end
    local others = {} -- a new one: an effect may hold the one before
    for k, v in next, metadata[i] or others do others[k] = v end
    others[key] = value
    metadata[i] = next(others) ~= nil and others or nil
  end

  local function set_metadata(i, key, value, effect)
    if live.tracker then
      kit.changing(tree.METADATA .. id_of(i))
      if key == "score" then kit.changing(tree.SCORE .. id_of(i), true) end
      kit.happened(effect or { "metadata", id_of(i), key, tree.or_null(value) })
    end
    put(i, key, value)
  end
  function kit.appliers.metadata(effect)
    set_metadata(tree.place_of(effect[2]), effect[3], copied(tree.or_nil(effect[4])), effect)
  end

  function methods.set_score(node, n)
    local i = place(node, "set_score")
    if not is_number(n) then
      local given = type(n) == "number" and tostring(n) or told(n)
      fail("GraphNode.set_score", "n: a finite number expected, got " .. given)
    end
    set_metadata(i, "score", n)
  end

  function methods.set_metadata(node, key, value)
    local i = place(node, "set_metadata")
    if type(key) ~= "string" then fail("GraphNode.set_metadata", "key: a string expected, got " .. told(key)) end
    if not utf8len(key) then fail("GraphNode.set_metadata", "key: UTF-8 text expected") end
    local kept = nil
    if is_number(value) or type(value) == "boolean" then kept = value
    elseif value ~= nil then
      tree.weigh("GraphNode.set_metadata", #key + #kit.encode("GraphNode.set_metadata", value, "$." .. key))
      if not rawequal(value, null) then kept = copied(value, live.tracker) end
    end
    set_metadata(i, key, kept)
  end

  for name, method in next, methods do kit.known[method] = "GraphNode." .. name end

  function NODE.__index(node, key)
    local method = methods[key]
    if method then return method end
    local read = properties[key]
    if read then return read(place(node, "id")) end
  end

  function NODE.__newindex(_, key)
    local message = "a node's %s cannot be assigned; set_score(n) and set_metadata(key, value) change a node"
    fail("GraphNode", format(message, kit.show(key)))
  end

  function NODE.__tostring(node)
    return format('node "%s"', tree.shortened(properties.label(place(node, "id")), MAX_NAMED))
  end

  -- what a node is where plain data is needed
  local function record(node)
    local i = place_of_node[node]
    look(tree.TEXT, i)
    look(tree.PARENT, i)
    look(tree.METADATA, i)
    local view = kit.new_object()
    view.id, view.label, view.content = id_of(i), tree.label_of(i), copied(tree.contents[i])
    view.parent_id = tree.parents[i] > 0 and id_of(tree.parents[i]) or nil
    view.score, view.metadata = tree.score_of(i), tree.metadata_of(i)
    return kit.mark_sorted(view)
  end

  function NODE.__pairs(node) return kit.guest.pairs(record(node)) end

  -- there may be very many nodes: they are looked up where they are, not entered one by one
  local function described(node) return "<node " .. id_of(place_of_node[node]) .. ">" end
  local function of_nodes(what)
    return function(_, v) if place_of_node[v] then return what end end
  end
  setmetatable(kit.plain_views, { __mode = "k", __index = of_nodes(record) })
  setmetatable(kit.described, { __mode = "k", __index = of_nodes(function(_, node) return described(node) end) })
end
