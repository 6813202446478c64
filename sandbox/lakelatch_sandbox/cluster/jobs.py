"""CI jobs as their runners see them: an address and a bearer token in the environment, for which they get ID tokens.

GitHub: docs.github.com, "OpenID Connect reference", `ACTIONS_ID_TOKEN_REQUEST_URL`; Azure DevOps: learn.microsoft.com,
"Oidctoken - Create" of the distributed task API. So a job's own client (databricks-sdk's `github-oidc` and
`azure-devops-oidc`) works here unchanged.
"""

import hmac
import secrets
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.cluster.issuers import PREFIX, Order, mint, parse
from lakelatch_sandbox.context import Context

JOBS = "_issuers/jobs"

AZURE_AUDIENCE = "api://AzureADTokenExchange"
"""Azure DevOps makes its tokens out to nobody else, whatever is asked for."""

_AZURE_PATH = "/_apis/distributedtask/hubs/{hub}/plans/{plan}/jobs/{job}/oidctoken"


def environment(context: Context, order: Order) -> dict[str, str]:
    """Begin a job whose tokens say what the order's claims say; returns the runner's variables.

    Raises `ValueError` for an issuer whose jobs have no such address.
    """
    base, job, bearer = f"{context.endpoints.cluster_issuer}{PREFIX}", str(uuid.uuid4()), secrets.token_urlsafe(24)
    match order.issuer.partition("/")[0]:
        case "github":
            found = {
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{base}/github/jobs/{job}/token?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer,
            }
        case "azure-devops":
            found = {
                "SYSTEM_ACCESSTOKEN": bearer,
                "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": f"{base}/azure-devops/",
                "SYSTEM_TEAMPROJECTID": str(uuid.uuid4()),
                "SYSTEM_PLANID": str(uuid.uuid4()),
                "SYSTEM_JOBID": job,
                "SYSTEM_HOSTTYPE": "build",
            }
        case other:
            raise ValueError(f"jobs of `{other}` get their tokens in no way that is known here")
    kept = {"id": job, "_bearer": bearer, "issuer": order.issuer, "claims": dict(order.claims)}
    context.store.put(JOBS, job, kept)
    return found


def _token(context: Context, request: Request, audience: str | None) -> str | None:
    """The ID token of the job that asks; None when it is not known or shows another bearer."""
    job = context.store.get(JOBS, request.path_params["job"])
    presented = request.headers.get("authorization", "").partition(" ")[2].strip()
    if job is None or not hmac.compare_digest(presented.encode(), job["_bearer"].encode()):
        return None
    claims: dict[str, Any] = {**({"aud": audience} if audience else {}), **job["claims"]}
    return mint(context, Order(issuer=job["issuer"], claims=claims))


def routes(context: Context) -> list[Route]:
    """The addresses that jobs ask."""

    async def github(request: Request) -> Response:
        # without an audience the vendor names the repository's owner, which is for the job's claims to say here
        token = _token(context, request, request.query_params.get("audience"))
        if token is None:
            return JSONResponse({"message": "unauthorized"}, status_code=401)
        return JSONResponse({"count": len(token), "value": token})

    async def azure(request: Request) -> Response:
        token = _token(context, request, AZURE_AUDIENCE)
        if token is None:
            return JSONResponse({"message": "TF400813: the user is not authorized."}, status_code=401)
        return JSONResponse({"oidcToken": token})

    return [
        Route(f"{PREFIX}/github/jobs/{{job}}/token", github),
        Route(f"{PREFIX}/azure-devops/{{project}}{_AZURE_PATH}", azure, methods=["POST"]),
    ]


def switches(context: Context) -> list[Route]:
    """Under the control address: `POST /issuers/jobs` begins a job and answers its environment."""

    async def begin(request: Request) -> Response:
        try:
            return JSONResponse(environment(context, parse(await request.json())))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return [Route("/issuers/jobs", begin, methods=["POST"])]
