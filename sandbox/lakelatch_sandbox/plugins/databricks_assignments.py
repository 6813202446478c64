"""What lets principals into a workspace: assignments of the account and of the workspace, entitlements, secrets."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from collections.abc import Iterator
from typing import Any, Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.databricks_scim import ENTITLEMENTS, granted, patch, switches
from lakelatch_sandbox.plugins.errors import VendorError
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel


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
    found = await _listed(api, _assignments(api, wanted["workspaceId"]), wanted["principalId"])
    return None if found is None else {**wanted, "permissions": found["permissions"]}


async def _listed(api: DatabricksApi, path: str, principal: str) -> Any:
    """There is no request for one assignment: all are listed, and the principal is looked for."""
    answer = await api.call("GET", path, missing=True) or {}
    for entry in answer.get("permission_assignments") or ():
        if str(entry["principal"]["principal_id"]) == principal and entry.get("permissions"):
            return entry
    return None


async def _delete_assignment(api: DatabricksApi, id: str, state: State) -> None:
    wanted = _identify_assignment(id)
    path = f"{_assignments(api, wanted['workspaceId'])}/principals/{wanted['principalId']}"
    await api.call("DELETE", path, missing=True)


_LOCAL: Final = "/api/2.0/preview/permissionassignments"
_NAMED: Final = {
    "groupName": "group_name",
    "servicePrincipalName": "service_principal_name",
    "userName": "user_name",
}


async def _create_local(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    where = await api.workspace(inputs)
    permissions = sorted(inputs["permissions"])
    if id := inputs.get("principalId"):
        await where.call("PUT", f"{_LOCAL}/principals/{id}", {"permissions": permissions})
    else:
        named = {field: inputs[name] for name, field in _NAMED.items() if inputs.get(name)}
        body = {"permission_assignments": [{**named, "permissions": permissions}]}
        made = (await where.call("POST", _LOCAL, body))["permission_assignments"][0]
        id = str(made["principal"]["principal_id"])
    return id, await _read_local(api, id, inputs) or {}


async def _read_local(api: DatabricksApi, id: str, state: State) -> State | None:
    found = await _listed(await api.workspace(state), _LOCAL, id)
    if found is None:
        return None
    names = {name: found["principal"].get(field) for name, field in _NAMED.items()}
    kept = {name: state[name] for name in ("providerConfig",) if name in state}
    shown = {"permissions": found["permissions"], "displayName": found["principal"].get("display_name")}
    return {**kept, **names, **shown, "principalId": id}


async def _delete_local(api: DatabricksApi, id: str, state: State) -> None:
    await (await api.workspace(state)).call("DELETE", f"{_LOCAL}/principals/{id}", missing=True)


_HOLDERS: Final = {
    "groupId": ("group", "Groups"),
    "servicePrincipalId": ("spn", "ServicePrincipals"),
    "userId": ("user", "Users"),
}
NO_ENTITLEMENTS: Final = "No such attribute with the name : entitlements in the current resource"
"""The vendor's answer when there is nothing to remove, which the official plugin takes for done."""


def _one_of(names: tuple[str, ...], inputs: State, what: str) -> Iterator[tuple[str, str]]:
    given = [name for name in names if inputs.get(name)]
    if len(given) != 1:
        yield given[1] if given else names[0], f"exactly one of {', '.join(names)} must say {what}"


def _identify_entitlements(id: str) -> State:
    prefix, _, found = id.partition("/")
    return {name: found for name, (known, _) in _HOLDERS.items() if known == prefix}


async def _patch_entitlements(api: DatabricksApi, state: State, operation: str) -> str:
    where = await api.workspace(state)
    [(name, (prefix, collection))] = [(name, held) for name, held in _HOLDERS.items() if state.get(name)]
    path = f"/api/2.0/preview/scim/v2/{collection}/{state[name]}"
    try:
        await where.call("PATCH", path, patch(operation, "entitlements", granted(state)), scim=True)
    except VendorError as error:
        if NO_ENTITLEMENTS not in error.said:
            raise
    return f"{prefix}/{state[name]}"


async def _create_entitlements(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    id = await _patch_entitlements(api, inputs, "replace")
    return id, await _read_entitlements(api, id, inputs) or {}


async def _read_entitlements(api: DatabricksApi, id: str, state: State) -> State | None:
    known = _identify_entitlements(id)
    where = await api.workspace(state)
    [(name, found)] = known.items()
    path = f"/api/2.0/preview/scim/v2/{_HOLDERS[name][1]}/{found}"
    document = await where.call("GET", path, query={"attributes": "entitlements"}, scim=True, missing=True)
    kept = {name: state[name] for name in ("providerConfig",) if name in state}
    return None if document is None else {**kept, **known, **switches(document)}


async def _update_entitlements(api: DatabricksApi, id: str, old: State, new: State) -> State:
    # a switch that the program no longer names is off
    state = {name: item for name, item in old.items() if name not in ENTITLEMENTS} | new
    await _patch_entitlements(api, state, "replace")
    return await _read_entitlements(api, id, state) or {}


async def _delete_entitlements(api: DatabricksApi, id: str, state: State) -> None:
    try:
        await _patch_entitlements(api, state, "remove")
    except VendorError as error:
        if error.status != 404:
            raise


async def _secrets(api: DatabricksApi, state: State) -> tuple[DatabricksApi, str]:
    """The account's path, or the workspace's own to the same secrets."""
    principal = f"servicePrincipals/{state['servicePrincipalId']}/credentials/secrets"
    if await api.level(state) == "account":
        return api, f"{api.account_path}/{principal}"
    return await api.workspace(state), f"/api/2.0/accounts/{principal}"


_GIVEN: Final = ("api", "lifetime", "providerConfig", "scopes", "servicePrincipalId", "timeRotating")


def _secret_state(document: dict[str, Any], given: State) -> State:
    shown = {name: item for name, item in camel(document).items() if name not in ("id", "scopes")}
    kept: State = {name: given[name] for name in _GIVEN if name in given}
    return {**shown, **kept, "servicePrincipalSecretId": document["id"]}


async def _create_secret(api: DatabricksApi, inputs: State) -> tuple[str, State]:
    where, path = await _secrets(api, inputs)
    # `scopes` is not sent, whatever the program asks for
    made = await where.call("POST", path, {"lifetime": inputs["lifetime"]} if inputs.get("lifetime") else {})
    return str(made["id"]), _secret_state(made, inputs)


async def _read_secret(api: DatabricksApi, id: str, state: State) -> State | None:
    if "servicePrincipalId" not in state:
        return None  # an import: the value could not be read back anyway
    where, path = await _secrets(api, state)
    listed = (await where.call("GET", path, missing=True) or {}).get("secrets") or ()
    return next((_secret_state(one, state) for one in listed if one["id"] == id), None)


async def _delete_secret(api: DatabricksApi, id: str, state: State) -> None:
    where, path = await _secrets(api, state)
    await where.call("DELETE", f"{path}/{id}", missing=True)


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
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
    Spec(
        type="databricks:index/permissionAssignment:PermissionAssignment",
        module="permission_assignment",
        create=_create_local,
        read=_read_local,
        delete=_delete_local,
        identify=lambda id: {"principalId": id},
        filled=frozenset({*_NAMED, "principalId"}),
        sets=frozenset({"permissions"}),
        findings=lambda inputs: _one_of(("principalId", *_NAMED), inputs, "who is assigned"),
    ),
    Spec(
        type="databricks:index/entitlements:Entitlements",
        module="entitlements",
        create=_create_entitlements,
        read=_read_entitlements,
        update=_update_entitlements,
        delete=_delete_entitlements,
        identify=_identify_entitlements,
        replace_on=frozenset(_HOLDERS),
        findings=lambda inputs: _one_of(tuple(_HOLDERS), inputs, "who is entitled"),
    ),
    Spec(
        type="databricks:index/servicePrincipalSecret:ServicePrincipalSecret",
        module="service_principal_secret",
        create=_create_secret,
        read=_read_secret,
        delete=_delete_secret,
        filled=frozenset(
            {"createTime", "expireTime", "secret", "secretHash", "servicePrincipalSecretId", "status", "updateTime"}
        ),
        secret=frozenset({"secret"}),
    ),
)
