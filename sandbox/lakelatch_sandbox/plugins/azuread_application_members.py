"""The resources that own one member of an application wholly: optional claims, redirect URIs, known clients.

They are there as long as the application is; to delete one is to empty it.
"""

# ruff: noqa: ARG001, ARG002 - every call of a spec has the same signature

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import APPLICATION_TYPE, application_of
from lakelatch_sandbox.plugins.azuread_shapes import Each, Table, from_graph, normal, to_graph
from lakelatch_sandbox.plugins.spec import Spec, State

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
