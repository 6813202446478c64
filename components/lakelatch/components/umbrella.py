"""Everything that one access model asks for."""

from typing import Any, NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import (
    WorkspaceProvider,
    account_provider,
    known_later,
    read_model,
    require,
    workspace_provider,
)
from lakelatch.components.gateway import AccessGateway
from lakelatch.components.maker import DATABRICKS, GATEWAY, Maker
from lakelatch.components.plan import Plan
from lakelatch.envoy.resolve import gateway_config
from lakelatch.errors import Finding


class DatabricksAccessArgs(TypedDict):
    """The model, as text so that it crosses languages."""

    model: str
    """An access model in YAML."""
    fragments: NotRequired[dict[str, str]]
    """Further parts of the model: a name for messages, such as the file's, to its YAML."""
    overlay: NotRequired[dict[str, Any]]
    """Of the same shape, laid over it: the addresses of this stack."""
    stack: NotRequired[str]
    """Which of the model's stacks this is, where the model says which stack owns what; the running one by default."""
    gateway_directory: NotRequired[str]
    """Folder that the gateway watches, relative to the project; needed when the model has a gateway."""
    workspace_providers: NotRequired[dict[str, WorkspaceProvider]]
    """Workspace of the model to its databricks provider; needed where a role has entitlements or grants."""


class DatabricksAccess(pulumi.ComponentResource):
    """App registrations, service principals, trusts, groups, rights and the gateway, as an access model says.

    Only what the model asks for is made, and of that only what belongs to the stack. Needs an account-level databricks
    provider in `opts.providers`, and an azuread provider there when services sign in by Entra.
    """

    audience: pulumi.Output[str]
    """What services of Entra name when they ask for a token for the gateway; empty when none does."""
    services: pulumi.Output[dict[str, Any]]
    """Service name to `application_id` (at Databricks), `subject` (of its tokens) and, for services of Entra,
    `client_id` (of its application there)."""
    groups: pulumi.Output[dict[str, Any]]
    """Role name to the numeric id of its group, as text."""
    gateway_version: pulumi.Output[str]
    """Hash of the gateway's configuration in force; empty without a gateway."""

    def __init__(self, name: str, args: DatabricksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:DatabricksAccess", name, None, opts)
        account = account_provider(self)
        require("DatabricksAccess", name, [*known_later(args), *account])
        source, parts = f"DatabricksAccess {name!r}", args.get("fragments")
        model = read_model(args["model"], source, args.get("overlay"), parts)
        plan = Plan(model, args.get("stack") or pulumi.get_stack())
        require("DatabricksAccess", name, [*plan.findings(), *self._missing(plan, args)])
        here = pulumi.ResourceOptions(parent=self)
        make, providers = Maker(plan, name, self), args.get("workspace_providers") or {}

        front = make.called(GATEWAY, "gateway")  # without a suffix, so that no service's name meets it
        sign_in = make.called(DATABRICKS, "direct", "-Databricks")  # upper case, which no service's name has
        people = make.people()
        roles = {role: make.role(role, people, providers.get(plan.workspace_of(role))) for role in plan.roles}
        groups = {role: make.group(role, people) for role in plan.groups}
        make.federation()
        identities = {
            service: make.service(service, roles, front if model.services[service].via == "gateway" else sign_in)
            for service in plan.services
        }
        self.audience = front.client_id if front else pulumi.Output.from_input("")
        self.services = pulumi.Output.from_input({service: dict(row) for service, row in identities.items()})
        ids = {role: one.group_id for role, one in roles.items()} | {role: one.group_id for role, one in groups.items()}
        self.groups = pulumi.Output.from_input(ids)
        self.gateway_version = pulumi.Output.from_input("")
        if plan.gateway is not None:
            config = gateway_config(model, plan.gateway, audience=self.audience, identities=identities)
            directory = args.get("gateway_directory") or ""
            self.gateway_version = AccessGateway(name, {"directory": directory, "config": config}, here).version
        self.register_outputs(
            {
                "audience": self.audience,
                "services": self.services,
                "groups": self.groups,
                "gateway_version": self.gateway_version,
            }
        )

    def _missing(self, plan: Plan, args: DatabricksAccessArgs) -> list[Finding]:
        """What the plan needs beside the model."""
        findings = []
        if plan.gateway is not None and not args.get("gateway_directory"):
            findings.append(Finding("gateway_directory", "is missing", "name the folder that the gateway watches"))
        account = self.get_provider("databricks:index/group:Group")
        needed, given = plan.with_rights(), args.get("workspace_providers") or {}
        for workspace in sorted({*needed, *given}):
            path = f"workspace_providers.{workspace}"
            if workspace not in plan.model.workspaces:
                expected = f"use the names of the model: {', '.join(plan.model.workspaces)}"
                findings.append(Finding(path, "is no workspace of the model", expected))
            needed_by = "entitlements and grants of roles" if workspace in needed else None
            findings += workspace_provider(given.get(workspace), needed_by, account, path)
        return findings
