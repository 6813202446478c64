"""What drivers ask about the server (`GetInfo`); the numbers are those of `TGetInfoType`."""

from typing import Any, Final

NAME: Final = "Spark SQL"
"""What warehouses call themselves; drivers choose their dialect by it."""

VERSION: Final = "3.5.2"

_TEXTS: Final = {13: NAME, 17: NAME, 18: VERSION, 14: "\\", 29: "`"}
"""Server name, product name and version; the escape of search patterns; the quote of identifiers."""

_LENGTHS: Final = (30, 32, 34, 35)
"""The longest names of columns, schemas, catalogs, tables."""

MAX_NAME: Final = 255


def info_value(types: Any, asked: int) -> Any:
    """The `TGetInfoValue`, None for what is not known."""
    if asked in _TEXTS:
        return types.TGetInfoValue(stringValue=_TEXTS[asked])
    return types.TGetInfoValue(lenValue=MAX_NAME) if asked in _LENGTHS else None
