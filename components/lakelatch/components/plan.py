"""What one Pulumi stack makes of an access model. Pure: the model and the stack's name decide."""

from collections.abc import Iterator
from dataclasses import dataclass

from lakelatch.access.issuers import EntraIssuer
from lakelatch.access.model import AccessModel, Gateway
from lakelatch.access.roles import Grant
from lakelatch.access.trusts import account_trusts
from lakelatch.components.group import GroupChoice
from lakelatch.components.rights import UnityCatalogGrant
from lakelatch.errors import Finding


@dataclass(frozen=True)
class Plan:
    """What a stack owns of a model; everything else is another stack's to make."""

    model: AccessModel
    stack: str

    @property
    def owns_account(self) -> bool:
        """Whether groups, memberships of people and account-wide trusts are made here."""
        return self.model.owns_account(self.stack)

    @property
    def services(self) -> list[str]:
        """Services whose workspace belongs to the stack."""
        rows = self.model.services.items()
        return [name for name, row in rows if self.model.owns_workspace(row.workspace, self.stack)]

    @property
    def gateway(self) -> Gateway | None:
        """The gateway, when its workspace belongs to the stack."""
        gateway = self.model.gateway
        return gateway if gateway and self.model.owns_workspace(gateway.workspace, self.stack) else None

    @property
    def roles(self) -> list[str]:
        """Roles whose group gets its rights here."""
        return [name for name in self._groups if self.model.owns_workspace(self.workspace_of(name), self.stack)]

    @property
    def groups(self) -> list[str]:
        """Roles of which only the group is made here: its rights are another stack's."""
        return [name for name in self._groups if name not in self.roles] if self.owns_account else []

    @property
    def _groups(self) -> list[str]:
        return [name for name, role in self.model.roles.items() if role.group is not None]

    def workspace_of(self, role: str) -> str:
        """The workspace of a role that has a group."""
        workspace = self.model.workspace_of(role)
        assert workspace is not None, "a role with a group has a workspace"  # noqa: S101 - the model's own check
        return workspace

    def group_of(self, role: str) -> GroupChoice:
        """A role's group: found where another stack makes it, else as the model says."""
        group = self.model.roles[role].group
        assert group is not None, "asked for a role without a group"  # noqa: S101
        return {"create": group.create} if group.create and self.owns_account else {"adopt": group.name}

    def with_rights(self) -> list[str]:
        """Workspaces in which something stands that only a provider of theirs can make."""
        roles = [role for role in self.roles if self.model.roles[role].entitlements or self.model.roles[role].grants]
        return sorted({self.workspace_of(role) for role in roles})

    def people(self) -> list[str]:
        """Groups of people that are made members of roles here."""
        return list(self.model.people) if self.owns_account else []

    def has_users(self) -> bool:
        """Whether the account's trusts for people are made here."""
        return self.owns_account and any(True for _ in account_trusts(self.model))

    def entra_services(self, via: str) -> list[str]:
        """Services of Entra whose tokens are made out to an application that is made here."""
        rows = ((name, self.model.services[name]) for name in self.services)
        return [name for name, row in rows if row.via == via and self._own_audience(row.issuer)]

    def entra(self) -> EntraIssuer | None:
        """The directory in which applications are made."""
        for name in self.services:
            issuer = self.model.issuers[self.model.services[name].issuer]
            if isinstance(issuer, EntraIssuer):
                return issuer
        return None

    def _own_audience(self, issuer: str) -> bool:
        row = self.model.issuers[issuer]
        return isinstance(row, EntraIssuer) and row.audience is None

    def findings(self) -> Iterator[Finding]:
        """What the model asks for that one stack cannot make."""
        first = self.entra()
        for name in self.services:
            issuer = self.model.issuers[self.model.services[name].issuer]
            if isinstance(issuer, EntraIssuer) and first is not None and _directory(issuer) != _directory(first):
                expected = "one stack makes applications in one directory, for one version of tokens"
                yield Finding(f"services.{name}.issuer", "is another directory than that of services before", expected)


def _directory(issuer: EntraIssuer) -> tuple[str, str, int]:
    return issuer.authority, issuer.tenant, issuer.token_version


def grants_of(grants: tuple[Grant, ...]) -> list[UnityCatalogGrant]:
    """The model's grants as components take them."""
    return [
        {kind: name, "privileges": list(grant.privileges)}  # type: ignore[misc]
        for grant in grants
        for kind, name in [grant.securable]
    ]
