"""What drivers ask for besides their queries: telemetry and feature flags.

Source: databricks-sql-connector 4.9.0 and databricks-jdbc; both go on without an answer, but log failures.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks import fields
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.tokens import Caller

FLAGS_TTL_SECONDS = 900
"""How long a driver may go on with the flags it has been given."""


async def telemetry(request: Request, _: Caller) -> Response:
    """`POST /telemetry-ext`: every event is taken and none is kept."""
    body = await json_object(request)
    events = [*(body.get("items") or []), *(body.get("protoLogs") or [])]
    return JSONResponse(
        {"errors": [], "numSuccess": len(events), "numProtoSuccess": len(events), "numRealtimeSuccess": 0}
    )


async def feature_flags(request: Request, _: Caller) -> Response:
    """`GET /api/2.0/connector-service/feature-flags/{client}/{version}`: none is switched on."""
    fields.required(request.path_params, "client")
    return JSONResponse({"flags": [], "ttl_seconds": FLAGS_TTL_SECONDS})
