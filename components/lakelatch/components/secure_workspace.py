"""A workspace that only the gateway and its operators reach, without the old ways round federation."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.addresses import address_findings, together
from lakelatch.components.arguments import (
    WorkspaceProvider,
    account_provider,
    known_later,
    require,
    workspace_provider,
)
from lakelatch.components.network_policy import (
    ENFORCED,
    WorkspaceNetworkPolicy,
    make_network_policy,
    network_policy_findings,
    state_of,
)
from lakelatch.components.role import workspace_findings
from lakelatch.errors import Finding

IP_ACCESS_LIST, TOKENS, ADMINS, LEGACY_ACCESS, LEGACY_DBFS = PARTS = (
    "ip-access-list",
    "tokens",
    "admins",
    "legacy-access",
    "legacy-dbfs",
)
_NEEDED = ("gateway_addresses", "operator_addresses")


class SecureWorkspaceArgs(TypedDict):
    """From where a workspace is reached, and which of its settings are left alone."""

    workspace_id: str
    """The numeric id of the workspace, as text."""
    gateway_addresses: list[pulumi.Input[str]]
    """IPv4 addresses or ranges that the gateway calls Databricks from."""
    operator_addresses: list[pulumi.Input[str]]
    """IPv4 addresses or ranges that this program runs from, and administrators in an emergency. Without its caller
    Databricks refuses the list, so that nobody shuts himself out."""
    compute_addresses: NotRequired[list[pulumi.Input[str]]]
    """IPv4 addresses or ranges that classic compute calls the control plane from, unless it goes by Private Link: else
    no cluster starts."""
    network_policy: NotRequired[WorkspaceNetworkPolicy]
    """A network policy of the account beside the IP access list, tried before it is enforced."""
    without: NotRequired[list[str]]
    """What the component leaves alone: ip-access-list (only with a network policy), tokens, admins, legacy-access or
    legacy-dbfs. Left out: nothing."""
    workspace_provider: NotRequired[WorkspaceProvider]
    """A databricks provider of the workspace; required."""


class SecureWorkspace(pulumi.ComponentResource):
    """One workspace closed to all but the gateway and its operators: IP access list or network policy, no personal
    access tokens, administrators who cannot make tokens for or run jobs as others, no legacy access and no DBFS root.

    Destroyed, the IP access list goes, and whatever other lists there are stay in force; settings stay as they are,
    because the plugin would put them to the vendor's defaults, whatever they were before. A network policy is protected
    until its state is `released`. Needs an account-level databricks provider in `opts` for a network policy.
    """

    addresses: pulumi.Output[list[str]]
    """All addresses that may reach the workspace, sorted."""
    closed: pulumi.Output[list[str]]
    """What is closed: ip-access-list, tokens, admins, legacy-access, legacy-dbfs, and network-policy once enforced."""

    def __init__(self, name: str, args: SecureWorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:SecureWorkspace", name, None, opts)
        require("SecureWorkspace", name, known_later(args, (*_NEEDED, "compute_addresses")) or self._findings(args))
        policy, parts = args.get("network_policy"), [part for part in PARTS if part not in (args.get("without") or ())]
        self.addresses = together(_lists(args), public=policy is not None)
        enforced = policy is not None and state_of(policy) == ENFORCED
        before = self._network(name, args, policy, []) if policy is not None and not enforced else []
        in_workspace = pulumi.ResourceOptions(parent=self, provider=args.get("workspace_provider"), depends_on=before)
        made = _make_settings(name, parts, in_workspace)
        if IP_ACCESS_LIST in parts:
            made += _make_list(name, self.addresses, in_workspace)
        if policy is not None and enforced:
            self._network(name, args, policy, made)
        self.closed = pulumi.Output.from_input([*parts, *(["network-policy"] if enforced else [])])
        self.register_outputs({"addresses": self.addresses, "closed": self.closed})

    def _network(
        self, name: str, args: SecureWorkspaceArgs, policy: WorkspaceNetworkPolicy, after: list[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        """Closed last and opened first, so that a run that is shut out of the workspace can still open it."""
        here = pulumi.ResourceOptions(parent=self, depends_on=after)
        return make_network_policy(name, policy, args["workspace_id"], self.addresses, here)

    def _findings(self, args: SecureWorkspaceArgs) -> list[Finding]:
        policy, without = args.get("network_policy"), args.get("without") or []
        has_policy = policy is not None
        account = self.get_provider("databricks:index/any:Any") if has_policy else None
        return [
            *workspace_findings(args["workspace_id"]),
            *address_findings(_lists(args), _NEEDED, public=has_policy),
            *(network_policy_findings(policy) if policy is not None else []),
            *_without_findings(without, has_policy),
            *(account_provider(self) if has_policy else []),
            *workspace_provider(args.get("workspace_provider"), "its settings", account),
        ]


def _lists(args: SecureWorkspaceArgs) -> dict[str, Sequence[pulumi.Input[str]]]:
    return {
        "gateway_addresses": args["gateway_addresses"],
        "operator_addresses": args["operator_addresses"],
        "compute_addresses": args.get("compute_addresses") or [],
    }


def _without_findings(without: list[str], has_policy: bool) -> list[Finding]:
    found = [
        Finding(f"without[{index}]", "is not a part", f"use one of {', '.join(PARTS)}")
        for index, part in enumerate(without)
        if part not in PARTS
    ]
    if IP_ACCESS_LIST in without and not has_policy:
        at = f"without[{without.index(IP_ACCESS_LIST)}]"
        found.append(Finding(at, "leaves the workspace open to every address", "give it a network_policy"))
    return found


def _kept(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Left as they are when they are no longer managed.

    The plugin would send "false" for a key of `WorkspaceConf`, which for `enableIpAccessLists` opens the workspace past
    everybody's lists, and delete other settings, which puts them to the vendor's permissive defaults.
    """
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))


def _make_list(name: str, addresses: pulumi.Output[list[str]], opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The switch, then the list: switched on, Databricks refuses a list that leaves out its caller."""
    import pulumi_databricks as databricks

    # A resource for each key, since the plugin sends "false" for one that is taken out of a map.
    switch = databricks.WorkspaceConf(
        f"{name}/ip-access-lists", custom_config={"enableIpAccessLists": "true"}, opts=_kept(opts)
    )
    allowed = databricks.IpAccessList(
        name,
        label=f"lakelatch-{name}",
        list_type="ALLOW",
        ip_addresses=addresses,
        enabled=True,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[switch])),
    )
    return [switch, allowed]


def _make_settings(name: str, parts: Sequence[str], opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    import pulumi_databricks as databricks

    kept = _kept(opts)
    restricted = {"status": "RESTRICT_TOKENS_AND_JOB_RUN_AS"}
    makers: dict[str, Callable[[], pulumi.Resource]] = {
        TOKENS: lambda: databricks.WorkspaceConf(
            f"{name}/tokens", custom_config={"enableTokensConfig": "false"}, opts=kept
        ),
        ADMINS: lambda: databricks.RestrictWorkspaceAdminsSetting(
            name, restrict_workspace_admins=restricted, opts=kept
        ),
        LEGACY_ACCESS: lambda: databricks.DisableLegacyAccessSetting(
            name, disable_legacy_access={"value": True}, opts=kept
        ),
        LEGACY_DBFS: lambda: databricks.DisableLegacyDbfsSetting(name, disable_legacy_dbfs={"value": True}, opts=kept),
    }
    return [make() for part, make in makers.items() if part in parts]
