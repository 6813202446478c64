"""The resources that are parts of an application registration: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001, ARG002 - every call of a spec has the same signature

import base64
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import (
    APPLICATION_TYPE,
    Document,
    Item,
    application_of,
    change,
    member,
)
from lakelatch_sandbox.plugins.azuread_shapes import Each, Table, from_graph, normal, to_graph
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
CLAIM: Final[Table] = {
    "additionalProperties": "additionalProperties",
    "essential": "essential",
    "name": "name",
    "source": "source",
}
CLAIM_DEFAULTS: Final = {"additionalProperties": [], "essential": False}
CLAIMS: Final[Table] = {
    "accessTokens": Each("accessToken", CLAIM, CLAIM_DEFAULTS),
    "idTokens": Each("idToken", CLAIM, CLAIM_DEFAULTS),
    "saml2Tokens": Each("saml2Token", CLAIM, CLAIM_DEFAULTS),
}

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


async def _write_claims(api: AzureAdApi, id: str, inputs: State) -> None:
    claims = {"accessToken": [], "idToken": [], "saml2Token": [], **to_graph(inputs, CLAIMS)}
    async with api.lock(id):
        await api.call("PATCH", id, APPLICATION_TYPE | {"optionalClaims": claims})


async def _create_claims(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    await application_of(api, inputs["applicationId"])
    await _write_claims(api, inputs["applicationId"], inputs)
    return inputs["applicationId"], dict(inputs)


async def _read_claims(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", id, missing=True)
    claims = (document or {}).get("optionalClaims")
    if claims is None:
        return None
    found = from_graph(claims, CLAIMS)
    return {"applicationId": id, **{name: items for name, items in found.items() if items}}


async def _update_claims(api: AzureAdApi, id: str, old: State, new: State) -> State:
    await _write_claims(api, id, new)
    return dict(new)


async def _delete_claims(api: AzureAdApi, id: str, state: State) -> None:
    if await api.call("GET", id, missing=True) is not None:
        await _write_claims(api, id, {})


_REDIRECTS: Final = {"PublicClient": "publicClient", "SPA": "spa", "Web": "web"}


class _Member:
    """One member of an application that a resource owns wholly: known clients, fallback client, redirect URIs."""

    def __init__(self, segment: str, name: str, paths: dict[str, str], empty: Any) -> None:
        self.segment, self.name, self.paths, self.empty = segment, name, paths, empty

    async def _write(self, api: AzureAdApi, id: str, kind: str, value: Any) -> None:
        body: Any = value
        for part in reversed(self.paths[kind].split(".")):
            body = {part: body}
        async with api.lock(id):
            await api.call("PATCH", id, APPLICATION_TYPE | body)

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        application, kind = inputs["applicationId"], inputs.get("type", "")
        await application_of(api, application)
        await self._write(api, application, kind, inputs.get(self.name, self.empty))
        return f"{application}/{self.segment}{f'/{kind}' if kind else ''}", dict(inputs)

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        application, _, rest = id.partition(f"/{self.segment}")
        kind = rest.strip("/")
        document = await api.call("GET", application, missing=True)
        if document is None:
            return None
        found: Any = document
        for part in self.paths[kind].split("."):
            found = (found or {}).get(part)
        value = self.empty if found is None else found
        return {"applicationId": application, self.name: value, **({"type": kind} if kind else {})}

    async def update(self, api: AzureAdApi, id: str, old: State, new: State) -> State:
        await self._write(api, new["applicationId"], new.get("type", ""), new.get(self.name, self.empty))
        return dict(new)

    async def delete(self, api: AzureAdApi, id: str, state: State) -> None:
        application, _, rest = id.partition(f"/{self.segment}")
        if await api.call("GET", application, missing=True) is not None:
            await self._write(api, application, rest.strip("/"), self.empty)

    def spec(self, type: str, module: str, **quirks: Any) -> Spec[AzureAdApi]:
        calls = {"create": self.create, "read": self.read, "update": self.update, "delete": self.delete}
        return Spec(type=f"azuread:index/{type}", module=module, **{**calls, **quirks})


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
    Spec(
        type="azuread:index/applicationOptionalClaims:ApplicationOptionalClaims",
        module="application_optional_claims",
        create=_create_claims,
        read=_read_claims,
        update=_update_claims,
        delete=_delete_claims,
        replace_on=frozenset({"applicationId"}),
        normal=lambda values: normal(values, CLAIMS),
    ),
    _Member(
        "redirectUris", "redirectUris", {kind: f"{path}.redirectUris" for kind, path in _REDIRECTS.items()}, []
    ).spec(
        "applicationRedirectUris:ApplicationRedirectUris",
        "application_redirect_uris",
        replace_on=frozenset({"applicationId", "type"}),
        sets=frozenset({"redirectUris"}),
    ),
    _Member("knownClients", "knownClientIds", {"": "api.knownClientApplications"}, []).spec(
        "applicationKnownClients:ApplicationKnownClients",
        "application_known_clients",
        replace_on=frozenset({"applicationId"}),
        sets=frozenset({"knownClientIds"}),
    ),
    _Member("fallbackPublicClient", "enabled", {"": "isFallbackPublicClient"}, False).spec(
        "applicationFallbackPublicClient:ApplicationFallbackPublicClient",
        "application_fallback_public_client",
        replace_on=frozenset({"applicationId"}),
    ),
)
