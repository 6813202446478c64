"""The network policy of an account that says from where one workspace is reached."""

import re
from typing import Any, NotRequired, TypedDict

import pulumi

from lakelatch.errors import Finding

DRY_RUN, ENFORCED, RELEASED = STATES = ("dry-run", "enforced", "released")
DEFAULT_POLICY = "default-policy"
"""What a workspace has that was never given another one; it cannot be deleted."""
_TAKEN = (DEFAULT_POLICY, "account-policy")
"""Of all other workspaces, and of the account itself: closing these would shut out everybody."""
_EGRESS = ("FULL_ACCESS", "RESTRICTED_ACCESS")
_POLICY_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


class WorkspaceNetworkPolicy(TypedDict):
    """A policy of this workspace alone; it takes the place of the one that the workspace has."""

    account_id: str
    """The account's id, a UUID."""
    policy_id: str
    """Its id: 2 to 63 of 0-9, a-z and hyphen; never changes."""
    egress: str
    """What serverless compute may reach in the internet, since one policy rules both ways and there is no safe
    default: FULL_ACCESS, or RESTRICTED_ACCESS for nothing but `egress_hosts` and Unity Catalog's locations."""
    egress_hosts: NotRequired[list[str]]
    """Names of hosts in the internet that serverless compute may reach nevertheless."""
    state: NotRequired[str]
    """`dry-run` (unless told): requests from elsewhere are logged, not refused. `enforced`: they are refused.
    `released`: the workspace goes back to `released_to`; do that before the component is destroyed."""
    released_to: NotRequired[str]
    """The policy that the workspace had before; `default-policy` unless told."""


def state_of(policy: WorkspaceNetworkPolicy) -> str:
    """What the policy does now."""
    return policy.get("state") or DRY_RUN


def network_policy_findings(policy: WorkspaceNetworkPolicy) -> list[Finding]:
    """Everything that is wrong with a policy."""
    at, found = "network_policy", []
    if not policy["account_id"].strip():
        found.append(Finding(f"{at}.account_id", "is empty", "write the account's id"))
    if not _POLICY_ID.fullmatch(policy["policy_id"]) or policy["policy_id"] in _TAKEN:
        expected = f"use 2 to 63 of 0-9, a-z and hyphen, and not {' or '.join(_TAKEN)}, which others have too"
        found.append(Finding(f"{at}.policy_id", "is not the id of a policy of its own", expected))
    if policy["egress"] not in _EGRESS:
        found.append(Finding(f"{at}.egress", "is not a restriction mode", f"use one of {', '.join(_EGRESS)}"))
    elif policy["egress"] == "FULL_ACCESS" and policy.get("egress_hosts"):
        found.append(Finding(f"{at}.egress_hosts", "stands beside FULL_ACCESS", "leave it out, or restrict egress"))
    if state_of(policy) not in STATES:
        found.append(Finding(f"{at}.state", "is not a state", f"use one of {', '.join(STATES)}"))
    if policy.get("released_to") == policy["policy_id"]:
        found.append(Finding(f"{at}.released_to", "is this policy", "name the one that the workspace had before"))
    return found


def make_network_policy(
    name: str,
    policy: WorkspaceNetworkPolicy,
    workspace_id: str,
    addresses: pulumi.Output[list[str]],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """The policy, and the workspace's turn to it.

    Both are protected until they are released: the plugin does nothing when it deletes the turn, so that a destroy
    would leave the workspace with a policy that is gone, or that cannot go.
    """
    import pulumi_databricks as databricks

    state = state_of(policy)
    held = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True if state != RELEASED else None))
    ingress = _ingress(addresses)
    made = databricks.AccountNetworkPolicy(
        name,
        account_id=policy["account_id"],  # left out, the plugin reports an inconsistent result
        network_policy_id=policy["policy_id"],
        egress=_egress(policy),
        ingress=ingress if state == ENFORCED else None,
        # Released it is a dry run too: a refusal must not begin on the way out.
        ingress_dry_run=None if state == ENFORCED else ingress,
        opts=held,
    )
    turn_to = policy.get("released_to") or DEFAULT_POLICY if state == RELEASED else policy["policy_id"]
    turned = databricks.WorkspaceNetworkOption(
        name,
        workspace_id=workspace_id,
        network_policy_id=turn_to,
        opts=pulumi.ResourceOptions.merge(held, pulumi.ResourceOptions(depends_on=[made])),
    )
    return [made, turned]


def _ingress(addresses: pulumi.Output[list[str]]) -> Any:
    """From the internet only these addresses. Private endpoints are the network's own to restrict."""
    rule = {
        "label": "lakelatch",
        "origin": {"included_ip_ranges": {"ip_ranges": addresses}},
        "destination": {"all_destinations": True},
    }
    return {"public_access": {"restriction_mode": "RESTRICTED_ACCESS", "allow_rules": [rule]}}


def _egress(policy: WorkspaceNetworkPolicy) -> Any:
    access: dict[str, Any] = {"restriction_mode": policy["egress"]}
    if hosts := policy.get("egress_hosts"):
        access["allowed_internet_destinations"] = [
            {"destination": host, "internet_destination_type": "DNS_NAME"} for host in sorted(set(hosts))
        ]
    if policy["egress"] == "RESTRICTED_ACCESS":
        access["policy_enforcement"] = {"enforcement_mode": "ENFORCED"}
    return {"network_access": access}
