"""The vendor's own clients administer the double: users, groups, entitlements, secrets, grants and assignments."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import ComplexValue, Group, Patch, PatchOp, PatchSchema, WorkspacePermission
from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy

from lakelatch_sandbox.databricks import scim_api

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


@pytest.fixture(autouse=True)
def _environment(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)


def credentials(sandbox: Any) -> Any:
    known = sandbox.endpoints
    return {
        "client_id": known.admin_client_id,
        "client_secret": known.admin_client_secret,
        "auth_type": "oauth-m2m",
    }


@pytest.fixture
def admin(sandbox: Any) -> AccountClient:
    endpoints = sandbox.endpoints
    return AccountClient(host=endpoints.account_host, account_id=endpoints.account_id, **credentials(sandbox))


@pytest.fixture
def workspace(sandbox: Any) -> WorkspaceClient:
    return WorkspaceClient(host=sandbox.endpoints.workspace_host, **credentials(sandbox))


@pytest.fixture
def made(admin: AccountClient) -> Iterator[Callable[..., Any]]:
    """Makes principals that go with the test."""
    undo: list[Callable[[], None]] = []

    def make(kind: str, **attributes: Any) -> Any:
        api: Any = getattr(admin, kind)
        one = api.create(**attributes)
        undo.append(lambda: api.delete(one.id))
        return one

    yield make
    for each in reversed(undo):
        each()


def ids(values: list[ComplexValue] | None) -> list[str | None]:
    return [one.value for one in values or []]


def test_users(admin: AccountClient, made: Callable[..., Any]) -> None:
    user = made("users", user_name="kim@example.com", display_name="Kim")
    found = admin.users.get(user.id)
    assert (found.user_name, found.display_name, found.active) == ("kim@example.com", "Kim", True)
    for quote in ('userName eq "KIM@example.com"', "userName eq 'kim@example.com'", 'displayName sw "ki"'):
        assert [one.id for one in admin.users.list(filter=quote)] == [user.id], quote
    assert list(admin.users.list(filter='userName eq "kim@example.com" and displayName eq "Lee"')) == []
    with pytest.raises(ResourceConflict, match=r"User with username kim@example.com already exists\."):
        admin.users.create(user_name="kim@example.com")
    admin.users.patch(user.id, operations=[Patch(op=PatchOp.REPLACE, path="active", value="false")], schemas=SCHEMAS)
    assert not admin.users.get(user.id).active
    admin.users.update(user.id, user_name="kim@example.com", display_name="Kim L.", active=True)
    assert admin.users.get(user.id).display_name == "Kim L."
    with pytest.raises(BadRequest, match="cannot be changed"):
        admin.users.update(user.id, user_name="lee@example.com")


def test_groups_nest_and_members_come_and_go(admin: AccountClient, made: Callable[..., Any]) -> None:
    user, principal = made("users", user_name="lee@example.com"), made("service_principals", display_name="etl")
    inner = made("groups", display_name="inner", members=[ComplexValue(value=user.id)])
    outer = made("groups", display_name="outer")
    for member in (inner.id, principal.id):
        operation = Patch(op=PatchOp.ADD, path="members", value=[{"value": member}])
        admin.groups.patch(outer.id, operations=[operation], schemas=SCHEMAS)
    found = admin.groups.get(outer.id)
    assert ids(found.members) == [inner.id, principal.id]
    assert [one.ref for one in found.members or []] == [f"Groups/{inner.id}", f"ServicePrincipals/{principal.id}"]
    assert ids(admin.groups.get(inner.id).groups) == [outer.id]
    assert ids(admin.users.get(user.id).groups) == [inner.id]
    with pytest.raises(ResourceConflict, match=r"Group with name outer already exists\."):
        admin.groups.create(display_name="outer")
    unknown = Patch(op=PatchOp.ADD, path="members", value=[{"value": "17"}])
    with pytest.raises(BadRequest, match="cannot be a member"):
        admin.groups.patch(outer.id, operations=[unknown], schemas=SCHEMAS)
    removal = Patch(op=PatchOp.REMOVE, path=f'members[value eq "{inner.id}"]')
    admin.groups.patch(outer.id, operations=[removal], schemas=SCHEMAS)
    assert ids(admin.groups.get(outer.id).members) == [principal.id]
    admin.groups.update(outer.id, display_name="renamed", members=[ComplexValue(value=user.id)])
    assert [one.id for one in admin.groups.list(filter='displayName eq "renamed"')] == [outer.id]
    assert list(admin.groups.list(filter='displayName eq "outer"')) == []
    assert ids(admin.service_principals.get(principal.id).groups) == []


def test_a_cycle_of_groups_ends(admin: AccountClient, made: Callable[..., Any], sandbox: Any) -> None:
    first, second = made("groups", display_name="first"), made("groups", display_name="second")
    for group, member in ((first, second), (second, first)):
        operation = Patch(op=PatchOp.ADD, path="members", value=[{"value": member.id}])
        admin.groups.patch(group.id, operations=[operation], schemas=SCHEMAS)
    workspace = int(sandbox.endpoints.workspace_id)
    admin.workspace_assignment.update(workspace, int(second.id), permissions=[WorkspacePermission.USER])
    assert ids(admin.groups.get(first.id).groups) == [second.id]


def test_entitlements_need_the_workspace(
    admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any], sandbox: Any
) -> None:
    group = made("groups", display_name="analysts")
    grant = Patch(op=PatchOp.REPLACE, path="entitlements", value=[{"value": "allow-cluster-create"}])
    with pytest.raises(NotFound, match="Group with id"):
        workspace.groups.patch(group.id, operations=[grant], schemas=SCHEMAS)
    admin.workspace_assignment.update(
        int(sandbox.endpoints.workspace_id), int(group.id), permissions=[WorkspacePermission.USER]
    )
    workspace.groups.patch(group.id, operations=[grant], schemas=SCHEMAS)
    assert ids(workspace.groups.get(group.id).entitlements) == ["allow-cluster-create"]
    # the account's own API knows nothing of them
    assert not Group.from_dict(admin.groups.get(group.id).as_dict()).entitlements
    unknown = Patch(op=PatchOp.ADD, path="entitlements", value=[{"value": "everything"}])
    with pytest.raises(BadRequest, match="is not one of"):
        workspace.groups.patch(group.id, operations=[unknown], schemas=SCHEMAS)
    with pytest.raises(PermissionDenied, match="the account's; change it there"):
        workspace.groups.update(group.id, display_name="renamed")
    removal = Patch(op=PatchOp.REMOVE, path="entitlements")
    workspace.groups.patch(group.id, operations=[removal], schemas=SCHEMAS)
    with pytest.raises(BadRequest, match="No such attribute with the name : entitlements in the current resource"):
        workspace.groups.patch(group.id, operations=[removal], schemas=SCHEMAS)


def test_a_principal_in_a_group_has_the_groups_workspace_and_entitlements(
    admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any], sandbox: Any
) -> None:
    principal = made("service_principals", display_name="member")
    inner = made("groups", display_name="inner", members=[ComplexValue(value=principal.id)])
    outer = made("groups", display_name="outer", members=[ComplexValue(value=inner.id)])
    secret = admin.service_principal_secrets.create(principal.id).secret
    endpoints = sandbox.endpoints

    def me() -> Any:
        client = WorkspaceClient(
            host=endpoints.workspace_host,
            client_id=principal.application_id,
            client_secret=secret,
            auth_type="oauth-m2m",
        )
        return client.current_user.me()

    with pytest.raises(ValueError, match="not assigned to workspace"):
        me()
    admin.workspace_assignment.update(
        int(endpoints.workspace_id), int(outer.id), permissions=[WorkspacePermission.USER]
    )
    grant = Patch(op=PatchOp.ADD, path="entitlements", value=[{"value": "allow-cluster-create"}])
    workspace.groups.patch(outer.id, operations=[grant], schemas=SCHEMAS)
    found = me()
    assert found.user_name == principal.application_id
    assert {one.display for one in found.groups} == {"users", "inner", "outer"}
    assert "allow-cluster-create" in ids(found.entitlements)
    # only administrators administer
    other = WorkspaceClient(
        host=endpoints.workspace_host, client_id=principal.application_id, client_secret=secret, auth_type="oauth-m2m"
    )
    with pytest.raises(PermissionDenied, match="not an administrator"):
        other.groups.patch(outer.id, operations=[grant], schemas=SCHEMAS)


def test_the_workspaces_own_groups(workspace: WorkspaceClient, admin: AccountClient) -> None:
    local = workspace.groups.create(display_name="local")
    assert local.meta is not None
    assert local.meta.resource_type == "WorkspaceGroup"
    assert {"users", "admins", "local"} <= {one.display_name for one in workspace.groups.list()}
    assert "local" not in {one.display_name for one in admin.groups.list()}
    [users] = workspace.groups.list(filter='displayName eq "users"')
    assert "workspace-access" in ids(users.entitlements)
    with pytest.raises(PermissionDenied, match="cannot be deleted"):
        workspace.groups.delete(users.id or "")
    workspace.groups.delete(local.id or "")


def test_a_workspace_takes_a_principal_of_the_account(
    workspace: WorkspaceClient, admin: AccountClient, made: Callable[..., Any]
) -> None:
    principal = made("service_principals", display_name="of-the-account")
    with pytest.raises(NotFound):
        workspace.service_principals.get(principal.id)
    taken = workspace.service_principals.create(application_id=principal.application_id)
    assert taken.id == principal.id
    with pytest.raises(ResourceConflict, match="already exists"):
        workspace.service_principals.create(application_id=principal.application_id)
    workspace.service_principals.delete(principal.id)
    with pytest.raises(NotFound):
        workspace.service_principals.get(principal.id)
    assert admin.service_principals.get(principal.id).display_name == "of-the-account"


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


def test_grants(admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any]) -> None:
    group, user = made("groups", display_name="readers"), made("users", user_name="max@example.com")
    admin.groups.update(group.id, display_name="readers", members=[ComplexValue(value=user.id)])
    grants: Any = workspace.grants

    def change(type: str, name: str, **privileges: Any) -> Any:
        return grants.update(type, name, changes=[PermissionsChange(principal="readers", **privileges)])

    change("catalog", "main", add=[Privilege.USE_CATALOG])
    answer = change("schema", "main.sales", add=[Privilege.SELECT, Privilege.USE_SCHEMA])
    assert [one.as_dict() for one in answer.privilege_assignments] == [
        {"principal": "readers", "privileges": ["SELECT", "USE_SCHEMA"]}
    ]
    assert grants.get("schema", "main.sales", principal="nobody").privilege_assignments == []
    effective = grants.get_effective("schema", "main.sales", principal="max@example.com").privilege_assignments
    assert {(one.privilege.value, one.inherited_from_name) for one in effective[0].privileges} == {
        ("SELECT", None),
        ("USE_SCHEMA", None),
        ("USE_CATALOG", "main"),
    }
    change("schema", "main.sales", remove=[Privilege.SELECT])
    left = grants.get("schema", "main.sales").privilege_assignments
    assert [one.as_dict() for one in left] == [{"principal": "readers", "privileges": ["USE_SCHEMA"]}]
    with pytest.raises(NotFound, match="Could not find principal with name nobody"):
        grants.update("catalog", "main", changes=[PermissionsChange(principal="nobody", add=[Privilege.SELECT])])
    with pytest.raises(BadRequest, match="not applicable to this entity"):
        change("schema", "main.sales", add=[Privilege.CREATE_CATALOG])
    with pytest.raises(NotFound, match=r"Schema 'main\.none' does not exist"):
        change("schema", "main.none", add=[Privilege.SELECT])


def test_catalogs_and_schemas(workspace: WorkspaceClient) -> None:
    workspace.catalogs.create("made")
    workspace.schemas.create("inside", "made")
    assert "made" in {one.name for one in workspace.catalogs.list()}
    assert [one.full_name for one in workspace.schemas.list("made")] == ["made.inside"]
    with pytest.raises(BadRequest, match="already exists"):
        workspace.catalogs.create("made")
    workspace.catalogs.delete("made")
    with pytest.raises(NotFound, match="does not exist"):
        workspace.schemas.get("made.inside")


def test_nothing_is_left_of_a_group_that_goes(admin: AccountClient, workspace: WorkspaceClient, sandbox: Any) -> None:
    url = f"{sandbox.endpoints.control_url}/objects"
    before = sandbox.http.get(url).json()
    user = admin.users.create(user_name="ada@example.com")
    group = admin.groups.create(display_name="going", members=[ComplexValue(value=user.id)])
    admin.workspace_assignment.update(
        int(sandbox.endpoints.workspace_id), int(group.id or 0), permissions=[WorkspacePermission.USER]
    )
    grant = Patch(op=PatchOp.ADD, path="entitlements", value=[{"value": "workspace-consume"}])
    workspace.groups.patch(group.id or "", operations=[grant], schemas=SCHEMAS)
    workspace.grants.update(
        "catalog", "main", changes=[PermissionsChange(principal="going", add=[Privilege.USE_CATALOG])]
    )
    assert sandbox.http.get(url).json()["counts"]["databricks/grants"] == 1
    admin.groups.delete(group.id or "")
    assert ids(admin.users.get(user.id or "").groups) == []
    admin.users.delete(user.id or "")
    assert sandbox.http.get(url).json() == before


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


def test_roles_that_are_given_at_the_same_time_are_lost(
    admin: AccountClient, made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's race (pulumi/pulumi-databricks#575): everyone is told that it worked, and one role is there."""
    principal = made("service_principals", display_name="racing")
    monkeypatch.setattr(scim_api, "ROLE_SECONDS", 1.0)  # all four are there by then, on a slow machine too
    roles = [f"role-{number}" for number in range(4)]
    barrier = threading.Barrier(len(roles))

    def give(role: str) -> None:
        barrier.wait()
        operation = Patch(op=PatchOp.ADD, path="roles", value=[{"value": role}])
        admin.service_principals.patch(principal.id, operations=[operation], schemas=SCHEMAS)

    admin.service_principals.get(principal.id)  # signed in before the race
    threads = [threading.Thread(target=give, args=(role,)) for role in roles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = ids(admin.service_principals.get(principal.id).roles)
    assert 1 <= len(left) < len(roles)
    monkeypatch.setattr(scim_api, "ROLE_SECONDS", 0.0)
    give_again = [Patch(op=PatchOp.ADD, path="roles", value=[{"value": role}]) for role in roles]
    for operation in give_again:
        admin.service_principals.patch(principal.id, operations=[operation], schemas=SCHEMAS)
    assert sorted(ids(admin.service_principals.get(principal.id).roles)) == roles  # type: ignore[type-var]


def test_everything_survives_a_restart(new_sandbox: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    own = new_sandbox()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", own.endpoints.ca_bundle_file)
    endpoints = own.endpoints
    account = AccountClient(host=endpoints.account_host, account_id=endpoints.account_id, **credentials(own))
    user = account.users.create(user_name="zoe@example.com")
    principal = account.service_principals.create(display_name="kept")
    members = [ComplexValue(value=user.id), ComplexValue(value=principal.id)]
    group = account.groups.create(display_name="kept", members=members)
    account.workspace_assignment.update(
        int(endpoints.workspace_id), int(group.id or 0), permissions=[WorkspacePermission.USER]
    )
    secret = account.service_principal_secrets.create(principal.id or "").secret
    client = WorkspaceClient(host=endpoints.workspace_host, **credentials(own))
    client.grants.update("catalog", "main", changes=[PermissionsChange(principal="kept", add=[Privilege.USE_CATALOG])])
    url = f"{endpoints.control_url}/objects"
    before = own.http.get(url).json()
    kinds = ("users", "groups", "grants", "permission_assignments", "entitlements", "workspace_groups")
    assert all(f"databricks/{kind}" in before["counts"] for kind in kinds)
    own.restart()
    assert own.http.get(url).json() == before
    again = WorkspaceClient(
        host=endpoints.workspace_host,
        client_id=principal.application_id,
        client_secret=secret,
        auth_type="oauth-m2m",
    )
    assert {one.display for one in again.current_user.me().groups or []} == {"users", "kept"}


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


def test_an_entitlement_that_everyone_loses_closes_the_api(
    admin: AccountClient, workspace: WorkspaceClient, made: Callable[..., Any], sandbox: Any
) -> None:
    endpoints = sandbox.endpoints
    principal = made("service_principals", display_name="analyst")
    admin.workspace_assignment.update(
        int(endpoints.workspace_id), int(principal.id), permissions=[WorkspacePermission.USER]
    )
    client = WorkspaceClient(
        host=endpoints.workspace_host,
        client_id=principal.application_id,
        client_secret=admin.service_principal_secrets.create(principal.id).secret,
        auth_type="oauth-m2m",
    )
    assert [one.id for one in client.warehouses.list()] == [endpoints.warehouse_id]
    [users] = workspace.groups.list(filter='displayName eq "users"')
    default = users.entitlements or []

    def entitle(id: str, values: list[ComplexValue]) -> None:
        operation = Patch(op=PatchOp.REPLACE, path="entitlements", value=[one.as_dict() for one in values])
        workspace.groups.patch(id, operations=[operation], schemas=SCHEMAS)

    entitle(users.id or "", [ComplexValue(value="workspace-access")])
    try:
        with pytest.raises(PermissionDenied, match="disabled for users without the databricks-sql-access entitlement"):
            list(client.warehouses.list())
        group = made("groups", display_name="sql", members=[ComplexValue(value=principal.id)])
        admin.workspace_assignment.update(
            int(endpoints.workspace_id), int(group.id), permissions=[WorkspacePermission.USER]
        )
        entitle(group.id, [ComplexValue(value="databricks-sql-access")])
        assert [one.id for one in client.warehouses.list()] == [endpoints.warehouse_id]
        assert client.current_user.me().user_name == principal.application_id
    finally:
        entitle(users.id or "", default)
