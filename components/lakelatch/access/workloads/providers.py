"""Clients of identity providers: Auth0, Okta, Keycloak, any other."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lakelatch.access import subjects
from lakelatch.access.workloads.base import BySubject, WorkloadPart, exactly_one


class Auth0Workload(BySubject):
    """A machine-to-machine application."""

    type: Literal["auth0"]
    """The kind of its issuer; may be left out."""
    client_id: str
    """Its client id."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.auth0(self.client_id)


class OktaWorkload(BySubject):
    """A service application."""

    type: Literal["okta"]
    """The kind of its issuer; may be left out."""
    client_id: str
    """Its client id, which is also its subject."""

    @property
    def subject(self) -> str:
        """The exact `sub`."""
        return subjects.okta(self.client_id)


class KeycloakWorkload(WorkloadPart):
    """A client with a service account; exactly one of the two keys."""

    type: Literal["keycloak"]
    """The kind of its issuer; may be left out."""
    client_id: str | None = None
    """The client's id: compares `azp`, which people can read."""
    service_account_id: str | None = None
    """The id of its service-account user: compares `sub`."""

    _exactly_one = model_validator(mode="after")(exactly_one(("client_id", "service_account_id")))

    @property
    def subject_claim(self) -> str:
        """`azp` for a client id, else `sub`."""
        return "azp" if self.client_id else subjects.SUBJECT

    @property
    def subject(self) -> str:
        """The exact value of the claim."""
        if self.client_id is not None:
            return subjects.keycloak_client(self.client_id)
        return subjects.keycloak(self.service_account_id or "")


class OidcWorkload(WorkloadPart):
    """Whatever an issuer's tokens call the workload."""

    type: Literal["oidc"]
    """The kind of its issuer; may be left out."""
    subject: str
    """The exact value of the claim."""
    subject_claim: Annotated[str, Field(min_length=1)] = subjects.SUBJECT
    """The claim that names the workload and never changes."""

    @model_validator(mode="after")
    def _exact(self) -> Self:
        subjects.identifier(self.subject)
        return self
