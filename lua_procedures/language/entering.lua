-- Operations that are entered on each pass, such as a sub-procedure or a tool written in Lua: what is inside them is
-- answered from the journal, and what they do to State and the rest is simply done again.

local error = error

return function(kit)
  local live, caught, pcall = kit.live, kit.caught, kit.raw.pcall

  local function quit(primitive, value)
    local text, class, detail = kit.error_text(value)
    kit.request(primitive, "quit", text, class, detail)
    error(value, 0)
  end

  local function left(primitive, several, rng, fence, ok, ...)
    kit.unfence(fence)
    live.rng = rng
    if not ok then return quit(primitive, (...)) end
    local fine, text
    if several then fine, text = pcall(kit.encode_results, primitive, ...)
    else fine, text = pcall(kit.encode, primitive, (...)) end
    if not caught(fine, text) then return quit(primitive, text) end
    kit.request(primitive, "leave", text)
    return ...
  end

  -- Runs `fn` with the rest of the arguments in a frame of its own. `several` says that the operation has a list of
  -- results; otherwise its first one counts.
  function kit.enter(primitive, kind, name, several, fn, ...)
    kit.result(primitive, kit.operation(primitive, "enter", kind, name, (kit.where())))
    local rng = live.rng
    live.rng = nil
    return left(primitive, several, rng, kit.fence(), caught(pcall(fn, ...)))
  end
end
