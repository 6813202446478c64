"""Results as Thrift's columns: pure conversions from the engine's texts.

Complex types, decimals, dates and times travel as texts, as in the vendor's column based sets.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final

from lakelatch_sandbox.databricks.sql_query import Row
from lakelatch_sandbox.databricks.sql_types import Column

_Decoder = Callable[[str], Any]

_KINDS: Final[dict[str, tuple[str, str, str, _Decoder, Any]]] = {
    "BOOLEAN": ("BOOLEAN_TYPE", "boolVal", "TBoolColumn", lambda text: text == "true", False),
    "BYTE": ("TINYINT_TYPE", "byteVal", "TByteColumn", int, 0),
    "SHORT": ("SMALLINT_TYPE", "i16Val", "TI16Column", int, 0),
    "INT": ("INT_TYPE", "i32Val", "TI32Column", int, 0),
    "LONG": ("BIGINT_TYPE", "i64Val", "TI64Column", int, 0),
    "FLOAT": ("FLOAT_TYPE", "doubleVal", "TDoubleColumn", float, 0.0),
    "DOUBLE": ("DOUBLE_TYPE", "doubleVal", "TDoubleColumn", float, 0.0),
    "BINARY": ("BINARY_TYPE", "binaryVal", "TBinaryColumn", base64.b64decode, b""),
}
"""By the vendor's type: Thrift's type, the member of a column that holds it, that member's class, decoder, filler."""

_TEXTS: Final = {
    "DECIMAL": "DECIMAL_TYPE",
    "DATE": "DATE_TYPE",
    "TIMESTAMP": "TIMESTAMP_TYPE",
    "ARRAY": "ARRAY_TYPE",
    "MAP": "MAP_TYPE",
    "STRUCT": "STRUCT_TYPE",
    "NULL": "NULL_TYPE",
}


def _same(text: str) -> str:
    return text


def _kind(column: Column) -> tuple[str, str, str, _Decoder, Any]:
    name = str(column.described(0)["type_name"])
    return _KINDS.get(name) or (_TEXTS.get(name, "STRING_TYPE"), "stringVal", "TStringColumn", _same, "")


def null_bits(values: Sequence[str | None]) -> bytes:
    """One bit for each value, the lowest bit first: set where the value is null."""
    bits = bytearray((len(values) + 7) // 8)
    for position, value in enumerate(values):
        if value is None:
            bits[position >> 3] |= 1 << (position & 7)
    return bytes(bits)


def columns(types: Any, described: Sequence[Column], rows: Sequence[Row]) -> list[Any]:
    """The `TColumn` of each column of these rows."""
    found = []
    for position, column in enumerate(described):
        _, member, kind, decode, filler = _kind(column)
        texts = [row[position] for row in rows]
        values = [filler if text is None else decode(text) for text in texts]
        found.append(types.TColumn(**{member: getattr(types, kind)(values=values, nulls=null_bits(texts))}))
    return found


def schema(types: Any, described: Sequence[Column]) -> Any:
    """The `TTableSchema`; every type is a primitive one, as the drivers expect."""
    return types.TTableSchema(
        columns=[
            types.TColumnDesc(
                columnName=column.name,
                position=position + 1,
                typeDesc=types.TTypeDesc(types=[types.TTypeEntry(primitiveEntry=_entry(types, column))]),
            )
            for position, column in enumerate(described)
        ]
    )


def _entry(types: Any, column: Column) -> Any:
    entry = types.TPrimitiveTypeEntry(type=getattr(types.TTypeId, _kind(column)[0]))
    shown = column.described(0)
    if shown["type_name"] == "DECIMAL":
        entry.typeQualifiers = types.TTypeQualifiers(
            qualifiers={
                name: types.TTypeQualifierValue(i32Value=shown[f"type_{name}"]) for name in ("precision", "scale")
            }
        )
    return entry
