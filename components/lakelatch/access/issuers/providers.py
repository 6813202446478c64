"""Identity providers: Auth0, Okta, Keycloak, any other."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from lakelatch.access.issuers.base import IssuerPart
from lakelatch.access.validation import HttpsBase, HttpsUrl

Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)*$", to_lower=True)]


class Auth0Issuer(IssuerPart):
    """Auth0."""

    type: Literal["auth0"]
    """This kind of issuer."""
    domain: Host
    """The tenant's domain, or its custom domain."""

    @property
    def issuer(self) -> str:
        """The `iss` of an access token; the slash at its end counts."""
        return f"https://{self.domain}/"


class OktaIssuer(IssuerPart):
    """An Okta authorization server."""

    type: Literal["okta"]
    """This kind of issuer."""
    url: HttpsUrl
    """The authorization server's issuer, as in `https://<org>.okta.com/oauth2/<id>`."""

    @property
    def issuer(self) -> str:
        """The `iss` of an access token."""
        return self.url


class KeycloakIssuer(IssuerPart):
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


class OidcIssuer(IssuerPart):
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
