"""The compiler is pure, its files agree with each other, and what must never change the listener does not."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from lakelatch.access.actions import ACTIONS
from lakelatch.envoy import catalogue
from lakelatch.envoy.authentication import FILTER_NAME, PUBLIC_PATHS
from lakelatch.envoy.compiler import closed_gate, compile_gateway, text
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.credentials import secret_name
from lakelatch.envoy.identity import UNKNOWN_ACTION
from lakelatch.envoy.runtime import Files, Runtime, Unavailable
from lakelatch.errors import LakelatchError, ModelError
from lakelatch_gateway.server import KEPT_SECONDS

FILES = Files(PurePosixPath("/run/gateway"))
RUNTIME = Runtime(FILES, "/etc/ca.pem", {"entra": [{"kid": "k", "alg": "RS256", "kty": "RSA", "n": "x", "e": "AQAB"}]})


def forwards(compiled: Any) -> Any:
    """Every route that forwards to the workspace, as (vhost, route name, injection of the token)."""
    found = []

    def walk(node: Any, host: Any) -> Any:
        if isinstance(node, dict):
            if node.get("route", {}).get("cluster") == "workspace":
                found.append((host, node["name"], json.dumps(node.get("typed_per_filter_config", {}))))
            for value in node.values():
                walk(value, host)
        elif isinstance(node, list):
            for value in node:
                walk(value, host)

    for host in compiled.routes["virtual_hosts"]:
        walk(host, host["name"])
    return found


def test_same_input_gives_same_bytes(configure: Any) -> None:
    one, two = (compile_gateway(configure(), RUNTIME).discovery() for _ in range(2))
    assert one == two
    assert list(one)[-1] == FILES.listeners


def found(node: Any, key: str) -> Any:
    """Every value of a key, however deep."""
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for value in node.values():
            yield from found(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from found(value, key)


def test_only_granted_actions_are_let_through_each_with_the_token_of_its_service(configure: Any) -> None:
    config = configure()
    routes = compile_gateway(config, RUNTIME).routes
    services = {}
    for lists in found(routes, "routes"):
        for route in lists:
            if route.get("route", {}).get("cluster") == "workspace":
                services[route["name"]] = route["typed_per_filter_config"]
    assert services.keys() == config.services.keys()
    for name, filters in services.items():
        [actions] = (one for one in found(filters["lakelatch.authorization"], "map") if UNKNOWN_ACTION not in one)
        allowed = {one for one, end in actions.items() if end["action"]["typed_config"]["action"] == "ALLOW"}
        granted = {action for granted in config.services[name].roles.values() for action in granted}
        assert {action for action, one in config.policy.classes.items() if one in allowed} == granted
        assert f'"name": "{name}.' in json.dumps(filters["lakelatch.credentials"])


def test_tokens_come_by_one_stream_and_are_waited_for_without_limit(configure: Any) -> None:
    """After a limit, Envoy would bring a route into force whose token has not come, and send an empty one."""
    compiled = compile_gateway(configure(), RUNTIME)
    source = '"sds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}'
    routes = json.dumps(compiled.routes)
    assert routes.count(source) == routes.count('"sds_config"') >= len(configure().services)
    for started in (compiled.bootstrap(), compiled.validation()):
        assert started["dynamic_resources"]["ads_config"]["api_type"] == "DELTA_GRPC"
        assert started["static_resources"]["clusters"][0]["name"] == "secrets"


@pytest.mark.parametrize("transient", [True, False], ids=["transient", "definite"])
def test_service_without_token_forwards_nothing(configure: Any, transient: Any) -> None:
    config = configure()
    missing = {name: Unavailable("not now", transient) for name in config.services}
    assert forwards(compile_gateway(config, Runtime(FILES, "/etc/ca.pem", unavailable=missing))) == []


def test_gate_that_lets_nothing_unaudited_through_is_the_same_for_every_configuration(configure: Any) -> None:
    opened, closed = (
        compile_gateway(configure(), Runtime(FILES, "/etc/ca.pem", unaudited=unaudited)).discovery()
        for unaudited in (False, True)
    )
    assert closed[FILES.gate] == closed_gate()
    assert {path for path, content in closed.items() if content != opened[path]} == {FILES.gate}


def test_policy_tokens_and_keys_are_not_in_listener_or_clusters(configure: Any) -> None:
    config = configure()
    before = compile_gateway(config, RUNTIME)
    services = {"other": config.services["nightly"].model_dump()}
    missing = {"other": Unavailable("not now", transient=True)}
    after = compile_gateway(configure(services=services), Runtime(FILES, "/etc/ca.pem", {}, missing))
    assert after.listener == before.listener
    assert after.clusters == before.clusters
    assert after.bootstrap() == before.bootstrap()
    assert after.routes != before.routes
    assert after.authentication != before.authentication


def test_only_the_gateways_own_paths_leave_authentication_out(configure: Any) -> None:
    compiled = compile_gateway(configure(), RUNTIME)
    rules = compiled.authentication["rules"]
    assert rules[-1]["match"] == {"prefix": "/"}
    assert all(rule["requires"] for rule in rules)
    routes = [route for lists in found(compiled.routes, "routes") for route in lists]
    free = [route["match"] for route in routes if FILTER_NAME in route.get("typed_per_filter_config", {})]
    assert {match["path"] for match in free} == set(PUBLIC_PATHS)
    assert all(match["headers"] == [_method(PUBLIC_PATHS[match["path"]])] for match in free)


def _method(name: str) -> dict[str, Any]:
    return {"name": ":method", "string_match": {"exact": name}}


def test_every_decision_ends_in_a_refusal(configure: Any) -> None:
    compiled = compile_gateway(configure(), RUNTIME)
    ends = [end for matcher in found(compiled.routes, "rbac") for end in found(matcher, "on_no_match")]
    assert len(ends) >= 2 * len(configure().services)
    verdicts = [end["action"]["typed_config"]["action"] for end in ends if "action" in end]
    assert set(verdicts) == {"DENY"}


def test_what_stands_for_nobody_answers_by_itself(configure: Any) -> None:
    host = compile_gateway(configure(), RUNTIME).routes["virtual_hosts"][-1]
    routes = [route for lists in found(host, "routes") for route in lists]
    assert len(routes) > len(ACTIONS)
    assert {route["name"] for route in routes if "direct_response" not in route} == {
        "gateway endpoint",
        "gateway probe",
    }
    endpoints = [route for route in routes if "route" in route]
    assert {route["route"]["cluster"] for route in endpoints} == {"endpoints"}
    # They are called as no action is.
    assert all(route["typed_per_filter_config"][catalogue.FILTER_NAME]["disabled"] for route in endpoints)


def test_another_principal_has_another_secret() -> None:
    principals = [("a", "https://w", "1"), ("a", "https://w", "2"), ("a", "https://v", "1"), ("b", "https://w", "1")]
    assert len({secret_name(*principal) for principal in principals}) == len(principals)


def test_configuration_without_services_and_issuers_refuses_everybody(configure: Any) -> None:
    compiled = compile_gateway(configure(services={}, issuers={}), RUNTIME)
    assert [host["domains"] for host in compiled.routes["virtual_hosts"]] == [["*"]]
    assert compiled.authentication["rules"][-1]["requires"] == {"provider_name": "nobody"}


def test_tls_files_are_followed(configure: Any) -> None:
    listen = {"address": "127.0.0.1", "port": 8443, "tls": {"certificate_file": "/c.pem", "private_key_file": "/k.pem"}}
    compiled = compile_gateway(configure(listen=listen), RUNTIME)
    assert next(iter(compiled.discovery())) == FILES.certificate
    assert "/k.pem" in text(compiled.certificate)


BAD = [
    pytest.param({"entra": "https://a", "other": "https://a"}, "have the same address", id="one issuer twice"),
    pytest.param({"entra": "https://gateway.example.test"}, "is the gateway itself", id="gateway as issuer"),
]


@pytest.mark.parametrize(("issuers", "finding"), BAD)
def test_configuration_that_would_confuse_issuers_is_refused(configure: Any, issuers: Any, finding: Any) -> None:
    sections = {name: {"issuer": url, "audience": name} for name, url in issuers.items()}
    with pytest.raises(ModelError, match=finding):
        configure(issuers=sections, services={})


def test_configuration_survives_its_own_file(configure: Any) -> None:
    config = configure()
    assert GatewayConfig.parse(json.loads(config.file())) == config


def depth(node: Any) -> int:
    """How deep JSON nests."""
    if not isinstance(node, dict | list):
        return 0
    return 1 + max(map(depth, node.values() if isinstance(node, dict) else node), default=0)


def nested(levels: int) -> str:
    """A condition of so many operators within each other."""
    return "(" * levels + "true" + " && body.row_limit > 1)" * levels


@pytest.mark.parametrize("count", [1, 40], ids=["one rule", "many rules"])
def test_no_model_nests_deeper_than_envoy_reads(configure: Any, count: int) -> None:
    """Protobuf's JSON parser stops at 100 levels, and then the whole file is refused."""
    deepest = next(levels for levels in range(40) if not compiles(configure, {"deep": nested(levels + 1)}))
    rules = {f"rule-{number}": nested(deepest) for number in range(count)}
    compiled = compiles(configure, rules)
    assert deepest >= 5
    assert 60 < depth({"resources": [compiled.routes]}) < depth(compiled.validation()) <= 98


def compiles(configure: Any, rules: dict[str, str]) -> Any:
    """A gateway with people and rules about everybody; None for a condition that is refused."""
    role = ["statement_execution.execute_statement"]
    people = {"entra": {"audience": "p", "user_claim": "upn", "groups": {"g": ["reader"]}, "roles": {"reader": role}}}
    about = {"roles": ["reader"], "actions": role}
    made = {name: {"for": about, "require": text, "during": {"days": ["mon"]}} for name, text in rules.items()}
    try:
        return compile_gateway(configure(people=people, rules=made), RUNTIME)
    except LakelatchError as error:
        if "nests deeper" not in error.message:
            raise
        return None


def test_envoy_closes_idle_connections_to_the_gateway_before_the_gateway_does(configure: Any) -> None:
    """A request that Envoy sends on a connection which the gateway is just closing would be lost."""
    people = {"entra": {"audience": "p", "user_claim": "upn", "groups": {}, "roles": {}}}
    own = [one for one in compile_gateway(configure(people=people), RUNTIME).clusters if one["name"] != "workspace"]
    assert {one["name"]: [*found(one, "idle_timeout")] for one in own} == {"endpoints": ["30s"], "people": ["30s"]}
    assert KEPT_SECONDS > 30
