"""What a SQL warehouse is asked and what it answers: plain data, known without the engine.

The engine is imported when the first statement comes, so that the sandbox starts without it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakelatch_sandbox.databricks.sql_types import JSON_TIMESTAMP, Column

MAX_INLINE_BYTES = 25 * 1024 * 1024
"""The vendor's bound for inline results of the Statement Execution API."""

Row = tuple[str | None, ...]


class StatementError(Exception):
    """Raised when a statement fails; the text begins with the vendor's error condition in brackets."""


@dataclass(frozen=True)
class Query:
    """A statement with what it runs under."""

    text: str
    user: str
    """The answer of `current_user()`."""
    catalog: str | None = None
    schema: str | None = None
    parameters: Mapping[str, str | None] | None = None
    parameter_types: Mapping[str, str] | None = None
    """DuckDB's type of each parameter."""
    row_limit: int | None = None
    byte_limit: int | None = None
    most_bytes: int = MAX_INLINE_BYTES
    """A larger result fails, where a byte limit would cut it."""
    timestamp_format: str = JSON_TIMESTAMP
    audit_rows: Callable[[], str] | None = None
    """The rows of `system.access.audit` as a JSON array, for a user who may read them; called from a thread."""


@dataclass(frozen=True)
class Result:
    """Columns and rows; `truncated` when the row limit or the byte limit cut rows off."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    truncated: bool
