"""Switches and views for tests: the clock, faults, everything that users have made, and the switches of single doubles.

Nothing authenticates here: the sandbox listens on loopback only, and this double gives out no secret.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox import cluster, entra, graph
from lakelatch_sandbox.context import Context

INDEX = {
    "GET /health": "whether the doubles serve",
    "GET /clock": "the doubles' time",
    "POST /clock": "shift it: offset_seconds",
    "GET /objects": "everything that users have made, without secrets",
    "GET /faults": "the faults that are on, and the fields of a fault",
    "POST /faults": "switch a fault on: latency, a refusal, a dropped connection",
    "DELETE /faults": "switch all faults off; DELETE /faults/{id} switches one off",
}


def without_secrets(value: Any) -> Any:
    """The value without the members whose names begin with `_`, at any depth: there the doubles keep secrets."""
    if isinstance(value, dict):
        return {name: without_secrets(value[name]) for name in sorted(value) if not name.startswith("_")}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def application(context: Context) -> Starlette:
    """What `INDEX` lists, and below their names the switches of single doubles."""
    store, clock, faults = context.store, context.clock, context.faults

    async def index(_: Request) -> Response:
        return JSONResponse(INDEX)

    async def health(_: Request) -> Response:
        return JSONResponse({"ready": True})

    async def read_clock(_: Request) -> Response:
        return JSONResponse({"offset_seconds": clock.offset_seconds, "now": clock.now()})

    async def set_clock(request: Request) -> Response:
        try:
            body = await request.json()
            offset = body["offset_seconds"]
        except (ValueError, KeyError, TypeError):
            offset = None
        if not isinstance(offset, (int, float)) or isinstance(offset, bool):
            return JSONResponse({"error": 'the body must be {"offset_seconds": NUMBER}'}, status_code=400)
        clock.offset_seconds = float(offset)
        return await read_clock(request)

    async def objects(_: Request) -> Response:
        found = {
            kind: sorted((without_secrets(document) for document in store.all(kind)), key=repr)
            for kind in store.kinds()
        }
        counts = {kind: len(documents) for kind, documents in found.items()}
        return JSONResponse({"counts": counts, "objects": found})

    async def read_faults(_: Request) -> Response:
        return JSONResponse(faults.described())

    async def add_fault(request: Request) -> Response:
        try:
            return JSONResponse(faults.add(await request.json()), 201)
        except ValueError as error:
            fields = faults.described()["fields"]
            return JSONResponse({"error": str(error), "fields": fields}, status_code=400)

    async def remove_faults(request: Request) -> Response:
        id = request.path_params.get("id")
        if not faults.remove(id):
            return JSONResponse({"error": f"there is no fault {id}"}, status_code=404)
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/", index, methods=["GET"]),
            Route("/faults", read_faults, methods=["GET"]),
            Route("/faults", add_fault, methods=["POST"]),
            Route("/faults", remove_faults, methods=["DELETE"]),
            Route("/faults/{id}", remove_faults, methods=["DELETE"]),
            Route("/health", health, methods=["GET"]),
            Route("/clock", read_clock, methods=["GET"]),
            Route("/clock", set_clock, methods=["POST"]),
            Route("/objects", objects, methods=["GET"]),
            *cluster.switches(context),
            *entra.switches(context),
            *graph.switches(context),
        ]
    )
