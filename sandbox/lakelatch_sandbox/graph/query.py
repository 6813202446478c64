"""The OData query options that Graph's callers use here: `$filter` with `eq`, `$select` and `$top`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.graph.errors import bad_request

_LITERAL = r"(?P<value>'(?:[^']|'')*'|true|false|null)"
_EQUALS = re.compile(rf"\s*(?P<property>[A-Za-z][A-Za-z0-9]*(?:/[A-Za-z][A-Za-z0-9]*)*)\s+eq\s+{_LITERAL}\s*")
_ANY = re.compile(rf"\s*(?P<property>[A-Za-z][A-Za-z0-9]*)/any\((?P<name>\w+):\s*(?P=name)\s+eq\s+{_LITERAL}\s*\)\s*")
_KEYWORDS = {"true": True, "false": False, "null": None}
_OPTIONS = frozenset({"$filter", "$select", "$top", "$count"})


@dataclass(frozen=True)
class Comparison:
    """`property eq value`, or with `member`, that one of the property's items equals the value."""

    property: tuple[str, ...]
    value: str | bool | None
    member: bool = False

    def holds(self, document: Mapping[str, Any]) -> bool:
        """Whether the document satisfies it; the directory compares text without regard to case."""
        found: Any = document
        for name in self.property:
            found = found.get(name) if isinstance(found, Mapping) else None
        if self.member:
            return isinstance(found, list) and any(_same(item, self.value) for item in found)
        return _same(found, self.value)


def _same(found: Any, wanted: str | bool | None) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found.casefold() == wanted.casefold()
    return type(found) is type(wanted) and found == wanted


def parse_filter(text: str) -> tuple[Comparison, ...]:
    """The comparisons of a `$filter`, all of which must hold (OData 4.01 URL conventions §5.1.1, the `eq`/`and` part).

    Raises `GraphError` (400) for anything else: a filter that is not understood must not find everything.
    """
    comparisons: list[Comparison] = []
    position = 0
    while True:
        matched = _EQUALS.match(text, position) or _ANY.match(text, position)
        if matched is None:
            raise bad_request(f"Invalid filter clause: unsupported syntax at position {position} in '{text}'.")
        comparisons.append(
            Comparison(tuple(matched["property"].split("/")), _literal(matched["value"]), member=matched.re is _ANY)
        )
        position = matched.end()
        if position == len(text):
            return tuple(comparisons)
        if not text.startswith("and ", position) or not text[position - 1].isspace():
            raise bad_request(f"Invalid filter clause: unsupported syntax at position {position} in '{text}'.")
        position += len("and ")


def _literal(text: str) -> str | bool | None:
    return _KEYWORDS[text] if text in _KEYWORDS else text[1:-1].replace("''", "'")


def select(document: Mapping[str, Any], wanted: str | None) -> dict[str, Any]:
    """The members that a `$select` names; the whole document without one."""
    if wanted is None:
        return dict(document)
    names = [name.strip() for name in wanted.split(",")]
    return {name: document[name] for name in names if name in document}


def page(documents: Iterable[Mapping[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a listing answers: filtered, cut to `$top`, with the members of `$select`.

    Raises `GraphError` (400) for a query option that this double does not know.
    """
    check_options(query)
    comparisons = parse_filter(query["$filter"]) if "$filter" in query else ()
    found = [one for one in documents if all(comparison.holds(one) for comparison in comparisons)]
    return [select(one, query.get("$select")) for one in found[: _top(query)]]


def check_options(query: Mapping[str, str]) -> None:
    """Raise `GraphError` (400) when an option is not one of those that are understood."""
    unknown = sorted(name for name in query if name.startswith("$") and name not in _OPTIONS)
    if unknown:
        raise bad_request(f"Query option '{unknown[0]}' is not supported.")


def _top(query: Mapping[str, str]) -> int | None:
    if "$top" not in query:
        return None
    if not query["$top"].isascii() or not query["$top"].isdigit() or not 1 <= int(query["$top"]) <= 999:
        raise bad_request(f"Invalid page size specified: '{query['$top']}'. Must be between 1 and 999 inclusive.")
    return int(query["$top"])
