"""Passes requests of authenticated callers on to the MLflow server, without what is between them and the sandbox."""

from collections.abc import Iterable
from typing import Final

import httpx
from starlette.requests import Request
from starlette.responses import Response

from lakelatch_sandbox.databricks import requests
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.mlflow_paths.server import MlflowServer
from lakelatch_sandbox.databricks.tokens import Caller

PATHS: Final = (
    "/api/2.0/mlflow/{rest:path}",
    "/api/2.0/mlflow-artifacts/{rest:path}",
    "/api/3.0/mlflow/{rest:path}",
)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

FORWARDED: Final = ("accept", "content-type", "user-agent", "x-request-id", "x-mlflow-workspace")
"""Everything else stays here: credentials, cookies, what proxies say of themselves, the connection's own headers."""

RETURNED: Final = ("content-type", "content-disposition", "x-content-type-options")
"""The length is reckoned anew; cookies and the server's name do not leave."""

ACTIONS: Final = {
    "experiments/create": "createMlflowExperiment",
    "experiments/delete": "deleteMlflowExperiment",
    "experiments/restore": "restoreMlflowExperiment",
    "runs/delete": "deleteMlflowRuns",
    "runs/restore": "restoreMlflowRuns",
}
"""What of it is in the vendor's audit log, service `mlflowExperiment`."""


class MlflowProxy:
    """The handler; the caller has been authenticated."""

    def __init__(self, server: MlflowServer, audit: Audit) -> None:
        self._server = server
        self._audit = audit

    async def forward(self, request: Request, who: Caller) -> Response:
        """One request, whole, and its answer; what is no JSON answer of the API becomes an error of the API."""
        content = await requests.body(request)
        client = await self._server.client()
        try:
            answer = await client.request(
                request.method,
                request.url.path,
                params=httpx.QueryParams(request.url.query),
                content=content,
                headers=_kept(request.headers.items(), FORWARDED),
            )
        except httpx.TransportError as error:
            raise ApiError(
                503, "TEMPORARILY_UNAVAILABLE", f"The sandbox's MLflow server gave no answer: {type(error).__name__}."
            ) from error
        action = ACTIONS.get(request.path_params["rest"])
        if action is not None:
            self._audit.record(request, "mlflowExperiment", action, by=who.name, status=answer.status_code)
        if answer.status_code >= 400 and not answer.headers.get("content-type", "").startswith("application/json"):
            # pages for people confuse the clients
            code = "ENDPOINT_NOT_FOUND" if answer.status_code in (404, 405) else "INTERNAL_ERROR"
            message = f"No API found for '{request.method} {request.url.path}' in the MLflow server"
            raise ApiError(answer.status_code, code, message)
        return Response(answer.content, answer.status_code, _kept(answer.headers.items(), RETURNED))


def _kept(headers: Iterable[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() in names}
