"""The token endpoint of an account or workspace host: client credentials and token exchange."""

import base64
import binascii
import hmac
from collections.abc import Callable
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory, policies_kind
from lakelatch_sandbox.databricks.errors import OAuthError
from lakelatch_sandbox.databricks.exchange import verified
from lakelatch_sandbox.databricks.federation import remaining_life, shown, subject_claim
from lakelatch_sandbox.databricks.keysets import KeySets
from lakelatch_sandbox.databricks.metadata import CLIENT_CREDENTIALS, JWT_TOKEN, TOKEN_EXCHANGE
from lakelatch_sandbox.databricks.principal_secrets import PrincipalSecrets
from lakelatch_sandbox.databricks.requests import form
from lakelatch_sandbox.databricks.tokens import ALL_APIS, AccessTokens
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

Admission = Callable[[Document], str | None]
"""What keeps a principal from having a token of this host, as the end of a sentence; None when nothing does."""


class TokenEndpoint:
    """`POST .../v1/token`. `admission` is what the host asks of a principal beyond being active."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        tokens: AccessTokens,
        key_sets: KeySets,
        clock: Clock,
        endpoints: Endpoints,
        admission: Admission,
        principal_secrets: PrincipalSecrets,
        audit: Audit,
    ) -> None:
        self._store = store
        self._directory = directory
        self._tokens = tokens
        self._key_sets = key_sets
        self._clock = clock
        self._endpoints = endpoints
        self._admission = admission
        self._principal_secrets = principal_secrets
        self._audit = audit

    async def answer(self, request: Request) -> Response:
        """Answer a token request; raises `OAuthError` with the reason of a refusal."""
        fields = await form(request)
        grant = fields.get("grant_type")
        try:
            if grant == CLIENT_CREDENTIALS:
                name, answer = self._client_credentials(fields, request.headers.get("authorization"))
            elif grant == TOKEN_EXCHANGE:
                name, answer = await self._exchange(fields)
            else:
                raise OAuthError(
                    400, "unsupported_grant_type", f"grant_type must be `{CLIENT_CREDENTIALS}` or `{TOKEN_EXCHANGE}`."
                )
        except OAuthError as error:
            self._record(request, grant, fields.get("client_id"), error)
            raise
        self._record(request, grant, name, None)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _record(self, request: Request, grant: str | None, name: str | None, error: OAuthError | None) -> None:
        self._audit.record(
            request,
            "accounts",
            "mintOAuthToken",
            by=name or "unknown",
            params={"grantType": grant},
            status=200 if error is None else error.status,
            error=None if error is None else error.description,
            on_account=self._tokens.on_account,
        )

    def _admitted(self, name: str) -> Document:
        found = self._directory.by_name(name)
        if found is None:
            raise OAuthError(401, "invalid_client", f"Service principal {shown(name)} does not exist.")
        type, principal = found
        if not principal.get("active", True):
            raise OAuthError(401, "invalid_client", f"{type.called} {name} is deactivated.")
        obstacle = self._admission(principal)
        if obstacle is not None:
            raise OAuthError(401, "invalid_client", f"{type.called} {name} {obstacle}")
        return principal

    def _client_credentials(self, fields: dict[str, str], authorization: str | None) -> tuple[str, Document]:
        client_id, secret = _basic(authorization) or (fields.get("client_id", ""), fields.get("client_secret", ""))
        principal = self._directory.by_application(client_id)
        known = self._endpoints
        is_admin = client_id == known.admin_client_id and hmac.compare_digest(
            secret.encode(), known.admin_client_secret.encode()
        )
        if principal is None or not (is_admin or self._principal_secrets.is_valid(principal["id"], secret)):
            raise OAuthError(401, "invalid_client", "Client authentication failed: unknown client or wrong secret.")
        self._admitted(client_id)
        return client_id, self._tokens.mint(client_id, _scope(fields))

    async def _exchange(self, fields: dict[str, str]) -> tuple[str, Document]:
        # tokens read from files carry the file's last newline
        token = fields.get("subject_token", "").strip()
        if not token:
            raise OAuthError(400, "invalid_request", "subject_token is missing.")
        if fields.get("subject_token_type") != JWT_TOKEN:
            raise OAuthError(400, "invalid_request", f"subject_token_type must be `{JWT_TOKEN}`.")
        if fields.get("return_original_token_if_authenticated", "").lower() == "true":
            claims = self._tokens.claims(token)
            if claims is not None and self._tokens.remaining(claims) > 0:
                self._admitted(claims["sub"])
                return claims["sub"], {
                    "access_token": token,
                    "token_type": "Bearer",
                    "expires_in": self._tokens.remaining(claims),
                    "scope": claims["scope"],
                }
        client_id = fields.get("client_id")
        name, lifetime = await self._as_user(token) if not client_id else await self._as_principal(token, client_id)
        return name, self._tokens.mint(name, _scope(fields), lifetime)

    async def _as_principal(self, token: str, client_id: str) -> tuple[str, int]:
        """With a client id, the policies of that service principal decide."""
        if self._directory.by_application(client_id) is None:
            raise OAuthError(401, "invalid_client", f"Service principal {shown(client_id)} does not exist.")
        principal = self._admitted(client_id)
        claims = await self._claims(token, principal["id"], f"service principal {client_id}")
        return client_id, remaining_life(claims[1], self._clock.now())

    async def _as_user(self, token: str) -> tuple[str, int]:
        """Without one, the account's policies decide, and the subject names the account's user or principal."""
        policy, claims = await self._claims(token, None, f"account {self._endpoints.account_id}")
        lifetime = remaining_life(claims, self._clock.now())
        name = str(claims[subject_claim(policy)])
        if self._directory.by_name(name) is None:
            raise OAuthError(
                401,
                "invalid_client",
                f"User {shown(name)} does not exist in the account; provision it first, or send the `client_id` of a "
                "service principal to use its federation policies.",
            )
        self._admitted(name)
        return name, lifetime

    async def _claims(self, token: str, owner_id: str | None, owner: str) -> tuple[Document, Document]:
        policies = [*self._store.all(policies_kind(owner_id))]
        return await verified(
            token, policies, owner=owner, account_id=self._endpoints.account_id, key_sets=self._key_sets
        )


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic (RFC 6749 §2.3.1), None when the request uses none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError(401, "invalid_client", "The Authorization header is not HTTP Basic.") from error
    return (unquote(client_id), unquote(secret)) if colon else ("", "")


def _scope(fields: dict[str, str]) -> str:
    scope = " ".join(fields.get("scope", "").split()) or ALL_APIS
    if len(scope) > 1000 or not all(character.isalnum() or character in " -_.:/" for character in scope):
        raise OAuthError(400, "invalid_scope", "scope must be names separated by spaces.")
    return scope
