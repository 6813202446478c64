"""Service principals, and what they were given: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_features import (
    APPLICATION_FEATURES,
    COMPARED_FEATURES,
    PRINCIPAL_FEATURES,
    feature_tags,
    features_of,
)
from lakelatch_sandbox.plugins.azuread_links import write_links
from lakelatch_sandbox.plugins.azuread_objects import Document, Entity
from lakelatch_sandbox.plugins.azuread_shapes import Each, Mapped, Names, One, Table, from_graph, to_graph
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State

_PRINCIPAL: Final[Table] = {
    "accountEnabled": "accountEnabled",
    "alternativeNames": Names("alternativeNames"),
    "appRoleAssignmentRequired": "appRoleAssignmentRequired",
    "clientId": "appId",
    "description": "description",
    "loginUrl": "loginUrl",
    "notes": "notes",
    "notificationEmailAddresses": Names("notificationEmailAddresses"),
    "preferredSingleSignOnMode": "preferredSingleSignOnMode",
    "samlSingleSignOn": One("samlSingleSignOnSettings", {"relayState": "relayState"}),
}
_ROLE: Final[Table] = {
    "allowedMemberTypes": "allowedMemberTypes",
    "description": "description",
    "displayName": "displayName",
    "enabled": "isEnabled",
    "id": "id",
    "value": "value",
}
_SCOPE: Final[Table] = {
    "adminConsentDescription": "adminConsentDescription",
    "adminConsentDisplayName": "adminConsentDisplayName",
    "enabled": "isEnabled",
    "id": "id",
    "type": "type",
    "userConsentDescription": "userConsentDescription",
    "userConsentDisplayName": "userConsentDisplayName",
    "value": "value",
}
_ANSWER: Final[Table] = {
    "appRoles": Each("appRoles", _ROLE),
    "applicationTenantId": "appOwnerOrganizationId",
    "displayName": "displayName",
    "homepageUrl": "homepage",
    "logoutUrl": "logoutUrl",
    "oauth2PermissionScopes": Each("oauth2PermissionScopes", _SCOPE),
    "objectId": "id",
    "redirectUris": "replyUrls",
    "samlMetadataUrl": "samlMetadataUrl",
    "servicePrincipalNames": "servicePrincipalNames",
    "signInAudience": "signInAudience",
    "type": "servicePrincipalType",
}


def _tags(inputs: State) -> Document:
    for name, table in (("featureTags", APPLICATION_FEATURES), ("features", PRINCIPAL_FEATURES)):
        if inputs.get(name):
            return {"tags": feature_tags(inputs[name][0], table)}
    return {"tags": inputs["tags"]} if "tags" in inputs else {}


def _state(document: Document, given: State) -> State:
    tags = document.get("tags") or []
    kept = {"useExisting": given["useExisting"]} if "useExisting" in given else {}
    return {
        **kept,
        "tags": tags,
        "featureTags": [features_of(tags, APPLICATION_FEATURES)],
        "features": [features_of(tags, PRINCIPAL_FEATURES)],
        "appRoleIds": {role["value"]: role["id"] for role in document.get("appRoles") or () if role.get("value")},
        "oauth2PermissionScopeIds": {
            scope["value"]: scope["id"] for scope in document.get("oauth2PermissionScopes") or () if scope.get("value")
        },
    }


_ENTITY: Final = Entity(
    "/servicePrincipals",
    "#microsoft.graph.servicePrincipal",
    _PRINCIPAL,
    _ANSWER,
    body=_tags,
    state=_state,
    compared=COMPARED_FEATURES,
)


def _changeable(inputs: State) -> State:
    return {name: value for name, value in inputs.items() if name != "clientId"}


async def _create(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    query = {"$filter": f"appId eq '{inputs['clientId']}'"}
    found = await api.listed("/servicePrincipals", query)
    if not found:
        owners = inputs.get("owners") or [await api.caller()]
        bound = {"owners@odata.bind": [await api.link(owner) for owner in owners]}
        marked = {"description": f"TERRAFORM_UPDATE_{inputs['clientId']}"}
        made = await api.call("POST", "/servicePrincipals", _ENTITY.written(inputs) | bound | marked)
        id = f"/servicePrincipals/{made['id']}"
        # the official plugin writes the description twice to see that writers find the object, and gives up at once
        await api.call("PATCH", id, {"@odata.type": _ENTITY.odata_type, "description": inputs.get("description")})
        if not inputs.get("owners"):
            await write_links(api, id, "owners", [])
    elif inputs.get("useExisting"):
        id = f"/servicePrincipals/{found[0]['id']}"
        await api.call("PATCH", id, _ENTITY.written(_changeable(inputs)))
        if inputs.get("owners"):
            await write_links(api, id, "owners", list(inputs["owners"]))
    else:
        raise PluginError(
            f"the application `{inputs['clientId']}` has a service principal already",
            hint="import it, or set use_existing=True",
        )
    return id, await _read(api, id, inputs) or {}


async def _read(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", _address(id), missing=True)
    if document is None:
        return None
    beta = await api.call("GET", _address(id), query={"$select": "samlMetadataUrl"}, beta=True)
    owners = [one["id"] for one in await api.listed(f"{_address(id)}/owners")]
    shown = _ENTITY.shown({**document, "samlMetadataUrl": beta.get("samlMetadataUrl")}, state)
    return {**shown, **({"owners": owners} if owners else {})}


def _address(id: str) -> str:
    """An import may name the bare object id, as the SDK's documentation does."""
    return id if id.startswith("/") else f"/servicePrincipals/{id}"


async def _update(api: AzureAdApi, id: str, old: State, new: State) -> State:
    removed = {name: old[name] for name in old if name in _PRINCIPAL and name != "clientId"}
    await _ENTITY.update(api, id, removed, _changeable(new))
    if "owners" in new or "owners" in old:
        await write_links(api, id, "owners", list(new.get("owners") or ()))
    return await _read(api, id, new) or {}


async def _delete(api: AzureAdApi, id: str, state: State) -> None:
    if not state.get("useExisting"):  # what was only adopted stays
        await api.call("DELETE", _address(id), missing=True)


_ASSIGNMENT: Final[Table] = {
    "appRoleId": "appRoleId",
    "principalObjectId": "principalId",
    "resourceObjectId": "resourceId",
}
_ASSIGNMENT_ANSWER: Final[Table] = {
    **_ASSIGNMENT,
    "principalDisplayName": "principalDisplayName",
    "principalType": "principalType",
    "resourceDisplayName": "resourceDisplayName",
}


async def _create_assignment(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    path = f"/servicePrincipals/{inputs['resourceObjectId']}/appRoleAssignedTo"
    made = await api.call("POST", path, to_graph(inputs, _ASSIGNMENT))
    return f"{path}/{made['id']}", from_graph(made, _ASSIGNMENT_ANSWER)


async def _read_assignment(api: AzureAdApi, id: str, state: State) -> State | None:
    path, _, assignment = id.rpartition("/")
    for found in await api.listed(path):
        if found["id"] == assignment:
            return from_graph(found, _ASSIGNMENT_ANSWER)
    return None


async def _delete_by_id(api: AzureAdApi, id: str, state: State) -> None:
    await api.call("DELETE", id, missing=True)


_GRANT: Final = Entity(
    "/oauth2PermissionGrants",
    "#microsoft.graph.oAuth2PermissionGrant",
    {
        "claimValues": Mapped("scope", " ".join, str.split, unordered=True),
        "resourceServicePrincipalObjectId": "resourceId",
        "servicePrincipalObjectId": "clientId",
        "userObjectId": "principalId",
    },
    {},
    body=lambda inputs: {"consentType": "Principal" if inputs.get("userObjectId") else "AllPrincipals"},
)


async def _update_grant(api: AzureAdApi, id: str, old: State, new: State) -> State:
    await api.call("PATCH", id, {"scope": " ".join(new["claimValues"])})
    return dict(new)


SPECS: Final[tuple[Spec[Any], ...]] = (
    _ENTITY.spec(
        "servicePrincipal:ServicePrincipal",
        "service_principal",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        defaults={"accountEnabled": True},
        replace_on=frozenset({"clientId"}),
        filled=frozenset({"featureTags", "features", "tags"}),
        sets=frozenset({"owners", "tags"}),
    ),
    Spec(
        type="azuread:index/appRoleAssignment:AppRoleAssignment",
        module="app_role_assignment",
        create=_create_assignment,
        read=_read_assignment,
        delete=_delete_by_id,
        replace_on=frozenset({"appRoleId", "principalObjectId", "resourceObjectId"}),
    ),
    _GRANT.spec(
        "servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant",
        "service_principal_delegated_permission_grant",
        update=_update_grant,
        replace_on=frozenset({"resourceServicePrincipalObjectId", "servicePrincipalObjectId", "userObjectId"}),
    ),
)
