"""Graph's query options for a listing: `$filter`, `$select`, `$orderby`, `$top`, `$count` and the pages. Pure."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.graph.errors import GraphError, bad_request
from lakelatch_sandbox.graph.odata import parse_filter, value_at

PAGE_SIZE = 100
"""Without `$top` (learn.microsoft.com/graph/paging; directory objects come by the hundred)."""
LARGEST_PAGE = 999

_OPTIONS = frozenset({"$filter", "$select", "$top", "$count", "$orderby", "$expand", "$skiptoken"})


@dataclass(frozen=True)
class Page:
    """A part of what was asked for."""

    documents: list[dict[str, Any]]
    count: int | None
    """Of everything that was found, when `$count=true` asked for it."""
    skiptoken: str | None
    """Where the next page begins, or None after the last."""


def select(document: Mapping[str, Any], wanted: str | None) -> dict[str, Any]:
    """The members that a `$select` names; the whole document without one. Annotations always stay."""
    if wanted is None:
        return dict(document)
    names = [name.strip() for name in wanted.split(",")]
    return {name: document[name] for name in document if name in names or "@odata." in name}


def page(documents: Iterable[Mapping[str, Any]], query: Mapping[str, str], *, eventual: bool = False) -> Page:
    """What a listing answers.

    `eventual` says that the request came with `ConsistencyLevel: eventual`. Raises `GraphError` (400) for an option
    that is not known, and for a query that needs that header or `$count=true` and comes without.
    """
    check_options(query)
    counting = query.get("$count", "false").lower() == "true"
    found = list(documents)
    advanced = counting
    if "$filter" in query:
        wanted = parse_filter(query["$filter"])
        found = [one for one in found if wanted.holds(one)]
        advanced |= wanted.advanced or "$orderby" in query
    if advanced and not (eventual and counting):
        raise _unsupported()
    if "$orderby" in query:
        found = _ordered(found, query["$orderby"])
    begin, size = _begin(query), _size(query)
    end = begin + size
    return Page(
        documents=[select(one, query.get("$select")) for one in found[begin:end]],
        count=len(found) if counting else None,
        skiptoken=base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(found) else None,
    )


def _unsupported() -> GraphError:
    return bad_request("Unsupported Query.", "Request_UnsupportedQuery")


def check_options(query: Mapping[str, str]) -> None:
    """Raise `GraphError` (400) when an option is not one of those that are understood."""
    unknown = sorted(name for name in query if name.startswith("$") and name not in _OPTIONS)
    if unknown:
        raise bad_request(f"Query option '{unknown[0]}' is not supported.")


def _ordered(found: list[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    name, _, direction = text.strip().partition(" ")
    if "," in text or direction.strip() not in ("", "asc", "desc") or not name:
        raise bad_request(f"Invalid $orderby clause: '{text}'.")
    path = tuple(name.split("/"))
    return sorted(found, key=lambda one: str(value_at(one, path) or ""), reverse=direction.strip() == "desc")


def _size(query: Mapping[str, str]) -> int:
    if "$top" not in query:
        return PAGE_SIZE
    text = query["$top"]
    if not text.isascii() or not text.isdigit() or len(text) > len("999") or not 1 <= int(text) <= LARGEST_PAGE:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {LARGEST_PAGE} inclusive.")
    return int(text)


def _begin(query: Mapping[str, str]) -> int:
    if "$skiptoken" not in query:
        return 0
    try:
        return max(int(base64.urlsafe_b64decode(query["$skiptoken"].encode())), 0)
    except (binascii.Error, ValueError):
        raise bad_request("Skip token is invalid.", "Directory_ExpiredPageToken") from None
