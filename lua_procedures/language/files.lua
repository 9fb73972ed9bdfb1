-- Files of the run's folder, and the modules that read and write them by their format.

local type, next, getmetatable = type, next, getmetatable
local find, format, gsub, utf8len = string.find, string.format, string.gsub, utf8.len

local MAX_PATH = 4096 -- bytes

return function(kit)
  local guest, fail, encode, where = kit.guest, kit.fail, kit.encode, kit.where
  local request, result = kit.operation, kit.result

  ---- arguments ----------------------------------------------------------------------------------------

  local function expected(primitive, argument, words, value)
    local got = value == nil and "nil" or value == "" and '""' or "a " .. type(value)
    fail(primitive, format("%s: %s expected, got %s", argument, words, got))
  end

  local function check_path(primitive, path)
    if type(path) ~= "string" or path == "" then expected(primitive, "path", "a non-empty string", path) end
    if #path > MAX_PATH then fail(primitive, format("path: more than %d bytes long", MAX_PATH)) end
    if not utf8len(path) or find(path, "%c") then fail(primitive, "path: UTF-8 text without control characters expected") end
  end

  local function check_text(primitive, text)
    if type(text) ~= "string" then expected(primitive, "text", "a string", text) end
    if #text > kit.limits.bytes then
      fail(primitive, format("text: %d bytes, and limits max_bytes is %d", #text, kit.limits.bytes))
    end
  end

  ---- File ---------------------------------------------------------------------------------------------

  local function ask(primitive, operation, path)
    check_path(primitive, path)
    return result(primitive, request(primitive, "file", operation, path, (where())))
  end

  local function write(primitive, path, text)
    check_path(primitive, path)
    check_text(primitive, text)
    return result(primitive, request(primitive, "file", "write", path, (where()), encode(primitive, text)))
  end

  guest.File = kit.both_forms({
    read = function(path) return ask("File.read", "read", kit.check("File.read", "path", path)) end,
    write = function(path, text)
      kit.check("File.write", "path", path)
      return write("File.write", path, kit.check("File.write", "text", text))
    end,
    exists = function(path) return ask("File.exists", "exists", kit.check("File.exists", "path", path)) end,
    size = function(path) return ask("File.size", "size", kit.check("File.size", "path", path)) end,
  })
  kit.modules["tactus.io.file"] = kit.both_forms({
    read = guest.File.read, write = guest.File.write, exists = guest.File.exists, size = guest.File.size,
  })

  ---- JSON ---------------------------------------------------------------------------------------------

  local function json_of(path, text)
    if not utf8len(text) then fail("json.read", path .. ": not UTF-8 text") end
    return kit.decode_json("json.read", gsub(text, "^\u{FEFF}", ""), path .. ": ")
  end

  kit.modules["tactus.io.json"] = kit.both_forms({
    read = function(path) return json_of(path, ask("json.read", "read", path)) end,
    write = function(path, value)
      check_path("json.write", path)
      return write("json.write", path, kit.encode_json("json.write", value))
    end,
  })

  ---- tables of values -----------------------------------------------------------------------------------

  -- the columns that an optional last argument gives: {headers = {…}}, or the list itself
  local function headers_of(primitive, options)
    if options == nil then return kit.null end
    if type(options) ~= "table" or getmetatable(options) ~= nil then
      expected(primitive, "options", "a table of options", options)
    end
    if options[1] ~= nil then return options end
    for name in next, options do
      if name ~= "headers" then fail(primitive, "unknown option " .. kit.show(name) .. "; the option is headers") end
    end
    return options.headers == nil and kit.null or options.headers
  end

  local function table_files(name, delimiter)
    local reading, writing = name .. ".read", name .. ".write"
    return kit.both_forms({
      read = function(path)
        check_path(reading, path)
        return result(reading, request(reading, "table of a file", path, (where()), delimiter))
      end,
      write = function(path, rows, options)
        check_path(writing, path)
        if type(rows) ~= "table" then expected(writing, "rows", "a list of tables", rows) end
        local headers = encode(writing, headers_of(writing, options), "$.headers")
        local text = "[" .. kit.encode_sorted(writing, rows, "$.rows") .. "," .. headers .. "]"
        return result(writing, request(writing, "file of a table", path, (where()), delimiter, text))
      end,
    })
  end
  kit.modules["tactus.io.csv"] = table_files("csv", ",")
  kit.modules["tactus.io.tsv"] = table_files("tsv", "\t")
end
