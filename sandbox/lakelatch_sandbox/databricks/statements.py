"""The Statement Execution API: statements run by DuckDB in threads, results in chunks."""

import asyncio
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import statement_request
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.sql_engine import Engine, Query, Result, Running, StatementError
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.databricks.warehouses import Warehouses

MAX_SECONDS = 60.0
"""A statement runs no longer: it shares a development machine."""

WORKERS = 4
MAX_WAITING = 100
KEPT_SECONDS = 3600
"""Results are kept for one hour, as the vendor's."""

MAX_KEPT = 100
CHUNK_ROWS = 5_000

_ROOT = "/api/2.0/sql/statements"


@dataclass
class Statement:
    """One statement and where it stands."""

    id: str
    owner: str
    created: int
    running: Running
    state: str = "PENDING"
    message: str | None = None
    result: Result | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in ("PENDING", "RUNNING")


class Statements:
    """The handlers; the caller has been authenticated. Statements live in memory: results do not outlive a restart."""

    def __init__(self, engine: Engine, warehouses: Warehouses, clock: Clock) -> None:
        self._engine = engine
        self._warehouses = warehouses
        self._clock = clock
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")
        self._statements: dict[str, Statement] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Interrupt what runs, and wait until the threads have ended."""
        for statement in self._statements.values():
            if not statement.finished:
                statement.running.interrupt()
        await asyncio.gather(*self._tasks)
        self._pool.shutdown()
        self._engine.close()

    def _forget(self) -> None:
        """Drop the oldest finished statements: those past their hour, and those beyond the number that is kept."""
        finished = [one for one in self._statements.values() if one.finished]
        for position, one in enumerate(finished):
            if len(finished) - position > MAX_KEPT or one.created + KEPT_SECONDS < self._clock.now():
                del self._statements[one.id]

    async def _run(self, statement: Statement, query: Query) -> None:
        loop = asyncio.get_running_loop()
        overdue = loop.call_later(MAX_SECONDS, statement.running.interrupt)
        statement.state = "RUNNING"
        try:
            statement.result = await loop.run_in_executor(self._pool, statement.running.execute, query)
        except StatementError as error:
            if statement.state == "RUNNING":
                statement.state, statement.message = "FAILED", str(error)
        else:
            statement.state = "SUCCEEDED" if statement.state == "RUNNING" else statement.state
        finally:
            overdue.cancel()

    async def execute(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/statements`; waits for the result as long as `wait_timeout` says."""
        asked = statement_request.read(await json_object(request), who.name)
        self._warehouses.use(asked.warehouse_id)
        self._forget()
        if len(self._tasks) >= MAX_WAITING:
            raise ApiError(429, "RESOURCE_EXHAUSTED", f"{MAX_WAITING} statements are waiting already.")
        # the vendor's ids are UUIDs of version 1; the caller learns nothing from ours
        id = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        statement = Statement(id, who.name, self._clock.now(), self._engine.prepare())
        self._statements[id] = statement
        task = asyncio.create_task(self._run(statement, asked.query), name=f"statement {id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if asked.wait_seconds:
            await asyncio.wait({task}, timeout=asked.wait_seconds)
            if not task.done() and asked.cancel_on_timeout:
                self._cancel(statement)
        return JSONResponse(described(statement))

    def _find(self, request: Request, who: Caller) -> Statement:
        found = self._statements.get(request.path_params["id"])
        if found is None or found.owner != who.name:
            raise ApiError(404, "NOT_FOUND", f"Statement {request.path_params['id']} does not exist.")
        return found

    def _cancel(self, statement: Statement) -> None:
        if not statement.finished:
            statement.state = "CANCELED"
            statement.running.interrupt()

    async def read(self, request: Request, who: Caller) -> Response:
        """`GET /api/2.0/sql/statements/{id}`: state, manifest and first chunk. Only who sent it sees it."""
        return JSONResponse(described(self._find(request, who)))

    async def cancel(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/statements/{id}/cancel`."""
        self._cancel(self._find(request, who))
        return JSONResponse({})

    async def chunk(self, request: Request, who: Caller) -> Response:
        """`GET /api/2.0/sql/statements/{id}/result/chunks/{index}`."""
        statement = self._find(request, who)
        index = request.path_params["index"]
        if statement.result is None or not 0 <= index < chunk_count(statement.result):
            raise ApiError(404, "NOT_FOUND", f"Statement {statement.id} has no chunk {index}.")
        return JSONResponse(chunk(statement.id, statement.result, index))


def chunk_count(result: Result) -> int:
    """How many chunks a result has; an empty one has none."""
    return -(-len(result.rows) // CHUNK_ROWS)


def chunk(id: str, result: Result, index: int) -> dict[str, Any]:
    """One chunk of a result, with the link to the next."""
    first = index * CHUNK_ROWS
    rows = result.rows[first : first + CHUNK_ROWS]
    found: dict[str, Any] = {"chunk_index": index, "row_offset": first, "row_count": len(rows), "data_array": rows}
    if index + 1 < chunk_count(result):
        found["next_chunk_index"] = index + 1
        found["next_chunk_internal_link"] = f"{_ROOT}/{id}/result/chunks/{index + 1}?row_offset={first + len(rows)}"
    return found


def described(statement: Statement) -> dict[str, Any]:
    """A statement as the API answers it."""
    status: dict[str, Any] = {"state": statement.state}
    if statement.state == "FAILED":
        status |= {"error": {"error_code": "BAD_REQUEST", "message": statement.message}}
    answer: dict[str, Any] = {"statement_id": statement.id, "status": status}
    result = statement.result
    if statement.state != "SUCCEEDED" or result is None:
        return answer
    count = chunk_count(result)
    chunks = [chunk(statement.id, result, index) for index in range(min(count, 1))]
    answer["manifest"] = {
        "format": "JSON_ARRAY",
        "schema": {
            "column_count": len(result.columns),
            "columns": [column.described(position) for position, column in enumerate(result.columns)],
        },
        "total_chunk_count": count,
        "chunks": [
            {
                "chunk_index": index,
                "row_offset": index * CHUNK_ROWS,
                "row_count": min(CHUNK_ROWS, len(result.rows) - index * CHUNK_ROWS),
            }
            for index in range(count)
        ],
        "total_row_count": len(result.rows),
        "truncated": result.truncated,
    }
    answer["result"] = chunks[0] if chunks else {}
    return answer
