"""How every Graph request is served: bearer token, permission, body, operation, answer or error envelope.

What the service offers is a table of `Operation` rows; the rest of this package only adds rows. An object of
`applications` and `servicePrincipals` may be named by its client id as well, `applications(appId='…')`.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.graph.directory import APPLICATIONS, SERVICE_PRINCIPALS, Directory
from lakelatch_sandbox.graph.errors import GraphError, bad_request, envelope, not_found, unauthenticated
from lakelatch_sandbox.graph.permissions import Requirement
from lakelatch_sandbox.graph.query import page
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.signing import TenantKeys
from lakelatch_sandbox.graph.tenant import signing_keys, verify_graph_token

VERSIONS = ("v1.0", "beta")
"""Both versions serve the same objects."""


@dataclass(frozen=True)
class Caller:
    """Who asks: the object id of the service principal, and its Graph permissions."""

    object_id: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class Call:
    """One request, as an operation sees it."""

    directory: Directory
    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Document
    base: str
    """Address with version, for example `https://127.0.0.1:18443/v1.0`; for `@odata.context`."""
    url: str
    """The address that was asked, without its query; for `@odata.nextLink`."""
    eventual: bool = False
    """Whether the caller said `ConsistencyLevel: eventual`."""

    @property
    def beta(self) -> bool:
        """Whether the beta version was asked."""
        return self.base.endswith("/beta")

    def entity(self, set_name: str, document: Mapping[str, Any]) -> Document:
        """A single object as Graph answers it."""
        return {"@odata.context": f"{self.base}/$metadata#{set_name}/$entity", **document}

    def listing(self, set_name: str, documents: Iterable[Mapping[str, Any]]) -> Document:
        """A page of a collection as Graph answers it; raises `GraphError` (400) for a query that is not understood."""
        found = page(documents, self.query, eventual=self.eventual)
        answer: Document = {"@odata.context": f"{self.base}/$metadata#{set_name}"}
        if found.count is not None:
            answer["@odata.count"] = found.count
        if found.skiptoken is not None:
            following = {**self.query, "$skiptoken": found.skiptoken}
            answer["@odata.nextLink"] = f"{self.url}?{urlencode(following, quote_via=quote, safe='$')}"
        return {**answer, "value": found.documents}


@dataclass(frozen=True)
class Answer:
    """What an operation answers; 204 has no body."""

    status: int
    body: Document | None = None


NO_CONTENT = Answer(204)


@dataclass(frozen=True)
class Operation:
    """A method and path of the API, who may use it, and what it does."""

    method: str
    path: str
    requirement: Requirement
    handle: Callable[[Call], Answer]


def routes(context: Context, operations: Iterable[Operation]) -> list[Mount]:
    """The operations under each version's prefix."""
    rows = tuple(operations)
    keys = signing_keys(context)
    directory = Directory(context)

    def caller(request: Request) -> Caller:
        return _caller(request.headers.get("authorization", ""), context, keys)

    def serve(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def handler(request: Request) -> Response:
            known = caller(request)
            version = request.url.path.split("/")[1]
            path = _with_object_id(request.path_params, operation, directory)
            operation.requirement.check(known.permissions, known.object_id, directory, path.get("id"))
            call = Call(
                directory=directory,
                caller=known,
                path=path,
                query=dict(request.query_params),
                body=_body(await request.body()),
                base=f"{context.endpoints.graph_base}/{version}",
                url=f"{context.endpoints.graph_base}{request.url.path}",
                eventual=request.headers.get("consistencylevel", "").lower() == "eventual",
            )
            answer = operation.handle(call)
            if answer.body is None:
                return Response(status_code=answer.status)
            return JSONResponse(answer.body, status_code=answer.status)

        return handler

    served = [(path, row) for row in rows for path in (row.path, *_by_client_id(row.path))]
    return [
        Mount(f"/{version}", routes=[Route(path, serve(row), methods=[row.method]) for path, row in served])
        for version in VERSIONS
    ]


_BY_CLIENT_ID = {"/applications/{id}": APPLICATIONS, "/servicePrincipals/{id}": SERVICE_PRINCIPALS}


def _by_client_id(path: str) -> list[str]:
    """The other form of a path that begins with an application's or a service principal's object id."""
    named = [one for one in _BY_CLIENT_ID if path == one or path.startswith(f"{one}/")]
    return [one.replace("/{id}", "(appId='{app_id}')") + path.removeprefix(one) for one in named]


def _with_object_id(path: Mapping[str, str], operation: Operation, directory: Directory) -> Mapping[str, str]:
    if "app_id" not in path:
        return path
    kind = next(kind for prefix, kind in _BY_CLIENT_ID.items() if operation.path.startswith(prefix))
    found = directory.by_app_id(kind, path["app_id"])
    if found is None:
        raise not_found(path["app_id"])
    return {**path, "id": found["id"]}


def exception_handlers(context: Context) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Refusals as Graph writes them, those of the router included."""

    async def refuse(request: Request, error: Exception) -> Response:
        refusal = error if isinstance(error, GraphError) else _router_refusal(request, error)
        client_request_id = request.headers.get("client-request-id")
        body = envelope(refusal, now=context.clock.now(), client_request_id=client_request_id)
        headers = {"request-id": body["error"]["innerError"]["request-id"]}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm=""'
        return JSONResponse(body, status_code=refusal.status, headers=headers)

    return {GraphError: refuse, HTTPException: refuse}


def _router_refusal(request: Request, error: Exception) -> GraphError:
    if isinstance(error, HTTPException) and error.status_code == 405:
        return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    segment = request.url.path.rstrip("/").rsplit("/", 1)[-1]
    return bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")


def _caller(header: str, context: Context, keys: TenantKeys) -> Caller:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("Access token is empty.")
    try:
        claims = verify_graph_token(token.strip(), context, keys)
    except jwt.ExpiredSignatureError:
        raise unauthenticated("Lifetime validation failed, the token is expired.") from None
    except jwt.InvalidAudienceError:
        raise unauthenticated("Access token validation failure. Invalid audience.") from None
    except jwt.InvalidTokenError:
        raise unauthenticated("Access token validation failure.") from None
    return Caller(object_id=claims["oid"], permissions=frozenset(claims.get("roles", ())))


def _body(raw: bytes) -> Document:
    if not raw:
        return {}
    try:
        document = json.loads(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format.",
            "BadRequest",
        )
    return document
