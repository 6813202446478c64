"""The gateway as a process of its own, between small doubles of an identity provider and a workspace, on loopback."""

import contextlib
import datetime
import ipaddress
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.eventually import eventually
from support.ports import free_port
from support.processes import children
from support.quiet import QuietServer

from lakelatch.envoy.config import GatewayConfig

AUDIENCE = "api-of-the-gateway"


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@dataclass
class Pki:
    ca_file: Path
    key_file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    ca_file, key_file = folder / "ca.pem", folder / "key.pem"
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    return Pki(ca_file, key_file, context)


Answer = tuple[int, Any]
OUTAGE: Answer = 503, {"error": "temporarily_unavailable"}


@dataclass
class Double:
    """An HTTPS server on loopback whose answers a test can change."""

    answer: Callable[[str, str, dict[str, str], bytes], Answer]
    port: int = 0
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    cut: Literal["", "before the answer", "within the answer"] = ""
    """Where the connection ends of whoever calls the API."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def serve(double: Double, context: ssl.SSLContext) -> QuietServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            double.requests.append((self.command, self.path, headers))
            status, document = double.answer(self.command, self.path, headers, body)
            reply = json.dumps(document).encode()
            cut = double.cut if self.path.startswith("/api/") else ""
            if cut == "before the answer":
                raise ConnectionResetError
            self.close_connection = bool(cut)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply) + len(cut)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    double.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@dataclass
class IdentityProvider:
    """Publishes one ES256 key, unless `published` says others, and signs tokens with it."""

    double: Double
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str = "first"
    published: list[dict[str, Any]] | None = None

    @property
    def url(self) -> str:
        return f"{self.double.url}/tenant"

    def answer(self, path: str) -> Answer:
        if path == "/tenant/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": f"{self.double.url}/keys"}
        return (200, self.jwks()) if path == "/keys" else (404, {})

    def jwks(self) -> dict[str, Any]:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "use": "sig"}] if self.published is None else self.published}

    def token(
        self, subject: str, *, key: ec.EllipticCurvePrivateKey | None = None, kid: str | None = None, **claims: Any
    ) -> str:
        now = int(time.time())
        payload = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600, **claims}
        return jwt.encode(payload, key or self.key, "ES256", {"kid": kid or self.kid})


@dataclass
class Workspace:
    """Exchanges what the gateway minted, and answers API calls by their Databricks token."""

    double: Double
    principals: set[str] = field(default_factory=lambda: {"app-nightly", "app-other"})
    users: set[str] = field(default_factory=set)
    """Those of the account; the claim `upn` of a token that is exchanged without `client_id` names one."""
    down: bool = False
    trouble: dict[str, Callable[[], Answer | None]] = field(default_factory=dict)
    """What becomes of a principal's exchanges instead; None: nothing, but it may have taken its time."""
    exchanges: list[dict[str, str]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    lifetime: int = 3600

    @property
    def url(self) -> str:
        return self.double.url

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/.well-known/databricks-config":
            return 200, {"oidc_endpoint": f"{self.url}/oidc", "account_id": "acc", "workspace_id": "17", "cloud": "aws"}
        if path == "/oidc/v1/token":
            return self._exchange({name: values[0] for name, values in parse_qs(body.decode()).items()})
        principal = self.tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        if principal is None:
            return 401, {"error_code": "UNAUTHENTICATED", "message": "no such token"}
        if path.startswith("/api/2.0/preview/scim/v2/Me"):
            return 200, {"userName": principal, "id": "1"}
        return 200, {"principal": principal, "path": path}

    def _exchange(self, form: dict[str, str]) -> Answer:
        self.exchanges.append(form)
        if self.down:
            return OUTAGE
        claims = jwt.decode(form["subject_token"], options={"verify_signature": False})
        who, known = form.get("client_id"), self.principals
        if who is None:
            who, known = claims["upn"], self.users
        if (answer := self.trouble.get(who, lambda: None)()) is not None:
            return answer
        if who not in known:
            return 401, {"error": "invalid_client", "error_description": "no federation policy"}
        token = f"databricks-{uuid.uuid4()}"
        self.tokens[token] = who
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}


@dataclass
class Gateway:
    """`lakelatch gateway run` as users run it."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    pki: Pki

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def envoys(self) -> list[int]:
        return children(self.process.pid)

    @property
    def log(self) -> list[dict[str, Any]]:
        lines = (self.folder / "log.jsonl").read_text().rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in lines]

    @property
    def audit(self) -> list[dict[str, Any]]:
        return self.trail("requests")

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.trail("events")

    def trail(self, kind: str) -> list[dict[str, Any]]:
        """The audit lines of every segment so far; one that a crash tore is left out."""
        files = sorted((self.folder / "state" / "audit").glob(f"{kind}-*.jsonl"))
        lines = [line for file in files for line in file.read_text().rpartition("\n")[0].splitlines()]
        return [json.loads(line) for line in lines if line.endswith("}")]

    def admin(self, method: str, path: str) -> str:
        """Ask Envoy's administration interface."""
        socket = str(self.folder / "state" / "run" / "admin.sock")
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket)) as client:
            return client.request(method, f"http://envoy{path}").text

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.get(self.url + path, headers=headers, timeout=20)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def deliver(folder: Path, content: str) -> None:
    """Deliver a configuration as a deployment does: a new version, then the link is replaced."""
    version = folder / uuid.uuid4().hex
    version.mkdir(parents=True)
    (version / "gateway.json").write_text(content)
    link = folder / "new"
    link.symlink_to(version.name)
    os.replace(link, folder / "current")


@pytest.fixture(name="deliver")
def _deliver() -> Callable[[Path, str], None]:
    return deliver


@dataclass
class Scene:
    """What a gateway stands between, and a place for it with a path that is short enough for sockets."""

    pki: Pki
    provider: IdentityProvider
    workspace: Workspace
    home: Path
    port: int
    started: list[Gateway] = field(default_factory=list)

    def configure(
        self, *, roles: dict[str, list[str]] | None = None, services: Any = None, **sections: Any
    ) -> GatewayConfig:
        """Make a configuration; keywords replace whole sections, `services` adds to the one that is there."""
        ca_file = str(self.pki.ca_file)
        nightly = {
            "issuer": "entra",
            "subject": "nightly-subject",
            "application_id": "app-nightly",
            "roles": {"reader": ["current_user.me"]} if roles is None else roles,
        }
        data = {
            "host": f"https://127.0.0.1:{self.port}",
            "listen": {"address": "127.0.0.1", "port": self.port},
            "workspace": {"host": self.workspace.url, "id": "17", "account_id": "acc", "ca_file": ca_file},
            "issuers": {"entra": {"issuer": self.provider.url, "audience": AUDIENCE, "ca_file": ca_file}},
            "services": {"nightly": nightly, **(services or {})},
            "issuer": {
                "url": "https://gateway.example.test",
                "key": {"path": str(self.home / "keys" / "signing.pem")},
                "audience": "https://workspace.example.test/oidc/v1/token",
            },
        }
        return GatewayConfig.parse(data | sections)

    def deliver(self, config: GatewayConfig) -> None:
        deliver(self.home / "config", config.file())

    def start(self, config: GatewayConfig, *options: str, wait: bool = True) -> Gateway:
        """Start a gateway; it ends with the scene."""
        if not (self.home / "config" / "current").exists():
            self.deliver(config)
        command = [sys.executable, "-c", "from lakelatch.cli import main; main()", "gateway", "run", "--json"]
        command += ["--config-dir", str(self.home / "config"), "--state-dir", str(self.home / "state")]
        with (self.home / "log.jsonl").open("w") as log:
            process = subprocess.Popen(
                [*command, "--workers", "1", *options], stdout=subprocess.PIPE, stderr=log, text=True
            )
        made = Gateway(self.home, config.listen.port, process, self.pki)
        self.started.append(made)
        if wait:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (self.home / "log.jsonl").read_text()
            assert json.loads(line) == {"host": config.host, "ready": True, "pid": process.pid}
        return made

    def close(self) -> None:
        for gateway in self.started:
            if gateway.process.poll() is None:
                gateway.stop()
            assert gateway.process.stdout is not None
            gateway.process.stdout.close()


@contextlib.contextmanager
def set_scene(pki: Pki) -> Iterator[Scene]:
    issuer = IdentityProvider(Double(lambda method, path, headers, body: issuer.answer(path)))
    behind = Workspace(Double(lambda *request: behind.answer(*request)))
    servers = [serve(issuer.double, pki.context), serve(behind.double, pki.context)]
    with tempfile.TemporaryDirectory(prefix="ll-gw-") as home:
        scene = Scene(pki, issuer, behind, Path(home), free_port())
        try:
            yield scene
        finally:
            scene.close()
            for server in servers:
                server.shutdown()
                server.server_close()


@pytest.fixture
def scene(pki: Pki) -> Iterator[Scene]:
    """One for each test; a module whose tests do not disturb each other names `shared_scene` so instead."""
    with set_scene(pki) as made:
        yield made


@pytest.fixture(scope="module")
def shared_scene(pki: Pki) -> Iterator[Scene]:
    with set_scene(pki) as made:
        yield made


@pytest.fixture
def provider(scene: Scene) -> IdentityProvider:
    return scene.provider


@pytest.fixture
def workspace(scene: Scene) -> Workspace:
    return scene.workspace


@pytest.fixture
def home(scene: Scene) -> Path:
    return scene.home


@pytest.fixture
def configure(scene: Scene) -> Callable[..., GatewayConfig]:
    return scene.configure


@pytest.fixture
def start(scene: Scene) -> Callable[..., Gateway]:
    return scene.start
