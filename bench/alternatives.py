"""What a team would write itself: the gateway's job in Python, behind Envoy's `ext_authz` or as a reverse proxy.

Both do what the benchmark asks for and no more: verify the token (PyJWT, what is verified is remembered until it ends),
find the service by issuer and subject, ask whether a role of it has the action, put the Databricks token in the place
of the caller's, and write a JSON line. They are on the fast side of what one meets: aiohttp with its C parser, no
framework above it, every table in memory, nothing fetched on a request's path.

    python -m bench.alternatives ext-authz|reverse-proxy SETTINGS.json
"""

import asyncio
import json
import logging
import ssl
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TextIO

import jwt
from aiohttp import ClientSession, TCPConnector, web

from bench.proxies import PROXY_CORE, running

ALGORITHMS = ("ES256", "RS256")
HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class Judge:
    """Who asks, whether they may, and with which token they go on."""

    def __init__(self, settings: dict[str, Any], audit: TextIO) -> None:
        self._keys = {kid: jwt.PyJWK(jwk).key for kid, jwk in settings["keys"].items()}
        self._services = {(row["issuer"], row["subject"]): row for row in settings["services"]}
        self._actions = {(row["method"], row["path"]): row["action"] for row in settings["actions"]}
        self._audience, self._audit = settings["audience"], audit
        self._verified: dict[str, dict[str, Any]] = {}

    def decide(self, authorization: str, method: str, path: str) -> tuple[int, str]:
        """Status and, with 200, the Databricks token."""
        status, service, token = 401, None, ""
        action = self._actions.get((method, path.partition("?")[0]))
        claims = self._claims(authorization.removeprefix("Bearer "))
        if claims is not None:
            row = self._services.get((claims["iss"], claims["sub"]))
            status = 403
            if row is not None:
                service = row["name"]
                if action in row["actions"]:
                    status, token = 200, row["token"]
        line = {"time": time.time(), "service": service, "method": method, "path": path, "action": action}
        self._audit.write(json.dumps(line | {"status": status}) + "\n")
        return status, token

    def _claims(self, token: str) -> dict[str, Any] | None:
        known = self._verified.get(token)
        if known is not None and known["exp"] > time.time():
            return known
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, ALGORITHMS, audience=self._audience, options={"require": ["exp", "sub"]})
        except (jwt.InvalidTokenError, KeyError):
            return None
        self._verified[token] = claims
        return claims


def ext_authz(judge: Judge) -> Any:
    """Answers Envoy; an allowed request gets the header that is answered here."""

    async def check(request: web.BaseRequest) -> web.Response:
        status, token = judge.decide(request.headers.get("authorization", ""), request.method, request.raw_path)
        return web.Response(status=status, headers={"authorization": f"Bearer {token}"} if status == 200 else None)

    return check


def reverse_proxy(judge: Judge, session: ClientSession, workspace: str) -> Any:
    """Sends an allowed request on and streams the answer back."""

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        status, token = judge.decide(request.headers.get("authorization", ""), request.method, request.raw_path)
        if status != 200:
            return web.Response(status=status)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["authorization"] = f"Bearer {token}"
        body = request.content if request.body_exists else None
        async with session.request(request.method, workspace + request.raw_path, headers=headers, data=body) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    return forward


async def serve(kind: str, settings: dict[str, Any]) -> None:
    """Serve until ended."""
    # The load cuts its connections at the end of each slice, and aiohttp would tell of every answer that had no reader.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    trust = ssl.create_default_context(cafile=settings["ca_file"])
    connector = TCPConnector(ssl=trust, limit=0)
    with Path(settings["audit"]).open("w") as audit:
        async with ClientSession(connector=connector, auto_decompress=False) as session:
            judge = Judge(settings, audit)
            handler = ext_authz(judge) if kind == "ext-authz" else reverse_proxy(judge, session, settings["workspace"])
            runner = web.ServerRunner(web.Server(handler, access_log=None))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", settings["port"]).start()
            await asyncio.Event().wait()


def alternative(kind: str, settings: dict[str, Any], folder: Path) -> AbstractContextManager[int]:
    """One of the two in a process of its own, on the core of what is measured; gives its id."""
    file = folder / f"{kind}.json"
    file.write_text(json.dumps(settings))
    return running([sys.executable, "-m", "bench.alternatives", kind, str(file)], settings["port"], PROXY_CORE)


def ext_authz_listener(listener: dict[str, Any], cluster: str) -> dict[str, Any]:
    """A plain listener that asks the Python service about every request."""
    package = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
    service = {
        "server_uri": {"uri": "http://authz", "cluster": cluster, "timeout": "2s"},
        "authorization_response": {"allowed_upstream_headers": {"patterns": [{"exact": "authorization"}]}},
    }
    asked = {"name": "envoy.filters.http.ext_authz", "typed_config": {"@type": package, "http_service": service}}
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"] = [asked, *manager["http_filters"]]
    return listener


def cluster(name: str, port: int) -> dict[str, Any]:
    """The Python service, as Envoy sees it."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
