"""The routes: whose request it is, and whose token it goes on with. What may go on is decided by `authorization`.

A request is routed twice. First by method and path, which gives it the name of its action (`catalogue`); then, once
authentication has put the verified subject into an internal header, to the virtual host of that subject, in it to exact
issuer and exact subject. There a service has a route for each class of actions that a role grants outright, and one for
everything else. People have one for each issuer: no virtual host has their subjects, so they come back to the one of
nobody, and there an internal header has their issuer.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from lakelatch.access.attributes import BODY_BYTES
from lakelatch.access.decisions import RULE_ENDPOINT, RULE_NO_TOKEN
from lakelatch.access.policy import Policy, Subject
from lakelatch.envoy import (
    authentication,
    authorization,
    catalogue,
    credentials,
    gate,
    inspection,
    limits,
    people,
    people_authorization,
)
from lakelatch.envoy.audit import NAMESPACE
from lakelatch.envoy.authentication import PROBES, PUBLIC_PATHS
from lakelatch.envoy.clusters import ENDPOINTS, WORKSPACE, workspace_authority
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.identity import (
    CLASS_HEADER,
    ENDPOINT_ROUTE,
    INTERNAL_HEADERS,
    ISSUER_HEADER,
    PEOPLE_HEADER,
    PEOPLE_HEADERS,
    PROBE_ROUTE,
    SUBJECT_HEADER,
)
from lakelatch.envoy.runtime import Json, Runtime, Unavailable, any_of, left_out

ROUTE_CONFIGURATION: Final = "lakelatch"
RETRY_AFTER_SECONDS: Final = 5
"""What a caller is told to wait when a token is missing for the moment: about one attempt of the broker."""
IDLE_SECONDS: Final = 900
"""No byte for this long ends a request: Thrift holds one up to 900 s, serving 297 s. There is no limit on the whole."""
_MATCHER: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"


def route_configuration(config: GatewayConfig, runtime: Runtime) -> Json:
    """Compile every route."""
    policy = config.policy
    by_subject: dict[str, list[str]] = defaultdict(list)
    for name, service in config.services.items():
        # Envoy looks virtual hosts up without regard to case.
        by_subject[service.subject.lower()].append(name)
    hosts = [_virtual_host(config, policy, runtime, names) for names in by_subject.values()]
    return {
        "name": ROUTE_CONFIGURATION,
        "vhost_header": SUBJECT_HEADER,
        "virtual_hosts": [*hosts, _nobody_yet(config)],
        "request_headers_to_remove": [*INTERNAL_HEADERS, "x-envoy-external-address"],
        "max_direct_response_body_size_bytes": 8192,
    }


def _virtual_host(config: GatewayConfig, policy: Policy, runtime: Runtime, names: list[str]) -> Json:
    issuers: dict[str, list[Subject]] = defaultdict(list)
    for name in names:
        issuers[policy.subjects[name].issuer].append(policy.subjects[name])
    found = {issuer: _decided(config, policy, runtime, subjects) for issuer, subjects in sorted(issuers.items())}
    return {
        "name": names[0],
        "domains": [config.services[names[0]].subject],
        "matcher": _exact(ISSUER_HEADER, found, _leaf(_unknown_identity())),
    }


def _decided(config: GatewayConfig, policy: Policy, runtime: Runtime, subjects: list[Subject]) -> Json:
    """The routes of an issuer's services whose subjects differ in case at most: nearly always one.

    What a role grants outright has a route of its own by class, which costs a look into a map where authorization
    would cost a fifteenth of the whole. Everything else goes to authorization.
    """
    asked = {one.name: _service(config, policy, runtime, one) for one in subjects}
    outright = {
        one.name: {} if one.name in runtime.unavailable else authorization.granted_outright(policy, one)
        for one in subjects
    }
    otherwise = _leaf(*asked.values(), _unknown_identity())
    classes = sorted({name for granted in outright.values() for name in granted})
    if not classes:
        return otherwise
    leaves = {}
    for name in classes:
        rules = [(one, outright[one.name].get(name)) for one in subjects]
        routes = [
            asked[one.name] if rule is None else _service(config, policy, runtime, one, granted_by=rule)
            for one, rule in rules
        ]
        leaves[name] = _leaf(*routes, _unknown_identity())
    return {"matcher": _exact(CLASS_HEADER, leaves, otherwise)}


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


def _service(
    config: GatewayConfig, policy: Policy, runtime: Runtime, subject: Subject, *, granted_by: str | None = None
) -> Json:
    """A route of a service: of what a role grants outright, or that which authorization has let through when taken."""
    name = subject.name
    route: Json = {
        "name": name,
        "match": {"prefix": "/", "headers": [{"name": SUBJECT_HEADER, "string_match": {"exact": subject.subject}}]},
        "metadata": _metadata(
            service=name,
            subject=subject.subject,
            issuer=subject.issuer,
            roles=", ".join(f"'{role}'" for role in subject.roles) or "none",
            reasons={rule: policy.rules[rule].description for rule in policy.about(subject)},
        ),
        "typed_per_filter_config": {
            authorization.FILTER_NAME: authorization.of_service(policy, subject)
            if granted_by is None
            else authorization.open_to_all()
        },
    }
    filters = route["typed_per_filter_config"]
    if granted_by is not None or not policy.inspects(subject):
        filters |= inspection.left_out()
    own = config.services[name].limits
    if own is not None:
        filters |= limits.of_service(own)
    missing = runtime.unavailable.get(name)
    if missing is not None:
        route["metadata"]["filter_metadata"][NAMESPACE] |= {"decision": "deny", "rule": RULE_NO_TOKEN}
        return route | _no_token(missing)
    secret = credentials.secret_name(name, config.workspace.host, config.services[name].application_id)
    filters |= credentials.injection(secret, config.services[name].application_id, granted_by)
    return route | _forward(config)


def _people(config: GatewayConfig, policy: Policy, name: str) -> Json:
    """The one route of an issuer's people, which authorization has let through when it is taken.

    Only with their Databricks token: the filter that fetches it sets the header without which nothing is let through.
    """
    row = policy.people[config.issuers[name].issuer]
    rules = policy.about_people(row)
    tell_roles = people_authorization.tells_roles(policy, row)
    return {
        # Without a name: the audit line takes a route's for a service's.
        "match": {"prefix": "/"},
        "metadata": _metadata(
            issuer=row.issuer,
            groups_claim=row.groups_claim,
            reasons={rule: policy.rules[rule].description for rule in rules},
        ),
        "request_headers_to_remove": list(PEOPLE_HEADERS),
        "typed_per_filter_config": {
            authorization.FILTER_NAME: people_authorization.of_people(policy, row),
            **people.exchange(config, name, tell_roles=tell_roles),
            **({} if policy.inspected() else inspection.left_out()),
        },
        **_forward(config),
    }


def _forward(config: GatewayConfig) -> Json:
    forward = {
        "cluster": WORKSPACE,
        "host_rewrite_literal": workspace_authority(config),
        "timeout": "0s",
        "idle_timeout": f"{IDLE_SECONDS}s",
    }
    return {"route": forward, "request_body_buffer_limit": str(BODY_BYTES)}


def _no_token(missing: Unavailable) -> Json:
    """Answer by itself: what is allowed cannot be done, for the moment or until somebody mends something."""
    answer: Json = {
        "direct_response": {
            "status": 503 if missing.transient else 403,
            "body": {"inline_string": missing.reason},
        },
    }
    if missing.transient:
        header = {"key": "retry-after", "value": str(RETRY_AFTER_SECONDS)}
        answer["response_headers_to_add"] = [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    return answer


def _metadata(**told: Any) -> Json:
    return {"filter_metadata": {NAMESPACE: told}}


def _unknown_identity() -> Json:
    """Where a subject leads that is no service's; authorization refuses it by name."""
    return {"name": "unknown identity", "match": {"prefix": "/"}, "direct_response": {"status": 403}}


def _nobody_yet(config: GatewayConfig) -> Json:
    """Every request before its identity is known; those of a verified subject that no service has come back here."""
    public: dict[str, Json] = {
        path: {
            "name": PROBE_ROUTE if path in PROBES else ENDPOINT_ROUTE,
            "match": {"path": path, "headers": [{"name": ":method", "string_match": {"exact": method}}]},
            "route": {"cluster": ENDPOINTS, "timeout": "30s"},
            "metadata": _metadata(decision="allow", rule=RULE_ENDPOINT),
            "request_headers_to_remove": ["authorization"],
            # No identity is needed, so nothing that asks for one: clients without a token find here where to get it.
            "typed_per_filter_config": left_out(
                catalogue.FILTER_NAME, authentication.FILTER_NAME, gate.FILTER_NAME, authorization.FILTER_NAME
            ),
        }
        for path, method in PUBLIC_PATHS.items()
    }
    actions = catalogue.matcher(config.policy, public)
    filters = catalogue.named_by_route()
    if any(service.limits is not None for service in config.services.values()):
        filters |= limits.switched_on()
    host: Json = {"name": "nobody yet", "domains": ["*"], "matcher": actions, "typed_per_filter_config": filters}
    if config.people:
        leaves = {config.issuers[name].issuer: _leaf(_people(config, config.policy, name)) for name in config.people}
        host["matcher"] = _exact(PEOPLE_HEADER, leaves, {"matcher": actions})
        filters |= people.switched_on()
    return host
