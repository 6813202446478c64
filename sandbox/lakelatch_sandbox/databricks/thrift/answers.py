"""The answers of the Thrift service, as objects of the generated classes."""

import secrets
from typing import Any, Final

from lakelatch_sandbox.databricks.sql_query import Result
from lakelatch_sandbox.databricks.thrift import columns
from lakelatch_sandbox.databricks.thrift.sessions import Operation

MOST_ROWS: Final = 10_000
"""Of one answer; more are fetched by further calls."""

_STATES: Final = {
    "PARSE_SYNTAX_ERROR": "42601",
    "PARSE_EMPTY_STATEMENT": "42617",
    "TABLE_OR_VIEW_NOT_FOUND": "42P01",
    "UNRESOLVED_COLUMN": "42703",
    "UNBOUND_SQL_PARAMETER": "42P02",
    "INSUFFICIENT_PERMISSIONS": "42501",
}
"""SQLSTATE by error condition."""

_GENERAL_ERROR: Final = "HY000"

_OPERATION_STATES: Final = {
    "PENDING": "PENDING_STATE",
    "RUNNING": "RUNNING_STATE",
    "SUCCEEDED": "FINISHED_STATE",
    "FAILED": "ERROR_STATE",
    "CANCELED": "CANCELED_STATE",
}


def sql_state(message: str) -> str:
    """The SQLSTATE of a message that begins with an error condition in brackets."""
    return _STATES.get(message.partition("]")[0].removeprefix("["), _GENERAL_ERROR)


class Answers:
    """Makes answers; `types` is the module of the generated structures."""

    def __init__(self, types: Any) -> None:
        self.types = types

    def success(self, name: str, **members: Any) -> Any:
        """`T<name>Resp` of a call that was done."""
        status = self.types.TStatus(statusCode=self.types.TStatusCode.SUCCESS_STATUS)
        return getattr(self.types, f"T{name}Resp")(status=status, **members)

    def refused(self, name: str, message: str) -> Any:
        """`T<name>Resp` of a call that cannot be done."""
        return self._failed(name, self.types.TStatusCode.ERROR_STATUS, message)

    def unknown(self, name: str, what: str) -> Any:
        """`T<name>Resp` of a call about a session or an operation that the caller does not have."""
        return self._failed(name, self.types.TStatusCode.INVALID_HANDLE_STATUS, f"The {what} does not exist.")

    def _failed(self, name: str, code: int, message: str) -> Any:
        status = self.types.TStatus(
            statusCode=code, errorMessage=message, displayMessage=message, sqlState=sql_state(message)
        )
        return getattr(self.types, f"T{name}Resp")(status=status)

    def handle(self, id: bytes) -> Any:
        """The identifier of a session or an operation."""
        # the second half proves nothing here: every call is authenticated, and sessions belong to their user
        return self.types.THandleIdentifier(guid=id, secret=secrets.token_bytes(16))

    def operation(self, operation: Operation) -> Any:
        """The handle of an operation."""
        return self.types.TOperationHandle(
            operationId=self.handle(operation.id),
            operationType=getattr(self.types.TOperationType, operation.kind),
            hasResultSet=True,
        )

    def standing(self, operation: Operation) -> Any:
        """Where an operation stands."""
        statement = operation.statement
        state = "SUCCEEDED" if statement is None else statement.state
        code = getattr(self.types.TOperationState, _OPERATION_STATES[state])
        answer = self.success("GetOperationStatus", operationState=code, hasResultSet=True)
        if statement is not None and statement.message is not None:
            answer.errorMessage = answer.displayMessage = statement.message
            answer.sqlState = sql_state(statement.message)
        return answer

    def described(self, result: Result) -> Any:
        """The columns of a result, and how its rows travel."""
        return self.success(
            "GetResultSetMetadata",
            schema=columns.schema(self.types, result.columns),
            resultFormat=self.types.TSparkRowSetType.COLUMN_BASED_SET,
            lz4Compressed=False,
            isStagingOperation=False,
        )

    def rows(self, operation: Operation, result: Result, most: int | None) -> Any:
        """The next rows of an operation, which it counts as fetched."""
        first = operation.position
        rows = result.rows[first : first + max(1, min(most or MOST_ROWS, MOST_ROWS))]
        operation.position += len(rows)
        return self.success(
            "FetchResults",
            hasMoreRows=operation.position < len(result.rows),
            results=self.types.TRowSet(
                startRowOffset=first, rows=[], columns=columns.columns(self.types, result.columns, rows)
            ),
        )
