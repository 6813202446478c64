"""The vendor's own client closes a workspace: settings, IP access lists, network policies; and what then is refused."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import BadRequest, PermissionDenied, ResourceConflict
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import settings as api
from support.doubles import Sandbox

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
OUTSIDE = "203.0.113.7"


def status(sandbox: Sandbox, workspace: WorkspaceClient, address: str) -> int:
    """How the workspace answers its administrator from an address of this machine."""
    token = workspace.config.authenticate()["Authorization"]
    transport = httpx.HTTPTransport(
        local_address=address, verify=ssl.create_default_context(cafile=sandbox.endpoints.ca_file)
    )
    with httpx.Client(transport=transport) as client:
        url = f"{sandbox.endpoints.workspace_host}/api/2.0/preview/scim/v2/Me"
        return client.get(url, headers={"Authorization": token}).status_code


@pytest.fixture
def opened(workspace: WorkspaceClient) -> Iterator[None]:
    """Leaves no list and no switch behind."""
    yield
    workspace.workspace_conf.set_status({"enableIpAccessLists": "false"})
    for one in workspace.ip_access_lists.list():
        workspace.ip_access_lists.delete(str(one.list_id))


def add(workspace: WorkspaceClient, kind: api.ListType, *addresses: str) -> str:
    made = workspace.ip_access_lists.create(label="x", list_type=kind, ip_addresses=list(addresses))
    assert made.ip_access_list is not None
    return str(made.ip_access_list.list_id)


@pytest.mark.usefixtures("opened")
class TestIpAccessLists:
    def test_a_list_has_no_effect_until_it_is_switched_on(self, sandbox: Sandbox, workspace: WorkspaceClient) -> None:
        add(workspace, api.ListType.ALLOW, HERE)
        assert status(sandbox, workspace, ELSEWHERE) == 200
        workspace.workspace_conf.set_status({"enableIpAccessLists": "true"})
        assert status(sandbox, workspace, ELSEWHERE) == 403
        assert status(sandbox, workspace, HERE) == 200

    def test_switched_on_without_a_list_everybody_is_let_in(self, sandbox: Sandbox, workspace: WorkspaceClient) -> None:
        workspace.workspace_conf.set_status({"enableIpAccessLists": "true"})
        assert status(sandbox, workspace, ELSEWHERE) == 200
        list_id = add(workspace, api.ListType.ALLOW, HERE)
        assert status(sandbox, workspace, ELSEWHERE) == 403
        workspace.ip_access_lists.delete(list_id)
        assert status(sandbox, workspace, ELSEWHERE) == 200

    def test_a_block_list_wins(self, sandbox: Sandbox, workspace: WorkspaceClient) -> None:
        workspace.workspace_conf.set_status({"enableIpAccessLists": "true"})
        add(workspace, api.ListType.ALLOW, "127.0.0.0/8")
        add(workspace, api.ListType.BLOCK, ELSEWHERE)
        assert status(sandbox, workspace, ELSEWHERE) == 403
        assert status(sandbox, workspace, "127.0.0.3") == 200

    def test_a_list_that_leaves_out_its_caller_is_refused(self, workspace: WorkspaceClient) -> None:
        workspace.workspace_conf.set_status({"enableIpAccessLists": "true"})
        with pytest.raises(DatabricksError, match=r"Your current IP 127\.0\.0\.1 will not be allowed") as refused:
            add(workspace, api.ListType.ALLOW, OUTSIDE)
        assert refused.value.error_code == "INVALID_STATE"
        list_id = add(workspace, api.ListType.ALLOW, OUTSIDE, HERE)
        with pytest.raises(DatabricksError, match="will not be allowed"):
            workspace.ip_access_lists.update(list_id, ip_addresses=[OUTSIDE])
        assert workspace.ip_access_lists.get(list_id).ip_access_list.ip_addresses == [OUTSIDE, HERE]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("addresses", "says"), [(["x"], "not an IPv4"), (["::1"], "not an IPv4"), ([HERE] * 1001, "at most 1000")]
    )
    def test_what_is_no_list_is_refused(self, addresses: list[str], says: str, workspace: WorkspaceClient) -> None:
        with pytest.raises(DatabricksError, match=says):
            add(workspace, api.ListType.ALLOW, *addresses)


class TestSettings:
    def test_what_was_never_set_is_left_out(self, workspace: WorkspaceClient) -> None:
        workspace.workspace_conf.set_status({"enableTokensConfig": "false"})
        found: Any = workspace.workspace_conf.get_status("enableTokensConfig,maxTokenLifetimeDays")
        assert found == {"enableTokensConfig": "false"}
        with pytest.raises(BadRequest, match="Invalid keys: nothing"):
            workspace.workspace_conf.set_status({"nothing": "true"})

    def test_a_setting_needs_the_latest_etag_and_goes_back_when_it_is_deleted(self, workspace: WorkspaceClient) -> None:
        admins = workspace.settings.restrict_workspace_admins
        restrict = api.RestrictWorkspaceAdminsMessage(
            status=api.RestrictWorkspaceAdminsMessageStatus.RESTRICT_TOKENS_AND_JOB_RUN_AS
        )

        def put(etag: str | None) -> Any:
            setting = api.RestrictWorkspaceAdminsSetting(restrict_workspace_admins=restrict, etag=etag)
            return admins.update(allow_missing=True, setting=setting, field_mask="restrict_workspace_admins")

        with pytest.raises(ResourceConflict):
            put("older")
        etag = put(admins.get().etag).etag
        assert admins.get().restrict_workspace_admins.status is restrict.status
        admins.delete(etag=etag)
        assert admins.get().restrict_workspace_admins.status is api.RestrictWorkspaceAdminsMessageStatus.ALLOW_ALL


def policy(name: str, address: str, *, dry_run: bool = False) -> dict[str, Any]:
    rule = {"origin": {"included_ip_ranges": {"ip_ranges": [address]}}}
    ingress = {"public_access": {"restriction_mode": "RESTRICTED_ACCESS", "allow_rules": [rule]}}
    return {"network_policy_id": name, "ingress_dry_run" if dry_run else "ingress": ingress}


class TestNetworkPolicies:
    def test_a_dry_run_refuses_nobody_and_an_enforced_one_does(
        self, sandbox: Sandbox, admin: AccountClient, workspace: WorkspaceClient
    ) -> None:
        endpoints = sandbox.endpoints
        policies = f"/api/2.0/accounts/{endpoints.account_id}/network-policies"
        turn = f"/api/2.0/accounts/{endpoints.account_id}/workspaces/{endpoints.workspace_id}/network"
        do = admin.api_client.do
        before = do("GET", turn)
        assert before["network_policy_id"] == "default-policy"
        do("POST", policies, body=policy("closed", OUTSIDE, dry_run=True))
        do("PUT", turn, body={"network_policy_id": "closed"})
        assert status(sandbox, workspace, HERE) == 200
        do("PUT", f"{policies}/closed", body=policy("closed", OUTSIDE))
        assert "ingress_dry_run" not in do("GET", f"{policies}/closed")
        with pytest.raises(PermissionDenied, match="blocked by the network policy"):
            workspace.current_user.me()
        with pytest.raises(BadRequest, match="is in use"):
            do("DELETE", f"{policies}/closed")
        do("PUT", turn, body={"network_policy_id": "default-policy"})
        assert status(sandbox, workspace, HERE) == 200
        do("DELETE", f"{policies}/closed")
        assert do("GET", turn) == before

    @pytest.mark.parametrize(
        ("changed", "says"),
        [
            ({"ingress": {"private_access": {"restriction_mode": "RESTRICTED_ACCESS"}}}, "says more"),
            ({"ingress": {"public_access": {"deny_rules": []}}}, "says more"),
            (policy("x", "10.0.0.0/8"), "is a private range"),
            ({"network_policy_id": ""}, "network_policy_id is required"),
        ],
    )
    def test_what_the_double_does_not_know_is_refused(
        self, changed: dict[str, Any], says: str, sandbox: Sandbox, admin: AccountClient
    ) -> None:
        path = f"/api/2.0/accounts/{sandbox.endpoints.account_id}/network-policies"
        with pytest.raises(BadRequest, match=says):
            admin.api_client.do("POST", path, body={"network_policy_id": "x", **changed})
