"""Service principals, app role assignments and credentials: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import from_wire, to_wire

_PRINCIPAL: Final = {
    "accountEnabled": "accountEnabled",
    "alternativeNames": "alternativeNames",
    "appRoleAssignmentRequired": "appRoleAssignmentRequired",
    "clientId": "appId",
    "description": "description",
    "loginUrl": "loginUrl",
    "notes": "notes",
    "notificationEmailAddresses": "notificationEmailAddresses",
    "preferredSingleSignOnMode": "preferredSingleSignOnMode",
    "tags": "tags",
}
_PRINCIPAL_ANSWER: Final = {
    **_PRINCIPAL,
    "objectId": "id",
    "applicationTenantId": "appOwnerOrganizationId",
    "displayName": "displayName",
    "homepageUrl": "homepage",
    "logoutUrl": "logoutUrl",
    "redirectUris": "replyUrls",
    "samlMetadataUrl": "samlMetadataUrl",
    "servicePrincipalNames": "servicePrincipalNames",
    "signInAudience": "signInAudience",
    "type": "servicePrincipalType",
}


def _principal_body(inputs: State) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.servicePrincipal", **to_wire(inputs, _PRINCIPAL)}


def _principal_state(document: dict[str, Any], given: State) -> State:
    roles = {role["value"]: role["id"] for role in document.get("appRoles") or () if role.get("value")}
    kept = {"useExisting": given["useExisting"]} if "useExisting" in given else {}
    return {**kept, **from_wire(document, _PRINCIPAL_ANSWER), "appRoleIds": roles}


async def _create_principal(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    query = {"$filter": f"appId eq '{inputs['clientId']}'"}
    found = (await api.call("GET", "/servicePrincipals", query=query)).get("value") or []
    if not found:
        made = await api.call("POST", "/servicePrincipals", _principal_body(inputs))
        id = f"/servicePrincipals/{made['id']}"
    elif inputs.get("useExisting"):
        id = f"/servicePrincipals/{found[0]['id']}"
        await api.call("PATCH", id, _principal_body({**inputs, "clientId": None}))
    else:
        raise PluginError(
            f"the application `{inputs['clientId']}` has a service principal already",
            hint="import it, or set use_existing=True",
        )
    return id, _principal_state(await api.call("GET", id), inputs)


async def _read_principal(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", id, missing=True)
    return None if document is None else _principal_state(document, state)


async def _update_principal(api: AzureAdApi, id: str, old: State, new: State) -> State:
    removed = {path: None for name, path in _PRINCIPAL.items() if name in old and name not in new}
    await api.call("PATCH", id, removed | _principal_body({**new, "clientId": None}))
    return _principal_state(await api.call("GET", id), new)


async def _delete_principal(api: AzureAdApi, id: str, state: State) -> None:
    if not state.get("useExisting"):  # what was only adopted stays
        await api.call("DELETE", id, missing=True)


_ASSIGNMENT: Final = {
    "appRoleId": "appRoleId",
    "principalObjectId": "principalId",
    "resourceObjectId": "resourceId",
}
_ASSIGNMENT_ANSWER: Final = {
    **_ASSIGNMENT,
    "principalDisplayName": "principalDisplayName",
    "principalType": "principalType",
    "resourceDisplayName": "resourceDisplayName",
}


async def _create_assignment(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    path = f"/servicePrincipals/{inputs['resourceObjectId']}/appRoleAssignedTo"
    made = await api.call("POST", path, to_wire(inputs, _ASSIGNMENT))
    return f"{path}/{made['id']}", from_wire(made, _ASSIGNMENT_ANSWER)


async def _read_assignment(api: AzureAdApi, id: str, state: State) -> State | None:
    path, _, assignment = id.rpartition("/")
    listed = await api.call("GET", path, missing=True) or {}
    for found in listed.get("value") or ():
        if found["id"] == assignment:
            return from_wire(found, _ASSIGNMENT_ANSWER)
    return None


async def _delete(api: AzureAdApi, id: str, state: State) -> None:
    await api.call("DELETE", id, missing=True)


_CREDENTIAL: Final = {
    "audiences": "audiences",
    "description": "description",
    "displayName": "name",
    "issuer": "issuer",
    "subject": "subject",
}


def _credential_path(id: str) -> str:
    application, _, credential = id.partition("/federatedIdentityCredential/")
    return f"/applications/{application}/federatedIdentityCredentials/{credential}"


async def _create_credential(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    application = inputs["applicationId"]
    async with api.lock(application):
        made = await api.call("POST", f"{application}/federatedIdentityCredentials", to_wire(inputs, _CREDENTIAL))
    id = f"{application.rpartition('/')[2]}/federatedIdentityCredential/{made['id']}"
    return id, {**inputs, "credentialId": made["id"]}


async def _read_credential(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", _credential_path(id), missing=True)
    if document is None:
        return None
    application = f"/applications/{id.partition('/')[0]}"
    return {"applicationId": application, "credentialId": document["id"], **from_wire(document, _CREDENTIAL)}


async def _update_credential(api: AzureAdApi, id: str, old: State, new: State) -> State:
    async with api.lock(new["applicationId"]):
        await api.call("PATCH", _credential_path(id), {"description": None, **to_wire(new, _CREDENTIAL)})
    return {**new, "credentialId": old["credentialId"]}


async def _delete_credential(api: AzureAdApi, id: str, state: State) -> None:
    async with api.lock(f"/applications/{id.partition('/')[0]}"):
        await api.call("DELETE", _credential_path(id), missing=True)


# `endDateRelative` is not among them: the official plugin (v3.9.0) shows it in state and never sends it.
_PASSWORD: Final = {"displayName": "displayName", "endDate": "endDateTime", "startDate": "startDateTime"}
_PASSWORD_ANSWER: Final = {**_PASSWORD, "keyId": "keyId", "value": "secretText"}


async def _create_password(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    application = inputs["applicationId"]
    async with api.lock(application):
        body = {"passwordCredential": to_wire(inputs, _PASSWORD)}
        made = await api.call("POST", f"{application}/addPassword", body)
    id = f"{application.rpartition('/')[2]}/password/{made['keyId']}"
    return id, {**from_wire(made, _PASSWORD_ANSWER), **inputs}


async def _read_password(api: AzureAdApi, id: str, state: State) -> State | None:
    application, _, key = id.partition("/password/")
    document = await api.call("GET", f"/applications/{application}", missing=True) or {}
    for found in document.get("passwordCredentials") or ():
        if found["keyId"] == key:
            return state or {"applicationId": f"/applications/{application}", **from_wire(found, _PASSWORD_ANSWER)}
    return None


async def _delete_password(api: AzureAdApi, id: str, state: State) -> None:
    application, _, key = id.partition("/password/")
    async with api.lock(f"/applications/{application}"):
        await api.call("POST", f"/applications/{application}/removePassword", {"keyId": key}, missing=True)


SPECS: Final[tuple[Spec[AzureAdApi], ...]] = (
    Spec(
        type="azuread:index/servicePrincipal:ServicePrincipal",
        module="service_principal",
        create=_create_principal,
        read=_read_principal,
        update=_update_principal,
        delete=_delete_principal,
        defaults={"accountEnabled": True},
        replace_on=frozenset({"clientId"}),
        sets=frozenset({"alternativeNames", "notificationEmailAddresses", "tags"}),
        unsupported=frozenset({"featureTags", "features", "owners", "samlSingleSignOn"}),
    ),
    Spec(
        type="azuread:index/appRoleAssignment:AppRoleAssignment",
        module="app_role_assignment",
        create=_create_assignment,
        read=_read_assignment,
        delete=_delete,
        replace_on=frozenset({"appRoleId", "principalObjectId", "resourceObjectId"}),
    ),
    Spec(
        type="azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
        module="application_federated_identity_credential",
        create=_create_credential,
        read=_read_credential,
        update=_update_credential,
        delete=_delete_credential,
        replace_on=frozenset({"applicationId", "displayName"}),
    ),
    Spec(
        type="azuread:index/applicationPassword:ApplicationPassword",
        module="application_password",
        create=_create_password,
        read=_read_password,
        delete=_delete_password,
        replace_on=frozenset(
            {"applicationId", "displayName", "endDate", "endDateRelative", "rotateWhenChanged", "startDate"}
        ),
        filled=frozenset({"displayName", "endDate", "startDate"}),
        secret=frozenset({"value"}),
    ),
)
