"""Delivers compiled files to a running Envoy and sees whether it takes them; if not, puts the old ones back."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from lakelatch.envoy.authentication import FILTER_NAME
from lakelatch.envoy.gate import FILTER_NAME as GATE
from lakelatch.envoy.routes import ROUTE_CONFIGURATION
from lakelatch.envoy.runtime import Files
from lakelatch_gateway import files
from lakelatch_gateway.envoy_process import Envoy
from lakelatch_gateway.errors import ConfigurationRefused

CONFIRM_SECONDS: Final = 30.0
"""Envoy takes a policy of 100 services in 0.4 s on an idle machine and in 2 s on a busy one."""
_POLL_SECONDS: Final = 0.02


def statistics(paths: Files) -> dict[str, str]:
    """Discovered file to the prefix of the counters that tell what became of it."""
    return {
        paths.clusters: "cluster_manager.cds",
        paths.authentication: f"extension_config_discovery.http_filter.{FILTER_NAME}",
        paths.gate: f"extension_config_discovery.http_filter.{GATE}",
        paths.routes: f"http.gateway.rds.{ROUTE_CONFIGURATION}",
        paths.listeners: "listener_manager.lds",
    }


def changed(contents: Mapping[str, str]) -> dict[str, str]:
    """The files whose content is another than on disk."""
    return {path: content for path, content in contents.items() if _read(path) != content}


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return None


async def deliver(envoy: Envoy, paths: Files, contents: Mapping[str, str]) -> bool:
    """Replace the files that differ, each only after Envoy took the one before; False when none differs.

    Raises:
        ConfigurationRefused: Envoy refused one; every file is as it was before.

    """
    before: dict[str, str | None] = {}
    prefixes = statistics(paths)
    try:
        for path, content in changed(contents).items():
            before[path] = _read(path)
            await _replace(envoy, path, content, prefixes.get(path))
    except ConfigurationRefused:
        for path, content_before in reversed(before.items()):
            if content_before is not None:
                files.replace(path, content_before)
        raise
    return bool(before)


async def _replace(envoy: Envoy, path: str, content: str, prefix: str | None) -> None:
    names = {kind: f"{prefix}.{kind}" for kind in ("update_success", "update_rejected", "config_fail")}
    start = await _counters(envoy, names)
    files.replace(path, content)
    if prefix is None:
        return
    deadline = asyncio.get_running_loop().time() + CONFIRM_SECONDS
    while asyncio.get_running_loop().time() < deadline and envoy.alive:
        now = await _counters(envoy, names)
        if any(now.get(kind, 0) > start.get(kind, 0) for kind in ("update_rejected", "config_fail")):
            raise ConfigurationRefused(f"Envoy refused `{Path(path).name}`; its log says why")
        if now.get("update_success", 0) > start.get("update_success", 0):
            return
        await asyncio.sleep(_POLL_SECONDS)
    raise ConfigurationRefused(f"Envoy did not take `{Path(path).name}` within {CONFIRM_SECONDS:.0f} s")


async def _counters(envoy: Envoy, names: Mapping[str, str]) -> dict[str, int]:
    counters: dict[str, int] = {}
    with contextlib.suppress(httpx.HTTPError):
        counters = await envoy.counters(names.values())
    return {kind: counters[name] for kind, name in names.items() if name in counters}
