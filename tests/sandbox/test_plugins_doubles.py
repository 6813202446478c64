"""Each resource type lives its whole life against the doubles: create, no difference, update in place, delete."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    ConfigureRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    Provider,
    ReadRequest,
    UpdateRequest,
)

from lakelatch.plugin.values import plain, property_value
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.run import PLUGINS

State = dict[str, Any]
Connect = Callable[[str], Any]
ROLE_ID = "7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a10"


class Resource:
    """One resource of one stand-in."""

    def __init__(self, provider: Provider, type_token: str) -> None:
        self.provider = provider
        self.urn = f"urn:pulumi:s::p::{type_token}::x"
        self.id = ""
        self.state: dict[str, PropertyValue] = {}

    async def create(self, inputs: State) -> "Resource":
        made = await self.provider.create(CreateRequest(self.urn, _values(inputs), 0, False))
        self.id, self.state = str(made.resource_id), made.properties
        return self

    async def changes(self, inputs: State) -> list[str]:
        response = await self.provider.diff(DiffRequest(self.urn, self.id, self.state, _values(inputs), []))
        return sorted(response.detailed_diff)

    async def update(self, inputs: State) -> None:
        request = UpdateRequest(self.urn, self.id, self.state, _values(inputs), 0, [], False)
        self.state = (await self.provider.update(request)).properties

    async def read(self) -> bool:
        """Take over what the vendor has; False when it is gone."""
        found = await self.provider.read(ReadRequest(self.urn, self.id, self.state, self.state))
        if found.resource_id:
            self.state = found.properties
        return bool(found.resource_id)

    async def delete(self) -> None:
        await self.provider.delete(DeleteRequest(self.urn, self.id, self.state, 0))

    def get(self, name: str) -> Any:
        return plain(self.state[name])


def _values(data: State) -> dict[str, PropertyValue]:
    return {name: property_value(value) for name, value in data.items()}


@pytest.fixture
async def connect(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Makes a resource of a type, with a stand-in that is connected to the doubles."""
    endpoints = sandbox.endpoints
    monkeypatch.setenv("SSL_CERT_FILE", endpoints.ca_file)
    arguments = {
        "databricks": {
            "host": endpoints.account_host,
            "accountId": endpoints.account_id,
            "clientId": endpoints.admin_client_id,
            "clientSecret": endpoints.admin_client_secret,
        },
        "azuread": {
            "metadataHost": endpoints.metadata_host,
            "tenantId": endpoints.tenant_id,
            "clientId": endpoints.entra_admin_client_id,
            "clientSecret": endpoints.entra_admin_client_secret,
        },
    }

    http = Http()

    async def make(name: str) -> Resource:
        package, _, kind = name.partition(".")
        provider = PLUGINS[package](http)
        await provider.configure(ConfigureRequest({}, _values(arguments[package]), True, True))
        return Resource(provider, f"{package}:index/{kind[:1].lower()}{kind[1:]}:{kind}")

    yield make
    await http.close()


async def _life(resource: Resource, first: State, second: State) -> None:
    await resource.create(first)
    assert await resource.changes(first) == []
    assert await resource.read()
    assert await resource.changes(first) == []
    expected = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    assert await resource.changes(second) == expected
    await resource.update(second)
    assert await resource.changes(second) == []
    assert await resource.read()
    assert await resource.changes(second) == []
    await resource.delete()
    assert not await resource.read()
    await resource.delete()  # again, as after an interrupted destroy


async def test_databricks_service_principal(connect: Connect) -> None:
    first = {"displayName": "one", "disableAsUserDeletion": False}
    await _life(await connect("databricks.ServicePrincipal"), first, {**first, "displayName": "two", "active": False})


async def test_account_federation_policy(connect: Connect) -> None:
    oidc = {"issuer": "https://issuer.example.com", "audiences": ["one"], "subjectClaim": "sub"}
    first = {"policyId": "account-wide", "description": "d", "oidcPolicy": oidc}
    second = {**first, "oidcPolicy": {**oidc, "audiences": ["one", "two"]}}
    await _life(await connect("databricks.AccountFederationPolicy"), first, second)


async def test_application_registration(connect: Connect) -> None:
    first = {"displayName": "one", "description": "d", "notes": "n", "homepageUrl": "https://one.example.com"}
    second = {"displayName": "two", "notes": "m", "homepageUrl": "https://two.example.com"}
    await _life(await connect("azuread.ApplicationRegistration"), first, second)


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
    await _life(await connect(f"azuread.{kind}"), {**first, **on_owner}, {**second, **on_owner})
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
    await _life(await connect("azuread.ServicePrincipal"), first, second)
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
