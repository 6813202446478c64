"""Delivers compiled files to a running Envoy and sees whether it takes them; if not, puts the old ones back."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import httpx

from lakelatch.envoy.authentication import FILTER_NAME
from lakelatch.envoy.gate import FILTER_NAME as GATE
from lakelatch.envoy.routes import ROUTE_CONFIGURATION
from lakelatch.envoy.runtime import Files
from lakelatch_gateway import files
from lakelatch_gateway.errors import ConfigurationRefused

CONFIRM_SECONDS: Final = 120.0
"""Envoy takes a policy of 10,000 services in 9 s; a busy machine may need several times that."""
_POLL_SECONDS: Final = 0.02


def statistics(paths: Files) -> dict[str, tuple[str, str]]:
    """Discovered file to the counters that tell what became of it: their prefix, and the one that says "in force".

    Routes are only read when `update_success` counts them: Envoy keeps them back until it has every secret that they
    refer to, and then counts `config_reload`.
    """
    return {
        paths.clusters: ("cluster_manager.cds", "update_success"),
        paths.authentication: (f"extension_config_discovery.http_filter.{FILTER_NAME}", "update_success"),
        paths.gate: (f"extension_config_discovery.http_filter.{GATE}", "update_success"),
        paths.routes: (f"http.gateway.rds.{ROUTE_CONFIGURATION}", "config_reload"),
        paths.listeners: ("listener_manager.lds", "update_success"),
    }


def changed(contents: Mapping[str, str]) -> dict[str, str]:
    """The files whose content is another than on disk."""
    return {path: content for path, content in contents.items() if _read(path) != content}


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return None


class Running(Protocol):
    """What a delivery needs of an Envoy."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""

    async def counters(self, names: Iterable[str]) -> dict[str, int]:
        """Counters by name, absent ones left out."""


async def deliver(serving: Callable[[], Awaitable[Running]], paths: Files, contents: Mapping[str, str]) -> None:
    """Replace the files that differ, each only after Envoy took the one before; `serving` waits for one that serves.

    Raises:
        ConfigurationRefused: Envoy refused one; every file is as it was before.

    """
    envoy = await serving()
    try:
        await _deliver(envoy, paths, contents)
    except ConfigurationRefused:
        if envoy.alive:
            raise
        # It may have died of something else. Two that die of the same files are enough.
        await _deliver(await serving(), paths, contents)


async def _deliver(envoy: Running, paths: Files, contents: Mapping[str, str]) -> None:
    before: dict[str, str | None] = {}
    counted = statistics(paths)
    try:
        for path, content in changed(contents).items():
            before[path] = _read(path)
            await _replace(envoy, path, content, counted.get(path))
    except ConfigurationRefused:
        for path, content_before in reversed(before.items()):
            if content_before is not None:
                files.replace(path, content_before)
        raise


async def _replace(envoy: Running, path: str, content: str, counted: tuple[str, str] | None) -> None:
    if counted is None:
        files.replace(path, content)
        return
    prefix, in_force = counted
    names = {kind: f"{prefix}.{kind}" for kind in (in_force, "update_rejected", "config_fail")}
    start = await _counters(envoy, names)
    files.replace(path, content)
    deadline = asyncio.get_running_loop().time() + CONFIRM_SECONDS
    while asyncio.get_running_loop().time() < deadline and envoy.alive:
        now = await _counters(envoy, names)
        if any(now.get(kind, 0) > start.get(kind, 0) for kind in ("update_rejected", "config_fail")):
            raise ConfigurationRefused(f"Envoy refused `{Path(path).name}`; its log says why")
        if now.get(in_force, 0) > start.get(in_force, 0):
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise ConfigurationRefused(f"Envoy did not take `{Path(path).name}` within {CONFIRM_SECONDS:.0f} s")


async def _counters(envoy: Running, names: Mapping[str, str]) -> dict[str, int]:
    counters: dict[str, int] = {}
    with contextlib.suppress(httpx.HTTPError):
        counters = await envoy.counters(names.values())
    return {kind: counters[name] for kind, name in names.items() if name in counters}
