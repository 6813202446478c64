"""The vendor's own client works against the double: account and workspace, OAuth M2M and federation by environment."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema, WorkspacePermission
from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy
from databricks.sdk.service.sql import StatementState


@pytest.fixture(autouse=True)
def _environment(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)


@pytest.fixture
def admin(sandbox: Any) -> AccountClient:
    endpoints = sandbox.endpoints
    return AccountClient(
        host=endpoints.account_host,
        account_id=endpoints.account_id,
        client_id=endpoints.admin_client_id,
        client_secret=endpoints.admin_client_secret,
        auth_type="oauth-m2m",
    )


@pytest.fixture
def principal(admin: AccountClient) -> Iterator[Any]:
    made = admin.service_principals.create(display_name="nightly-report", active=True)
    yield made
    admin.service_principals.delete(made.id or "")


def test_service_principals(admin: AccountClient, principal: Any) -> None:
    assert 15 <= len(principal.id) <= 16
    assert int(principal.id) < 2**53
    found = list(admin.service_principals.list(filter=f'applicationId eq "{principal.application_id}"'))
    assert [one.id for one in found] == [principal.id]
    assert list(admin.service_principals.list(filter='displayName eq "nobody"')) == []
    admin.service_principals.update(
        principal.id,
        display_name="renamed",
        active=True,
        entitlements=[ComplexValue(value="workspace-access"), ComplexValue()],
    )
    renamed = admin.service_principals.get(principal.id)
    assert (renamed.display_name, renamed.application_id) == ("renamed", principal.application_id)
    # an empty entry that is echoed kills the official plugin
    assert [one.value for one in renamed.entitlements or []] == ["workspace-access"]
    admin.service_principals.patch(
        principal.id,
        operations=[Patch(op=PatchOp.REPLACE, path="active", value=[{"value": "false"}])],
        schemas=[PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP],
    )
    assert not admin.service_principals.get(principal.id).active
    with pytest.raises(ResourceConflict):
        admin.service_principals.create(application_id=principal.application_id)
    with pytest.raises(NotFound, match="not found"):
        admin.service_principals.get("100000000000000")


def test_assignments_and_workspaces(admin: AccountClient, principal: Any, sandbox: Any) -> None:
    workspace = int(sandbox.endpoints.workspace_id)
    admin.workspace_assignment.update(workspace, int(principal.id), permissions=[WorkspacePermission.USER])
    found = {
        one.principal.principal_id: one.permissions
        for one in admin.workspace_assignment.list(workspace)
        if one.principal
    }
    assert found[int(principal.id)] == [WorkspacePermission.USER]
    admin.workspace_assignment.delete(workspace, int(principal.id))
    left = {one.principal.principal_id for one in admin.workspace_assignment.list(workspace) if one.principal}
    assert int(principal.id) not in left
    assert [one.workspace_id for one in admin.workspaces.list()] == [workspace]
    assert admin.workspaces.get(workspace).workspace_name == "sandbox"


def test_policies(admin: AccountClient, principal: Any) -> None:
    policies = admin.service_principal_federation_policy
    oidc = OidcFederationPolicy(issuer="https://i.example", audiences=["a"], subject="s")
    made = policies.create(int(principal.id), FederationPolicy(oidc_policy=oidc), policy_id="main")
    assert (made.oidc_policy, made.policy_id) == (oidc, "main")
    changed = policies.update(int(principal.id), "main", FederationPolicy(description="d"), update_mask="description")
    assert (changed.description, changed.oidc_policy) == ("d", oidc)
    assert [one.policy_id for one in policies.list(int(principal.id))] == ["main"]
    policies.delete(int(principal.id), "main")
    with pytest.raises(NotFound):
        policies.get(int(principal.id), "main")


def test_workspace_with_a_federated_token_and_no_secret(
    admin: AccountClient, principal: Any, sandbox: Any, issuer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = sandbox.endpoints
    oidc = OidcFederationPolicy(issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    admin.service_principal_federation_policy.create(int(principal.id), FederationPolicy(oidc_policy=oidc))
    monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", issuer.token())

    def client() -> WorkspaceClient:
        return WorkspaceClient(host=endpoints.workspace_host, client_id=principal.application_id, auth_type="env-oidc")

    with pytest.raises(ValueError, match="not assigned to workspace"):
        client().current_user.me()
    admin.workspace_assignment.update(
        int(endpoints.workspace_id), int(principal.id), permissions=[WorkspacePermission.USER]
    )
    workspace = client()
    assert workspace.current_user.me().user_name == principal.application_id
    assert workspace.get_workspace_id() == int(endpoints.workspace_id)
    rows = workspace.statement_execution.execute_statement("SELECT current_user()", endpoints.warehouse_id)
    assert rows.status is not None
    assert rows.status.state is StatementState.SUCCEEDED
    assert rows.result is not None
    assert rows.result.data_array == [[principal.application_id]]
    admin.workspace_assignment.delete(int(endpoints.workspace_id), int(principal.id))
    with pytest.raises(PermissionDenied, match="not assigned"):
        workspace.current_user.me()


def test_administrator_in_the_workspace(sandbox: Any) -> None:
    endpoints = sandbox.endpoints
    workspace = WorkspaceClient(
        host=endpoints.workspace_host,
        client_id=endpoints.admin_client_id,
        client_secret=endpoints.admin_client_secret,
        auth_type="oauth-m2m",
    )
    assert workspace.current_user.me().user_name == endpoints.admin_client_id
    assert [one.id for one in workspace.warehouses.list()] == [endpoints.warehouse_id]
    workspace.warehouses.stop(endpoints.warehouse_id).result()
    workspace.warehouses.start(endpoints.warehouse_id).result()


def test_objects_outlive_a_restart(new_sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = new_sandbox()
    endpoints = sandbox.endpoints
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", endpoints.ca_bundle_file)
    client = AccountClient(
        host=endpoints.account_host,
        account_id=endpoints.account_id,
        client_id=endpoints.admin_client_id,
        client_secret=endpoints.admin_client_secret,
        auth_type="oauth-m2m",
    )
    made = client.service_principals.create(display_name="kept")
    before = sandbox.http.get(f"{endpoints.control_url}/objects").json()
    sandbox.restart()
    assert sandbox.http.get(f"{endpoints.control_url}/objects").json() == before
    # the old token still counts: the keys survive too
    assert client.service_principals.get(made.id or "").display_name == "kept"
