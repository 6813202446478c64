"""Native parameters of a statement: by name, or by position for `?`. Pure."""

from collections.abc import Sequence
from typing import Any

from lakelatch_sandbox.databricks.sql_text import positional
from lakelatch_sandbox.databricks.sql_types import parameter_type


def read(given: Sequence[Any]) -> tuple[dict[str, str | None], dict[str, str]]:
    """Values and DuckDB's types by name, from `TSparkParameter`s.

    Raises `ValueError`, which begins with the vendor's error condition, for a type that a parameter cannot have here.
    """
    values: dict[str, str | None] = {}
    types: dict[str, str] = {}
    for number, one in enumerate(given, 1):
        name = one.name or positional(number)
        type = parameter_type(one.type or "STRING")
        if type is None:
            raise ValueError(
                f"[UNSUPPORTED_PARAMETER_TYPE] parameter {name} has the type {str(one.type)[:50]}; the sandbox takes "
                "simple types only"
            )
        values[name], types[name] = _text(one.value), type
    return values, types


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if value.stringValue is not None:
        return str(value.stringValue)
    if value.booleanValue is not None:
        return "true" if value.booleanValue else "false"
    return None if value.doubleValue is None else repr(float(value.doubleValue))
