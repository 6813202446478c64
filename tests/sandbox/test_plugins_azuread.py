"""Every type of the azuread stand-in lives its whole life against the doubles, is imported by its documented id, and
keeps the quirks of the official plugin."""

import base64
import datetime
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pulumi.provider.experimental.provider import ConfigureRequest
from support.plugin_resource import Connect, Resource, State, connected, invoke, life, values
from support.tenant import Tenant

from lakelatch.plugin.values import plain
from lakelatch_sandbox.plugins.errors import PluginError, VendorError
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.run import PLUGINS

ROLE, SCOPE = str(uuid.UUID(int=101)), str(uuid.UUID(int=102))
GRAPH = "00000003-0000-0000-c000-000000000000"


@pytest.fixture
async def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    async with connected(sandbox.endpoints, monkeypatch) as made:
        yield made


async def make(connect: Connect, kind: str, **inputs: Any) -> Resource:
    resource: Resource = await (await connect(f"azuread.{kind}")).create(inputs)
    return resource


@pytest.fixture
async def owner(connect: Connect) -> AsyncIterator[Resource]:
    """An application registration that parts belong to."""
    made = await make(connect, "ApplicationRegistration", displayName="owner")
    yield made
    await made.delete()


@pytest.fixture
async def domain(sandbox: Any) -> str:
    return f"sandbox{sandbox.endpoints.tenant_id.replace('-', '')[:8]}.onmicrosoft.com"


def role(**changes: Any) -> State:
    return {"id": ROLE, "displayName": "r", "description": "r", "allowedMemberTypes": ["Application"], **changes}


def scope(**changes: Any) -> State:
    return {
        "id": SCOPE,
        "value": "read",
        "adminConsentDisplayName": "Read",
        "adminConsentDescription": "Reads",
        **changes,
    }


WHOLE: State = {
    "displayName": "whole",
    "description": "d",
    "notes": "n",
    "marketingUrl": "https://m.example.com",
    "groupMembershipClaims": ["SecurityGroup", "ApplicationGroup"],
    "identifierUris": [],
    "api": {
        "requestedAccessTokenVersion": 2,
        "mappedClaimsEnabled": True,
        "knownClientApplications": [str(uuid.UUID(int=3))],
        "oauth2PermissionScopes": [scope()],
    },
    "appRoles": [role(value="Call"), role(id=str(uuid.UUID(int=7)), value="Read", enabled=False)],
    "optionalClaims": {
        "accessTokens": [
            {"name": "acrs"},
            {"name": "idtyp", "additionalProperties": ["include_user_token"], "essential": True},
        ]
    },
    "requiredResourceAccesses": [
        {"resourceAppId": GRAPH, "resourceAccesses": [{"id": str(uuid.UUID(int=9)), "type": "Role"}]}
    ],
    "web": {
        "homepageUrl": "https://a.example.com",
        "redirectUris": ["https://b.example.com/", "https://a.example.com/"],
        "implicitGrant": {"idTokenIssuanceEnabled": True},
    },
    "singlePageApplication": {"redirectUris": ["http://localhost:3000/"]},
    "publicClient": {"redirectUris": ["ms-appx-web://x"]},
    "featureTags": [{"enterprise": True}],
    "fallbackPublicClientEnabled": True,
}


async def test_a_whole_application(connect: Connect) -> None:
    """All its facets in one resource; roles that go are disabled first; the caller is taken off the owners."""
    second = {
        **WHOLE,
        "displayName": "renamed",
        "appRoles": [role(value="Call", description="changed")],
        "api": {**WHOLE["api"], "oauth2PermissionScopes": []},
        "web": {"redirectUris": ["https://a.example.com/"]},
        "optionalClaims": {"idTokens": [{"name": "email"}]},
        "featureTags": [{"hide": True}],
        "groupMembershipClaims": ["All"],
    }
    del second["description"]
    await life(await connect("azuread.Application"), WHOLE, second)


async def test_outputs_of_a_whole_application(connect: Connect) -> None:
    it = await make(connect, "Application", **WHOLE)
    assert it.id == f"/applications/{it.get('objectId')}"
    assert it.get("appRoleIds") == {"Call": ROLE, "Read": str(uuid.UUID(int=7))}
    assert it.get("oauth2PermissionScopeIds") == {"read": SCOPE}
    assert it.get("tags") == ["WindowsAzureActiveDirectoryIntegratedApp"]
    assert "owners" not in it.state
    await it.delete()


async def test_what_means_nothing_is_no_change(connect: Connect) -> None:
    """Order in sets, defaults written out, empty blocks."""
    it = await make(connect, "Application", **WHOLE)
    same: State = {
        **WHOLE,
        "appRoles": [role(id=str(uuid.UUID(int=7)), value="Read", enabled=False), role(value="Call", enabled=True)],
        "groupMembershipClaims": ["ApplicationGroup", "SecurityGroup"],
        "web": {**WHOLE["web"], "redirectUris": ["https://a.example.com/", "https://b.example.com/"], "logoutUrl": ""},
        "api": {**WHOLE["api"], "oauth2PermissionScopes": [scope(enabled=True, type="User")]},
        "owners": [],
    }
    assert await it.changes(same) == []
    await it.delete()


async def test_an_inline_password_is_secret_kept_and_replaced(connect: Connect) -> None:
    inputs = {"displayName": "with password", "password": {"displayName": "one"}}
    it = await make(connect, "Application", **inputs)
    assert it.state["password"].is_secret
    first = it.get("password")
    assert len(first["value"]) == 40
    assert await it.changes(inputs) == []
    assert await it.changes({**inputs, "password": {"displayName": "two"}}) == ["password"]
    assert await it.read()
    assert it.get("password") == first
    await it.update({**inputs, "notes": "n"})
    assert it.get("password") == first
    await it.update({"displayName": "with password", "password": {"displayName": "two"}})
    assert it.get("password")["value"] != first["value"]
    await it.delete()


async def test_prevent_duplicate_names(connect: Connect) -> None:
    it = await make(connect, "Application", displayName="O'Hara", preventDuplicateNames=True)
    with pytest.raises(PluginError, match="is there already"):
        await make(connect, "Application", displayName="o'hara", preventDuplicateNames=True)
    await it.delete()


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        pytest.param(
            "ApplicationPermissionScope",
            {"scopeId": SCOPE, "value": "read", "adminConsentDisplayName": "R", "adminConsentDescription": "r"},
            {
                "scopeId": SCOPE,
                "value": "read",
                "adminConsentDisplayName": "S",
                "adminConsentDescription": "s",
                "type": "Admin",
            },
            id="scope",
        ),
        pytest.param(
            "ApplicationApiAccess",
            {"apiClientId": GRAPH, "roleIds": [str(uuid.UUID(int=1)), str(uuid.UUID(int=2))]},
            {"apiClientId": GRAPH, "scopeIds": [str(uuid.UUID(int=3))]},
            id="api access",
        ),
        pytest.param(
            "ApplicationFlexibleFederatedIdentityCredential",
            {
                "displayName": "flexible",
                "issuer": "https://token.actions.githubusercontent.com",
                "audience": "api://AzureADTokenExchange",
                "claimsMatchingExpression": "claims['sub'] matches 'repo:acme/etl:ref:refs/heads/*'",
            },
            {
                "displayName": "flexible",
                "issuer": "https://token.actions.githubusercontent.com",
                "audience": "api://AzureADTokenExchange",
                "claimsMatchingExpression": "claims['sub'] eq 'repo:acme/etl:pull_request'",
                "description": "d",
            },
            id="flexible credential",
        ),
    ],
)
async def test_parts_of_an_application(
    connect: Connect, owner: Resource, kind: str, first: State, second: State
) -> None:
    on_owner = {"applicationId": owner.id}
    await life(await connect(f"azuread.{kind}"), {**first, **on_owner}, {**second, **on_owner})


@pytest.mark.parametrize(
    ("kind", "first", "second", "emptied"),
    [
        pytest.param(
            "ApplicationRedirectUris",
            {"type": "Web", "redirectUris": ["https://a.example.com/"]},
            {"type": "Web", "redirectUris": ["https://b.example.com/", "https://c.example.com/"]},
            ("redirectUris", []),
            id="redirects",
        ),
        pytest.param(
            "ApplicationKnownClients",
            {"knownClientIds": [str(uuid.UUID(int=1))]},
            {"knownClientIds": [str(uuid.UUID(int=2))]},
            ("knownClientIds", []),
            id="known clients",
        ),
        pytest.param(
            "ApplicationFallbackPublicClient", {"enabled": True}, {"enabled": False}, ("enabled", False), id="fallback"
        ),
    ],
)
async def test_members_that_a_resource_owns_wholly(
    connect: Connect, owner: Resource, kind: str, first: State, second: State, emptied: tuple[str, Any]
) -> None:
    """They are never gone while the application is: to delete one is to empty it."""
    on_owner = {"applicationId": owner.id}
    it = await make(connect, kind, **first, **on_owner)
    assert await it.read()
    assert await it.changes({**first, **on_owner}) == []
    await it.update({**second, **on_owner})
    assert await it.read()
    assert await it.changes({**second, **on_owner}) == []
    imported = await it.imported()
    assert imported is not None
    assert await imported.changes({**second, **on_owner}) == []
    await it.delete()
    assert await it.read()
    assert it.get(emptied[0]) == emptied[1]


async def test_pre_authorized_clients_and_delegated_grants(connect: Connect, owner: Resource) -> None:
    permission = await make(
        connect,
        "ApplicationPermissionScope",
        applicationId=owner.id,
        scopeId=SCOPE,
        value="read",
        adminConsentDisplayName="R",
        adminConsentDescription="r",
    )
    client = await make(connect, "ApplicationRegistration", displayName="client")
    first = {
        "applicationId": owner.id,
        "authorizedClientId": client.get("clientId"),
        "permissionIds": [permission.get("scopeId")],
    }
    it = await make(connect, "ApplicationPreAuthorized", **first)
    assert it.id == f"{owner.get('objectId')}/preAuthorizedApplication/{client.get('clientId')}"
    assert await it.read()
    assert await it.changes(first) == []
    assert await it.replaces({**first, "authorizedClientId": str(uuid.UUID(int=5))}) == ["authorizedClientId"]
    await it.delete()
    assert not await it.read()
    principals = [await make(connect, "ServicePrincipal", clientId=one.get("clientId")) for one in (owner, client)]
    resource, asking = (one.get("objectId") for one in principals)
    grant = {"resourceServicePrincipalObjectId": resource, "servicePrincipalObjectId": asking}
    await life(
        await connect("azuread.ServicePrincipalDelegatedPermissionGrant"),
        {**grant, "claimValues": ["read"]},
        {**grant, "claimValues": ["write", "read"]},
    )
    await permission.delete()
    await client.delete()


async def test_owners(connect: Connect, owner: Resource) -> None:
    client = await make(connect, "ApplicationRegistration", displayName="client")
    principal = await make(connect, "ServicePrincipal", clientId=client.get("clientId"))
    inputs = {"applicationId": owner.id, "ownerObjectId": principal.get("objectId")}
    it = await make(connect, "ApplicationOwner", **inputs)
    assert it.id == f"{owner.id}/owners/{principal.get('objectId')}"
    assert await it.read()
    assert await it.replaces({**inputs, "ownerObjectId": "x"}) == ["ownerObjectId"]
    await it.delete()
    assert not await it.read()
    await it.delete()
    both = {"clientId": owner.get("clientId"), "owners": [principal.get("objectId")]}
    owned = await make(connect, "ServicePrincipal", **both)
    assert await owned.read()
    assert await owned.changes(both) == []
    await owned.update({"clientId": owner.get("clientId")})
    assert "owners" not in owned.state
    await client.delete()


def certificate(begin: int = 2020, end: int = 2040) -> tuple[str, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nightly-report")])
    start = datetime.datetime(begin, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(7).not_valid_before(start).not_valid_after(start.replace(year=end))
    signed = made.sign(key, hashes.SHA256())
    return (
        signed.public_bytes(serialization.Encoding.PEM).decode(),
        signed.public_bytes(serialization.Encoding.DER),
    )


@pytest.mark.parametrize("encoding", ["pem", "base64", "hex"])
async def test_certificates_in_every_encoding(connect: Connect, owner: Resource, encoding: str) -> None:
    pem, der = certificate()
    value = {"pem": pem, "base64": base64.b64encode(der).decode(), "hex": der.hex()}[encoding]
    inputs = {"applicationId": owner.id, "type": "AsymmetricX509Cert", "value": value, "encoding": encoding}
    it = await make(connect, "ApplicationCertificate", **inputs)
    assert it.id == f"{owner.get('objectId')}/certificate/{it.get('keyId')}"
    assert it.state["value"].is_secret
    assert it.get("endDate") == "2040-01-01T00:00:00Z"
    assert await it.read()
    assert await it.changes(inputs) == []
    assert await it.replaces({**inputs, "endDate": "2030-01-01T00:00:00Z"}) == ["endDate"]
    await it.delete()
    assert not await it.read()
    await it.delete()


async def test_a_relative_end_of_a_certificate_is_sent(connect: Connect, owner: Resource) -> None:
    """Unlike that of a password."""
    start = "2021-01-01T00:00:00Z"
    inputs = {"applicationId": owner.id, "value": certificate()[0], "startDate": start, "endDateRelative": "24h30m"}
    it = await make(connect, "ApplicationCertificate", type="AsymmetricX509Cert", **inputs)
    assert await it.read()
    assert it.get("endDate") == "2021-01-02T00:30:00Z"
    assert await it.changes({"type": "AsymmetricX509Cert", **inputs}) == []
    await it.delete()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": "not a certificate"}, "KeyCredentialsInvalidKey"),
        ({"encoding": "base64", "value": "!"}, "not a certificate"),
        ({"encoding": "der"}, "not a certificate|encoding"),
        ({"endDate": "2050-01-01T00:00:00Z"}, "KeyCredentialsInvalidEndDate"),
        ({"startDate": "2010-01-01T00:00:00Z"}, "KeyCredentialsInvalidStartDate"),
        ({"endDateRelative": "10 days"}, "no duration"),
    ],
    ids=str,
)
async def test_certificates_that_are_refused(connect: Connect, owner: Resource, changes: State, words: str) -> None:
    inputs = {"applicationId": owner.id, "type": "AsymmetricX509Cert", "value": certificate()[0], **changes}
    with pytest.raises(PluginError, match=words):
        await make(connect, "ApplicationCertificate", **inputs)


async def test_passwords_of_a_service_principal(connect: Connect, owner: Resource) -> None:
    principal = await make(connect, "ServicePrincipal", clientId=owner.get("clientId"))
    inputs = {"servicePrincipalId": principal.id, "displayName": "p", "endDateRelative": "240h"}
    it = await make(connect, "ServicePrincipalPassword", **inputs)
    assert it.id == f"{principal.get('objectId')}/password/{it.get('keyId')}"
    assert it.state["value"].is_secret
    assert it.get("endDate").startswith("20"), "the vendor's own end: the relative one is never sent"
    assert await it.read()
    assert await it.changes(inputs) == []
    assert await it.replaces({**inputs, "rotateWhenChanged": {"a": "b"}}) == ["rotateWhenChanged"]
    await it.delete()
    assert not await it.read()


async def test_a_service_principal_with_everything(connect: Connect, owner: Resource) -> None:
    first = {
        "clientId": owner.get("clientId"),
        "alternativeNames": ["b", "a"],
        "description": "d",
        "loginUrl": "https://login.example.com",
        "notificationEmailAddresses": ["x@example.com"],
        "preferredSingleSignOnMode": "saml",
        "samlSingleSignOn": {"relayState": "/home"},
        "featureTags": [{"enterprise": True, "hide": True}],
    }
    second = {"clientId": owner.get("clientId"), "features": [{"visibleToUsers": True}], "accountEnabled": False}
    it = await make(connect, "ServicePrincipal", **first)
    assert await it.read()
    assert await it.changes(first) == []
    assert it.get("features")[0] == {
        "customSingleSignOnApp": False,
        "enterpriseApplication": True,
        "galleryApplication": False,
        "visibleToUsers": False,
    }
    await it.update(second)
    assert await it.read()
    assert await it.changes(second) == []
    assert "description" not in it.state
    bare = it.id.rpartition("/")[2]
    it.id = bare
    assert await it.read(), "an import may name the bare object id"
    await it.delete()


async def test_groups_and_their_members(connect: Connect, domain: str) -> None:
    person = await make(connect, "User", userPrincipalName=f"ann@{domain}", displayName="Ann", password="secret word 1")
    inner = await make(connect, "Group", displayName="inner", securityEnabled=True)
    first = {
        "displayName": "outer",
        "securityEnabled": True,
        "description": "d",
        "members": [inner.get("objectId"), person.get("objectId")],
    }
    it = await make(connect, "Group", **first)
    assert await it.changes(first) == []
    assert len(it.get("owners")) == 1, "the caller, when the program names none"
    second = {"displayName": "renamed", "securityEnabled": True, "members": [inner.get("objectId")]}
    assert await it.changes(second) == ["description", "displayName", "members"]
    await it.update(second)
    assert await it.read()
    assert await it.changes(second) == []
    member = {"groupObjectId": it.get("objectId"), "memberObjectId": person.get("objectId")}
    link = await make(connect, "GroupMember", **member)
    assert link.id == f"{it.get('objectId')}/member/{person.get('objectId')}"
    assert await link.read()
    await it.update({"displayName": "renamed", "securityEnabled": True})
    assert await link.read(), "a group without `members` leaves them alone"
    assert await it.replaces({"displayName": "renamed", "mailNickname": "other"}) == ["mailNickname"]
    await link.delete()
    assert not await link.read()
    for one in (it, inner, person):
        await one.delete()
        assert not await one.read()


async def test_many_members_and_a_dynamic_group(sandbox: Any, connect: Connect) -> None:
    """More than fit into the first request, and more than fit on a page."""
    tenant = Tenant(sandbox)
    members = [tenant.user(f"p{number}")["id"] for number in range(103)]
    it = await make(connect, "Group", displayName="many", securityEnabled=True, members=members)
    assert sorted(it.get("members")) == sorted(members)
    rule = {"enabled": True, "rule": 'user.department -eq "Sales"'}
    first = {"displayName": "dynamic", "securityEnabled": True, "types": ["DynamicMembership"]}
    dynamic = await make(connect, "GroupWithoutMembers", **first, dynamicMembership=rule)
    assert await dynamic.read()
    assert await dynamic.changes({**first, "dynamicMembership": rule}) == []
    paused = {**first, "dynamicMembership": {**rule, "enabled": False}}
    assert await dynamic.changes(paused) == ["dynamicMembership"]
    await dynamic.update(paused)
    assert await dynamic.changes(paused) == []
    for one in (it, dynamic):
        await one.delete()


async def test_users(connect: Connect, domain: str) -> None:
    boss = await make(connect, "User", userPrincipalName=f"boss@{domain}", displayName="Boss", password="secret word 1")
    first = {
        "userPrincipalName": f"bob@{domain}",
        "displayName": "Bob",
        "password": "secret word 2",
        "department": "Sales",
        "costCenter": "7",
        "managerId": boss.get("objectId"),
        "disablePasswordExpiration": True,
        "otherMails": ["b@example.com", "a@example.com"],
    }
    second = {
        "userPrincipalName": f"bob@{domain}",
        "displayName": "Robert",
        "password": "secret word 3",
        "accountEnabled": False,
        "otherMails": ["a@example.com"],
    }
    await life(await connect("azuread.User"), first, second)
    again = await make(connect, "User", **{**first, "userPrincipalName": f"bob2@{domain}"})
    assert again.state["password"].is_secret
    assert again.get("mailNickname") == "bob2"
    imported = await again.imported()
    assert imported is not None
    assert "password" not in imported.state
    assert imported.get("managerId") == boss.get("objectId")
    await again.delete()
    await boss.delete()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            {"displayName": "office", "ip": {"ipRanges": ["10.0.0.0/8", "2001:db8::/32"], "trusted": True}},
            {"displayName": "offices", "ip": {"ipRanges": ["10.1.0.0/16"]}},
            id="ip",
        ),
        pytest.param(
            {"displayName": "countries", "country": {"countriesAndRegions": ["NO", "DE"]}},
            {
                "displayName": "countries",
                "country": {"countriesAndRegions": ["NO"], "includeUnknownCountriesAndRegions": True},
            },
            id="country",
        ),
    ],
)
async def test_named_locations(connect: Connect, first: State, second: State) -> None:
    await life(await connect("azuread.NamedLocation"), first, second)


async def test_a_trusted_location_loses_its_trust_before_it_goes(connect: Connect) -> None:
    inputs = {"displayName": "office", "ip": {"ipRanges": ["10.0.0.0/8"], "trusted": True}}
    it = await make(connect, "NamedLocation", **inputs)
    await it.delete()
    assert not await it.read()


AAGUIDS = [str(uuid.UUID(int=11)), str(uuid.UUID(int=12))]


async def test_strengths_and_their_keys(connect: Connect) -> None:
    first = {"displayName": "keys", "allowedCombinations": ["x509CertificateMultiFactor", "fido2"]}
    second = {"displayName": "keys only", "description": "d", "allowedCombinations": ["fido2"]}
    await life(await connect("azuread.AuthenticationStrengthPolicy"), first, second)
    strength = await make(connect, "AuthenticationStrengthPolicy", **first)
    below = {"authenticationStrengthPolicyId": strength.get("objectId")}
    await life(
        await connect("azuread.AuthenticationStrengthPolicyFido2CombinationConfiguration"),
        {**below, "allowedAaguids": AAGUIDS},
        {**below, "allowedAaguids": AAGUIDS[:1]},
    )
    await life(
        await connect("azuread.AuthenticationStrengthPolicyX509CombinationConfiguration"),
        {**below, "appliesToCombinations": ["x509CertificateMultiFactor"], "allowedIssuerSkis": ["9A4248C6"]},
        {**below, "appliesToCombinations": ["x509CertificateMultiFactor"], "allowedPolicyOids": ["1.2.3"]},
    )
    await make(connect, "AuthenticationStrengthPolicyFido2CombinationConfiguration", **below, allowedAaguids=AAGUIDS)
    with pytest.raises(VendorError, match="for this combination already"):
        await make(
            connect, "AuthenticationStrengthPolicyFido2CombinationConfiguration", **below, allowedAaguids=AAGUIDS
        )
    await strength.delete()


def policy(**changes: Any) -> State:
    return {
        "displayName": "phishing resistant",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "applications": {"includedApplications": ["All"]},
            "clientAppTypes": ["all"],
            "users": {"includedUsers": ["All"], "excludedGroups": [str(uuid.UUID(int=5))]},
        },
        **changes,
    }


async def test_conditional_access_policies(connect: Connect) -> None:
    strength = await make(connect, "AuthenticationStrengthPolicy", displayName="s", allowedCombinations=["fido2"])
    location = await make(connect, "NamedLocation", displayName="office", ip={"ipRanges": ["10.0.0.0/8"]})
    first = policy(grantControls={"operator": "OR", "authenticationStrengthPolicyId": strength.id})
    guests = {
        "guestOrExternalUserTypes": ["b2bCollaborationGuest", "internalGuest"],
        "externalTenants": [{"membershipKind": "enumerated", "members": [str(uuid.UUID(int=6))]}],
    }
    second = policy(
        state="enabled",
        conditions={
            "applications": {"includedUserActions": ["urn:user:registersecurityinfo"]},
            "clientAppTypes": ["browser", "mobileAppsAndDesktopClients"],
            "users": {"includedUsers": ["All"], "excludedGuestsOrExternalUsers": [guests]},
            "devices": {"filter": {"mode": "exclude", "rule": 'device.trustType -eq "AzureAD"'}},
            "locations": {
                "includedLocations": ["All"],
                "excludedLocations": [location.get("objectId"), "AllTrusted"],
            },
            "platforms": {"includedPlatforms": ["all"]},
            "authenticationFlowTransferMethods": ["deviceCodeFlow"],
            "signInRiskLevels": ["high", "medium"],
        },
        grantControls={"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]},
        sessionControls={
            "signInFrequency": 4,
            "signInFrequencyPeriod": "hours",
            "persistentBrowserMode": "never",
            "applicationEnforcedRestrictionsEnabled": True,
        },
    )
    await life(await connect("azuread.ConditionalAccessPolicy"), first, second)
    it = await make(connect, "ConditionalAccessPolicy", **first)
    assert it.id == f"/identity/conditionalAccess/policies/{it.get('objectId')}"
    with pytest.raises(VendorError, match="is referenced by the policy"):
        await strength.delete()
    await it.delete()
    await strength.delete()
    await location.delete()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "1007"),
        ({"grantControls": {"operator": "XOR", "builtInControls": ["mfa"]}}, "1007"),
        (
            {
                "grantControls": {
                    "operator": "AND",
                    "builtInControls": ["mfa"],
                    "authenticationStrengthPolicyId": "/policies/authenticationStrengthPolicies/"
                    "00000000-0000-0000-0000-000000000004",
                }
            },
            "cannot be combined",
        ),
        (
            {
                "grantControls": {
                    "operator": "AND",
                    "authenticationStrengthPolicyId": f"/policies/authenticationStrengthPolicies/{uuid.UUID(int=1)}",
                }
            },
            "does not exist",
        ),
    ],
    ids=["no controls", "operator", "mfa with a strength", "unknown strength"],
)
async def test_policies_that_are_refused(connect: Connect, changes: State, words: str) -> None:
    with pytest.raises(VendorError, match=words):
        await make(connect, "ConditionalAccessPolicy", **policy(**changes))


IMPORTED = [
    pytest.param("Application", WHOLE, id="application"),
    pytest.param("Group", {"displayName": "g", "securityEnabled": True}, id="group"),
    pytest.param("NamedLocation", {"displayName": "l", "country": {"countriesAndRegions": ["NO"]}}, id="location"),
    pytest.param("AuthenticationStrengthPolicy", {"displayName": "s", "allowedCombinations": ["fido2"]}, id="strength"),
    pytest.param(
        "ConditionalAccessPolicy",
        policy(grantControls={"operator": "OR", "builtInControls": ["block"]}),
        id="conditional access",
    ),
]


@pytest.mark.parametrize(("kind", "inputs"), IMPORTED)
async def test_an_import_reads_what_a_program_would_say(connect: Connect, kind: str, inputs: State) -> None:
    it = await make(connect, kind, **inputs)
    imported = await it.imported()
    assert imported is not None
    assert await imported.changes({**inputs, **({"tags": []} if kind == "Application" else {})}) in ([], ["tags"])
    await it.delete()
    assert await it.imported() is None


async def test_functions_find_what_is_there(sandbox: Any, connect: Connect, owner: Resource, domain: str) -> None:
    provider = owner.provider
    client = await invoke(provider, "azuread:index/getClientConfig:getClientConfig", {})
    assert (client["tenantId"], client["clientId"]) == (
        sandbox.endpoints.tenant_id,
        sandbox.endpoints.entra_admin_client_id,
    )
    by_id = {"clientId": owner.get("clientId")}
    found = await invoke(provider, "azuread:index/getApplication:getApplication", by_id)
    assert (found["displayName"], found["objectId"], found["id"]) == ("owner", owner.get("objectId"), owner.id)
    principal = await make(connect, "ServicePrincipal", **by_id)
    found = await invoke(provider, "azuread:index/getServicePrincipal:getServicePrincipal", by_id)
    assert found["objectId"] == principal.get("objectId")
    graph = {"clientId": GRAPH}
    found = await invoke(provider, "azuread:index/getServicePrincipal:getServicePrincipal", graph)
    assert found["appRoleIds"]["Application.ReadWrite.All"] == "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"
    group = await make(connect, "Group", displayName="O'Hara's", securityEnabled=True)
    found = await invoke(provider, "azuread:index/getGroup:getGroup", {"displayName": "O'Hara's"})
    assert found["objectId"] == group.get("objectId")
    user = await make(connect, "User", userPrincipalName=f"eve@{domain}", displayName="Eve", password="secret word 4")
    found = await invoke(provider, "azuread:index/getUser:getUser", {"userPrincipalName": f"eve@{domain}"})
    assert found["objectId"] == user.get("objectId")
    again = await make(connect, "Group", displayName="O'Hara's", securityEnabled=True)
    with pytest.raises(PluginError, match="more than one object"):
        await invoke(provider, "azuread:index/getGroup:getGroup", {"displayName": "O'Hara's"})
    with pytest.raises(PluginError, match="no object of /groups"):
        await invoke(provider, "azuread:index/getGroup:getGroup", {"displayName": "nobody"})
    with pytest.raises(PluginError, match="exactly one of"):
        await invoke(provider, "azuread:index/getGroup:getGroup", {})
    for one in (group, again, user, principal):
        await one.delete()


async def test_drift_is_read_and_mended(sandbox: Any, connect: Connect, owner: Resource) -> None:
    """What others changed shows in a read, and an update writes it back."""
    inputs = {"displayName": "drift", "securityEnabled": True, "description": "as it should be"}
    it = await make(connect, "Group", **inputs)
    other = await make(connect, "Group", displayName="other", securityEnabled=True)
    other.id = it.id
    await other.update({"displayName": "drifted", "securityEnabled": True, "description": "changed"})
    assert await it.read()
    assert await it.changes(inputs) == ["description", "displayName"]
    await it.update(inputs)
    assert await it.read()
    assert await it.changes(inputs) == []
    assert plain(it.state["displayName"]) == "drift"
    await it.delete()


@pytest.fixture
def late(sandbox: Any) -> Iterator[Callable[[int], None]]:
    """Lets writes show after so many reads."""

    def switch(reads: int) -> None:
        sandbox.http.post(f"{sandbox.endpoints.control_url}/graph/consistency", json={"reads": reads})

    yield switch
    switch(0)


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        pytest.param("Application", {"displayName": "late"}, id="application"),
        pytest.param("Group", {"displayName": "late", "securityEnabled": True}, id="group"),
        pytest.param("NamedLocation", {"displayName": "l", "country": {"countriesAndRegions": ["NO"]}}, id="location"),
    ],
)
async def test_what_shows_late_is_waited_for(connect: Connect, late: Any, kind: str, inputs: State) -> None:
    late(2)
    it = await make(connect, kind, **inputs)
    late(0)
    assert await it.read()
    assert await it.changes(inputs) == []
    await it.delete()


async def test_a_registration_that_shows_late_fails_its_creation(connect: Connect, late: Any) -> None:
    """As with the official plugin, which reads once; the object is there all the same."""
    late(1)
    with pytest.raises(PluginError, match="expected non-nil error with nil state during Create"):
        await make(connect, "ApplicationRegistration", displayName="late")


async def test_a_service_principal_that_shows_late_fails_its_creation(
    connect: Connect, owner: Resource, late: Any
) -> None:
    late(1)
    with pytest.raises(VendorError) as refusal:
        await make(connect, "ServicePrincipal", clientId=owner.get("clientId"))
    assert refusal.value.status == 404


async def signed_in(sandbox: Any, monkeypatch: pytest.MonkeyPatch, **arguments: str) -> State:
    """Who the provider is, with these arguments for its proof."""
    monkeypatch.setenv("SSL_CERT_FILE", sandbox.endpoints.ca_file)
    monkeypatch.delenv("ARM_CLIENT_SECRET", raising=False)
    http = Http()
    try:
        provider = PLUGINS["azuread"](http)
        given = {"metadataHost": sandbox.endpoints.metadata_host, "tenantId": sandbox.endpoints.tenant_id, **arguments}
        await provider.configure(ConfigureRequest({}, values(given), True, True))
        return await invoke(provider, "azuread:index/getClientConfig:getClientConfig", {})
    finally:
        await http.close()


@pytest.mark.parametrize("way", ["token", "file", "request", "environment"])
async def test_the_provider_signs_in_without_a_secret(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    """By an ID token of a CI job that a federated credential trusts: given, in a file, or asked of the runner."""
    tenant = Tenant(sandbox)
    made, principal = tenant.application("deployer")
    subject = f"repo:acme/platform:environment:{way}"
    trust = {
        "name": "ci",
        "issuer": f"{sandbox.endpoints.issuers_url}/github",
        "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
    }
    tenant.ok("POST", f"/applications/{made['id']}/federatedIdentityCredentials", trust)
    claims = {"sub": subject, "aud": "api://AzureADTokenExchange"}
    token = tenant.control("POST", "/issuers/tokens", {"issuer": "github", "claims": claims}).json()["token"]
    if way == "token":
        proof = {"oidcToken": token}
    elif way == "file":
        (tmp_path / "token").write_text(f"{token}\n")
        proof = {"oidcTokenFilePath": str(tmp_path / "token")}
    elif way == "environment":
        monkeypatch.setenv("ARM_OIDC_TOKEN", token)
        proof = {}
    else:
        job = tenant.control("POST", "/issuers/jobs", {"issuer": "github", "claims": {"sub": subject}}).json()
        proof = {
            "oidcRequestUrl": job["ACTIONS_ID_TOKEN_REQUEST_URL"],
            "oidcRequestToken": job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
        }
    found = await signed_in(sandbox, monkeypatch, clientId=made["appId"], **proof)
    assert found["objectId"] == principal["id"]


async def test_without_any_proof_the_provider_says_what_would_be_one(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PluginError, match="no `clientSecret` and no ID token"):
        await signed_in(sandbox, monkeypatch, clientId="x")
