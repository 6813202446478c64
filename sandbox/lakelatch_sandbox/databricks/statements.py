"""The Statement Execution API: statements run by DuckDB in threads, results in chunks."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import statement_request
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.audit_table import AuditTable
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.sql_query import Query, Result, StatementError
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.databricks.warehouses import Warehouses

if TYPE_CHECKING:
    from lakelatch_sandbox.databricks.sql_engine import Engine, Running

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
    warehouse_id: str
    state: str = "PENDING"
    message: str | None = None
    result: Result | None = None
    running: "Running | None" = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in ("PENDING", "RUNNING")

    def cancel(self) -> None:
        """End it, unless it has ended."""
        if not self.finished:
            self.state = "CANCELED"
            if self.running is not None:
                self.running.interrupt()


class Statements:
    """Statements and their handlers. They live in memory: results do not outlive a restart."""

    def __init__(self, warehouses: Warehouses, clock: Clock, audit: Audit, audit_table: AuditTable) -> None:
        self._warehouses = warehouses
        self._clock = clock
        self._audit = audit
        self._audit_table = audit_table
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")
        self._engine: Engine | None = None
        self._making = asyncio.Lock()
        self._statements: dict[str, Statement] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Interrupt what runs, and wait until the threads have ended."""
        for statement in self._statements.values():
            statement.cancel()
        await asyncio.gather(*self._tasks)
        self._pool.shutdown()
        if self._engine is not None:
            self._engine.close()

    def _forget(self) -> None:
        """Drop the oldest finished statements: those past their hour, and those beyond the number that is kept."""
        finished = [one for one in self._statements.values() if one.finished]
        for position, one in enumerate(finished):
            if len(finished) - position > MAX_KEPT or one.created + KEPT_SECONDS < self._clock.now():
                del self._statements[one.id]

    async def _started(self) -> "Engine":
        """The engine, made in a thread when the first statement needs it."""
        async with self._making:
            if self._engine is None:
                self._engine = await asyncio.get_running_loop().run_in_executor(self._pool, _engine)
            return self._engine

    async def _run(self, statement: Statement, query: Query) -> None:
        loop = asyncio.get_running_loop()
        engine = await self._started()
        if not statement.finished:
            statement.running = engine.prepare()
            statement.state = "RUNNING"
            overdue = loop.call_later(MAX_SECONDS, statement.running.interrupt)
            try:
                statement.result = await loop.run_in_executor(self._pool, statement.running.execute, query)
            except StatementError as error:
                if statement.state == "RUNNING":
                    statement.state, statement.message = "FAILED", str(error)
            else:
                statement.state = "SUCCEEDED" if statement.state == "RUNNING" else statement.state
            finally:
                overdue.cancel()
        status, refusal = (200, None) if statement.state == "SUCCEEDED" else (400, statement.message or statement.state)
        self._record("commandFinish", statement, status=status, error=refusal)
        statement.ended.set()

    def _record(self, action: str, statement: Statement, **response: Any) -> None:
        # the texts of statements may hold what is no one's business: the log of the vendor has them on request only
        params = {"commandId": statement.id, "warehouseId": statement.warehouse_id}
        self._audit.record(None, "databrickssql", action, by=statement.owner, params=params, **response)

    def submit(self, query: Query, warehouse_id: str) -> Statement:
        """Begin a statement for the query's user; `ended` is set when it has ended, however it did.

        Raises `ApiError`: 404 for an unknown warehouse, 429 when too many statements wait.
        """
        self._warehouses.use(warehouse_id)
        self._forget()
        if len(self._tasks) >= MAX_WAITING:
            raise ApiError(429, "RESOURCE_EXHAUSTED", f"{MAX_WAITING} statements are waiting already.")
        # UUIDs: the Node driver takes nothing else. The vendor's are of version 1; the caller learns nothing from ours
        id = str(uuid.uuid4())
        statement = Statement(id, query.user, self._clock.now(), warehouse_id)
        self._statements[id] = statement
        self._record("commandSubmit", statement)
        task = asyncio.create_task(self._run(statement, query), name=f"statement {id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return statement

    def forget(self, statement: Statement) -> None:
        """Cancel a statement, and drop its result."""
        statement.cancel()
        self._statements.pop(statement.id, None)

    async def execute(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/statements`; waits for the result as long as `wait_timeout` says."""
        asked = statement_request.read(await json_object(request), who.name, self._audit_table.rows_for(who))
        statement = self.submit(asked.query, asked.warehouse_id)
        if asked.wait_seconds:
            try:
                await asyncio.wait_for(statement.ended.wait(), asked.wait_seconds)
            except TimeoutError:
                if asked.cancel_on_timeout:
                    statement.cancel()
        return JSONResponse(described(statement))

    def _find(self, request: Request, who: Caller) -> Statement:
        found = self._statements.get(request.path_params["id"])
        if found is None or found.owner != who.name:
            raise ApiError(404, "NOT_FOUND", f"Statement {request.path_params['id']} does not exist.")
        return found

    async def read(self, request: Request, who: Caller) -> Response:
        """`GET /api/2.0/sql/statements/{id}`: state, manifest and first chunk. Only who sent it sees it."""
        return JSONResponse(described(self._find(request, who)))

    async def cancel(self, request: Request, who: Caller) -> Response:
        """`POST /api/2.0/sql/statements/{id}/cancel`."""
        self._find(request, who).cancel()
        return JSONResponse({})

    async def chunk(self, request: Request, who: Caller) -> Response:
        """`GET /api/2.0/sql/statements/{id}/result/chunks/{index}`."""
        statement = self._find(request, who)
        index = request.path_params["index"]
        if statement.result is None or not 0 <= index < chunk_count(statement.result):
            raise ApiError(404, "NOT_FOUND", f"Statement {statement.id} has no chunk {index}.")
        return JSONResponse(chunk(statement.id, statement.result, index))


def _engine() -> "Engine":
    from lakelatch_sandbox.databricks.sql_engine import Engine

    return Engine()


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
