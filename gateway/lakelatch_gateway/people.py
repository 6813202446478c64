"""Databricks tokens of people: their own token is exchanged once, however many ask, and kept under its hash.

Envoy has verified the token. What is known about each stays bounded: the oldest goes first, and refusals take no room
from tokens. A token that is kept serves until it may no longer be sent, whatever happens to the exchange meanwhile.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from lakelatch.envoy.runtime import Unavailable
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.log import Log
from lakelatch_gateway.schedule import EXPIRY_FLOOR_SECONDS, Lease, State, failed, succeeded

KEPT: Final = 10_000
"""People whose tokens are kept; with 4 KiB each, 40 MiB."""
REFUSALS_KEPT: Final = 1_000
"""People of whom it is known that there is no token for them, and when to ask again."""
LATER_SECONDS: Final = 5.0
"""When Envoy asks again while a kept token is being renewed."""


@dataclass(frozen=True)
class Person:
    """Whose token it is."""

    user: str
    """The Databricks user name, as the user claim has it."""
    issuer: str
    expires_at: float
    """The `exp` of their own token: no Databricks token made from it is used for longer."""


Fetch = Callable[[str, str], Awaitable[Lease]]
"""Workspace and a person's own token to their Databricks token there."""
Key = bytes


class PeopleBroker:
    """Fetches and keeps tokens. Everything that touches the world is handed in: fetch, clock, chance."""

    def __init__(
        self,
        *,
        fetch: Fetch,
        clock: Callable[[], float],
        chance: Callable[[], float],
        log: Log,
        kept: int = KEPT,
        refusals_kept: int = REFUSALS_KEPT,
    ) -> None:
        self._fetch, self._clock, self._chance, self._log = fetch, clock, chance, log
        self._tokens: OrderedDict[Key, State] = OrderedDict()
        self._refusals: OrderedDict[Key, State] = OrderedDict()
        self._flights: dict[Key, asyncio.Task[State]] = {}
        self._bounds = (kept, refusals_kept)

    async def token(self, workspace: str, shown: str, person: Person) -> State:
        """What is known about a person's Databricks token in a workspace, after it was asked for where that is due."""
        # The whole token, so that no two are taken for each other; its hash, so that none lies about.
        key = hashlib.sha256(f"{workspace}\n{shown}".encode()).digest()
        state, now = self._known(key), self._clock()
        if now < state.attempt_at:
            return state
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._attempt(key, workspace, shown, person))
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        if state.unavailable(now) is None:
            return replace(state, attempt_at=now + LATER_SECONDS)
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Stop everything and forget every token."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        self._tokens.clear()
        self._refusals.clear()

    @property
    def counts(self) -> tuple[int, int]:
        """How many tokens and how many refusals are kept."""
        return len(self._tokens), len(self._refusals)

    def _known(self, key: Key) -> State:
        for states in (self._tokens, self._refusals):
            if key in states:
                states.move_to_end(key)
                return states[key]
        return State()

    def _keep(self, key: Key, state: State) -> None:
        has_token = state.lease is not None
        states, others = (self._tokens, self._refusals) if has_token else (self._refusals, self._tokens)
        others.pop(key, None)
        states[key] = state
        states.move_to_end(key)
        while len(states) > self._bounds[0 if has_token else 1]:
            states.popitem(last=False)

    async def _attempt(self, key: Key, workspace: str, shown: str, person: Person) -> State:
        before = self._known(key)
        try:
            lease = await self._fetch(workspace, shown)
        except ExchangeFailed as error:
            reason = Unavailable(str(error), transient=error.transient)
            state = failed(before, reason, now=self._clock(), chance=self._chance())
            if state.unavailable(self._clock()) is not None:
                state = replace(state, lease=None)
            self._log.warning(
                "no databricks token of a person",
                event=Event.TOKEN_REFUSED,
                user=person.user,
                issuer=person.issuer,
                reason=str(error),
                retry_in_seconds=round(state.attempt_at - self._clock(), 1),
            )
        else:
            state = _had(lease, person, chance=self._chance())
            life = round(lease.expires_at - lease.obtained_at)
            self._log.info(
                "databricks token of a person fetched",
                event=Event.TOKEN_FETCHED,
                user=person.user,
                issuer=person.issuer,
                lives_seconds=life,
            )
        self._keep(key, state)
        return state


def _had(lease: Lease, person: Person, *, chance: float) -> State:
    """After a token was had: it is renewed ahead of its end, unless it ends with the person's own and cannot be."""
    if lease.expires_at + EXPIRY_FLOOR_SECONDS < person.expires_at:
        return succeeded(lease, chance=chance)
    lease = replace(lease, expires_at=min(lease.expires_at, person.expires_at))
    return State(lease=lease, attempt_at=max(lease.usable_until, lease.obtained_at + 1.0))
