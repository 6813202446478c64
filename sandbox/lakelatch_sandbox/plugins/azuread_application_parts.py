"""The resources that are parts of an application registration: requests, ids and quirks of the azuread plugin."""

# ruff: noqa: ARG001 - every call of a spec has the same signature

import base64
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State
from lakelatch_sandbox.plugins.wire import camel, from_wire, to_wire

_TYPE: Final = {"@odata.type": "#microsoft.graph.application"}


def _last(id: str) -> str:
    return id.rpartition("/")[2]


def _application_of(id: str) -> str:
    """The application's own path in a part's id."""
    return "/" + "/".join(id.strip("/").split("/")[:2])


async def _application(api: AzureAdApi, id: str) -> dict[str, Any]:
    """The application that a part belongs to, which must be there."""
    document: dict[str, Any] | None = await api.call("GET", id, missing=True)
    if document is None:
        raise PluginError(f"the application `{id}` was not found", hint="`pulumi refresh` drops what is gone")
    return document


async def _change(api: AzureAdApi, id: str, member: str, edit: Callable[[list[Any]], list[Any]]) -> None:
    """Read one of an application's lists and write it back, while nobody else of this plugin does."""
    async with api.lock(id):
        document = await _application(api, id)
        await api.call("PATCH", id, _TYPE | {member: edit(list(document.get(member) or ()))})


_ROLE: Final = {
    "allowedMemberTypes": "allowedMemberTypes",
    "description": "description",
    "displayName": "displayName",
    "roleId": "id",
    "value": "value",
}


async def _create_role(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    application, role = inputs["applicationId"], inputs["roleId"]
    id = f"{application}/appRoles/{role}"

    def add(roles: list[Any]) -> list[Any]:
        if any(found["id"] == role for found in roles):
            raise PluginError(f"the app role `{id}` is there already", hint="import it, or choose another role_id")
        return [*roles, to_wire(inputs, _ROLE) | {"isEnabled": True}]

    await _change(api, application, "appRoles", add)
    return id, dict(inputs)


async def _read_role(api: AzureAdApi, id: str, state: State) -> State | None:
    application = _application_of(id)
    document = await api.call("GET", application, missing=True) or {}
    for found in document.get("appRoles") or ():
        if found["id"] == _last(id):
            return {"applicationId": application, **from_wire(found, _ROLE)}
    return None


async def _update_role(api: AzureAdApi, id: str, old: State, new: State) -> State:
    written = to_wire(new, _ROLE) | {"isEnabled": True}
    await _change(
        api,
        new["applicationId"],
        "appRoles",
        lambda roles: [written if found["id"] == new["roleId"] else found for found in roles],
    )
    return dict(new)


async def _delete_role(api: AzureAdApi, id: str, state: State) -> None:
    role = _last(id)
    # Graph deletes a disabled role only.
    application = _application_of(id)
    if await api.call("GET", application, missing=True) is None:
        return
    for edit in (_disabled, _without):
        await _change(api, application, "appRoles", partial(edit, role))


def _disabled(role: str, roles: list[Any]) -> list[Any]:
    return [found | ({"isEnabled": False} if found["id"] == role else {}) for found in roles]


def _without(role: str, roles: list[Any]) -> list[Any]:
    return [found for found in roles if found["id"] != role]


def _uri_id(inputs: State) -> str:
    return f"{inputs['applicationId']}/identifierUris/{base64.b64encode(inputs['identifierUri'].encode()).decode()}"


def _uri_of(id: str) -> str:
    return base64.b64decode(id.split("/identifierUris/")[1]).decode()


async def _create_uri(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    uri = inputs["identifierUri"]
    await _change(api, inputs["applicationId"], "identifierUris", lambda uris: [*uris, *({uri} - set(uris))])
    return _uri_id(inputs), dict(inputs)


async def _read_uri(api: AzureAdApi, id: str, state: State) -> State | None:
    application, uri = _application_of(id), _uri_of(id)
    document = await api.call("GET", application, missing=True) or {}
    there = uri in (document.get("identifierUris") or ())
    return {"applicationId": application, "identifierUri": uri} if there else None


async def _delete_uri(api: AzureAdApi, id: str, state: State) -> None:
    application, uri = _application_of(id), _uri_of(id)
    if await api.call("GET", application, missing=True) is not None:
        await _change(api, application, "identifierUris", lambda uris: [item for item in uris if item != uri])


_CLAIMS: Final = {"accessTokens": "accessToken", "idTokens": "idToken", "saml2Tokens": "saml2Token"}


async def _write_claims(api: AzureAdApi, id: str, inputs: State) -> None:
    claims = {
        wire: [
            {"additionalProperties": [], "essential": False, "source": None} | claim for claim in inputs.get(name, ())
        ]
        for name, wire in _CLAIMS.items()
    }
    async with api.lock(id):
        await api.call("PATCH", id, _TYPE | {"optionalClaims": claims})


def _claim(document: dict[str, Any], given: list[Any], index: int) -> State:
    """A claim without what Graph fills in and the program left out."""
    named = given[index] if index < len(given) else {}
    return {name: item for name, item in camel(document).items() if item not in ([], False) or name in named}


async def _create_claims(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    await _application(api, inputs["applicationId"])
    await _write_claims(api, inputs["applicationId"], inputs)
    return inputs["applicationId"], dict(inputs)


async def _read_claims(api: AzureAdApi, id: str, state: State) -> State | None:
    document = await api.call("GET", id, missing=True)
    claims = (document or {}).get("optionalClaims")
    if claims is None:
        return None
    found = {
        name: [_claim(claim, state.get(name, []), index) for index, claim in enumerate(claims.get(wire) or ())]
        for name, wire in _CLAIMS.items()
    }
    return {"applicationId": id, **{name: items for name, items in found.items() if items}}


async def _update_claims(api: AzureAdApi, id: str, old: State, new: State) -> State:
    await _write_claims(api, id, new)
    return dict(new)


async def _delete_claims(api: AzureAdApi, id: str, state: State) -> None:
    if await api.call("GET", id, missing=True) is not None:
        await _write_claims(api, id, {})


SPECS: Final[tuple[Spec[AzureAdApi], ...]] = (
    Spec(
        type="azuread:index/applicationAppRole:ApplicationAppRole",
        module="application_app_role",
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        replace_on=frozenset({"applicationId", "roleId"}),
        sets=frozenset({"allowedMemberTypes"}),
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
        type="azuread:index/applicationOptionalClaims:ApplicationOptionalClaims",
        module="application_optional_claims",
        create=_create_claims,
        read=_read_claims,
        update=_update_claims,
        delete=_delete_claims,
        replace_on=frozenset({"applicationId"}),
    ),
)
