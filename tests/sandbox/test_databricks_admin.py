"""The vendor's own clients administer the double: users, groups, entitlements, assignments, roles."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import ComplexValue, Group, Patch, PatchOp, PatchSchema, WorkspacePermission

from lakelatch_sandbox.databricks import scim_api

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


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


def test_everything_survives_a_restart(
    new_sandbox: Callable[[], Any], vendor_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = new_sandbox()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", own.endpoints.ca_bundle_file)
    endpoints = own.endpoints
    signed_in: Any = {
        "client_id": endpoints.admin_client_id,
        "client_secret": endpoints.admin_client_secret,
        "auth_type": "oauth-m2m",
    }
    account = AccountClient(host=endpoints.account_host, account_id=endpoints.account_id, **signed_in)
    user = account.users.create(user_name="zoe@example.com")
    principal = account.service_principals.create(display_name="kept")
    members = [ComplexValue(value=user.id), ComplexValue(value=principal.id)]
    group = account.groups.create(display_name="kept", members=members)
    account.workspace_assignment.update(
        int(endpoints.workspace_id), int(group.id or 0), permissions=[WorkspacePermission.USER]
    )
    secret = account.service_principal_secrets.create(principal.id or "").secret
    client = WorkspaceClient(host=endpoints.workspace_host, **signed_in)
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
