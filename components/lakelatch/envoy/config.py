"""The gateway's configuration: what a deployment delivers and the running gateway reads.

It is the access model with every name resolved: addresses, generated subjects and audiences, and for each service the
actions its roles let through. It holds no secret, so it may stand in Pulumi state and in a pull request.
"""

from functools import cached_property
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lakelatch.access.actions import ACTIONS
from lakelatch.access.algorithms import ACCEPTED
from lakelatch.access.gateway_rules import SERVICES_LIMIT
from lakelatch.access.key_sets import weaknesses
from lakelatch.access.limits import Limits
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.access.rules import Mode, Rule
from lakelatch.access.validation import HttpsUrl, Name, findings_of
from lakelatch.errors import Finding, ModelError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(_Part):
    """The certificate the gateway shows to its clients; both files are read again when they change."""

    certificate_file: str
    private_key_file: str


class Listen(_Part):
    """Where the gateway listens."""

    address: str = "0.0.0.0"  # noqa: S104 - a gateway is there to be reached; the local stack says 127.0.0.1
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Tls | None = None
    """None only behind something that ends TLS for it."""


class Workspace(_Part):
    """The Databricks workspace behind the gateway."""

    host: HttpsUrl
    id: str
    account_id: str
    ca_file: str | None = None
    """PEM file of the authorities that may sign the workspace's certificate; None means those of the system."""


class TrustedIssuer(_Part):
    """An identity provider whose tokens services show to the gateway."""

    issuer: HttpsUrl
    """Exactly the `iss` claim, trailing slash and all."""
    audience: Annotated[str, Field(min_length=1)]
    subject_claim: Annotated[str, Field(pattern=r"^[^\s.]+$")] = "sub"
    """The claim that names the workload, the same for all services of the issuer. Without a dot: Envoy would look for a
    claim within a claim."""
    jwks_uri: HttpsUrl | None = None
    """None means: as the issuer's discovery document says (OpenID Connect Discovery 1.0 §4)."""
    jwks_json: str | None = None
    """Its keys (a JSON Web Key Set), only for an issuer whose keys the gateway cannot fetch."""
    algorithms: tuple[Literal["RS256", "ES256"], ...] = ACCEPTED  # type: ignore[assignment]
    ca_file: str | None = None

    @model_validator(mode="after")
    def _keys(self) -> Self:
        if self.jwks_uri is not None and self.jwks_json is not None:
            raise ValueError("jwks_uri stands beside jwks_json; keep one of the two")
        for position, reason in weaknesses(self.jwks_json):
            raise ValueError(f"jwks_json{position} {reason}")
        return self


class GatewayService(_Part):
    """A workload that calls the gateway, and what it may do."""

    issuer: Name
    subject: Annotated[str, Field(min_length=1, pattern=r"^[^\s*]+$")]
    """Exactly the subject claim of its tokens."""
    application_id: Annotated[str, Field(min_length=1)]
    """The Databricks service principal the gateway acts as for it."""
    environment: Name = "production"
    """Environment of its workspace; rules may ask for it."""
    roles: dict[Name, tuple[str, ...]]
    """Role name to the actions that it lets through."""
    mode: Mode = "enforce"
    """`observe`: nothing is refused to it, only told."""
    limits: Limits | None = None
    """How often it may call; None: as often as it likes."""

    @model_validator(mode="after")
    def _known_actions(self) -> Self:
        for role, actions in self.roles.items():
            for action in actions:
                if action not in ACTIONS:
                    raise ValueError(f"role {role!r} names the unknown action {action!r}")
        return self


class GatewayPeople(_Part):
    """The people of an issuer who call the gateway as themselves, and what they may do."""

    audience: Annotated[str, Field(min_length=1)]
    """What their tokens are made out to, here and at Databricks; never what services' tokens are."""
    user_claim: Annotated[str, Field(pattern=r"^[^\s.]+$")]
    """The claim that holds the Databricks user name. Without a dot: Envoy would look for a claim within a claim."""
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    """The claim that holds their groups."""
    environment: Name = "production"
    """Environment of the workspace; rules may ask for it."""
    groups: dict[str, tuple[Name, ...]]
    """Group at the identity provider, as tokens name it, to the roles of its members."""
    roles: dict[Name, tuple[str, ...]]
    """Role name to the actions that it lets through."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for role, actions in self.roles.items():
            for action in actions:
                if action not in ACTIONS:
                    raise ValueError(f"role {role!r} names the unknown action {action!r}")
        for group, roles in self.groups.items():
            for role in roles:
                if role not in self.roles:
                    raise ValueError(f"group {group!r} names the unknown role {role!r}")
        return self


class SigningKey(_Part):
    """Where the gateway's own signing key is."""

    type: Literal["file"] = "file"
    path: str
    """PEM file of a P-256 private key, for development; made with mode 0600 at the first start when it is not there."""


class GatewayIssuer(_Part):
    """The gateway as an issuer of its own: what the service principals' federation policies trust."""

    url: HttpsUrl
    key: SigningKey
    audience: str
    """The audience of minted tokens: what the federation policies name."""
    token_lifetime_seconds: Annotated[int, Field(ge=60, le=3600)] = 600


class GatewayConfig(_Part):
    """Everything the running gateway needs to know."""

    version: Literal[1] = 1
    host: HttpsUrl
    """The address clients use; discovery documents name it."""
    listen: Listen
    workspace: Workspace
    issuers: dict[Name, TrustedIssuer]
    services: dict[Name, GatewayService]
    people: dict[Name, GatewayPeople] = {}
    """Issuer name to its people."""
    rules: dict[Name, Rule] = {}
    """What has to be met beside the grant of a role, asked in the order of their names."""
    mode: Mode = "enforce"
    """`observe`: nothing is refused to any service, only told."""
    issuer: GatewayIssuer

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        trusted: dict[str, str] = {}
        for name, issuer in self.issuers.items():
            if issuer.issuer in trusted:
                # A token carries the address alone: two audiences for one would let each service use either.
                raise ValueError(f"issuers {trusted[issuer.issuer]!r} and {name!r} have the same address")
            trusted[issuer.issuer] = name
        if self.issuer.url in trusted:
            raise ValueError(
                f"issuer {trusted[self.issuer.url]!r} is the gateway itself; what it mints is for Databricks alone"
            )
        seen: dict[tuple[str, str], str] = {}
        for name, service in self.services.items():
            if service.issuer not in self.issuers:
                raise ValueError(f"service {name!r} names the unknown issuer {service.issuer!r}")
            identity = (service.issuer, service.subject.lower())
            # Envoy looks virtual hosts up without regard to case, so two subjects must differ in more than case.
            if identity in seen:
                raise ValueError(f"services {seen[identity]!r} and {name!r} have the same issuer and subject")
            seen[identity] = name
        with_services = {service.issuer for service in self.services.values()}
        for name, people in self.people.items():
            if name not in self.issuers:
                raise ValueError(f"people are of the unknown issuer {name!r}")
            if name in with_services and people.audience == self.issuers[name].audience:
                # RFC 8725 §3.12: a token of one kind must not pass for one of the other.
                raise ValueError(f"people of {name!r} have the audience of its services; tell their tokens apart by it")
        if len(self.services) > SERVICES_LIMIT:
            raise ValueError(f"{len(self.services)} services; one gateway serves at most {SERVICES_LIMIT}")
        return self

    @cached_property
    def policy(self) -> Policy:
        """What decisions are made from; roles and rules in the order of their names, as in `gateway.json`."""
        subjects = {
            name: Subject(
                name,
                self.issuers[service.issuer].issuer,
                service.subject,
                service.environment,
                dict(sorted(service.roles.items())),
                service.mode,
            )
            for name, service in self.services.items()
        }
        people = {
            self.issuers[name].issuer: People(
                self.issuers[name].issuer,
                dict(sorted(row.groups.items())),
                dict(sorted(row.roles.items())),
                row.groups_claim,
                row.environment,
            )
            for name, row in self.people.items()
        }
        return Policy(subjects, dict(sorted(self.rules.items())), self.mode, people)

    @classmethod
    def parse(cls, data: Any, source: str = "gateway configuration") -> Self:
        """Read a configuration from plain data, integers possibly as floats (that is how the engine sends them).

        Raises:
            ModelError: with every finding at once.

        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ModelError(source, findings_of(error)) from None

    def file(self) -> str:
        """The text of `gateway.json`: indented, sorted, the same bytes for the same configuration."""
        import json

        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=2, sort_keys=True) + "\n"


FILE_NAME = PurePosixPath("gateway.json")
__all__ = ["FILE_NAME", "Finding", "GatewayConfig", "GatewayService", "TrustedIssuer"]
