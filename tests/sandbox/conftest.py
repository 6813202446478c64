"""A running sandbox for tests: in a thread of this process, on free ports, ended with its fixture."""

import contextlib
import http.server
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from support.doubles import Account, Sandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests of a module. Leave its clock as it was found."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as made:
        yield made


@pytest.fixture
def new_sandbox(tmp_path: Path) -> Iterator[Callable[[], Sandbox]]:
    """Makes sandboxes with fresh states, for tests that break or restart theirs."""
    with contextlib.ExitStack() as stack:
        numbers = iter(range(100))
        yield lambda: stack.enter_context(running_sandbox(tmp_path / f"state-{next(numbers)}"))


class Issuer:
    """An identity provider of the test's own, on loopback with plain http: discovery, keys, tokens of any kind."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.p256 = ec.generate_private_key(ec.SECP256R1())
        self.p384 = ec.generate_private_key(ec.SECP384R1())
        self.keys = [
            {**RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True), "kid": "rsa", "use": "sig", "alg": "RS256"},
            {**ECAlgorithm.to_jwk(self.p256.public_key(), as_dict=True), "kid": "p256", "use": "sig", "alg": "ES256"},
            {**ECAlgorithm.to_jwk(self.p384.public_key(), as_dict=True), "kid": "p384", "use": "sig", "alg": "ES384"},
        ]
        self.fetched: list[str] = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetched.append(self.path)
                documents: dict[str, object] = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": issuer.keys},
                    "/huge": {"keys": [{"kty": "RSA", "n": "A" * 1_000_000}]},
                }
                body = json.dumps(documents.get(self.path)).encode()
                self.send_response(200 if self.path in documents else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def claims(self, **changed: object) -> dict[str, object]:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "nightly", "aud": "lakelatch", "iat": now, "exp": now + 600, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, algorithm: str = "RS256", key: object = None, kid: str | None = "", **changed: object) -> str:
        keys = {"RS256": (self.rsa, "rsa"), "ES256": (self.p256, "p256"), "ES384": (self.p384, "p384")}
        own_key, own_kid = keys.get(algorithm, (None, "rsa"))
        headers = {} if kid is None else {"kid": kid or own_kid}
        signing: Any = key if key is not None else own_key
        return jwt.encode(self.claims(**changed), signing, algorithm=algorithm, headers=headers)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the vendors' clients: nothing of the machine's own configuration, and trust in the sandbox's CA."""
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)


@pytest.fixture(scope="module")
def account(sandbox: Sandbox) -> Account:
    return Account(sandbox)


def signed_in(sandbox: Any) -> Any:
    """What the vendor's clients need to sign in as the administrator."""
    known = sandbox.endpoints
    return {
        "client_id": known.admin_client_id,
        "client_secret": known.admin_client_secret,
        "auth_type": "oauth-m2m",
    }


@pytest.fixture
def vendor_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own configuration reaches the vendor's clients, and they trust the local CA."""
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)


@pytest.fixture
def admin(sandbox: Sandbox, vendor_environment: None) -> Any:
    """The vendor's account client, as the administrator."""
    from databricks.sdk import AccountClient  # slow to import, and most tests need none

    endpoints = sandbox.endpoints
    return AccountClient(host=endpoints.account_host, account_id=endpoints.account_id, **signed_in(sandbox))


@pytest.fixture
def workspace(sandbox: Sandbox, vendor_environment: None) -> Any:
    """The vendor's workspace client, as the administrator."""
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient(host=sandbox.endpoints.workspace_host, **signed_in(sandbox))


@pytest.fixture
def made(admin: Any) -> Iterator[Callable[..., Any]]:
    """Makes principals, with the vendor's account client, that go with the test."""
    undo: list[Callable[[], None]] = []

    def make(kind: str, **attributes: Any) -> Any:
        api = getattr(admin, kind)
        one = api.create(**attributes)
        undo.append(lambda: api.delete(one.id))
        return one

    yield make
    for each in reversed(undo):
        each()
