"""The pack on the real engine: a program with a weak key is blocked, at preview and at `up`, before the vendor is asked
anything; one with a strong key passes; one whose keys are unknown is told so and not blocked."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engine import EngineProject

pytestmark = pytest.mark.line

PACK = Path(__file__).parents[2] / "policies"
PROGRAM = """
import pulumi
import pulumi_databricks as databricks

config = pulumi.Config()
account = databricks.Provider("account", host=config.require("host"), account_id="a", token="t")
opts = pulumi.ResourceOptions(provider=account)
keys = config.require("keys")
if config.get_bool("computed"):
    first = databricks.AccountFederationPolicy("first", policy_id="first", oidc_policy={"jwks_json": keys}, opts=opts)
    keys = first.uid.apply(lambda _: keys)
databricks.AccountFederationPolicy(
    "trust", policy_id="trust", oidc_policy={"issuer": "https://issuer.example.com", "jwks_json": keys}, opts=opts
)
"""


class Stack(EngineProject):
    """A program whose provider talks to a port that counts who calls."""

    def __init__(self, folder: Path, host: str) -> None:
        super().__init__(folder, "pack", PROGRAM)
        self.run("config", "set", "host", host)

    def judge(self, command: str, keys: list[Any], *options: str, succeeds: bool) -> str:
        self.run("config", "set", "keys", json.dumps({"keys": keys}))
        return self.run(command, "--policy-pack", str(PACK), *options, succeeds=succeeds)


@pytest.fixture
def silent_host() -> Iterator[socket.socket]:
    """A listener that answers nothing; a connection waits in its queue as evidence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def test_weak_keys_are_blocked(tmp_path: Path, silent_host: socket.socket, p256: dict[str, Any]) -> None:
    stack = Stack(tmp_path, f"http://127.0.0.1:{silent_host.getsockname()[1]}")
    symmetric = {"kty": "oct", "k": "aGlkZGVuLXZhbHVl", "alg": "HS256", "kid": "shared"}

    said = stack.judge("preview", [p256, symmetric], succeeds=False)
    assert "federation-signing-algorithm" in said
    assert "oidcPolicy.jwksJson.keys[1]: it holds secret key material" in said
    assert "aGlkZGVuLXZhbHVl" not in said.replace(json.dumps({"keys": [p256, symmetric]}), "")
    stack.judge("up", [p256, symmetric], "--yes", "--skip-preview", succeeds=False)
    with pytest.raises(BlockingIOError):
        silent_host.accept()
    resources = json.loads(stack.run("stack", "export"))["deployment"].get("resources", [])
    assert not [row for row in resources if "FederationPolicy" in row["type"]]

    assert "create" in stack.judge("preview", [p256], succeeds=True)
    stack.run("config", "set", "computed", "true")
    said = stack.judge("preview", [p256], succeeds=True)
    assert "oidcPolicy.jwksJson cannot be judged before apply" in said
