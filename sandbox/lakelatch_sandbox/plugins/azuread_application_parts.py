"""The resources that are parts of an application registration: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

import base64
from typing import Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import (
    Document,
    Item,
    change,
    member,
)
from lakelatch_sandbox.plugins.azuread_shapes import Table, from_graph, to_graph
from lakelatch_sandbox.plugins.spec import Spec, State

ROLE: Final[Table] = {
    "allowedMemberTypes": "allowedMemberTypes",
    "description": "description",
    "displayName": "displayName",
    "roleId": "id",
    "value": "value",
}
SCOPE: Final[Table] = {
    "adminConsentDescription": "adminConsentDescription",
    "adminConsentDisplayName": "adminConsentDisplayName",
    "scopeId": "id",
    "type": "type",
    "userConsentDescription": "userConsentDescription",
    "userConsentDisplayName": "userConsentDisplayName",
    "value": "value",
}
_PRE_AUTHORIZED: Final[Table] = {"authorizedClientId": "appId", "permissionIds": "delegatedPermissionIds"}
_ROLES = Item(
    list="appRoles",
    key="id",
    name="roleId",
    segment="appRoles",
    write=lambda inputs: to_graph(inputs, ROLE) | {"isEnabled": True},
    read_item=lambda item: from_graph(item, ROLE),
    disable_first=True,
)
_SCOPES = Item(
    list="api.oauth2PermissionScopes",
    key="id",
    name="scopeId",
    segment="permissionScopes",
    write=lambda inputs: to_graph(inputs, SCOPE) | {"isEnabled": True},
    read_item=lambda item: from_graph(item, SCOPE),
    disable_first=True,
)
_CLIENTS = Item(
    list="api.preAuthorizedApplications",
    key="appId",
    name="authorizedClientId",
    segment="preAuthorizedApplication",
    write=lambda inputs: to_graph(inputs, _PRE_AUTHORIZED),
    read_item=lambda item: from_graph(item, _PRE_AUTHORIZED),
    short_id=True,
)


def _access(inputs: State) -> Document:
    kinds = {"Role": inputs.get("roleIds") or (), "Scope": inputs.get("scopeIds") or ()}
    return {
        "resourceAppId": inputs["apiClientId"],
        "resourceAccess": [{"id": id, "type": kind} for kind, ids in kinds.items() for id in ids],
    }


def _access_state(item: Document) -> State:
    ids = {kind: [one["id"] for one in item["resourceAccess"] if one["type"] == kind] for kind in ("Role", "Scope")}
    found = {"apiClientId": item["resourceAppId"], "roleIds": ids["Role"], "scopeIds": ids["Scope"]}
    return {name: value for name, value in found.items() if value}


_ACCESSES = Item(
    list="requiredResourceAccess",
    key="resourceAppId",
    name="apiClientId",
    segment="apiAccess",
    write=_access,
    read_item=_access_state,
)


def _uri_id(inputs: State) -> str:
    return f"{inputs['applicationId']}/identifierUris/{base64.b64encode(inputs['identifierUri'].encode()).decode()}"


def _uri_parts(id: str) -> tuple[str, str]:
    application, _, encoded = id.partition("/identifierUris/")
    return application, base64.b64decode(encoded).decode()


async def _create_uri(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    uri = inputs["identifierUri"]
    await change(api, inputs["applicationId"], "identifierUris", lambda uris: [*uris, *({uri} - set(uris))])
    return _uri_id(inputs), dict(inputs)


async def _read_uri(api: AzureAdApi, id: str, state: State) -> State | None:
    application, uri = _uri_parts(id)
    there = uri in member(await api.call("GET", application, missing=True), "identifierUris")
    return {"applicationId": application, "identifierUri": uri} if there else None


async def _delete_uri(api: AzureAdApi, id: str, state: State) -> None:
    application, uri = _uri_parts(id)
    if await api.call("GET", application, missing=True) is not None:
        await change(api, application, "identifierUris", lambda uris: [item for item in uris if item != uri])


async def _create_owner(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    application, owner = inputs["applicationId"], inputs["ownerObjectId"]
    async with api.lock(application):
        await api.call("POST", f"{application}/owners/$ref", {"@odata.id": await api.link(owner)})
    return f"{application}/owners/{owner}", dict(inputs)


async def _read_owner(api: AzureAdApi, id: str, state: State) -> State | None:
    application, _, owner = id.partition("/owners/")
    there = any(one["id"] == owner for one in await api.listed(f"{application}/owners"))
    return {"applicationId": application, "ownerObjectId": owner} if there else None


async def _delete_owner(api: AzureAdApi, id: str, state: State) -> None:
    application, _, owner = id.partition("/owners/")
    async with api.lock(application):
        await api.call("DELETE", f"{application}/owners/{owner}/$ref", missing=True)


SPECS: Final[tuple[Spec[AzureAdApi], ...]] = (
    _ROLES.spec(
        "applicationAppRole:ApplicationAppRole", "application_app_role", sets=frozenset({"allowedMemberTypes"})
    ),
    _SCOPES.spec(
        "applicationPermissionScope:ApplicationPermissionScope",
        "application_permission_scope",
        defaults={"type": "User"},
    ),
    _CLIENTS.spec(
        "applicationPreAuthorized:ApplicationPreAuthorized",
        "application_pre_authorized",
        sets=frozenset({"permissionIds"}),
    ),
    _ACCESSES.spec(
        "applicationApiAccess:ApplicationApiAccess", "application_api_access", sets=frozenset({"roleIds", "scopeIds"})
    ),
    Spec(
        type="azuread:index/applicationIdentifierUri:ApplicationIdentifierUri",
        module="application_identifier_uri",
        create=_create_uri,
        read=_read_uri,
        delete=_delete_uri,
        replace_on=frozenset({"applicationId", "identifierUri"}),
    ),
    Spec(
        type="azuread:index/applicationOwner:ApplicationOwner",
        module="application_owner",
        create=_create_owner,
        read=_read_owner,
        delete=_delete_owner,
        replace_on=frozenset({"applicationId", "ownerObjectId"}),
    ),
)
