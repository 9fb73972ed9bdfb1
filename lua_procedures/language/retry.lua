-- Retry: a function is called again while it fails, with waits between that grow.

local next, type, rawequal, pack, unpack = next, type, rawequal, table.pack, table.unpack
local format, min = string.format, math.min

local PRIMITIVE = "Retry.with_backoff"
local DEFAULTS = { max_attempts = 3, initial_delay = 1, max_delay = 60, backoff_factor = 2, jitter = false }
local ALIASES = { retries = "max_attempts", base_delay = "initial_delay" }
local KNOWN = "max_attempts (or retries), initial_delay (or base_delay), max_delay, backoff_factor, jitter, on_error"

return function(kit)
  local fail, caught, pcall = kit.fail, kit.caught, kit.raw.pcall
  local random = kit.lib.math.random -- the run's own, whatever the program makes of math.random

  local function settings_of(options)
    kit.check_options(PRIMITIVE, "options", options)
    local settings = {}
    for alias, name in next, ALIASES do
      if options and options[alias] ~= nil then kit.check(PRIMITIVE, name, options[alias]) end
    end
    for name, default in next, DEFAULTS do settings[name] = default end
    for given, value in next, options or {} do
      local name = ALIASES[given] or given
      if DEFAULTS[name] == nil and name ~= "on_error" then
        fail(PRIMITIVE, format("unknown option %s; the options are %s", kit.show(given), KNOWN))
      end
      if name ~= given and options[name] ~= nil then
        fail(PRIMITIVE, format("%s and %s are the same option: give one of them", name, given))
      end
      if not rawequal(value, kit.null) then settings[name] = value end
    end
    return settings
  end

  -- the wait after an attempt; with jitter, so that many do not come back at once, from half of it on
  local function delay_of(settings, delay)
    delay = min(delay, settings.max_delay)
    return settings.jitter and delay * (0.5 + random() / 2) or delay
  end

  local function exhausted(settings, fault)
    local class = type(fault) == "string" and kit.classes[fault] or {}
    local plural = settings.max_attempts == 1 and "" or "s"
    fail(PRIMITIVE, format("Retry failed after %d attempt%s: %s", settings.max_attempts, plural, kit.show(fault)),
      class[1], class[2])
  end

  kit.guest.Retry = kit.both_forms({
    with_backoff = function(fn, options)
      kit.check(PRIMITIVE, "fn", fn)
      local settings = settings_of(options)
      local on_error, attempts, growing = settings.on_error, settings.max_attempts, settings.initial_delay
      for attempt = 1, attempts do
        local results = pack(caught(pcall(fn)))
        if results[1] then return unpack(results, 2, results.n) end
        local delay = attempt < attempts and delay_of(settings, growing) or 0
        if on_error then
          on_error({ attempt = attempt, max_attempts = attempts, error = results[2], delay = delay })
        end
        if delay > 0 then kit.sleep(PRIMITIVE, delay, format("attempt %d of %d failed", attempt, attempts)) end
        growing = min(growing * settings.backoff_factor, settings.max_delay)
        if attempt == attempts then exhausted(settings, results[2]) end
      end
    end,
  })
end
