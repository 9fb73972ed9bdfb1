-- The run's tree as text, for the host.

local concat, sort, find, format, next, utf8len = table.concat, table.sort, string.find, string.format, next, utf8.len

return function(kit)
  local tree = kit.tree
  local id_of, parents, scores, contents, metadata = tree.id_of, tree.parents, tree.scores, tree.contents, tree.metadata

  -- Read while no thread runs. What `weigh` let in bounds what there is to say.

  -- the path to the current node, where that leaves room for others; the rest breadth first from the root
  local function first_places(limit)
    local chosen, is_chosen, path, above = {}, {}, {}, tree.current()
    while above > 0 and 2 * #path < limit do path[#path + 1], above = above, parents[above] end
    for k = 1, above == 0 and #path or 0 do chosen[k], is_chosen[path[k]] = path[k], true end
    local queue, k = { 1 }, 0
    while k < #queue and #chosen < limit do
      k = k + 1
      if not is_chosen[queue[k]] then chosen[#chosen + 1] = queue[k] end
      local list = tree.children_of(queue[k])
      for j = 1, #list do
        if #queue == limit then break end
        queue[#queue + 1] = list[j]
      end
    end
    sort(chosen)
    return chosen
  end

  local function as_it_is(v) return v end

  -- `read` makes what is not text to what the list is to have in its place
  local function strings(list, read)
    local joined = concat(list, "\31")
    local bare = not (find(joined, '"', 1, true) or find(joined, "\\", 1, true) or find(joined, "\0", 1, true))
    if bare and utf8len(joined) then return '["' .. concat(list, '","') .. '"]' end
    local texts = {}
    for k = 1, #list do texts[k] = kit.encode("GraphNode", read(list[k])) end
    return "[" .. concat(texts, ",") .. "]"
  end

  -- what there is of a column, by place; of the chosen ones only, by their place among those
  local function sparse(values, chosen)
    if next(values) == nil then return "{}" end
    local texts = {}
    for k = 1, chosen and #chosen or tree.size() do
      local v = values[chosen and chosen[k] or k]
      if v ~= nil then texts[#texts + 1] = format('"%d":%s', k, kit.encode("GraphNode", v)) end
    end
    return "{" .. concat(texts, ",") .. "}"
  end

  local function column(chosen, read)
    local values = {}
    for k = 1, #chosen do values[k] = read(chosen[k]) end
    return values
  end

  local TEXT_OF_GRAPH = '{"current":"%s","labels":%s,"parents":[%s],"scores":[%s],"ids":%s,'
    .. '"contents":%s,"metadata":%s}'

  local function whole_text()
    local held = tree.has_texts_only() and strings(contents, as_it_is) or sparse(contents)
    return format(TEXT_OF_GRAPH, id_of(tree.current()), strings(tree.labels(), kit.utf8), concat(parents, ","),
      concat(scores, ","), sparse(tree.ids), held, sparse(metadata))
  end

  local function part_text(limit)
    local chosen, new = first_places(limit), { [0] = 0 }
    for k = 1, #chosen do new[chosen[k]] = k end
    local above = column(chosen, function(i) return new[parents[i]] end)
    local has_current = new[tree.current()] and id_of(tree.current()) or ""
    return format(TEXT_OF_GRAPH, has_current, strings(column(chosen, tree.label_of), as_it_is), concat(above, ","),
      concat(column(chosen, function(i) return scores[i] end), ","), strings(column(chosen, id_of), as_it_is),
      sparse(contents, chosen), sparse(metadata, chosen))
  end

  -- The tree as text, or `limit` nodes of it, the path to the current one among them; `Graph.read` says how it reads.
  function kit.graph_text(limit)
    local count = tree.size()
    if count == 0 then return "" end
    if not limit or limit >= count then return whole_text() end
    return part_text(limit)
  end

  kit.graph_size = tree.size
end
