"""The gateway against plain Envoy, and against what a team would put there instead.

Every proxy has one core: an Envoy with one worker, a Python service beside its Envoy, or a Python reverse proxy. All
send to the same TLS upstream; the load comes from the other core. Slices alternate, so that a noisy machine is noisy
for all; medians of slices are compared. Processor time per request is the steadier figure: rates depend on what else
the machine does.

    python -m bench gateway

Needs `wrk` for rates that the load generator does not limit; without it a generator in Python is used, which says so.
"""

import asyncio
import io
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench import alternatives
from bench.machine import staying_on
from bench.proxies import (
    CONNECTIONS,
    LOAD_CORE,
    PATH,
    PROXY_CORE,
    REPLY_BYTES,
    Slice,
    certificate,
    envoy,
    free_ports,
    listener,
    measure,
    upstream,
    write,
)
from lakelatch.envoy.clusters import WORKSPACE
from lakelatch.envoy.compiler import Compiled, compile_gateway
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.runtime import Files, Runtime
from lakelatch_gateway.log import Log
from lakelatch_gateway.people import PeopleBroker
from lakelatch_gateway.people_server import application, people_served, readings
from lakelatch_gateway.schedule import Lease
from lakelatch_gateway.secret_server import SecretServer

ACTIONS = ("current_user.me", "warehouses.list")
TOKEN_BYTES = 1000
ROUNDS, SECONDS = 7, 3.0


@dataclass(frozen=True)
class Setup:
    """A compiled gateway, and who calls it."""

    config: GatewayConfig
    compiled: Compiled
    bootstrap: Path
    tokens: list[str]
    """Of the services, in their order."""
    people_tokens: list[str]
    served: dict[str, str]
    """Databricks token by the name of its secret."""
    keys: dict[str, dict[str, Any]]
    """Published key by its id."""


@contextmanager
def secrets(setup: Setup) -> Iterator[None]:
    """Serves Databricks tokens as the gateway does, those of services and those of people, in a thread of its own."""
    files, log = setup.compiled.files, Log(io.StringIO())

    async def fetch(_workspace: str, _shown: str) -> Lease:
        return Lease("d" * TOKEN_BYTES, time.time(), time.time() + 3600)

    async def serve() -> None:
        server = SecretServer(files.secrets_socket, log)
        for name, token in setup.served.items():
            server.set(name, token)
        await server.start()
        people = PeopleBroker(fetch=fetch, clock=time.time, chance=lambda: 0.5, log=log)
        known = readings(setup.config)
        async with people_served(files.people_socket, application(lambda: known, people, time.time)):
            started.set()
            await over.wait()
        await server.close()

    loop, started, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def gateway(
    folder: Path,
    port: int,
    workspace: str,
    ca_file: Path,
    services: int,
    actions: tuple[str, ...] = ACTIONS,
    people: int = 0,
) -> Setup:
    """The gateway's own configuration with two issuers, one of ES256 and one of RS256, and a token for each caller."""
    elliptic, classic = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    keys: dict[str, tuple[Any, str, Any]] = {
        "one": (elliptic, "ES256", jwt.algorithms.ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True)),
        "two": (classic, "RS256", jwt.algorithms.RSAAlgorithm.to_jwk(classic.public_key(), as_dict=True)),
    }
    issuers = list(keys)
    roles = {"reader": list(actions)}
    group = {"audience": "people", "user_claim": "upn", "groups": {"group-1": ["reader"]}, "roles": roles}
    config = GatewayConfig.parse(
        {
            "host": "https://gateway.example.test",
            "listen": {"address": "127.0.0.1", "port": port},
            "workspace": {"host": workspace, "id": "1", "account_id": "a", "ca_file": str(ca_file)},
            "issuers": {name: {"issuer": f"https://{name}.example.test", "audience": "gateway"} for name in issuers},
            "services": {
                f"service-{number}": {
                    "issuer": issuers[number % 2],
                    "subject": f"subject-{number}",
                    "application_id": f"app-{number}",
                    "roles": roles,
                }
                for number in range(services)
            },
            "people": dict.fromkeys(issuers, group) if people else {},
            "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k"}, "audience": "a"},
        }
    )
    published = {
        name: [{key: value for key, value in jwk.items() if key != "key_ops"} | {"kid": name, "alg": alg}]
        for name, (_, alg, jwk) in keys.items()
    }
    files = Files(PurePosixPath(folder))
    compiled = compile_gateway(config, Runtime(files, str(ca_file), published, {}, str(folder / "audit.jsonl")))

    def token(issuer: str, **claims: Any) -> str:
        key, algorithm, _ = keys[issuer]
        common = {"iss": config.issuers[issuer].issuer, "exp": int(time.time()) + 3600}
        return jwt.encode(common | claims | {"padding": "p" * (TOKEN_BYTES // 2)}, key, algorithm, {"kid": issuer})

    for path, content in compiled.discovery().items():
        Path(path).write_text(content)
    return Setup(
        config,
        compiled,
        write(folder / "gateway.json", compiled.bootstrap()),
        [token(service.issuer, sub=service.subject, aud="gateway") for service in config.services.values()],
        [
            token(issuers[n % 2], sub=f"id-{n}", aud="people", upn=f"person-{n}@example.com", groups=["group-1"])
            for n in range(people)
        ],
        {
            secret_name(name, workspace, service.application_id): "d" * TOKEN_BYTES
            for name, service in config.services.items()
        },
        {name: rows[0] for name, rows in published.items()},
    )


def settings(setup: Setup, port: int, folder: Path, name: str) -> dict[str, Any]:
    """The same access for one of the alternatives."""
    config = setup.config
    return {
        "port": port,
        "workspace": config.workspace.host,
        "ca_file": config.workspace.ca_file,
        "audit": str(folder / f"{name}.jsonl"),
        "audience": "gateway",
        "keys": setup.keys,
        "actions": [{"method": "GET", "path": PATH, "action": ACTIONS[0]}],
        "services": [
            {
                "name": service_name,
                "issuer": config.issuers[service.issuer].issuer,
                "subject": service.subject,
                "actions": list(ACTIONS),
                "token": "d" * TOKEN_BYTES,
            }
            for service_name, service in config.services.items()
        ],
    }


@dataclass
class Proxy:
    """One of those that are compared."""

    name: str
    port: int
    pids: tuple[int, ...]
    tokens: list[str]
    slices: list[Slice] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(part.rate for part in self.slices)

    @property
    def cost(self) -> float:
        return statistics.median(part.microseconds for part in self.slices)

    @property
    def latencies(self) -> tuple[float, float]:
        """Milliseconds, half and 99 of 100 requests."""
        half, most = (statistics.median(part.latencies[index] for part in self.slices) for index in (0, 1))
        return half, most


@contextmanager
def proxies(services: int) -> Iterator[tuple[list[Proxy], Path]]:
    """All of them, running."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ll-bench-")))
        certificate_file, key_file = certificate(folder)
        upstream_port, plain_port, gateway_port, asking_port, asked_port, python_port = free_ports(6)
        workspace = f"https://127.0.0.1:{upstream_port}"
        setup = gateway(folder, gateway_port, workspace, certificate_file, services, people=services)
        stack.enter_context(secrets(setup))
        stack.enter_context(
            envoy(upstream(folder, upstream_port, certificate_file, key_file), upstream_port, LOAD_CORE)
        )
        workspace_cluster = next(one for one in setup.compiled.clusters if one["name"] == WORKSPACE)
        route = {"match": {"prefix": "/"}, "route": {"cluster": WORKSPACE}}

        def envoy_of(name: str, port: int, shown: dict[str, Any], *clusters: dict[str, Any]) -> int:
            static = {"listeners": [shown], "clusters": [workspace_cluster, *clusters]}
            return stack.enter_context(envoy(write(folder / name, {"static_resources": static}), port, PROXY_CORE))

        plain = envoy_of("plain.json", plain_port, listener(plain_port, route))
        whole = stack.enter_context(envoy(setup.bootstrap, gateway_port, PROXY_CORE))
        authz = alternatives.cluster("authz", asked_port)
        asking = alternatives.ext_authz_listener(listener(asking_port, route), "authz")
        asking_pid = envoy_of("asking.json", asking_port, asking, authz)
        asked, python = (
            stack.enter_context(alternatives.alternative(kind, settings(setup, port, folder, kind), folder))
            for kind, port in (("ext-authz", asked_port), ("reverse-proxy", python_port))
        )
        yield (
            [
                Proxy("plain Envoy", plain_port, (plain,), setup.tokens),
                Proxy(f"gateway, {services} services", gateway_port, (whole,), setup.tokens),
                Proxy(f"gateway, {services} people", gateway_port, (whole,), setup.people_tokens),
                Proxy("Envoy asking a Python service (`ext_authz`)", asking_port, (asking_pid, asked), setup.tokens),
                Proxy("Python reverse proxy (aiohttp)", python_port, (python,), setup.tokens),
            ],
            folder / "load.lua",
        )


def table(compared: list[Proxy]) -> str:
    """Rates as ratios to the first."""
    generator = "wrk" if shutil.which("wrk") else "a Python generator, which limits the rates (see processor time)"
    plain, services, _, *others = compared
    lines = [
        "| proxy | requests/s | ratio | CPU µs/request | CPU added | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in compared:
        spread = [part.rate / other.rate for part, other in zip(one.slices, plain.slices, strict=True)]
        ratio = "1.00" if one is plain else f"{one.rate / plain.rate:.2f} ({min(spread):.2f} to {max(spread):.2f})"
        added = "" if one is plain else f"{one.cost - plain.cost:+.1f}"
        half, most = one.latencies
        lines.append(f"| {one.name} | {one.rate:,.0f} | {ratio} | {one.cost:.1f} | {added} | {half:.2f} | {most:.2f} |")
    best = max(others, key=lambda one: one.rate)
    return "\n".join(
        [
            *lines,
            "",
            f"The gateway answers {services.rate / best.rate:.1f} times as many requests as the better alternative.",
            f"Medians of {len(plain.slices)} alternating slices; load from {generator}; {CONNECTIONS} connections, one"
            f" core for each proxy and what belongs to it, {REPLY_BYTES}-byte replies over TLS from the upstream,"
            f" tokens of about {TOKEN_BYTES} bytes, half ES256 and half RS256, a JSON audit line to a file.",
        ]
    )


def compare(rounds: int = ROUNDS, seconds: float = SECONDS, services: int = 10) -> str:
    """Run all side by side and return the Markdown table."""
    if not shutil.which("wrk"):
        print("wrk is not installed (Debian: apt-get install wrk); using the slow generator", file=sys.stderr)
    # the load on its own core, only now: what was started has the other one
    with proxies(services) as (compared, script), staying_on(LOAD_CORE):
        for one in compared:
            measure(one.port, one.pids, one.tokens, 1, script)
        for _ in range(rounds):
            for one in compared:
                one.slices.append(measure(one.port, one.pids, one.tokens, seconds, script))
    return table(compared)


if __name__ == "__main__":
    print(compare())
