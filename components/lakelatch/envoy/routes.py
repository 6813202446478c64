"""Authorization: the routes. One virtual host per verified subject, in it exact subject, exact issuer, then the action.

A route that forwards exists only for an action that a role grants; everything else ends in a route that refuses and
says why. Virtual hosts are looked up by the internal subject header, which only authentication can set.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lakelatch.access.actions import ACTIONS, Action
from lakelatch.envoy import credentials
from lakelatch.envoy.audit import NAMESPACE
from lakelatch.envoy.authentication import PUBLIC_PATHS
from lakelatch.envoy.clusters import ENDPOINTS, WORKSPACE, workspace_authority
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.decision import (
    RULE_AUDIT,
    RULE_AUTHENTICATION,
    RULE_ENDPOINT,
    RULE_NO_TOKEN,
    Decision,
    decide_action,
    unknown_action,
    unknown_identity,
)
from lakelatch.envoy.identity import (
    ENDPOINT_ROUTE,
    ISSUER_HEADER,
    NO_SUBJECT,
    SUBJECT_HEADER,
    UNAUTHENTICATED_ROUTE,
)
from lakelatch.envoy.runtime import Json, Runtime, any_of

ROUTE_CONFIGURATION: Final = "lakelatch"
RBAC_FILTER: Final = "lakelatch.authorization"
RETRY_AFTER_SECONDS: Final = 5
"""What a caller is told to wait when a token is missing for the moment: about one attempt of the broker."""
IDLE_SECONDS: Final = 900
"""No byte for this long ends a request: Thrift holds one up to 900 s, serving 297 s. There is no limit on the whole."""
_MATCHER: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"


def route_configuration(config: GatewayConfig, runtime: Runtime) -> Json:
    """Compile every route."""
    if runtime.closed is not None:
        return closed_gate(runtime.closed)
    by_subject: dict[str, list[str]] = defaultdict(list)
    for name, service in config.services.items():
        # Envoy looks virtual hosts up without regard to case.
        by_subject[service.subject.lower()].append(name)
    hosts = [_virtual_host(config, runtime, names) for names in by_subject.values()]
    return _configuration(*hosts, _everybody_else(_refusal("unknown", {}, unknown_identity())))


def closed_gate(reason: str) -> Json:
    """Compile the routes that let nobody through: whoever has a verified token is told the reason and to come again."""
    closed = Decision(False, RULE_AUDIT, message=reason)
    return _configuration(_everybody_else(_refusal("closed", {}, closed, status=503)))


def _configuration(*hosts: Json) -> Json:
    return {
        "name": ROUTE_CONFIGURATION,
        "vhost_header": SUBJECT_HEADER,
        "virtual_hosts": list(hosts),
        "request_headers_to_remove": [SUBJECT_HEADER, ISSUER_HEADER, "x-envoy-external-address"],
        "max_direct_response_body_size_bytes": 8192,
    }


def rbac_filter() -> Json:
    """The safety net in the chain: deny everything that no virtual host lets through expressly."""
    return {
        "name": RBAC_FILTER,
        "typed_config": any_of("envoy.extensions.filters.http.rbac.v3.RBAC", {"rules": {"action": "ALLOW"}}),
    }


def _let_through() -> Json:
    """Let a virtual host's requests reach its routes, except for one with a token in its query (RFC 6750 §5.3)."""
    in_query = {"header": {"name": ":path", "string_match": {"contains": "access_token="}}}
    policy = {"permissions": [{"not_rule": in_query}], "principals": [{"any": True}]}
    rules = {"rules": {"action": "ALLOW", "policies": {"no token in the query": policy}}}
    return {RBAC_FILTER: any_of("envoy.extensions.filters.http.rbac.v3.RBACPerRoute", {"rbac": rules})}


def _virtual_host(config: GatewayConfig, runtime: Runtime, names: list[str]) -> Json:
    nobody = _leaf(_refusal("unknown", {}, unknown_identity()))
    issuers: dict[str, dict[str, Json]] = defaultdict(dict)
    for name in names:
        service = config.services[name]
        issuers[service.subject][config.issuers[service.issuer].issuer] = _actions(config, runtime, name)
    subjects = {
        subject: {"matcher": _exact(ISSUER_HEADER, matchers, nobody)} for subject, matchers in sorted(issuers.items())
    }
    return {
        "name": f"service {names[0]}",
        "domains": [config.services[names[0]].subject],
        "matcher": _exact(SUBJECT_HEADER, subjects, nobody),
        "typed_per_filter_config": _let_through(),
    }


def _exact(header: str, values: Mapping[str, Json], otherwise: Json) -> Json:
    return {
        "matcher_tree": {
            "input": {"name": header, "typed_config": any_of(_MATCHER, {"header_name": header})},
            "exact_match_map": {"map": dict(values)},
        },
        "on_no_match": otherwise,
    }


def _leaf(*routes: Json) -> Json:
    action = {"name": "routes", "typed_config": any_of("envoy.config.route.v3.RouteList", {"routes": list(routes)})}
    return {"action": action}


def _actions(config: GatewayConfig, runtime: Runtime, name: str) -> Json:
    """The part of the tree for one service: the longest constant prefix of the path, then method and whole path."""
    service = config.services[name]
    identity = {"service": name, "subject": service.subject, "issuer": config.issuers[service.issuer].issuer}
    routes = {
        action.name: _action_route(config, runtime, identity, decide_action(name, service, action), action)
        for action in ACTIONS.values()
    }
    otherwise = _refusal("unknown", identity, unknown_action(name))
    lists = {
        prefix: _leaf(*(routes[action.name] for action in _reachable(prefix)), otherwise)
        for prefix in sorted({action.prefix for action in ACTIONS.values()})
    }
    tree = {
        "input": {"name": "path", "typed_config": any_of(_MATCHER, {"header_name": ":path"})},
        "prefix_match_map": {"map": lists},
    }
    return {"matcher": {"matcher_tree": tree, "on_no_match": _leaf(otherwise)}}


def _reachable(prefix: str) -> Iterable[Action]:
    """The actions that a path with this longest known prefix may stand for, in the catalogue's order."""
    return (action for action in ACTIONS.values() if prefix.startswith(action.prefix))


def _action_route(
    config: GatewayConfig, runtime: Runtime, identity: Mapping[str, str], decision: Decision, action: Action
) -> Json:
    match = _match(action.method, action.path, action.path_pattern)
    if not decision.allowed:
        return _refusal(action.name, identity, decision, match=match)
    service = identity["service"]
    missing = runtime.unavailable.get(service)
    if missing is not None:
        refused = Decision(False, RULE_NO_TOKEN, service, action.name, missing.reason)
        return _refusal(action.name, identity, refused, match=match, status=503 if missing.transient else 403)
    route = {
        "cluster": WORKSPACE,
        "host_rewrite_literal": workspace_authority(config),
        "timeout": "0s",
        "idle_timeout": f"{IDLE_SECONDS}s",
    }
    token_file = runtime.files.token(service, config.workspace.host, config.services[service].application_id)
    return {
        "name": action.name,
        "match": match,
        "route": route,
        "metadata": _metadata(identity, decision),
        "typed_per_filter_config": credentials.injection(service, token_file),
    }


def _match(method: str, path: str, pattern: str | None = None) -> Json:
    whole_path: Json = {"path": path} if pattern is None else {"safe_regex": {"regex": pattern}}
    return {**whole_path, "headers": [{"name": ":method", "string_match": {"exact": method}}]}


def _metadata(identity: Mapping[str, str], decision: Decision) -> Json:
    told: dict[str, Any] = {**identity, "decision": "allow" if decision.allowed else "deny", "rule": decision.rule}
    if decision.action is not None:
        told["action"] = decision.action
    return {"filter_metadata": {NAMESPACE: told}}


def _refusal(
    name: str, identity: Mapping[str, str], decision: Decision, *, match: Json | None = None, status: int = 403
) -> Json:
    """A route that answers by itself; `replies` gives its text the shape that clients read."""
    route: Json = {
        "name": name,
        "match": match or {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": decision.message}},
        "metadata": _metadata(identity, decision),
    }
    if status == 503:
        header = {"key": "retry-after", "value": str(RETRY_AFTER_SECONDS)}
        route["response_headers_to_add"] = [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    return route


def _everybody_else(verified: Json) -> Json:
    """Requests without a verified subject, and verified subjects that no other virtual host has."""
    public = [
        {
            "name": ENDPOINT_ROUTE,
            "match": _match(method, path),
            "route": {"cluster": ENDPOINTS, "timeout": "30s"},
            "metadata": _metadata({}, Decision(True, RULE_ENDPOINT)),
            "request_headers_to_remove": ["authorization"],
        }
        for path, method in PUBLIC_PATHS.items()
    ]
    unverified = {"prefix": "/", "headers": [{"name": SUBJECT_HEADER, "string_match": {"exact": NO_SUBJECT}}]}
    no_token = Decision(False, RULE_AUTHENTICATION, message="no verified token")
    return {
        "name": "everybody else",
        "domains": ["*"],
        "routes": [
            *public,
            _refusal(UNAUTHENTICATED_ROUTE, {}, no_token, match=unverified, status=401),
            verified,
        ],
        "typed_per_filter_config": _let_through(),
    }
