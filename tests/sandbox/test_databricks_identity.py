"""Secrets and federated tokens let the vendor's own clients in: as a service principal, a person, an administrator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema, WorkspacePermission
from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


def test_secrets_are_shown_once_and_sign_in(
    admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any], sandbox: Any
) -> None:
    endpoints = sandbox.endpoints
    principal = made("service_principals", display_name="with-secrets")
    admin.workspace_assignment.update(
        int(endpoints.workspace_id), int(principal.id), permissions=[WorkspacePermission.USER]
    )
    first = admin.service_principal_secrets.create(principal.id, lifetime="3600s")
    assert (first.secret or "").startswith("dose")
    # the workspace's own path to the same
    second = workspace.service_principal_secrets_proxy.create(principal.id)
    listed = list(admin.service_principal_secrets.list(principal.id))
    assert [one.id for one in listed] == [first.id, second.id]
    assert all("dose" not in str(one.as_dict()) for one in listed)
    for secret in (first.secret, second.secret):
        client = WorkspaceClient(
            host=endpoints.workspace_host,
            client_id=principal.application_id,
            client_secret=secret,
            auth_type="oauth-m2m",
        )
        assert client.current_user.me().user_name == principal.application_id
    for _ in range(3):
        admin.service_principal_secrets.create(principal.id)
    with pytest.raises(BadRequest, match="5 secrets at most"):
        admin.service_principal_secrets.create(principal.id)
    admin.service_principal_secrets.delete(principal.id, first.id or "")
    with pytest.raises(NotFound):
        admin.service_principal_secrets.delete(principal.id, first.id or "")
    form = {"grant_type": "client_credentials", "client_id": principal.application_id, "client_secret": first.secret}
    refused = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    # in the form works as well as in HTTP Basic
    good = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data={**form, "client_secret": second.secret})
    assert good.json()["expires_in"] == 3600
    dump = sandbox.http.get(f"{endpoints.control_url}/objects").text
    assert not any(one in dump for one in (first.secret, second.secret))


@pytest.mark.parametrize("lifetime", ["63072001s", "0s", "1h", "-5s", "s"])
def test_lifetimes_of_secrets_are_bounded(admin: AccountClient, made: Callable[..., Any], lifetime: str) -> None:
    principal = made("service_principals", display_name="short")
    with pytest.raises(BadRequest, match="lifetime must be"):
        admin.service_principal_secrets.create(principal.id, lifetime=lifetime)


def test_a_secret_ends_with_its_lifetime(admin: AccountClient, made: Callable[..., Any], sandbox: Any) -> None:
    principal = made("service_principals", display_name="expiring")
    secret = admin.service_principal_secrets.create(principal.id, lifetime="60s").secret
    url = f"{sandbox.endpoints.account_host}/oidc/accounts/{sandbox.endpoints.account_id}/v1/token"
    form = {"grant_type": "client_credentials", "client_id": principal.application_id, "client_secret": secret}
    assert sandbox.http.post(url, data=form).status_code == 200
    sandbox.clock.offset_seconds = 61.0
    try:
        assert sandbox.http.post(url, data=form).status_code == 401
    finally:
        sandbox.clock.offset_seconds = 0.0


@pytest.mark.parametrize("source", ["env-oidc", "file-oidc"])
def test_a_person_acts_as_that_person(
    admin: AccountClient,
    made: Callable[..., Any],
    sandbox: Any,
    issuer: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
) -> None:
    endpoints = sandbox.endpoints
    oidc = OidcFederationPolicy(issuer=issuer.url, audiences=["lakelatch"], subject_claim="upn")
    admin.federation_policy.create(FederationPolicy(oidc_policy=oidc), policy_id="people")
    token = issuer.token(upn="eve@example.com", sub="opaque")
    if source == "env-oidc":
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", token)
    else:
        (tmp_path / "token").write_text(f"{token}\n")
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN_FILEPATH", str(tmp_path / "token"))

    def client() -> WorkspaceClient:
        return WorkspaceClient(host=endpoints.workspace_host, auth_type=source)

    try:
        with pytest.raises(ValueError, match=r"User 'eve@example\.com' does not exist in the account; provision it"):
            client().current_user.me()
        user = made("users", user_name="eve@example.com", display_name="Eve")
        with pytest.raises(ValueError, match=r"User eve@example\.com is not assigned to workspace"):
            client().current_user.me()
        admin.workspace_assignment.update(
            int(endpoints.workspace_id), int(user.id), permissions=[WorkspacePermission.USER]
        )
        me = client().current_user.me()
        assert (me.user_name, me.display_name, me.id) == ("eve@example.com", "Eve", user.id)
        rows = client().statement_execution.execute_statement("SELECT current_user()", endpoints.warehouse_id)
        assert rows.result is not None
        assert rows.result.data_array == [["eve@example.com"]]
        off = Patch(op=PatchOp.REPLACE, path="active", value="false")
        admin.users.patch(user.id, operations=[off], schemas=SCHEMAS)
        with pytest.raises(ValueError, match=r"User eve@example\.com is deactivated"):
            client().current_user.me()
    finally:
        admin.federation_policy.delete("people")


@pytest.mark.parametrize("source", ["env-oidc", "file-oidc"])
def test_a_federated_administrator_administers_the_account(
    admin: AccountClient,
    made: Callable[..., Any],
    sandbox: Any,
    issuer: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
) -> None:
    """The role comes through a group; the account's client signs in with a token of the issuer and no secret."""
    endpoints = sandbox.endpoints
    principal = made("service_principals", display_name="deployer")
    group = made("groups", display_name="deployers", members=[ComplexValue(value=principal.id)])
    role = Patch(op=PatchOp.ADD, path="roles", value=[{"value": "account_admin"}])
    oidc = OidcFederationPolicy(issuer=issuer.url, audiences=["lakelatch"], subject="nightly")
    admin.service_principal_federation_policy.create(int(principal.id), FederationPolicy(oidc_policy=oidc))
    if source == "env-oidc":
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", issuer.token())
    else:
        (tmp_path / "token").write_text(f"{issuer.token()}\n")
        monkeypatch.setenv("DATABRICKS_OIDC_TOKEN_FILEPATH", str(tmp_path / "token"))
    client = AccountClient(
        host=endpoints.account_host,
        account_id=endpoints.account_id,
        client_id=principal.application_id,
        auth_type=source,
    )
    with pytest.raises(PermissionDenied, match="is not an account administrator"):
        list(client.groups.list())
    admin.groups.patch(group.id, operations=[role], schemas=SCHEMAS)
    assert "deployers" in {one.display_name for one in client.groups.list()}
    user = client.users.create(user_name="new@example.com")
    client.users.delete(user.id or "")
    assert [one.policy_id for one in client.federation_policy.list()] == []
    secret = client.service_principal_secrets.create(principal.id)
    client.service_principal_secrets.delete(principal.id, secret.id or "")
    workspace = int(endpoints.workspace_id)
    client.workspace_assignment.update(workspace, int(principal.id), permissions=[WorkspacePermission.USER])
    assert int(principal.id) in {
        one.principal.principal_id for one in client.workspace_assignment.list(workspace) if one.principal
    }


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/scim/v2/Groups", "scim"),
        ("/federationPolicies", "authentication"),
        ("/servicePrincipals/1/credentials/secrets", "authentication"),
        ("/workspaces/1/permissionassignments", "access-management"),
        ("/workspaces", "provisioning"),
    ],
)
def test_a_narrow_token_of_the_account_reaches_one_api_only(sandbox: Any, path: str, scope: str) -> None:
    endpoints = sandbox.endpoints
    url = f"{endpoints.account_host}/oidc/accounts/{endpoints.account_id}/v1/token"
    api = f"{endpoints.account_host}/api/2.0/accounts/{endpoints.account_id}"

    def status(asked: str) -> int:
        form = {"grant_type": "client_credentials", "scope": asked}
        auth = (endpoints.admin_client_id, endpoints.admin_client_secret)
        token = sandbox.http.post(url, data=form, auth=auth).json()["access_token"]
        return int(sandbox.http.get(api + path, headers={"Authorization": f"Bearer {token}"}).status_code)

    assert status("billing") == 403
    assert status(scope) in (200, 404)


def test_a_deactivated_principal_signs_in_no_more(admin: AccountClient, made: Callable[..., Any], sandbox: Any) -> None:
    principal = made("service_principals", display_name="leaving")
    secret = admin.service_principal_secrets.create(principal.id).secret
    url = f"{sandbox.endpoints.account_host}/oidc/accounts/{sandbox.endpoints.account_id}/v1/token"
    auth = (principal.application_id, secret)
    form = {"grant_type": "client_credentials"}
    assert sandbox.http.post(url, data=form, auth=auth).status_code == 200
    off = Patch(op=PatchOp.REPLACE, path="active", value="false")
    admin.service_principals.patch(principal.id, operations=[off], schemas=SCHEMAS)
    refused = sandbox.http.post(url, data=form, auth=auth)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "is deactivated" in refused.json()["error_description"]
    wrong = sandbox.http.post(url, data=form, auth=(principal.application_id, f"{secret}0"))
    assert "deactivated" not in wrong.text, "whoever has no secret learns nothing about the principal"
