"""Authentication strengths and which keys count for them: requests, ids and quirks of the azuread plugin."""

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_conditional_access import STRENGTHS
from lakelatch_sandbox.plugins.azuread_objects import Entity
from lakelatch_sandbox.plugins.azuread_shapes import Names, Table
from lakelatch_sandbox.plugins.spec import Spec, State

_OBJECT_ID: Final[Table] = {"objectId": "id"}

_STRENGTH: Final[Table] = {
    "allowedCombinations": Names("allowedCombinations"),
    "description": "description",
    "displayName": "displayName",
}
_STRENGTHS: Final = Entity(STRENGTHS, "#microsoft.graph.authenticationStrengthPolicy", _STRENGTH, _OBJECT_ID)


async def _update_strength(api: AzureAdApi, id: str, old: State, new: State) -> State:
    names = {"displayName": new["displayName"], "description": new.get("description", "")}
    await api.call("PATCH", id, {"@odata.type": _STRENGTHS.odata_type, **names})
    if sorted(new["allowedCombinations"]) != sorted(old["allowedCombinations"]):
        body = {"allowedCombinations": new["allowedCombinations"]}
        await api.call("POST", f"{id}/updateAllowedCombinations", body)
    return await _STRENGTHS.read(api, id, new) or {}


class _Combination(Entity):
    """A configuration below the strength that an input names by its bare object id."""

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        """POST below the strength."""
        path = f"{STRENGTHS}/{inputs['authenticationStrengthPolicyId']}/combinationConfigurations"
        made = await api.call("POST", path, self.written(inputs))
        return f"{path}/{made['id']}", dict(inputs)

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        """GET; the strength is in the id."""
        found = await super().read(api, id, state)
        if found is None:
            return None
        return {**found, "authenticationStrengthPolicyId": id.removeprefix(f"{STRENGTHS}/").partition("/")[0]}

    async def update(self, api: AzureAdApi, id: str, old: State, new: State) -> State:
        """PATCH the whole of it."""
        return {**await super().update(api, id, old, new), **new}


_FIDO2: Final = _Combination(
    "",
    "#microsoft.graph.fido2CombinationConfiguration",
    {"allowedAaguids": Names("allowedAAGUIDs")},
    {},
    body=lambda _: {"appliesToCombinations": ["fido2"]},
)
_X509: Final = _Combination(
    "",
    "#microsoft.graph.x509CertificateCombinationConfiguration",
    {
        "allowedIssuerSkis": Names("allowedIssuerSkis"),
        "allowedPolicyOids": Names("allowedPolicyOIDs"),
        "appliesToCombinations": Names("appliesToCombinations"),
    },
    {},
)
_OF_STRENGTH: Final = frozenset({"authenticationStrengthPolicyId"})


SPECS: Final[tuple[Spec[Any], ...]] = (
    _STRENGTHS.spec(
        "authenticationStrengthPolicy:AuthenticationStrengthPolicy",
        "authentication_strength_policy",
        update=_update_strength,
    ),
    _FIDO2.spec(
        "authenticationStrengthPolicyFido2CombinationConfiguration:"
        "AuthenticationStrengthPolicyFido2CombinationConfiguration",
        "authentication_strength_policy_fido2_combination_configuration",
        replace_on=_OF_STRENGTH,
    ),
    _X509.spec(
        "authenticationStrengthPolicyX509CombinationConfiguration:"
        "AuthenticationStrengthPolicyX509CombinationConfiguration",
        "authentication_strength_policy_x509_combination_configuration",
        replace_on=_OF_STRENGTH,
    ),
)
