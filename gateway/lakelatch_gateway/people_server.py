"""Where Envoy asks for people's Databricks tokens: a private socket, on which no client's request ever arrives.

The request's body is the person's own token, which Envoy has verified; `x-policy` names what it is to be read by.
The answer says, in `x-roles`, the roles of their groups, and for how many seconds (`x-seconds`) it may be repeated
without asking; with 200 the body is the Databricks token, otherwise `x-failure` says why there is none.
"""

import asyncio
import base64
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lakelatch.access.persons import roles_of
from lakelatch.access.policy import People
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.people import policy_id
from lakelatch_gateway.people import PeopleBroker, Person
from lakelatch_gateway.schedule import EXPIRY_FLOOR_SECONDS, State
from lakelatch_gateway.server import KEPT_SECONDS, Server
from lakelatch_gateway.tokens import MAX_BYTES

NOBODY_SECONDS: Final = 60
"""For how long it is known that somebody is in no group: their token does not change, the model asks anew."""


@dataclass(frozen=True)
class Reading:
    """What a person's token is read by."""

    people: People
    user_claim: str
    workspace: str


def readings(*configs: GatewayConfig) -> dict[str, Reading]:
    """By the name that Envoy asks with; those of a configuration that is coming or going beside those in force."""
    return {
        policy_id(config, name): Reading(
            config.policy.people[config.issuers[name].issuer], row.user_claim, config.workspace.host
        )
        for config in configs
        for name, row in config.people.items()
    }


def application(
    known: Callable[[], Mapping[str, Reading]], broker: PeopleBroker, clock: Callable[[], float]
) -> Starlette:
    """The exchange as an ASGI application."""

    async def answer(request: Request) -> Response:
        reading = known().get(request.headers.get("x-policy", ""))
        shown = await _body(request)
        claims = None if shown is None else _claims(shown)
        if reading is None or shown is None or claims is None:
            return Response(status_code=503)
        return await _answer(reading, shown, claims, broker, clock)

    return Starlette(routes=[Route("/", answer, methods=["POST"])])


async def _answer(
    reading: Reading, shown: str, claims: Mapping[str, Any], broker: PeopleBroker, clock: Callable[[], float]
) -> Response:
    roles = roles_of(reading.people, claims)
    told = {"x-roles": f",{','.join(roles)}," if roles else ""}
    user, expires = claims.get(reading.user_claim), claims.get("exp")
    if not roles or not isinstance(user, str) or isinstance(expires, bool) or not isinstance(expires, int | float):
        return _failure(403, "", NOBODY_SECONDS, told | {"x-roles": ""})
    if expires - clock() <= EXPIRY_FLOOR_SECONDS:
        return _failure(401, "expiring", NOBODY_SECONDS, told)
    state = await broker.token(reading.workspace, shown, Person(user, reading.people.issuer, expires))
    return _told(state, told, clock())


def _told(state: State, told: dict[str, str], now: float) -> Response:
    seconds = max(1, int(state.attempt_at - now))
    missing = state.unavailable(now)
    if missing is not None or state.lease is None:
        transient = missing is None or missing.transient
        return _failure(503 if transient else 403, "unavailable" if transient else "refused", seconds, told)
    usable = int(state.lease.usable_until - now)
    headers = {**told, "x-seconds": str(min(seconds, usable)), "x-usable-seconds": str(usable)}
    return Response(state.lease.token, headers=headers, media_type="text/plain")


def _failure(status: int, failure: str, seconds: int, told: Mapping[str, str]) -> Response:
    return Response(status_code=status, headers={**told, "x-failure": failure, "x-seconds": str(seconds)})


async def _body(request: Request) -> str | None:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > 2 * MAX_BYTES:
            return None
    return content.decode("latin-1")


def _claims(token: str) -> dict[str, Any] | None:
    """The claims of a token that is verified already."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return None
    return claims if isinstance(claims, dict) else None


@contextlib.asynccontextmanager
async def people_served(path: str, app: Starlette) -> AsyncIterator[None]:
    """Serve the exchange on a socket that is the gateway's user's alone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.bind(path)
        os.chmod(path, 0o600)
        server = Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_keep_alive=KEPT_SECONDS))
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            yield
        finally:
            server.should_exit = True
            await task
