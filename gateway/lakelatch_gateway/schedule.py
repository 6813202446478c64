"""When a Databricks token is refreshed, how long it is used, when to try again. Pure: time and chance are handed in."""

from dataclasses import dataclass, field, replace
from typing import Final

from lakelatch.envoy.runtime import Unavailable

EXPIRY_FLOOR_SECONDS: Final = 40
"""Azure Databricks refuses a token with 30 s or less left; databricks-sdk stops at 40 s as well (`oauth.py`)."""
REFRESH_FRACTION: Final = (0.45, 0.55)
"""Refresh at about half of the time a token can be used: the other half is what an outage may take unnoticed."""
TRANSIENT_SECONDS: Final = (1.0, 60.0)
"""First and longest wait after an outage."""
DEFINITE_SECONDS: Final = (5.0, 60.0)
"""First and longest wait after a refusal: somebody has to mend something, and should not wait long after that."""

AWAITED: Final = Unavailable("its Databricks token is being fetched", transient=True)
"""Why there is no token before the first attempt has ended."""


@dataclass(frozen=True)
class Lease:
    """A Databricks token and its life, in seconds since the epoch."""

    token: str = field(repr=False)
    obtained_at: float
    expires_at: float

    @property
    def usable_until(self) -> float:
        """When it must no longer be sent."""
        return self.expires_at - EXPIRY_FLOOR_SECONDS


@dataclass(frozen=True)
class State:
    """What is known about one service's token."""

    lease: Lease | None = None
    failure: Unavailable | None = None
    failures: int = 0
    """How many attempts have failed in a row."""
    attempt_at: float = 0.0
    """When the next attempt is due."""

    def unavailable(self, now: float) -> Unavailable | None:
        """Why there is no token that could be sent now, or None when there is one."""
        if self.lease is not None and now < self.lease.usable_until:
            return None
        return self.failure or AWAITED

    def wake_at(self, now: float) -> float:
        """When something has to be done: the next attempt, or the end of a token that could not be refreshed."""
        if self.lease is not None and now < self.lease.usable_until:
            return min(self.attempt_at, self.lease.usable_until)
        return self.attempt_at


def succeeded(lease: Lease, *, chance: float) -> State:
    """After a token was had; `chance` in 0..1 spreads the refreshes of many services."""
    low, high = REFRESH_FRACTION
    usable = max(lease.usable_until - lease.obtained_at, 0.0)
    due = lease.obtained_at + usable * (low + (high - low) * chance)
    # A token that can hardly be used, or not at all, is no reason to rush.
    return State(lease=lease, attempt_at=max(due, lease.obtained_at + TRANSIENT_SECONDS[0]))


def failed(state: State, failure: Unavailable, *, now: float, chance: float) -> State:
    """After an attempt failed: the old token stays as long as it may, the next attempt comes later each time."""
    first, longest = TRANSIENT_SECONDS if failure.transient else DEFINITE_SECONDS
    # The exponent is bounded because 2.0 ** 1100 overflows.
    wait = min(first * 2.0 ** min(state.failures, 16), longest)
    # Between half and whole: many gateways must not come back at the same moment.
    attempt_at = now + wait * (0.5 + 0.5 * chance)
    return replace(state, failure=failure, failures=state.failures + 1, attempt_at=attempt_at)
