"""Jobs API: runs of jobs, and runs of their own.

Source: the Jobs API's reference, 2.2. A run's states follow the sandbox's clock; what its tasks came to is kept, so
that a restart forgets no run. A task that the restart cut off has failed.
"""

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields, job_settings, paging
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.audit_table import AuditTable
from lakelatch_sandbox.databricks.directory import new_id
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.jobs import Jobs
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.run_records import RUNS, RunRecords
from lakelatch_sandbox.databricks.run_tasks import RunTasks
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

_TOKENS: Final = "_databricks/run_tokens"
MAX_PAGE: Final = 25
DEFAULT_PAGE: Final = 20

_PARAMETERS = ("job_parameters", "notebook_params", "sql_params", "python_named_params")
"""Members of `run-now` that hold parameters by name."""


class JobRuns:
    """The handlers; the caller has been authenticated."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        audit: Audit,
        audit_table: AuditTable,
        endpoints: Endpoints,
        jobs: Jobs,
        tasks: RunTasks,
    ) -> None:
        self._store = store
        self._records = RunRecords(store, clock)
        self._clock = clock
        self._audit = audit
        self._audit_table = audit_table
        self._endpoints = endpoints
        self._jobs = jobs
        self._tasks = tasks
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False
        for run in store.all(RUNS):
            for task in run["tasks"]:
                if task["task_key"] not in run["_outcomes"] and not run["_skipped"]:
                    message = "The sandbox was restarted while the task ran."
                    cut = {"result_state": "FAILED", "message": message, "finished": clock.now()}
                    run["_outcomes"][task["task_key"]] = cut
                    store.put(RUNS, str(run["run_id"]), run)

    def stop(self) -> None:
        """Begin no further task."""
        self._closing = True

    async def close(self) -> None:
        """Wait until nothing runs; to be called when the statements have been interrupted."""
        await asyncio.gather(*self._running)

    def _begin(self, request: Request, who: Caller, run: Document, job: Document | None) -> Document:
        """Number, keep and start a run."""
        id = int(new_id())
        settings = {} if job is None else job["settings"]
        active = 0 if job is None else len(self._records.active(job["job_id"]))
        most = settings.get("max_concurrent_runs", 1)
        made: Document = {
            "job_id": 0 if job is None else job["job_id"],
            "creator_user_name": who.name,
            "run_type": "SUBMIT_RUN" if job is None else "JOB_RUN",
            "trigger": "ONE_TIME",
            "format": "MULTI_TASK",
            **run,
            "run_id": id,
            "number_in_job": id,
            "original_attempt_run_id": id,
            "job_run_id": id,
            "run_page_url": f"{self._endpoints.workspace_host}/#job/{run.get('job_id', 0)}/run/{id}",
            "tasks": [{**task, "run_id": int(new_id()), "attempt_number": 0} for task in run["tasks"]],
            "_created": self._clock.now(),
            "_canceled": None,
            "_outcomes": {},
            "_skipped": f"The job has {active} active runs already, of {most} at most."
            if active >= max(most, 1)
            else "",
        }
        self._store.put(RUNS, str(id), made)
        if not made["_skipped"]:
            outcomes = self._tasks.outcomes(made, self._audit_table.rows_for(who), lambda *one: self._keep(id, *one))
            task = asyncio.create_task(outcomes, name=f"run {id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._record(request, who, "submitRun" if job is None else "runNow", made)
        return made

    def _record(self, request: Request, who: Caller, action: str, run: Document) -> None:
        params = {"job_id": run["job_id"], "run_id": run["run_id"]}
        self._audit.record(request, "jobs", action, by=who.name, params=params)

    def _keep(self, id: int, key: str, outcome: Document) -> bool:
        """Keep what a task came to; False when nobody waits for the next any more."""
        run = self._store.get(RUNS, str(id))
        if run is None or self._closing:
            return False
        run["_outcomes"][key] = outcome
        self._store.put(RUNS, str(id), run)
        return run["_canceled"] is None

    async def _once(
        self, request: Request, who: Caller, body: Document, run: Document, job: Document | None
    ) -> Document:
        """The run that this idempotency token has made already, or a new one."""
        token = fields.text(body, "idempotency_token", most=64)
        if token is None:
            return self._begin(request, who, run, job)
        key = f"{who.id}/{token}"
        known = self._store.get(_TOKENS, key)
        found = None if known is None else self._store.get(RUNS, str(known["run_id"]))
        if found is None:
            found = self._begin(request, who, run, job)
            self._store.put(_TOKENS, key, {"run_id": found["run_id"]})
        return found

    async def run_now(self, request: Request, who: Caller) -> Response:
        """`POST run-now`."""
        body = await json_object(request)
        job = self._jobs.find(fields.required_number(body, "job_id"))
        settings = job["settings"]
        if not settings["tasks"]:
            raise invalid(f"Job {job['job_id']} has no tasks.")
        parameters = {str(one.get("name")): one.get("default") for one in settings.get("parameters") or []}
        given = {name: fields.mapping(body, name) for name in _PARAMETERS if body.get(name)}
        run = {
            "run_name": settings["name"],
            "tasks": settings["tasks"],
            "overriding_parameters": given,
            "_timeout": fields.number(settings, "timeout_seconds") or 0,
            "_parameters": {**parameters, **{name: value for one in given.values() for name, value in one.items()}},
        }
        found = await self._once(request, who, body, run, job)
        return JSONResponse({"run_id": found["run_id"], "number_in_job": found["number_in_job"]})

    async def submit(self, request: Request, who: Caller) -> Response:
        """`POST runs/submit`: a run without a job."""
        body = await json_object(request)
        tasks = job_settings.checked_tasks(body)
        if not tasks:
            raise invalid("A run needs at least one task")
        run = {
            "run_name": fields.text(body, "run_name") or job_settings.DEFAULT_NAME,
            "tasks": tasks,
            "_timeout": fields.number(body, "timeout_seconds") or 0,
            "_parameters": {},
        }
        found = await self._once(request, who, body, run, None)
        return JSONResponse({"run_id": found["run_id"]})

    async def read(self, request: Request, _: Caller) -> Response:
        """`GET runs/get?run_id=...`; the id of a task's run shows that task."""
        run, key = self._records.find(request.query_params)
        shown = self._records.shown(run)
        if key is not None:
            shown |= next(task for task in shown["tasks"] if task["task_key"] == key)
        return JSONResponse(shown)

    async def output(self, request: Request, _: Caller) -> Response:
        """`GET runs/get-output?run_id=...`: of one task."""
        run, key = self._records.find(request.query_params)
        if key is None and len(run["tasks"]) != 1:
            raise invalid(
                "Retrieving the output of runs with multiple tasks is not supported. "
                "Please retrieve the output of each individual task run instead."
            )
        task = next(one for one in run["tasks"] if key in (None, one["task_key"]))
        shown = self._records.shown(run)
        metadata = shown | next(one for one in shown["tasks"] if one["task_key"] == task["task_key"])
        answer: Document = {"metadata": metadata}
        if metadata["status"]["state"] == "TERMINATED":
            outcome = run["_outcomes"].get(task["task_key"], {})
            answer |= {name: outcome[name] for name in ("sql_output", "info") if name in outcome}
            if "notebook_task" in task and "info" in outcome:
                answer["notebook_output"] = {"result": outcome["info"], "truncated": False}
            if outcome.get("result_state") == "FAILED":
                answer["error"] = outcome["message"]
        return JSONResponse(answer)

    async def list(self, request: Request, _: Caller) -> Response:
        """`GET runs/list`: newest first."""
        query = request.query_params
        active, completed = fields.flag(query, "active_only"), fields.flag(query, "completed_only")
        if active and completed:
            raise invalid("active_only and completed_only cannot both be true")
        job_id, type = fields.number(query, "job_id"), fields.text(query, "run_type")
        first = fields.number(query, "start_time_from") or 0
        last = fields.number(query, "start_time_to") or 2**63
        expand = fields.flag(query, "expand_tasks")
        found = []
        for run in reversed(list(self._store.all(RUNS))):
            wanted = job_id in (None, run["job_id"]) and type in (None, run["run_type"])
            if wanted and first <= run["_created"] * 1000 <= last:
                ended = self._records.standing(run)[0].ended
                if not (active and ended) and not (completed and not ended):
                    found.append(run)
        size = fields.number(query, "limit", most=MAX_PAGE) or DEFAULT_PAGE
        token = query.get("page_token") or paging.token_for(fields.number(query, "offset") or 0)
        shown, following, previous = paging.page(found, token, size)
        tokens = {"next_page_token": following, "prev_page_token": previous}
        return JSONResponse(
            {
                "runs": [self._records.shown(run, tasks=expand) for run in shown],
                "has_more": following is not None,
                **{name: one for name, one in tokens.items() if one},
            }
        )

    def _cancel(self, request: Request, who: Caller, run: Document) -> None:
        if not self._records.standing(run)[0].ended:
            run["_canceled"] = self._clock.now()
            self._store.put(RUNS, str(run["run_id"]), run)
            self._tasks.cancel(run["run_id"])
        self._record(request, who, "cancel", run)

    async def cancel(self, request: Request, who: Caller) -> Response:
        """`POST runs/cancel`; one that has ended stays as it is."""
        self._cancel(request, who, self._records.find(await json_object(request))[0])
        return JSONResponse({})

    async def cancel_all(self, request: Request, who: Caller) -> Response:
        """`POST runs/cancel-all` of a job."""
        for run in self._records.active(
            self._jobs.find(fields.required_number(await json_object(request), "job_id"))["job_id"]
        ):
            self._cancel(request, who, run)
        return JSONResponse({})

    async def delete(self, request: Request, who: Caller) -> Response:
        """`POST runs/delete`; an active run is refused."""
        run, _ = self._records.find(await json_object(request))
        if not self._records.standing(run)[0].ended:
            raise ApiError(400, "INVALID_STATE", f"Run {run['run_id']} is active; cancel it first.")
        self._store.delete(RUNS, str(run["run_id"]))
        self._record(request, who, "deleteRun", run)
        return JSONResponse({})
