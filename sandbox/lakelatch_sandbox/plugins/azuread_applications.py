"""Application registrations: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import from_wire, to_wire

_TYPE: Final = {"@odata.type": "#microsoft.graph.application"}
_REGISTRATION: Final = {
    "description": "description",
    "displayName": "displayName",
    "homepageUrl": "web.homePageUrl",
    "implicitAccessTokenIssuanceEnabled": "web.implicitGrantSettings.enableAccessTokenIssuance",
    "implicitIdTokenIssuanceEnabled": "web.implicitGrantSettings.enableIdTokenIssuance",
    "logoutUrl": "web.logoutUrl",
    "marketingUrl": "info.marketingUrl",
    "notes": "notes",
    "privacyStatementUrl": "info.privacyStatementUrl",
    "requestedAccessTokenVersion": "api.requestedAccessTokenVersion",
    "serviceManagementReference": "serviceManagementReference",
    "signInAudience": "signInAudience",
    "supportUrl": "info.supportUrl",
    "termsOfServiceUrl": "info.termsOfServiceUrl",
}
_REGISTRATION_ANSWER: Final = {
    **_REGISTRATION,
    "clientId": "appId",
    "objectId": "id",
    "disabledByMicrosoft": "disabledByMicrosoftStatus",
    "publisherDomain": "publisherDomain",
}


def _registration_body(inputs: State) -> dict[str, Any]:
    body = to_wire(inputs, _REGISTRATION) | _TYPE
    if "api" in body:
        body["api"]["requestedAccessTokenVersion"] = int(body["api"]["requestedAccessTokenVersion"])
    claims = inputs.get("groupMembershipClaims")
    return body | {"groupMembershipClaims": ",".join(claims) if claims else None}


def _registration_state(document: dict[str, Any]) -> State:
    claims = document.get("groupMembershipClaims")
    state = from_wire(document, _REGISTRATION_ANSWER)
    return {**state, "groupMembershipClaims": claims.split(",")} if claims else state


async def _create_registration(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    made = await api.call("POST", "/applications", _registration_body(inputs))
    id = f"/applications/{made['id']}"
    return id, _registration_state(await api.call("GET", id))


async def _read_registration(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", id, missing=True)
    return None if document is None else _registration_state(document)


async def _update_registration(api: AzureAdApi, id: str, old: State, new: State) -> State:
    removed = {path: None for name, path in _REGISTRATION.items() if "." not in path and name not in new}
    await api.call("PATCH", id, removed | _registration_body(new))
    return _registration_state(await api.call("GET", id))


async def _delete(api: AzureAdApi, id: str, state: State) -> None:
    await api.call("DELETE", id, missing=True)


SPECS: Final[tuple[Spec[AzureAdApi], ...]] = (
    Spec(
        type="azuread:index/applicationRegistration:ApplicationRegistration",
        module="application_registration",
        create=_create_registration,
        read=_read_registration,
        update=_update_registration,
        delete=_delete,
        defaults={"requestedAccessTokenVersion": 2.0, "signInAudience": "AzureADMyOrg"},
        sets=frozenset({"groupMembershipClaims"}),
    ),
)
