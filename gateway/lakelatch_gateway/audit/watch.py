"""Whether audit lines get to the disk. Pure: what was seen at a look and what stood before give what stands now."""

from dataclasses import dataclass, replace
from typing import Final

WRITE_FAILED: Final = "filesystem.write_failed"
"""Envoy's counter of writes to its files that failed or stopped short; their lines are gone (Envoy drops them)."""
BUFFERED: Final = "filesystem.write_total_buffered"
"""Envoy's gauge of bytes that are still to be written."""
REOPEN_FAILED: Final = "filesystem.reopen_failed"

FREE_FLOOR_BYTES: Final = 64 << 20
"""Closing the gate in time needs room for the lines of about a second: 64 MiB hold 100,000 of them."""
BUFFERED_CEILING_BYTES: Final = 4 << 20
"""Envoy writes from 64 KiB on; this much means that the disk does not keep up. It bounds what a crash can lose."""
HOLD_SECONDS: Final = (5.0, 300.0)
"""How long all must be well before the gate opens, first and longest; doubled each time it closes again soon."""
STEADY_SECONDS: Final = 600.0
"""Open for this long, the hold begins from the first again."""


@dataclass(frozen=True)
class Look:
    """What is seen at one moment."""

    at: float
    """Seconds on any clock that only goes forward."""
    free: int
    """Bytes left on the disk."""
    gateway: str | None = None
    """Why the gateway itself cannot write or seal; None when it can."""
    envoy_failed: int | None = None
    """Failed writes since Envoy started; None when it cannot be asked."""
    envoy_buffered: int | None = None
    envoy_closed: bool = False
    """Envoy could not open its file again; it never tries twice."""


@dataclass(frozen=True)
class Standing:
    """What is held to be true between looks."""

    reason: str | None = None
    """Why audit lines do not get to the disk; None while they do."""
    envoy_failed: int = 0
    """Failed writes at the last look."""
    changed_at: float = float("-inf")
    """When the gate was last closed or opened."""
    well_since: float | None = None
    """Since when nothing failed, while the gate is closed."""
    hold: float = HOLD_SECONDS[0] / 2


def judge(before: Standing, look: Look) -> Standing:
    """What stands after a look. A failure counts at once, an end of it only when it has held."""
    failed = before.envoy_failed if look.envoy_failed is None else look.envoy_failed
    found = _found(before, look)
    now = replace(before, envoy_failed=failed)
    if before.reason is None:
        return now if found is None else _closed(now, found, look.at)
    if found is not None:
        return replace(now, reason=found, well_since=None)
    since = look.at if before.well_since is None else before.well_since
    if look.at - since < before.hold:
        return replace(now, well_since=since)
    return replace(now, reason=None, changed_at=look.at, well_since=None)


def _closed(now: Standing, reason: str, at: float) -> Standing:
    first, longest = HOLD_SECONDS
    hold = first if at - now.changed_at >= STEADY_SECONDS else min(now.hold * 2, longest)
    return replace(now, reason=reason, changed_at=at, well_since=None, hold=hold)


def _found(before: Standing, look: Look) -> str | None:
    # An Envoy that was started again counts from zero.
    known = before.envoy_failed if (look.envoy_failed or 0) >= before.envoy_failed else 0
    if look.envoy_failed is not None and look.envoy_failed > known:
        return "Envoy could not write its audit lines"
    if look.envoy_closed:
        return "Envoy could not open its audit file again: restart the gateway"
    if look.gateway is not None:
        return look.gateway
    if look.free < FREE_FLOOR_BYTES:
        return f"less than {FREE_FLOOR_BYTES >> 20} MiB are free on the disk of the audit trail"
    if look.envoy_buffered is not None and look.envoy_buffered > BUFFERED_CEILING_BYTES:
        return f"Envoy holds more than {BUFFERED_CEILING_BYTES >> 20} MiB of audit lines that the disk does not take"
    return None
