-- The run's tree, in columns, so that a node costs little and the whole tree crosses as a few long texts.
--
-- Ids. A node made outside of steps is the next of those: "n1", "n2", …; what steps make does not count. A node made in
-- a step is the next of that step's path: "n1@3/0" is the first one made by the step at 3/0. A replayed step comes
-- after the same operations as before and so stands at the same path; what else may have made nodes there (a step that
-- a cut has forgotten) is something that a step which makes nodes depends on. So no two nodes ever share an id, and an
-- edit renames only what it moves.

local type, next, rawget, rawequal, tonumber, tostring = type, next, rawget, rawequal, tonumber, tostring
local getmetatable, setmetatable = getmetatable, setmetatable
local format, match, find, sub, concat = string.format, string.match, string.find, string.sub, table.concat
local utf8offset = utf8.offset

local MAX_LABEL = 1000 -- bytes
local NODE_BYTES = 50  -- what a node counts at least towards what the tree may hold

return function(kit)
  local fail, live, host, null = kit.fail, kit.live, kit.host, kit.null
  local depend = kit.depend
  local max_bytes = kit.limits.bytes
  local tree = {}
  kit.tree = tree

  ---- the columns ----------------------------------------------------------------------------------------

  -- A node is its place in these, from 1 in the order of creation; so a parent's place is smaller than its children's.
  local count, current = 0, 0
  local nodes, place_of_node = {}, {} -- the node that the program has, and back
  local labels = {}                   -- as given, or false: made of the content where it is asked for
  local parents = {}                  -- 0 for the root
  local scores = {}                   -- the number in the metadata's score, else "null": as the text has it
  local contents, metadata = {}, {}   -- only where there is some; the metadata without such a score
  local ids, places = {}, {}          -- the ids that are not "n" .. place, and back
  local texts_only = true             -- every content is a string
  local all_labelled = true           -- every label was given
  local in_steps, numbers = 0, {}     -- how many nodes steps made, in all and by path
  local weight = 0                    -- bytes of all labels, contents and metadata

  local NODE = { __metatable = false, __name = "GraphNode" }

  local function id_of(i) return ids[i] or "n" .. i end

  local function place_of(id)
    local i = places[id]
    if i then return i end
    i = tonumber((match(id, "^n([1-9]%d*)$")))
    if i and i <= count and not ids[i] then return i end
  end

  function tree.weigh(primitive, bytes)
    weight = weight + bytes
    if weight > max_bytes then fail(primitive, format("the tree holds more than %d bytes", max_bytes)) end
  end

  function tree.add(id, label, content, parent, score, others)
    local i = count + 1
    count = i
    labels[i], parents[i], scores[i] = label, parent, score
    if content ~= nil then contents[i] = content end
    if type(content) ~= "string" then texts_only = false end
    if not label then all_labelled = false end
    if others then metadata[i] = others end
    if id then ids[i], places[id] = id, i end
    if i == 1 then current = 1 end
    local node = setmetatable({}, NODE)
    nodes[i], place_of_node[node] = node, i
    return node
  end

  -- What most nodes are made of: a label, a number as score, a node as parent, outside of steps. Makes such a one
  -- without further ado; false for any other.
  function tree.add_simply(options)
    local label, score, parent = false, "null", current
    for k, v in next, options do
      if k == "label" then label = v
      elseif k == "score" and type(v) == "number" and v - v == 0 then score = v
      elseif k == "parent" then parent = place_of_node[v]
      else return false end
    end
    if type(label) ~= "string" or #label > MAX_LABEL or not parent or in_steps > 0 then return false end
    weight = weight + #label + NODE_BYTES
    if weight > max_bytes then return false end
    local i = count + 1
    local node = setmetatable({}, NODE)
    labels[i], parents[i], scores[i], nodes[i], place_of_node[node] = label, parent, score, node, i
    count, texts_only = i, false
    if i == 1 then current = 1 end
    return node
  end

  function tree.size() return count end
  function tree.current() return current end
  function tree.go_to(i) current = i end

  -- the id of the next node outside of steps; nil where it follows from the place
  function tree.next_id()
    if in_steps > 0 then return "n" .. count + 1 - in_steps end
  end

  local function step_path()
    local path, depth = {}, 0
    local position = host.step_position(0)
    while position >= 0 do
      depth = depth + 1
      path[depth] = tostring(position)
      position = host.step_position(depth)
    end
    return concat(path, "/")
  end

  -- the id of the next node in the innermost step
  function tree.next_id_in_step(tracker)
    tracker.path = tracker.path or step_path()
    local path = tracker.path
    depend("\31node_number " .. path)
    numbers[path] = (numbers[path] or 0) + 1
    in_steps = in_steps + 1
    return format("n%d@%s", numbers[path], path)
  end

  -- a replayed step made the node of that id
  function tree.made_in_step(id)
    local number, path = match(id, "^n(%d+)@(.*)$")
    numbers[path] = tonumber(number)
    in_steps = in_steps + 1
  end

  ---- what is derived ------------------------------------------------------------------------------------

  local function shortened(text, limit)
    if #text <= limit then return text end
    return sub(text, 1, utf8offset(text, 0, limit) - 1) .. "…"
  end

  -- the first line of a text; any other content as it is shown; the id where there is none
  local function label_of(i)
    local label, content = labels[i], contents[i]
    if label then return kit.utf8(label) end
    if content == nil then return id_of(i) end
    content = type(content) == "string" and kit.utf8(content) or kit.show(content)
    if #content <= MAX_LABEL and not find(content, "[\r\n]") then return content end
    return shortened(match(content, "^[^\r\n]*"), MAX_LABEL)
  end

  local function score_of(i)
    local score = scores[i]
    if score ~= "null" then return score end
  end

  -- A copy of plain data: a node in it is its record, and dicts are visited in the order of their keys. A step's
  -- null in a dict is left out, as in everything that comes back from the journal.
  local function copied(v, in_step)
    if type(v) ~= "table" then return v end
    local view = kit.plain_views[v]
    if view then return copied(view(v), in_step) end
    if getmetatable(v) ~= nil or next(v) == nil then return kit.copy(v) end
    local is_list = rawget(v, 1) ~= nil
    local copy = is_list and {} or kit.new_object()
    for k, x in next, v do
      if is_list or not (in_step and rawequal(x, null)) then copy[k] = copied(x, in_step) end
    end
    return kit.mark_sorted(copy)
  end

  local function metadata_of(i)
    local all = metadata[i] and copied(metadata[i]) or kit.new_object()
    if scores[i] ~= "null" then all.score = scores[i] end
    return kit.mark_sorted(all)
  end

  -- lists of children are made when somebody asks for the first one, and then kept up
  local below, linked = {}, 0

  local function children_of(i)
    for child = linked + 1, count do
      local parent = parents[child]
      local list = below[parent]
      if list then list[#list + 1] = child else below[parent] = { child } end
    end
    linked = count
    return below[i] or {}
  end

  local function ids_of(list)
    local texts = {}
    for k = 1, #list do texts[k] = id_of(list[k]) end
    return concat(texts, ",")
  end

  ---- plain data -----------------------------------------------------------------------------------------

  function tree.is_number(v) return type(v) == "number" and v - v == 0 end -- neither NaN nor infinite

  function tree.or_null(v) if v == nil then return null end return v end
  function tree.or_nil(v) if not rawequal(v, null) then return v end end

  -- plain data to keep: checked, counted and copied; null is nothing
  function tree.taken(primitive, argument, v)
    if rawequal(v, null) then return nil end
    local kind = type(v)
    if kind == "string" then
      tree.weigh(primitive, #v)
      return v
    end
    if kind == "function" or kind == "thread" then kit.misuse(primitive, argument, v) end
    tree.weigh(primitive, #kit.encode(primitive, v, "$." .. argument))
    return copied(v, live.tracker)
  end

  function tree.labels()
    if all_labelled then return labels end
    local texts = {}
    for i = 1, count do texts[i] = labels[i] or label_of(i) end
    return texts
  end

  function tree.has_texts_only() return texts_only end

  ---- what a step reads ----------------------------------------------------------------------------------

  local CURRENT, ROOT = "\31the current node", "\31the root node"
  kit.readers[CURRENT] = function() return current > 0 and id_of(current) or "" end
  kit.readers[ROOT] = function() return count > 0 and id_of(1) or "" end
  kit.reader_family("node_number", function(path) return tostring(numbers[path] or 0) end)

  -- one label for each node and fact; what a step made itself, it does not depend on
  local function fact(name, read)
    kit.reader_family(name, function(id, tracker)
      if tracker and tracker.made and tracker.made[id] then return nil end
      local i = place_of(id)
      return i and read(i) or ""
    end)
    return "\31" .. name .. " "
  end

  local function text_of(v) return kit.encode_sorted("GraphNode", v) end

  tree.CURRENT, tree.ROOT = CURRENT, ROOT
  tree.THERE = fact("node_there", function() return "1" end)
  tree.TEXT = fact("node_text", function(i) return label_of(i) .. "\31" .. text_of(contents[i]) end)
  tree.PARENT = fact("node_parent", function(i) return parents[i] > 0 and id_of(parents[i]) or "none" end)
  tree.CHILDREN = fact("node_children", function(i) return ids_of(children_of(i)) end)
  tree.SCORE = fact("node_score", function(i) return tostring(scores[i]) end)
  tree.METADATA = fact("node_metadata", function(i) return text_of(metadata_of(i)) end)

  function tree.look(what, i)
    if live.tracker then depend(what .. id_of(i)) end
  end

  tree.nodes, tree.place_of_node, tree.metatable = nodes, place_of_node, NODE
  tree.parents, tree.scores, tree.contents, tree.metadata, tree.ids = parents, scores, contents, metadata, ids
  tree.id_of, tree.place_of, tree.label_of, tree.score_of = id_of, place_of, label_of, score_of
  tree.metadata_of, tree.children_of, tree.copied, tree.shortened = metadata_of, children_of, copied, shortened
  tree.MAX_LABEL, tree.NODE_BYTES = MAX_LABEL, NODE_BYTES
end
