"""The parts of an access model as components: applications, people, roles, account-wide trusts, services."""

from dataclasses import dataclass
from typing import Any

import pulumi

from lakelatch.access.trusts import Trust, account_trusts, platform_trust, principal_trust, workload_trust
from lakelatch.components.account_federation import AccountFederation, AccountPolicy
from lakelatch.components.entra import Application, EntraApplication, EntraApplicationArgs, make_application
from lakelatch.components.group import AccountGroup, GroupChoice
from lakelatch.components.identity import make_identity
from lakelatch.components.plan import Plan, grants_of
from lakelatch.components.role import WorkspaceRole, WorkspaceRoleArgs
from lakelatch.components.trust import TrustPolicy, make_trust
from lakelatch.envoy.resolve import Identity


@dataclass(frozen=True)
class Called:
    """An application of our own that services ask Entra tokens for."""

    display_name: str
    role: str
    """The app role without which Entra gives nobody a token for it."""
    description: str


GATEWAY = Called(
    "Lakelatch gateway", "Gateway.Call", "May call Databricks through the gateway; what it may do there, the model says"
)
DATABRICKS = Called("Databricks sign-in", "Databricks.SignIn", "May sign in to Databricks as the service that it is")


@dataclass(frozen=True)
class Maker:
    """Makes what a plan says, below one component; every name begins with that component's.

    What there is a few of are components of their own. A service's resources stand directly below, since a component
    for each would be registered, and its outputs again: half as many calls to the engine once more (decision 0013).
    """

    plan: Plan
    name: str
    parent: pulumi.Resource

    @property
    def opts(self) -> pulumi.ResourceOptions:
        """For the components."""
        return pulumi.ResourceOptions(parent=self.parent)

    def called(self, called: Called, via: str, suffix: str = "") -> EntraApplication | None:
        """The application that services going this way ask tokens for; None when none does."""
        issuer = self.plan.entra()
        if issuer is None or not self.plan.entra_services(via):
            return None
        args: EntraApplicationArgs = {
            "display_name": called.display_name,
            "app_roles": {called.role: called.description},
            "token_version": issuer.token_version,
        }
        return EntraApplication(f"{self.name}{suffix}", args, self.opts)

    def people(self) -> dict[str, AccountGroup]:
        """The groups of people."""
        made = {}
        for people in self.plan.people():
            group = self.plan.model.people[people].group
            choice: GroupChoice = {"create": group.create} if group.create else {"adopt": group.name}
            made[people] = AccountGroup(f"{self.name}-{people}", {"group": choice}, self.opts)
        return made

    def role(self, name: str, people: dict[str, AccountGroup], provider: Any) -> WorkspaceRole:
        """A role's group with its rights in the workspace."""
        role = self.plan.model.roles[name]
        args: WorkspaceRoleArgs = {
            "group": self.plan.group_of(name),
            "workspace_id": self.plan.model.workspaces[self.plan.workspace_of(name)].id,
            "members": self._members(name, people),
            "grants": grants_of(role.grants),
            "workspace_provider": provider,
        }
        if role.entitlements:
            args["entitlements"] = list(role.entitlements)
        return WorkspaceRole(f"{self.name}-{name}", args, self.opts)

    def group(self, name: str, people: dict[str, AccountGroup]) -> AccountGroup:
        """The group of a role whose rights another stack makes."""
        members = self._members(name, people)
        return AccountGroup(f"{self.name}-{name}", {"group": self.plan.group_of(name), "members": members}, self.opts)

    def _members(self, role: str, people: dict[str, AccountGroup]) -> dict[str, pulumi.Input[str]]:
        rows = self.plan.model.people
        return {name: group.group_id for name, group in people.items() if role in rows[name].roles}

    def federation(self) -> None:
        """The account's trusts for people, if any."""
        if not self.plan.has_users():
            return
        policies: dict[str, AccountPolicy] = {}
        for issuer, trust in account_trusts(self.plan.model):
            policies[issuer] = {
                "issuer": trust.issuer,
                "audiences": list(trust.audiences),
                "subject_claim": trust.subject_claim,
                "description": f"Lakelatch: users of {issuer}",
                **_keys(trust),  # type: ignore[typeddict-item]
            }
        AccountFederation(self.name, {"account_id": self.plan.model.account.id, "policies": policies}, self.opts)

    def service(self, service: str, roles: dict[str, WorkspaceRole], called: EntraApplication | None) -> Identity:
        """One service's application (of Entra only), principal and trust; `called` is what it asks tokens for."""
        row, name = self.plan.model.services[service], f"{self.name}-{service}"
        application = self._caller(service, called)
        principal_id, application_id = make_identity(
            name,
            {
                "display_name": service,
                "workspace_id": self.plan.model.workspaces[row.workspace].id,
                "groups": {role: roles[role].group_id for role in row.roles if role in roles},
            },
            self.parent,
        )
        subject: Any = application.object_id if application else workload_trust(self.plan.model, service).subject
        policy_id, trust = principal_trust(self.plan.model, service)
        audiences: list[pulumi.Input[str]] = list(trust.audiences)
        if not audiences and called is not None:
            audiences = [called.client_id]
        who = f"the gateway acts as {service}" if row.via == "gateway" else f"{service} signs in by {row.issuer}"
        policy: TrustPolicy = {
            "issuer": trust.issuer,
            "audiences": audiences,
            "subject": subject if trust.subject is None else trust.subject,
            "subject_claim": trust.subject_claim,
            "description": f"Lakelatch: {who}",
            **_keys(trust),  # type: ignore[typeddict-item]
        }
        make_trust(name, {"service_principal_id": principal_id, "policies": {policy_id: policy}}, self.parent)
        identity = Identity(subject=subject, application_id=application_id)
        if application is not None:
            identity["client_id"] = application.client_id
        return identity

    def _caller(self, service: str, called: EntraApplication | None) -> Application | None:
        """A service's own application in Entra; None for services of other issuers."""
        row, platform = self.plan.model.services[service], platform_trust(self.plan.model, service)
        if platform is None:
            return None
        credential = {"issuer": platform.issuer, "subject": platform.subject or ""}
        args: EntraApplicationArgs = {
            "display_name": service,
            "federated_credentials": {row.workload.issuer or "": credential},  # type: ignore[dict-item]
        }
        if called is not None:
            role = (GATEWAY if row.via == "gateway" else DATABRICKS).role
            args["grants"] = {"call": {"role_id": called.app_role_ids[role], "resource_object_id": called.object_id}}
        return make_application(f"{self.name}-{service}", args, self.parent)


def _keys(trust: Trust) -> dict[str, str]:
    """Where the keys are, if not at the issuer's discovery."""
    given = {"jwks_uri": trust.jwks_uri, "jwks_json": trust.jwks_json}
    return {name: value for name, value in given.items() if value is not None}
