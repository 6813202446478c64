"""What is in the catalogs, as the drivers' metadata calls show it.

Source: the result sets of `java.sql.DatabaseMetaData` (`getCatalogs`, `getSchemas`, `getTables`, `getColumns`).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from lakelatch_sandbox.databricks import audit, securables
from lakelatch_sandbox.databricks.grants import MADE
from lakelatch_sandbox.databricks.sample_data import TRIPS
from lakelatch_sandbox.databricks.sql_query import Result, Row
from lakelatch_sandbox.databricks.sql_types import Column
from lakelatch_sandbox.store import Store

_TABLES: Final = {"samples.nyctaxi.trips": TRIPS, "system.access.audit": audit.STRUCTURE}
"""Each table with its columns and their types in DuckDB's words."""

_JDBC_TYPES: Final = {
    "BOOLEAN": 16,
    "BYTE": -6,
    "SHORT": 5,
    "INT": 4,
    "LONG": -5,
    "FLOAT": 6,
    "DOUBLE": 8,
    "DECIMAL": 3,
    "STRING": 12,
    "BINARY": -2,
    "DATE": 91,
    "TIMESTAMP": 93,
    "ARRAY": 2003,
    "STRUCT": 2002,
    "MAP": 2000,
}
"""`java.sql.Types`."""

_OTHER = 1111

_TABLE_COLUMNS = [
    "TABLE_CAT",
    "TABLE_SCHEM",
    "TABLE_NAME",
    "TABLE_TYPE",
    "REMARKS",
    "TYPE_CAT",
    "TYPE_SCHEM",
    "TYPE_NAME",
    "SELF_REFERENCING_COL_NAME",
    "REF_GENERATION",
]
_COLUMN_COLUMNS = [
    "TABLE_CAT",
    "TABLE_SCHEM",
    "TABLE_NAME",
    "COLUMN_NAME",
    "DATA_TYPE:INTEGER",
    "TYPE_NAME",
    "COLUMN_SIZE:INTEGER",
    "BUFFER_LENGTH:TINYINT",
    "DECIMAL_DIGITS:INTEGER",
    "NUM_PREC_RADIX:INTEGER",
    "NULLABLE:INTEGER",
    "REMARKS",
    "COLUMN_DEF",
    "SQL_DATA_TYPE:INTEGER",
    "SQL_DATETIME_SUB:INTEGER",
    "CHAR_OCTET_LENGTH:INTEGER",
    "ORDINAL_POSITION:INTEGER",
    "IS_NULLABLE",
    "SCOPE_CATALOG",
    "SCOPE_SCHEMA",
    "SCOPE_TABLE",
    "SOURCE_DATA_TYPE:SMALLINT",
    "IS_AUTO_INCREMENT",
]


def matches(pattern: str | None, name: str) -> bool:
    """Whether a name fits a pattern of a metadata call: `%` and `_` as in LIKE, `\\` before them takes them literally.

    No pattern fits every name; letters compare without case.
    """
    if not pattern:
        return True
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    regex = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, name, re.IGNORECASE | re.DOTALL) is not None


def _result(names: Sequence[str], rows: Sequence[Row]) -> Result:
    described = [Column(name, type or "VARCHAR") for name, _, type in (one.partition(":") for one in names)]
    return Result(described, rows, truncated=False)


class Catalog:
    """Catalogs and schemas are those of Unity Catalog; tables those that hold data."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _names(self, securable_type: str) -> list[str]:
        made = [one["full_name"] for one in self._store.all(MADE) if one["securable_type"] == securable_type]
        return sorted({*securables.SEEDED.get(securable_type, ()), *made})

    def catalogs(self) -> Result:
        """`GetCatalogs`."""
        return _result(["TABLE_CAT"], [(name,) for name in self._names("catalog")])

    def schemas(self, catalog: str | None, schema: str | None) -> Result:
        """`GetSchemas`."""
        parts = [name.partition(".") for name in self._names("schema")]
        rows = [(two, one) for one, _, two in parts if matches(catalog, one) and matches(schema, two)]
        return _result(["TABLE_SCHEM", "TABLE_CATALOG"], rows)

    def _found(self, catalog: str | None, schema: str | None, table: str | None) -> list[tuple[str, str, str]]:
        wanted = (catalog, schema, table)
        names = [tuple(name.split(".")) for name in _TABLES]
        return [
            (parts[0], parts[1], parts[2])
            for parts in names
            if all(matches(pattern, part) for pattern, part in zip(wanted, parts, strict=True))
        ]

    def tables(self, catalog: str | None, schema: str | None, table: str | None, types: Sequence[str] | None) -> Result:
        """`GetTables`."""
        found = self._found(catalog, schema, table) if not types or "TABLE" in types else []
        return _result(_TABLE_COLUMNS, [(*names, "TABLE", "", *[None] * 5) for names in found])

    def table_types(self) -> Result:
        """`GetTableTypes`."""
        return _result(["TABLE_TYPE"], [("TABLE",), ("VIEW",)])

    def columns(self, catalog: str | None, schema: str | None, table: str | None, column: str | None) -> Result:
        """`GetColumns`."""
        rows: list[Row] = []
        for names in self._found(catalog, schema, table):
            for position, (name, type) in enumerate(_TABLES[".".join(names)].items()):
                if matches(column, name):
                    rows.append((*names, *_described(Column(name, type).described(position))))
        return _result(_COLUMN_COLUMNS, rows)

    @staticmethod
    def nothing(*names: str) -> Result:
        """An empty result, for calls about what the sandbox has none of: keys, functions."""
        return _result(names, [])


def _described(shown: dict[str, Any]) -> Row:
    code = str(_JDBC_TYPES.get(shown["type_name"], _OTHER))
    size, digits = shown.get("type_precision"), shown.get("type_scale")
    radix = "10" if shown["type_name"] in ("BYTE", "SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "DECIMAL") else None
    return (
        shown["name"],
        code,
        shown["type_text"],
        None if size is None else str(size),
        None,
        None if digits is None else str(digits),
        radix,
        "1",
        "",
        None,
        None,
        None,
        None,
        str(shown["position"]),
        "YES",
        None,
        None,
        None,
        None,
        "NO",
    )
