"""Queries API: saved statements, which SQL tasks of jobs run.

Source: the Queries API's reference (`/api/2.0/sql/queries`).
"""

import datetime
import uuid
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields, paging
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.statement_request import MAX_STATEMENT
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Document, Store

QUERIES: Final = "databricks/queries"
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20

_TEXTS = ("display_name", "description", "warehouse_id", "catalog", "schema", "run_as_mode", "parent_path")


class Queries:
    """The handlers; the caller has been authenticated."""

    def __init__(self, store: Store, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def find(self, id: str) -> Document:
        """A saved query; raises `ApiError` 404."""
        found = self._store.get(QUERIES, id)
        if found is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Query {id[:100]} does not exist.")
        return found

    def _now(self) -> str:
        return datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC).isoformat().replace("+00:00", "Z")

    def _saved(self, request: Request, who: Caller, query: Document, action: str) -> Response:
        self._store.put(QUERIES, query["id"], query)
        self._audit.record(request, "databrickssql", action, by=who.name, params={"queryId": query["id"]})
        return JSONResponse(query)

    async def create(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/queries` with `query`."""
        given = fields.mapping(await json_object(request), "query")
        now = self._now()
        made: Document = {
            "id": str(uuid.uuid4()),
            "display_name": fields.required(given, "display_name"),
            "query_text": fields.text(given, "query_text", most=MAX_STATEMENT) or "",
            **{name: text for name in _TEXTS if (text := fields.text(given, name)) is not None},
            "lifecycle_state": "ACTIVE",
            "owner_user_name": who.name,
            "last_modifier_user_name": who.name,
            "create_time": now,
            "update_time": now,
        }
        return self._saved(request, who, made, "createQuery")

    async def list(self, request: Request, _: Caller) -> Response:
        """`GET /api/2.0/sql/queries`, newest first."""
        size = fields.number(request.query_params, "page_size", most=MAX_PAGE) or DEFAULT_PAGE
        found = list(self._store.all(QUERIES))[::-1]
        shown, following, _previous = paging.page(found, request.query_params.get("page_token"), size)
        return JSONResponse({"results": shown} | ({"next_page_token": following} if following else {}))

    async def read(self, request: Request, _: Caller) -> Response:
        """`GET /api/2.0/sql/queries/{id}`."""
        return JSONResponse(self.find(request.path_params["id"]))

    async def update(self, request: Request, who: Caller) -> Response:
        """`PATCH /api/2.0/sql/queries/{id}`: the members that `update_mask` names, or all that are sent."""
        query = self.find(request.path_params["id"])
        body = await json_object(request)
        given, mask = fields.mapping(body, "query"), fields.text(body, "update_mask") or "*"
        names = [*_TEXTS, "query_text"] if mask == "*" else mask.split(",")
        changed = {
            name: fields.text(given, name, most=MAX_STATEMENT)
            for name in names
            if name in (*_TEXTS, "query_text") and name in given
        }
        query |= changed | {"update_time": self._now(), "last_modifier_user_name": who.name}
        return self._saved(request, who, query, "updateQuery")

    async def delete(self, request: Request, who: Caller) -> Response:
        """`DELETE /api/2.0/sql/queries/{id}`; the vendor moves it to the trash, the sandbox has none."""
        id = self.find(request.path_params["id"])["id"]
        self._store.delete(QUERIES, id)
        self._audit.record(request, "databrickssql", "moveQueryToTrash", by=who.name, params={"queryId": id})
        return JSONResponse({})
