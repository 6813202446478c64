"""The access model: who may do what. One document, read by components, gateway and policies alike.

text ──document.read──► plain data ──merge(overlay)──► AccessModel (structure, then what must hold together)
"""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lakelatch.access import document, subjects
from lakelatch.access.actions import expand
from lakelatch.access.consistency import contradictions
from lakelatch.access.validation import HttpsOrigin, HttpsUrl, Name, findings_of, path_of
from lakelatch.errors import Finding, ModelError

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", to_lower=True)]
DecimalId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]

TOKEN_SECONDS_DEFAULT: Final = 600
"""Long enough that one exchange a few minutes before the end is never late, short enough that a leak is soon stale."""
TOKEN_SECONDS_LEAST: Final = 120
"""Below it, refreshing at half life would meet the 30 s before expiry in which Azure Databricks refuses a token."""
TOKEN_SECONDS_MOST: Final = 3600
"""Databricks' own machine tokens live an hour (OAuth M2M page); nothing minted here outlives them."""


class Part(BaseModel):
    """A part of the model: its keys are known, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Account(Part):
    """The Databricks account that owns service principals and federation policies."""

    id: Uuid
    """The account's id, as the account console shows it."""
    host: HttpsOrigin
    """For example https://accounts.azuredatabricks.net."""


class Workspace(Part):
    """A Databricks workspace."""

    id: DecimalId
    """The number in the workspace's address, in quotes."""
    host: HttpsOrigin
    """For example https://adb-4029384756102938.18.azuredatabricks.net."""
    environment: Name = "production"
    """What it is for; rules may ask for it."""


class EntraIssuer(Part):
    """Microsoft Entra ID; its app registrations are made by Lakelatch and send version 2 tokens."""

    type: Literal["entra"]
    """This kind of issuer."""
    tenant: Uuid
    """The directory (tenant) id."""
    authority: HttpsOrigin = "https://login.microsoftonline.com"
    """Other than the default in national clouds only."""

    @property
    def issuer(self) -> str:
        """The `iss` of a version 2 token (Microsoft identity platform, access token claims reference)."""
        return f"{self.authority}/{self.tenant}/v2.0"


class KubernetesIssuer(Part):
    """A cluster whose service-account tokens workloads hold."""

    type: Literal["kubernetes"]
    """This kind of issuer."""
    url: HttpsUrl
    """The cluster's service-account issuer, to the letter."""

    @property
    def issuer(self) -> str:
        """The `iss` of a service-account token."""
        return self.url


Issuer = Annotated[EntraIssuer | KubernetesIssuer, Field(discriminator="type")]


class Workload(Part):
    """What proves a service to Entra instead of a secret: a token that its own platform gives it."""

    issuer: Name
    """A Kubernetes issuer of this model."""
    namespace: str
    """Namespace of the service account."""
    service_account: str
    """Name of the service account; no other service may use it."""

    @property
    def subject(self) -> str:
        """The exact subject of the workload's platform token."""
        return subjects.kubernetes(self.namespace, self.service_account)


class Service(Part):
    """A workload that calls Databricks through the gateway."""

    issuer: Name
    """Who signs the tokens that it shows to the gateway."""
    workspace: Name
    """Where it works."""
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    """What it may do: everything that any of these roles lets through."""
    workload: Workload
    """What proves it to its issuer."""


class Role(Part):
    """A set of actions under a name."""

    description: str = ""
    """A sentence for people who read the report."""
    actions: Annotated[tuple[str, ...], Field(min_length=1)]
    """Actions of the catalogue, or `service.*` for all of a service."""


class Lifetimes(Part):
    """How long what Lakelatch mints may live, in seconds."""

    gateway_token_seconds: Annotated[int, Field(ge=TOKEN_SECONDS_LEAST, le=TOKEN_SECONDS_MOST)] = TOKEN_SECONDS_DEFAULT
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


class AccessModel(Part):
    """Who may do what, and where everything is."""

    account: Account
    """The account that all of this belongs to."""
    workspaces: Annotated[dict[Name, Workspace], Field(min_length=1)]
    """Workspaces by name."""
    issuers: Annotated[dict[Name, Issuer], Field(min_length=1)]
    """Who signs tokens, by name."""
    roles: Annotated[dict[Name, Role], Field(min_length=1)]
    """Sets of actions, by name."""
    services: dict[Name, Service] = {}
    """Workloads, by name. A name never changes: it is the subject that Databricks trusts."""
    lifetimes: Lifetimes = Lifetimes()
    """How long minted tokens live."""
    gateway: Gateway
    """The access gateway."""

    @classmethod
    def read(cls, text: str, source: str = "access model", overlay: dict[str, Any] | None = None) -> Self:
        """Read a model from YAML text; `overlay` has the same shape and wins, key by key.

        Raises:
            ModelError: with every finding at once, each with its path and line.

        """
        found = document.read(text, source)
        try:
            model = cls.model_validate(document.merge(found.data, overlay or {}))
        except ValidationError as error:
            raise ModelError(source, findings_of(error, _untagged, found.line)) from None
        broken = [
            Finding(path_of(location), wrong, right, found.line(location))
            for location, wrong, right in contradictions(model)
        ]
        if broken:
            raise ModelError(source, broken)
        return model

    def actions(self, service: str) -> dict[str, tuple[str, ...]]:
        """Role by role, the actions that a service may do; a role's patterns are expanded."""
        return {
            role: tuple(action for pattern in self.roles[role].actions for action in expand(pattern))
            for role in self.services[service].roles
        }


def _untagged(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Without the kind of issuer, which pydantic adds after the issuer's name."""
    return (*location[:2], *location[3:]) if location[:1] == ("issuers",) and len(location) > 3 else location
