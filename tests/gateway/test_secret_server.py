"""The server with a real gRPC client: a token comes to whoever subscribes, once it is there, and is never told."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from lakelatch_gateway.discovery import METHOD, SERVICE, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Secret
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.log import Log
from lakelatch_gateway.secret_server import SecretServer
from lakelatch_gateway.secret_stream import TYPE_URL


class Client:
    """An Envoy, as far as this protocol goes, on one stream."""

    def __init__(self, socket: Path) -> None:
        self._channel = grpc.aio.insecure_channel(f"unix:{socket}")
        self._call = self._channel.stream_stream(
            f"/{SERVICE}/{METHOD}",
            request_serializer=DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=DeltaDiscoveryResponse.FromString,
        )()
        self.versions: dict[str, str] = {}

    async def send(self, *subscribe: str, initial: dict[str, str] | None = None, **fields: Any) -> None:
        request = DeltaDiscoveryRequest(type_url=TYPE_URL, resource_names_subscribe=subscribe, **fields)
        for name, version in (initial or {}).items():
            request.initial_resource_versions.add(key=name, value=version)
        await self._call.write(request)

    async def receive(self, *, refuse: bool = False) -> dict[str, str]:
        """The next response as name to token, acknowledged or refused."""
        async with asyncio.timeout(10):
            response = await self._call.read()
        found = {}
        for resource in response.resources:
            secret = Secret.FromString(resource.resource.value)
            assert secret.name == resource.name
            found[resource.name] = str(secret.generic_secret.secret.inline_string)
            self.versions[resource.name] = resource.version
        answer = DeltaDiscoveryRequest(type_url=TYPE_URL, response_nonce=response.nonce)
        if refuse:
            answer.error_detail.code = 13
        await self._call.write(answer)
        return found

    async def close(self) -> None:
        await self._channel.close()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
async def server(home: Path, log: io.StringIO) -> AsyncIterator[SecretServer]:
    made = SecretServer(str(home / "s.sock"), Log(log))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def client(home: Path, server: SecretServer) -> AsyncIterator[Client]:
    made = Client(home / "s.sock")
    yield made
    await made.close()


async def acknowledged(server: SecretServer, name: str) -> None:
    async with asyncio.timeout(10):
        await server.acknowledged(name)


async def test_token_is_served_updated_and_acknowledged(server: SecretServer, client: Client) -> None:
    server.set("nightly", "one")
    await client.send("nightly")
    assert await client.receive() == {"nightly": "one"}
    await acknowledged(server, "nightly")
    server.set("nightly", "two")
    assert not server.holds("nightly")
    assert await client.receive() == {"nightly": "two"}
    await acknowledged(server, "nightly")


async def test_name_that_is_not_known_yet_is_answered_when_it_is(server: SecretServer, client: Client) -> None:
    """Never before, and never with an empty secret or "does not exist": both would let requests through without one."""
    await client.send("later")
    server.set("other", "x")
    await client.send("other")
    assert await client.receive() == {"other": "x"}
    server.set("later", "y")
    assert await client.receive() == {"later": "y"}


async def test_dropped_token_is_not_served_any_more(server: SecretServer, client: Client) -> None:
    server.set("gone", "one")
    server.drop("gone")
    server.drop("never there")
    server.set("there", "two")
    await client.send("gone", "there")
    assert await client.receive() == {"there": "two"}
    assert not server.holds("gone")


async def test_client_that_comes_back_is_sent_what_changed(home: Path, server: SecretServer, client: Client) -> None:
    for name in ("same", "changed"):
        server.set(name, "one")
    await client.send("same", "changed")
    assert await client.receive() == {"same": "one", "changed": "one"}
    await acknowledged(server, "same")
    await client.close()
    server.set("changed", "two")
    again = Client(home / "s.sock")
    await again.send("same", "changed", initial=client.versions)
    assert await again.receive() == {"changed": "two"}
    await acknowledged(server, "same")
    await again.close()


async def test_versions_of_another_server_are_not_taken_for_its_own(home: Path, log: io.StringIO) -> None:
    versions: dict[str, str] = {}
    for token in ("before", "after"):
        server = SecretServer(str(home / "s.sock"), Log(log))
        await server.start()
        server.set("nightly", token)
        client = Client(home / "s.sock")
        await client.send("nightly", initial=versions)
        assert await client.receive() == {"nightly": token}
        versions = client.versions
        await client.close()
        await server.close()


async def test_what_a_client_held_is_forgotten_with_its_stream(server: SecretServer, client: Client) -> None:
    server.set("nightly", "one")
    await client.send("nightly")
    await client.receive()
    await acknowledged(server, "nightly")
    await client.close()
    async with asyncio.timeout(10):
        while server.holds("nightly"):
            await asyncio.sleep(0)


async def test_refusal_is_told_without_the_token(server: SecretServer, client: Client, log: io.StringIO) -> None:
    server.set("nightly", "the-token")
    await client.send("nightly")
    await client.receive(refuse=True)
    async with asyncio.timeout(10):
        while not log.getvalue():
            await asyncio.sleep(0)
    assert "nightly" in log.getvalue()
    assert "the-token" not in log.getvalue()
    assert not server.holds("nightly")


async def test_empty_token_is_a_defect(server: SecretServer) -> None:
    with pytest.raises(ValueError, match="`nightly` is empty"):
        server.set("nightly", "")


async def test_socket_may_stand_under_any_path(home: Path, log: io.StringIO) -> None:
    folder = home / "with blank, 100%25 and #?"
    folder.mkdir()
    server = SecretServer(str(folder / "s.sock"), Log(log))
    await server.start()
    assert os.listdir(folder) == ["s.sock"]
    await server.close()


async def test_socket_that_cannot_be_made_is_told(home: Path, log: io.StringIO) -> None:
    with pytest.raises(GatewayError, match="cannot be made"):
        await SecretServer(str(home / "absent" / "s.sock"), Log(log)).start()
