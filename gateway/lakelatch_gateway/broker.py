"""The token broker: keeps one fresh Databricks token per service, ahead of its expiry, however many ask."""

import asyncio
from collections.abc import Awaitable, Callable

from lakelatch.envoy.runtime import Unavailable
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.log import Log
from lakelatch_gateway.schedule import Lease, State, failed, succeeded

Principal = tuple[str, str, str]
"""Service, workspace host, application id: when one of them changes, it is another token."""
Fetch = Callable[[Principal], Awaitable[Lease]]
Store = Callable[[Principal, str], None]


class Broker:
    """Fetches and stores tokens. Everything that touches the world is handed in: clock, sleep, chance, fetch, store."""

    def __init__(
        self,
        *,
        fetch: Fetch,
        store: Store,
        changed: Callable[[], None],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
        log: Log,
    ) -> None:
        self._fetch, self._store, self._changed, self._log = fetch, store, changed, log
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._states: dict[Principal, State] = {}
        self._keepers: dict[Principal, asyncio.Task[None]] = {}
        self._flights: dict[Principal, asyncio.Task[State]] = {}

    def keep(self, principals: set[Principal]) -> None:
        """Begin to keep tokens of these principals; those that are kept already are not disturbed."""
        for principal in principals - self._keepers.keys():
            self._states[principal] = State()
            keeper = self._keepers[principal] = asyncio.create_task(self._keep_fresh(principal))
            keeper.add_done_callback(self._ended)

    def drop(self, principals: set[Principal]) -> None:
        """Stop keeping tokens of these principals and forget them."""
        for principal in principals & self._keepers.keys():
            for tasks in (self._keepers, self._flights):
                task = tasks.pop(principal, None)
                if task is not None:
                    task.cancel()
            del self._states[principal]

    @property
    def kept(self) -> set[Principal]:
        """The principals whose tokens are kept."""
        return set(self._keepers)

    def unavailable(self) -> dict[Principal, Unavailable]:
        """The principals without a token that could be sent now, each with the reason."""
        now = self._clock()
        reasons = {principal: state.unavailable(now) for principal, state in self._states.items()}
        return {principal: reason for principal, reason in reasons.items() if reason is not None}

    def expires(self) -> dict[Principal, float]:
        """When each token that could be sent now expires, in seconds since the epoch."""
        now = self._clock()
        leases = {principal: state.lease for principal, state in self._states.items() if not state.unavailable(now)}
        return {principal: lease.expires_at for principal, lease in leases.items() if lease is not None}

    async def settled(self) -> None:
        """Wait until each principal has had its first attempt."""
        while fresh := [principal for principal, state in self._states.items() if state == State()]:
            await asyncio.gather(*(self.refresh(principal) for principal in fresh))

    async def refresh(self, principal: Principal) -> State:
        """Fetch a token now. Callers that come meanwhile share the attempt; one that is cancelled fails no other."""
        flight = self._flights.get(principal)
        if flight is None:
            flight = self._flights[principal] = asyncio.create_task(self._attempt(principal))
            flight.add_done_callback(lambda done: self._landed(principal, done))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Stop everything."""
        tasks = [*self._keepers.values(), *self._flights.values()]
        self.drop(self.kept)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (defect := keeper.exception()) is not None:
            self._log.error("token broker ended for a service: this is a defect", kind=type(defect).__name__)

    def _landed(self, principal: Principal, flight: asyncio.Task[State]) -> None:
        if self._flights.get(principal) is flight:
            del self._flights[principal]

    async def _attempt(self, principal: Principal) -> State:
        before = self._states[principal]
        try:
            lease = await self._fetch(principal)
            self._store(principal, lease.token)
        except ExchangeFailed as error:
            reason = Unavailable(str(error), transient=error.transient)
            state = failed(before, reason, now=self._clock(), chance=self._chance())
            wait = round(state.attempt_at - self._clock(), 1)
            self._log.warning(
                "no databricks token",
                event=Event.TOKEN_REFUSED,
                service=principal[0],
                application_id=principal[2],
                reason=str(error),
                retry_in_seconds=wait,
            )
        else:
            state = succeeded(lease, chance=self._chance())
            life = round(lease.expires_at - lease.obtained_at)
            self._log.info(
                "databricks token fetched",
                event=Event.TOKEN_FETCHED,
                service=principal[0],
                application_id=principal[2],
                lives_seconds=life,
            )
        self._states[principal] = state
        now = self._clock()
        if state.unavailable(now) != before.unavailable(now):
            self._changed()
        return state

    async def _keep_fresh(self, principal: Principal) -> None:
        while True:
            now = self._clock()
            state = self._states[principal]
            if now >= state.attempt_at:
                await self.refresh(principal)
                continue
            usable = state.unavailable(now) is None
            await self._sleep(state.wake_at(now) - now)
            if usable and self._states[principal].unavailable(self._clock()) is not None:
                self._log.error("databricks token expired before it could be refreshed", service=principal[0])
                self._changed()
