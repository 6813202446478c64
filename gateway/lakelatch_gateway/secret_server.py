"""Serves the Databricks tokens to Envoy over one gRPC stream on a private socket (delta ADS); they are on no disk.

A secret is served from `set` to `drop`. One that Envoy asks for before it is there is answered when it is there.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

import grpc
import grpc.aio

from lakelatch_gateway.discovery import METHOD, SERVICE, DeltaDiscoveryRequest, DeltaDiscoveryResponse
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.log import Log
from lakelatch_gateway.secret_stream import SecretStream, secret_resource
from lakelatch_gateway.tasks import cancel

_OPTIONS: Final = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]
"""Envoy names all it wants and holds in one request: 2 MB with 10,000 services, and gRPC takes 4 unless told."""


class SecretServer:
    """Holds tokens by name and keeps every Envoy that asks for them in step."""

    def __init__(self, socket: str, log: Log) -> None:
        self._log = log
        self._secrets: dict[str, Any] = {}
        self._streams: dict[SecretStream, asyncio.Event] = {}
        self._acknowledgement = asyncio.Event()
        # An Envoy that knew a server before this one must not take that one's versions for this one's.
        self._epoch, self._versions = uuid.uuid4().hex, 0
        self._socket = socket
        self._server: Any = None

    async def start(self) -> None:
        """Listen.

        Raises:
            GatewayError: the socket cannot be made.

        """
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve,
            request_deserializer=DeltaDiscoveryRequest.FromString,
            response_serializer=DeltaDiscoveryResponse.SerializeToString,
        )
        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
        try:
            # The address is a URI, in which a blank or a percent sign would mean something else.
            self._server.add_insecure_port(f"unix:{quote(self._socket)}")
        except RuntimeError:
            raise GatewayError(f"the socket `{self._socket}` cannot be made") from None
        await self._server.start()

    async def close(self) -> None:
        """Stop listening and end every stream."""
        if self._server is not None:
            await self._server.stop(None)

    def set(self, name: str, token: str) -> None:
        """Serve a token under a name from now on, in place of the one before.

        Raises:
            ValueError: the token is empty. Envoy would refuse that, and let requests through without a token.

        """
        if not token:
            raise ValueError(f"the token of `{name}` is empty")
        self._versions += 1
        self._secrets[name] = secret_resource(name, token, f"{self._epoch}.{self._versions}")
        for stream, bell in self._streams.items():
            stream.offer(name)
            bell.set()

    def drop(self, name: str) -> None:
        """Forget a token; no route in force may refer to it any more. Envoy drops its own with the last such route."""
        self._secrets.pop(name, None)

    def holds(self, name: str) -> bool:
        """Whether an Envoy holds the token that is served under this name now."""
        return any(stream.holds(name) for stream in self._streams)

    async def acknowledged(self, name: str) -> None:
        """Wait until an Envoy holds the token that is served under this name by then.

        Its workers have it a moment later. An Envoy holds no token that no route of its refers to.
        """
        while not self.holds(name):
            await self._acknowledgement.wait()

    async def _serve(self, requests: AsyncIterator[Any], _: Any) -> AsyncIterator[Any]:
        stream, bell = SecretStream(self._secrets), asyncio.Event()
        self._streams[stream] = bell
        reading = asyncio.create_task(self._read(requests, stream, bell))
        reading.add_done_callback(lambda _: bell.set())
        try:
            while not reading.done():
                while (response := stream.response()) is not None:
                    yield response
                await bell.wait()
                bell.clear()
        finally:
            del self._streams[stream]
            await cancel(reading)

    async def _read(self, requests: AsyncIterator[Any], stream: SecretStream, bell: asyncio.Event) -> None:
        async for request in requests:
            # Envoy's reason is not told: it quotes what was refused.
            if refused := stream.receive(request):
                self._log.error("envoy refused secrets: this is a defect", names=refused)
            bell.set()
            self._acknowledgement.set()
            self._acknowledgement = asyncio.Event()
