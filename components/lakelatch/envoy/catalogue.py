"""What a request asks for: the routes that give each request the name of its action, before anybody knows who asks.

One table for all services, so that neither their number nor the catalogue's size makes a decision slower: a trie over
the constant part of the path, then the few actions that share it. It is by far the most of what Envoy reads when a
policy changes, so a route says no more than its name; what all of them do stands once, at their virtual host.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Final

from lakelatch.access.actions import LEGAL_PATH, Request, in_match_order
from lakelatch.access.policy import Policy
from lakelatch.envoy import inspection
from lakelatch.envoy.identity import ACTION_HEADER, CLASS_HEADER, QUERY_CLASS, UNKNOWN_ACTION
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.action"
_PACKAGE: Final = "envoy.extensions.filters.http.header_mutation.v3"
_PATH: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
FEW: Final = 4
"""As many exact patterns in a list are read about as soon as one for all, of which each request would be asked."""
_LEGAL: Final = rf"{LEGAL_PATH}(?:\?\C*)?"
"""With the query, in which anything may stand; `\\C` is any byte, `.` only what is UTF-8."""
_ILLEGAL: Final[Json] = {
    "prefix": "/",
    "headers": [{"name": ":path", "string_match": {"safe_regex": {"regex": _LEGAL}}, "invert_match": True}],
}
_TOKEN_PARAMETER: Final = r"(?i)\C*" + "".join(
    f"(?:{letter}|%(?:25)*(?:{ord(letter):x}|{ord(letter.upper()):x}))" for letter in "access_token="
)
"""Each letter as it is or escaped, also more than once (RFC 3986 §2.1)."""


def base_filter() -> Json:
    """The filter in the chain; what it writes stands at the virtual host and in routes."""
    return {"name": FILTER_NAME, "typed_config": any_of(f"{_PACKAGE}.HeaderMutation", {})}


def named_by_route() -> Json:
    """What the virtual host says, so that no route has to: an action is called as its route is."""
    return {FILTER_NAME: _written(ACTION_HEADER, "%ROUTE_NAME%")}


def matcher(policy: Policy, public: Mapping[str, Json]) -> Json:
    """Name the action of every request; those whose requests have to be read are marked for inspection.

    `public` has the routes of paths that need no identity, by path.
    """
    special = {action: {FILTER_NAME: _written(CLASS_HEADER, name)} for action, name in policy.classes.items()}
    for action in policy.inspected():
        special[action] = special.get(action, {}) | inspection.switched_on()
    routes = {
        prefix: [_route(action, match, special.get(action)) for action, match in rows]
        for prefix, rows in _table().items()
    }
    for path, route in public.items():
        routes[path] = [route, *routes.get(path, ())]
    tree = {
        "input": {"name": "path", "typed_config": any_of(_PATH, {"header_name": ":path"})},
        "prefix_match_map": {"map": {prefix: _leaf(*rows, _UNKNOWN) for prefix, rows in routes.items()}},
    }
    named = {"matcher": {"matcher_tree": tree, "on_no_match": _leaf(_UNKNOWN)}}
    refused = _route(UNKNOWN_ACTION, {"prefix": "/"}, {FILTER_NAME: _written(CLASS_HEADER, QUERY_CLASS)})
    first = {"predicate": _token_in_query(), "on_match": _leaf(refused)}
    return {"matcher_list": {"matchers": [first]}, "on_no_match": named}


def _token_in_query() -> Json:
    """The predicate of a request with a token in its query: asked here once, and not by every service's routes."""
    path = {"name": "path", "typed_config": any_of(_PATH, {"header_name": ":path"})}
    # The expression is only asked about a path that has a query at all.
    wanted = ({"contains": "?"}, {"safe_regex": {"google_re2": {}, "regex": rf"{_TOKEN_PARAMETER}\C*"}})
    return {"and_matcher": {"predicate": [{"single_predicate": {"input": path, "value_match": one}} for one in wanted]}}


@cache
def _table() -> Mapping[str, tuple[tuple[str, Json], ...]]:
    """Constant beginning of paths to the actions whose requests can begin so, each with how its route matches.

    The same for every policy, and in the order in which the first that matches counts.
    """
    rows = in_match_order()
    prefixes = sorted({request.prefix for request, _ in rows})
    found: dict[str, list[tuple[Request, str]]] = {prefix: [] for prefix in prefixes}
    for request, action in rows:
        for prefix in _beginnings(request, prefixes):
            found[prefix].append((request, action.name))
    return {prefix: _matches(requests) for prefix, requests in found.items()}


def _beginnings(request: Request, prefixes: Sequence[str]) -> Iterable[str]:
    """Of the sorted beginnings of paths, those that a path of the request can have as the longest of all."""
    start = request.prefix
    if start == request.path:
        return (start,)
    return takewhile(lambda prefix: prefix.startswith(start), prefixes[bisect_left(prefixes, start) :])


def _matches(requests: Sequence[tuple[Request, str]]) -> tuple[tuple[str, Json], ...]:
    """Each with its action. Where there are many patterns, short ones stand behind the one that a legal path has."""
    many = sum(request.path_pattern is not None for request, _ in requests) > FEW
    rows = [
        (action, _match(request, request.short_pattern if many else request.path_pattern))
        for request, action in requests
    ]
    return ((UNKNOWN_ACTION, _ILLEGAL), *rows) if many else tuple(rows)


def _match(request: Request, pattern: str | None) -> Json:
    path: Json = {"path": request.path} if pattern is None else {"safe_regex": {"regex": pattern}}
    return {**path, "headers": [{"name": ":method", "string_match": {"exact": request.method}}]}


def _route(action: str, match: Json, filters: Json | None = None) -> Json:
    """A route that gives a request its action. Nobody gets an answer from it: it stands for nobody's requests."""
    route: Json = {"name": action, "match": match, "direct_response": {"status": 403}}
    return {**route, "typed_per_filter_config": filters} if filters else route


_UNKNOWN: Final = _route(UNKNOWN_ACTION, {"prefix": "/"})


def _written(header: str, value: str) -> Json:
    written = {"append": {"header": {"key": header, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return any_of(f"{_PACKAGE}.HeaderMutationPerRoute", {"mutations": {"request_mutations": [written]}})


def _leaf(*routes: Json) -> Json:
    action = {"name": "routes", "typed_config": any_of("envoy.config.route.v3.RouteList", {"routes": list(routes)})}
    return {"action": action}
