"""The process around the supervisor: folders, signals, what is printed."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import click

from lakelatch.envoy.compiler import compile_gateway
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files, Runtime
from lakelatch_gateway import envoy_process
from lakelatch_gateway.audit.sealer import SEGMENT_BYTES, Sealer
from lakelatch_gateway.audit.trail import FOLDER as AUDIT
from lakelatch_gateway.audit.trail import Trail, open_sealer
from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.folder import ConfigFolder
from lakelatch_gateway.keeper import REFRESH_SECONDS
from lakelatch_gateway.log import Log
from lakelatch_gateway.schedule import AWAITED
from lakelatch_gateway.sources import system_authorities
from lakelatch_gateway.supervisor import Options, Supervisor
from lakelatch_gateway.switchboard import Switchboard

SOCKET_PATH_BYTES: Final = 107
"""Longest path of a Unix socket: sockaddr_un, unix(7), less the closing null."""


def serve(
    config_dir: Path,
    state_dir: Path | None,
    *,
    workers: int,
    as_json: bool,
    deny_unaudited: bool = True,
    segment_bytes: int = SEGMENT_BYTES,
    metrics: tuple[str, int] | None = None,
    key_refresh_seconds: float = REFRESH_SECONDS,
) -> None:
    """Run the gateway until a signal ends it.

    Raises:
        LakelatchError: it cannot start.

    """
    environment = dict(os.environ)

    def ready(config: GatewayConfig) -> None:
        if as_json:
            click.echo(json.dumps({"host": config.host, "ready": True, "pid": os.getpid()}))

    with _folders(state_dir, environment) as (run, state):
        sealer = None if state is None else open_sealer(state / AUDIT, segment_bytes)
        audit_file = None if sealer is None else str(sealer.file)
        options = Options(
            ConfigFolder(config_dir),
            run,
            audit_file,
            None if state is None else Switchboard(state),
            environment,
            workers,
            time.time,
            deny_unaudited,
            metrics,
            key_refresh_seconds,
        )
        asyncio.run(_supervise(options, ready, sealer))


def check_folder(config_dir: Path) -> None:
    """Check a configuration with the compiler and with Envoy.

    Raises:
        LakelatchError: with everything that is wrong.

    """
    config = ConfigFolder(config_dir).read()
    with tempfile.TemporaryDirectory(prefix="lakelatch-check-") as name:
        environment = dict(os.environ)
        # Tokens are had by a running gateway only.
        awaited = dict.fromkeys(config.services, AWAITED)
        runtime = Runtime(Files(PurePosixPath(name)), system_authorities(environment), unavailable=awaited)
        compiled = compile_gateway(config, runtime)
        asyncio.run(envoy_process.validate(envoy_process.find_envoy(environment), compiled, Path(name)))
    click.echo(f"the configuration holds: {len(config.services)} services, {len(config.issuers)} issuers")
    for name, service in sorted(config.services.items()):
        actions = sorted({action for granted in service.roles.values() for action in granted})
        click.echo(f"  {name}: {', '.join(actions) or 'no actions'}")


async def _supervise(options: Options, ready: Callable[[GatewayConfig], None], sealer: Sealer | None) -> None:
    log = Log(record=None if sealer is None else sealer.events.record)
    supervisor = Supervisor(options, log, None if sealer is None else Trail(sealer, log))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run(ready)


@contextlib.contextmanager
def _folders(state_dir: Path | None, environment: dict[str, str]) -> Iterator[tuple[Path, Path | None]]:
    """The private run folder and the state folder, held against a second gateway while in use."""
    if state_dir is None:
        # A private place where there is one: XDG Base Directory Specification.
        with tempfile.TemporaryDirectory(prefix="lakelatch-", dir=environment.get("XDG_RUNTIME_DIR")) as name:
            yield Path(name) / "run", None
        return
    state = state_dir.resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    run = state / "run"
    if len(os.fsencode(Files(PurePosixPath(run)).endpoints_socket)) > SOCKET_PATH_BYTES:
        raise GatewayError(f"`{state}` is too long a path for sockets", hint="name a shorter one with --state-dir")
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GatewayError(f"another gateway runs with the state folder `{state}`") from None
        yield run, state
