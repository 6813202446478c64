"""Issuers of jobs: GitHub Actions, GitLab CI/CD, Azure Pipelines, CircleCI."""

from typing import Literal

from lakelatch.access.issuers.base import ENTRA_EXCHANGE_AUDIENCE, IssuerPart
from lakelatch.access.parts import Uuid
from lakelatch.access.validation import HttpsBase, HttpsUrl


class GithubIssuer(IssuerPart):
    """GitHub Actions."""

    type: Literal["github"]
    """This kind of issuer."""
    url: HttpsUrl = "https://token.actions.githubusercontent.com"
    """On GitHub Enterprise Server `https://<host>/_services/token`; on GHE.com `https://token.actions.<sub>.ghe.com`."""

    @property
    def issuer(self) -> str:
        """The `iss` of a job's token."""
        return self.url


class GitlabIssuer(IssuerPart):
    """GitLab CI/CD."""

    type: Literal["gitlab"]
    """This kind of issuer."""
    url: HttpsUrl = "https://gitlab.com"
    """The instance, without a group."""

    @property
    def issuer(self) -> str:
        """The `iss` of an ID token: the instance."""
        return self.url


class AzureDevopsIssuer(IssuerPart):
    """Azure DevOps Pipelines."""

    type: Literal["azure-devops"]
    """This kind of issuer."""
    organization_id: Uuid
    """The organisation's id, not its name."""
    host: HttpsBase = "https://vstoken.dev.azure.com"
    """Where its tokens come from."""

    derived_audience = ENTRA_EXCHANGE_AUDIENCE

    @property
    def issuer(self) -> str:
        """The `iss` of a pipeline's token."""
        return f"{self.host}/{self.organization_id}"


class CircleciIssuer(IssuerPart):
    """CircleCI."""

    type: Literal["circleci"]
    """This kind of issuer."""
    organization_id: Uuid
    """The organisation's id."""
    host: HttpsBase = "https://oidc.circleci.com"
    """Other than the default on CircleCI server only."""

    @property
    def issuer(self) -> str:
        """The `iss` of a job's token."""
        return f"{self.host}/org/{self.organization_id}"

    @property
    def fixed_audience(self) -> str:
        """The organisation's id, unless the job asks for another one."""
        return self.audience or self.organization_id
