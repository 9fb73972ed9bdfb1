-- Errors about arguments. What is expected of them comes from the primitives' own table, as a text that is looked
-- through only when a call is wrong or is checked by it: a line per argument, its fields separated by "\31".

local type, next, rawequal, getmetatable, error = type, next, rawequal, getmetatable, error
local find, sub, gmatch, format, gsub = string.find, string.sub, string.gmatch, string.format, string.gsub
local tointeger, tonumber, ipairs = math.tointeger, tonumber, ipairs
local sort, concat = table.sort, table.concat

local FIELDS = { "primitive", "argument", "within", "words", "kinds", "form", "flags", "least", "most", "among" }
local NAMES = { ["nil"] = "nil", thread = "a coroutine", userdata = "a userdata" }
local MAX_SHOWN = 60

return function(kit)
  local fail, text = kit.fail, kit.arguments
  local known = {} -- the arguments of each primitive that was looked up: by name, and in order

  ---- looking up -----------------------------------------------------------------------------------------

  local function words_of(field)
    local words, any = {}, nil
    for word in gmatch(field, "%S+") do words[word], any = true, true end
    return any and words
  end

  local function rule_of(line)
    local rule, i = {}, 0
    for field in gmatch(line, "([^\31]*)\31?") do
      i = i + 1
      if FIELDS[i] then rule[FIELDS[i]] = field end
    end
    rule.kinds, rule.flags, rule.among = words_of(rule.kinds), words_of(rule.flags) or {}, words_of(rule.among or "")
    rule.least, rule.most = tonumber(rule.least), tonumber(rule.most)
    return rule
  end

  local function rules_of(primitive)
    local rules = known[primitive]
    if rules then return rules end
    rules = {}
    known[primitive] = rules
    local head = "\n" .. primitive .. "\31"
    local at = find(text, head, 1, true)
    while at do
      local stop = find(text, "\n", at + 1, true)
      local rule = rule_of(sub(text, at + 1, stop - 1))
      rules[#rules + 1], rules[rule.argument] = rule, rule
      at = sub(text, stop, stop + #head - 1) == head and stop
    end
    return rules
  end

  local function rule_for(primitive, argument)
    return rules_of(primitive)[argument] or error("no row for " .. primitive .. ": " .. argument)
  end

  ---- checking -------------------------------------------------------------------------------------------

  local function fits_table(rule, value)
    if rule.form == "any" then return true end
    if getmetatable(value) ~= nil then return false end
    if next(value) == nil then return not rule.flags.filled end
    if rule.form == "plain" then return true end
    return (rule.form == "list") == (value[1] ~= nil)
  end

  local function fits_number(rule, value)
    if rule.flags.whole and not tointeger(value) then return false end
    return (not rule.least or value >= rule.least) and (not rule.most or value <= rule.most)
  end

  local function fits(rule, value)
    local kind = type(value)
    if kind == "nil" or rawequal(value, kit.null) and rule.within ~= "" then return not rule.flags.required end
    if not rule.kinds[kind] then return false end
    if kind == "table" then return fits_table(rule, value) end
    if kind == "number" then return fits_number(rule, value) end
    if kind == "string" then
      return not (rule.flags.filled and value == "") and (not rule.among or rule.among[value] == true)
    end
    return true
  end

  ---- telling --------------------------------------------------------------------------------------------

  local function shown(value)
    if type(value) ~= "string" then return kit.tostring(value) end
    local quoted = gsub(format("%q", kit.utf8(value)), "\\\n", "\\n")
    if #quoted <= MAX_SHOWN then return quoted end
    return sub(quoted, 1, (utf8.offset(quoted, 0, MAX_SHOWN)) - 1) .. "…"
  end

  local function table_told(value)
    if rawequal(value, kit.null) then return "null" end
    if kit.handles[value] then return "a handle" end
    if getmetatable(value) ~= nil then return "a table with a metatable" end
    if next(value) == nil then return "an empty table" end
    return value[1] ~= nil and "a list" or "a table with named keys"
  end

  -- a value of a right type as itself, any other by its type
  local function given(rule, value)
    local kind = type(value)
    if kind == "table" then return table_told(value) end
    if rule.kinds[kind] and (kind == "string" or kind == "number" or kind == "boolean") then return shown(value) end
    return NAMES[kind] or "a " .. kind
  end

  local function refuse(rule, value)
    fail(rule.primitive, format("%s: %s expected, got %s", rule.argument, rule.words, given(rule, value)))
  end

  -- raises the error of an argument that is not what the table says
  function kit.misuse(primitive, argument, value) refuse(rule_for(primitive, argument), value) end

  local function names_in(known)
    local names = {}
    for name in next, known do names[#names + 1] = name end
    sort(names)
    return concat(names, "\31")
  end

  -- warns of a field of a declaration that has no meaning; `known` has those that have one as its keys
  function kit.unknown_field(primitive, field, known, what)
    local said = format("%s: unknown %s", primitive, what or "field")
    kit.host.unknown_field(said, kit.show(field), names_in(known), (kit.where()))
  end

  -- warns, once for all calls, of a key of the program's own that is a slip of a known one
  local met = {}
  function kit.unknown_key(primitive, key, known)
    local place = primitive .. "\31" .. key
    if met[place] or #key > MAX_SHOWN then return end
    met[place] = true
    kit.host.unknown_key(primitive, key, names_in(known), (kit.where()))
  end

  -- the same where the table says so; returns the value
  function kit.check(primitive, argument, value)
    local rule = rule_for(primitive, argument)
    if not fits(rule, value) then refuse(rule, value) end
    return value
  end

  -- checks a table of named options, or nil, and each option in it
  function kit.check_options(primitive, argument, options)
    kit.check(primitive, argument, options)
    if type(options) ~= "table" then return options end
    for _, rule in ipairs(rules_of(primitive)) do
      if rule.within == argument and not fits(rule, options[rule.argument]) then refuse(rule, options[rule.argument]) end
    end
    return options
  end
end
