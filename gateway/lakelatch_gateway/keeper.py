"""Keeps the keys of the trusted issuers fresh; what was had last stays when an issuer cannot be reached."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from lakelatch.envoy.config import TrustedIssuer
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.errors import FetchError
from lakelatch_gateway.jwks import Jwk
from lakelatch_gateway.log import Log

REFRESH_SECONDS: Final = 300.0
"""How long a newly published key may be unknown here. Issuers publish a key hours before they sign with it."""
RETRY_SECONDS: Final = (2.0, 60.0)
"""First and longest wait after a failure."""

FetchKeys = Callable[[TrustedIssuer], Awaitable[tuple[list[Jwk], list[str]]]]


class KeyKeeper:
    """Fetches keys again and again; clock-free: sleep and chance are handed in."""

    def __init__(
        self,
        *,
        fetch: FetchKeys,
        changed: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]],
        chance: Callable[[], float],
        log: Log,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self._fetch, self._changed, self._sleep, self._chance, self._log = fetch, changed, sleep, chance, log
        self._refresh_seconds = refresh_seconds
        self._keys: dict[TrustedIssuer, list[Jwk]] = {}
        self._tasks: dict[TrustedIssuer, asyncio.Task[None]] = {}
        self._tried: dict[TrustedIssuer, asyncio.Event] = {}

    def keep(self, issuers: set[TrustedIssuer]) -> None:
        """Begin to keep the keys of these issuers."""
        for issuer in issuers - self._tasks.keys():
            self._tried[issuer] = asyncio.Event()
            self._tasks[issuer] = asyncio.create_task(self._keep_fresh(issuer))

    def drop(self, issuers: set[TrustedIssuer]) -> None:
        """Stop keeping the keys of these issuers and forget them."""
        for issuer in issuers & self._tasks.keys():
            self._tasks.pop(issuer).cancel()
            del self._tried[issuer]
            self._keys.pop(issuer, None)

    @property
    def kept(self) -> set[TrustedIssuer]:
        """The issuers whose keys are kept."""
        return set(self._tasks)

    def keys(self, issuers: Mapping[str, TrustedIssuer]) -> dict[str, list[Jwk]]:
        """The keys now, by issuer name; none for an issuer that never answered."""
        return {name: self._keys.get(issuer, []) for name, issuer in issuers.items()}

    async def settled(self) -> None:
        """Wait until each issuer has been asked once."""
        await asyncio.gather(*(event.wait() for event in list(self._tried.values())))

    async def close(self) -> None:
        """Stop everything."""
        tasks = list(self._tasks.values())
        self.drop(self.kept)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_fresh(self, issuer: TrustedIssuer) -> None:
        failures = 0
        while True:
            try:
                keys, rejected = await self._fetch(issuer)
            except FetchError as error:
                first, longest = RETRY_SECONDS
                wait = min(first * 2.0 ** min(failures, 16), longest)
                failures += 1
                known = len(self._keys.get(issuer, []))
                self._log.warning(
                    "issuer keys not fetched",
                    event=Event.KEYS_REFUSED,
                    issuer=issuer.issuer,
                    reason=str(error),
                    still_known=known,
                )
            else:
                failures, wait = 0, self._refresh_seconds
                if keys != self._keys.get(issuer):
                    self._keys[issuer] = keys
                    ids = [key["kid"] for key in keys]
                    self._log.info(
                        "issuer keys fetched",
                        event=Event.KEYS_CHANGED,
                        issuer=issuer.issuer,
                        key_ids=ids,
                        rejected=rejected,
                    )
                    self._changed()
            if issuer in self._tried:
                self._tried[issuer].set()
            await self._sleep(wait * (0.75 + 0.25 * self._chance()))
