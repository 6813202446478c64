"""Groups, people, entitlements, grants and secrets on the real engine, with a provider of the account and one of the
workspace: up, an empty second up, drift that refresh shows and up repairs, import, a destroy that leaves nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.engine import EngineProject

from lakelatch_sandbox.endpoints import Endpoints

pytestmark = pytest.mark.line

PROGRAM = """
import pulumi
import pulumi_databricks as databricks

config = pulumi.Config()
account = databricks.Provider(
    "account", host=config.require("account_host"), account_id=config.require("account_id"), auth_type="oauth-m2m"
)
workspace = databricks.Provider("workspace", host=config.require("workspace_host"), auth_type="oauth-m2m")
on_account = pulumi.ResourceOptions(provider=account)
on_workspace = pulumi.ResourceOptions(provider=workspace)

group = databricks.Group("readers", display_name="sales-readers", opts=on_account)
user = databricks.User("kim", user_name="kim@example.com", disable_as_user_deletion=False, opts=on_account)
principal = databricks.ServicePrincipal("etl", display_name="etl", disable_as_user_deletion=False, opts=on_account)
for name, member in (("kim", user), ("etl", principal)):
    databricks.GroupMember(name, group_id=group.id, member_id=member.id, opts=on_account)
assigned = databricks.MwsPermissionAssignment(
    "readers", workspace_id=config.require("workspace_id"), principal_id=group.id, permissions=["USER"],
    opts=pulumi.ResourceOptions(provider=account, delete_before_replace=True),
)
entitled = databricks.Entitlements(
    "readers", group_id=group.id, databricks_sql_access=True,
    opts=pulumi.ResourceOptions(provider=workspace, depends_on=[assigned]),
)
databricks.Grant("catalog", catalog="main", principal=group.display_name, privileges=["USE_CATALOG"], opts=on_workspace)
databricks.Grants(
    "schema", schema="main.sales", grants=[{"principal": group.display_name, "privileges": ["USE_SCHEMA", "SELECT"]}],
    opts=on_workspace,
)
databricks.ServicePrincipalRole(
    "etl", service_principal_id=principal.id, role="account_admin", opts=on_account
)
secret = databricks.ServicePrincipalSecret(
    "etl", service_principal_id=principal.id, lifetime="86400s", opts=on_account
)
people = databricks.AccountFederationPolicy(
    "people", policy_id="people", description="",
    oidc_policy={"issuer": "https://login.example.com", "audiences": ["lakelatch"], "subject_claim": "upn"},
    opts=on_account,
)
me = databricks.get_current_user(opts=pulumi.InvokeOptions(provider=workspace))
found = databricks.get_group_output(
    display_name=group.display_name, opts=pulumi.InvokeOutputOptions(provider=account, depends_on=[entitled])
)
pulumi.export("me", me.user_name)
pulumi.export("found", found.id)
pulumi.export("group", group.id)
pulumi.export("secret", secret.secret)
"""


class Stack(EngineProject):
    """The program above, signed in as the doubles' administrator."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        environment = {
            "SSL_CERT_FILE": endpoints.ca_bundle_file,
            "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
            "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
            # of the default provider, which imports use
            "DATABRICKS_ACCOUNT_ID": "",
        }
        super().__init__(folder, "sales", PROGRAM, environment=environment)
        names = ("account_host", "account_id", "workspace_host", "workspace_id")
        self.configure(**{name: str(getattr(endpoints, name)) for name in names})

    def state(self) -> dict[str, dict[str, Any]]:
        """Every resource by its type and name."""
        resources = json.loads(self.run("stack", "export"))["deployment"]["resources"]
        return {f"{row['type'].rpartition(':')[2]} {row['urn'].rpartition('::')[2]}": row for row in resources}


class Behind:
    """The account's and the workspace's API, as somebody with a browser would use them."""

    def __init__(self, sandbox: Any) -> None:
        self._http = sandbox.http
        self._endpoints = endpoints = sandbox.endpoints
        self.account = f"{endpoints.account_host}/api/2.0/accounts/{endpoints.account_id}"
        self._tokens = {
            host: self._http.post(
                f"{issuer}/v1/token",
                data={"grant_type": "client_credentials"},
                auth=(endpoints.admin_client_id, endpoints.admin_client_secret),
            ).json()["access_token"]
            for host, issuer in (
                (endpoints.account_host, f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}"),
                (endpoints.workspace_host, f"{endpoints.workspace_host}/oidc"),
            )
        }

    def call(self, method: str, url: str, body: Any = None) -> Any:
        host = next(host for host in self._tokens if url.startswith(host))
        answer = self._http.request(method, url, json=body, headers={"Authorization": f"Bearer {self._tokens[host]}"})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def drift(self, group: str) -> None:
        """Take a member, an entitlement and a privilege away, and give another."""
        members = f"{self.account}/scim/v2/Groups/{group}"
        last = self.call("GET", members)["members"][-1]["value"]
        removal = {"Operations": [{"op": "remove", "path": f'members[value eq "{last}"]'}]}
        self.call("PATCH", members, removal)
        here = self._endpoints.workspace_host
        none = {"Operations": [{"op": "remove", "path": "entitlements"}]}
        self.call("PATCH", f"{here}/api/2.0/preview/scim/v2/Groups/{group}", none)
        changes = [{"principal": "sales-readers", "add": ["MODIFY"], "remove": ["SELECT"]}]
        schema = f"{here}/api/2.1/unity-catalog/permissions/schema/main.sales"
        self.call("PATCH", schema, {"changes": changes})

    def objects(self) -> Any:
        return self._http.get(f"{self._endpoints.control_url}/objects").json()["objects"]


def test_the_life_of_a_stack(tmp_path: Path, sandbox: Any) -> None:
    behind = Behind(sandbox)
    before = behind.objects()
    stack = Stack(tmp_path, sandbox.endpoints)
    stack.run("preview")
    assert behind.objects() == before

    stack.run("up", "--yes", "--skip-preview")
    made = behind.objects()
    outputs = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    assert outputs["me"] == sandbox.endpoints.admin_client_id
    assert outputs["found"] == outputs["group"]
    assert outputs["secret"].startswith("dose")
    state = stack.run("stack", "export")
    assert outputs["secret"] not in state
    assert sandbox.endpoints.admin_client_secret not in state
    assert stack.state()["AccountFederationPolicy people"]["id"] == "id"
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    behind.drift(outputs["group"])
    said = stack.run("refresh", "--yes", "--skip-preview")
    assert "~ 2" in said, "the entitlements and the grants"
    assert "- 1" in said, "the member"
    stack.run("up", "--yes", "--skip-preview")
    assert behind.objects() == made

    stack.run("destroy", "--yes", "--skip-preview")
    assert behind.objects() == before


def test_import(tmp_path: Path, sandbox: Any) -> None:
    behind = Behind(sandbox)
    before = behind.objects()
    endpoints = sandbox.endpoints
    stack = Stack(tmp_path, endpoints)
    stack.environment |= {"DATABRICKS_HOST": endpoints.account_host, "DATABRICKS_ACCOUNT_ID": endpoints.account_id}
    group = behind.call("POST", f"{behind.account}/scim/v2/Groups", {"displayName": "there"})["id"]
    user = behind.call("POST", f"{behind.account}/scim/v2/Users", {"userName": "lee@example.com"})["id"]
    member = {"Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}]}
    behind.call("PATCH", f"{behind.account}/scim/v2/Groups/{group}", member)
    oidc = {"issuer": "https://login.example.com", "audiences": ["lakelatch"]}
    behind.call("POST", f"{behind.account}/federationPolicies?policy_id=there", {"oidc_policy": oidc})
    wanted = {
        "Group": group,
        "User": user,
        "GroupMember": f"{group}|{user}",
        "AccountFederationPolicy": "there",
    }
    resources = [
        {"type": f"databricks:index/{kind[:1].lower()}{kind[1:]}:{kind}", "name": "there", "id": id}
        for kind, id in wanted.items()
    ]
    (stack.folder / "import.json").write_text(json.dumps({"resources": resources}))
    stack.run("import", "--file", "import.json", "--yes", "--skip-preview", "--generate-code=false", "--protect=false")
    state = stack.state()
    assert state["Group there"]["inputs"]["displayName"] == "there"
    assert state["User there"]["inputs"]["userName"] == "lee@example.com"
    assert (
        state["GroupMember there"]["inputs"] | {"groupId": group, "memberId": user}
        == (state["GroupMember there"]["inputs"])
    )
    assert state["AccountFederationPolicy there"]["outputs"]["oidcPolicy"]["issuer"] == oidc["issuer"]
    # a user goes for good only where that was said at creation: this one is deactivated
    stack.run("destroy", "--yes", "--skip-preview")
    [left] = behind.objects()["databricks/users"]
    assert left["active"] is False
    behind.call("DELETE", f"{behind.account}/scim/v2/Users/{user}")
    assert behind.objects() == before
