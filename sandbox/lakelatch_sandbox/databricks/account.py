"""The account host: discovery, tokens, service principals, federation policies, workspace assignments."""

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.databricks import metadata
from lakelatch_sandbox.databricks.assignments import AssignmentApi
from lakelatch_sandbox.databricks.directory import Directory, is_account_admin
from lakelatch_sandbox.databricks.errors import HANDLERS, ApiError
from lakelatch_sandbox.databricks.keysets import KeySets
from lakelatch_sandbox.databricks.policy_api import PolicyApi
from lakelatch_sandbox.databricks.scim_api import ScimApi
from lakelatch_sandbox.databricks.token_endpoint import TokenEndpoint
from lakelatch_sandbox.databricks.tokens import TOKEN_ALGORITHM, AccessTokens, caller
from lakelatch_sandbox.keys import SigningKeys

Handler = Callable[[Request], Awaitable[Response]]


def application(context: Context) -> Starlette:
    """The ASGI application of the account host."""
    store, clock, endpoints = context.store, context.clock, context.endpoints
    issuer = metadata.account_issuer(endpoints)
    directory = Directory(store, endpoints)
    tokens = AccessTokens(
        SigningKeys(store, "databricks/account", TOKEN_ALGORITHM),
        issuer=issuer,
        audience=endpoints.account_id,
        clock=clock,
    )
    token = TokenEndpoint(
        store, directory, tokens, KeySets(context.http, time.monotonic), clock, endpoints, lambda _: None
    )
    scim = ScimApi(directory)
    policies = PolicyApi(store, directory, clock, endpoints.account_id)
    assignments = AssignmentApi(directory, endpoints)

    def document(body: dict[str, object]) -> Handler:
        async def answer(_: Request) -> Response:
            return JSONResponse(body)

        return answer

    async def jwks(_: Request) -> Response:
        return JSONResponse(tokens.keys.jwks())

    def admin(handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            who = caller(request.headers.get("authorization"), tokens, directory)
            if request.path_params["account_id"] != endpoints.account_id:
                raise ApiError(404, "NOT_FOUND", f"Account {request.path_params['account_id']} does not exist.")
            if not is_account_admin(who.principal):
                raise ApiError(403, "PERMISSION_DENIED", f"{who.application_id} is not an account administrator.")
            return await handler(request)

        return checked

    base = "/api/2.0/accounts/{account_id}"
    principals = f"{base}/scim/v2/ServicePrincipals"
    assigned = base + "/workspaces/{workspace_id}/permissionassignments"
    api: list[tuple[str, str, Handler]] = [
        ("POST", principals, scim.create),
        ("GET", principals, scim.list),
        ("GET", principals + "/{id}", scim.read),
        ("PUT", principals + "/{id}", scim.replace),
        ("PATCH", principals + "/{id}", scim.patch),
        ("DELETE", principals + "/{id}", scim.delete),
        ("GET", f"{base}/workspaces", assignments.workspaces),
        ("GET", base + "/workspaces/{workspace_id}", assignments.workspace),
        ("GET", assigned, assignments.list),
        ("PUT", assigned + "/principals/{principal_id}", assignments.put),
        ("DELETE", assigned + "/principals/{principal_id}", assignments.delete),
    ]
    for parent in (base, base + "/servicePrincipals/{principal_id}"):
        api += [
            ("POST", f"{parent}/federationPolicies", policies.create),
            ("GET", f"{parent}/federationPolicies", policies.list),
            ("GET", parent + "/federationPolicies/{policy_id}", policies.read),
            ("PATCH", parent + "/federationPolicies/{policy_id}", policies.update),
            ("DELETE", parent + "/federationPolicies/{policy_id}", policies.delete),
        ]
    oidc = f"/oidc/accounts/{endpoints.account_id}"
    return Starlette(
        routes=[
            Route("/.well-known/databricks-config", document(metadata.account_config(endpoints))),
            Route(f"{oidc}/.well-known/oauth-authorization-server", document(metadata.discovery(issuer))),
            Route(f"{oidc}/.well-known/openid-configuration", document(metadata.discovery(issuer))),
            Route(f"{oidc}/jwks.json", jwks),
            Route(f"{oidc}/v1/token", token.answer, methods=["POST"]),
            *(Route(path, admin(handler), methods=[method]) for method, path, handler in api),
        ],
        exception_handlers=HANDLERS,
    )
