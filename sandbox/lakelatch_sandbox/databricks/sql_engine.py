"""SQL statements executed by DuckDB: read only, without file system or network, bounded in time and size."""

import threading
from collections.abc import Sequence

import duckdb

from lakelatch_sandbox.databricks import audit
from lakelatch_sandbox.databricks.sample_data import CREATE_SAMPLES
from lakelatch_sandbox.databricks.sql_query import Query, Result, Row, StatementError
from lakelatch_sandbox.databricks.sql_text import SqlTextError, translate, with_system_tables
from lakelatch_sandbox.databricks.sql_types import Column

MEMORY_LIMIT = "512MB"
_FETCH_ROWS = 5_000


class Running:
    """One statement on a connection of its own. `interrupt` may come from another thread, at any time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._interrupted = False
        self._open = True

    def interrupt(self) -> None:
        """End the statement; it raises `StatementError`, or has ended already."""
        with self._lock:
            self._interrupted = True
            if self._open:
                self._connection.interrupt()

    def execute(self, query: Query) -> Result:
        """Run to the end; raises `StatementError`."""
        try:
            return self._execute(query)
        except SqlTextError as error:
            raise StatementError(str(error)) from error
        except duckdb.Error as error:
            raise StatementError(_explained(error)) from error
        finally:
            with self._lock:
                self._open = False
                self._connection.close()

    def _execute(self, query: Query) -> Result:
        connection = self._connection
        sql, reads_audit = with_system_tables(translate(query.text, query.parameter_types or {}))
        statements = duckdb.extract_statements(sql)
        if not statements:
            raise StatementError("[PARSE_EMPTY_STATEMENT] the statement is empty")
        if len(statements) > 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise StatementError(
                "[INSUFFICIENT_PERMISSIONS] the sandbox's warehouse runs queries only, and changes no data"
            )
        parameters = {name: (query.parameters or {})[name] for name in statements[0].named_parameters}
        for macro in ("current_user", "session_user", "user"):
            connection.execute(f"CREATE TEMP MACRO {macro}() AS {_quoted(query.user, chr(39))}")
        if reads_audit or query.catalog == "system":
            if query.audit_rows is None:
                raise StatementError(
                    "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have SELECT on Table "
                    "'system.access.audit'."
                )
            connection.execute(f"CREATE TEMP TABLE audit AS {audit.SELECT}", [query.audit_rows()])
        # the system catalog is DuckDB's own: its one table stands in the temporary schema, which is always searched
        if (query.catalog or query.schema) and query.catalog != "system":
            path = [query.catalog or "samples", *([query.schema] if query.schema else [])]
            connection.execute("USE " + ".".join(_quoted(name, '"') for name in path))
        # in case a function can write: the parser's verdict is not the only guard
        connection.execute("BEGIN TRANSACTION READ ONLY")
        if self._interrupted:
            raise StatementError("[OPERATION_CANCELED] the statement was canceled")
        described = connection.execute(f"DESCRIBE {sql}", parameters).fetchall()
        columns = [Column(str(row[0]), str(row[1])) for row in described]
        references = [f"c{number}" for number in range(len(columns))]
        texts = ", ".join(
            column.as_text(reference, query.timestamp_format)
            for column, reference in zip(columns, references, strict=True)
        )
        limit = "" if query.row_limit is None else f" LIMIT {query.row_limit + 1}"
        # the statement is the user's own; it was parsed as a single query above
        connection.execute(f"SELECT {texts} FROM ({sql}\n) AS result({', '.join(references)}){limit}", parameters)  # noqa: S608
        return self._fetch(columns, query)

    def _fetch(self, columns: Sequence[Column], query: Query) -> Result:
        rows: list[Row] = []
        size = 0
        while part := self._connection.fetchmany(_FETCH_ROWS):
            for row in part:
                size += sum(len(value) + 3 for value in row if value is not None)
                if len(rows) == query.row_limit or (query.byte_limit is not None and size > query.byte_limit):
                    return Result(columns, rows, truncated=True)
                if size > query.most_bytes:
                    raise StatementError(
                        f"[INLINE_RESULT_TOO_LARGE] the result is larger than {query.most_bytes} bytes; set row_limit"
                    )
                rows.append(row)
        return Result(columns, rows, truncated=False)


class Engine:
    """One DuckDB instance with the sample data. Its settings are locked before the first statement of a user."""

    def __init__(self) -> None:
        self._database = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": MEMORY_LIMIT,
                "threads": "2",
                "temp_directory": "",
            },
        )
        self._database.execute("SET GLOBAL TimeZone = 'UTC'")
        self._database.execute(CREATE_SAMPLES)
        self._database.execute("SET enable_external_access = false; SET lock_configuration = true")

    def prepare(self) -> Running:
        """A statement's place, on which it is then executed in a thread."""
        return Running(self._database.cursor())

    def close(self) -> None:
        """End the instance."""
        self._database.close()


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2).replace("\0", "") + quote


def _explained(error: duckdb.Error) -> str:
    text = str(error).split("\n\nLINE ")[0].strip()
    if isinstance(error, duckdb.InterruptException):
        return "[OPERATION_CANCELED] the statement was canceled, or ran longer than it may"
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"[OUT_OF_MEMORY] the statement needs more than {MEMORY_LIMIT}"
    if isinstance(error, duckdb.PermissionException):
        return "[INSUFFICIENT_PERMISSIONS] the sandbox's warehouse reaches no file and no network"
    if isinstance(error, duckdb.ParserException):
        return f"[PARSE_SYNTAX_ERROR] {text}"
    if isinstance(error, duckdb.CatalogException) and "Table with name" in text:
        return f"[TABLE_OR_VIEW_NOT_FOUND] {text}"
    if isinstance(error, duckdb.BinderException) and "column" in text:
        return f"[UNRESOLVED_COLUMN] {text}"
    return f"[{type(error).__name__.removesuffix('Exception').upper()}] {text}"
