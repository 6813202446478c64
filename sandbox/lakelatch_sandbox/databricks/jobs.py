"""Jobs API: jobs and their settings.

Source: the Jobs API's reference, 2.2; 2.1 and 2.0 answer alike.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields, job_settings, paging
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import new_id
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Document, Store

JOBS: Final = "databricks/jobs"
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20

_NOT_LISTED = ("tasks", "job_clusters", "environments", "parameters")
"""Members of the settings that a list shows with `expand_tasks` only."""


class Jobs:
    """The handlers; the caller has been authenticated."""

    def __init__(self, store: Store, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit

    def find(self, id: int) -> Document:
        """The job; raises `ApiError` 400 when there is none, as the vendor does."""
        found = self._store.get(JOBS, str(id))
        if found is None:
            raise job_settings.missing_job(id)
        return found

    def _record(self, request: Request, who: Caller, action: str, job: Document) -> None:
        params = {"job_id": job["job_id"], "name": job["settings"]["name"]}
        self._audit.record(request, "jobs", action, by=who.name, params=params)

    async def create(self, request: Request, who: Caller) -> Response:
        """`POST create`: the body is the settings."""
        settings = job_settings.checked(await json_object(request))
        job = {
            "job_id": int(new_id()),
            "creator_user_name": who.name,
            "run_as_user_name": who.name,
            "created_time": self._clock.now() * 1000,
            "settings": settings,
        }
        self._store.put(JOBS, str(job["job_id"]), job)
        self._record(request, who, "create", job)
        return JSONResponse({"job_id": job["job_id"]})

    async def read(self, request: Request, _: Caller) -> Response:
        """`GET get?job_id=...`."""
        return JSONResponse(self.find(fields.required_number(request.query_params, "job_id")))

    async def list(self, request: Request, _: Caller) -> Response:
        """`GET list`: newest first; `name` compares without case."""
        query = request.query_params
        name, expand = fields.text(query, "name"), fields.flag(query, "expand_tasks")
        size = fields.number(query, "limit", most=MAX_PAGE) or DEFAULT_PAGE
        found = [
            job
            for job in reversed(list(self._store.all(JOBS)))
            if name is None or job["settings"]["name"].lower() == name.lower()
        ]
        token = query.get("page_token") or paging.token_for(fields.number(query, "offset") or 0)
        shown, following, previous = paging.page(found, token, size)
        for job in shown:
            if not expand:
                job["settings"] = {key: value for key, value in job["settings"].items() if key not in _NOT_LISTED}
        tokens = {"next_page_token": following, "prev_page_token": previous}
        body = {"jobs": shown} if shown else {}
        return JSONResponse(
            {**body, "has_more": following is not None, **{name: one for name, one in tokens.items() if one}}
        )

    async def update(self, request: Request, who: Caller) -> Response:
        """`POST update`: `new_settings` over the old ones, without `fields_to_remove`."""
        body = await json_object(request)
        job = self.find(fields.required_number(body, "job_id"))
        job["settings"] = job_settings.merged(job["settings"], body)
        self._store.put(JOBS, str(job["job_id"]), job)
        self._record(request, who, "update", job)
        return JSONResponse({})

    async def reset(self, request: Request, who: Caller) -> Response:
        """`POST reset`: `new_settings` in place of the old ones."""
        body = await json_object(request)
        job = self.find(fields.required_number(body, "job_id"))
        job["settings"] = job_settings.checked(fields.mapping(body, "new_settings"))
        self._store.put(JOBS, str(job["job_id"]), job)
        self._record(request, who, "reset", job)
        return JSONResponse({})

    async def delete(self, request: Request, who: Caller) -> Response:
        """`POST delete`; its runs stay."""
        job = self.find(fields.required_number(await json_object(request), "job_id"))
        self._store.delete(JOBS, str(job["job_id"]))
        self._record(request, who, "delete", job)
        return JSONResponse({})
