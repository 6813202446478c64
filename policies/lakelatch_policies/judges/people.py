"""People: sign-in that cannot be phished, and that cannot lock everybody out."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, switch

RESISTANT: Final = frozenset({"fido2", "windowsHelloForBusiness", "x509CertificateMultiFactor"})
"""Microsoft Entra, authentication strengths: what phishing-resistant consists of."""

NO_MODEL: Final = "00000000-0000-0000-0000-000000000000"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

WEAK_GRANTS: Final = frozenset({"implicit", "password", DEVICE_CODE})


def resistant(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A strength that is made of phishing-resistant methods alone."""
    for index, combination in enumerate(items(at(resource.props, "allowedCombinations"))):
        if str(combination) not in RESISTANT:
            yield f"allowedCombinations.{index}", "can be phished"


def okta_constraints(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A sign-on rule of Okta that lets in: two factors, of which possession resists phishing."""
    if at(resource.props, "access") == "DENY":
        return
    if at(resource.props, "factorMode") == "1FA":
        yield "factorMode", "asks for one factor"
    for index, text in enumerate(items(at(resource.props, "constraints"))):
        try:
            possession = at(json.loads(str(text)), "possession")
        except ValueError:
            yield f"constraints.{index}", "is not JSON"
            continue
        if not isinstance(possession, Mapping) or possession.get("phishingResistant") != "REQUIRED":
            yield f"constraints.{index}", "does not ask for phishing resistance"


def strength(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Conditional Access that asks for any second factor, where it could ask for a strength."""
    controls = "grantControls"
    if "mfa" in list(items(at(resource.props, f"{controls}.builtInControls"))):
        yield f"{controls}.builtInControls", "asks for any second factor; name an authentication strength"


def break_glass(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A policy for everybody excludes the emergency accounts, before it is enforced."""
    users = "conditions.users"
    everybody = "All" in list(items(at(resource.props, f"{users}.includedUsers")))
    excluded = [
        *items(at(resource.props, f"{users}.excludedUsers")),
        *items(at(resource.props, f"{users}.excludedGroups")),
    ]
    if everybody and not excluded and at(resource.props, "state") != "disabled":
        yield users, "excludes no emergency account, so a mistake locks everybody out"


def device_code(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A policy about device codes blocks them."""
    flows = "conditions.authenticationFlowTransferMethods"
    blocks = "block" in list(items(at(resource.props, "grantControls.builtInControls")))
    if "deviceCodeFlow" in list(items(at(resource.props, flows))) and not blocks:
        yield "grantControls.builtInControls", "does not block the device code flow that the policy is about"


def grants(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Grant types of an authorization server, or a client, that hand tokens to whoever asks nicely."""
    for path in ("grantTypeWhitelists", "grantTypes"):
        for index, grant in enumerate(items(at(resource.props, path))):
            if str(grant) in WEAK_GRANTS:
                yield f"{path}.{index}", "can be phished or leaks tokens"


def keycloak_grants(resource: Resource, _: Settings) -> Iterator[Finding]:
    """The same of a Keycloak client."""
    for path in ("implicitFlowEnabled", "directAccessGrantsEnabled", "oauth2DeviceAuthorizationGrantEnabled"):
        if switch(at(resource.props, path)):
            yield path, "can be phished or leaks tokens"


def models(path: str) -> Judge:
    """A list of authenticator models that names models."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for index, value in enumerate(items(at(resource.props, path))):
            if str(value).lower() == NO_MODEL:
                yield f"{path}.{index}", "is what authenticators without attestation send"

    return judge


def keycloak_attestation(policy: str) -> Judge:
    """A list of models is worth something only with attestation: else an authenticator says what it likes."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        listed = any(items(at(resource.props, f"{policy}.acceptableAaguids")))
        if listed and at(resource.props, f"{policy}.attestationConveyancePreference") != "direct":
            yield f"{policy}.attestationConveyancePreference", "is not `direct`, so the list of models proves nothing"
        yield from models(f"{policy}.acceptableAaguids")(resource, _)

    return judge
