"""The gateway's own endpoints, which Envoy forwards without a token: discovery, keys, tokens, and its health."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lakelatch.envoy.config import GatewayConfig
from lakelatch_gateway.audit.events import Event
from lakelatch_gateway.errors import TokenRefused
from lakelatch_gateway.exchange import GRANT, JWT_TYPE
from lakelatch_gateway.issuer import Issuer
from lakelatch_gateway.jwks import Jwk
from lakelatch_gateway.log import Log
from lakelatch_gateway.tokens import MAX_BYTES, validate

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type name
_PUBLIC: Final = {"cache-control": "public, max-age=300"}
_UNSTORED: Final = {"cache-control": "no-store"}
_PRIVATE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
"""RFC 6749 §5.1: answers with tokens are not stored."""


@dataclass(frozen=True)
class Served:
    """What the endpoints speak of, as it stands when they are asked."""

    config: GatewayConfig
    issuer: Issuer
    keys: Mapping[str, Sequence[Jwk]]
    workspace_metadata: Mapping[str, Any]
    """The workspace's own `/.well-known/databricks-config`; empty while it could not be fetched."""


def databricks_config(config: GatewayConfig, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The workspace's host metadata with the gateway's addresses, so that clients' token traffic stays on the gateway.

    Clients append `/.well-known/oauth-authorization-server` to `oidc_endpoint`; they take the default audience of an
    identity token from here as well (databricks-sdk, `oauth.py`).
    """
    # Clients take the first unless they are told another; CI jobs can ask for any audience, so for this one too.
    own = f"{config.host}/oidc/v1/token"
    audiences = sorted({trusted.audience for trusted in config.issuers.values()}, key=lambda one: (one != own, one))
    moved = {name: _moved(value, config.workspace.host, config.host) for name, value in metadata.items()}
    return {
        "account_id": config.workspace.account_id,
        "workspace_id": config.workspace.id,
        **moved,
        "oidc_endpoint": f"{config.host}/oidc",
        "token_federation_default_oidc_audiences": audiences,
    }


def _moved(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
        return new + value.removeprefix(old)
    return value


def authorization_server(config: GatewayConfig) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414 §2). Clients insist on an authorization endpoint; it grants nothing."""
    return {
        "issuer": f"{config.host}/oidc",
        "token_endpoint": f"{config.host}/oidc/v1/token",
        "authorization_endpoint": f"{config.host}/oidc/v1/authorize",
        "grant_types_supported": [GRANT],
        "response_types_supported": ["none"],
        "token_endpoint_auth_methods_supported": ["none"],
    }


def exchange(form: Mapping[str, str], served: Served, *, now: float) -> dict[str, Any]:
    """Answer a token exchange (RFC 8693 §2): a token that the gateway takes is given back with its remaining life.

    Drivers exchange a token again when its issuer is not the host they talk to; this keeps them content, and tells what
    is wrong with a token at the first contact.

    Raises:
        TokenRefused: with an error code of RFC 6749 §5.2 or RFC 8693 §2.2.2 and the precise reason.

    """
    if form.get("grant_type") != GRANT:
        raise TokenRefused(
            "this gateway exchanges the identity provider's token and knows no client secrets: use the token-exchange"
            " grant (databricks-sdk: auth_type env-oidc or file-oidc)",
            error="unsupported_grant_type",
        )
    if form.get("subject_token_type") != JWT_TYPE:
        raise TokenRefused(f"subject_token_type must be {JWT_TYPE}", error="invalid_request")
    # Tokens from files and environment variables often end in a line break.
    token = form.get("subject_token", "").strip()
    if not token:
        raise TokenRefused("subject_token is missing", error="invalid_request")
    validated = validate(token, served.config, served.keys, now=now)
    return {
        "access_token": token,
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": max(int(validated.expires_at - now), 0),
        "scope": form.get("scope", "all-apis"),
    }


def application(
    served: Callable[[], Served], clock: Callable[[], float], log: Log, problems: Callable[[], Sequence[str]] = list
) -> Starlette:
    """The endpoints as an ASGI application; `problems` says what keeps the gateway from being ready."""

    def document(make: Callable[[Served], dict[str, Any]]) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def answer(_request: Request) -> JSONResponse:
            return JSONResponse(make(served()), headers=_PUBLIC)

        return answer

    async def alive(_request: Request) -> JSONResponse:
        return JSONResponse({"alive": True}, headers=_UNSTORED)

    async def ready(_request: Request) -> JSONResponse:
        found = list(problems())
        body = {"ready": False, "reasons": found} if found else {"ready": True}
        return JSONResponse(body, status_code=503 if found else 200, headers=_UNSTORED)

    async def token(request: Request) -> JSONResponse:
        try:
            return JSONResponse(exchange(await _form(request), served(), now=clock()), headers=_PRIVATE)
        except TokenRefused as refused:
            log.warning(
                "token exchange refused",
                event=Event.EXCHANGE_REFUSED,
                error=refused.error,
                reason=str(refused),
                request_id=request.headers.get("x-request-id"),
            )
            body = {"error": refused.error, "error_description": str(refused)}
            return JSONResponse(body, status_code=400, headers=_PRIVATE)

    return Starlette(
        routes=[
            Route(
                "/.well-known/databricks-config",
                document(lambda now: databricks_config(now.config, now.workspace_metadata)),
            ),
            Route(
                "/oidc/.well-known/oauth-authorization-server", document(lambda now: authorization_server(now.config))
            ),
            Route("/.well-known/openid-configuration", document(lambda now: now.issuer.discovery())),
            Route("/.well-known/jwks.json", document(lambda now: now.issuer.jwks())),
            Route("/oidc/v1/token", token, methods=["POST"]),
            Route("/healthz", alive),
            Route("/readyz", ready),
        ]
    )


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 2 * MAX_BYTES:
            raise TokenRefused("the request is too long", error="invalid_request")
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    form = dict(pairs)
    # RFC 6749 §3.2: no parameter twice; a duplicate could mean one thing here and another elsewhere.
    if len(form) != len(pairs):
        raise TokenRefused("a parameter is sent twice", error="invalid_request")
    return form
