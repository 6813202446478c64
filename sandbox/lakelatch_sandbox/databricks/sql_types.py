"""Types of results and parameters: DuckDB's names, the vendor's names, and how values are written as text.

Source: the Statement Execution API's reference: every value of a `JSON_ARRAY` result is a string or null.
"""

import re
from dataclasses import dataclass
from typing import Any

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")

# DuckDB's type -> (the vendor's type_name, its type_text)
_SIMPLE = {
    "BOOLEAN": ("BOOLEAN", "BOOLEAN"),
    "TINYINT": ("BYTE", "TINYINT"),
    "UTINYINT": ("SHORT", "SMALLINT"),
    "SMALLINT": ("SHORT", "SMALLINT"),
    "USMALLINT": ("INT", "INT"),
    "INTEGER": ("INT", "INT"),
    "UINTEGER": ("LONG", "BIGINT"),
    "BIGINT": ("LONG", "BIGINT"),
    # sums of whole numbers: the vendor's are BIGINT and overflow with an error
    "HUGEINT": ("LONG", "BIGINT"),
    "UBIGINT": ("LONG", "BIGINT"),
    "UHUGEINT": ("LONG", "BIGINT"),
    "FLOAT": ("FLOAT", "FLOAT"),
    "DOUBLE": ("DOUBLE", "DOUBLE"),
    "VARCHAR": ("STRING", "STRING"),
    "UUID": ("STRING", "STRING"),
    "JSON": ("STRING", "STRING"),
    "BLOB": ("BINARY", "BINARY"),
    "DATE": ("DATE", "DATE"),
    "TIMESTAMP": ("TIMESTAMP", "TIMESTAMP"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMP", "TIMESTAMP"),
    "INTERVAL": ("INTERVAL", "INTERVAL"),
    '"NULL"': ("NULL", "VOID"),
    "NULL": ("NULL", "VOID"),
}

_WIDE_INTEGERS = ("HUGEINT", "UBIGINT", "UHUGEINT")

_PARAMETERS = {
    "STRING": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "BYTE": "TINYINT",
    "TINYINT": "TINYINT",
    "SHORT": "SMALLINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "INTEGER": "INTEGER",
    "LONG": "BIGINT",
    "BIGINT": "BIGINT",
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "BINARY": "BLOB",
    "VOID": "VARCHAR",
}
_PARAMETER_DECIMAL = re.compile(r"DECIMAL(?:\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\))?")


JSON_TIMESTAMP = "%Y-%m-%dT%H:%M:%S.%gZ"
"""How `JSON_ARRAY` results of the Statement Execution API write timestamps."""

THRIFT_TIMESTAMP = "%Y-%m-%d %H:%M:%S.%f"
"""How column based sets of the Thrift protocol write them."""


@dataclass(frozen=True)
class Column:
    """A column of a result: its name and DuckDB's type."""

    name: str
    duckdb_type: str

    def described(self, position: int) -> dict[str, Any]:
        """The column as it stands in the manifest's schema."""
        type_name, type_text = self._vendor_type()
        described: dict[str, Any] = {
            "name": self.name,
            "position": position,
            "type_name": type_name,
            "type_text": type_text,
        }
        decimal = _DECIMAL.fullmatch(self.duckdb_type)
        if decimal:
            described |= {"type_precision": int(decimal.group(1)), "type_scale": int(decimal.group(2))}
        return described

    def _vendor_type(self) -> tuple[str, str]:
        found = _SIMPLE.get(self.duckdb_type)
        if found is not None:
            return found
        if _DECIMAL.fullmatch(self.duckdb_type):
            return "DECIMAL", self.duckdb_type.replace(" ", "")
        if self.duckdb_type.endswith("]"):
            return "ARRAY", "ARRAY<" + Column("", self.duckdb_type[: self.duckdb_type.rindex("[")])._vendor_type()[
                1
            ] + ">"
        if self.duckdb_type.startswith("STRUCT"):
            return "STRUCT", "STRUCT"
        if self.duckdb_type.startswith("MAP"):
            return "MAP", "MAP"
        # enumerations, times and what else the vendor has no type for reach the client as text
        return "STRING", "STRING"

    def as_text(self, reference: str, timestamp_format: str = JSON_TIMESTAMP) -> str:
        """The expression that writes a value of this column as the API shows it."""
        if self.duckdb_type in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
            return f"strftime(CAST({reference} AS TIMESTAMP), '{timestamp_format}')"
        if self.duckdb_type == "BLOB":
            return f"base64({reference})"
        if self.duckdb_type in _WIDE_INTEGERS:
            return f"CAST(CAST({reference} AS BIGINT) AS VARCHAR)"
        if self.duckdb_type.endswith("]") or self.duckdb_type.startswith(("STRUCT", "MAP")):
            return f"CAST(to_json({reference}) AS VARCHAR)"
        return f"CAST({reference} AS VARCHAR)"


def parameter_type(name: str) -> str | None:
    """DuckDB's type for a parameter's type, None when the vendor has no such type."""
    name = name.strip().upper()
    decimal = _PARAMETER_DECIMAL.fullmatch(name)
    if decimal:
        precision, scale = int(decimal.group(1) or 10), int(decimal.group(2) or 0)
        return f"DECIMAL({precision},{scale})" if 1 <= precision <= 38 and scale <= precision else None
    return _PARAMETERS.get(name)
