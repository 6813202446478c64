"""The gateway's secret server beside a live Envoy, in a thread with a loop of its own."""

import asyncio
import io
import threading
from collections.abc import Awaitable

from lakelatch_gateway.log import Log
from lakelatch_gateway.secret_server import SecretServer


class Secrets:
    """Serves tokens to an Envoy that a test runs itself; every call returns when it has come into effect here."""

    def __init__(self, socket: str) -> None:
        self.log = io.StringIO()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = SecretServer(socket, Log(self.log))
        self._run(self.server.start())

    def set(self, name: str, token: str) -> None:
        self._run(self._set(name, token))

    def acknowledged(self, name: str) -> None:
        self._run(self.server.acknowledged(name))

    def close(self) -> None:
        self._run(self.server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _set(self, name: str, token: str) -> None:
        self.server.set(name, token)

    def _run(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(_within(work), self._loop).result()


async def _within(work: Awaitable[None]) -> None:
    async with asyncio.timeout(30):
        await work
