"""The login service: discovery, keys, and the token endpoint for applications (client credentials)."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.entra import decisions, discovery, token_request, tokens
from lakelatch_sandbox.entra.errors import EntraError, error_body
from lakelatch_sandbox.graph.tenant import initial_domain, issuer_v1, issuer_v2, signing_keys

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
"""RFC 6749 §5.1."""


def application(context: Context) -> Starlette:
    """The login host's ASGI application."""
    endpoints = context.endpoints
    keys = signing_keys(context)

    def known_tenant(request: Request) -> None:
        tenant = request.path_params["tenant"]
        if tenant.lower() not in (endpoints.tenant_id, initial_domain(endpoints)):
            raise EntraError(90002, tenant=tenant)

    async def configuration_v2(request: Request) -> Response:
        known_tenant(request)
        return JSONResponse(discovery.openid_configuration(endpoints, version="v2.0"))

    async def configuration_v1(request: Request) -> Response:
        known_tenant(request)
        return JSONResponse(discovery.openid_configuration(endpoints, version="v1.0"))

    async def keys_v2(request: Request) -> Response:
        known_tenant(request)
        return JSONResponse(discovery.key_set(keys.jwks(), issuer_v2(endpoints)))

    async def keys_v1(request: Request) -> Response:
        known_tenant(request)
        return JSONResponse(discovery.key_set(keys.jwks(), issuer_v1(endpoints)))

    async def instance(_: Request) -> Response:
        return JSONResponse(discovery.instance_discovery(endpoints))

    async def token(request: Request) -> Response:
        known_tenant(request)
        wanted = token_request.parse(await request.body(), request.headers.get("authorization"))
        client, proof = await token_request.authenticate(wanted, context)
        grant = decisions.for_application(context, client, proof, wanted.resource, wanted.capabilities)
        claims = tokens.claims(grant, endpoints, now=context.clock.now())
        return JSONResponse(_answer(keys.sign(claims)), headers=NO_STORE)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, EntraError)  # noqa: S101 - registered for this class only
        body = error_body(
            error,
            now=context.clock.now(),
            authority=endpoints.entra_authority,
            correlation_id=request.headers.get("client-request-id"),
        )
        headers = {"x-ms-request-id": body["trace_id"], "client-request-id": body["correlation_id"], **NO_STORE}
        return JSONResponse(body, status_code=error.refusal.status, headers=headers)

    return Starlette(
        routes=[
            Route("/common/discovery/instance", instance),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration_v2),
            Route("/{tenant}/.well-known/openid-configuration", configuration_v1),
            Route("/{tenant}/discovery/v2.0/keys", keys_v2),
            Route("/{tenant}/discovery/keys", keys_v1),
            Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
            Route("/{tenant}/oauth2/token", token, methods=["POST"]),
        ],
        exception_handlers={EntraError: refuse},
    )


def _answer(access_token: str) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "expires_in": tokens.LIFETIME_SECONDS,
        "ext_expires_in": tokens.LIFETIME_SECONDS,
        "access_token": access_token,
    }
