"""The workspace host: discovery, token exchange, administration and the data APIs, every call authenticated."""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.databricks import metadata
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import HANDLERS, ApiError
from lakelatch_sandbox.databricks.ip_access_lists import IpAccessLists
from lakelatch_sandbox.databricks.keysets import KeySets
from lakelatch_sandbox.databricks.network_policies import NetworkPolicies
from lakelatch_sandbox.databricks.principal_secrets import PrincipalSecrets
from lakelatch_sandbox.databricks.token_endpoint import TokenEndpoint
from lakelatch_sandbox.databricks.tokens import ALL_APIS, TOKEN_ALGORITHM, AccessTokens, Caller, caller
from lakelatch_sandbox.databricks.workspace_admin import WorkspaceAdmin
from lakelatch_sandbox.databricks.workspace_data import WorkspaceData
from lakelatch_sandbox.keys import SigningKeys

Handler = Callable[[Request], Awaitable[Response]]
CallerHandler = Callable[[Request, Caller], Awaitable[Response]]


def application(context: Context) -> Starlette:
    """The ASGI application of the workspace host."""
    store, clock, endpoints = context.store, context.clock, context.endpoints
    issuer = metadata.workspace_issuer(endpoints)
    directory = Directory(store, endpoints)
    tokens = AccessTokens(
        SigningKeys(store, "databricks/workspace", TOKEN_ALGORITHM),
        issuer=issuer,
        audience=endpoints.workspace_id,
        clock=clock,
    )

    audit = Audit(store, clock, endpoints)
    principal_secrets = PrincipalSecrets(store, directory, clock, audit)
    admin = WorkspaceAdmin(store, endpoints, directory, audit, principal_secrets)
    token = TokenEndpoint(
        store,
        directory,
        tokens,
        KeySets(context.http, time.monotonic),
        clock,
        endpoints,
        admin.obstacle,
        principal_secrets,
        audit,
    )
    data = WorkspaceData(context, directory, audit)
    lists, policies = IpAccessLists(store), NetworkPolicies(store, endpoints)

    def document(body: dict[str, object]) -> Handler:
        async def answer(_: Request) -> Response:
            return JSONResponse(body)

        return answer

    def denied(who: Caller, scope: str | None, address: str) -> ApiError | None:
        reason = None
        if not lists.admit(address):
            reason = f"Source IP address: {address} is blocked by Databricks IP ACL for workspace"
        elif not policies.admit(address):
            reason = f"Source IP address: {address} is blocked by the network policy of the workspace"
        elif (obstacle := admin.obstacle(who.principal)) is not None:
            reason = f"{who.type.called} {who.name} {obstacle}"
        elif scope is not None and not {ALL_APIS, scope} & who.scopes:
            reason = f"The access token's scope lacks `{scope}`."
        elif (entitlement := admin.missing_entitlement(who, scope)) is not None:
            reason = f"This API is disabled for users without the {entitlement} entitlement."
        return None if reason is None else ApiError(403, "PERMISSION_DENIED", reason)

    def answered(handler: CallerHandler, scope: str | None) -> Handler:
        async def checked(request: Request) -> Response:
            who = caller(request.headers.get("authorization"), tokens, directory)
            request.state.caller = who
            refusal = denied(who, scope, request.client.host if request.client else "")
            audit.authorized(request, who.name, refusal=refusal)
            if refusal is not None:
                raise refusal
            response = await handler(request, who)
            # clients read the workspace's id from this header
            response.headers["X-Databricks-Org-Id"] = endpoints.workspace_id
            return response

        return checked

    async def jwks(_: Request) -> Response:
        return JSONResponse(tokens.keys.jwks())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await data.close()

    api = [*admin.routes(), *data.routes()]
    return Starlette(
        routes=[
            Route("/.well-known/databricks-config", document(metadata.workspace_config(endpoints))),
            Route("/oidc/.well-known/oauth-authorization-server", document(metadata.discovery(issuer))),
            Route("/oidc/.well-known/openid-configuration", document(metadata.discovery(issuer))),
            Route("/oidc/jwks.json", jwks),
            Route("/oidc/v1/token", token.answer, methods=["POST"]),
            *(Route(path, answered(handler, scope), methods=[method]) for method, path, scope, handler in api),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
