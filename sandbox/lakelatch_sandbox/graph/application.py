"""Microsoft Graph, as far as applications, people and access policies go, and the cloud's metadata document."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.graph import (
    applications,
    assignments,
    combinations,
    conditional_access,
    credentials,
    deleted_items,
    federated_credentials,
    grants,
    groups,
    links,
    metadata,
    service_principals,
    strengths,
    users,
)
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.service import Operation, exception_handlers, routes

OPERATIONS: tuple[Operation, ...] = tuple(
    row
    for module in (
        applications,
        federated_credentials,
        service_principals,
        assignments,
        grants,
        credentials,
        users,
        groups,
        links,
        strengths,
        combinations,
        conditional_access,
        deleted_items,
    )
    for row in module.OPERATIONS
)


def application(context: Context) -> Starlette:
    """Graph v1.0 and beta over one directory; everything but the metadata document needs a token."""

    async def endpoints(request: Request) -> Response:
        if request.query_params.get("api-version") != metadata.API_VERSION:
            raise bad_request(f"The api-version must be '{metadata.API_VERSION}'.", "InvalidApiVersion")
        return JSONResponse(metadata.document(context.endpoints))

    return Starlette(
        routes=[Route("/metadata/endpoints", endpoints), *routes(context, OPERATIONS)],
        exception_handlers=exception_handlers(context),
    )
