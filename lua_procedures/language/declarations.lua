-- What declarations have in common: the names they take, and those that are accepted and not run.

local type, next, setmetatable = type, next, setmetatable
local concat, sort, format, lower = table.concat, table.sort, string.format, string.lower
local utf8len = utf8.len

return function(kit)
  local guest, where, host = kit.guest, kit.where, kit.host

  ---- names --------------------------------------------------------------------------------------------

  local used = {}

  -- The variable that the statement in the program's line assigns a call of `callee` to, or nil. Of several in one
  -- line each takes the next one.
  function kit.assigned_name(callee)
    local line, chunk = where()
    local by_line = kit.names[chunk] and kit.names[chunk][callee]
    local names = by_line and by_line[line]
    if not names then return nil end
    local place = chunk .. ":" .. line .. callee
    used[place] = (used[place] or 0) % #names + 1
    return names[used[place]]
  end

  -- whether the text declares by name, as in: Tool "name" {…}
  function kit.is_declared_by_name(callee, name)
    return kit.declared[callee] ~= nil and kit.declared[callee][name] == true
  end
  -- What `Agent "name" {…}` looks up is declared again where the text declares by name, as in a loop: whether what is
  -- called now was looked up in the same line.
  local sought = setmetatable({}, { __mode = "k" }) -- what was declared -> the place where it was looked up
  local function place()
    local line, chunk = where()
    return chunk .. ":" .. line
  end
  function kit.note_lookup(callee, name, declared)
    if kit.is_declared_by_name(callee, name) then sought[declared] = place() end
  end
  function kit.was_looked_up(declared) return sought[declared] ~= nil and sought[declared] == place() end

  -- refuses text that cannot cross to the host
  function kit.check_text(primitive, what, text)
    if type(text) == "string" and not utf8len(text) then
      kit.fail(primitive, what .. ": UTF-8 text expected, got bytes that are none")
    end
    return text
  end

  -- A step depends on what it looks up by name, as on what it captures, and may not change what that captures.
  function kit.depend_on_declared(label, handle)
    local tracker = kit.live.tracker
    if not tracker then return end
    kit.depend(label)
    local _, watched = kit.description(handle)
    while tracker do
      tracker.looked_up = tracker.looked_up or {}
      tracker.looked_up[label] = tracker.looked_up[label] or watched
      tracker = tracker.parent
    end
  end

  -- `Agent "name"` and the like: what has that name, or what declares it where the text says that it is declared so.
  -- `bodies` has what is behind a handle, `otherwise` may give what stands in for a name that nothing has.
  function kit.by_name(primitive, family, handles, bodies, declare, otherwise)
    return function(first)
      if type(first) ~= "string" then return declare(kit.assigned_name(primitive), first) end
      kit.check_text(primitive, "name", first)
      local handle = handles[first]
      if handle then
        kit.note_lookup(primitive, first, bodies[handle])
        kit.depend_on_declared("\31" .. family .. " " .. first, handle)
        return handle
      end
      if kit.is_declared_by_name(primitive, first) then
        return function(parts) return declare(first, parts) end
      end
      return otherwise and otherwise(first) or kit.unknown(primitive, lower(primitive), first, handles)
    end
  end

  function kit.names_mocks() return kit.declared.Mocks ~= nil end

  -- raises the error of a name that nothing has; `declared` has what there is by name, as far as `counts` says so
  function kit.unknown(primitive, kind, name, declared, counts)
    local names = {}
    for each, value in next, declared do
      if not counts or counts(value) then names[#names + 1] = each end
    end
    sort(names)
    local known = #names == 0 and "none is declared" or format("the %ss are %s", kind, concat(names, ", "))
    kit.fail(primitive, format("unknown %s %q; %s", kind, name, known))
  end

  -- what a step declares would be missing where the step is not run again
  function kit.declaring(primitive)
    if kit.live.tracker then
      kit.fail(primitive, "a step cannot declare, since a replayed step does not run: declare it above the step, which can use it")
    end
  end

  ---- accepted, not run ----------------------------------------------------------------------------------

  local listed = {}

  local function put_in_list(text)
    listed[#listed + 1] = text
    kit.happened { "listed", text }
  end
  function kit.appliers.listed(effect) put_in_list(effect[2]) end

  local function list(what, title)
    if type(title) == "string" then what = format("%s %s", what, kit.show(title:sub(1, 60)):gsub("%s+", " ")) end
    put_in_list(format("%s (line %d)", what, (where())))
  end

  -- takes whatever follows, as in: Evaluation "name" {…}
  local accepted = setmetatable({}, {
    __metatable = false,
    __call = function(self) return self end,
    __tostring = function() return "a declaration that is not run" end,
  })

  for _, name in next, { "Specification", "Specifications", "Evaluation", "Evaluations" } do
    guest[name] = function(title)
      list(name, title)
      return accepted
    end
  end
  for _, name in next, { "Prompt", "return_prompt", "error_prompt", "status_prompt", "async", "max_depth", "max_turns" } do
    guest[name] = function(title)
      list(name, name == "Prompt" and title or nil)
      return accepted
    end
  end

  -- Step("text", fn): a step of a specification
  kit.calls[guest.Step] = function(_, text) list("Step", text) end

  -- for agents that name none
  kit.defaults = {}
  for _, name in next, { "provider", "model" } do
    guest["default_" .. name] = function(value)
      kit.check_text("default_" .. name, "name", kit.check("default_" .. name, "name", value))
      kit.declaring("default_" .. name)
      kit.defaults[name] = value
    end
  end

  -- tells once what of the text is not run
  function kit.tell_listed()
    if #listed > 0 then host.remark("not run here: " .. concat(listed, ", "), 0) end
    listed = {}
  end
end
