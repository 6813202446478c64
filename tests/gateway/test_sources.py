"""Proves that first attempts are waited for, but neither for ever nor against the will of whoever stops the gateway;
and that nothing is compiled again that is compiled already.
"""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, cast

import pytest

from lakelatch.access.switches import Maintenance, Switches
from lakelatch.envoy.clusters import WORKSPACE
from lakelatch.envoy.compiler import text
from lakelatch.envoy.runtime import Files
from lakelatch_gateway.issuer import Issuer
from lakelatch_gateway.log import Log
from lakelatch_gateway.secret_server import SecretServer
from lakelatch_gateway.sources import Sources, settled


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


async def test_what_is_compiled_already_is_compiled_again_only_when_something_differs(
    configure: Any, tmp_path: Path
) -> None:
    """A delivery compiles what was validated a moment ago; a switch that came between has to be in it all the same."""
    config, files = configure(), Files(PurePosixPath(tmp_path))
    sources = Sources(
        config,
        cast(Issuer, None),
        paths=files,
        secrets=SecretServer(files.secrets_socket, Log(io.StringIO())),
        environment={},
        changed=lambda: None,
        log=Log(io.StringIO()),
        key_refresh_seconds=60,
    )
    first = sources.compile(config, None, Switches(), unaudited=False)
    assert sources.compile(config, None, Switches(), unaudited=False) is first
    hopeful = sources.compile(config, None, Switches(), unaudited=False, hopeful=True)
    assert [f'"cluster":"{WORKSPACE}"' in text(one.routes) for one in (first, hopeful)] == [False, True]
    switched = Switches().closing(Maintenance(scope="all", since=datetime.now(UTC)))
    closed = sources.compile(config, None, switched, unaudited=False)
    assert closed.gate != first.gate
    assert sources.compile(config, None, Switches(), unaudited=True).gate != closed.gate
    narrower = sources.compile(configure(roles={}), None, Switches(), unaudited=False)
    assert narrower.routes != first.routes
