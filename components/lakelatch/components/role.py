"""A group with what its members may do in one workspace."""

from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import (
    WorkspaceProvider,
    account_provider,
    known_later,
    require,
    workspace_provider,
)
from lakelatch.components.group import AccountGroup, GroupChoice, group_findings, group_name
from lakelatch.components.rights import UnityCatalogGrant, make_entitlements, make_grants, right_findings
from lakelatch.errors import Finding


class WorkspaceRoleArgs(TypedDict):
    """Who is in it, and what comes with it."""

    group: GroupChoice
    """The group of the account that stands for the role."""
    workspace_id: str
    """The numeric id of the workspace, as text."""
    members: NotRequired[dict[str, pulumi.Input[str]]]
    """Who is in it besides others: a name that never changes, to the numeric id of a user, principal or group."""
    entitlements: NotRequired[list[str]]
    """All entitlements that the group has in the workspace: workspace-access, databricks-sql-access,
    allow-cluster-create, allow-instance-pool-create or workspace-consume. Left out: they are not touched."""
    grants: NotRequired[list[UnityCatalogGrant]]
    """Unity Catalog privileges that the group holds; those of others are not touched."""
    workspace_provider: NotRequired[WorkspaceProvider]
    """A databricks provider of the workspace, needed for entitlements and grants."""


class WorkspaceRole(pulumi.ComponentResource):
    """A group of the account, assigned to a workspace, with entitlements and Unity Catalog grants there.

    Needs an account-level databricks provider in `opts`.
    """

    group_id: pulumi.Output[str]
    """The group's numeric id, as text; known when it is assigned to the workspace."""
    group_name: pulumi.Output[str]
    """The group's name."""

    def __init__(self, name: str, args: WorkspaceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:WorkspaceRole", name, None, opts)
        account = account_provider(self)
        require("WorkspaceRole", name, [*(known_later(args, ("members",)) or self._findings(args)), *account])
        import pulumi_databricks as databricks

        here = pulumi.ResourceOptions(parent=self)
        group = AccountGroup(name, {"group": args["group"], "members": args.get("members") or {}}, here)
        assignment = databricks.MwsPermissionAssignment(
            name,
            principal_id=group.group_id,
            workspace_id=args["workspace_id"],
            permissions=["USER"],
            # A change replaces it, and the plugin's order (PUT the new, DELETE the same principal) would end with none.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        in_workspace = pulumi.ResourceOptions(
            parent=self, provider=args.get("workspace_provider"), depends_on=[assignment]
        )
        if (entitlements := args.get("entitlements")) is not None:
            make_entitlements(name, entitlements, {"group_id": group.group_id}, in_workspace)
        make_grants(name, group_name(args["group"]), args.get("grants") or [], in_workspace)
        self.group_id = pulumi.Output.all(group.group_id, assignment.id).apply(lambda ids: str(ids[0]))
        self.group_name = group.group_name
        self.register_outputs({"group_id": self.group_id, "group_name": self.group_name})

    def _findings(self, args: WorkspaceRoleArgs) -> list[Finding]:
        entitlements, grants = args.get("entitlements"), args.get("grants") or []
        needed_by = "entitlements and grants" if entitlements is not None or grants else None
        account = self.get_provider("databricks:index/group:Group")
        findings = [*group_findings(args["group"]), *workspace_findings(args["workspace_id"])]
        return [
            *findings,
            *right_findings(entitlements or [], grants),
            *workspace_provider(args.get("workspace_provider"), needed_by, account),
        ]


def workspace_findings(workspace_id: str) -> list[Finding]:
    """What is wrong with the id of a workspace."""
    if workspace_id.isdecimal():
        return []
    return [Finding("workspace_id", "is not a number", "write the number in the workspace's address, as text")]
