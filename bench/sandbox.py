"""Token exchange in the sandbox: how many a second one core answers, and what each costs.

The server is a process of its own (`lakelatch sandbox run`), pinned to one core; the clients are threads of this
process on the other core, each with one kept connection, as an SDK has. Every exchange sends a JWT that the server has
not seen before: it verifies the signature (RS256 with a key of 2048 bits), matches the policy, mints a token and writes
the audit row.

    python -m bench.sandbox [--seconds 5] [--clients 8]
"""

import argparse
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bench.machine import pinned, processor_seconds, staying_on

SERVER_CORE, CLIENT_CORE = 0, 1
TOKENS = 4000
"""Signed beforehand: signing costs more than the exchange. They are sent again when they run out."""

ISSUER = "https://issuer.example.com"
SUBJECT = "system:serviceaccount:reports:nightly"
AUDIENCE = "lakelatch"
WARM_UP_SECONDS = 1.0


@contextmanager
def sandbox(state: Path, command: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The doubles in a process of their own; gives its id and the endpoints."""
    command = [*command, sys.executable, "-m", "lakelatch", "sandbox", "run", "--state", str(state)]
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


class Client:
    """One kept connection to a host."""

    def __init__(self, host: str, trust: ssl.SSLContext) -> None:
        parts = urlsplit(host)
        self._connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=trust, timeout=60)

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Any:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status not in (200, 201):
            raise SystemExit(f"{method} {path} answered {response.status}: {content.decode()}")
        return json.loads(content)

    def token(self, path: str, **form: str) -> Any:
        return self.request("POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})


def prepare(endpoints: dict[str, Any], trust: ssl.SSLContext) -> list[str]:
    """Make a service principal with a federation policy; gives the bodies of exchange requests for it."""
    client = Client(endpoints["account_host"], trust)
    account = endpoints["account_id"]
    admin = client.token(
        f"/oidc/accounts/{account}/v1/token",
        grant_type="client_credentials",
        client_id=endpoints["admin_client_id"],
        client_secret=endpoints["admin_client_secret"],
    )
    headers = {"Authorization": f"Bearer {admin['access_token']}", "Content-Type": "application/json"}
    base = f"/api/2.0/accounts/{account}"

    def call(method: str, path: str, body: Any) -> Any:
        return client.request(method, base + path, json.dumps(body), headers)

    principal = call("POST", "/scim/v2/ServicePrincipals", {"displayName": "bench"})
    workspace = f"/workspaces/{endpoints['workspace_id']}/permissionassignments/principals/{principal['id']}"
    call("PUT", workspace, {"permissions": ["USER"]})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "bench", "use": "sig"}
    policy = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "subject": SUBJECT,
        "jwks_json": json.dumps({"keys": [public]}),
    }
    call("POST", f"/servicePrincipals/{principal['id']}/federationPolicies?policy_id=bench", {"oidc_policy": policy})
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 3600}
    return [
        urlencode(
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": jwt.encode({**claims, "jti": str(number)}, key, "RS256", {"kid": "bench"}),
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "scope": "all-apis",
                "client_id": principal["applicationId"],
            }
        )
        for number in range(TOKENS)
    ]


def exchange(host: str, trust: ssl.SSLContext, bodies: list[str], seconds: float, clients: int) -> tuple[int, float]:
    """How many exchanges were answered, and in how many seconds."""
    done = [0] * clients
    deadline = time.monotonic() + seconds

    def send(index: int) -> None:
        client = Client(host, trust)
        while time.monotonic() < deadline:
            body = bodies[(index + done[index] * clients) % len(bodies)]
            answer = client.request(
                "POST", "/oidc/v1/token", body, {"Content-Type": "application/x-www-form-urlencoded"}
            )
            assert answer["token_type"] == "Bearer"
            done[index] += 1

    started = time.monotonic()
    threads = [threading.Thread(target=send, args=(index,), name=f"client {index}") for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done), time.monotonic() - started


def measure(seconds: float = 5.0, clients: int = 8) -> dict[str, float]:
    """Exchanges a second; milliseconds of the server's processor for each; what one core answers at most by that."""
    command = pinned(SERVER_CORE)
    with (
        staying_on(CLIENT_CORE),
        tempfile.TemporaryDirectory() as folder,
        sandbox(Path(folder) / "state", command) as (pid, endpoints),
    ):
        trust = ssl.create_default_context(cafile=endpoints["ca_file"])
        bodies = prepare(endpoints, trust)
        host = endpoints["workspace_host"]
        exchange(host, trust, bodies, WARM_UP_SECONDS, clients)
        before = processor_seconds(pid)
        count, took = exchange(host, trust, bodies, seconds, clients)
        busy = processor_seconds(pid) - before
    return {
        "exchanges_per_second": count / took,
        "server_milliseconds_per_exchange": busy / count * 1e3,
        "exchanges_per_core_second": count / busy,
    }


def compare() -> str:
    """The Markdown table."""
    found = measure()
    return (
        "| exchanges/s | server's CPU for one | exchanges/s that one core answers |\n|---|---|---|\n"
        f"| {found['exchanges_per_second']:.0f} | {found['server_milliseconds_per_exchange']:.2f} ms"
        f" | {found['exchanges_per_core_second']:.0f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    for name, value in measure(arguments.seconds, arguments.clients).items():
        print(f"{name}: {value:.2f}")


if __name__ == "__main__":
    main()
