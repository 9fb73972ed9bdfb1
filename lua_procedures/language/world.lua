-- The guest's world: what a program can reach, how it is stopped, and how it asks the host.
--
-- A durable operation is a yield of REQUEST and plain values to the host; nothing of Python enters.
-- A latch, once set, ends the program: the hook raises it at every instruction, and whatever could
-- swallow an error (pcall, coroutines) raises it again.

local raw = {
  error = error, pcall = pcall, xpcall = xpcall, load = load, tostring = tostring, type = type,
  setmetatable = setmetatable, getmetatable = getmetatable, rawget = rawget, rawequal = rawequal, next = next,
  create = coroutine.create, resume = coroutine.resume, yield = coroutine.yield, running = coroutine.running,
  isyieldable = coroutine.isyieldable, status = coroutine.status, close = coroutine.close,
  getinfo = debug.getinfo, sethook = debug.sethook, gethook = debug.gethook, traceback = debug.traceback,
  pack = table.pack, unpack = table.unpack, concat = table.concat,
  find = string.find, sub = string.sub, format = string.format,
}

local OWN = "=(lua_procedures)" -- the chunk name of everything that is ours
local HOOK_COUNT = 1000
local MAX_LOAD = 1000000

return function(kit)
  local host = kit.host
  local tick, limit_memory = host.tick, host.limit_memory
  local error, type, rawequal, getinfo, next = raw.error, raw.type, raw.rawequal, raw.getinfo, raw.next
  local yield, isyieldable = raw.yield, raw.isyieldable

  local REQUEST, REFUSED, LATCH = {}, {}, {}
  local latched = false
  local weak = { __mode = "k" }
  local threads, contexts = {}, {}                  -- by the host's number of a thread
  local hosted = raw.setmetatable({}, weak)         -- coroutines that the host resumes
  local fences = raw.setmetatable({}, weak)         -- coroutines inside a step: they may not yield
  local live = { id = 0 }                           -- what belongs to the thread that runs now

  kit.raw = raw
  kit.REQUEST = REQUEST
  kit.live = live

  ---- stopping -------------------------------------------------------------------------------------

  local function hook()
    if latched or tick() ~= 0 then
      latched = true
      raw.sethook(hook, "", 1)
      error(LATCH, 0)
    end
  end

  local function stop()
    latched = true
    error(LATCH, 0)
  end
  kit.stop = stop

  -- The hook doubles the time of what runs under it. Work of ours that calls nothing of the program's goes without it,
  -- and asks now and then whether to stop; short pieces of it, of which a loop may be full, ask at every sixteenth.
  local unhooked, pieces = false, 0

  function kit.check_stop()
    if unhooked and (latched or tick() ~= 0) then stop() end
  end

  local function rehooked(...)
    unhooked = false
    raw.sethook(hook, "", latched and 1 or HOOK_COUNT)
    return ...
  end

  -- like pcall
  function kit.unhooked(f, ...)
    if not raw.gethook() then return raw.pcall(f, ...) end
    pieces = pieces + 1
    if pieces % 16 == 0 and tick() ~= 0 then stop() end
    raw.sethook()
    unhooked = true
    return rehooked(raw.pcall(f, ...))
  end

  local function is_memory(message) return rawequal(message, "not enough memory") end

  -- what every catcher of errors passes its results through
  local function caught(ok, ...)
    if latched then error(LATCH, 0) end
    if not ok then
      if is_memory((...)) then
        host.out_of_memory()
        stop()
      end
      if type((...)) == "userdata" then stop() end -- an exception of Python's; there is no other userdata
    end
    return ok, ...
  end
  kit.caught = caught

  ---- asking the host --------------------------------------------------------------------------------

  -- line and chunk of the guest's code that called us: the nearest frame that is not ours; where Lua forgot it (a tail
  -- call), the last ones known, and true
  local caller, chunk -- the function of the guest that was found last, and its chunk; most often it calls again
  local function where()
    local info = getinfo(3, "lf") -- 1 is this function, 2 one of ours
    if not info or info.func ~= caller then
      local level = 3
      repeat
        info = getinfo(level, "Slf")
        level = level + 1
      until not info or (info.currentline > 0 and info.source ~= OWN)
      if not info then return live.line or 0, live.chunk or "cell", true end
      caller, chunk = info.func, info.short_src
    end
    live.line, live.chunk = info.currentline, chunk
    return info.currentline, chunk
  end
  kit.where = where

  -- raises an error of ours: a string with the position, whose class the host finds again
  local function fail(primitive, message, class, detail)
    local line, chunk = where()
    local text = raw.format("%s: %s", primitive, message)
    if line > 0 then text = raw.format("%s:%d: %s", chunk, line, text) end
    if class then kit.classes[text] = { class, detail or "" } end
    error(text, 0)
  end
  kit.fail = fail
  kit.classes = {}

  local function answered(first, ...)
    if rawequal(first, REFUSED) then return fail(live.asking or "this call", kit.CANNOT_WAIT) end
    return first, ...
  end
  kit.CANNOT_WAIT = "cannot wait here: the Lua that runs now (an xpcall handler, __tostring or __close) cannot be suspended"

  function kit.request(primitive, op, ...)
    if latched then error(LATCH, 0) end
    if not isyieldable() then fail(primitive, kit.CANNOT_WAIT) end
    live.asking = primitive
    return answered(yield(REQUEST, op, ...))
  end

  ---- catching -----------------------------------------------------------------------------------------

  local guest = kit.guest -- what the program sees
  guest.error, guest.assert = raw.error, kit.lib.assert

  function guest.pcall(f, ...) return caught(raw.pcall(f, ...)) end

  function guest.xpcall(f, handler, ...)
    local function handle(message)
      if latched or is_memory(message) then return message end
      local _, result = caught(raw.pcall(handler, message)) -- its own error is the result, not "error in error handling"
      return result
    end
    return caught(raw.xpcall(f, handle, ...))
  end

  ---- coroutines ---------------------------------------------------------------------------------------

  local function create(f)
    if type(f) ~= "function" then error("bad argument #1 to 'create' (function expected)", 3) end
    local co = raw.create(f)
    raw.sethook(co, hook, "", HOOK_COUNT)
    return co
  end

  local function check_thread(co, name)
    if type(co) ~= "thread" then error("bad argument #1 to '" .. name .. "' (coroutine expected)", 3) end
  end

  -- a request made inside the program's own coroutine goes up to the host, and its answer down again
  local function relay(co, ok, tag, ...)
    if latched then error(LATCH, 0) end
    if ok and rawequal(tag, REQUEST) then
      if not raw.isyieldable() then return relay(co, raw.resume(co, REFUSED)) end
      return relay(co, raw.resume(co, raw.yield(REQUEST, ...)))
    end
    return caught(ok, tag, ...)
  end

  local function resume(co, ...) return relay(co, raw.resume(co, ...)) end

  local function unwrap(ok, ...)
    if not ok then error((...), 0) end
    return ...
  end

  local function may_yield(co) return not hosted[co] and (fences[co] or 0) == 0 end

  guest.coroutine = {
    create = function(f) return create(f) end,
    resume = function(co, ...) check_thread(co, "resume") return resume(co, ...) end,
    wrap = function(f)
      local co = create(f)
      return function(...) return unwrap(resume(co, ...)) end
    end,
    yield = function(...)
      local co = raw.running()
      if hosted[co] then fail("coroutine.yield", "outside a coroutine: only a coroutine of your own can yield") end
      if not may_yield(co) then fail("coroutine.yield", "out of a step: a step must end before its coroutine yields") end
      return raw.yield(...)
    end,
    status = function(co) check_thread(co, "status") return raw.status(co) end,
    running = function()
      local co = raw.running()
      return co, hosted[co] == true
    end,
    isyieldable = function(co)
      if co ~= nil then check_thread(co, "isyieldable") end
      return may_yield(co or raw.running()) and raw.isyieldable()
    end,
    close = function(co)
      check_thread(co, "close")
      if latched then error(LATCH, 0) end
      if co == raw.running() then fail("coroutine.close", "a coroutine cannot close itself while it runs") end
      return caught(raw.close(co))
    end,
  }

  -- keeps the coroutine that runs now from yielding while a frame is open in it
  function kit.fence()
    local co = raw.running()
    fences[co] = (fences[co] or 0) + 1
    return co
  end
  function kit.unfence(co) fences[co] = fences[co] - 1 end

  ---- names ----------------------------------------------------------------------------------------------

  -- lets what a table has be called with a dot and with a colon
  function kit.both_forms(owner)
    for name, f in next, owner do
      owner[name] = function(first, ...)
        if rawequal(first, owner) then return f(...) end
        return f(first, ...)
      end
    end
    return owner
  end

  local env = {}
  local warned = {} -- the globals that were read and are not there
  kit.warned = warned
  raw.setmetatable(guest, {
    __metatable = false,
    __index = function(_, name)
      if type(name) == "string" and not warned[name] then
        warned[name] = true
        kit.happened { "warned", name }
        host.unknown_global(name, (where()))
      end
      return nil
    end,
  })
  raw.setmetatable(env, { __index = guest, __metatable = false })
  guest._G = env
  guest._VERSION = "Lua 5.5"
  kit.env = env

  function guest.setmetatable(t, mt)
    if type(t) ~= "table" then error("bad argument #1 to 'setmetatable' (table expected, got " .. type(t) .. ")", 2) end
    if t == env or kit.known[t] then error("cannot change a protected metatable", 2) end
    if type(mt) == "table" and raw.rawget(mt, "__gc") ~= nil then
      error("__gc is not available: finalisers run where nothing can stop them", 2)
    end
    if mt ~= nil and type(mt) ~= "table" then
      error("bad argument #2 to 'setmetatable' (nil or table expected, got " .. type(mt) .. ")", 2)
    end
    local ok, message = raw.pcall(raw.setmetatable, t, mt)
    if not ok then error(message, 2) end
    return t
  end

  function guest.getmetatable(t)
    if type(t) ~= "table" then return nil end
    return raw.getmetatable(t)
  end

  function guest.load(chunk, name, mode, environment)
    if type(chunk) == "function" then
      local pieces, size = {}, 0
      for piece in chunk do
        if piece == "" then break end
        if type(piece) ~= "string" then return nil, "reader function must return a string" end
        size = size + #piece
        if size > MAX_LOAD then break end
        pieces[#pieces + 1] = piece
      end
      chunk = raw.concat(pieces)
    end
    if type(chunk) ~= "string" then error("bad argument #1 to 'load' (string expected)", 2) end
    if #chunk > MAX_LOAD then return nil, "chunk too large (limit " .. MAX_LOAD .. " bytes)" end
    if mode == "b" then return nil, "bytecode is not available" end
    -- a name of ours, or of a text of the program, would pass for it
    if type(name) ~= "string" or rawequal(name, OWN) or kit.functions[name] then name = "=(load)" end
    if environment == nil then environment = env end
    local f, message = raw.load(chunk, name, "t", environment)
    if f then return f end
    return nil, type(message) == "table" and message.value or message -- `describe` sees what the parser raises
  end

  ---- threads of the host ------------------------------------------------------------------------------

  -- the innermost line of the program in a traceback, for errors that carry no position
  local function describe(message)
    if latched or is_memory(message) then return message end
    local line = nil
    for level = 2, 30 do
      local info = raw.getinfo(level, "Sl")
      if not info then break end
      if info.currentline > 0 and info.source ~= OWN then
        line = info.currentline
        break
      end
    end
    return { value = message, traceback = raw.traceback("", 2), line = line or 0 }
  end

  local function finished(ok, ...)
    if latched then error(LATCH, 0) end
    if ok then return "done", kit.encode_results("return", ...) end
    local fault = (...)
    if is_memory(fault) then
      host.out_of_memory()
      stop()
    end
    local text, class, detail = kit.error_text(fault.value)
    return "failed", text, class, detail, fault.line, kit.utf8(fault.traceback)
  end

  -- a coroutine that the host drives; it ends by returning "done" or "failed" and texts
  function kit.new_thread(id, f, ...)
    local arguments = raw.pack(...)
    local co = raw.create(function()
      return finished(raw.xpcall(f, describe, raw.unpack(arguments, 1, arguments.n)))
    end)
    raw.sethook(co, hook, "", HOOK_COUNT)
    hosted[co] = true
    threads[id] = co
    contexts[id] = { id = id }
  end

  local function report(ok, tag, ...)
    if latched then return "latched" end
    if not ok then
      if is_memory(tag) then return "memory" end
      return "failed", kit.error_text(type(tag) == "string" and tag or "an error that cannot be told")
    end
    if rawequal(tag, REQUEST) then return ... end
    return tag, ...
  end

  local function switch(id)
    local left = contexts[live.id]
    for k in next, live do
      if left then left[k] = live[k] end
      live[k] = nil
    end
    for k, v in next, contexts[id] do live[k] = v end
  end

  -- called by the host with the memory limit lifted, so that pushing arguments cannot fail
  function kit.resume(id, ...)
    limit_memory()
    if live.id ~= id then switch(id) end
    return report(raw.resume(threads[id], ...))
  end

  function kit.drop(id) threads[id], contexts[id] = nil, nil end
end
