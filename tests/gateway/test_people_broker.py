"""Proves how people's tokens are had and kept, on a clock of its own: one exchange however many ask, and in time."""

import asyncio
import io
from typing import Any

import pytest

from lakelatch_gateway.errors import ExchangeFailed
from lakelatch_gateway.log import Log
from lakelatch_gateway.people import PeopleBroker, Person
from lakelatch_gateway.schedule import Lease

HOST = "https://workspace"
LATE = 1e9


class World:
    """A clock that moves only when the test says so, and a workspace that answers as it is told."""

    def __init__(self) -> None:
        self.now, self.life = 1000.0, 3600.0
        self.fetched: list[str] = []
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.text = io.StringIO()
        self.broker = PeopleBroker(
            fetch=self._fetch,
            clock=lambda: self.now,
            chance=lambda: 0.5,
            log=Log(self.text),
            kept=3,
            refusals_kept=2,
        )

    async def _fetch(self, workspace: str, shown: str) -> Lease:
        self.fetched.append(shown)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Lease(f"token-{len(self.fetched)}", self.now, self.now + self.life)

    async def ask(self, shown: str = "jwt", expires: float = LATE, host: str = HOST) -> str | None:
        """The token that may be sent now, if there is one."""
        state = await self.broker.token(host, shown, Person("alice", "https://issuer", expires))
        return state.lease.token if state.lease and state.unavailable(self.now) is None else None


async def breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> Any:
    made = World()
    yield made
    await made.broker.close()


async def test_callers_share_one_exchange(world: Any) -> None:
    world.gate = asyncio.Event()
    callers = [asyncio.create_task(world.ask()) for _ in range(100)]
    await breathe()
    callers[0].cancel()
    world.gate.set()
    assert await asyncio.gather(*callers[1:]) == ["token-1"] * 99
    assert world.fetched == ["jwt"]


async def test_every_token_and_every_workspace_has_its_own(world: Any) -> None:
    """A long beginning that two tokens have in common makes them no less different."""
    long = "x" * 4000
    asked = [(f"{long}1", HOST), (f"{long}2", HOST), (f"{long}1", "https://other")]
    assert [await world.ask(shown, host=host) for shown, host in asked] == ["token-1", "token-2", "token-3"]
    assert [await world.ask(shown, host=host) for shown, host in asked] == ["token-1", "token-2", "token-3"]


@pytest.mark.parametrize(
    ("life", "expires", "usable"),
    [
        pytest.param(3600, 1600, 560, id="ends with the person's own token, less 40 s"),
        pytest.param(600, 1600, 560, id="ends with it exactly"),
        pytest.param(600, LATE, 560, id="ends by itself, less 40 s"),
    ],
)
async def test_how_long_a_token_may_be_sent(world: Any, life: float, expires: float, usable: float) -> None:
    world.life = life
    await world.ask(expires=expires)
    world.failure = ExchangeFailed("down", transient=True)
    world.now += usable - 1
    assert await world.ask(expires=expires) == "token-1"
    world.now += 1
    assert await world.ask(expires=expires) is None


async def test_a_token_that_ends_before_the_persons_own_is_renewed_ahead_while_it_serves(world: Any) -> None:
    await world.ask()
    world.now += 1801
    world.gate = asyncio.Event()
    assert await world.ask() == "token-1"
    world.gate.set()
    await breathe()
    assert await world.ask() == "token-2"


async def test_an_outage_goes_unnoticed_while_a_token_is_kept_and_is_asked_about_ever_less(world: Any) -> None:
    await world.ask()
    world.failure = ExchangeFailed("down", transient=True)
    world.now += 1801
    for _ in range(600):
        assert await world.ask() == "token-1"
        await breathe()
        world.now += 1
    assert 5 < len(world.fetched) < 25


async def test_a_refusal_is_remembered_and_asked_about_again(world: Any) -> None:
    world.failure = ExchangeFailed("no such user", transient=False)
    assert [await world.ask() for _ in range(5)] == [None] * 5
    assert len(world.fetched) == 1
    world.failure = None
    world.now += 60
    assert await world.ask() == "token-2"
    assert world.broker.counts == (1, 0)


async def test_what_is_kept_is_bounded_and_refusals_take_no_room_from_tokens(world: Any) -> None:
    for number in range(5):
        await world.ask(f"good-{number}")
    world.failure = ExchangeFailed("no such user", transient=False)
    for number in range(50):
        await world.ask(f"bad-{number}")
    assert world.broker.counts == (3, 2)
    assert await world.ask("good-4") == "token-5"
    assert world.fetched.count("good-4") == 1


async def test_tokens_are_in_no_log_and_in_no_text_of_what_is_kept(world: Any) -> None:
    await world.ask("own-token")
    world.failure = ExchangeFailed("down", transient=True)
    await world.ask("another-token")
    told = world.text.getvalue() + repr(vars(world.broker))
    assert "alice" in told
    assert not [secret for secret in ("token-1", "own-token", "another-token") if secret in told]
