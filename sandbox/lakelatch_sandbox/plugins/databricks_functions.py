"""The functions of the databricks plugin: groups, service principals, the caller, federation policies."""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.databricks_policies import policies_path, properties
from lakelatch_sandbox.plugins.databricks_scim import collection, switches, values
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Function, State

_PAGE: Final = 100


async def _get_group(api: DatabricksApi, given: State) -> State:
    where, path = await collection(api, given, "Groups")
    name = given.get("displayName", "")
    found = await _listed(where, path, f'displayName eq "{name}"')
    if not found:
        raise PluginError(f"cannot find group: {name}")
    group = await where.call("GET", f"{path}/{found[0]['id']}", scim=True)
    members = group.get("members") or ()
    by_kind = {
        kind: sorted(str(one["value"]) for one in members if str(one.get("$ref", "")).startswith(f"{prefix}/"))
        for kind, prefix in (("users", "Users"), ("servicePrincipals", "ServicePrincipals"), ("childGroups", "Groups"))
    }
    parents = values(group, "groups")
    if given.get("recursive", True):
        waiting = [*parents]
        while waiting:
            parent = await where.call("GET", f"{path}/{waiting.pop()}", scim=True)
            new = [one for one in values(parent, "groups") if one not in parents]
            parents += new
            waiting += new
    return {
        **given,
        **switches(group),
        **by_kind,
        "id": group["id"],
        "displayName": group["displayName"],
        "externalId": group.get("externalId", ""),
        "aclPrincipalId": f"groups/{group['displayName']}",
        "members": sorted(values(group, "members")),
        "groups": sorted(parents),
        "instanceProfiles": sorted(values(group, "roles")),
        "roles": sorted(values(group, "roles")),
        "recursive": given.get("recursive", True),
    }


async def _listed(api: DatabricksApi, path: str, expression: str | None) -> list[dict[str, Any]]:
    query = {"filter": expression} if expression else None
    found: list[dict[str, Any]] = (await api.call("GET", path, query=query, scim=True)).get("Resources") or []
    return found


def _principal(document: Mapping[str, Any]) -> State:
    name = document["applicationId"]
    return {
        "id": document["id"],
        "scimId": document["id"],
        "spId": document["id"],
        "applicationId": name,
        "displayName": document.get("displayName", ""),
        "externalId": document.get("externalId", ""),
        "active": document.get("active", True),
        "home": f"/Users/{name}",
        "repos": f"/Repos/{name}",
        "aclPrincipalId": f"servicePrincipals/{name}",
    }


async def _get_service_principal(api: DatabricksApi, given: State) -> State:
    where, path = await collection(api, given, "ServicePrincipals")
    asked = {name: given[name] for name in ("applicationId", "displayName", "scimId") if given.get(name)}
    if len(asked) != 1:
        raise PluginError("please specify exactly one of application_id, display_name, or scim_id")
    [(name, value)] = asked.items()
    found = await _listed(where, path, f'{"id" if name == "scimId" else name} eq "{value}"')
    if len(found) != 1:
        raise PluginError(f"cannot find one service principal with {name} {value}: there are {len(found)}")
    return {**given, **_principal(found[0])}


async def _get_service_principals(api: DatabricksApi, given: State) -> State:
    where, path = await collection(api, given, "ServicePrincipals")
    part = given.get("displayNameContains")
    found = [_principal(one) for one in await _listed(where, path, f'displayName co "{part}"' if part else None)]
    names = sorted(str(one["applicationId"]) for one in found)
    return {**given, "id": part or "all", "applicationIds": names, "servicePrincipals": found}


async def _get_current_user(api: DatabricksApi, given: State) -> State:
    where = await api.workspace(given)
    me = await where.call("GET", "/api/2.0/preview/scim/v2/Me", scim=True)
    name = str(me["userName"])
    kind = "users" if "@" in name else "servicePrincipals"
    return {
        **given,
        "id": me["id"],
        "userName": name,
        "externalId": me.get("externalId", ""),
        "home": f"/Users/{name}",
        "repos": f"/Repos/{name}",
        "aclPrincipalId": f"{kind}/{name}",
        "alphanumeric": "".join(one if one.isalnum() else "_" for one in name.partition("@")[0]).lower(),
        "workspaceUrl": where.host,
    }


async def _get_policies(api: DatabricksApi, given: State) -> State:
    query = {"page_size": str(int(given.get("pageSize") or _PAGE))}
    found: list[State] = []
    while True:
        answer = await api.call("GET", policies_path(api, given), query=query)
        found += [properties(one, {}) for one in answer.get("policies") or ()]
        if not answer.get("next_page_token"):
            return {**given, "policies": found}
        query["page_token"] = answer["next_page_token"]


FUNCTIONS: Final[tuple[Function[DatabricksApi], ...]] = tuple(
    Function(f"databricks:index/{name}:{name}", module, call)
    for name, module, call in (
        ("getGroup", "get_group", _get_group),
        ("getServicePrincipal", "get_service_principal", _get_service_principal),
        ("getServicePrincipals", "get_service_principals", _get_service_principals),
        ("getCurrentUser", "get_current_user", _get_current_user),
        ("getAccountFederationPolicies", "get_account_federation_policies", _get_policies),
        ("getServicePrincipalFederationPolicies", "get_service_principal_federation_policies", _get_policies),
    )
)
