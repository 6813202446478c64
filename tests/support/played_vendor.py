"""A stand-in plugin over a vendor that a test plays."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
from pulumi.provider.experimental.provider import (
    CheckRequest,
    ConfigureRequest,
    CreateRequest,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    InvokeRequest,
    ReadRequest,
    UpdateRequest,
)

from lakelatch.plugin.values import plain, property_value
from lakelatch_sandbox.plugins.http import Http
from lakelatch_sandbox.plugins.run import PLUGINS
from lakelatch_sandbox.plugins.stand_in import StandIn

Answers = Mapping[str, Any]
State = dict[str, Any]


class Plugin:
    """A stand-in over a vendor that answers from a table of `METHOD path` to JSON (None is 404)."""

    def __init__(self, type_token: str, answers: Answers, host_type: str = "account") -> None:
        self.type = type_token
        self.calls: list[tuple[str, str, Any]] = []
        self.queries: list[str] = []
        well_known: Answers = {
            "GET /.well-known/databricks-config": {"host_type": host_type},
            "GET /metadata/endpoints": {
                "authentication": {"loginEndpoint": "https://127.0.0.1:1"},
                "microsoftGraphResourceId": "https://127.0.0.1:1",
            },
            "POST /t/oauth2/v2.0/token": {"access_token": "t", "expires_in": 3600},
        }

        def handle(request: httpx.Request) -> httpx.Response:
            key = f"{request.method} {request.url.path}"
            if key in well_known:
                return httpx.Response(200, json=well_known[key])
            self.calls.append((request.method, request.url.path, json.loads(request.content or "null")))
            self.queries.append(request.url.query.decode())
            found = answers[key]
            return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)

        provider = PLUGINS[type_token.partition(":")[0]](Http(transport=httpx.MockTransport(handle)))
        assert isinstance(provider, StandIn)
        self.provider: StandIn[Any] = provider
        self.urn = f"urn:pulumi:s::p::{type_token}::x"

    async def configured(self) -> "Plugin":
        arguments = {
            "host": "https://127.0.0.1:1",
            "accountId": "acc",
            "token": "t",
            "authType": "pat",
            "metadataHost": "127.0.0.1:1",
            "tenantId": "t",
            "clientId": "c",
            "clientSecret": "s",
        }
        await self.provider.configure(ConfigureRequest({}, values(arguments), True, True))
        return self

    async def create(self, inputs: State, *, preview: bool = False) -> tuple[str | None, State]:
        response = await self.provider.create(CreateRequest(self.urn, values(inputs), 0, preview))
        return response.resource_id, {name: plain(value) for name, value in response.properties.items()}

    async def diff(self, state: State, inputs: State) -> DiffResponse:
        return await self.provider.diff(DiffRequest(self.urn, "id", values(state), values(inputs), []))

    async def read(self, id: str, state: State) -> tuple[str | None, State]:
        response = await self.provider.read(ReadRequest(self.urn, id, values(state), values(state)))
        return response.resource_id, {name: plain(value) for name, value in response.properties.items()}

    async def update(self, id: str, state: State, inputs: State) -> State:
        """The properties after a change of the inputs."""
        request = UpdateRequest(self.urn, id, values(state), values(inputs), 0, [], False)
        return {name: plain(value) for name, value in (await self.provider.update(request)).properties.items()}

    async def check(self, inputs: State) -> list[str]:
        """The properties that are refused."""
        response = await self.provider.check(CheckRequest(self.urn, {}, values(inputs), b""))
        return [failure.property for failure in response.failures or ()]

    async def invoke(self, arguments: State) -> State:
        """Call the function whose token the plugin was made with."""
        response = await self.provider.invoke(InvokeRequest(self.type, values(arguments)))
        return {name: plain(value) for name, value in (response.return_value or {}).items()}

    async def delete(self, id: str, state: State) -> None:
        await self.provider.delete(DeleteRequest(self.urn, id, values(state), 0))


def values(data: State) -> Any:
    return {name: property_value(value) for name, value in data.items()}


async def plugin(type_token: str, answers: Answers | None = None, host_type: str = "account") -> Plugin:
    return await Plugin(type_token, answers or {}, host_type).configured()
