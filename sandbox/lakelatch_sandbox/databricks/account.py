"""The account host: discovery, tokens, principals, their secrets, federation policies, workspace assignments."""

import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.databricks import metadata
from lakelatch_sandbox.databricks.assignments import AssignmentApi
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import HANDLERS, ApiError
from lakelatch_sandbox.databricks.keysets import KeySets
from lakelatch_sandbox.databricks.network_policies import NetworkPolicies
from lakelatch_sandbox.databricks.policy_api import PolicyApi
from lakelatch_sandbox.databricks.principal_secrets import PrincipalSecrets
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, USER
from lakelatch_sandbox.databricks.scim_api import ScimApi, scim_routes
from lakelatch_sandbox.databricks.token_endpoint import TokenEndpoint
from lakelatch_sandbox.databricks.tokens import ALL_APIS, TOKEN_ALGORITHM, AccessTokens, Caller, caller
from lakelatch_sandbox.keys import SigningKeys

Handler = Callable[[Request], Awaitable[Response]]


_SCOPES = (
    ("/scim/v2/", "scim"),
    ("/federationPolicies", "authentication"),
    ("/credentials/secrets", "authentication"),
    ("/permissionassignments", "access-management"),
    ("/network-policies", "networking"),
    ("/network", "networking"),
)
"""The OAuth scope that an API needs, by a part of its path; `provisioning` for the others."""


def scope_of(path: str) -> str:
    """The OAuth scope that a token must have for this path, unless it has all."""
    return next((scope for part, scope in _SCOPES if part in path), "provisioning")


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
        on_account=True,
    )
    audit = Audit(store, clock, endpoints)
    principal_secrets = PrincipalSecrets(store, directory, clock, audit)
    token = TokenEndpoint(
        store,
        directory,
        tokens,
        KeySets(context.http, time.monotonic),
        clock,
        endpoints,
        lambda _: None,
        principal_secrets,
        audit,
    )
    policies = PolicyApi(store, directory, clock, endpoints.account_id, audit)
    assignments = AssignmentApi(directory, endpoints, audit, on_account=True)
    networks = NetworkPolicies(store, endpoints)

    def document(body: dict[str, object]) -> Handler:
        async def answer(_: Request) -> Response:
            return JSONResponse(body)

        return answer

    async def jwks(_: Request) -> Response:
        return JSONResponse(tokens.keys.jwks())

    def denied(who: Caller, scope: str) -> ApiError | None:
        reason = None
        if not {ALL_APIS, scope} & who.scopes:
            reason = f"The access token's scope lacks `{scope}`."
        elif not directory.is_account_admin(who.principal):
            reason = f"{who.name} is not an account administrator."
        return None if reason is None else ApiError(403, "PERMISSION_DENIED", reason)

    def admin(handler: Handler) -> Handler:
        async def checked(request: Request) -> Response:
            who = caller(request.headers.get("authorization"), tokens, directory)
            if request.path_params["account_id"] != endpoints.account_id:
                raise ApiError(404, "NOT_FOUND", f"Account {request.path_params['account_id']} does not exist.")
            request.state.caller = who
            refusal = denied(who, scope_of(request.url.path))
            audit.authorized(request, who.name, refusal=refusal, on_account=True)
            if refusal is not None:
                raise refusal
            return await handler(request)

        return checked

    base = "/api/2.0/accounts/{account_id}"
    owned = base + "/servicePrincipals/{principal_id}"
    assigned = base + "/workspaces/{workspace_id}/permissionassignments"
    api: list[tuple[str, str, Handler]] = [
        ("GET", f"{base}/workspaces", assignments.workspaces),
        ("GET", base + "/workspaces/{workspace_id}", assignments.workspace),
        ("GET", assigned, assignments.list),
        ("GET", f"{assigned}/permissions", assignments.permissions),
        ("PUT", assigned + "/principals/{principal_id}", assignments.put),
        ("DELETE", assigned + "/principals/{principal_id}", assignments.delete),
        ("GET", base + "/workspaces/{workspace_id}/network", networks.read_turn),
        ("PUT", base + "/workspaces/{workspace_id}/network", networks.turn),
        ("POST", f"{base}/network-policies", networks.create),
        ("GET", base + "/network-policies/{policy_id}", networks.read),
        ("PUT", base + "/network-policies/{policy_id}", networks.replace),
        ("DELETE", base + "/network-policies/{policy_id}", networks.delete),
        ("POST", f"{owned}/credentials/secrets", principal_secrets.create),
        ("GET", f"{owned}/credentials/secrets", principal_secrets.list),
        ("DELETE", owned + "/credentials/secrets/{secret_id}", principal_secrets.delete),
    ]
    for type in (SERVICE_PRINCIPAL, USER, GROUP):
        api += scim_routes(f"{base}/scim/v2", type, ScimApi(type, directory, audit))
    for parent in (base, owned):
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
