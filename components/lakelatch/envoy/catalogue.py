"""What a request asks for: the routes that give each request the name of its action, before anybody knows who asks.

One table for all services, so that neither their number nor the catalogue's size makes a decision slower: a trie over
the constant part of the path, then the few actions that share it.
"""

from collections.abc import Mapping
from typing import Final

from lakelatch.access.actions import Request, in_match_order
from lakelatch.access.policy import Policy
from lakelatch.envoy import inspection, limits
from lakelatch.envoy.identity import ACTION_HEADER, CLASS_HEADER, UNKNOWN_ACTION
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.action"
_PACKAGE: Final = "envoy.extensions.filters.http.header_mutation.v3"
_PATH: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"


def base_filter() -> Json:
    """The filter in the chain; what it writes stands in each route."""
    return {"name": FILTER_NAME, "typed_config": any_of(f"{_PACKAGE}.HeaderMutation", {})}


def matcher(policy: Policy, public: Mapping[str, Json], *, limited: bool = False) -> Json:
    """Name the action of every request; those whose requests have to be read are marked for inspection.

    `public` has the routes of paths that need no identity, by path; `limited` says that some service has a limit.
    """
    inspected = policy.inspected()
    always = limits.switched_on() if limited else {}
    rows = [
        (
            request.prefix,
            _route(
                request,
                action.name,
                policy.classes.get(action.name, ""),
                always | (inspection.switched_on() if action.name in inspected else {}),
            ),
        )
        for request, action in in_match_order()
    ]
    unknown = _named(UNKNOWN_ACTION, UNKNOWN_ACTION, {"prefix": "/"}, always)
    lists = {
        prefix: _leaf(*(route for shorter, route in rows if prefix.startswith(shorter)), unknown)
        for prefix in sorted({prefix for prefix, _ in rows})
    }
    for path, route in public.items():
        beside = lists[path]["action"]["typed_config"]["routes"] if path in lists else [unknown]
        lists[path] = _leaf(route, *beside)
    tree = {
        "input": {"name": "path", "typed_config": any_of(_PATH, {"header_name": ":path"})},
        "prefix_match_map": {"map": lists},
    }
    return {"matcher_tree": tree, "on_no_match": _leaf(unknown)}


def _route(request: Request, action: str, class_: str, filters: Json) -> Json:
    pattern = request.path_pattern
    path: Json = {"path": request.path} if pattern is None else {"safe_regex": {"regex": pattern}}
    method = {"name": ":method", "string_match": {"exact": request.method}}
    return _named(action, class_, {**path, "headers": [method]}, filters)


def _named(action: str, class_: str, match: Json, filters: Json | None = None) -> Json:
    """A route that gives a request its action. Nobody gets an answer from it: it stands for nobody's requests."""
    headers = {ACTION_HEADER: action} | ({CLASS_HEADER: class_} if class_ else {})
    mutations = [
        {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for name, value in headers.items()
    ]
    mutation = any_of(f"{_PACKAGE}.HeaderMutationPerRoute", {"mutations": {"request_mutations": mutations}})
    return {
        "name": action,
        "match": match,
        "direct_response": {"status": 403},
        "typed_per_filter_config": {FILTER_NAME: mutation, **(filters or {})},
    }


def _leaf(*routes: Json) -> Json:
    action = {"name": "routes", "typed_config": any_of("envoy.config.route.v3.RouteList", {"routes": list(routes)})}
    return {"action": action}
