"""Application registrations, whole and split: requests, ids and quirks of the azuread plugin."""

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_application_members import CLAIMS
from lakelatch_sandbox.plugins.azuread_application_parts import ROLE, SCOPE
from lakelatch_sandbox.plugins.azuread_features import (
    APPLICATION_FEATURES,
    COMPARED_FEATURES,
    feature_tags,
    features_of,
)
from lakelatch_sandbox.plugins.azuread_links import bind_owners, refuse_duplicate, write_links
from lakelatch_sandbox.plugins.azuread_objects import Document, Entity
from lakelatch_sandbox.plugins.azuread_shapes import COMMA_LIST, Each, Mapped, Names, One, Table, normal, to_graph
from lakelatch_sandbox.plugins.spec import Spec, State

TYPE: Final = "#microsoft.graph.application"
_COMMON: Final[Table] = {
    "description": "description",
    "displayName": "displayName",
    "groupMembershipClaims": Mapped("groupMembershipClaims", *COMMA_LIST, unordered=True),
    "marketingUrl": "info.marketingUrl",
    "notes": "notes",
    "privacyStatementUrl": "info.privacyStatementUrl",
    "serviceManagementReference": "serviceManagementReference",
    "signInAudience": "signInAudience",
    "supportUrl": "info.supportUrl",
    "termsOfServiceUrl": "info.termsOfServiceUrl",
}
_IDS: Final[Table] = {
    "clientId": "appId",
    "objectId": "id",
    "disabledByMicrosoft": "disabledByMicrosoftStatus",
    "publisherDomain": "publisherDomain",
}
_REGISTRATION: Final[Table] = {
    **_COMMON,
    "homepageUrl": "web.homePageUrl",
    "implicitAccessTokenIssuanceEnabled": "web.implicitGrantSettings.enableAccessTokenIssuance",
    "implicitIdTokenIssuanceEnabled": "web.implicitGrantSettings.enableIdTokenIssuance",
    "logoutUrl": "web.logoutUrl",
    "requestedAccessTokenVersion": "api.requestedAccessTokenVersion",
}
_NESTED_ROLE: Final[Table] = {**{name: path for name, path in ROLE.items() if name != "roleId"}, "id": "id"}
_NESTED_SCOPE: Final[Table] = {**{name: path for name, path in SCOPE.items() if name != "scopeId"}, "id": "id"}
_ENABLED: Final[Table] = {"enabled": "isEnabled"}
_URIS: Final[Table] = {"redirectUris": Names("redirectUris")}
APPLICATION: Final[Table] = {
    **_COMMON,
    "api": One(
        "api",
        {
            "knownClientApplications": Names("knownClientApplications"),
            "mappedClaimsEnabled": "acceptMappedClaims",
            "oauth2PermissionScopes": Each(
                "oauth2PermissionScopes", {**_NESTED_SCOPE, **_ENABLED}, {"enabled": True, "type": "User"}
            ),
            "requestedAccessTokenVersion": "requestedAccessTokenVersion",
        },
        {"requestedAccessTokenVersion": 1},
    ),
    "appRoles": Each(
        "appRoles",
        {**_NESTED_ROLE, "allowedMemberTypes": Names("allowedMemberTypes"), **_ENABLED},
        {"enabled": True},
    ),
    "deviceOnlyAuthEnabled": "isDeviceOnlyAuthSupported",
    "fallbackPublicClientEnabled": "isFallbackPublicClient",
    "identifierUris": Names("identifierUris"),
    "oauth2PostResponseRequired": "oauth2RequirePostResponse",
    "optionalClaims": One("optionalClaims", CLAIMS),
    "publicClient": One("publicClient", _URIS),
    "requiredResourceAccesses": Each(
        "requiredResourceAccess",
        {
            "resourceAccesses": Each("resourceAccess", {"id": "id", "type": "type"}),
            "resourceAppId": "resourceAppId",
        },
    ),
    "singlePageApplication": One("spa", _URIS),
    "web": One(
        "web",
        {
            "homepageUrl": "homePageUrl",
            "implicitGrant": One(
                "implicitGrantSettings",
                {
                    "accessTokenIssuanceEnabled": "enableAccessTokenIssuance",
                    "idTokenIssuanceEnabled": "enableIdTokenIssuance",
                },
            ),
            "logoutUrl": "logoutUrl",
            **_URIS,
        },
    ),
}


def _whole_body(inputs: State) -> Document:
    features = inputs.get("featureTags")
    tags = feature_tags(features[0], APPLICATION_FEATURES) if features else inputs.get("tags")
    return {} if tags is None else {"tags": tags}


def _whole_state(document: Document, given: State) -> State:
    scopes = document["api"]["oauth2PermissionScopes"]
    kept: State = {name: given[name] for name in ("owners", "password", "preventDuplicateNames") if name in given}
    return {
        **kept,
        "tags": document["tags"],
        "featureTags": [features_of(document["tags"], APPLICATION_FEATURES)],
        "appRoleIds": {role["value"]: role["id"] for role in document["appRoles"] if role.get("value")},
        "oauth2PermissionScopeIds": {scope["value"]: scope["id"] for scope in scopes if scope.get("value")},
    }


_WHOLE: Final = Entity("/applications", TYPE, APPLICATION, _IDS, body=_whole_body, state=_whole_state)
_COMPARED: Final = {**APPLICATION, **COMPARED_FEATURES}
_SPLIT: Final = Entity("/applications", TYPE, _REGISTRATION, _IDS, patient=False)


async def _create_whole(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    """The caller is bound as an owner, so that it may write the rest, and taken off when the program names none."""
    await refuse_duplicate(api, "/applications", inputs)
    body = _WHOLE.written(inputs) | {"owners@odata.bind": await bind_owners(api, inputs)}
    made = await api.call("POST", "/applications", body)
    id = f"/applications/{made['id']}"
    # the official plugin writes the name twice to see that the object is there for writers, too
    for name in (f"TERRAFORM_UPDATE_{made['appId']}", inputs["displayName"]):
        await api.patiently("PATCH", id, {"@odata.type": TYPE, "displayName": name})
    given = await _with_password(api, id, inputs, None)
    if not inputs.get("owners"):
        await write_links(api, id, "owners", [])
    return id, await _shown(api, id, given) or {}


async def _with_password(api: AzureAdApi, id: str, inputs: State, old: State | None) -> State:
    """The inputs with the inline password that Graph made; a changed one is made anew, then the old one goes."""
    wanted, known = inputs.get("password"), (old or {}).get("password")
    same = ("displayName", "startDate", "endDate")
    if wanted and known and all(wanted.get(name, known.get(name)) == known.get(name) for name in same):
        return {**inputs, "password": known}
    given = {name: value for name, value in inputs.items() if name != "password"}
    if wanted:
        table = {"displayName": "displayName", "endDate": "endDateTime", "startDate": "startDateTime"}
        made = await api.call("POST", f"{id}/addPassword", {"passwordCredential": to_graph(wanted, table)})
        # times that the program leaves to the vendor are not recorded, so that they are no difference
        shown = {name: made[path] for name, path in table.items() if name in wanted}
        given["password"] = {**shown, "keyId": made["keyId"], "value": made["secretText"]}
    if known:
        await api.call("POST", f"{id}/removePassword", {"keyId": known["keyId"]})
    return given


def _compared(values: State) -> State:
    """For comparison, an inline password without what the vendor made of it."""
    password = values.get("password")
    if not isinstance(password, dict):
        return normal(values, _COMPARED)
    named = {name: item for name, item in password.items() if name not in ("keyId", "value")}
    return normal({**values, "password": named}, _COMPARED)


async def _shown(api: AzureAdApi, id: str, given: State) -> State | None:
    document = await api.call("GET", id, missing=True)
    if document is None:
        return None
    beta = await api.call("GET", id, query={"$select": "oauth2RequirePostResponse"}, beta=True)
    document["oauth2RequirePostResponse"] = beta.get("oauth2RequirePostResponse")
    owners = [one["id"] for one in await api.listed(f"{id}/owners")]
    return {**_WHOLE.shown(document, given), **({"owners": owners} if owners else {})}


async def _read_whole(api: AzureAdApi, id: str, state: State) -> State | None:
    return await _shown(api, id, {name: value for name, value in state.items() if name != "owners"})


async def _update_whole(api: AzureAdApi, id: str, old: State, new: State) -> State:
    async with api.lock(id):
        await _disable_removed(api, id, new)
        await _WHOLE.update(api, id, {name: old[name] for name in old if name in APPLICATION}, new)
        given = await _with_password(api, id, new, old)
        if "owners" in new or "owners" in old:
            await write_links(api, id, "owners", list(new.get("owners") or ()))
    return await _shown(api, id, {name: value for name, value in given.items() if name != "owners"}) or {}


async def _disable_removed(api: AzureAdApi, id: str, new: State) -> None:
    """Roles and scopes that go are disabled first, or Graph refuses to let them go."""
    document, wanted = await api.call("GET", id), _WHOLE.written(new)
    roles = _disabled(document["appRoles"], wanted.get("appRoles") or [])
    scopes = _disabled(
        document["api"]["oauth2PermissionScopes"], (wanted.get("api") or {}).get("oauth2PermissionScopes") or []
    )
    changed: Document = {**({"appRoles": roles} if roles else {})}
    if scopes:
        changed["api"] = {"oauth2PermissionScopes": scopes}
    if changed:
        await api.call("PATCH", id, {"@odata.type": TYPE, **changed})


def _disabled(found: list[Any], wanted: list[Any]) -> list[Any]:
    kept = {one["id"] for one in wanted}
    if all(one["id"] in kept for one in found):
        return []
    return [one if one["id"] in kept else {**one, "isEnabled": False} for one in found]


SPECS: Final[tuple[Spec[AzureAdApi], ...]] = (
    _SPLIT.spec(
        "applicationRegistration:ApplicationRegistration",
        "application_registration",
        defaults={"requestedAccessTokenVersion": 2.0, "signInAudience": "AzureADMyOrg"},
    ),
    _WHOLE.spec(
        "application:Application",
        "application",
        create=_create_whole,
        read=_read_whole,
        update=_update_whole,
        normal=_compared,
        defaults={"signInAudience": "AzureADMyOrg"},
        filled=frozenset({"api", "featureTags", "publicClient", "singlePageApplication", "tags", "web"}),
        sets=frozenset({"owners", "tags"}),
        fixed=frozenset({"preventDuplicateNames"}),
        secret=frozenset({"password"}),
        unsupported=frozenset({"logoImage", "templateId"}),
    ),
)
