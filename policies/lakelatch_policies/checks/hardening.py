"""Databricks settings that decide about access, and hazards of the provider that lose it."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import types
from lakelatch_policies.judges.hardening import (
    LEGACY,
    LETS,
    address_list,
    assigned,
    conf,
    ingress,
    replaced_safely,
    token_rights,
)
from lakelatch_policies.reading import must_be, one_of, present

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
        "Give the resource `delete_before_replace=True`. A state does not keep that: switch the check off where "
        "`pulumi policy analyze` reads one.",
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
