"""What only the sandbox can do with its directory, under the control address: let writes show late."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.graph import consistency


def routes(context: Context) -> list[Route]:
    """`GET|POST /graph/consistency`: `{"reads": N}` or `{"held": true}`; `{"reads": 0}` shows everything at once."""

    async def show(_: Request) -> Response:
        return JSONResponse(consistency.settings(context.store))

    async def switch(request: Request) -> Response:
        try:
            body = await request.json()
            reads, held = body.get("reads", 0), body.get("held", False)
        except (ValueError, AttributeError):
            reads, held = None, None
        if not isinstance(reads, int) or isinstance(reads, bool) or reads < 0 or not isinstance(held, bool):
            problem = 'the body must be {"reads": NUMBER} or {"held": true}'
            return JSONResponse({"error": problem}, status_code=400)
        consistency.configure(context.store, reads=reads, held=held)
        return await show(request)

    return [
        Route("/graph/consistency", show, methods=["GET"]),
        Route("/graph/consistency", switch, methods=["POST"]),
    ]
