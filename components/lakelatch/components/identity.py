"""The Databricks side of a service: a service principal that works in one workspace."""

from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import require
from lakelatch.errors import Finding


class ServiceIdentityArgs(TypedDict):
    """Who a service is in Databricks."""

    display_name: str
    """The name that people see in the account console."""
    workspace_id: str
    """The numeric id of the workspace that it works in, as text."""
    keep_on_destroy: NotRequired[bool]
    """False by default: destroying deletes the principal. True only deactivates it. Counts from its creation on: the
    databricks plugin ignores a later change."""


class ServiceIdentity(pulumi.ComponentResource):
    """A Databricks-managed service principal without any secret, assigned to a workspace as a user.

    Needs an account-level databricks provider.
    """

    service_principal_id: pulumi.Output[str]
    """Its numeric id, as text; what federation policies and memberships name."""
    application_id: pulumi.Output[str]
    """Its UUID: the `client_id` of a token exchange, and its user name in SQL."""

    def __init__(self, name: str, args: ServiceIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:ServiceIdentity", name, None, opts)
        if not args["workspace_id"].isdecimal():
            expected = "write the number in the workspace's address, as text"
            require("ServiceIdentity", name, [Finding("workspace_id", "is not a number", expected)])
        import pulumi_databricks as databricks

        principal = databricks.ServicePrincipal(
            name,
            display_name=args["display_name"],
            active=True,
            disable_as_user_deletion=bool(args.get("keep_on_destroy", False)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        assignment = databricks.MwsPermissionAssignment(
            name,
            principal_id=principal.id,
            workspace_id=args["workspace_id"],
            permissions=["USER"],
            # A change replaces it, and the plugin's order (PUT the new, DELETE the same principal) would end with none.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        # Whoever uses the id waits for the assignment too: a workspace refuses a principal that is not assigned to it.
        self.service_principal_id = pulumi.Output.all(principal.id, assignment.id).apply(lambda ids: str(ids[0]))
        self.application_id = principal.application_id
        self.register_outputs(
            {"service_principal_id": self.service_principal_id, "application_id": self.application_id}
        )
