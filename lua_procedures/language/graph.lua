-- GraphNode: makes the nodes of the run's tree and moves in it.

local type, next, rawget, rawequal, getmetatable = type, next, rawget, rawequal, getmetatable
local format, unpack, utf8len = string.format, table.unpack, utf8.len

local MAX_NAMED = 60 -- bytes of an id in an error

return function(kit)
  local fail, live, null, tree = kit.fail, kit.live, kit.null, kit.tree
  local depend, changing, happened = kit.depend, kit.changing, kit.happened
  local nodes, place_of_node, id_of, place_of = tree.nodes, tree.place_of_node, tree.id_of, tree.place_of
  local add, add_simply, weigh, CURRENT = tree.add, tree.add_simply, tree.weigh, tree.CURRENT
  local or_nil, or_null, copied = tree.or_nil, tree.or_null, tree.copied

  ---- creating -------------------------------------------------------------------------------------------

  -- every open step is told of a node before it is there
  local function announce(effect, id, parent)
    if tree.size() == 0 then
      changing(CURRENT)
      changing(tree.ROOT)
    else
      changing(tree.CHILDREN .. id_of(parent))
    end
    local tracker = live.tracker
    while tracker do
      tracker.made = tracker.made or {}
      tracker.made[id] = true
      tracker = tracker.parent
    end
    happened(effect)
  end

  local function create(label, content, parent, score, others)
    local id
    if live.tracker then
      if not parent then depend(CURRENT) end
      id = tree.next_id_in_step(live.tracker)
      local above = parent or tree.current()
      announce({ "node", id, above > 0 and id_of(above) or null, label or null, or_null(content),
                 score == "null" and null or score, or_null(others) }, id, above)
    else
      id = tree.next_id()
    end
    return add(id, label, content, parent or tree.current(), score, others)
  end

  function kit.appliers.node(effect)
    local _, id, above, label, content, score, others = unpack(effect, 1, 7)
    local parent = or_nil(above) and place_of(above) or 0
    if live.tracker then announce(effect, id, parent) end
    tree.made_in_step(id)
    content, others = copied(or_nil(content)), copied(or_nil(others))
    add(id, or_nil(label) or false, content, parent, or_nil(score) or "null", others)
  end

  ---- arguments of create --------------------------------------------------------------------------------

  local function look_up(id)
    if live.tracker and utf8len(id) then depend(tree.THERE .. id) end -- no id is anything else than text
    return place_of(id)
  end

  -- the place of a node or an id; nil for an unknown id, on which a step depends then
  local function find_place(primitive, argument, which)
    local i = place_of_node[which]
    if i then return i end
    if type(which) ~= "string" then kit.misuse(primitive, argument, which) end
    return look_up(which)
  end

  local function parent_place(which)
    local i = find_place("GraphNode.create", "parent", which)
    if i then return i end
    fail("GraphNode.create", format("parent: there is no node %q", tree.shortened(kit.utf8(which), MAX_NAMED)))
  end

  -- other metadata, and the score in it; the one that was given goes before
  local function taken_metadata(given, score)
    if given == nil then return nil, score end
    if type(given) ~= "table" or getmetatable(given) ~= nil or rawget(given, 1) ~= nil then
      kit.misuse("GraphNode.create", "metadata", given)
    end
    local others = tree.taken("GraphNode.create", "metadata", given)
    if score ~= "null" or tree.is_number(others.score) then
      if score == "null" then score = others.score end
      others.score = nil
    end
    return next(others) ~= nil and others or nil, score
  end

  local OPTIONS = { label = true, content = true, parent = true, score = true }
  local NAMES = { label = true, content = true, parent = true, score = true, metadata = true }

  local function other_metadata(options)
    local others, given = kit.new_object(), rawget(options, "metadata")
    if type(given) == "table" and getmetatable(given) == nil and rawget(given, 1) == nil then
      for k, v in next, given do others[k] = v end
    end
    for k, v in next, options do
      if not OPTIONS[k] and (k ~= "metadata" or type(v) ~= "table") then
        if type(k) == "string" and k ~= "metadata" then kit.unknown_key("GraphNode.create", k, NAMES) end
        others[k] = v
      end
    end
    return others
  end

  local function check_label(label)
    if type(label) ~= "string" then kit.misuse("GraphNode.create", "label", label) end
    if #label > tree.MAX_LABEL then fail("GraphNode.create", "label: more than 1,000 bytes long") end
  end

  local function create_from(options)
    local label, content, parent, score = options.label, options.content, options.parent, options.score
    if score == nil or rawequal(score, null) then score = "null"
    elseif not tree.is_number(score) then kit.misuse("GraphNode.create", "score", score) end
    if label == nil or rawequal(label, null) then label = false else check_label(label) end
    weigh("GraphNode.create", label and #label + tree.NODE_BYTES or tree.NODE_BYTES)
    if content ~= nil then content = tree.taken("GraphNode.create", "content", content) end
    if parent ~= nil and not rawequal(parent, null) then parent = parent_place(parent) else parent = nil end
    local others = nil
    for k in next, options do
      if not OPTIONS[k] then
        others, score = taken_metadata(other_metadata(options), score)
        break
      end
    end
    return create(label, content, parent, score, others)
  end

  ---- the primitives -------------------------------------------------------------------------------------

  local GraphNode = {}

  function GraphNode.create(content, given, parent, last)
    if given == nil and type(content) == "table" and not live.tracker and getmetatable(content) == nil then
      local node = add_simply(content)
      if node then return node end
    end
    if rawequal(content, GraphNode) then content, given, parent = given, parent, last end
    if content == nil then kit.misuse("GraphNode.create", "content", content) end
    if given == nil and parent == nil and type(content) == "table" and getmetatable(content) == nil
      and rawget(content, 1) == nil and not kit.is_array(content) then
      return create_from(content)
    end
    weigh("GraphNode.create", tree.NODE_BYTES)
    content = tree.taken("GraphNode.create", "content", content)
    local others, score = taken_metadata(given, "null")
    if parent ~= nil then parent = parent_place(parent) end
    return create(false, content, parent, score, others)
  end

  function GraphNode.root()
    if live.tracker then depend(tree.ROOT) end
    return nodes[1]
  end

  function GraphNode.current()
    if live.tracker then depend(CURRENT) end
    return nodes[tree.current()]
  end

  local function move(i, effect)
    if live.tracker then
      changing(CURRENT, true)
      happened(effect or { "current", id_of(i) })
    end
    tree.go_to(i)
  end
  function kit.appliers.current(effect) move(place_of(effect[2]), effect) end

  function GraphNode.set_current(which, last)
    if rawequal(which, GraphNode) then which = last end
    local i = find_place("GraphNode.set_current", "node", which)
    if i then move(i) end
    return i ~= nil
  end

  function GraphNode.get(id, last)
    if rawequal(id, GraphNode) then id = last end
    if type(id) ~= "string" then kit.misuse("GraphNode.get", "id", id) end
    return nodes[look_up(id)]
  end

  kit.guest.GraphNode = GraphNode
end
