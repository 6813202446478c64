"""Uvicorn as the gateway runs it, more than once in one process."""

import contextlib
from collections.abc import Iterator
from typing import Final

import uvicorn

from lakelatch.envoy.clusters import IDLE_SECONDS

KEPT_SECONDS: Final = 2 * IDLE_SECONDS
"""How long an idle connection of Envoy's is kept: longer than Envoy keeps it, so that Envoy is who closes it."""


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
