"""A double of a Kubernetes API server, as far as service-account tokens go.

It is the identity provider of the sandbox's workloads: a workload asks for a token of its service account and shows it
to Entra, exactly as a projected volume would hand it over in a real cluster. Every service account is taken to exist.
Beside it, below `/issuers/`, stand the issuers of other workloads.
"""

import hmac
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.cluster import issuers, jobs
from lakelatch_sandbox.cluster.requests import TokenRequest, parse_token_request
from lakelatch_sandbox.cluster.status import StatusError, not_found, unauthorized
from lakelatch_sandbox.cluster.tokens import discovery, is_service_account, rfc3339, service_account_claims
from lakelatch_sandbox.context import Context
from lakelatch_sandbox.keys import SigningKeys

KEYS = "cluster"
"""The name under which the cluster's signing keys are kept in the store."""


def application(context: Context) -> Starlette:
    """The cluster's API: OpenID discovery, its key set and the TokenRequest subresource.

    Paths: kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1.
    """
    endpoints = context.endpoints
    keys = SigningKeys(context.store, KEYS)

    async def openid_configuration(_: Request) -> Response:
        return JSONResponse(discovery(endpoints.cluster_issuer))

    async def jwks(_: Request) -> Response:
        return JSONResponse(keys.jwks(), media_type="application/jwk-set+json")

    async def create_token(request: Request) -> Response:
        _authorize(request.headers.get("authorization", ""), endpoints.cluster_token)
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        if not is_service_account(namespace, name):
            raise not_found("serviceaccounts", name)
        wanted = parse_token_request(await request.body(), default_audience=endpoints.cluster_issuer)
        now = context.clock.now()
        claims = service_account_claims(
            issuer=endpoints.cluster_issuer, namespace=namespace, name=name, request=wanted, now=now
        )
        # Kubernetes writes no `typ` header: {"alg":"RS256","kid":"..."}
        token = keys.sign(claims, headers={"typ": ""})
        return JSONResponse(_token_response(namespace, name, wanted, token, now), status_code=201)

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", openid_configuration),
            Route("/openid/v1/jwks", jwks),
            Route("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", create_token, methods=["POST"]),
            *issuers.routes(context),
            *jobs.routes(context),
        ],
        exception_handlers={StatusError: _refuse},
    )


def _authorize(header: str, token: str) -> None:
    scheme, _, presented = header.partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(presented.strip().encode(), token.encode()):
        raise unauthorized()


def _token_response(namespace: str, name: str, wanted: TokenRequest, token: str, now: int) -> dict[str, Any]:
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": rfc3339(now)},
        "spec": {
            "audiences": list(wanted.audiences),
            "expirationSeconds": wanted.expiration_seconds,
            "boundObjectRef": None,
        },
        "status": {"token": token, "expirationTimestamp": rfc3339(now + wanted.expiration_seconds)},
    }


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, StatusError)  # noqa: S101 - registered for this class only
    return JSONResponse(error.status, status_code=error.code)
