-- The record of all calls of tools, and what the handle of each tool tells of them.

local next, setmetatable = next, setmetatable
local format, concat = string.format, table.concat

return function(kit)
  local live = kit.live

  local calls = {}  -- every call, in order: {name=, args=, result=, error=}
  local tracked = {} -- name -> {count=, last=}: what the handle tells, since the last reset

  -- a step depends on the calls that were there before it made any itself
  local CALLS, COUNT = "\31calls of tools", "\31how many calls of tools"
  local texts = setmetatable({}, { __mode = "k" }) -- call -> its text
  local function met(tracker) return tracker and tracker.calls_met or #calls end
  kit.readers[COUNT] = function(tracker) return format("%d", met(tracker)) end
  kit.readers[CALLS] = function(tracker)
    local all = {}
    for i = 1, met(tracker) do
      local call = calls[i]
      texts[call] = texts[call] or kit.encode_sorted("Tool", call)
      all[i] = texts[call]
    end
    return concat(all, ",")
  end

  local function last_text(name)
    local seen = tracked[name]
    return seen and seen.count > 0 and format("%d %s", seen.count, kit.encode_sorted("Tool", seen.last)) or ""
  end
  kit.reader_family("tool", last_text)

  -- a call is over, whoever made it
  local function note(call)
    if live.tracker then kit.changing("\31tool " .. call.name) end
    local tracker = live.tracker
    while tracker do
      tracker.calls_met = tracker.calls_met or #calls
      tracker = tracker.parent
    end
    calls[#calls + 1] = call
    local seen = tracked[call.name] or { count = 0 }
    tracked[call.name] = { count = seen.count + 1, last = call }
    kit.happened { "called", call }
  end
  function kit.appliers.called(effect) note(kit.kept(effect[2])) end

  -- forgets what its handle tells of a tool
  local function reset(name)
    if live.tracker then kit.changing("\31tool " .. name, true) end
    tracked[name] = nil
    kit.happened { "uncalled", name }
  end
  function kit.appliers.uncalled(effect) reset(effect[2]) end

  -- what its handle tells of a tool
  local function seen_of(name)
    if live.tracker then kit.depend("\31tool " .. name) end
    return tracked[name] or { count = 0 }
  end

  function kit.tool_calls_text() return kit.rows_text("tool calls", calls, function(call) return call end) end

  kit.note_call, kit.reset_calls, kit.seen_calls = note, reset, seen_of

  -- how many calls there were, and all of them; not to be changed
  function kit.count_calls()
    if live.tracker then kit.depend(COUNT) end
    return #calls
  end
  function kit.all_calls()
    if live.tracker then kit.depend(CALLS) end
    return calls
  end
end
