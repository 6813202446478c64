"""The access model: who may do what. One document, read by components, gateway and policies alike.

text ──document.read──► plain data ──merge(overlay)──► AccessModel (structure, then what must hold together)
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from lakelatch.access import document, fragments, workloads
from lakelatch.access.actions import expand_all
from lakelatch.access.consistency import Contradiction, contradictions
from lakelatch.access.issuers import Issuer
from lakelatch.access.lifetimes import GATEWAY_TOKEN
from lakelatch.access.limits import Limits
from lakelatch.access.parts import DecimalId, Part, Uuid
from lakelatch.access.people import People
from lakelatch.access.roles import Role
from lakelatch.access.rules import Mode, Rule
from lakelatch.access.soundness import remainder
from lakelatch.access.validation import HttpsOrigin, Location, Name, findings_of, path_of
from lakelatch.access.workloads import Workload
from lakelatch.errors import Finding, ModelError


class Account(Part):
    """The Databricks account that owns service principals and federation policies."""

    id: Uuid
    """The account's id, as the account console shows it."""
    host: HttpsOrigin
    """For example https://accounts.azuredatabricks.net."""
    stack: str | None = None
    """The Pulumi stack that owns groups, memberships and account-wide trusts; unset means whichever stack runs."""


class Workspace(Part):
    """A Databricks workspace."""

    id: DecimalId
    """The number in the workspace's address, in quotes."""
    host: HttpsOrigin
    """For example https://adb-4029384756102938.18.azuredatabricks.net."""
    environment: Name = "production"
    """What it is for; rules may ask for it."""
    stack: str | None = None
    """The Pulumi stack that owns its services; unset means the account's."""


class Service(Part):
    """A workload with a service principal of its own."""

    issuer: Name
    """Who signs the tokens that it shows to the gateway, or to Databricks."""
    workspace: Name
    """Where it works."""
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    """What it may do: everything that any of these roles lets through."""
    via: Literal["gateway", "direct"] = "gateway"
    """`direct`: Databricks trusts the workload's own issuer, and nothing checks its actions."""
    mode: Mode = "enforce"
    """`observe`: the gateway refuses it nothing, and tells what it would have refused."""
    limits: Limits | None = None
    """How often it may call the gateway; unset means as the gateway says."""
    workload: Workload
    """What it is at its issuer; for a service of Entra, what proves it to Entra instead of a secret."""


class Lifetimes(Part):
    """How long what Lakelatch mints may live, in seconds."""

    gateway_token_seconds: Annotated[int, Field(ge=GATEWAY_TOKEN.least, le=GATEWAY_TOKEN.most)] = (
        GATEWAY_TOKEN.default or 0
    )
    """Life of a token that the gateway signs, and so of the Databricks token made from it."""


class Certificate(Part):
    """The certificate that the gateway shows."""

    certificate_file: str
    """PEM, the gateway's certificate first, then those between it and its authority."""
    private_key_file: str
    """PEM, mode 0600."""


class Gateway(Part):
    """The access gateway that services call instead of the workspace."""

    host: HttpsOrigin
    """Where clients and Databricks reach it; it is an issuer of this name."""
    workspace: Name
    """The workspace behind it."""
    address: str = "0.0.0.0"  # noqa: S104 - a gateway is there to be reached; the local stack says 127.0.0.1
    """Address that it listens on."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8443
    """Port that it listens on."""
    tls: Certificate | None = None
    """Unset only behind something that ends TLS for it."""
    ca_file: str | None = None
    """Authorities for the workspace and the issuers; unset means those of the system."""
    signing_key_file: str
    """A P-256 key for development; made at the first start."""
    limits: Limits | None = None
    """How often each service may call that has no limits of its own; unset means as often as it likes."""
    mode: Mode = "enforce"
    """`observe`: nothing is refused to any service; the audit trail tells what would have been."""


class AccessModel(Part):
    """Who may do what, and where everything is."""

    account: Account
    """The account that all of this belongs to."""
    workspaces: Annotated[dict[Name, Workspace], Field(min_length=1)]
    """Workspaces by name."""
    issuers: Annotated[dict[Name, Issuer], Field(min_length=1)]
    """Who signs tokens, by name."""
    roles: Annotated[dict[Name, Role], Field(min_length=1)]
    """What somebody may do, by name."""
    services: dict[Name, Service] = {}
    """Workloads, by name. A name never changes: it is the subject that Databricks trusts."""
    people: dict[Name, People] = {}
    """Groups of people, by name."""
    rules: dict[Name, Rule] = {}
    """What has to be met beside the grant of a role, by name; asked in the order of their names."""
    lifetimes: Lifetimes = Lifetimes()
    """How long minted tokens live."""
    gateway: Gateway | None = None
    """The access gateway; may be left out when every service goes direct."""

    _tagged = model_validator(mode="before")(workloads.tagged)

    @classmethod
    def read(
        cls,
        text: str,
        source: str = "access model",
        overlay: dict[str, Any] | None = None,
        parts: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a model from YAML text.

        `parts` are further texts by name (for example the path of a file), each with a fragment of the model;
        `overlay` has the same shape as the model and wins, key by key.

        Raises:
            ModelError: with every finding at once, each with its path, line and, for fragments, its file.

        """
        with document.collector_paused():
            return cls._read(text, source, overlay or {}, parts or {})

    @classmethod
    def _read(cls, text: str, source: str, overlay: dict[str, Any], parts: Mapping[str, str]) -> Self:
        found = fragments.read(text, source, parts)
        data = document.merge(found.data, overlay)

        def told(rows: Iterable[Contradiction]) -> list[Finding]:
            return [Finding(path_of(at), wrong, right, *found.place(at)) for at, wrong, right in rows]

        try:
            model = cls.model_validate(data)
        except ValidationError as error:
            rest = cls._contradictions_of_the_rest(data, error)
            raise ModelError(source, [*findings_of(error, _untagged, found.place), *told(rest)]) from None
        if broken := contradictions(model):
            raise ModelError(source, told(broken))
        return model

    @classmethod
    def _contradictions_of_the_rest(cls, data: dict[str, Any], error: ValidationError) -> list[Contradiction]:
        """What does not hold between the parts that are sound, so that nobody has to ask twice."""
        rest = remainder(data, [_untagged(detail["loc"]) for detail in error.errors(include_url=False)])
        if rest is None:
            return []
        try:
            model = cls.model_validate(rest.data)
        except ValidationError:
            return []
        return [row for row in contradictions(model) if not rest.blames(row[1])]

    def actions(self, service: str) -> dict[str, tuple[str, ...]]:
        """Role by role, the actions that a service may do; a role's patterns are expanded."""
        return self.actions_of(self.services[service].roles)

    def actions_of(self, roles: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """Role by role, the actions that roles let through."""
        return {role: expand_all(self.roles[role].actions) for role in roles}

    def workspace_of(self, role: str) -> str | None:
        """The workspace in which a role's group has its rights; None when it is not said and there are several."""
        said = self.roles[role].workspace
        return said or (next(iter(self.workspaces)) if len(self.workspaces) == 1 else None)

    def gateway_services(self) -> dict[str, Service]:
        """The services that call the gateway."""
        return {name: service for name, service in self.services.items() if service.via == "gateway"}

    def owns_account(self, stack: str) -> bool:
        """Whether a Pulumi stack owns what belongs to the account: groups, memberships, account-wide trusts."""
        return self.account.stack in (None, stack)

    def owns_workspace(self, workspace: str, stack: str) -> bool:
        """Whether a Pulumi stack owns the services of a workspace, and the rights of groups there."""
        return (self.workspaces[workspace].stack or self.account.stack) in (None, stack)


def _untagged(location: Location) -> Location:
    """Without the kinds of issuer and of workload, which pydantic adds after the place where they are told apart."""
    if location[:1] == ("issuers",) and len(location) > 2:
        return (*location[:2], *location[3:])
    if location[:1] == ("services",) and location[2:3] == ("workload",) and len(location) > 3:
        return (*location[:3], *location[4:])
    return location
