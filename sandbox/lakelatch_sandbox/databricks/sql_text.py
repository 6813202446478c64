"""From the vendor's SQL to DuckDB's, as far as the lexical level: literals, quoted names, parameter markers.

Source: docs.databricks.com/sql/language-manual, "String literals", "Identifiers", "Parameter markers".
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<raw>     \b[rR](?: '[^']*' | "[^"]*" ) )
  | (?P<string>  '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" )
  | (?P<name>    `(?:[^`]|``)*` )
  | (?P<marker>  (?<![\w)\]'"`:]) : [A-Za-z_]\w* )
  | (?P<open>    ['"`] | /\* )
  | (?P<question> \? )
  | (?P<dollar>  \$ )
  | (?P<end>     ; )
    """,
    re.VERBOSE | re.DOTALL,
)

_AUDIT_TABLE = re.compile(
    r"""
    '(?:[^']|'')*'
  | (?P<audit> (?<![\w".]) (?:system|"system") \s*\.\s* (?:access|"access") \s*\.\s* (?:audit\b|"audit") )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)


class SqlTextError(Exception):
    """Raised when a statement cannot be read; the text begins with the vendor's error condition in brackets."""


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "uU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < 0x110000 and not 0xD800 <= point < 0xE000 else "\ufffd"
    if len(code) == 3:
        return chr(int(code, 8))
    # `\%` and `\_` stay as they are: they belong to LIKE
    return "\\" + code if code in "%_" else _ESCAPES.get(code, code)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\0", "") + "'"


def _string(token: str) -> str:
    quote = token[0]
    return _literal(_ESCAPE.sub(_unescaped, token[1:-1].replace(quote * 2, quote)))


def positional(number: int) -> str:
    """The name of the parameter that the marker `?` with this number, from 1 on, stands for."""
    return f"_{number}"


def translate(sql: str, parameter_types: Mapping[str, str]) -> str:
    """The statement as DuckDB reads it, without comments and final semicolons.

    Strings in single or double quotes become DuckDB strings, backquoted names DuckDB names, and `:name` becomes
    `CAST($name AS type)` with the type given for it; the parameter of the n-th `?` has the name `positional(n)`.
    Raises `SqlTextError` for a marker without a parameter, for an unfinished literal and for more than one statement.
    """
    parts: list[str] = []
    position = 0
    ended = False
    positions = 0
    for match in _TOKEN.finditer(sql):
        plain = sql[position : match.start()]
        position = match.end()
        kind = match.lastgroup
        if ended and (plain.strip() or kind not in ("comment", "end")):
            raise SqlTextError("[PARSE_SYNTAX_ERROR] only one statement may be sent at a time")
        parts.append(plain)
        token = match.group()
        if kind == "end":
            ended = True
        elif kind == "comment":
            parts.append(" ")
        elif kind == "raw":
            parts.append(_literal(token[2:-1]))
        elif kind == "string":
            parts.append(_string(token))
        elif kind == "name":
            parts.append('"' + token[1:-1].replace("``", "`").replace('"', '""').replace("\0", "") + '"')
        elif kind == "marker":
            name = token[1:].strip()
            if name not in parameter_types:
                raise SqlTextError(f"[UNBOUND_SQL_PARAMETER] found the unbound parameter: {name}")
            parts.append(f"CAST(${name} AS {parameter_types[name]})")
        elif kind == "question":
            positions += 1
            name = positional(positions)
            if name not in parameter_types:
                raise SqlTextError(f"[UNBOUND_SQL_PARAMETER] found the unbound parameter: {name}")
            parts.append(f"CAST(${name} AS {parameter_types[name]})")
        elif kind == "dollar":
            raise SqlTextError(f"[PARSE_SYNTAX_ERROR] syntax error at or near '{token}'; name parameters as in `:name`")
        else:
            raise SqlTextError(f"[PARSE_SYNTAX_ERROR] {token} is opened and never closed")
    if ended and sql[position:].strip():
        raise SqlTextError("[PARSE_SYNTAX_ERROR] only one statement may be sent at a time")
    parts.append(sql[position:])
    return "".join(parts).strip()


def with_system_tables(sql: str) -> tuple[str, bool]:
    """DuckDB's statement with `system.access.audit` where DuckDB can have it, and whether the table is named at all.

    DuckDB keeps the catalog `system` for itself, so the table is a temporary one of the connection.
    """
    found = False

    def moved(match: re.Match[str]) -> str:
        nonlocal found
        if match["audit"] is None:
            return match.group()
        found = True
        return "temp.main.audit"

    moved_sql = _AUDIT_TABLE.sub(moved, sql)
    return moved_sql, found
