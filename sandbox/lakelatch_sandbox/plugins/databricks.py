"""The databricks resources: requests, ids and quirks as they were observed of the official plugin 1.106.0."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel, from_wire, snake, to_wire

_SCIM: Final = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_ATTRIBUTES: Final = {"attributes": "userName,displayName,active,externalId,entitlements"}
_PRINCIPAL: Final = {name: name for name in ("displayName", "active", "applicationId", "externalId")}
_ENTITLEMENTS: Final = {
    "allowClusterCreate": "allow-cluster-create",
    "allowInstancePoolCreate": "allow-instance-pool-create",
    "databricksSqlAccess": "databricks-sql-access",
    "workspaceAccess": "workspace-access",
    "workspaceConsume": "workspace-consume",
}


async def _principals(api: DatabricksApi, state: State) -> str:
    """The SCIM collection: the account's when the host says `account` in lower case, or the program does by `api`."""
    level = state.get("api")
    if not level:
        level = (await api.metadata()).get("host_type")
        if level == "unified":
            raise PluginError("please set api to account or workspace", hint='pass `api="account"` to the resource')
    return f"{api.account_path}/scim/v2/ServicePrincipals" if level == "account" else _WORKSPACE_PRINCIPALS


_WORKSPACE_PRINCIPALS: Final = "/api/2.0/preview/scim/v2/ServicePrincipals"


def _principal_body(inputs: State) -> dict[str, Any]:
    granted = [{"value": value} for name, value in _ENTITLEMENTS.items() if inputs.get(name)]
    # The official plugin sends one empty entry when there are none.
    return {**to_wire(inputs, _PRINCIPAL), "schemas": [_SCIM], "entitlements": granted or [{}]}


def _principal_state(document: dict[str, Any], given: State) -> State:
    granted = {entry.get("value") for entry in document.get("entitlements") or ()}
    application = document.get("applicationId") or document.get("userName")
    kept: State = {name: given[name] for name in ("api", "disableAsUserDeletion") if name in given}
    return {
        **kept,
        **from_wire(document, _PRINCIPAL),
        **{name: value in granted for name, value in _ENTITLEMENTS.items()},
        "applicationId": application,
        "home": f"/Users/{application}",
        "repos": f"/Repos/{application}",
        "aclPrincipalId": f"servicePrincipals/{application}",
    }


async def _create_principal(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    made = await api.call("POST", await _principals(api, inputs), _principal_body(inputs), scim=True)
    return str(made["id"]), await _read_principal(api, str(made["id"]), inputs) or {}


async def _read_principal(api: DatabricksApi, id: str, state: State) -> State | None:
    path = f"{await _principals(api, state)}/{id}"
    document = await api.call("GET", path, query=_ATTRIBUTES, scim=True, missing=True)
    return None if document is None else _principal_state(document, state)


async def _update_principal(api: DatabricksApi, id: str, old: State, new: State) -> State:
    path = f"{await _principals(api, new)}/{id}"
    # What counts at creation only keeps the value that it had then.
    kept = {**new, "disableAsUserDeletion": old.get("disableAsUserDeletion", True)}
    await api.call("PUT", path, _principal_body({**old, **new}), scim=True)
    return await _read_principal(api, id, kept) or {}


async def _delete_principal(api: DatabricksApi, id: str, state: State) -> None:
    path = f"{await _principals(api, state)}/{id}"
    if state.get("disableAsUserDeletion", True):
        operation = {"op": "replace", "path": "active", "value": [{"value": "false"}]}
        await api.call("PATCH", path, {"schemas": [_PATCH], "Operations": [operation]}, scim=True, missing=True)
    else:
        await api.call("DELETE", path, scim=True, missing=True)


_POLICY: Final = ("description", "policyId", "servicePrincipalId", "createTime", "name", "uid", "updateTime")
_SENT_ONCE: Final = ("updateTime",)


def _policies(api: DatabricksApi, state: State) -> str:
    if (principal := state.get("servicePrincipalId")) is None:
        return f"{api.account_path}/federationPolicies"
    return f"{api.account_path}/servicePrincipals/{int(principal)}/federationPolicies"


def _policy_body(state: State) -> dict[str, Any]:
    body = snake({name: state.get(name) for name in _POLICY if name not in _SENT_ONCE})
    if "service_principal_id" in body:
        body["service_principal_id"] = int(body["service_principal_id"])
    if state.get("oidcPolicy") is not None:
        body["oidc_policy"] = snake(state["oidcPolicy"])
    return body


def _policy_state(document: dict[str, Any], given: State) -> State:
    state = {name: item for name, item in camel(document).items() if name in _POLICY}
    if document.get("oidc_policy") is not None:
        state["oidcPolicy"] = camel(document["oidc_policy"])
    if "servicePrincipalId" in given:
        state["servicePrincipalId"] = given["servicePrincipalId"]
    return state


async def _create_policy(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    query = {"policy_id": inputs["policyId"]} if inputs.get("policyId") else None
    document = await api.call("POST", _policies(api, inputs), _policy_body(inputs), query)
    return "id", _policy_state(document, inputs)  # the official plugin's id is this literal, for every policy


async def _read_policy(api: DatabricksApi, id: str, state: State) -> State | None:
    document = await api.call("GET", f"{_policies(api, state)}/{state['policyId']}", missing=True)
    return None if document is None else _policy_state(document, state)


async def _update_policy(api: DatabricksApi, id: str, old: State, new: State) -> State:
    body = _policy_body({**old, **new})
    path = f"{_policies(api, old)}/{old['policyId']}"
    return _policy_state(await api.call("PATCH", path, body, {"update_mask": "description,oidc_policy"}), old)


async def _delete_policy(api: DatabricksApi, id: str, state: State) -> None:
    await api.call("DELETE", f"{_policies(api, state)}/{state['policyId']}", missing=True)


def _identify_policy(id: str) -> State:
    principal, comma, policy = id.rpartition(",")
    return {"policyId": policy, **({"servicePrincipalId": float(principal)} if comma else {})}


def _assignments(api: DatabricksApi, workspace: str) -> str:
    return f"{api.account_path}/workspaces/{workspace}/permissionassignments"


def _identify_assignment(id: str) -> State:
    workspace, _, principal = id.partition("|")
    return {"workspaceId": workspace, "principalId": principal}


async def _create_assignment(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    path = f"{_assignments(api, inputs['workspaceId'])}/principals/{inputs['principalId']}"
    await api.call("PUT", path, {"permissions": sorted(inputs["permissions"])})
    id = f"{inputs['workspaceId']}|{inputs['principalId']}"
    return id, await _read_assignment(api, id, inputs) or {}


async def _read_assignment(api: DatabricksApi, id: str, state: State) -> State | None:
    wanted = _identify_assignment(id)
    listed = await api.call("GET", _assignments(api, wanted["workspaceId"]), missing=True) or {}
    for entry in listed.get("permission_assignments") or ():
        if str(entry["principal"]["principal_id"]) == wanted["principalId"] and entry.get("permissions"):
            return {**wanted, "permissions": entry["permissions"]}
    return None


async def _delete_assignment(api: DatabricksApi, id: str, state: State) -> None:
    wanted = _identify_assignment(id)
    path = f"{_assignments(api, wanted['workspaceId'])}/principals/{wanted['principalId']}"
    await api.call("DELETE", path, missing=True)


def _federation(type_token: str, module: str) -> Spec[DatabricksApi]:
    return Spec(
        type=type_token,
        module=module,
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        identify=_identify_policy,
        replace_on=frozenset({"policyId", "servicePrincipalId"}),
        filled=frozenset({"policyId"}),
        volatile=frozenset({"updateTime"}),
        exact=True,
    )


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    Spec(
        type="databricks:index/servicePrincipal:ServicePrincipal",
        module="service_principal",
        create=_create_principal,
        read=_read_principal,
        update=_update_principal,
        delete=_delete_principal,
        defaults={"active": True},
        replace_on=frozenset({"applicationId"}),
        filled=frozenset({"applicationId", "displayName", "home", "repos", "aclPrincipalId"}),
        fixed=frozenset({"disableAsUserDeletion"}),
        unsupported=frozenset({"force", "forceDeleteHomeDir", "forceDeleteRepos", "providerConfig"}),
    ),
    _federation(
        "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy",
        "service_principal_federation_policy",
    ),
    _federation("databricks:index/accountFederationPolicy:AccountFederationPolicy", "account_federation_policy"),
    Spec(
        type="databricks:index/mwsPermissionAssignment:MwsPermissionAssignment",
        module="mws_permission_assignment",
        create=_create_assignment,
        read=_read_assignment,
        delete=_delete_assignment,
        identify=_identify_assignment,
        # The engine makes the new one first; the deletion of the old one then takes the grant away: a sourced hazard.
        replace_on=frozenset({"permissions", "principalId", "workspaceId"}),
        sets=frozenset({"permissions"}),
    ),
)
