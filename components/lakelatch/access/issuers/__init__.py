"""Who signs tokens: each kind of issuer, the exact `iss` of its tokens, and what is particular about it."""

from typing import Annotated

from pydantic import Field

from lakelatch.access.issuers.base import ENTRA_EXCHANGE_AUDIENCE, Users
from lakelatch.access.issuers.entra import EntraIssuer
from lakelatch.access.issuers.jobs import AzureDevopsIssuer, CircleciIssuer, GithubIssuer, GitlabIssuer
from lakelatch.access.issuers.platforms import AwsIssuer, GoogleIssuer, KubernetesIssuer
from lakelatch.access.issuers.providers import Auth0Issuer, KeycloakIssuer, OidcIssuer, OktaIssuer

Issuer = Annotated[
    EntraIssuer
    | GithubIssuer
    | GitlabIssuer
    | AzureDevopsIssuer
    | KubernetesIssuer
    | CircleciIssuer
    | Auth0Issuer
    | OktaIssuer
    | GoogleIssuer
    | KeycloakIssuer
    | AwsIssuer
    | OidcIssuer,
    Field(discriminator="type"),
]

__all__ = ["ENTRA_EXCHANGE_AUDIENCE", "EntraIssuer", "Issuer", "Users"]
