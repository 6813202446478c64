"""A workspace is closed by the component on the real engine, and opened again: what is in force after each step."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from support.engine import EngineProject

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.server import running

pytestmark = pytest.mark.line

PACK = Path(__file__).parents[2] / "policies"
PROGRAM = """
import json
import pulumi
import pulumi_databricks as databricks
from lakelatch import SecureWorkspace

config = pulumi.Config()
account = databricks.Provider(
    "account", host=config.require("account_host"), account_id=config.require("account_id"), retry_timeout_seconds=60
)
workspace = databricks.Provider("workspace", host=config.require("workspace_host"), retry_timeout_seconds=60)
args = {"workspace_id": config.require("workspace_id"), "workspace_provider": workspace}
args |= json.loads(config.get("arguments") or "null") or {}
if "gateway_addresses" in args:
    made = SecureWorkspace("analytics", args, pulumi.ResourceOptions(providers={"databricks": account}))
    pulumi.export("addresses", made.addresses)
    pulumi.export("closed", made.closed)
"""
HERE, GATEWAY, OFFICE = "127.0.0.1", "203.0.113.7", "198.51.100.0/24"
SETTINGS = ("restrict_workspace_admins", "disable_legacy_access", "disable_legacy_dbfs")


class Workspace(EngineProject):
    """A stack with one closed workspace, and what its administrator sees."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        environment = {
            "SSL_CERT_FILE": endpoints.ca_bundle_file,
            "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
            "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
        }
        super().__init__(folder, "closed", PROGRAM, environment=environment)
        names = ("account_host", "account_id", "workspace_host", "workspace_id")
        self.configure(**{name: str(getattr(endpoints, name)) for name in names})

    def up(self, arguments: dict[str, Any] | None, *options: str, succeeds: bool = True) -> str:
        self.configure(arguments=json.dumps(arguments))
        return self.run("up", "--yes", "--skip-preview", *options, succeeds=succeeds)

    def ask(self, method: str, path: str, body: Any = None, *, account: bool = False) -> Any:
        """An answer of the workspace, or of the account; None when it refuses."""
        known = self.endpoints
        host = known.account_host if account else known.workspace_host
        issuer = f"{host}/oidc/accounts/{known.account_id}" if account else f"{host}/oidc"
        with httpx.Client(verify=_trust(known.ca_file)) as client:
            form = {"grant_type": "client_credentials", "scope": "all-apis"}
            login = (known.admin_client_id, known.admin_client_secret)
            token = client.post(f"{issuer}/v1/token", data=form, auth=login).json()["access_token"]
            answer = client.request(method, host + path, json=body, headers={"Authorization": f"Bearer {token}"})
        return None if answer.status_code == 403 else answer.raise_for_status().json() if answer.content else {}

    def in_force(self) -> dict[str, Any]:
        """Every setting that the component touches."""
        keys = "enableIpAccessLists,enableTokensConfig"
        settings = [self.ask("GET", f"/api/2.0/settings/types/{name}/names/default")[name] for name in SETTINGS]
        lists = self.ask("GET", "/api/2.0/ip-access-lists")["ip_access_lists"]
        return {
            "conf": self.ask("GET", f"/api/2.0/workspace-conf?keys={keys}"),
            "settings": settings,
            "lists": [one["ip_addresses"] for one in lists],
        }

    def policy(self) -> str:
        """The network policy that the workspace has."""
        path = f"/api/2.0/accounts/{self.endpoints.account_id}/workspaces/{self.endpoints.workspace_id}/network"
        return str(self.ask("GET", path, account=True)["network_policy_id"])

    def answers(self) -> bool:
        """Whether the workspace lets this machine in."""
        return self.ask("GET", "/api/2.0/preview/scim/v2/Me") is not None


def _trust(ca_file: str) -> Any:
    import ssl

    return ssl.create_default_context(cafile=ca_file)


CLOSED = {
    "conf": {"enableIpAccessLists": "true", "enableTokensConfig": "false"},
    "settings": [{"status": "RESTRICT_TOKENS_AND_JOB_RUN_AS"}, {"value": True}, {"value": True}],
}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], Workspace]]:
    """The doubles, in a thread of this process, and a stack over them."""
    with start_blocking_portal() as portal:
        opened = running(tmp_path / "doubles", clock=Clock())
        with portal.wrap_async_context_manager(opened) as endpoints:
            yield lambda: Workspace(tmp_path, endpoints)


def test_settings_stay_and_only_our_list_goes(make: Callable[[], Workspace]) -> None:
    workspace = make()
    theirs = {"label": "theirs", "list_type": "ALLOW", "ip_addresses": ["127.0.0.0/8"]}
    workspace.ask("PATCH", "/api/2.0/workspace-conf", {"enableIpAccessLists": "true"})
    workspace.ask("POST", "/api/2.0/ip-access-lists", theirs)
    arguments = {"gateway_addresses": [GATEWAY], "operator_addresses": [HERE]}

    workspace.up(arguments, "--policy-pack", str(PACK))
    assert workspace.in_force() == {**CLOSED, "lists": [["127.0.0.0/8"], [HERE, GATEWAY]]}
    assert json.loads(workspace.run("stack", "output", "--json"))["addresses"] == [HERE, GATEWAY]
    workspace.up(arguments, "--expect-no-changes")
    workspace.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    workspace.run("destroy", "--yes", "--skip-preview")
    assert workspace.in_force() == {**CLOSED, "lists": [["127.0.0.0/8"]]}, "the others' list is in force as before"


def test_nobody_shuts_himself_out(make: Callable[[], Workspace]) -> None:
    """The list that leaves out its caller is refused, at the first and at every later time; parts come out alone."""
    workspace = make()
    said = workspace.up({"gateway_addresses": [GATEWAY], "operator_addresses": [OFFICE]}, succeeds=False)
    assert f"Your current IP {HERE} will not be allowed" in said
    assert workspace.in_force()["lists"] == []
    workspace.up({"gateway_addresses": [GATEWAY], "operator_addresses": [OFFICE, HERE]})
    said = workspace.up({"gateway_addresses": [GATEWAY], "operator_addresses": [OFFICE]}, succeeds=False)
    assert f"Your current IP {HERE} will not be allowed" in said
    assert workspace.answers()

    # a part that is taken out stays as it is
    before = workspace.in_force()
    assert before == {**CLOSED, "lists": [[HERE, OFFICE, GATEWAY]]}
    parts = ["tokens", "admins", "legacy-access", "legacy-dbfs"]
    workspace.up({"gateway_addresses": [GATEWAY], "operator_addresses": [OFFICE, HERE], "without": parts})
    assert workspace.in_force() == before
    workspace.run("destroy", "--yes", "--skip-preview")
    assert workspace.in_force() == {**CLOSED, "lists": []}


def test_a_network_policy_is_tried_enforced_and_released_before_it_goes(make: Callable[[], Workspace]) -> None:
    workspace = make()

    def arguments(state: str | None, **more: Any) -> dict[str, Any]:
        policy = {"account_id": workspace.endpoints.account_id, "policy_id": "analytics", "egress": "FULL_ACCESS"}
        return {
            "gateway_addresses": [GATEWAY],
            "operator_addresses": [OFFICE],
            "network_policy": {**policy, **({"state": state} if state else {})},
            "without": ["ip-access-list"],
            **more,
        }

    workspace.up(arguments(None), "--policy-pack", str(PACK))
    assert (workspace.policy(), workspace.answers()) == ("analytics", True)
    workspace.up(arguments(None), "--expect-no-changes")
    workspace.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")

    workspace.up(arguments("enforced"), "--policy-pack", str(PACK))
    assert (workspace.policy(), workspace.answers()) == ("analytics", False)
    assert "protected" in workspace.run("destroy", "--yes", "--skip-preview", succeeds=False)
    assert "protected" in workspace.up(None, succeeds=False)
    assert (workspace.policy(), workspace.answers()) == ("analytics", False), "a destroy changes nothing"

    # the program above let go of the settings: they are made anew, as soon as the workspace answers again
    workspace.up(arguments("released"))
    assert (workspace.policy(), workspace.answers()) == ("default-policy", True)
    workspace.run("destroy", "--yes", "--skip-preview")
    assert (workspace.policy(), workspace.answers()) == ("default-policy", True)
    policies = f"/api/2.0/accounts/{workspace.endpoints.account_id}/network-policies"
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        workspace.ask("GET", f"{policies}/analytics", account=True)
