"""What a route decides by itself: only what authorization would let through unasked, for the same role; and which
provider of tokens is asked first, which is a guess that no decision rests on."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.generated import sections

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import Request, decide
from lakelatch.envoy import authorization, credentials
from lakelatch.envoy.authentication import authentication
from lakelatch.envoy.compiler import compile_gateway
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.identity import CLASS_HEADER, RULE_HEADER
from lakelatch.envoy.runtime import Files, Runtime, Unavailable

FILES = Files(PurePosixPath("/run/gateway"))


def by_class(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every choice by the action's class, outside of authorization."""
    if isinstance(node, dict):
        tree = node.get("matcher_tree", {})
        if tree.get("input", {}).get("name") == CLASS_HEADER:
            yield tree["exact_match_map"]["map"]
        for name, value in node.items():
            if name != "typed_per_filter_config":
                yield from by_class(value)
    elif isinstance(node, list):
        for value in node:
            yield from by_class(value)


def outright(routes: Any) -> set[tuple[str, str, str]]:
    """Service, class and role of every route that lets through without asking."""
    found = set()
    for classes in by_class(routes):
        for name, leaf in classes.items():
            for route in leaf["action"]["typed_config"]["routes"]:
                filters = route.get("typed_per_filter_config", {})
                if filters.get(authorization.FILTER_NAME) == authorization.open_to_all():
                    written = filters[credentials.FILTER_NAME]["mutations"]["request_mutations"]
                    headers = {one["append"]["header"]["key"]: one["append"]["header"]["value"] for one in written}
                    found.add((route["name"], name, headers[RULE_HEADER]))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_a_route_decides_what_nothing_is_asked_about(configure: Any, seed: int) -> None:
    """Whatever the request holds: a decision about a bare one that is allowed and about which there is no check."""
    config = configure(**sections(Random(seed)))
    policy = config.policy
    expected = set()
    for one in policy.subjects.values():
        for action in one.grants:
            request = ACTIONS[action].requests[0]
            path = request.path.replace("{", "").replace("}", "")
            decision = decide(policy, Request(request.method, path, one.issuer, one.subject))
            if not policy.observes(one) and not policy.checks(one, action):
                assert decision.allowed
                expected.add((one.name, policy.classes[action], decision.rule))
    assert outright(compile_gateway(config, Runtime(FILES, "/etc/ca.pem")).routes) == expected


def test_there_are_such_routes_and_none_for_a_service_without_a_token(configure: Any) -> None:
    config = configure()
    routes = compile_gateway(config, Runtime(FILES, "/ca")).routes
    assert {name for name, _, _ in outright(routes)} == {*config.services}
    missing = {name: Unavailable("not now", transient=True) for name in config.services}
    assert outright(compile_gateway(config, Runtime(FILES, "/ca", unavailable=missing)).routes) == set()


def picked(rules: list[Any], token: str) -> list[str]:
    """The providers that the first rule that fits asks, in their order."""
    header = f"Bearer {token}"
    for rule in rules:
        wanted = [one["string_match"] for one in rule["match"].get("headers", ())]
        if "requires" in rule and all(
            header.startswith(one.get("prefix", "")) and one.get("contains", "") in header for one in wanted
        ):
            asked = rule["requires"]
            names = asked["requires_any"]["requirements"] if "requires_any" in asked else [asked]
            return [one["provider_name"] for one in names]
    raise AssertionError("no rule takes the token")


def token(claims: Mapping[str, object]) -> str:
    """As an issuer would write it, without a signature."""
    parts = ({"typ": "JWT", "alg": "RS256", "kid": "k"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return ".".join(part.rstrip(b"=").decode() for part in encoded) + "."


def rules(audience: str) -> list[Any]:
    """Those of a gateway with people, whose tokens are made out to an audience."""
    entra = {"audience": audience, "user_claim": "upn", "groups": {"group": ["reader"]}, "roles": {"reader": []}}
    data = {
        "host": "https://gateway.example.test",
        "listen": {"address": "127.0.0.1", "port": 1},
        "workspace": {"host": "https://workspace.example.test", "id": "1", "account_id": "a"},
        "issuers": {"entra": {"issuer": "https://login.example.test", "audience": "gateway"}},
        "services": {},
        "people": {"entra": entra},
        "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k"}, "audience": "a"},
    }
    key = {"kid": "k", "alg": "RS256", "kty": "RSA", "n": "x", "e": "AQAB"}
    compiled = authentication(GatewayConfig.parse(data), Runtime(FILES, "/ca", {"entra": [key]}))
    return list(compiled["rules"])


OTHERS = st.dictionaries(st.text(max_size=9).filter(lambda name: name != "aud"), st.text(max_size=9), max_size=3)


@given(people=st.from_regex(r"[A-Za-z0-9:/._-]{2,40}", fullmatch=True), before=OTHERS, after=OTHERS)
def test_a_token_that_looks_like_a_persons_is_first_asked_about_as_one(
    people: str, before: dict[str, str], after: dict[str, str]
) -> None:
    """Wherever the claim stands in the token, and no other token is."""
    asked = rules(people)
    assert picked(asked, token({**before, "aud": people, **after})) == ["people of entra", "entra"]
    assert picked(asked, token({**before, "aud": f"not-{people}", **after})) == ["entra", "people of entra"]


def test_an_audience_that_begins_like_that_of_people_is_not_taken_for_it() -> None:
    asked = rules("gate")
    assert {tuple(picked(asked, token({"aud": audience}))) for audience in ("gate", "gateway")} == {
        ("entra", "people of entra")
    }
