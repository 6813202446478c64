"""All doubles in one process and one event loop, each on its own loopback port, HTTPS with the local CA."""

import asyncio
import contextlib
import datetime
import fcntl
import json
import os
import random
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from lakelatch.errors import CommandError
from lakelatch_sandbox import cluster, control, entra, graph
from lakelatch_sandbox.authority import Authority
from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.context import Context
from lakelatch_sandbox.databricks import account, workspace
from lakelatch_sandbox.endpoints import DOUBLES, HOST, Endpoints, endpoints, identity, ports, remember_ports
from lakelatch_sandbox.errors import StateInUseError
from lakelatch_sandbox.files import write_secret
from lakelatch_sandbox.sockets import bind, bind_free, close, consecutive
from lakelatch_sandbox.store import Store

APPLICATIONS: Mapping[str, Callable[[Context], Starlette]] = {
    "databricks_account": account.application,
    "databricks_workspace": workspace.application,
    "entra": entra.application,
    "graph": graph.application,
    "cluster": cluster.application,
    "control": control.application,
}

OUTGOING_TIMEOUT_SECONDS = 5.0
"""For discovery documents and key sets; a token exchange waits for them."""

STOP_SECONDS = 2
"""How long open requests may take to end after a stop was asked for."""

CLOSE_SECONDS = 0.2
"""How long a finished connection may take to close."""


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the state directory; raises `StateInUseError` when another process has it."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUseError(
                f"another sandbox already runs on `{directory}`",
                hint="stop it, or give this one a directory of its own with `--state`",
            ) from error
        yield
    finally:
        os.close(descriptor)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that runs several of them, and does not wait for idle clients."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        dropping = asyncio.create_task(self._drop_closing())
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()
            for connection in tuple(self.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()

    def cut(self, client: tuple[str, int]) -> None:
        """End the connection of the client with this address and port, without a word."""
        for connection in tuple(self.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                connection.transport.abort()

    async def _drop_closing(self) -> None:
        """End connections that only wait for the client's half of the TLS closing handshake; idle ones send none."""
        while True:
            await asyncio.sleep(CLOSE_SECONDS)
            for connection in tuple(self.server_state.connections):
                if connection.transport is not None and connection.transport.is_closing():
                    connection.transport.abort()


def _server(application: ASGIApp, authority: Authority) -> _Server:
    return _Server(
        uvicorn.Config(
            application,
            ssl_certfile=str(authority.certificate_file),
            ssl_keyfile=str(authority.private_key_file),
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )


def _application(name: str, context: Context) -> ASGIApp:
    application = APPLICATIONS[name](context)
    # faults are switched off there
    return application if name == "control" else context.faults.in_front_of(name, application)


def _bind(store: Store, first_port: int | None) -> dict[str, socket.socket]:
    remembered = ports(store)
    if remembered is None:
        if first_port is None:
            # the choice of a port needs no secrecy
            return bind_free(DOUBLES, random.Random())  # noqa: S311
        return bind(consecutive(DOUBLES, first_port))
    if first_port not in (None, remembered[DOUBLES[0]]):
        raise CommandError(
            f"this state directory has its ports already, from {remembered[DOUBLES[0]]} on; `--port {first_port}` "
            "would change addresses that others have stored",
            hint="leave `--port` out, or use a fresh state directory",
        )
    return bind(remembered)


def _client(authority: Authority) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=ssl.create_default_context(cafile=str(authority.bundle_file)),
        follow_redirects=False,
        timeout=OUTGOING_TIMEOUT_SECONDS,
        # a proxy of the environment never stands between the doubles
        mounts={"all://127.0.0.1": None, "all://localhost": None},
    )


@contextlib.asynccontextmanager
async def running(
    state: Path, first_port: int | None = None, *, clock: Clock | None = None
) -> AsyncIterator[Endpoints]:
    """Run every double on this state directory; the body starts when all of them listen.

    Raises `StateInUseError` when another process has the directory, `PortTakenError` when a port cannot be had, and
    `CommandError` when `first_port` contradicts the state.
    """
    state = state.absolute()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(locked(state))
        store = stack.enter_context(contextlib.closing(Store(state / "state.sqlite")))
        authority = Authority(state)
        authority.ensure(datetime.datetime.now(datetime.UTC), os.environ)
        sockets = _bind(store, first_port)
        stack.callback(close, sockets)
        chosen = {name: int(one.getsockname()[1]) for name, one in sockets.items()}
        remember_ports(store, chosen)
        addresses = endpoints(
            identity(store),
            chosen,
            ca_file=str(authority.ca_file),
            ca_bundle_file=str(authority.bundle_file),
            pid=os.getpid(),
        )
        http = await stack.enter_async_context(_client(authority))
        context = Context(store=store, clock=clock or Clock(), endpoints=addresses, http=http, state=state)
        servers = {name: _server(_application(name, context), authority) for name in DOUBLES}
        context.faults.cut.update({name: server.cut for name, server in servers.items()})
        tasks = [asyncio.create_task(servers[name].serve(sockets=[sockets[name]]), name=name) for name in DOUBLES]
        try:
            while not all(server.started for server in servers.values()):
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.005)
            write_secret(state / "endpoints.json", (json.dumps(addresses.as_json()) + "\n").encode())
            yield addresses
        finally:
            for server in servers.values():
                server.should_exit = True
            await asyncio.gather(*tasks)


async def serve(state: Path, first_port: int | None, ready: Callable[[Endpoints], None]) -> None:
    """Run until SIGTERM or SIGINT; `ready` is called once, when everything listens. Errors as for `running`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(state, first_port) as addresses:
        ready(addresses)
        await stop.wait()


__all__ = ["HOST", "running", "serve"]
