"""The published SDKs on the real engine over the stand-ins and the doubles: up, an empty second up, drift shown by
refresh and repaired, a destroy that leaves the sandbox as it was, no secret in state in the clear."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.engine import EngineProject

from lakelatch_sandbox.endpoints import Endpoints

pytestmark = pytest.mark.line

PROGRAM = """
import pulumi
import pulumi_azuread as azuread
import pulumi_databricks as databricks

config = pulumi.Config()
account = databricks.Provider("account", host=config.require("host"), account_id=config.require("account"))
on_account = pulumi.ResourceOptions(provider=account)

api = azuread.ApplicationRegistration("api", display_name="api", requested_access_token_version=2)
principal = azuread.ServicePrincipal("api", client_id=api.client_id, app_role_assignment_required=True)
role = azuread.ApplicationAppRole(
    "call", application_id=api.id, role_id="7a3c6d4e-5a8e-4c57-9a34-6a5c1f0f9a10", value="Call", display_name="Call",
    description="May call", allowed_member_types=["Application"],
)
azuread.ApplicationIdentifierUri(
    "api", application_id=api.id, identifier_uri=pulumi.Output.concat("api://", api.client_id)
)
azuread.ApplicationOptionalClaims("api", application_id=api.id, access_tokens=[{"name": "idtyp"}])
client = azuread.ApplicationRegistration("client", display_name="client")
caller = azuread.ServicePrincipal("client", client_id=client.client_id)
azuread.ApplicationFederatedIdentityCredential(
    "workload", application_id=client.id, display_name="workload", issuer="https://issuer.example.com",
    subject="system:serviceaccount:reports:nightly", audiences=["api://AzureADTokenExchange"],
)
azuread.AppRoleAssignment(
    "call", app_role_id=role.role_id, principal_object_id=caller.object_id, resource_object_id=principal.object_id
)
password = azuread.ApplicationPassword("legacy", application_id=client.id, display_name="legacy")
service = databricks.ServicePrincipal(
    "service", display_name="nightly-report", disable_as_user_deletion=False, opts=on_account
)
databricks.MwsPermissionAssignment(
    "service", workspace_id=config.require("workspace"), principal_id=service.id, permissions=["USER"],
    opts=pulumi.ResourceOptions(provider=account, delete_before_replace=True),
)
policy = databricks.ServicePrincipalFederationPolicy(
    "service", service_principal_id=service.id.apply(int), policy_id="gateway", description="",
    oidc_policy={
        "issuer": "https://gateway.example.com", "audiences": [config.require("account")], "subject": "nightly-report",
        "subject_claim": "sub",
    },
    opts=on_account,
)
pulumi.export("policy_id", policy.policy_id)
pulumi.export("application_id", service.application_id)
pulumi.export("password", password.value)
"""


class Stack(EngineProject):
    """The program above, signed in as the doubles' administrators."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        environment = {
            "SSL_CERT_FILE": endpoints.ca_bundle_file,
            "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
            "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
            "ARM_METADATA_HOSTNAME": endpoints.metadata_host,
            "ARM_TENANT_ID": endpoints.tenant_id,
            "ARM_CLIENT_ID": endpoints.entra_admin_client_id,
            "ARM_CLIENT_SECRET": endpoints.entra_admin_client_secret,
        }
        super().__init__(folder, "stand-ins", PROGRAM, environment=environment)
        self.configure(host=endpoints.account_host, account=endpoints.account_id, workspace=str(endpoints.workspace_id))


def objects(sandbox: Any) -> Any:
    return sandbox.http.get(f"{sandbox.endpoints.control_url}/objects").json()["objects"]


def test_the_life_of_a_stack(tmp_path: Path, sandbox: Any) -> None:
    before = objects(sandbox)
    stack = Stack(tmp_path, sandbox.endpoints)
    stack.run("preview")
    assert objects(sandbox) == before

    stack.run("up", "--yes", "--skip-preview")
    made = objects(sandbox)
    assert made != before
    outputs = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    assert outputs["policy_id"] == "gateway"
    state = stack.run("stack", "export")
    for secret in (
        outputs["password"],
        sandbox.endpoints.admin_client_secret,
        sandbox.endpoints.entra_admin_client_secret,
    ):
        assert secret not in state
    stack.run("up", "--yes", "--skip-preview", "--expect-no-changes")

    drift(sandbox, outputs["application_id"])
    said = stack.run("refresh", "--yes", "--skip-preview")
    assert "~ 1" in said
    assert "displayName" in stack.run("preview", "--diff")
    stack.run("up", "--yes", "--skip-preview")
    assert objects(sandbox) == made

    stack.run("destroy", "--yes", "--skip-preview")
    assert objects(sandbox) == before


def drift(sandbox: Any, application_id: str) -> None:
    """Rename the service principal behind the engine's back."""
    endpoints, http = sandbox.endpoints, sandbox.http
    token = http.post(
        f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}/v1/token",
        data={"grant_type": "client_credentials", "scope": "all-apis"},
        auth=(endpoints.admin_client_id, endpoints.admin_client_secret),
    ).json()["access_token"]
    principals = f"{endpoints.account_host}/api/2.0/accounts/{endpoints.account_id}/scim/v2/ServicePrincipals"
    bearer = {"Authorization": f"Bearer {token}"}
    listed = http.get(principals, params={"filter": f'applicationId eq "{application_id}"'}, headers=bearer).json()
    document = listed["Resources"][0]
    document["displayName"] = "renamed"
    http.put(f"{principals}/{document['id']}", json=document, headers=bearer).raise_for_status()
