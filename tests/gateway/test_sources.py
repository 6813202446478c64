"""Proves that first attempts are waited for, but neither for ever nor against the will of whoever stops the gateway."""

import asyncio

import pytest

from lakelatch_gateway.sources import settled


@pytest.mark.parametrize("steps", range(8))
async def test_a_stop_is_never_lost_however_close_to_the_end_of_an_attempt(steps: int) -> None:
    """A lost one would leave a gateway running that was told to end: it stops itself by cancelling what it does."""
    attempt = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(settled(asyncio.ensure_future(attempt), seconds=60))
    for _ in range(3):
        await asyncio.sleep(0)
    attempt.set_result(None)
    for _ in range(steps):
        await asyncio.sleep(0)
    was_done = waiting.done()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert was_done or waiting.cancelled()


async def test_attempts_that_take_too_long_are_left_behind() -> None:
    never = asyncio.get_running_loop().create_future()
    await settled(never, seconds=0)
    assert never.cancelled()
