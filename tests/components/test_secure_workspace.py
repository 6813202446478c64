"""Proves what closes a workspace, in which order, what stays when it is destroyed, and what is refused beforehand."""

from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import ACCOUNT_ID, NETWORK_POLICY, build
from support.recorder import Deploy, Registered

from lakelatch.components.addresses import WIDEST, unfit
from lakelatch.components.arguments import ArgumentError

INGRESS = {
    "publicAccess": {
        "restrictionMode": "RESTRICTED_ACCESS",
        "allowRules": [
            {
                "label": "lakelatch",
                "origin": {"includedIpRanges": {"ipRanges": ["198.51.100.0/24", "203.0.113.7"]}},
                "destination": {"allDestinations": True},
            }
        ],
    }
}
WORKSPACE: dict[tuple[str, str], dict[str, Any]] = {
    ("WorkspaceConf", "app/ip-access-lists"): {"customConfig": {"enableIpAccessLists": "true"}},
    ("IpAccessList", "app"): {
        "label": "lakelatch-app",
        "listType": "ALLOW",
        "ipAddresses": ["198.51.100.0/24", "203.0.113.7"],
        "enabled": True,
    },
    ("WorkspaceConf", "app/tokens"): {"customConfig": {"enableTokensConfig": "false"}},
    ("RestrictWorkspaceAdminsSetting", "app"): {
        "restrictWorkspaceAdmins": {"status": "RESTRICT_TOKENS_AND_JOB_RUN_AS"}
    },
    ("DisableLegacyAccessSetting", "app"): {"disableLegacyAccess": {"value": True}},
    ("DisableLegacyDbfsSetting", "app"): {"disableLegacyDbfs": {"value": True}},
}
"""Everything that is made in the workspace unless told otherwise."""


def made(deploy: Deploy, **changed: Any) -> dict[tuple[str, str], Registered]:
    """The children by type and name."""
    rows = deploy(lambda: build("SecureWorkspace", **changed)).resources
    found = [row for row in rows if row.type.startswith("databricks:index/")]
    by_name = {(row.type.rpartition(":")[2], row.name): row for row in found}
    assert len(by_name) == len(found)
    return by_name


def inputs(rows: dict[tuple[str, str], Registered]) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: row.inputs for key, row in rows.items()}


def network(deploy: Deploy, **changed: Any) -> tuple[Registered, Registered]:
    """The network policy and the workspace's turn to it."""
    rows = made(deploy, network_policy={**NETWORK_POLICY, **changed})
    return rows["AccountNetworkPolicy", "app"], rows["WorkspaceNetworkOption", "app"]


class TestWorkspace:
    def test_everything_is_closed_unless_told_otherwise(self, deploy: Deploy) -> None:
        assert inputs(made(deploy, network_policy=None)) == WORKSPACE

    def test_it_needs_no_account_without_a_network_policy(self, deploy: Deploy) -> None:
        rows = deploy(lambda: build("SecureWorkspace", pulumi.ResourceOptions(), network_policy=None)).resources
        assert {row.provider for row in rows if row.type.startswith("databricks:index/")} == {"workspace"}

    @pytest.mark.parametrize(
        ("part", "gone"),
        [
            ("ip-access-list", {("WorkspaceConf", "app/ip-access-lists"), ("IpAccessList", "app")}),
            ("tokens", {("WorkspaceConf", "app/tokens")}),
            ("admins", {("RestrictWorkspaceAdminsSetting", "app")}),
            ("legacy-access", {("DisableLegacyAccessSetting", "app")}),
            ("legacy-dbfs", {("DisableLegacyDbfsSetting", "app")}),
        ],
    )
    def test_a_part_can_be_left_alone(self, part: str, gone: set[tuple[str, str]], deploy: Deploy) -> None:
        assert made(deploy).keys() - made(deploy, without=[part]).keys() == gone

    def test_the_switch_comes_before_the_list(self, deploy: Deploy) -> None:
        """Only then does Databricks refuse a list that leaves out its caller."""
        rows = made(deploy, network_policy=None)
        assert rows["IpAccessList", "app"].waits_for == {"WorkspaceConf app/ip-access-lists"}

    def test_there_is_one_list_with_all_addresses(self, deploy: Deploy) -> None:
        """Of several, the first without its caller would be refused."""
        rows = made(deploy, compute_addresses=["192.0.2.1", "203.0.113.7"])
        assert [key for key in rows if key[0] == "IpAccessList"] == [("IpAccessList", "app")]
        assert rows["IpAccessList", "app"].inputs["ipAddresses"] == ["192.0.2.1", "198.51.100.0/24", "203.0.113.7"]

    def test_settings_stay_when_they_are_destroyed_and_the_list_goes(self, deploy: Deploy) -> None:
        """The plugin would write "false" or delete, which opens more than was open before."""
        rows = made(deploy, network_policy=None)
        assert {key for key, row in rows.items() if not row.request.retainOnDelete} == {("IpAccessList", "app")}

    def test_no_resource_holds_two_keys(self, deploy: Deploy) -> None:
        """The plugin writes "false" for a key that is taken out of a map, retained or not."""
        confs = [row for key, row in made(deploy).items() if key[0] == "WorkspaceConf"]
        assert [len(row.inputs["customConfig"]) for row in confs] == [1, 1]

    @pytest.mark.parametrize(
        ("state", "closed"), [("dry-run", set()), ("enforced", {"network-policy"}), ("released", set())]
    )
    def test_it_tells_what_is_closed(self, state: str, closed: set[str], deploy: Deploy) -> None:
        policy = {**NETWORK_POLICY, "state": state}
        [outputs] = deploy(lambda: build("SecureWorkspace", network_policy=policy, without=["tokens"])).outputs.values()
        assert outputs["addresses"] == ["198.51.100.0/24", "203.0.113.7"]
        assert set(outputs["closed"]) == {"ip-access-list", "admins", "legacy-access", "legacy-dbfs"} | closed


class TestNetworkPolicy:
    def test_it_is_only_tried_unless_told_otherwise(self, deploy: Deploy) -> None:
        policy, turn = network(deploy)
        assert policy.inputs == {
            "accountId": ACCOUNT_ID,
            "networkPolicyId": "analytics",
            "egress": {"networkAccess": {"restrictionMode": "FULL_ACCESS"}},
            "ingressDryRun": INGRESS,
        }
        assert turn.inputs == {"workspaceId": "123", "networkPolicyId": "analytics"}
        assert turn.waits_for == {"AccountNetworkPolicy app"}
        assert (policy.provider, turn.provider) == ("account", "account")

    def test_enforced_it_refuses(self, deploy: Deploy) -> None:
        policy, _ = network(deploy, state="enforced")
        assert policy.inputs["ingress"] == INGRESS
        assert "ingressDryRun" not in policy.inputs

    @pytest.mark.parametrize(("before", "turned_to"), [(None, "default-policy"), ("older", "older")])
    def test_released_the_workspace_goes_back_and_nothing_is_refused(
        self, before: str | None, turned_to: str, deploy: Deploy
    ) -> None:
        policy, turn = network(deploy, state="released", **({"released_to": before} if before else {}))
        assert turn.inputs["networkPolicyId"] == turned_to
        assert "ingress" not in policy.inputs

    @pytest.mark.parametrize(("state", "protected"), [("dry-run", True), ("enforced", True), ("released", False)])
    def test_it_is_protected_until_it_is_released(self, state: str, protected: bool, deploy: Deploy) -> None:
        assert [row.request.protect for row in network(deploy, state=state)] == [protected, protected]

    @pytest.mark.parametrize("state", ["dry-run", "released"])
    def test_the_network_is_opened_first(self, state: str, deploy: Deploy) -> None:
        """Else a run that is shut out would fail at a setting before it could open the workspace."""
        rows = made(deploy, network_policy={**NETWORK_POLICY, "state": state})
        for key in WORKSPACE:
            assert "WorkspaceNetworkOption app" in rows[key].waits_for

    def test_the_network_is_closed_last(self, deploy: Deploy) -> None:
        policy, turn = network(deploy, state="enforced")
        everything = {" ".join(key) for key in WORKSPACE}
        assert policy.waits_for == everything
        assert turn.waits_for == everything | {"AccountNetworkPolicy app"}

    def test_egress_can_be_restricted(self, deploy: Deploy) -> None:
        policy, _ = network(deploy, egress="RESTRICTED_ACCESS", egress_hosts=["pypi.org", "files.example.com"])
        assert policy.inputs["egress"]["networkAccess"] == {
            "restrictionMode": "RESTRICTED_ACCESS",
            "allowedInternetDestinations": [
                {"destination": "files.example.com", "internetDestinationType": "DNS_NAME"},
                {"destination": "pypi.org", "internetDestinationType": "DNS_NAME"},
            ],
            "policyEnforcement": {"enforcementMode": "ENFORCED"},
        }


def policy(**changed: Any) -> dict[str, Any]:
    return {"network_policy": {**NETWORK_POLICY, **changed}}


REFUSALS: list[Any] = [
    pytest.param({"workspace_id": "x"}, "workspace_id: is not a number", id="workspace"),
    pytest.param({"gateway_addresses": []}, "gateway_addresses: is empty", id="no gateway"),
    pytest.param({"operator_addresses": []}, "operator_addresses: is empty; .*Databricks refuses", id="no operator"),
    pytest.param({"gateway_addresses": ["gateway.example.com"]}, r"gateway_addresses\[0\]: is not an IPv4", id="name"),
    pytest.param({"compute_addresses": ["203.0.113.1", "::1"]}, r"compute_addresses\[1\]: is not an IPv4", id="IPv6"),
    pytest.param({"operator_addresses": ["203.0.113.7/24"]}, "has bits beyond its prefix", id="bits"),
    pytest.param({"operator_addresses": ["203.0.113.0/255.255.255.0"]}, "has no prefix length", id="mask"),
    pytest.param({"operator_addresses": ["0.0.0.0/0"]}, "lets in far more", id="everybody"),
    pytest.param({"operator_addresses": ["64.0.0.0/2", "128.0.0.0/1"]}, r"\[1\]: lets in far more", id="halves"),
    pytest.param({"gateway_addresses": ["10.1.2.3"]}, "is private, which a network policy refuses", id="private"),
    pytest.param({"gateway_addresses": ["203.0.113.7"] * 1000}, "is one of 1001 addresses", id="1001"),
    pytest.param({"without": ["pats"]}, r"without\[0\]: is not a part; use one of ip-access-list", id="no part"),
    pytest.param(
        {"without": ["tokens", "ip-access-list"], "network_policy": None},
        r"without\[1\]: leaves the workspace open to every address",
        id="open",
    ),
    pytest.param(policy(account_id=" "), "network_policy.account_id: is empty", id="account"),
    pytest.param(policy(policy_id="default-policy"), "policy_id: is not the id of a policy of its own", id="default"),
    pytest.param(policy(policy_id="account-policy"), "policy_id: is not the id of a policy of its own", id="account's"),
    pytest.param(policy(policy_id="A"), "policy_id: is not the id", id="policy id"),
    pytest.param(policy(egress="OPEN"), "egress: is not a restriction mode", id="egress"),
    pytest.param(policy(egress_hosts=["a.example.com"]), "egress_hosts: stands beside FULL_ACCESS", id="hosts"),
    pytest.param(policy(state="on"), "state: is not a state; use one of dry-run, enforced, released", id="state"),
    pytest.param(policy(released_to="analytics"), "released_to: is this policy", id="released to itself"),
    pytest.param(
        {"without": pulumi.Output.from_input(["tokens"])}, "without: is known only later", id="parts known later"
    ),
]


class TestRefusals:
    @pytest.mark.parametrize(("changed", "says"), REFUSALS)
    def test_refusals(self, changed: dict[str, Any], says: str, deploy: Deploy) -> None:
        with pytest.raises(ArgumentError, match=says):
            deploy(lambda: build("SecureWorkspace", **changed))

    def test_all_mistakes_are_told_at_once(self, deploy: Deploy) -> None:
        bad = policy(egress="OPEN", state="on")
        with pytest.raises(ArgumentError) as caught:
            deploy(
                lambda: build(
                    "SecureWorkspace",
                    pulumi.ResourceOptions(),
                    workspace_id="x",
                    gateway_addresses=[],
                    operator_addresses=["a"],
                    without=["b"],
                    workspace_provider=None,
                    **bad,
                )
            )
        assert [finding.path for finding in caught.value.findings] == [
            "workspace_id",
            "gateway_addresses",
            "operator_addresses[0]",
            "network_policy.egress",
            "network_policy.state",
            "without[0]",
            "opts.providers",
            "workspace_provider",
        ]

    def test_a_private_address_may_stand_in_an_ip_access_list(self, deploy: Deploy) -> None:
        rows = made(deploy, network_policy=None, gateway_addresses=["10.1.2.3"])
        assert "10.1.2.3" in rows["IpAccessList", "app"].inputs["ipAddresses"]


class TestKnownLater:
    def test_an_address_of_the_same_program_is_taken(self, deploy: Deploy) -> None:
        def program() -> None:
            build("SecureWorkspace", gateway_addresses=[pulumi.Output.from_input("203.0.113.9")])

        addresses = deploy(program).one(":IpAccessList").inputs["ipAddresses"]
        assert addresses == ["198.51.100.0/24", "203.0.113.9"]

    @pytest.mark.parametrize("address", ["0.0.0.0/0", "10.1.2.3", "x"])
    def test_it_is_checked_as_soon_as_it_is_known(self, address: str, deploy: Deploy) -> None:
        def program() -> None:
            build("SecureWorkspace", gateway_addresses=[pulumi.Output.from_input(address)])

        with pytest.raises(ArgumentError, match=r"gateway_addresses\[0\]"):
            deploy(program)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_range_is_fit_exactly_when_it_is_narrow_enough(number: int, prefix: int) -> None:
    network = IPv4Network((number, prefix), strict=False)
    assert (unfit(str(network), public=False) is None) == (prefix >= WIDEST)


@given(st.text(max_size=20))
def test_no_text_breaks_the_check(text: str) -> None:
    reason = unfit(text, public=True)
    assert reason is not None or IPv4Network(text).prefixlen >= WIDEST
