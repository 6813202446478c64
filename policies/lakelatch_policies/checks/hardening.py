"""Databricks settings that decide about access, and hazards of the provider that lose it."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check, Finding, Judge, Resource, Settings
from lakelatch_policies.checks import types
from lakelatch_policies.groups import Group
from lakelatch_policies.reading import at, items, must_be, one_of, present

WIDEST: Final = 8
"""Prefix length below which a range is no range of anybody's: no organisation has more than a /8."""
LETS: Final = "lets them"
EVERYBODY: Final = frozenset({"users", "account users"})
LEGACY: Final = {
    f"databricks:index/disableLegacy{what}Setting:DisableLegacy{what}Setting": f"disableLegacy{what}.value"
    for what in ("Access", "Dbfs", "Features")
}


def conf(key: str, right: bool, reason: str) -> Judge:
    """A switch of a workspace, where this resource sets it."""
    return must_be(f"customConfig.{key}", right, reason)


def address_list(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A list that lets in: in force, and no range of half the world."""
    if at(resource.props, "listType") == "ALLOW":
        yield from must_be("enabled", True, "is off, so every address may come")(resource, _)
        for index, value in enumerate(items(at(resource.props, "ipAddresses"))):
            if _too_wide(str(value)):
                yield f"ipAddresses.{index}", "is half the world, or more"


def _too_wide(text: str) -> bool:
    from ipaddress import ip_network  # loaded where it is needed

    try:
        return ip_network(text, strict=False).prefixlen < WIDEST
    except ValueError:
        return False  # the API refuses it


def ingress(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Who reaches the account's workspaces: restricted, and no rule that names every address."""
    if at(resource.props, "ingress") is None:
        return
    place = "ingress.publicAccess"
    if at(resource.props, f"{place}.restrictionMode") != "RESTRICTED_ACCESS":
        yield f"{place}.restrictionMode", "lets every address in"
    for index, rule in enumerate(items(at(resource.props, f"{place}.allowRules"))):
        ranges = items(at(rule, "origin.includedIpRanges.ipRanges"))
        if at(rule, "origin.allIpRanges") or any(_too_wide(str(one)) for one in ranges):
            yield f"{place}.allowRules.{index}.origin", "lets every address in"


def token_rights(resource: Resource, _: Settings) -> Iterator[Finding]:
    """Who may have tokens: not everybody."""
    if at(resource.props, "authorization") in ("tokens", "passwords"):
        for index, rule in enumerate(items(at(resource.props, "accessControls"))):
            if at(rule, "groupName") in EVERYBODY:
                yield f"accessControls.{index}.groupName", "is everybody, so everybody may make a token"


def replaced_safely(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A replacement puts the new grant, then deletes it by the old one's address: the principal ends without."""
    if resource.registered and resource.opts.delete_before_replace is not True:
        yield "", "is replaced by putting the new grant and deleting it again; set `delete_before_replace=True`"


def assigned(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A role of the whole account."""
    if str(at(resource.props, "role") or "").rpartition("/")[2] in ("account_admin", "account admin"):
        yield "role", "is the whole account, for a machine"


CHECKS: Final = (
    Check(
        "workspace-tokens",
        "A workspace has no personal access tokens.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, workspace settings, `enableTokensConfig`",
        'Set `enableTokensConfig` to `"false"`. It stays so when the resource is deleted.',
        {types.WORKSPACE_CONF: conf("enableTokensConfig", False, "lets people make tokens that live on")},
    ),
    Check(
        "workspace-addresses",
        "A workspace looks at the addresses that requests come from.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, IP access lists; SAT NS-5",
        'Set `enableIpAccessLists` to `"true"`, and a list with the gateway\'s addresses.',
        {types.WORKSPACE_CONF: conf("enableIpAccessLists", True, "is off, so a way round the gateway is open")},
    ),
    Check(
        "workspace-audit",
        "A workspace writes verbose audit logs.",
        ADVISORY,
        Severity.LOW,
        "Databricks, verbose audit logs; SAT GOV-15",
        'Set `enableVerboseAuditLogs` to `"true"`.',
        {types.WORKSPACE_CONF: conf("enableVerboseAuditLogs", True, "is off")},
    ),
    Check(
        "address-list",
        "A list of allowed addresses is in force, and names somebody's.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, IP access lists; SAT NS-8",
        "List the gateway's and the administrators' addresses.",
        {"databricks:index/ipAccessList:IpAccessList": address_list},
    ),
    Check(
        "network-policy",
        "A network policy lets in chosen addresses only.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, account network policies, ingress; SAT NS-12",
        "Set `restriction_mode` to RESTRICTED_ACCESS and allow the gateway's addresses; try it by `ingress_dry_run`.",
        {"databricks:index/accountNetworkPolicy:AccountNetworkPolicy": ingress},
    ),
    Check(
        "admin-restriction",
        "Workspace administrators cannot make tokens for, or run as, any service principal.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, restrict workspace admins; SAT GOV-35",
        "Set the status to RESTRICT_TOKENS_AND_JOB_RUN_AS.",
        {
            "databricks:index/restrictWorkspaceAdminsSetting:RestrictWorkspaceAdminsSetting": one_of(
                "restrictWorkspaceAdmins.status", ("RESTRICT_TOKENS_AND_JOB_RUN_AS",), LETS, LETS
            ),
            "databricks:index/workspaceSettingV2:WorkspaceSettingV2": one_of(
                "restrictWorkspaceAdmins.status", ("RESTRICT_TOKENS_AND_JOB_RUN_AS",), LETS
            ),
        },
    ),
    Check(
        "legacy-features",
        "Legacy access, DBFS and features are off.",
        MANDATORY,
        Severity.MEDIUM,
        "Databricks, disable legacy features; SAT GOV-37",
        "Set the value to true.",
        {token: must_be(path, True, "leaves them on", absent=True) for token, path in LEGACY.items()},
    ),
    Check(
        "token-rights",
        "Not everybody may have tokens.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, token permissions; SAT IA-8",
        "Name the one group that needs them, until it federates.",
        {"databricks:index/permissions:Permissions": token_rights},
    ),
    Check(
        "assignment-replacement",
        "A workspace assignment survives a change of its permissions.",
        MANDATORY,
        Severity.HIGH,
        "Seen with databricks 1.106: PUT of the new, DELETE of the same principal",
        "Give the resource `delete_before_replace=True`.",
        {types.WORKSPACE_ASSIGNMENT: replaced_safely},
    ),
    Check(
        "principal-deletion",
        "A service principal says what its deletion does.",
        ADVISORY,
        Severity.LOW,
        "Seen with databricks 1.106: deletion only deactivates, unless told otherwise at creation",
        "Set `disable_as_user_deletion`, at creation: true deactivates, false deletes.",
        {
            "databricks:index/servicePrincipal:ServicePrincipal": present(
                "disableAsUserDeletion", "is not set: deleting only deactivates, and setting it later does nothing"
            )
        },
    ),
    Check(
        "account-administrator",
        "No service principal administers the account.",
        ADVISORY,
        Severity.MEDIUM,
        "Databricks, service principals page: least privilege",
        "Give it the roles it needs; keep the one that deploys in a stack of its own.",
        {"databricks:index/servicePrincipalRole:ServicePrincipalRole": assigned},
    ),
)

GROUP: Final = Group(
    "hardening",
    "A closed workspace",
    "Account and workspace leave no way round the gateway, and no access is lost by accident.",
    "Set what the finding names.",
    CHECKS,
)
