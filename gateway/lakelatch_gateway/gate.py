"""The gate: whether requests may pass at all. It is closed while no audit line of them could be written."""

import asyncio
from collections.abc import Awaitable, Callable

from lakelatch.envoy.compiler import closed_gate
from lakelatch.envoy.runtime import Files
from lakelatch_gateway import files
from lakelatch_gateway.errors import GatewayError


class Gate:
    """Closes at once, whatever else is going on, and without room on the disk; opens by the next delivery."""

    def __init__(
        self, paths: Files, *, changed: Callable[[], None], defeated: Callable[[GatewayError], None], deny: bool
    ) -> None:
        """`changed` is called when it opens, `defeated` when it has to close and cannot; `deny`: it closes at all.

        Raises:
            OSError: what closes it cannot be written.

        """
        self._paths, self._changed, self._defeated, self._deny = paths, changed, defeated, deny
        self._lock = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self.closed = False
        """Whether no request may pass."""
        files.set_aside(paths.gate, closed_gate())

    def audit_failed(self, reason: str | None) -> None:
        """Close it when there is a reason, open it when there is none."""
        if not self._deny:
            return
        self.closed = reason is not None
        if reason is None:
            self._changed()
        else:
            self._closing = asyncio.create_task(self._close())

    async def deliver(self, closed: bool, delivery: Callable[[], Awaitable[None]]) -> None:
        """Deliver what was compiled with this `closed`, unless that has changed meanwhile."""
        async with self._lock:
            if self.closed == closed:
                await delivery()
            else:
                self._changed()

    async def _close(self) -> None:
        # Not in the middle of a delivery, which would bring its own routes after these.
        async with self._lock:
            try:
                if self.closed:
                    files.use_aside(self._paths.gate)
            except OSError as error:
                hint = "mend the disk, or run with `--audit-failure allow`"
                self._defeated(GatewayError(f"the gate cannot be closed: {error.strerror}", hint=hint))
