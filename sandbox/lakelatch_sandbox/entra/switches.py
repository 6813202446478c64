"""What only the sandbox can do with its tenant, under the control address: mint a person's token, rotate the keys.

A real tenant gives a person's token after a sign-in in a browser. Here nobody signs in: whoever reaches the control
address, which is loopback only, gets a token that says so. Everything else is judged as Entra does.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.entra import decisions, tokens
from lakelatch_sandbox.entra.errors import EntraError, error_body
from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.signing import LEAD_SECONDS, LONGEST_TOKEN_SECONDS, TenantKeys
from lakelatch_sandbox.graph.tenant import signing_keys

_USER_TOKEN = {
    "user": str,
    "resource": str,
    "client_id": str,
    "scopes": list,
    "acrs": list,
    "amr": list,
    "lifetime_seconds": int,
}
"""The members of a request for a person's token; `user` and `resource` are needed."""


class BadSwitchError(Exception):
    """Raised when a switch is told something that it does not understand."""


async def read(request: Request, members: dict[str, type]) -> dict[str, Any]:
    """The JSON object of a request, if it has these members only; raises `BadSwitchError`."""
    try:
        body = await request.json() if await request.body() else {}
    except ValueError:
        raise BadSwitchError("the body must be a JSON object") from None
    if not isinstance(body, dict):
        raise BadSwitchError("the body must be a JSON object")
    for name, value in body.items():
        kind = members.get(name)
        if kind is None:
            raise BadSwitchError(f"`{name}` is not known; known are {', '.join(f'`{one}`' for one in members)}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadSwitchError(f"`{name}` must be of type {kind.__name__}")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise BadSwitchError(f"`{name}` must hold texts")
    return body


def routes(context: Context) -> list[Route]:
    """`POST /entra/user-tokens`, `GET /entra/keys` and `POST /entra/keys/rotate`."""
    keys = signing_keys(context)

    async def user_token(request: Request) -> Response:
        try:
            wanted = await read(request, _USER_TOKEN)
            return JSONResponse(_mint(context, keys, wanted))
        except BadSwitchError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except EntraError as error:
            body = error_body(
                error,
                now=context.clock.now(),
                authority=context.endpoints.entra_authority,
                correlation_id=request.headers.get("client-request-id"),
            )
            return JSONResponse(body, status_code=error.refusal.status)

    async def rotate(request: Request) -> Response:
        try:
            lead = (await read(request, {"sign_after_seconds": int})).get("sign_after_seconds", LEAD_SECONDS)
        except BadSwitchError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        kid = keys.rotate(max(lead, 0))
        return JSONResponse({"kid": kid, "keys": keys.schedule()})

    async def schedule(_: Request) -> Response:
        return JSONResponse({"keys": keys.schedule()})

    return [
        Route("/entra/user-tokens", user_token, methods=["POST"]),
        Route("/entra/keys", schedule, methods=["GET"]),
        Route("/entra/keys/rotate", rotate, methods=["POST"]),
    ]


def _mint(context: Context, keys: TenantKeys, wanted: dict[str, Any]) -> dict[str, Any]:
    for name in ("user", "resource"):
        if name not in wanted:
            raise BadSwitchError(f"`{name}` is missing")
    lifetime = wanted.get("lifetime_seconds", tokens.LIFETIME_SECONDS)
    if not 1 <= lifetime < LONGEST_TOKEN_SECONDS:
        raise BadSwitchError(f"`lifetime_seconds` must be between 1 and {LONGEST_TOKEN_SECONDS - 1}")
    client = None
    if "client_id" in wanted:
        client = Directory(context).service_principal_by_app_id(wanted["client_id"])
        if client is None:
            raise EntraError(700016, client=wanted["client_id"], tenant=context.endpoints.tenant_id)
    grant = decisions.for_user(
        context,
        wanted["user"],
        client,
        wanted["resource"].removesuffix("/.default"),
        tuple(wanted.get("scopes", ())),
        contexts=tuple(wanted.get("acrs", ())),
        methods=tuple(wanted.get("amr", ("pwd",))),
    )
    claims = tokens.claims(grant, context.endpoints, now=context.clock.now(), lifetime_seconds=lifetime)
    token = keys.sign(claims)
    return {"token_type": "Bearer", "expires_in": lifetime, "access_token": token, "scope": claims["scp"]}
