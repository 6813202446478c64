"""`POST /sql/1.0/warehouses/{id}`: the calls of the SQL drivers, executed as all statements are.

Facts of the protocol: results that fit into the first answer come with it and close the operation; failures of a
statement are states of its operation, all others are statuses of the answer.
"""

import uuid
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lakelatch_sandbox.databricks import requests
from lakelatch_sandbox.databricks.audit_table import AuditTable
from lakelatch_sandbox.databricks.sql_query import Query, Result
from lakelatch_sandbox.databricks.sql_types import THRIFT_TIMESTAMP
from lakelatch_sandbox.databricks.statements import Statements
from lakelatch_sandbox.databricks.thrift import parameters
from lakelatch_sandbox.databricks.thrift.answers import Answers
from lakelatch_sandbox.databricks.thrift.catalog import Catalog
from lakelatch_sandbox.databricks.thrift.info import info_value
from lakelatch_sandbox.databricks.thrift.protocol import Protocol
from lakelatch_sandbox.databricks.thrift.sessions import Operation, Session, Sessions
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.databricks.warehouses import Warehouses

MEDIA_TYPE: Final = "application/x-thrift"

MOST_BYTES: Final = 256 * 1024 * 1024
"""A result that no development machine should have to hold; drivers have no inline bound of 25 MiB."""

_KINDS: Final = {
    "GetTypeInfo": "GET_TYPE_INFO",
    "GetCatalogs": "GET_CATALOGS",
    "GetSchemas": "GET_SCHEMAS",
    "GetTables": "GET_TABLES",
    "GetTableTypes": "GET_TABLE_TYPES",
    "GetColumns": "GET_COLUMNS",
    "GetFunctions": "GET_FUNCTIONS",
    "GetPrimaryKeys": "UNKNOWN",
    "GetCrossReference": "UNKNOWN",
}
"""The metadata calls, with their names in `TOperationType`."""


class ThriftService:
    """The handler; the caller has been authenticated."""

    def __init__(
        self, statements: Statements, warehouses: Warehouses, catalog: Catalog, audit_table: AuditTable
    ) -> None:
        self._statements = statements
        self._warehouses = warehouses
        self._catalog = catalog
        self._audit_table = audit_table
        self._sessions = Sessions(statements)
        self._protocol: Protocol | None = None

    async def call(self, request: Request, who: Caller) -> Response:
        """One call of the protocol; raises `ApiError` for what is none."""
        warehouse_id = request.path_params["id"]
        self._warehouses.use(warehouse_id)
        self._protocol = self._protocol or Protocol()
        call = self._protocol.read(await requests.body(request))
        answers, asked = Answers(self._protocol.types), call.request
        if call.method == "OpenSession":
            response = self._open(answers, asked, who)
        elif hasattr(asked, "sessionHandle"):
            session = self._sessions.find(_guid(asked.sessionHandle, "sessionId"), who.name)
            if session is None:
                response = answers.unknown(call.method, "session")
            elif call.method == "CloseSession":
                self._sessions.close(session)
                response = answers.success("CloseSession")
            elif call.method == "GetInfo":
                response = _info(answers, asked)
            elif call.method == "ExecuteStatement":
                response = await self._execute(answers, asked, who, session, warehouse_id)
            else:
                response = await self._browse(answers, call.method, asked, session)
        else:
            operation = self._sessions.operation(_guid(asked.operationHandle, "operationId"), who.name)
            if operation is None:
                response = answers.unknown(call.method, "operation")
            else:
                response = await self._about(answers, call.method, asked, operation)
        return Response(self._protocol.reply(call, response), media_type=MEDIA_TYPE)

    def _open(self, answers: Answers, asked: Any, who: Caller) -> Any:
        namespace = asked.initialNamespace
        catalog, schema = (None, None) if namespace is None else (namespace.catalogName, namespace.schemaName)
        session = Session(who.name, catalog, schema)
        self._sessions.open(session)
        version = answers.types.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
        return answers.success(
            "OpenSession",
            serverProtocolVersion=version,
            sessionHandle=answers.types.TSessionHandle(
                sessionId=answers.handle(session.id), serverProtocolVersion=version
            ),
            configuration={},
            initialNamespace=namespace,
            canUseMultipleCatalogs=True,
        )

    async def _execute(self, answers: Answers, asked: Any, who: Caller, session: Session, warehouse_id: str) -> Any:
        try:
            values, kinds = parameters.read(asked.parameters or [])
        except ValueError as error:
            return answers.refused("ExecuteStatement", str(error))
        query = Query(
            text=asked.statement or "",
            user=who.name,
            catalog=session.catalog,
            schema=session.schema,
            parameters=values,
            parameter_types=kinds,
            row_limit=asked.resultRowLimit or None,
            most_bytes=MOST_BYTES,
            timestamp_format=THRIFT_TIMESTAMP,
            audit_rows=self._audit_table.rows_for(who),
        )
        statement = self._statements.submit(query, warehouse_id)
        operation = Operation(uuid.UUID(statement.id).bytes, "EXECUTE_STATEMENT", statement)
        return await self._begun(answers, "ExecuteStatement", session, operation, asked.getDirectResults)

    async def _browse(self, answers: Answers, method: str, asked: Any, session: Session) -> Any:
        catalog, schema, table, column = (
            getattr(asked, name, None) for name in ("catalogName", "schemaName", "tableName", "columnName")
        )
        nothing = self._catalog.nothing
        made: dict[str, Callable[[], Result]] = {
            "GetCatalogs": self._catalog.catalogs,
            "GetSchemas": lambda: self._catalog.schemas(catalog, schema),
            "GetTables": lambda: self._catalog.tables(catalog, schema, table, asked.tableTypes),
            "GetTableTypes": self._catalog.table_types,
            "GetColumns": lambda: self._catalog.columns(catalog, schema, table, column),
            "GetTypeInfo": lambda: nothing("TYPE_NAME"),
            "GetFunctions": lambda: nothing("FUNCTION_CAT", "FUNCTION_SCHEM", "FUNCTION_NAME"),
            "GetPrimaryKeys": lambda: nothing("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME"),
            "GetCrossReference": lambda: nothing("PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME"),
        }
        operation = Operation(uuid.uuid4().bytes, _KINDS[method], ready=made[method]())
        return await self._begun(answers, method, session, operation, asked.getDirectResults)

    async def _begun(self, answers: Answers, method: str, session: Session, operation: Operation, direct: Any) -> Any:
        """The answer to a call that begins an operation, with its first rows when the client wants them at once."""
        self._sessions.begin(session, operation)
        answer = answers.success(method, operationHandle=answers.operation(operation))
        if direct is None:
            return answer
        await operation.held()
        answer.directResults = answers.types.TSparkDirectResults(operationStatus=answers.standing(operation))
        if operation.result is not None:
            answer.directResults.resultSetMetadata = answers.described(operation.result)
            answer.directResults.resultSet = answers.rows(operation, operation.result, direct.maxRows)
            if not answer.directResults.resultSet.hasMoreRows:
                answer.directResults.closeOperation = answers.success("CloseOperation")
                self._sessions.drop(operation)
        return answer

    async def _about(self, answers: Answers, method: str, asked: Any, operation: Operation) -> Any:
        """The answer to a call about an operation."""
        if method == "CancelOperation":
            if operation.statement is not None:
                operation.statement.cancel()
            return answers.success(method)
        if method == "CloseOperation":
            self._sessions.drop(operation)
            return answers.success(method)
        await operation.held()
        if method == "GetOperationStatus":
            return answers.standing(operation)
        result = operation.result
        if result is None:
            return answers.unknown(method, "operation's result")
        if method == "GetResultSetMetadata":
            return answers.described(result)
        if asked.orientation == answers.types.TFetchOrientation.FETCH_FIRST:
            operation.position = 0
        answer = answers.rows(operation, result, asked.maxRows)
        if asked.includeResultSetMetadata:
            answer.resultSetMetadata = answers.described(result)
        return answer


def _guid(handle: Any, name: str) -> bytes:
    """The id in a handle; none that anything has when the handle is not whole."""
    identifier = getattr(handle, name, None)
    return getattr(identifier, "guid", None) or b""


def _info(answers: Answers, asked: Any) -> Any:
    value = info_value(answers.types, asked.infoType)
    if value is None:
        return answers.refused("GetInfo", f"Unknown information type {asked.infoType}.")
    return answers.success("GetInfo", infoValue=value)
