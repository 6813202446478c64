"""The Databricks side of a service: a service principal that works in one workspace."""

from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import (
    WorkspaceProvider,
    account_provider,
    known_later,
    require,
    workspace_provider,
)
from lakelatch.components.rights import UnityCatalogGrant, make_entitlements, make_grants, right_findings
from lakelatch.components.role import workspace_findings
from lakelatch.errors import Finding


class ServiceIdentityArgs(TypedDict):
    """Who a service is in Databricks."""

    display_name: str
    """The name that people see in the account console."""
    workspace_id: str
    """The numeric id of the workspace that it works in, as text."""
    application_id: NotRequired[pulumi.Input[str]]
    """Client id of an application in Entra ID: the principal is then one that Entra manages (Azure only). Left out: it
    is Databricks' own."""
    adopt: NotRequired[bool]
    """False by default: the principal is made. True: the one with `application_id` is there already; it is found, its
    name and state are not touched, and it stays when this is destroyed."""
    keep_on_destroy: NotRequired[bool]
    """False by default: destroying deletes the principal. True only deactivates it. Counts from its creation on: the
    databricks plugin ignores a later change."""
    groups: NotRequired[dict[str, pulumi.Input[str]]]
    """Groups that it is a member of: a name that never changes, to the numeric id of a group of the account."""
    entitlements: NotRequired[list[str]]
    """All entitlements of its own in the workspace, beside those of its groups. Left out: they are not touched."""
    grants: NotRequired[list[UnityCatalogGrant]]
    """Unity Catalog privileges of its own, beside those of its groups; those of others are not touched."""
    workspace_provider: NotRequired[WorkspaceProvider]
    """A databricks provider of the workspace, needed for entitlements and grants."""


class ServiceIdentity(pulumi.ComponentResource):
    """A service principal without any secret, assigned to a workspace as a user.

    Rights are best held by groups, which say what for; `entitlements` and `grants` are for what one service alone has.
    Needs an account-level databricks provider in `opts`.
    """

    service_principal_id: pulumi.Output[str]
    """Its numeric id, as text; what federation policies and memberships name. Known when it is assigned."""
    application_id: pulumi.Output[str]
    """Its UUID: the `client_id` of a token exchange, and its user name in SQL."""

    def __init__(self, name: str, args: ServiceIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:ServiceIdentity", name, None, opts)
        wrong = known_later(args, ("application_id", "groups")) or self._findings(args)
        require("ServiceIdentity", name, [*wrong, *account_provider(self)])
        self.service_principal_id, self.application_id = make_identity(name, args, self)
        self.register_outputs(
            {"service_principal_id": self.service_principal_id, "application_id": self.application_id}
        )

    def _findings(self, args: ServiceIdentityArgs) -> list[Finding]:
        findings = workspace_findings(args["workspace_id"])
        if not args["display_name"].strip():
            findings.append(Finding("display_name", "is empty", "write the name that people are to see"))
        if args.get("adopt"):
            if not args.get("application_id"):
                expected = "say which principal to adopt by its application_id; names are not unique"
                findings.append(Finding("application_id", "is missing", expected))
            if "keep_on_destroy" in args:
                expected = "remove it: an adopted principal stays in any case"
                findings.append(Finding("keep_on_destroy", "stands beside adopt", expected))
        entitlements, grants = args.get("entitlements"), args.get("grants") or []
        needed_by = "entitlements and grants" if entitlements is not None or grants else None
        account = self.get_provider("databricks:index/servicePrincipal:ServicePrincipal")
        return [
            *findings,
            *right_findings(entitlements or [], grants),
            *workspace_provider(args.get("workspace_provider"), needed_by, account),
        ]


def make_identity(
    name: str, args: ServiceIdentityArgs, parent: pulumi.Resource
) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The resources of a service principal, below any component; its numeric id (known when it is assigned) and its
    application id."""
    import pulumi_databricks as databricks

    here = pulumi.ResourceOptions(parent=parent)
    principal_id, application_id = _principal(name, args, here)
    assignment = databricks.MwsPermissionAssignment(
        name,
        principal_id=principal_id,
        workspace_id=args["workspace_id"],
        permissions=["USER"],
        # A change replaces it, and the plugin's order (PUT the new, DELETE the same principal) would end with none.
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
    for key, group_id in (args.get("groups") or {}).items():
        databricks.GroupMember(f"{name}/{key}", group_id=group_id, member_id=principal_id, opts=here)
    in_workspace = pulumi.ResourceOptions(
        parent=parent, provider=args.get("workspace_provider"), depends_on=[assignment]
    )
    if (entitlements := args.get("entitlements")) is not None:
        make_entitlements(name, entitlements, {"service_principal_id": principal_id}, in_workspace)
    make_grants(name, application_id, args.get("grants") or [], in_workspace)
    # Whoever uses the id waits for the assignment too: a workspace refuses a principal that is not assigned to it.
    assigned_id = pulumi.Output.all(principal_id, assignment.id).apply(lambda ids: str(ids[0]))
    return assigned_id, application_id


def _principal(
    name: str, args: ServiceIdentityArgs, here: pulumi.ResourceOptions
) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """The numeric id and the application id of the principal, made or found."""
    import pulumi_databricks as databricks

    if args.get("adopt"):
        found = databricks.get_service_principal_output(
            application_id=args["application_id"], opts=pulumi.InvokeOutputOptions(parent=here.parent)
        )
        return found.apply(lambda one: one.id), found.apply(lambda one: one.application_id)
    principal = databricks.ServicePrincipal(
        name,
        display_name=args["display_name"],
        application_id=args.get("application_id"),
        active=True,
        disable_as_user_deletion=bool(args.get("keep_on_destroy", False)),
        opts=here,
    )
    return principal.id, principal.application_id
