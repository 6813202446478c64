"""The pack on the real engine, in `preview`, `up` and `policy analyze`: a bad program is blocked for what is bad in it
and nothing is created, a good one passes without a word, and levels, settings and remedies are those of the file."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.analyzer import PACK
from support.doubles import Sandbox, running_sandbox
from support.engine import EngineProject

pytestmark = pytest.mark.line

PROGRAMS = Path(__file__).parent / "programs"
KEYS = """
import pulumi

config = pulumi.Config()
settings = {"host": config.require("host"), "accountId": "a", "authType": "pat", "retryTimeoutSeconds": "4"}
account = pulumi.ProviderResource("databricks", "account", settings)


class Trust(pulumi.CustomResource):
    uid: pulumi.Output[str]

    def __init__(self, name, keys):
        policy = {"issuer": "https://issuer.example.com", "audiences": ["a"], "subjectClaim": "email", "jwksJson": keys}
        kind = "databricks:index/accountFederationPolicy:AccountFederationPolicy"
        values = {"policyId": name, "oidcPolicy": policy, "uid": None}
        super().__init__(kind, name, values, pulumi.ResourceOptions(provider=account))


keys = config.require("keys")
if config.get_bool("computed"):
    keys = Trust("first", keys).uid.apply(lambda _: keys)
Trust("trust", keys)
"""

LONG_SECRET = """
import pulumi

config = pulumi.Config()
settings = {"host": config.require("account_host"), "accountId": config.require("account_id")}
account = pulumi.ProviderResource("databricks", "account", {**settings, "authType": "oauth-m2m"})
opts = pulumi.ResourceOptions(provider=account)
secret = {"servicePrincipalId": "1", "lifetime": "63072000s"}
pulumi.CustomResource("databricks:index/servicePrincipalSecret:ServicePrincipalSecret", "etl", secret, opts)
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


class Stack(EngineProject):
    """A program with the doubles' administrator, judged by the pack."""

    def __init__(self, folder: Path, program: str, environment: dict[str, str], **config: str) -> None:
        super().__init__(folder, "pack", program, environment=environment)
        self.settings = folder / "policy-config.json"
        self.configure(**config)

    def judge(self, command: str, *options: str, succeeds: bool, config: Any = None) -> str:
        pack = ["--policy-pack", str(PACK)]
        if config is not None:
            self.settings.write_text(json.dumps(config))
            pack += ["--policy-pack-config", str(self.settings)]
        return self.run(command, *pack, *options, succeeds=succeeds)

    def made(self) -> list[str]:
        """Types of the resources in state, providers apart."""
        resources = json.loads(self.run("stack", "export"))["deployment"].get("resources", [])
        return [row["type"] for row in resources if not row["type"].startswith("pulumi:")]


def on_doubles(folder: Path, text: str, sandbox: Sandbox) -> Stack:
    endpoints = sandbox.endpoints
    environment = {
        "SSL_CERT_FILE": endpoints.ca_bundle_file,
        "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
        "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
        "DATABRICKS_ACCOUNT_ID": "",
    }
    names = ("account_host", "account_id", "workspace_host", "workspace_id")
    return Stack(folder, text, environment, **{name: str(getattr(endpoints, name)) for name in names})


def test_a_good_program_passes_without_a_word(tmp_path: Path, sandbox: Sandbox) -> None:
    stack = on_doubles(tmp_path, (PROGRAMS / "good.py").read_text(encoding="utf-8"), sandbox)
    said = stack.judge("up", "--yes", succeeds=True)
    assert "Previewing update" in said
    assert "docs/reference/policies.md" not in said
    assert len(stack.made()) == 8

    state = tmp_path / "state.json"
    exported = json.loads(stack.run("stack", "export"))
    state.write_text(json.dumps(exported))
    stack.settings.write_text(json.dumps({"hardening": {"assignment-replacement": "disabled"}}))  # not kept in a state
    pack = ("--policy-pack", str(PACK), "--policy-pack-config", str(stack.settings))
    analyze = ("analyze", "--file", str(state), *pack)
    assert "docs/reference/policies.md" not in stack.run("policy", *analyze)

    for row in exported["deployment"]["resources"]:
        if row["type"].endswith(":ServicePrincipalFederationPolicy"):
            row["inputs"]["oidcPolicy"]["subject"] = row["outputs"]["oidcPolicy"]["subject"] = "repo:example/etl"
    state.write_text(json.dumps(exported))
    said = stack.run("policy", *analyze, succeeds=False)
    assert "subject-breadth (high): oidcPolicy.subject: names a repository" in said


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Stack:
    text = (PROGRAMS / "bad.py").read_text(encoding="utf-8")
    return on_doubles(tmp_path_factory.mktemp("bad"), text, sandbox)


@pytest.mark.parametrize(
    "wrong",
    [
        "exact-subject",
        "service-principal-secret-lifetime",
        "assignment-replacement",
        "provider-token",
        "pull-request-rights",
    ],
)
def test_a_bad_program_is_blocked_for_what_is_bad(wrong: str, bad: Stack) -> None:
    """`up` begins with the preview of the same program, and ends with it."""
    bad.configure(wrong=wrong, token="dapi0123456789abcdef")
    said = bad.judge("up", "--yes", succeeds=False)
    assert "Previewing update" in said
    assert "Updating (" not in said
    assert f"{wrong} (" in said
    assert "dapi0123456789abcdef" not in said
    assert bad.made() == []


def test_the_stack_is_judged_last(bad: Stack) -> None:
    """Between resources, something is wrong only once both are known: a preview blocks that, and without a preview
    what was made before stays, while the run fails. What is wrong with one resource is blocked either way."""
    bad.configure(wrong="pull-request-rights", token="none")
    said = bad.judge("up", "--yes", "--skip-preview", succeeds=False)
    assert "pull-request-rights (critical)" in said
    assert bad.made() != []
    bad.run("destroy", "--yes", "--skip-preview")
    bad.configure(wrong="exact-subject")
    bad.judge("up", "--yes", "--skip-preview", succeeds=False)
    assert not any(made.endswith(":ServicePrincipalFederationPolicy") for made in bad.made())
    bad.run("destroy", "--yes", "--skip-preview")


def test_levels_and_settings_come_from_the_file(tmp_path: Path, sandbox: Sandbox) -> None:
    """What the engine makes of the file: the vendor's package, two seconds a run to load, has no part in it."""
    bad = on_doubles(tmp_path, LONG_SECRET, sandbox)
    check = "service-principal-secret-lifetime"
    for config in (
        {"all": "advisory"},
        {"lifetimes": {check: "advisory"}},
        {"lifetimes": {check: {"level": "mandatory", "max_seconds": 100000000}}},
        {"all": {"enforcementLevel": "mandatory"}, "lifetimes": {check: "disabled"}, "advice": "advisory"},
    ):
        bad.judge("preview", succeeds=True, config=config)
    said = bad.judge("preview", succeeds=False, config={"secrets": {"secretless": "mandatory"}})
    assert "secretless (medium)" in said
    said = bad.judge("preview", succeeds=False, config={"lifetimes": {check: "sometimes"}})
    assert "lifetimes" in said


def test_a_remedy_shortens_what_is_created(bad: Stack, tmp_path: Path) -> None:
    bad.configure(wrong="service-principal-secret-lifetime")
    bad.judge("up", "--yes", "--skip-preview", succeeds=True, config={"lifetimes": {"enforcementLevel": "remediate"}})
    exported = json.loads(bad.run("stack", "export"))
    [row] = [row for row in exported["deployment"]["resources"] if row["type"].endswith(":ServicePrincipalSecret")]
    assert row["inputs"]["lifetime"] == f"{90 * 86400}s"
    bad.run("destroy", "--yes", "--skip-preview")


@pytest.fixture
def silent_host() -> Iterator[socket.socket]:
    """A listener that answers nothing; a connection waits in its queue as evidence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def test_weak_keys_are_blocked_before_anybody_is_asked(
    tmp_path: Path, silent_host: socket.socket, p256: dict[str, Any]
) -> None:
    host = f"http://127.0.0.1:{silent_host.getsockname()[1]}"
    stack = Stack(tmp_path, KEYS, {"DATABRICKS_TOKEN": "t"}, host=host)
    symmetric = {"kty": "oct", "k": "aGlkZGVuLXZhbHVl", "alg": "HS256", "kid": "shared"}
    both = json.dumps({"keys": [p256, symmetric]})

    stack.configure(keys=both)
    said = stack.judge("preview", succeeds=False)
    assert "federation-signing-algorithm" in said
    assert "oidcPolicy.jwksJson.keys[1]: it holds secret key material" in said
    assert "aGlkZGVuLXZhbHVl" not in said.replace(both, "")
    stack.judge("up", "--yes", "--skip-preview", succeeds=False)
    with pytest.raises(BlockingIOError):
        silent_host.accept()
    assert stack.made() == []

    stack.configure(keys=json.dumps({"keys": [p256]}))
    assert "create" in stack.judge("preview", succeeds=True)
    stack.configure(computed="true")
    unknown = "oidcPolicy.jwksJson: cannot be judged before apply"
    assert unknown in stack.judge("preview", succeeds=True)
    assert unknown in stack.judge("preview", succeeds=False, config={"not-judged": "mandatory"})
