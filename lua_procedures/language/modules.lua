-- `require`: our own modules, defined cells and files beside the program, each loaded once.

local type, next, rawequal, setmetatable = type, next, rawequal, setmetatable
local format = string.format

return function(kit)
  local guest, fail = kit.guest, kit.fail
  local loaded, loading = {}, {}

  local function globals()
    local now = {}
    for name, value in next, kit.env do now[name] = value end
    return now
  end

  -- what a text defined: a table of the globals it set, callable as its main procedure where it has one
  local function definitions(name, before, main)
    local set = {}
    for key, value in next, kit.env do
      if not rawequal(before[key], value) then set[key] = value end
    end
    if set.main and not main and type(set.main) == "function" then main = set.main end
    kit.env.main = before.main -- where the program starts is not for a module to say
    if not main then return set end
    local procedure = kit.module_procedure(name, main)
    if next(set) == nil then return procedure end
    return setmetatable(set, { __call = function(_, arguments) return procedure(arguments) end })
  end

  local function load(name, chunk)
    local before = globals()
    local main, results = kit.without_main(chunk, name)
    if results.n > 1 and results[2] ~= nil then return results[2] end
    return definitions(name, before, main)
  end

  function guest.require(name)
    kit.check_text("require", "name", kit.check("require", "name", name))
    if kit.modules[name] then return kit.modules[name] end
    if loaded[name] ~= nil then return loaded[name] end
    if loading[name] then fail("require", format("%s requires itself", name)) end
    local chunk = kit.result("require", kit.request("require", "module", name, (kit.where())))
    loading[name] = true
    local fine, value = kit.raw.pcall(load, name, chunk)
    loading[name] = nil
    if not kit.caught(fine, value) then kit.raw.error(value, 0) end
    loaded[name] = value
    return value
  end
end
