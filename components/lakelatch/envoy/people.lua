-- Puts a person's Databricks token in the place of their own, and tells authorization the roles of their groups.
-- Whatever fails leaves the roles unset, and without roles authorization lets nothing through.

--[[CONSTANTS]]

-- Two generations of what is known by the whole token: looking up, forgetting and the bound cost nothing to speak of.
local young, old, count = {}, {}, 0

local function remember(token, entry)
  if count >= CAPACITY then old, young, count = young, {}, 0 end
  if not young[token] then count = count + 1 end
  young[token] = entry
end

local function known(token)
  local entry = young[token]
  if entry then return entry end
  entry = old[token]
  if entry then remember(token, entry) end
  return entry
end

local function asked(handle, token, policy, now)
  local answer, body = handle:httpCall(CLUSTER, {
    [":method"] = "POST", [":path"] = "/", [":authority"] = CLUSTER, ["x-policy"] = policy,
  }, token:sub(#"Bearer " + 1), TIMEOUT_MS)
  local roles, seconds = answer["x-roles"], tonumber(answer["x-seconds"])
  if not roles or not seconds then return nil end
  local entry = { policy = policy, roles = roles, due = now + seconds }
  if answer[":status"] == "200" then
    entry.authorization, entry.ends = "Bearer " .. body, now + tonumber(answer["x-usable-seconds"])
  else
    entry.failure = answer["x-failure"]
  end
  return entry
end

local function fresh(handle, token, policy, entry, now)
  local found = asked(handle, token, policy, now)
  if not found and entry and entry.policy == policy and entry.authorization and now < entry.ends then
    -- Nobody answers: what is held serves as long as it may.
    entry.due = math.min(now + RETRY_SECONDS, entry.ends)
    return entry
  end
  found = found or { failure = "unavailable" }
  if found.due then remember(token, found) end
  return found
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local token, policy = headers:get("authorization"), handle:filterContext():get("policy")
  local entry, now = known(token), os.time()
  if not entry or entry.policy ~= policy or now >= entry.due then
    if not headers:get(USER_HEADER) then return end
    entry = fresh(handle, token, policy, entry, now)
    headers = handle:headers()
  end
  if entry.authorization then
    headers:replace("authorization", entry.authorization)
  else
    headers:remove("authorization")
    headers:replace(EXCHANGE_HEADER, entry.failure or "")
  end
  if entry.roles then headers:replace(ROLES_HEADER, entry.roles) end
  if entry.roles and handle:filterContext():get("tell_roles") then
    local list = {}
    for role in entry.roles:gmatch("[^,]+") do list[#list + 1] = role end
    handle:streamInfo():dynamicMetadata():set(METADATA, "roles", list)
  end
end
