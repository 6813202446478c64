"""What the gateway does for Envoy when a person's token is shown, with a workspace that knows everybody."""

import asyncio
import io
import threading
import time
from pathlib import PurePosixPath

from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files
from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.log import Log
from lakelatch_gateway.people import PeopleBroker
from lakelatch_gateway.people_server import application, people_served, readings
from lakelatch_gateway.schedule import Lease


class Exchange:
    """Serves in a thread of its own until it is closed."""

    def __init__(self, folder: PurePosixPath, life: float = 3600.0) -> None:
        self.life, self.fetched = life, list[str]()
        self.down = False
        self.configs: list[GatewayConfig] = []
        self._path = Files(folder).people_socket
        self._loop, self._over, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(started),))
        self._thread.start()
        started.wait()

    def know(self, config: GatewayConfig) -> None:
        """Read people's tokens by this configuration too, before Envoy asks by it."""
        self.configs = [*self.configs[-1:], config]

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        broker = PeopleBroker(fetch=self._fetch, clock=time.time, chance=lambda: 0.5, log=Log(io.StringIO()))
        app = application(lambda: readings(*self.configs), broker, time.time)
        async with people_served(self._path, app):
            started.set()
            await self._over.wait()
        await broker.close()

    async def _fetch(self, workspace: str, shown: str) -> Lease:
        self.fetched.append(shown)
        if self.down:
            raise ExchangeFailed("the workspace's token endpoint answered 503", transient=True)
        return Lease(f"databricks-token-{len(self.fetched)}", time.time(), time.time() + self.life)
