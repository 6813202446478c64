"""Each resource type lives its whole life against the doubles: create, no difference, update in place, delete."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.plugin_resource import Connect, State, connected, life

ROLE_ID = "7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a10"


@pytest.fixture
async def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    async with connected(sandbox.endpoints, monkeypatch) as made:
        yield made


async def test_databricks_service_principal(connect: Connect) -> None:
    first = {"displayName": "one", "disableAsUserDeletion": False}
    await life(await connect("databricks.ServicePrincipal"), first, {**first, "displayName": "two", "active": False})


async def test_account_federation_policy(connect: Connect) -> None:
    oidc = {"issuer": "https://issuer.example.com", "audiences": ["one"], "subjectClaim": "sub"}
    first = {"policyId": "account-wide", "description": "d", "oidcPolicy": oidc}
    second = {**first, "oidcPolicy": {**oidc, "audiences": ["one", "two"]}}
    await life(await connect("databricks.AccountFederationPolicy"), first, second)


async def test_application_registration(connect: Connect) -> None:
    first = {"displayName": "one", "description": "d", "notes": "n", "homepageUrl": "https://one.example.com"}
    second = {"displayName": "two", "notes": "m", "homepageUrl": "https://two.example.com"}
    await life(await connect("azuread.ApplicationRegistration"), first, second)


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        pytest.param(
            "ApplicationAppRole",
            {
                "roleId": ROLE_ID,
                "value": "Call",
                "displayName": "Call",
                "description": "one",
                "allowedMemberTypes": ["Application"],
            },
            {
                "roleId": ROLE_ID,
                "value": "Call",
                "displayName": "Call it",
                "description": "two",
                "allowedMemberTypes": ["Application"],
            },
            id="role",
        ),
        pytest.param(
            "ApplicationFederatedIdentityCredential",
            {
                "displayName": "w",
                "issuer": "https://a.example.com",
                "subject": "s",
                "audiences": ["a"],
                "description": "d",
            },
            {"displayName": "w", "issuer": "https://a.example.com", "subject": "t", "audiences": ["a"]},
            id="credential",
        ),
    ],
)
async def test_parts_of_an_application(connect: Connect, kind: str, first: State, second: State) -> None:
    owner = await (await connect("azuread.ApplicationRegistration")).create({"displayName": "owner"})
    on_owner = {"applicationId": owner.id}
    await life(await connect(f"azuread.{kind}"), {**first, **on_owner}, {**second, **on_owner})
    await owner.delete()


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        pytest.param(
            "ApplicationAppRole",
            {"roleId": ROLE_ID, "displayName": "r", "description": "d", "allowedMemberTypes": ["Application"]},
            id="role",
        ),
        pytest.param("ApplicationIdentifierUri", {"identifierUri": "api://{client}"}, id="uri"),
        pytest.param("ApplicationOptionalClaims", {"accessTokens": [{"name": "idtyp"}]}, id="claims"),
        pytest.param("ApplicationPassword", {"displayName": "p"}, id="password"),
    ],
)
async def test_parts_of_an_application_that_is_gone(connect: Connect, kind: str, inputs: State) -> None:
    owner = await (await connect("azuread.ApplicationRegistration")).create({"displayName": "owner"})
    filled = {
        name: item.format(client=owner.get("clientId")) if isinstance(item, str) else item
        for name, item in inputs.items()
    }
    part = await (await connect(f"azuread.{kind}")).create({"applicationId": owner.id, **filled})
    assert await part.read()
    await owner.delete()
    assert not await part.read()
    await part.delete()


async def test_optional_claims(connect: Connect) -> None:
    owner = await (await connect("azuread.ApplicationRegistration")).create({"displayName": "owner"})
    claims = await connect("azuread.ApplicationOptionalClaims")
    first = {"applicationId": owner.id, "accessTokens": [{"name": "idtyp"}]}
    second = {
        "applicationId": owner.id,
        "accessTokens": [{"name": "acct", "essential": True}],
        "idTokens": [{"name": "ctry"}],
    }
    await claims.create(first)
    assert await claims.changes(first) == []
    assert await claims.changes(second) == ["accessTokens", "idTokens"]
    await claims.update(second)
    assert await claims.read()
    assert await claims.changes(second) == []
    await claims.delete()
    await owner.delete()
    assert not await claims.read()


async def test_entra_service_principal(connect: Connect) -> None:
    owner = await (await connect("azuread.ApplicationRegistration")).create({"displayName": "owner"})
    first = {"clientId": owner.get("clientId"), "notes": "n", "tags": ["b", "a"]}
    second = {"clientId": owner.get("clientId"), "appRoleAssignmentRequired": True, "tags": ["c"]}
    await life(await connect("azuread.ServicePrincipal"), first, second)
    await owner.delete()


async def test_passwords_work_until_they_are_removed(connect: Connect) -> None:
    owner = await (await connect("azuread.ApplicationRegistration")).create({"displayName": "owner"})
    password = await (await connect("azuread.ApplicationPassword")).create(
        {"applicationId": owner.id, "displayName": "one", "endDate": "2030-01-01T00:00:00Z"}
    )
    assert password.state["value"].is_secret
    assert await password.read()
    await password.delete()
    assert not await password.read()
    await owner.delete()
