"""The audit trail of a running gateway: seals what is written, and tells when it cannot be."""

import asyncio
import contextlib
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.audit.folder import Folder
from lakelatch_gateway.audit.sealer import SEGMENT_BYTES, Sealer
from lakelatch_gateway.audit.watch import BUFFERED, REOPEN_FAILED, WRITE_FAILED, Look, Standing, judge
from lakelatch_gateway.errors import AuditError
from lakelatch_gateway.log import Log
from lakelatch_gateway.tasks import cancel

FOLDER: Final = "audit"
"""Below the gateway's state folder."""
SEAL_SECONDS: Final = 0.25
"""How long a line may be without a seal."""
LOOK_SECONDS: Final = 0.5
STALLED_SECONDS: Final = 5.0
"""A disk that has not taken a seal for this long does not work."""
ANCHOR_SECONDS: Final = 300.0
"""How often the log tells the head of the chain, when it has moved."""
PROBE_BYTES: Final = 64 * 1024


class Writer(Protocol):
    """What the trail asks of Envoy."""

    async def counters(self, names: Iterable[str]) -> Mapping[str, int] | None:
        """Counters and gauges by name; None when there is no Envoy to ask."""

    async def reopen_logs(self) -> bool:
        """Have it open its files again; False when there is no Envoy to tell."""


def open_sealer(folder: Path, segment_bytes: int = SEGMENT_BYTES) -> Sealer:
    """Open the trail of a folder, or begin one.

    Raises:
        AuditError: it cannot be read or written.

    """
    try:
        return Sealer(
            Folder(folder), now=lambda: datetime.now(UTC), trail=lambda: uuid.uuid4().hex, segment_bytes=segment_bytes
        )
    except OSError as error:
        raise AuditError(f"the audit trail in `{folder}` cannot be written: {error.strerror}") from None


class Trail:
    """Keeps one trail while the gateway runs."""

    def __init__(
        self,
        sealer: Sealer,
        log: Log,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sealer, self._log, self._sleep, self._clock = sealer, log, sleep, clock
        self._writer: Writer | None = None
        self._sealing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._failure: str | None = None
        self._began: float | None = None
        self._told, self._told_at = "", float("-inf")

    @property
    def file(self) -> str:
        """Where Envoy writes."""
        return str(self._sealer.file)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Seal again and again; at the end, when nobody writes any more, seal the rest."""
        if not self._sealer.ended_well:
            reason = "the gateway ended without stopping: lines of about its last 250 ms may be missing"
            self._log.warning("audit lines may be missing", event=Event.GAP, reason=reason)
        self._log.info("audit trail open", event=Event.STARTED, anchor=str(self._sealer.head))
        self._sealing = asyncio.create_task(self._keep_sealed())
        try:
            yield
        finally:
            await cancel(self._sealing)
            self._log.info("audit trail closed", event=Event.STOPPED)
            async with self._lock:
                try:
                    await asyncio.to_thread(self._sealer.close)
                except OSError as error:
                    self._log.error("audit trail not sealed to its end", reason=error.strerror)
            self._tell_anchor()

    async def watch(self, writer: Writer, failed: Callable[[str | None], None], *, deny: bool) -> None:
        """See whether lines get to the disk; calls `failed` with a reason when not, with None when again.

        Runs until cancelled. `deny` only says what the events tell of the requests meanwhile.
        """
        self._writer = writer
        standing = Standing()
        while True:
            before, standing = standing, judge(standing, await self._look(writer, closed=standing.reason is not None))
            if standing.reason is not None and before.reason is None:
                self._log.error(
                    "audit lines cannot be written",
                    event=Event.AUDIT_FAILED,
                    reason=standing.reason,
                    decision="deny" if deny else "allow",
                )
                failed(standing.reason)
            elif standing.reason is None and before.reason is not None:
                self._log.info("audit lines are written again", event=Event.AUDIT_RECOVERED, reason=before.reason)
                failed(None)
            await self._sleep(LOOK_SECONDS)

    async def envoy_ended(self, exit_code: int) -> None:
        """Note that lines may be missing, and end the one that Envoy did not finish."""
        self._log.warning(
            "audit lines may be missing",
            event=Event.GAP,
            exit_code=exit_code,
            reason="Envoy ended by itself: requests in flight, and those answered within about 250 ms before, may have"
            " no line",
        )
        async with self._lock:
            try:
                await asyncio.to_thread(self._sealer.end_torn_lines)
            except OSError as error:
                self._failure = _cannot(error)

    async def _keep_sealed(self) -> None:
        while True:
            await self._seal()
            if self._clock() - self._told_at >= ANCHOR_SECONDS:
                self._tell_anchor()
            await self._sleep(SEAL_SECONDS)

    async def _seal(self) -> None:
        async with self._lock:
            self._began = self._clock()
            # Shielded: a thread cannot be stopped, and the next step must not begin beside it.
            step = asyncio.create_task(asyncio.to_thread(self._sealer.step))
            try:
                await asyncio.shield(step)
                self._failure = None
            except asyncio.CancelledError:
                await asyncio.wait({step})
                raise
            except OSError as error:
                self._failure = _cannot(error)
            finally:
                self._began = None
        if self._sealer.reopen and self._writer is not None and await self._writer.reopen_logs():
            self._sealer.reopened()

    async def _look(self, writer: Writer, *, closed: bool) -> Look:
        counters = await writer.counters((WRITE_FAILED, BUFFERED, REOPEN_FAILED)) or {}
        self._sealer.events.flush()
        failure = self._failure or self._sealer.events.failure
        if self._began is not None and self._clock() - self._began > STALLED_SECONDS:
            failure = "the disk of the audit trail does not answer"
        if self._sealing is None or self._sealing.done():
            failure = "nobody seals the audit trail: this is a defect"
        folder = self._sealer.file.parent
        try:
            free = shutil.disk_usage(folder).free
            if closed and failure is None:
                await asyncio.to_thread(_probe, folder)
        except OSError as error:
            free, failure = 0, _cannot(error)
        closed_file = counters.get(REOPEN_FAILED, 0) > 0
        return Look(self._clock(), free, failure, counters.get(WRITE_FAILED), counters.get(BUFFERED), closed_file)

    def _tell_anchor(self) -> None:
        self._told_at = self._clock()
        if (anchor := str(self._sealer.head)) != self._told:
            self._told = anchor
            self._log.info("audit anchor", anchor=anchor)


def _cannot(error: OSError) -> str:
    return f"the gateway cannot write the audit trail ({error.strerror})"


def _probe(folder: Path) -> None:
    """Write something: while requests are refused, nothing else might tell that the disk works again."""
    file = folder / ".probe"
    try:
        with file.open("wb") as opened:
            opened.write(b"\0" * PROBE_BYTES)
            opened.flush()
            os.fsync(opened.fileno())
    finally:
        file.unlink(missing_ok=True)
