-- Reads out of a request what rules speak of, into dynamic metadata. What cannot mean one thing only is not read,
-- so that no condition about it is proven. Held against lakelatch/access/attributes.py by a test.

--[[TABLES]]

local Unreadable = {}

local function refuse()
  error(Unreadable)
end

-- UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
local function check_utf8(text)
  local at, size = 1, #text
  while at <= size do
    local one = text:byte(at)
    if one < 0x80 then
      at = at + 1
    else
      local length, low, high = 0, 0x80, 0xBF
      if one >= 0xC2 and one <= 0xDF then length = 1
      elseif one == 0xE0 then length, low = 2, 0xA0
      elseif one == 0xED then length, high = 2, 0x9F
      elseif one >= 0xE1 and one <= 0xEF then length = 2
      elseif one == 0xF0 then length, low = 3, 0x90
      elseif one == 0xF4 then length, high = 3, 0x8F
      elseif one >= 0xF1 and one <= 0xF3 then length = 3
      else refuse() end
      for step = 1, length do
        local next = text:byte(at + step)
        if not next or next < low or next > high then refuse() end
        low, high = 0x80, 0xBF
      end
      at = at + length + 1
    end
  end
end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  end
  return string.char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function space(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function hex(text, at)
  local digits = text:match("^%x%x%x%x", at)
  if not digits then refuse() end
  return tonumber(digits, 16)
end

-- A string whose opening quote is at `at`; gives its characters and the place behind its closing quote.
local function string_at(text, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = text:find('["\\%c]', at)
    if not stop then refuse() end
    parts[#parts + 1] = text:sub(at, stop - 1)
    local character = text:sub(stop, stop)
    if character == '"' then return table.concat(parts), stop + 1 end
    if character ~= "\\" then
      -- DEL is the one control character of Lua's class that JSON lets stand (RFC 8259 section 7).
      if character ~= "\127" then refuse() end
      parts[#parts + 1], at = character, stop + 1
    elseif text:sub(stop + 1, stop + 1) == "u" then
      local code = hex(text, stop + 2)
      at = stop + 6
      if code >= 0xD800 and code <= 0xDBFF and text:sub(at, at + 1) == "\\u" then
        local low = hex(text, at + 2)
        if low >= 0xDC00 and low <= 0xDFFF then
          code, at = 0x10000 + (code - 0xD800) * 1024 + (low - 0xDC00), at + 6
        end
      end
      if code >= 0xD800 and code <= 0xDFFF then refuse() end
      parts[#parts + 1] = utf8(code)
    else
      local plain = ESCAPES[text:sub(stop + 1, stop + 1)]
      if not plain then refuse() end
      parts[#parts + 1], at = plain, stop + 2
    end
  end
end

local function number_at(text, at)
  local stop = text:match("^-?%d+()", at)
  if not stop or text:find("^-?0%d", at) then refuse() end
  stop = text:match("^%.%d+()", stop) or stop
  stop = text:match("^[eE][+-]?%d+()", stop) or stop
  return tonumber(text:sub(at, stop - 1)), stop
end

local LITERALS = { { "true", true }, { "false", false }, { "null", nil } }
local value_at

local function object_at(text, at, depth)
  local found = {}
  local seen = {}
  at = space(text, at + 1)
  if text:sub(at, at) == "}" then return found, at + 1 end
  while true do
    if text:sub(at, at) ~= '"' then refuse() end
    local name, value
    name, at = string_at(text, at)
    if seen[name] then refuse() end
    seen[name] = true
    at = space(text, at)
    if text:sub(at, at) ~= ":" then refuse() end
    value, at = value_at(text, space(text, at + 1), depth)
    found[name] = value
    at = space(text, at)
    local character = text:sub(at, at)
    if character == "}" then return found, at + 1 end
    if character ~= "," then refuse() end
    at = space(text, at + 1)
  end
end

local function array_at(text, at, depth)
  at = space(text, at + 1)
  if text:sub(at, at) == "]" then return {}, at + 1 end
  while true do
    local _
    _, at = value_at(text, at, depth)
    at = space(text, at)
    local character = text:sub(at, at)
    if character == "]" then return {}, at + 1 end
    if character ~= "," then refuse() end
    at = space(text, at + 1)
  end
end

value_at = function(text, at, depth)
  local character = text:sub(at, at)
  if character == '"' then return string_at(text, at) end
  if character == "{" or character == "[" then
    if depth == 0 then refuse() end
    if character == "{" then return object_at(text, at, depth - 1) end
    return array_at(text, at, depth - 1)
  end
  for _, literal in ipairs(LITERALS) do
    if text:sub(at, at + #literal[1] - 1) == literal[1] then return literal[2], at + #literal[1] end
  end
  return number_at(text, at)
end

local function document(text)
  check_utf8(text)
  local at = space(text, 1)
  if text:sub(at, at) ~= "{" then refuse() end
  local found
  found, at = object_at(text, at, DEPTH - 1)
  if space(text, at) <= #text then refuse() end
  return found
end

local function plain_json(headers)
  local count = headers:getNumValues("content-type")
  if count > 1 or headers:getNumValues("content-encoding") > 0 then return false end
  if count == 0 then return true end
  local kind = headers:get("content-type"):lower()
  local rest = kind:match("^application/json(.*)$")
  if not rest then return false end
  return rest:match('^%s*$') ~= nil or rest:match('^;%s*charset="?utf%-8"?%s*$') ~= nil
end

local function attribute(member, value)
  if member.kind == "number" then return type(value) == "number" and value or nil end
  if type(value) ~= "string" then return nil end
  if member.kind == "seconds" then
    local digits = value:match("^(%d+)s$")
    return digits and #digits <= 6 and tonumber(digits) or nil
  end
  return value
end

local function read_body(handle, action)
  local buffer = handle:body()
  local text = buffer and buffer:getBytes(0, buffer:length()) or ""
  if #text > BODY_BYTES then refuse() end
  local found = { bytes = #text, readable = true }
  local members = MEMBERS[action]
  if members then
    if not plain_json(handle:headers()) then refuse() end
    local values = document(text)
    for name, member in pairs(members) do
      found[name] = attribute(member, values[member.json])
    end
  end
  return found
end

local function fitted(template, segments)
  local found = {}
  for index, expected in ipairs(template) do
    local name, verb = expected:match("^{([a-z_]+)%.*}(.*)$")
    if name and expected:find("...}", 1, true) then
      local rest = table.concat(segments, "/", index):gsub("/$", "")
      if rest == "" then return nil end
      found[name] = rest
      return found
    end
    local one = segments[index]
    if not one then return nil end
    if not name then
      if one ~= expected then return nil end
    elseif #one > #verb and one:sub(#one - #verb + 1) == verb then
      found[name] = one:sub(1, #one - #verb)
    else
      return nil
    end
  end
  if #template ~= #segments then return nil end
  return found
end

local function read_path(path, action)
  local segments = {}
  for segment in (path:gsub("[?#].*", "")):gmatch("/([^/]*)") do
    segments[#segments + 1] = segment
  end
  for _, template in ipairs(PATHS[action] or {}) do
    local found = fitted(template, segments)
    if found then return found end
  end
  return {}
end

local function tell(handle, namespace, found)
  -- Asked for anew: what was had before a body was waited for cannot be used behind it.
  local metadata = handle:streamInfo():dynamicMetadata()
  for name, value in pairs(found) do
    metadata:set(namespace, name, value)
  end
end

function envoy_on_request(handle)
  local action = handle:headers():get("x-lakelatch-action")
  -- As one table, which is there also when it is empty: a namespace is not.
  tell(handle, "lakelatch.path", { variables = read_path(handle:headers():get(":path"), action) })
  local readable, found = pcall(read_body, handle, action)
  if readable then tell(handle, "lakelatch.body", found) end
end
