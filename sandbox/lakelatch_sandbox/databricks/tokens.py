"""Access tokens of one host: minted as JWTs under the host's own key, read back by its API."""

import secrets
from dataclasses import dataclass
from typing import Any, Final

import jwt

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.resource_types import ResourceType
from lakelatch_sandbox.keys import SIGNATURE_ONLY, SigningKeys
from lakelatch_sandbox.store import Document

LIFETIME_SECONDS = 3600
"""The vendor's OAuth access tokens live one hour, and never longer than the token they were exchanged for."""

ALL_APIS = "all-apis"

TOKEN_ALGORITHM: Final = "ES256"  # noqa: S105
"""Ten times as fast to sign as RS256. Clients take access tokens as they are and verify none."""


@dataclass(frozen=True)
class Caller:
    """Who makes a request: an active user or service principal, and what the token allows at most."""

    type: ResourceType
    principal: Document
    scopes: frozenset[str]

    @property
    def name(self) -> str:
        """What `current_user()` answers: the user name of a user, the application id of a service principal."""
        return str(self.principal[self.type.key])

    @property
    def id(self) -> str:
        """The SCIM id."""
        return str(self.principal["id"])


class AccessTokens:
    """The token service of one host."""

    def __init__(
        self, keys: SigningKeys, *, issuer: str, audience: str, clock: Clock, on_account: bool = False
    ) -> None:
        self.keys = keys
        self.issuer = issuer
        self.on_account = on_account
        self._audience = audience
        self._clock = clock

    def mint(self, name: str, scope: str, lifetime: int = LIFETIME_SECONDS) -> dict[str, Any]:
        """The token endpoint's answer (RFC 6749 §5.1) with a token that lives `lifetime` seconds, an hour at most.

        `name` is that of the user or service principal.
        """
        now = self._clock.now()
        lifetime = min(lifetime, LIFETIME_SECONDS)
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": name,
            "client_id": name,
            "scope": scope,
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(16),
        }
        token = self.keys.sign(claims, headers={"typ": "at+jwt"})
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this host minted, expired or not; None for any other string."""
        try:
            claims = self.keys.verify(token, options=SIGNATURE_ONLY)
        except jwt.InvalidTokenError:
            return None
        return claims if claims["iss"] == self.issuer and claims["aud"] == self._audience else None

    def remaining(self, claims: dict[str, Any]) -> int:
        """Seconds that a token has left."""
        return int(claims["exp"]) - self._clock.now()


def caller(authorization: str | None, tokens: AccessTokens, directory: Directory) -> Caller:
    """Who a bearer token stands for; raises `ApiError` 401 for a bad token and 403 for a principal that is no more."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(
            401,
            "UNAUTHENTICATED",
            "Credential was not sent or was of an unsupported type for this API. Send a bearer token.",
        )
    claims = tokens.claims(token.strip())
    if claims is None:
        raise ApiError(
            401,
            "UNAUTHENTICATED",
            f"Invalid access token: it is not one that {tokens.issuer} issued. Exchange yours first.",
        )
    if tokens.remaining(claims) <= 0:
        raise ApiError(401, "UNAUTHENTICATED", "Access token has expired.")
    found = directory.by_name(claims["sub"])
    if found is None:
        raise ApiError(401, "UNAUTHENTICATED", "The user or service principal of this access token no longer exists.")
    type, principal = found
    if not principal.get("active", True):
        raise ApiError(403, "PERMISSION_DENIED", f"{type.called} {claims['sub']} is deactivated.")
    return Caller(type, principal, frozenset(str(claims["scope"]).split()))
