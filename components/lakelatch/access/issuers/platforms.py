"""Issuers of platforms: Kubernetes, AWS, Google Cloud."""

from typing import Literal

from lakelatch.access.issuers.base import IssuerPart
from lakelatch.access.validation import HttpsUrl


class KubernetesIssuer(IssuerPart):
    """A cluster whose service-account tokens workloads hold."""

    type: Literal["kubernetes"]
    """This kind of issuer."""
    url: HttpsUrl
    """The cluster's service-account issuer, to the letter."""
    jwks_json: str | None = None
    """The cluster's public keys (a JSON Web Key Set), only when Databricks cannot reach its discovery."""

    @property
    def issuer(self) -> str:
        """The `iss` of a service-account token."""
        return self.url

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """Where its public keys are."""
        return None, self.jwks_json


class AwsIssuer(IssuerPart):
    """The web identity tokens of an AWS account (`sts:GetWebIdentityToken`); ask for them with RS256."""

    type: Literal["aws"]
    """This kind of issuer."""
    url: HttpsUrl
    """The account's issuer, as in `https://<uuid>.tokens.sts.global.api.aws`."""

    @property
    def issuer(self) -> str:
        """The `iss` of a web identity token."""
        return self.url


class GoogleIssuer(IssuerPart):
    """Google service accounts."""

    type: Literal["google"]
    """This kind of issuer."""
    url: HttpsUrl = "https://accounts.google.com"
    """Where its ID tokens come from."""

    @property
    def issuer(self) -> str:
        """The `iss` of an ID token."""
        return self.url
