"""The broker on a clock of its own: one exchange however many ask, refresh ahead, outages unnoticed, refusals told."""

import asyncio
import io
import json
from typing import Any

import pytest

from lakelatch_gateway.broker import Broker
from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.log import Log
from lakelatch_gateway.schedule import Lease

NIGHTLY = ("nightly", "https://workspace", "app-1")
OTHER = ("other", "https://workspace", "app-2")


class World:
    """A clock that moves only when the test says so, and a workspace that answers as it is told."""

    def __init__(self) -> None:
        self.now, self.life, self.fetches, self.changes = 0.0, 3600.0, 0, 0
        self.stored: list[tuple[str, str]] = []
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.text = io.StringIO()
        self.broker = Broker(
            fetch=self._fetch,
            store=lambda principal, token: self.stored.append((principal[0], token)),
            changed=self._changed,
            clock=lambda: self.now,
            sleep=self._sleep,
            chance=lambda: 0.5,
            log=Log(self.text),
        )

    def _changed(self) -> None:
        self.changes += 1

    async def _fetch(self, principal: Any) -> Any:
        self.fetches += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Lease(f"token-{self.fetches}", self.now, self.now + self.life)

    async def _sleep(self, seconds: Any) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, future))
        await future

    async def until(self, now: Any) -> None:
        """Move the clock, waking whoever sleeps on the way, each at its time."""
        await breathe()
        while due := [pair for pair in self._sleepers if pair[0] <= now and not pair[1].done()]:
            when, future = min(due, key=lambda pair: pair[0])
            self.now = max(self.now, when)
            future.set_result(None)
            await breathe()
        self.now = now
        await breathe()


async def breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> Any:
    made = World()
    yield made
    await made.broker.close()


async def test_ten_thousand_callers_share_one_exchange(world: Any) -> None:
    world.gate = asyncio.Event()
    world.broker.keep({NIGHTLY})
    callers = [asyncio.create_task(world.broker.refresh(NIGHTLY)) for _ in range(10_000)]
    await breathe()
    world.gate.set()
    states = await asyncio.gather(*callers)
    assert world.fetches == 1
    assert {state.lease.token for state in states} == {"token-1"}


async def test_cancelled_leader_fails_no_follower(world: Any) -> None:
    world.broker.keep({NIGHTLY})
    await world.until(1)
    world.gate = asyncio.Event()
    leader, *followers = (asyncio.create_task(world.broker.refresh(NIGHTLY)) for _ in range(5))
    await breathe()
    leader.cancel()
    await breathe()
    world.gate.set()
    states = await asyncio.gather(*followers)
    assert {state.lease.token for state in states} == {"token-2"}
    assert world.fetches == 2


async def test_token_is_refreshed_half_way_and_nobody_notices(world: Any) -> None:
    world.broker.keep({NIGHTLY})
    await world.until(1)
    changes = world.changes
    await world.until(1779)
    assert world.fetches == 1
    await world.until(1781)
    assert world.fetches == 2
    assert world.stored == [("nightly", "token-1"), ("nightly", "token-2")]
    assert world.changes == changes


async def test_tokens_that_live_a_minute_leave_no_gap(world: Any) -> None:
    world.life = 60.0
    world.broker.keep({NIGHTLY})
    for now in range(1, 600):
        await world.until(now)
        assert not world.broker.unavailable()
    assert world.changes == 1


async def test_outage_is_unnoticed_until_the_token_may_not_be_used_any_more(world: Any) -> None:
    world.broker.keep({NIGHTLY})
    await world.until(1)
    world.failure = ExchangeFailed("no answer", transient=True)
    await world.until(3559)
    assert not world.broker.unavailable()
    changes = world.changes
    await world.until(3561)
    assert world.broker.unavailable()[NIGHTLY].transient
    assert world.changes == changes + 1
    world.failure = None
    await world.until(3700)
    assert not world.broker.unavailable()


async def test_outage_is_not_answered_with_a_storm(world: Any) -> None:
    world.failure = ExchangeFailed("no answer", transient=True)
    world.broker.keep({NIGHTLY})
    await world.until(3600)
    assert 60 < world.fetches < 100


@pytest.mark.parametrize("transient", [True, False], ids=["outage", "refusal"])
async def test_reason_is_told(world: Any, transient: Any) -> None:
    world.failure = ExchangeFailed("the reason", transient=transient)
    world.broker.keep({NIGHTLY})
    await world.broker.settled()
    reason = world.broker.unavailable()[NIGHTLY]
    assert (reason.reason, reason.transient) == ("the reason", transient)


async def test_dropped_principal_is_forgotten_and_the_others_are_not_disturbed(world: Any) -> None:
    world.broker.keep({NIGHTLY, OTHER})
    await world.broker.settled()
    world.broker.drop({NIGHTLY})
    await world.until(4000)
    assert world.broker.kept == {OTHER}
    assert {name for name, _ in world.stored[2:]} == {"other"}


async def test_keeping_again_changes_nothing(world: Any) -> None:
    world.broker.keep({NIGHTLY})
    await world.broker.settled()
    world.broker.keep({NIGHTLY, OTHER})
    await world.broker.settled()
    assert world.fetches == 2


async def test_log_has_no_token(world: Any) -> None:
    world.broker.keep({NIGHTLY})
    await world.broker.settled()
    world.failure = ExchangeFailed("no answer", transient=True)
    await world.until(2000)
    assert "token-1" not in world.text.getvalue()
    assert {json.loads(line)["level"] for line in world.text.getvalue().splitlines()} == {"info", "warning"}
