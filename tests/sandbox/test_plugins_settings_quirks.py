"""The quirks of the databricks plugin over settings and the network that decide what a destroy leaves, one test each.

The requests follow the source of the Terraform provider that the plugin is made of.
"""

from typing import Any

import pytest
from support.played_vendor import plugin

A = "/api/2.0/accounts/acc"
CONF = "databricks:index/workspaceConf:WorkspaceConf"
LIST = "databricks:index/ipAccessList:IpAccessList"
ADMINS = "databricks:index/restrictWorkspaceAdminsSetting:RestrictWorkspaceAdminsSetting"
TURN = "databricks:index/workspaceNetworkOption:WorkspaceNetworkOption"
POLICY = "databricks:index/accountNetworkPolicy:AccountNetworkPolicy"


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        pytest.param({"enableIpAccessLists": "true"}, {"enableIpAccessLists": "false"}, id="opens the workspace"),
        pytest.param({"enableTokensConfig": "false"}, {"enableTokensConfig": "false"}, id="leaves tokens off"),
        pytest.param({"maxTokenLifetimeDays": "7"}, {}, id="leaves a number"),
    ],
)
async def test_deleting_a_configuration_sends_false(kept: dict[str, str], sent: dict[str, str]) -> None:
    it = await plugin(CONF, {"PATCH /api/2.0/workspace-conf": {}}, "workspace")
    await it.delete("_", {"customConfig": kept})
    assert it.calls[-1] == ("PATCH", "/api/2.0/workspace-conf", sent)


async def test_taking_a_key_out_of_a_configuration_sends_false_too() -> None:
    """So keys that must stay when they are no longer managed need a resource each."""
    it = await plugin(CONF, {"PATCH /api/2.0/workspace-conf": {}}, "workspace")
    before = {"enableIpAccessLists": "true", "enableTokensConfig": "false", "maxTokenLifetimeDays": "7"}
    await it.update("_", {"customConfig": before}, {"customConfig": {"enableTokensConfig": "false"}})
    sent = {"enableIpAccessLists": "false", "maxTokenLifetimeDays": "", "enableTokensConfig": "false"}
    assert it.calls[-1] == ("PATCH", "/api/2.0/workspace-conf", sent)


async def test_a_new_list_cannot_be_made_switched_off() -> None:
    """So a list has no dry run."""
    answer = {"ip_access_list": {"list_id": "7", "label": "x", "list_type": "ALLOW", "enabled": True}}
    it = await plugin(LIST, {"POST /api/2.0/ip-access-lists": answer}, "workspace")
    await it.create({"label": "x", "listType": "ALLOW", "ipAddresses": ["203.0.113.7"], "enabled": False})
    _, _, body = it.calls[-1]
    assert body == {"label": "x", "list_type": "ALLOW", "ip_addresses": ["203.0.113.7"]}


async def test_deleting_a_setting_deletes_it_at_the_vendor() -> None:
    path = "/api/2.0/settings/types/restrict_workspace_admins/names/default"
    it = await plugin(ADMINS, {f"GET {path}": {"etag": "7"}, f"DELETE {path}": {"etag": "8"}}, "workspace")
    await it.delete("global", {"restrictWorkspaceAdmins": {"status": "RESTRICT_TOKENS_AND_JOB_RUN_AS"}})
    assert [call[0] for call in it.calls] == ["GET", "DELETE"]


async def test_deleting_a_workspaces_turn_to_a_policy_asks_nothing() -> None:
    it = await plugin(TURN, {}, "account")
    await it.delete("7", {"workspaceId": "7", "networkPolicyId": "x"})
    assert it.calls == []


async def test_a_change_of_a_policy_replaces_all_of_it() -> None:
    """A part that is left out is gone: no ingress is left over when an enforced policy becomes a dry run."""
    path = f"{A}/network-policies/x"
    it = await plugin(POLICY, {f"PUT {path}": {"network_policy_id": "x"}}, "account")
    access: dict[str, Any] = {"publicAccess": {"restrictionMode": "RESTRICTED_ACCESS"}}
    before, after = ({"networkPolicyId": "x", name: access} for name in ("ingress", "ingressDryRun"))
    await it.update("x", before, after)
    wire = {"public_access": {"restriction_mode": "RESTRICTED_ACCESS"}}
    assert it.calls[-1] == ("PUT", path, {"network_policy_id": "x", "ingress_dry_run": wire})
