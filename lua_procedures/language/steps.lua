-- Steps and the journal as the program sees it.

local type, next, select, ipairs, getmetatable = type, next, select, ipairs, getmetatable
local format, concat, unpack, error = string.format, table.concat, table.unpack, error
local mathtype, max, sort = math.type, math.max, table.sort

return function(kit)
  local guest, fail, live, host = kit.guest, kit.fail, kit.live, kit.host
  local encode, where, caught, pcall, getinfo = kit.encode, kit.where, kit.caught, kit.raw.pcall, kit.raw.getinfo
  local begin_step, end_step, isyieldable = host.begin_step, host.end_step, kit.raw.isyieldable
  local limit_memory = host.limit_memory

  -- A durable operation: State is looked through, then the host is asked. What ends a step's frame asks the host
  -- itself, by `kit.request`: an error there would leave the frame open.
  local function request(primitive, ...)
    kit.check_state(primitive)
    return kit.request(primitive, ...)
  end
  kit.operation = request

  -- what the host answers: "value" and values; "raise" and a recorded error; "refuse" and what is wrong with the call;
  -- "replay" and effects to put back, then one of these, packed
  local function result(primitive, action, ...)
    if action == "value" then return ... end
    if action == "raise" then
      local text, class, detail = ...
      if class ~= nil and type(text) == "string" then kit.classes[text] = { class, detail or "" } end
      error(text, 0)
    end
    if action == "replay" then
      local effects, outcome = ...
      kit.apply_effects(effects)
      return kit.result(primitive, unpack(outcome, 1, outcome.n))
    end
    return fail(primitive, ...) -- "refuse": message, class, detail
  end
  kit.result = result

  -- the State keys that a recorded step read, as they are now
  local function answer_reads(primitive, keys)
    local texts = {}
    kit.depend_on_reads(keys)
    for i, key in ipairs(keys) do texts[i] = encode(primitive, kit.read_text(key)) end
    return "[" .. concat(texts, ",") .. "]"
  end

  local function unchecked_text(unchecked)
    if not unchecked then return nil end
    local names = {}
    for name, why in next, unchecked do names[#names + 1] = (name == "" and "the function" or name) .. " (" .. why .. ")" end
    sort(names)
    return concat(names, ", ")
  end

  local ENDINGS = { assigns = "assigns the %s '%s'", changes = "changes the %s '%s'" }

  local function settle(effects, action, copies, ...)
    if copies then kit.settle_effects(effects, copies) end
    return result("Step", action, ...)
  end

  local function any_table(n, first, ...)
    if type(first) == "table" then return true end
    return n > 1 and any_table(n - 1, ...)
  end

  -- what a tool or an agent that the step looked up by name changed of its captures
  local function changed_by_lookups()
    for _, seen in next, live.tracker.looked_up do
      local how, name, what = kit.changed_capture(seen, kit.changed_in_state)
      if how then return how, name, what end
    end
  end

  local function check_captures(primitive, watched)
    local how, name, what = kit.changed_capture(watched, kit.changed_in_state)
    if not how and live.tracker.looked_up then how, name, what = changed_by_lookups() end
    if how then
      kit.abandon_effects()
      host.captured_changed(primitive .. " " .. format(ENDINGS[how], what, name), name)
      kit.stop()
    end
  end

  -- the step failed: the host keeps that until it is known whether the program goes on
  local function failed(primitive, value)
    local text, class, detail = kit.error_text(value)
    local parent = live.tracker.parent
    local fine, effects, effects_text, reads = pcall(kit.end_effects, primitive)
    if not caught(fine, effects) then
      live.tracker, effects, effects_text, reads = parent, nil, nil, nil
    end
    return settle(effects, kit.request(primitive, "fail", text, effects_text, reads, class, detail))
  end

  -- the function of a step ended: gives the host what came of it, and the program the recorded copy
  local function ended(primitive, watched, rng, fence, ok, ...)
    kit.unfence(fence)
    live.rng = rng
    check_captures(primitive, watched)
    if not ok then return failed(primitive, (...)) end
    local n = select("#", ...)
    if n <= 1 and not live.tracker.known then -- the common case: a scalar or nothing, and nothing else happened
      local text = n == 0 and "" or kit.scalar_text((...))
      if text then
        live.tracker = live.tracker.parent
        text = "[" .. text .. "]"
        if not end_step(text) then kit.request(primitive, "end", text, nil, nil, false) end
        return ...
      end
    end
    local fine, text = pcall(kit.encode_results, primitive, ...)
    if not caught(fine, text) then return failed(primitive, text) end
    local parent, effects, effects_text, reads = live.tracker.parent, nil, nil, nil
    fine, effects, effects_text, reads = pcall(kit.end_effects, primitive)
    if not caught(fine, effects) then
      live.tracker = { parent = parent } -- what the step did cannot be kept: it failed, without effects
      return failed(primitive, effects)
    end
    if any_table(select("#", ...), ...) then
      return settle(effects, kit.request(primitive, "end", text, effects_text, reads, true))
    end
    local _, copies = kit.request(primitive, "end", text, effects_text, reads, false) -- scalars are their own copies
    if copies then kit.settle_effects(effects, copies) end
    return ...
  end

  -- runs a step's function in a frame of its own
  local function run_frame(primitive, watched, fn)
    local rng = live.rng
    live.rng = nil
    kit.begin_effects(watched)
    return ended(primitive, watched, rng, kit.fence(), caught(pcall(fn)))
  end

  local PLAIN = { string = true, number = true }
  local asking = false -- the last step was recorded with what must be asked for, such as a table; the next is, likely

  local function begun(primitive, watched, fn, action, ...)
    asking = action == "value" and select("#", ...) > 0 and not PLAIN[type((...))]
    if action == "value" then return ... end
    if action == "run" then return run_frame(primitive, watched, fn) end
    if action == "check" then
      return begun(primitive, watched, fn, request(primitive, "reads", answer_reads(primitive, (...))))
    end
    return result(primitive, action, ...)
  end

  -- the line of the call; that of a tail call is forgotten, but not that of the function, which often stands in the call
  local function line_of(fn, line, chunk)
    local info = getinfo(fn, "S")
    return info.short_src == chunk and max(line, info.linedefined) or line
  end

  -- Most steps are new or recorded beyond question; they need no switch to the host's thread.
  local function begin(primitive, kind, name, asked, watched, unchecked, fn)
    local line, chunk, forgotten = where()
    if forgotten then line = line_of(fn, line, chunk) end
    if not unchecked and not asking and isyieldable() then
      kit.check_state(primitive)
      local answer = begin_step(kind, name, asked, line)
      if answer == true then return run_frame(primitive, watched, fn) end
      if answer == nil then return end -- which it returned
      if type(answer) == "string" then limit_memory() end -- which was lifted for it
      if answer then return answer end
    end
    return begun(primitive, watched, fn,
      request(primitive, "begin", kind, name, asked, line, unchecked_text(unchecked)))
  end

  local function check_function(primitive, fn)
    if type(fn) ~= "function" then kit.misuse(primitive, "fn", fn) end
  end

  guest.Step = {}

  guest.Step.run = function(name, fn, options)
    if type(name) ~= "string" or name == "" or not utf8.len(name) then
      kit.misuse("Step.run", "name", name)
    end
    check_function("Step.run", fn)
    local asked, watched, unchecked = kit.fingerprint(fn)
    if options ~= nil then
      kit.check("Step.run", "options", options)
      for k in next, options do
        if k ~= "inputs" then fail("Step.run", "unknown option " .. kit.show(k) .. "; the option is inputs") end
      end
      asked = asked .. "\30inputs\31" .. encode("Step.run", options.inputs, "$.inputs")
    end
    return begin("Step.run", "step", name, asked, watched, unchecked, fn)
  end

  function guest.Step.checkpoint(fn)
    check_function("Step.checkpoint", fn)
    local asked, watched, unchecked = kit.fingerprint(fn)
    return begin("Step.checkpoint", "checkpoint", "", asked, watched, unchecked, fn)
  end
  guest.checkpoint = guest.Step.checkpoint

  ---- Checkpoint ---------------------------------------------------------------------------------------

  local function check_position(primitive, k)
    if mathtype(k) == "integer" and k >= 0 then return k end
    if type(k) == "string" and k ~= "" and utf8.len(k) then return k end
    kit.misuse(primitive, "checkpoint", k)
  end

  guest.Checkpoint = {
    exists = function(k)
      return result("Checkpoint.exists", request("Checkpoint.exists", "query", "exists", check_position("Checkpoint.exists", k)))
    end,
    get = function(k)
      return result("Checkpoint.get", request("Checkpoint.get", "query", "get", check_position("Checkpoint.get", k)))
    end,
    clear_after = function(k)
      return result("Checkpoint.clear_after", request("Checkpoint.clear_after", "cut", check_position("Checkpoint.clear_after", k)))
    end,
    clear_all = function() return result("Checkpoint.clear_all", request("Checkpoint.clear_all", "cut", 0)) end,
    next_position = function() return host.next_position() end,
  }
end
