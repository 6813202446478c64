"""`POST /sql/1.0/warehouses/{id}`: sessions and operations of the SQL drivers, executed as all statements are.

Sessions live in memory and end with the sandbox, as the vendor's end with a warehouse. Facts of the protocol: the
drivers wait for an operation by asking for its status again and again, without a pause, so the answer is held back
until something has happened; results that fit into the first answer come with it and close the operation.
"""

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lakelatch_sandbox.databricks import requests
from lakelatch_sandbox.databricks.audit_table import AuditTable
from lakelatch_sandbox.databricks.sql_query import Query, Result
from lakelatch_sandbox.databricks.sql_types import THRIFT_TIMESTAMP
from lakelatch_sandbox.databricks.statements import Statement, Statements
from lakelatch_sandbox.databricks.thrift import columns, parameters
from lakelatch_sandbox.databricks.thrift.catalog import Catalog
from lakelatch_sandbox.databricks.thrift.info import info_value
from lakelatch_sandbox.databricks.thrift.protocol import Protocol
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.databricks.warehouses import Warehouses

MEDIA_TYPE: Final = "application/x-thrift"
HOLD_SECONDS: Final = 5.0
"""How long a call about an unfinished operation is held back; drivers give up after 900."""

MOST_ROWS: Final = 10_000
"""Of one answer; more are fetched by further calls."""

MOST_BYTES: Final = 256 * 1024 * 1024
"""A result that no development machine should have to hold; drivers have no inline bound of 25 MiB."""

MAX_SESSIONS: Final = 500
MAX_OPERATIONS: Final = 100
"""Of one session."""

PREFIX_STATES: Final = {
    "PARSE_SYNTAX_ERROR": "42601",
    "PARSE_EMPTY_STATEMENT": "42617",
    "TABLE_OR_VIEW_NOT_FOUND": "42P01",
    "UNRESOLVED_COLUMN": "42703",
    "UNBOUND_SQL_PARAMETER": "42P02",
    "INSUFFICIENT_PERMISSIONS": "42501",
}
"""SQLSTATE by error condition."""


@dataclass
class Operation:
    """A statement, or a metadata call whose result is there at once, and how far it has been fetched."""

    id: bytes
    kind: str
    statement: Statement | None = None
    ready: Result | None = None
    position: int = 0

    @property
    def result(self) -> Result | None:
        """The rows, once they are there."""
        return self.ready if self.statement is None else self.statement.result


@dataclass
class Session:
    """One open session of a user on a warehouse."""

    id: bytes
    owner: str
    warehouse_id: str
    catalog: str | None
    schema: str | None
    operations: dict[bytes, Operation] = field(default_factory=dict)


class ThriftService:
    """The handler; the caller has been authenticated."""

    def __init__(
        self, statements: Statements, warehouses: Warehouses, catalog: Catalog, audit_table: AuditTable
    ) -> None:
        self._statements = statements
        self._warehouses = warehouses
        self._catalog = catalog
        self._audit_table = audit_table
        self._protocol: Protocol | None = None
        self._sessions: dict[bytes, Session] = {}

    async def call(self, request: Request, who: Caller) -> Response:
        """One call of the protocol; raises `ApiError` for what is none."""
        self._warehouses.use(request.path_params["id"])
        self._protocol = self._protocol or Protocol()
        call = self._protocol.read(await requests.body(request))
        handler: Callable[..., Awaitable[Any]] | None = {
            "OpenSession": self._open_session,
            "CloseSession": self._close_session,
            "GetInfo": self._get_info,
            "ExecuteStatement": self._execute,
            "GetOperationStatus": self._status,
            "GetResultSetMetadata": self._metadata,
            "FetchResults": self._fetch,
            "CancelOperation": self._cancel,
            "CloseOperation": self._close,
        }.get(call.method)
        if handler is None:
            response = await self._browse(call.method, call.request, who)
        else:
            response = await handler(call.request, who, request.path_params["id"])
        return Response(self._protocol.reply(call, response), media_type=MEDIA_TYPE)

    @property
    def _types(self) -> Any:
        assert self._protocol is not None  # noqa: S101
        return self._protocol.types

    def _success(self) -> Any:
        return self._types.TStatus(statusCode=self._types.TStatusCode.SUCCESS_STATUS)

    def _answer(self, name: str, **members: Any) -> Any:
        return getattr(self._types, f"T{name}Resp")(status=self._success(), **members)

    def _refused(self, name: str, message: str, *, invalid_handle: bool = False) -> Any:
        codes = self._types.TStatusCode
        code = codes.INVALID_HANDLE_STATUS if invalid_handle else codes.ERROR_STATUS
        status = self._types.TStatus(
            statusCode=code, errorMessage=message, displayMessage=message, sqlState=sql_state(message)
        )
        return getattr(self._types, f"T{name}Resp")(status=status)

    async def _open_session(self, request: Any, who: Caller, warehouse_id: str) -> Any:
        while len(self._sessions) >= MAX_SESSIONS:
            self._end(self._sessions.pop(next(iter(self._sessions))))
        namespace = request.initialNamespace
        session = Session(
            uuid.uuid4().bytes,
            who.name,
            warehouse_id,
            None if namespace is None else namespace.catalogName,
            None if namespace is None else namespace.schemaName,
        )
        self._sessions[session.id] = session
        version = self._types.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
        handle = self._types.TSessionHandle(sessionId=self._handle(session.id), serverProtocolVersion=version)
        return self._answer(
            "OpenSession",
            serverProtocolVersion=version,
            sessionHandle=handle,
            configuration={},
            initialNamespace=namespace,
            canUseMultipleCatalogs=True,
        )

    def _handle(self, id: bytes) -> Any:
        # the second half proves nothing here: every call is authenticated, and sessions belong to their user
        return self._types.THandleIdentifier(guid=id, secret=secrets.token_bytes(16))

    def _session(self, request: Any, who: Caller) -> Session | None:
        handle = request.sessionHandle
        found = None if handle is None else self._sessions.get(handle.sessionId.guid)
        return found if found is not None and found.owner == who.name else None

    async def _close_session(self, request: Any, who: Caller, _: str) -> Any:
        session = self._session(request, who)
        if session is None:
            return self._refused("CloseSession", "The session does not exist.", invalid_handle=True)
        self._end(self._sessions.pop(session.id))
        return self._answer("CloseSession")

    def _end(self, session: Session) -> None:
        for operation in session.operations.values():
            if operation.statement is not None:
                self._statements.forget(operation.statement)

    async def _get_info(self, request: Any, who: Caller, _: str) -> Any:
        if self._session(request, who) is None:
            return self._refused("GetInfo", "The session does not exist.", invalid_handle=True)
        value = info_value(self._types, request.infoType)
        if value is None:
            return self._refused("GetInfo", f"Unknown information type {request.infoType}.")
        return self._answer("GetInfo", infoValue=value)

    async def _execute(self, request: Any, who: Caller, warehouse_id: str) -> Any:
        session = self._session(request, who)
        if session is None:
            return self._refused("ExecuteStatement", "The session does not exist.", invalid_handle=True)
        try:
            values, kinds = parameters.read(request.parameters or [])
        except ValueError as error:
            return self._refused("ExecuteStatement", str(error))
        query = Query(
            text=request.statement or "",
            user=who.name,
            catalog=session.catalog,
            schema=session.schema,
            parameters=values,
            parameter_types=kinds,
            row_limit=request.resultRowLimit or None,
            most_bytes=MOST_BYTES,
            timestamp_format=THRIFT_TIMESTAMP,
            audit_rows=self._audit_table.rows_for(who),
        )
        statement = self._statements.submit(query, warehouse_id)
        operation = Operation(uuid.UUID(statement.id).bytes, "EXECUTE_STATEMENT", statement)
        return await self._begun("ExecuteStatement", session, operation, request.getDirectResults)

    async def _browse(self, method: str, request: Any, who: Caller) -> Any:
        session = self._session(request, who)
        if session is None:
            return self._refused(method, "The session does not exist.", invalid_handle=True)
        names: Sequence[str | None] = [
            getattr(request, name, None) for name in ("catalogName", "schemaName", "tableName", "columnName")
        ]
        catalog, schema, table, column = names
        made: dict[str, Callable[[], Result]] = {
            "GetCatalogs": self._catalog.catalogs,
            "GetSchemas": lambda: self._catalog.schemas(catalog, schema),
            "GetTables": lambda: self._catalog.tables(catalog, schema, table, request.tableTypes),
            "GetTableTypes": self._catalog.table_types,
            "GetColumns": lambda: self._catalog.columns(catalog, schema, table, column),
            "GetTypeInfo": lambda: self._catalog.nothing("TYPE_NAME"),
            "GetFunctions": lambda: self._catalog.nothing("FUNCTION_CAT", "FUNCTION_SCHEM", "FUNCTION_NAME"),
            "GetPrimaryKeys": lambda: self._catalog.nothing("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME"),
            "GetCrossReference": lambda: self._catalog.nothing("PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME"),
        }
        kind = {"GetPrimaryKeys": "UNKNOWN", "GetCrossReference": "UNKNOWN"}.get(method) or "".join(
            f"_{letter}" if letter.isupper() and position else letter for position, letter in enumerate(method)
        ).upper()
        operation = Operation(uuid.uuid4().bytes, kind, ready=made[method]())
        return await self._begun(method, session, operation, request.getDirectResults)

    async def _begun(self, name: str, session: Session, operation: Operation, direct: Any) -> Any:
        if len(session.operations) >= MAX_OPERATIONS:
            oldest = session.operations.pop(next(iter(session.operations)))
            if oldest.statement is not None:
                self._statements.forget(oldest.statement)
        session.operations[operation.id] = operation
        handle = self._types.TOperationHandle(
            operationId=self._handle(operation.id),
            operationType=getattr(self._types.TOperationType, operation.kind),
            hasResultSet=True,
        )
        answer = self._answer(name, operationHandle=handle)
        if direct is None:
            return answer
        await _held(operation)
        answer.directResults = self._types.TSparkDirectResults(operationStatus=self._standing(operation))
        if operation.result is not None:
            answer.directResults.resultSetMetadata = self._described(operation.result)
            answer.directResults.resultSet = self._rows(operation, direct.maxRows)
            if not answer.directResults.resultSet.hasMoreRows:
                answer.directResults.closeOperation = self._answer("CloseOperation")
                self._drop(operation)
        return answer

    def _operation(self, request: Any, who: Caller) -> Operation | None:
        handle = request.operationHandle
        sessions = (one for one in self._sessions.values() if one.owner == who.name)
        found = (one.operations.get(handle.operationId.guid) for one in sessions) if handle is not None else ()
        return next((one for one in found if one is not None), None)

    def _standing(self, operation: Operation) -> Any:
        statement, states = operation.statement, self._types.TOperationState
        state = "SUCCEEDED" if statement is None else statement.state
        answer = self._answer(
            "GetOperationStatus",
            operationState={
                "PENDING": states.PENDING_STATE,
                "RUNNING": states.RUNNING_STATE,
                "SUCCEEDED": states.FINISHED_STATE,
                "FAILED": states.ERROR_STATE,
                "CANCELED": states.CANCELED_STATE,
            }[state],
            hasResultSet=True,
        )
        if state == "FAILED" and statement is not None and statement.message is not None:
            answer.errorMessage = answer.displayMessage = statement.message
            answer.sqlState = sql_state(statement.message)
        return answer

    async def _status(self, request: Any, who: Caller, _: str) -> Any:
        operation = self._operation(request, who)
        if operation is None:
            return self._refused("GetOperationStatus", "The operation does not exist.", invalid_handle=True)
        await _held(operation)
        return self._standing(operation)

    def _described(self, result: Result) -> Any:
        return self._answer(
            "GetResultSetMetadata",
            schema=columns.schema(self._types, result.columns),
            resultFormat=self._types.TSparkRowSetType.COLUMN_BASED_SET,
            lz4Compressed=False,
            isStagingOperation=False,
        )

    async def _metadata(self, request: Any, who: Caller, _: str) -> Any:
        operation = self._operation(request, who)
        if operation is None or operation.result is None:
            return self._refused("GetResultSetMetadata", "The operation has no result.", invalid_handle=True)
        return self._described(operation.result)

    def _rows(self, operation: Operation, most: int | None) -> Any:
        result = operation.result
        assert result is not None  # noqa: S101
        first = operation.position
        rows = result.rows[first : first + max(1, min(most or MOST_ROWS, MOST_ROWS))]
        operation.position += len(rows)
        return self._answer(
            "FetchResults",
            hasMoreRows=operation.position < len(result.rows),
            results=self._types.TRowSet(
                startRowOffset=first, rows=[], columns=columns.columns(self._types, result.columns, rows)
            ),
        )

    async def _fetch(self, request: Any, who: Caller, _: str) -> Any:
        operation = self._operation(request, who)
        if operation is not None:
            await _held(operation)
        if operation is None or operation.result is None:
            return self._refused("FetchResults", "The operation has no result.", invalid_handle=True)
        if request.orientation == self._types.TFetchOrientation.FETCH_FIRST:
            operation.position = 0
        answer = self._rows(operation, request.maxRows)
        if request.includeResultSetMetadata:
            answer.resultSetMetadata = self._described(operation.result)
        return answer

    async def _cancel(self, request: Any, who: Caller, _: str) -> Any:
        operation = self._operation(request, who)
        if operation is None:
            return self._refused("CancelOperation", "The operation does not exist.", invalid_handle=True)
        if operation.statement is not None:
            operation.statement.cancel()
        return self._answer("CancelOperation")

    async def _close(self, request: Any, who: Caller, _: str) -> Any:
        operation = self._operation(request, who)
        if operation is None:
            return self._refused("CloseOperation", "The operation does not exist.", invalid_handle=True)
        self._drop(operation)
        return self._answer("CloseOperation")

    def _drop(self, operation: Operation) -> None:
        for session in self._sessions.values():
            session.operations.pop(operation.id, None)
        if operation.statement is not None:
            self._statements.forget(operation.statement)


def sql_state(message: str) -> str:
    """The SQLSTATE of a message that begins with an error condition in brackets; `HY000` (general error) otherwise."""
    return PREFIX_STATES.get(message.partition("]")[0].removeprefix("["), "HY000")


async def _held(operation: Operation) -> None:
    if operation.statement is not None:
        try:
            await asyncio.wait_for(operation.statement.ended.wait(), HOLD_SECONDS)
        except TimeoutError:
            return
