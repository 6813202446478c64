"""What a request asks for: the routes that give each request the name of its action, before anybody knows who asks.

One table for all services, so that neither their number nor the catalogue's size makes a decision slower: a trie over
the constant part of the path, then the few actions that share it.
"""

from collections.abc import Mapping
from typing import Final

from lakelatch.access.actions import ACTIONS, Action
from lakelatch.envoy import inspection
from lakelatch.envoy.identity import ACTION_HEADER, UNKNOWN_ACTION
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.action"
_PACKAGE: Final = "envoy.extensions.filters.http.header_mutation.v3"
_PATH: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"


def base_filter() -> Json:
    """The filter in the chain; what it writes stands in each route."""
    return {"name": FILTER_NAME, "typed_config": any_of(f"{_PACKAGE}.HeaderMutation", {})}


def matcher(inspected: frozenset[str], public: Mapping[str, Json]) -> Json:
    """Name the action of every request; those whose requests have to be read are marked for inspection.

    `public` has the routes of paths that need no identity, by path.
    """
    routes = {name: _route(name, action, name in inspected) for name, action in ACTIONS.items()}
    unknown = named(UNKNOWN_ACTION, {"prefix": "/"})
    lists = {
        prefix: _leaf(*(routes[action.name] for action in actions), unknown) for prefix, actions in _reachable().items()
    }
    for path, route in public.items():
        lists[path] = _leaf(route, *(routes[action.name] for action in _beside(path)), unknown)
    tree = {
        "input": {"name": "path", "typed_config": any_of(_PATH, {"header_name": ":path"})},
        "prefix_match_map": {"map": lists},
    }
    return {"matcher_tree": tree, "on_no_match": _leaf(unknown)}


def _reachable() -> Mapping[str, list[Action]]:
    """Constant prefix to the actions that a path with no longer one may stand for, in the catalogue's order."""
    return {prefix: _beside(prefix) for prefix in sorted({action.prefix for action in ACTIONS.values()})}


def _beside(prefix: str) -> list[Action]:
    return [action for action in ACTIONS.values() if prefix.startswith(action.prefix)]


def _route(name: str, action: Action, inspected: bool) -> Json:
    pattern = action.path_pattern
    path: Json = {"path": action.path} if pattern is None else {"safe_regex": {"regex": pattern}}
    method = {"name": ":method", "string_match": {"exact": action.method}}
    return named(name, {**path, "headers": [method]}, inspection.switched_on() if inspected else {})


def named(name: str, match: Json, filters: Json | None = None) -> Json:
    """A route that gives a request its action. Nobody gets an answer from it: it stands for nobody's requests."""
    mutation = {
        "append": {
            "header": {"key": ACTION_HEADER, "value": name},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }
    mutations = any_of(f"{_PACKAGE}.HeaderMutationPerRoute", {"mutations": {"request_mutations": [mutation]}})
    return {
        "name": name,
        "match": match,
        "direct_response": {"status": 403},
        "typed_per_filter_config": {FILTER_NAME: mutations, **(filters or {})},
    }


def _leaf(*routes: Json) -> Json:
    action = {"name": "routes", "typed_config": any_of("envoy.config.route.v3.RouteList", {"routes": list(routes)})}
    return {"action": action}
