"""Stand-in plugins connected to the running doubles: a resource's whole life, imports, functions."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    ConfigureRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    InvokeRequest,
    Provider,
    ReadRequest,
    UpdateRequest,
)

from lakelatch.plugin.values import plain, property_value
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.run import PLUGINS

State = dict[str, Any]


class Resource:
    """One resource of one stand-in."""

    def __init__(self, provider: Provider, type_token: str) -> None:
        self.provider = provider
        self.urn = f"urn:pulumi:s::p::{type_token}::x"
        self.id = ""
        self.state: dict[str, PropertyValue] = {}

    async def create(self, inputs: State) -> "Resource":
        """Make it at the vendor."""
        made = await self.provider.create(CreateRequest(self.urn, values(inputs), 0, False))
        self.id, self.state = str(made.resource_id), made.properties
        return self

    async def changes(self, inputs: State) -> list[str]:
        """The inputs that differ from what is recorded."""
        response = await self.provider.diff(DiffRequest(self.urn, self.id, self.state, values(inputs), []))
        return sorted(response.detailed_diff)

    async def update(self, inputs: State) -> None:
        """Change it at the vendor."""
        request = UpdateRequest(self.urn, self.id, self.state, values(inputs), 0, [], False)
        self.state = (await self.provider.update(request)).properties

    async def read(self) -> bool:
        """Take over what the vendor has; False when it is gone."""
        found = await self.provider.read(ReadRequest(self.urn, self.id, self.state, self.state))
        if found.resource_id:
            self.state = found.properties
        return bool(found.resource_id)

    async def imported(self, id: str | None = None) -> "Resource | None":
        """The same as an import by its id alone finds it; None when it finds nothing."""
        again = Resource(self.provider, self.urn.split("::")[2])
        found = await self.provider.read(ReadRequest(again.urn, id or self.id, {}, {}))
        again.id, again.state = str(found.resource_id), found.properties
        return again if found.resource_id else None

    async def delete(self) -> None:
        """Remove it at the vendor."""
        await self.provider.delete(DeleteRequest(self.urn, self.id, self.state, 0))

    def get(self, name: str) -> Any:
        """A property."""
        return plain(self.state[name])


Connect = Callable[[str], Awaitable[Resource]]


def values(data: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Plain data as the engine sends it."""
    return {name: property_value(value) for name, value in data.items()}


def databricks_arguments(endpoints: Endpoints, level: str = "account") -> State:
    """The arguments of a provider for the account, or for the workspace."""
    on_account = {"host": endpoints.account_host, "accountId": endpoints.account_id}
    return {
        **(on_account if level == "account" else {"host": endpoints.workspace_host}),
        "clientId": endpoints.admin_client_id,
        "clientSecret": endpoints.admin_client_secret,
    }


@asynccontextmanager
async def connected(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch, level: str = "account"
) -> AsyncIterator[Connect]:
    """Makes a resource of a type, with a stand-in that is connected to the doubles."""
    monkeypatch.setenv("SSL_CERT_FILE", endpoints.ca_file)
    arguments: dict[str, State] = {
        "databricks": databricks_arguments(endpoints, level),
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
        await provider.configure(ConfigureRequest({}, values(arguments[package]), True, True))
        return Resource(provider, f"{package}:index/{kind[:1].lower()}{kind[1:]}:{kind}")

    yield make
    await http.close()


async def life(resource: Resource, first: State, second: State) -> None:
    """Create, no difference, update in place, no difference, delete twice."""
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


async def invoke(provider: Provider, token: str, arguments: State) -> State:
    """Call a function of a stand-in."""
    response = await provider.invoke(InvokeRequest(token, values(arguments)))
    return {name: plain(value) for name, value in (response.return_value or {}).items()}
