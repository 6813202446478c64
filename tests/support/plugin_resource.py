"""Resources of the stand-in plugins over the doubles, one call of the engine at a time."""

import contextlib
from collections.abc import AsyncIterator, Callable
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
        made = await self.provider.create(CreateRequest(self.urn, values(inputs), 0, False))
        self.id, self.state = str(made.resource_id), made.properties
        return self

    async def changes(self, inputs: State) -> list[str]:
        return sorted((await self._diff(inputs)).detailed_diff)

    async def replaces(self, inputs: State) -> list[str]:
        return sorted((await self._diff(inputs)).replaces or [])

    async def _diff(self, inputs: State) -> Any:
        return await self.provider.diff(DiffRequest(self.urn, self.id, self.state, values(inputs), []))

    async def update(self, inputs: State) -> None:
        request = UpdateRequest(self.urn, self.id, self.state, values(inputs), 0, [], False)
        self.state = (await self.provider.update(request)).properties

    async def read(self) -> bool:
        """Take over what the vendor has; False when it is gone."""
        found = await self.provider.read(ReadRequest(self.urn, self.id, self.state, self.state))
        if found.resource_id:
            self.state = found.properties
        return bool(found.resource_id)

    async def imported(self) -> "Resource | None":
        """The same resource as `pulumi import` reads it: by its id alone."""
        found = await self.provider.read(ReadRequest(self.urn, self.id, {}, {}))
        if not found.resource_id:
            return None
        other = Resource(self.provider, self.urn.split("::")[2])
        other.id, other.state = found.resource_id, found.properties
        return other

    async def delete(self) -> None:
        await self.provider.delete(DeleteRequest(self.urn, self.id, self.state, 0))

    def get(self, name: str) -> Any:
        return plain(self.state[name])


def values(data: State) -> dict[str, PropertyValue]:
    return {name: property_value(value) for name, value in data.items()}


async def invoke(provider: Provider, token: str, arguments: State) -> State:
    """What a function of a plugin answers."""
    response = await provider.invoke(InvokeRequest(token, values(arguments)))
    assert not response.failures, response.failures
    return {name: plain(value) for name, value in (response.return_value or {}).items()}


Connect = Callable[[str], Any]
"""Makes a resource of a type, for example `azuread.Group`."""


@contextlib.asynccontextmanager
async def connected(endpoints: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Stand-ins that are signed in to the doubles as their administrators."""
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
        await provider.configure(ConfigureRequest({}, values(arguments[package]), True, True))
        return Resource(provider, f"{package}:index/{kind[:1].lower()}{kind[1:]}:{kind}")

    try:
        yield make
    finally:
        await http.close()


async def life(resource: Resource, first: State, second: State) -> None:
    """A resource from creation to deletion: no difference, drift-free reads, an update in place, a second deletion."""
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
