"""Keeps one Envoy alive and brings configurations into force in it."""

import asyncio
import socket
from pathlib import Path
from typing import Final

from lakelatch.envoy.compiler import Compiled
from lakelatch_gateway import delivery
from lakelatch_gateway.envoy_process import Envoy
from lakelatch_gateway.errors import ConfigurationRefused, GatewayError
from lakelatch_gateway.log import Log
from lakelatch_gateway.tasks import cancel

START_SECONDS: Final = 120.0
"""Envoy starts with a policy of 10,000 services in 10 s; a busy machine may need several times that."""
READY_POLL_SECONDS: Final = 0.02
RESTART_SECONDS: Final = (0.2, 10.0)
"""First and longest wait before a dead Envoy is started again."""
STEADY_SECONDS: Final = 60.0
"""An Envoy that lived this long was well: the waits begin from the first again."""


class EnvoyKeeper:
    """Keeps one Envoy alive."""

    def __init__(self, program: str, compiled: Compiled, folder: Path, *, workers: int, log: Log) -> None:
        self._program, self._compiled, self._log = program, compiled, log
        self._folder, self._workers = folder, workers
        self._envoy: Envoy | None = None
        self._reviver: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            GatewayError: it ended, or did not serve in time.

        """
        self._ensure_free()
        self._envoy = await self._launch()
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await self._envoy.ready():
            late = asyncio.get_running_loop().time() > deadline
            if late or not self._envoy.alive or await self._envoy.refused_listener():
                port = self._port()
                raise GatewayError(
                    f"Envoy does not serve on port {port}; its log above says why",
                    hint=f"is port {port} taken by another process?",
                )
            await asyncio.sleep(READY_POLL_SECONDS)
        self._reviver = asyncio.create_task(self._revive())

    def _port(self) -> int:
        return int(self._compiled.listener["address"]["socket_address"]["port_value"])

    def _ensure_free(self) -> None:
        """See that nobody listens there: Envoy shares a port with another Envoy and says nothing (SO_REUSEPORT)."""
        address = self._compiled.listener["address"]["socket_address"]["address"]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections that have ended a moment ago are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, self._port()))
            except OSError as error:
                raise GatewayError(
                    f"the gateway cannot listen on {address}, port {self._port()}: {error.strerror}",
                    hint="end the process that has it, or deliver a configuration with another `listen`",
                ) from None

    async def deliver(self, compiled: Compiled) -> None:
        """Bring a configuration into force.

        Raises:
            ConfigurationRefused: Envoy refused it; the one before stays.

        """
        await delivery.deliver(self._serving, compiled.files, compiled.discovery())
        self._compiled = compiled

    async def _serving(self) -> Envoy:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        # One that died is being started again, with the files as they are.
        while self._envoy is None or not await self._envoy.ready():
            if asyncio.get_running_loop().time() > deadline:
                raise ConfigurationRefused("Envoy is not running")
            await asyncio.sleep(READY_POLL_SECONDS)
        return self._envoy

    async def stop(self) -> None:
        """Stop it for good."""
        if self._reviver is not None:
            await cancel(self._reviver)
        if self._envoy is not None:
            await self._envoy.stop()

    async def _launch(self) -> Envoy:
        return await Envoy.start(self._program, self._compiled, self._folder, workers=self._workers)

    async def _revive(self) -> None:
        wait, longest = RESTART_SECONDS
        clock = asyncio.get_running_loop().time
        while self._envoy is not None:
            began = clock()
            code = await self._envoy.wait()
            wait = RESTART_SECONDS[0] if clock() - began >= STEADY_SECONDS else min(wait * 2, longest)
            self._log.error("envoy ended by itself, starting it again", exit_code=code, wait_seconds=wait)
            await asyncio.sleep(wait)
            await self._envoy.stop()
            self._envoy = await self._launch()
