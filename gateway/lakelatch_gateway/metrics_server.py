"""Where metrics are asked for: a port of their own, for operators and not for callers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lakelatch_gateway.errors import GatewayError
from lakelatch_gateway.metrics import CONTENT_TYPE
from lakelatch_gateway.server import Server


def application(text: Callable[[], Awaitable[str]]) -> Starlette:
    """The metrics as an ASGI application."""

    async def answer(_request: Request) -> Response:
        return Response(await text(), media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})

    return Starlette(routes=[Route("/metrics", answer)])


@contextlib.asynccontextmanager
async def metrics_served(place: tuple[str, int] | None, text: Callable[[], Awaitable[str]]) -> AsyncIterator[None]:
    """Serve metrics at an address and port, or nowhere.

    Raises:
        GatewayError: it cannot listen there.

    """
    if place is None:
        yield
        return
    with listening(*place) as bound:
        server = Server(uvicorn.Config(application(text), log_config=None, lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            yield
        finally:
            server.should_exit = True
            await task


@contextlib.contextmanager
def listening(address: str, port: int) -> Iterator[socket.socket]:
    """A socket for a server.

    Raises:
        GatewayError: the address is not one of this machine, or the port is taken.

    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, port))
        except OSError as error:
            reason = f"metrics cannot be served on {address}, port {port}: {error.strerror}"
            raise GatewayError(reason, hint="name another --metrics-port") from None
        yield bound
