"""Who signs tokens: each kind of issuer, the exact `iss` of its tokens, and what is particular about it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from lakelatch.access.parts import Part, Text, Uuid
from lakelatch.access.validation import HttpsBase, HttpsOrigin, HttpsUrl

ENTRA_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""What a token must be made out to before Entra takes it instead of a secret (workload identity federation page); also
the one audience of every token that Azure DevOps gives a pipeline (databricks-sdk-py `oidc_token_supplier.py`)."""

VERSION_1_HOSTS = {
    "https://login.microsoftonline.com": "https://sts.windows.net",
    "https://login.microsoftonline.us": "https://sts.windows.net",
    "https://login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
}
"""Authority to the host that version 1 tokens name as their issuer, cloud by cloud."""

Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)*$", to_lower=True)]


class Users(Part):
    """Everybody whose token this issuer signs may become the Databricks user that a claim names."""

    audience: Text
    """One of your own: what people's tokens for Databricks are made out to."""
    subject_claim: Text
    """The claim that holds the Databricks user name; people must not be able to change it."""


class _Issuer(Part):
    audience: Text | None = None
    """What its tokens must be made out to; unset means the one that Databricks' clients ask for by themselves."""
    users: Users | None = None
    """Set only for an identity provider that your organisation controls wholly: an account-wide trust for people."""

    derived_audience: ClassVar[str | None] = None
    """The audience of every token of this kind of issuer, where workloads cannot choose."""

    @property
    def fixed_audience(self) -> str | None:
        """The one audience that the model or the kind of issuer gives; None when the clients' own are to be taken."""
        return self.audience or self.derived_audience

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """Where its public keys are, as (`jwks_uri`, `jwks_json`); None means by discovery."""
        return None, None


class EntraIssuer(_Issuer):
    """Microsoft Entra ID; its app registrations are made by Lakelatch and send version 2 tokens."""

    type: Literal["entra"]
    """This kind of issuer."""
    tenant: Uuid
    """The directory (tenant) id."""
    authority: HttpsOrigin = "https://login.microsoftonline.com"
    """Other than the default in national clouds only."""
    token_version: Literal[1, 2] = 2
    """1 for applications made by others whose registration asks for version 1 tokens."""

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens; a version 1 token's ends in a slash (Microsoft, access token claims reference)."""
        if self.token_version == 1:
            return f"{VERSION_1_HOSTS.get(self.authority, self.authority)}/{self.tenant}/"
        return f"{self.authority}/{self.tenant}/v2.0"


class GithubIssuer(_Issuer):
    """GitHub Actions."""

    type: Literal["github"]
    """This kind of issuer."""
    url: HttpsUrl = "https://token.actions.githubusercontent.com"
    """On GitHub Enterprise Server `https://<host>/_services/token`; on GHE.com `https://token.actions.<sub>.ghe.com`."""

    @property
    def issuer(self) -> str:
        """The `iss` of a job's token."""
        return self.url


class GitlabIssuer(_Issuer):
    """GitLab CI/CD."""

    type: Literal["gitlab"]
    """This kind of issuer."""
    url: HttpsUrl = "https://gitlab.com"
    """The instance, without a group."""

    @property
    def issuer(self) -> str:
        """The `iss` of an ID token: the instance."""
        return self.url


class AzureDevopsIssuer(_Issuer):
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


class KubernetesIssuer(_Issuer):
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


class CircleciIssuer(_Issuer):
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


class Auth0Issuer(_Issuer):
    """Auth0."""

    type: Literal["auth0"]
    """This kind of issuer."""
    domain: Host
    """The tenant's domain, or its custom domain."""

    @property
    def issuer(self) -> str:
        """The `iss` of an access token; the slash at its end counts."""
        return f"https://{self.domain}/"


class OktaIssuer(_Issuer):
    """An Okta authorization server."""

    type: Literal["okta"]
    """This kind of issuer."""
    url: HttpsUrl
    """The authorization server's issuer, as in `https://<org>.okta.com/oauth2/<id>`."""

    @property
    def issuer(self) -> str:
        """The `iss` of an access token."""
        return self.url


class GoogleIssuer(_Issuer):
    """Google service accounts."""

    type: Literal["google"]
    """This kind of issuer."""
    url: HttpsUrl = "https://accounts.google.com"
    """Where its ID tokens come from."""

    @property
    def issuer(self) -> str:
        """The `iss` of an ID token."""
        return self.url


class KeycloakIssuer(_Issuer):
    """A realm of Keycloak."""

    type: Literal["keycloak"]
    """This kind of issuer."""
    host: HttpsBase
    """Its public address; versions before 17 have `/auth` in it."""
    realm: Annotated[str, StringConstraints(pattern=r"^[^/?#\s]+$")]
    """The realm's name."""

    @property
    def issuer(self) -> str:
        """The `iss` of an access token."""
        return f"{self.host}/realms/{self.realm}"


class AwsIssuer(_Issuer):
    """The web identity tokens of an AWS account (`sts:GetWebIdentityToken`); ask for them with RS256."""

    type: Literal["aws"]
    """This kind of issuer."""
    url: HttpsUrl
    """The account's issuer, as in `https://<uuid>.tokens.sts.global.api.aws`."""

    @property
    def issuer(self) -> str:
        """The `iss` of a web identity token."""
        return self.url


class OidcIssuer(_Issuer):
    """Any other issuer of OpenID Connect tokens."""

    type: Literal["oidc"]
    """This kind of issuer."""
    url: HttpsUrl
    """The `iss` of its tokens, to the letter."""
    jwks_uri: HttpsUrl | None = None
    """Address of its public keys, only when its discovery document has none."""
    jwks_json: str | None = None
    """Its public keys (a JSON Web Key Set), only when Databricks cannot reach it."""

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens."""
        return self.url

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """Where its public keys are."""
        return self.jwks_uri, self.jwks_json


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
