"""Proves exactly what an application in Entra ID is made of, and what it refuses."""

from typing import Any

import pulumi
import pytest
from support.builders import build
from support.recorder import Deploy

from lakelatch.components.arguments import ArgumentError

CREDENTIAL: Any = {"issuer": "https://k", "subject": "system:serviceaccount:a:b"}


def made(deploy: Deploy, **changed: Any) -> Any:
    return deploy(lambda: build("EntraApplication", **changed))


def test_registers_exactly_its_parts(deploy: Deploy) -> None:
    deployed = made(deploy)
    assert sorted(deployed.made()) == [
        "AppRoleAssignment app/call",
        "ApplicationAppRole app/Call",
        "ApplicationFederatedIdentityCredential app/cluster",
        "ApplicationIdentifierUri app",
        "ApplicationOptionalClaims app",
        "ApplicationRegistration app",
        "EntraApplication app",
        "ServicePrincipal app",
    ]
    assert deployed.one(":ApplicationRegistration").inputs == {
        "displayName": "App",
        "requestedAccessTokenVersion": 2,
        "signInAudience": "AzureADMyOrg",
    }
    assert deployed.one(":ServicePrincipal").inputs == {"clientId": "client-app", "appRoleAssignmentRequired": True}
    assert deployed.one(":ApplicationFederatedIdentityCredential").inputs == {
        "applicationId": "app-id",
        "audiences": ["api://AzureADTokenExchange"],
        "description": "system:serviceaccount:a:b at https://k",
        "displayName": "cluster",
        "issuer": "https://k",
        "subject": "system:serviceaccount:a:b",
    }
    assert deployed.one(":AppRoleAssignment").inputs == {
        "appRoleId": "role",
        "principalObjectId": "object-app",
        "resourceObjectId": "resource",
    }
    assert deployed.one(":ApplicationAppRole").inputs["allowedMemberTypes"] == ["Application"]


def test_its_identifier_is_its_own_client_id(deploy: Deploy) -> None:
    """Only the split resources can say so: the identifier waits for the registration, not the other way round."""
    found = made(deploy).one(":ApplicationIdentifierUri")
    assert found.inputs["identifierUri"] == "api://client-app"
    assert found.waits_for == {"ApplicationRegistration app"}


@pytest.mark.parametrize(
    ("version", "claims"),
    [
        pytest.param(2, [{"name": "acrs"}, {"name": "idtyp"}, {"name": "xms_cc"}], id="version 2"),
        pytest.param(
            1,
            [
                {"name": "acrs"},
                {"name": "aud", "additionalProperties": ["use_guid"]},
                {"name": "idtyp"},
                {"name": "xms_cc"},
            ],
            id="version 1",
        ),
        pytest.param(1.0, None, id="a number from another language"),
    ],
)
def test_tokens_for_it_say_who_calls_and_always_name_its_client_id(version: Any, claims: Any, deploy: Deploy) -> None:
    deployed = made(deploy, token_version=version)
    assert deployed.one(":ApplicationRegistration").inputs["requestedAccessTokenVersion"] == int(version)
    if claims is not None:
        assert deployed.one(":ApplicationOptionalClaims").inputs["accessTokens"] == claims


PLUGIN_TAKES = {
    "cloud_displayname",
    "dns_domain_and_sam_account_name",
    "emit_as_roles",
    "include_externally_authenticated_upn",
    "include_externally_authenticated_upn_without_hash",
    "max_size_limit",
    "netbios_domain_and_sam_account_name",
    "on_premise_security_identifier",
    "sam_account_name",
    "use_guid",
}
"""Additional properties that the azuread plugin takes (`ApplicationOptionalClaims` reference); it refuses others."""


@pytest.mark.parametrize("version", [1, 2])
def test_claims_have_no_property_that_the_plugin_refuses(version: int, deploy: Deploy) -> None:
    claims = made(deploy, token_version=version).one(":ApplicationOptionalClaims").inputs["accessTokens"]
    assert claims
    assert {name for claim in claims for name in claim.get("additionalProperties", ())} <= PLUGIN_TAKES


def test_a_role_has_the_same_id_every_time_and_another_in_another_application(deploy: Deploy) -> None:
    def role_id(name: str) -> str:
        return str(deploy(lambda: build("EntraApplication", name=name)).one(":ApplicationAppRole").inputs["roleId"])

    assert role_id("a") == role_id("a") != role_id("b")


def test_a_grant_can_wait_for_the_role_that_it_names(deploy: Deploy) -> None:
    """The role's id is known beforehand, but Entra refuses a grant of a role that is not there yet."""

    def program() -> None:
        front = build("EntraApplication", name="front")
        grant = {"role_id": front.app_role_ids["Call"], "resource_object_id": front.object_id}
        build("EntraApplication", pulumi.ResourceOptions(), name="caller", app_roles=None, grants={"call": grant})

    [grant] = [row for row in deploy(program).of(":AppRoleAssignment") if row.name == "caller/call"]
    assert "ApplicationAppRole front/Call" in grant.waits_for


def test_what_only_calls_exposes_nothing(deploy: Deploy) -> None:
    deployed = made(deploy, app_roles=None, federated_credentials=None, grants=None)
    assert deployed.made() == ["EntraApplication app", "ApplicationRegistration app", "ServicePrincipal app"]


REFUSALS: list[Any] = [
    pytest.param({"display_name": " "}, ["display_name: is empty"], id="no name"),
    pytest.param({"token_version": 3}, ["token_version: is not a version"], id="version 3"),
    pytest.param(
        {"federated_credentials": {"c": {"issuer": "http://k", "subject": "s"}}},
        ["federated_credentials.c.issuer: does not begin with https"],
        id="http issuer",
    ),
    pytest.param(
        {"federated_credentials": {"c": {"issuer": "https://k", "subject": ""}}},
        ["federated_credentials.c.subject: it is empty"],
        id="empty subject",
    ),
    pytest.param(
        {"federated_credentials": {"c": {"issuer": "https://k", "subject": "repo:*"}}},
        ["federated_credentials.c.subject: it has a wildcard"],
        id="wildcard",
    ),
    pytest.param(
        {"federated_credentials": {"a": CREDENTIAL, "b": CREDENTIAL}},
        ["federated_credentials.b: has issuer and subject of 'a'"],
        id="the same identity twice",
    ),
    pytest.param(
        {"federated_credentials": {"x" * 121: CREDENTIAL}}, ["is too long a name; use at most 120"], id="long name"
    ),
    pytest.param(
        {"federated_credentials": {f"c{index}": {**CREDENTIAL, "subject": f"s{index}"} for index in range(21)}},
        ["federated_credentials: has 21 entries; one application has at most 20"],
        id="21 credentials",
    ),
    pytest.param(
        {"display_name": "", "token_version": 0.5, "federated_credentials": {"c": {"issuer": "k", "subject": "*"}}},
        ["display_name", "token_version", "c.issuer", "c.subject"],
        id="all at once",
    ),
]


@pytest.mark.parametrize(("changed", "says"), REFUSALS)
def test_refusals(changed: Any, says: list[str], deploy: Deploy) -> None:
    with pytest.raises(ArgumentError) as caught:
        made(deploy, **changed)
    assert len(caught.value.findings) == len(says)
    for words in says:
        assert words in str(caught.value)


def test_20_credentials_are_taken(deploy: Deploy) -> None:
    many = {f"c{index}": {**CREDENTIAL, "subject": f"s{index}"} for index in range(20)}
    assert len(made(deploy, federated_credentials=many).of(":ApplicationFederatedIdentityCredential")) == 20
