"""The compiler is pure, its files agree with each other, and what must never change the listener does not."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from lakelatch.access.actions import ACTIONS
from lakelatch.envoy.compiler import closed_routes, compile_gateway, text
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files, Runtime, Unavailable
from lakelatch.errors import ModelError

FILES = Files(PurePosixPath("/run/gateway"))
RUNTIME = Runtime(FILES, "/etc/ca.pem", {"entra": [{"kid": "k", "alg": "RS256", "kty": "RSA", "n": "x", "e": "AQAB"}]})


def forwards(compiled: Any) -> Any:
    """Every route that forwards to the workspace, as (vhost, route name, token file)."""
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


def test_only_granted_actions_forward_each_with_the_token_of_its_service(configure: Any) -> None:
    config = configure()
    found = set(forwards(compile_gateway(config, RUNTIME)))
    expected = {
        action for service in config.services.values() for granted in service.roles.values() for action in granted
    }
    assert {name for _, name, _ in found} == expected
    for host, _, injection in found:
        names = [name for name in config.services if f"tokens/{name}." in injection]
        assert len(names) == 1
        assert config.services[names[0]].subject.lower() in [
            service.subject.lower() for name, service in config.services.items() if host == f"service {name}"
        ]


@pytest.mark.parametrize("transient", [True, False], ids=["transient", "definite"])
def test_service_without_token_forwards_nothing(configure: Any, transient: Any) -> None:
    config = configure()
    missing = {name: Unavailable("not now", transient) for name in config.services}
    assert forwards(compile_gateway(config, Runtime(FILES, "/etc/ca.pem", unavailable=missing))) == []


def test_closed_gate_forwards_nothing_and_is_the_same_for_every_configuration(configure: Any) -> None:
    config = configure()
    closed = compile_gateway(config, Runtime(FILES, "/etc/ca.pem", closed="not now"))
    assert forwards(closed) == []
    assert closed.discovery()[FILES.routes] == closed_routes("not now")
    opened = compile_gateway(config, Runtime(FILES, "/etc/ca.pem")).discovery()
    assert {path for path, content in closed.discovery().items() if content != opened[path]} == {FILES.routes}


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


def test_every_authentication_rule_but_the_public_ones_requires_a_token(configure: Any) -> None:
    rules = compile_gateway(configure(), RUNTIME).authentication["rules"]
    assert rules[-1]["match"] == {"prefix": "/"}
    assert rules[-1]["requires"]
    free = [rule["match"] for rule in rules if "requires" not in rule]
    assert all(set(match) == {"path"} for match in free)
    assert len(free) == 5


def test_each_virtual_host_ends_in_a_refusal(configure: Any) -> None:
    compiled = compile_gateway(configure(), RUNTIME)

    def lists(node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(node.get("routes"), list):
                yield node["routes"]
            for value in node.values():
                yield from lists(value)
        elif isinstance(node, list):
            for value in node:
                yield from lists(value)

    found = list(lists(compiled.routes))
    assert len(found) > len(ACTIONS)
    for routes in found:
        assert routes[-1]["match"] == {"prefix": "/"}
        assert routes[-1]["direct_response"]["status"] == 403


def test_another_principal_has_another_token_file() -> None:
    files = {FILES.token("a", "https://w", "1"), FILES.token("a", "https://w", "2"), FILES.token("a", "https://v", "1")}
    assert len(files) == 3


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
