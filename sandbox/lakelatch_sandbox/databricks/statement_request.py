"""The body of a statement execution, read and checked: a pure function.

Source: the Statement Execution API's reference (`POST /api/2.0/sql/statements`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.databricks.errors import invalid
from lakelatch_sandbox.databricks.sql_query import Query
from lakelatch_sandbox.databricks.sql_types import parameter_type

DEFAULT_WAIT_SECONDS = 10
MAX_STATEMENT = 16 * 1024 * 1024

_WAIT = re.compile(r"(\d{1,3})s")
_NAME = re.compile(r"[A-Za-z_]\w{0,254}", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """What a client asks for."""

    warehouse_id: str
    query: Query
    wait_seconds: int
    cancel_on_timeout: bool


def read(body: Mapping[str, Any], user: str, audit_rows: Callable[[], str] | None = None) -> Asked:
    """The request of this user, who may read the audit table when `audit_rows` is given.

    Raises `ApiError` 400 with the member that is wrong.
    """
    warehouse_id, statement = body.get("warehouse_id"), body.get("statement")
    if not isinstance(warehouse_id, str) or not warehouse_id:
        raise invalid("warehouse_id is required")
    if not isinstance(statement, str) or not statement.strip():
        raise invalid("statement is required")
    if len(statement) > MAX_STATEMENT:
        raise invalid(f"statement is longer than {MAX_STATEMENT} characters")
    if (body.get("disposition") or "INLINE") != "INLINE":
        raise invalid(
            "disposition EXTERNAL_LINKS is not served: the sandbox has no cloud storage to link to. "
            "Use INLINE, with row_limit when the result is large"
        )
    if (body.get("format") or "JSON_ARRAY") != "JSON_ARRAY":
        raise invalid("with disposition INLINE the format must be JSON_ARRAY")
    on_timeout = body.get("on_wait_timeout", "CONTINUE")
    if on_timeout not in ("CONTINUE", "CANCEL"):
        raise invalid("on_wait_timeout must be CONTINUE or CANCEL")
    values, types = _parameters(body.get("parameters") or [])
    query = Query(
        text=statement,
        user=user,
        catalog=_text(body, "catalog"),
        schema=_text(body, "schema"),
        parameters=values,
        parameter_types=types,
        row_limit=_limit(body, "row_limit"),
        byte_limit=_limit(body, "byte_limit"),
        audit_rows=audit_rows,
    )
    return Asked(warehouse_id, query, _wait(body.get("wait_timeout")), on_timeout == "CANCEL")


def _wait(text: Any) -> int:
    if text is None:
        return DEFAULT_WAIT_SECONDS
    match = _WAIT.fullmatch(text) if isinstance(text, str) else None
    seconds = int(match.group(1)) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        raise invalid("wait_timeout must be `0s`, or between `5s` and `50s`")
    return seconds


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    return value or None


def _limit(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # 64-bit whole numbers may arrive as strings (protobuf's JSON mapping)
        value = int(value[:19])
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63):
        raise invalid(f"{name} must be a positive whole number")
    return value


def _parameters(parameters: Any) -> tuple[dict[str, str | None], dict[str, str]]:
    if not isinstance(parameters, list) or not all(isinstance(one, dict) for one in parameters):
        raise invalid("parameters must be a list of objects")
    values: dict[str, str | None] = {}
    types: dict[str, str] = {}
    for one in parameters:
        name, value, type_name = one.get("name"), one.get("value"), one.get("type") or "STRING"
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in values:
            raise invalid("each parameter needs a name of its own, of letters, digits and underscores")
        if value is not None and not isinstance(value, str):
            raise invalid(f"the value of parameter `{name}` must be a string or absent")
        found = parameter_type(type_name) if isinstance(type_name, str) else None
        if found is None:
            raise invalid(f"the type of parameter `{name}` is none that a parameter may have")
        values[name], types[name] = value, found
    return values, types
