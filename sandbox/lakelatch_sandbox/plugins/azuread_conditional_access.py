"""Conditional Access and named locations: requests, ids and quirks of the azuread plugin."""

from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import Document, Entity, last
from lakelatch_sandbox.plugins.azuread_shapes import COMMA_LIST, Mapped, Names, One, Table, from_graph, to_graph
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State

STRENGTHS: Final = "/policies/authenticationStrengthPolicies"
_OBJECT_ID: Final[Table] = {"objectId": "id"}


def _tenants(*, membershipKind: str, members: list[str] | None = None) -> Document:
    kind = f"#microsoft.graph.conditionalAccess{membershipKind.capitalize()}ExternalTenants"
    return {"@odata.type": kind, "membershipKind": membershipKind, **({"members": members} if members else {})}


_FILTER: Final[Table] = {"mode": "mode", "rule": "rule"}
_GUESTS: Final[Table] = {
    "guestOrExternalUserTypes": Mapped("guestOrExternalUserTypes", *COMMA_LIST, unordered=True),
    "externalTenants": Mapped(
        "externalTenants",
        lambda tenants: _tenants(**tenants[0]),
        lambda found: [{name: found[name] for name in ("membershipKind", "members") if found.get(name)}],
    ),
}


def _guests(path: str) -> Mapped:
    """A list of at most one in the program, one object on the wire."""
    inner = One("guests", _GUESTS)
    return Mapped(
        path,
        lambda guests: to_graph({"guests": guests[0]}, {"guests": inner}).get("guests"),
        lambda found: [from_graph({"guests": found}, {"guests": inner}).get("guests", {})],
    )


_CONDITIONS: Final[Table] = {
    "applications": One(
        "applications",
        {
            "excludedApplications": Names("excludeApplications"),
            "filter": One("applicationFilter", _FILTER),
            "includedApplications": Names("includeApplications"),
            "includedUserActions": Names("includeUserActions"),
        },
    ),
    "authenticationFlowTransferMethods": Mapped("authenticationFlows.transferMethods", *COMMA_LIST, unordered=True),
    "clientAppTypes": Names("clientAppTypes"),
    "clientApplications": One(
        "clientApplications",
        {
            "excludedServicePrincipals": Names("excludeServicePrincipals"),
            "filter": One("servicePrincipalFilter", _FILTER),
            "includedServicePrincipals": Names("includeServicePrincipals"),
        },
    ),
    "devices": One("devices", {"filter": One("deviceFilter", _FILTER)}),
    "insiderRiskLevels": "insiderRiskLevels",
    "locations": One(
        "locations",
        {"excludedLocations": Names("excludeLocations"), "includedLocations": Names("includeLocations")},
    ),
    "platforms": One(
        "platforms",
        {"excludedPlatforms": Names("excludePlatforms"), "includedPlatforms": Names("includePlatforms")},
    ),
    "servicePrincipalRiskLevels": Names("servicePrincipalRiskLevels"),
    "signInRiskLevels": Names("signInRiskLevels"),
    "userRiskLevels": Names("userRiskLevels"),
    "users": One(
        "users",
        {
            **{
                f"{word}d{kind}": Names(f"{word}{kind}")
                for word in ("include", "exclude")
                for kind in ("Users", "Groups", "Roles")
            },
            "includedGuestsOrExternalUsers": _guests("includeGuestsOrExternalUsers"),
            "excludedGuestsOrExternalUsers": _guests("excludeGuestsOrExternalUsers"),
        },
    ),
}
_POLICY: Final[Table] = {
    "conditions": One("conditions", _CONDITIONS),
    "displayName": "displayName",
    "grantControls": One(
        "grantControls",
        {
            # the consumer wants the prefixed id, Graph the bare one
            "authenticationStrengthPolicyId": Mapped(
                "authenticationStrength",
                lambda id: {"@odata.type": "#microsoft.graph.authenticationStrengthPolicy", "id": last(id)},
                lambda found: f"{STRENGTHS}/{found['id']}",
            ),
            "builtInControls": Names("builtInControls"),
            "customAuthenticationFactors": Names("customAuthenticationFactors"),
            "operator": "operator",
            "termsOfUses": Names("termsOfUse"),
        },
    ),
    "state": "state",
}


def _session(inputs: State) -> Document:
    """The session controls; each is an object with a switch of its own."""
    given = inputs.get("sessionControls")
    if not given:
        return {"sessionControls": None}
    found: Document = {"disableResilienceDefaults": given.get("disableResilienceDefaults")}
    if given.get("applicationEnforcedRestrictionsEnabled"):
        found["applicationEnforcedRestrictions"] = {"isEnabled": True}
    if given.get("cloudAppSecurityPolicy"):
        found["cloudAppSecurity"] = {"isEnabled": True, "cloudAppSecurityType": given["cloudAppSecurityPolicy"]}
    if given.get("persistentBrowserMode"):
        found["persistentBrowser"] = {"isEnabled": True, "mode": given["persistentBrowserMode"]}
    if given.get("signInFrequency") or given.get("signInFrequencyInterval"):
        found["signInFrequency"] = {
            "isEnabled": True,
            "value": int(given["signInFrequency"]) if given.get("signInFrequency") else None,
            "type": given.get("signInFrequencyPeriod"),
            "authenticationType": given.get("signInFrequencyAuthenticationType", "primaryAndSecondaryAuthentication"),
            "frequencyInterval": given.get("signInFrequencyInterval", "timeBased"),
        }
    return {"sessionControls": found}


def _session_state(document: Document, _: State) -> State:
    found = document.get("sessionControls")
    if not found:
        return {}
    frequency = found.get("signInFrequency") or {}
    state = {
        "applicationEnforcedRestrictionsEnabled": (found.get("applicationEnforcedRestrictions") or {}).get("isEnabled"),
        "cloudAppSecurityPolicy": (found.get("cloudAppSecurity") or {}).get("cloudAppSecurityType"),
        "disableResilienceDefaults": found.get("disableResilienceDefaults"),
        "persistentBrowserMode": (found.get("persistentBrowser") or {}).get("mode"),
        "signInFrequency": frequency.get("value"),
        "signInFrequencyPeriod": frequency.get("type"),
        "signInFrequencyAuthenticationType": frequency.get("authenticationType"),
        "signInFrequencyInterval": frequency.get("frequencyInterval"),
    }
    return {"sessionControls": {name: value for name, value in state.items() if value is not None}}


_FREQUENCY: Final = {
    "signInFrequencyAuthenticationType": "primaryAndSecondaryAuthentication",
    "signInFrequencyInterval": "timeBased",
}
"""What the official plugin takes for unsaid frequencies."""

_CONDITIONAL_ACCESS: Final = Entity(
    "/identity/conditionalAccess/policies",
    "#microsoft.graph.conditionalAccessPolicy",
    _POLICY,
    _OBJECT_ID,
    body=_session,
    state=_session_state,
    compared={"sessionControls": One("", {}, _FREQUENCY)},
)


_LOCATION: Final[Table] = {
    "country": One(
        "",
        {
            "countriesAndRegions": Names("countriesAndRegions"),
            "countryLookupMethod": "countryLookupMethod",
            "includeUnknownCountriesAndRegions": "includeUnknownCountriesAndRegions",
        },
        {"countryLookupMethod": "clientIpAddress"},
    ),
    "displayName": "displayName",
    "ip": One(
        "",
        {
            "ipRanges": Mapped(
                "ipRanges",
                lambda ranges: [
                    {
                        "@odata.type": f"#microsoft.graph.iPv{6 if ':' in one else 4}CidrRange",
                        "cidrAddress": one,
                    }
                    for one in ranges
                ],
                lambda found: [one["cidrAddress"] for one in found],
                unordered=True,
            ),
            "trusted": "isTrusted",
        },
        {"trusted": False},
    ),
}


def _location_type(inputs: State) -> Document:
    if bool(inputs.get("ip")) == bool(inputs.get("country")):
        raise PluginError("a named location has exactly one of `ip` and `country`")
    return {"@odata.type": f"#microsoft.graph.{'ip' if inputs.get('ip') else 'country'}NamedLocation"}


_LOCATIONS: Final = Entity(
    "/identity/conditionalAccess/namedLocations",
    "#microsoft.graph.namedLocation",
    _LOCATION,
    _OBJECT_ID,
    body=_location_type,
)


async def _delete_location(api: AzureAdApi, id: str, state: State) -> None:
    """A trusted location loses its trust first, or Graph refuses."""
    if (state.get("ip") or {}).get("trusted"):
        body = {"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": False}
        await api.call("PATCH", id, body, missing=True)
    await api.call("DELETE", id, missing=True)


SPECS: Final[tuple[Spec[Any], ...]] = (
    _CONDITIONAL_ACCESS.spec("conditionalAccessPolicy:ConditionalAccessPolicy", "conditional_access_policy"),
    _LOCATIONS.spec(
        "namedLocation:NamedLocation",
        "named_location",
        delete=_delete_location,
    ),
)
