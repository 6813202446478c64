"""Proves that an explanation says what the reference decides, and calls nothing decided that is not."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wide import WIDE, text

from lakelatch.access.asked import Asked
from lakelatch.access.decisions import Request, decide
from lakelatch.access.evidence import named
from lakelatch.access.explanation import Explanation, explain
from lakelatch.access.expressions import expression
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of, unknown_subject
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.rules import Rule
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.resolve import gateway_config

EXECUTE, GET, THRIFT = "statement_execution.execute_statement", "warehouses.get", "thrift.query_warehouse"
RULES: dict[str, Any] = {
    "small": {"for": {"actions": ["all:queries"]}, "limit": {"row_limit": 100, "warehouses": ["w1", "w2"]}},
    "waits": {"for": {"services": ["patient"]}, "require": "!has(body.wait_seconds) || body.wait_seconds < 20"},
    "either": {"for": {"services": ["either"]}, "deny": "body.catalog == 'secret' || body.row_limit > 50"},
    "place": {"for": {"actions": [GET]}, "require": "path.id in ['w1']", "networks": ["10.0.0.0/8"]},
    "strong": {"for": {"services": ["strong"]}, "require": "claims.acr == 'phr'"},
    "night": {"for": {"services": ["night"]}, "during": {"start": "22:00", "end": "06:00"}, "deny": True},
    "seen": {"for": {"services": ["seen"]}, "require": "request.headers['x-batch'] == 'on'", "mode": "observe"},
}  # fmt: skip
SERVICES = ("plain", "patient", "either", "strong", "night", "seen", "lenient", "person")


def service(name: str) -> Subject:
    mode: Any = "observe" if name == "lenient" else "enforce"
    return Subject(name, "https://i.example", f"sub-{name}", "staging", {"all": (EXECUTE, GET, THRIFT)}, mode)


POLICY = Policy(
    {name: service(name) for name in SERVICES}, {name: Rule.model_validate(rule) for name, rule in RULES.items()}
)
DAY, NIGHT = "2026-11-02T12:00:00Z", "2026-11-02T23:30:00Z"
FINE = {"body.row_limit": 10, "body.warehouse_id": "w1"}


def asked(service: str, action: str | None, **told: Any) -> Explanation:
    return explain(POLICY, service, action, Asked(told), {"other": ["jobs.run_now"], "all": [EXECUTE]})


CASES: list[Any] = [
    ("plain", EXECUTE, FINE, "allowed", "role:all", ()),
    ("plain", EXECUTE, {"body.row_limit": 101}, "denied", "rule:small", ("body.warehouse_id",)),
    ("plain", EXECUTE, {"body.row_limit": 10}, "not known", "rule:small", ("body.warehouse_id",)),
    ("plain", EXECUTE, {"body.readable": "false"}, "denied", "rule:small", ()),
    ("plain", THRIFT, {}, "denied", "rule:small", ("path.id",)),
    ("plain", "jobs.run_now", {}, "denied", "default-deny", ()),
    ("plain", None, {}, "denied", "unknown-action", ()),
    ("plain", GET, {"path.id": "w1", "client.address": "10.1.1.1"}, "allowed", "role:all", ()),
    ("plain", GET, {"path.id": "w1", "client.address": "11.1.1.1"}, "denied", "rule:place", ()),
    ("plain", GET, {"path.id": "w1"}, "not known", "rule:place", ("client.address",)),
    ("patient", EXECUTE, FINE, "not known", "rule:waits", ("body.wait_seconds",)),
    ("patient", EXECUTE, FINE | {"body.wait_seconds": "20s"}, "denied", "rule:waits", ()),
    ("either", EXECUTE, FINE | {"body.row_limit": 60}, "denied", "rule:either", ()),
    ("either", EXECUTE, FINE, "not known", "rule:either", ("body.catalog",)),
    ("strong", EXECUTE, FINE, "not known", "rule:strong", ("claims.acr",)),
    ("strong", EXECUTE, FINE | {"claims.acr": "phr"}, "allowed", "role:all", ()),
    ("night", EXECUTE, FINE, "not known", "rule:night", ("request.time",)),
    ("night", EXECUTE, FINE | {"request.time": NIGHT}, "denied", "rule:night", ()),
    ("night", EXECUTE, FINE | {"request.time": DAY}, "allowed", "role:all", ()),
    ("seen", EXECUTE, FINE, "allowed", "role:all", ("request.headers.x-batch",)),
    ("lenient", "jobs.run_now", {}, "allowed", "observe", ()),
]  # fmt: skip


@pytest.mark.parametrize(("service", "action", "told", "verdict", "rule", "unknown"), CASES)
def test_verdict(service: str, action: Any, told: Any, verdict: str, rule: str, unknown: Any) -> None:
    found = asked(service, action, **told)
    assert (found.verdict, found.decision.rule, found.unknown) == (verdict, rule, unknown)
    assert found.changes or verdict == "allowed"
    json.dumps(found.plain())


@pytest.mark.parametrize(
    ("service", "action", "told", "change"),
    [
        ("plain", "jobs.run_now", {}, "add 'jobs.run_now' to its role 'all'"),
        ("plain", "jobs.run_now", {}, "give it the role 'other', which has 'jobs.run_now'"),
        ("plain", THRIFT, {}, "rule 'small': take the action out of `for`, or `limit.row_limit` out of the rule"),
        ("plain", EXECUTE, {"body.row_limit": 101}, "rule 'small': a request of which `body.row_limit <= 100` holds"),
        ("night", EXECUTE, FINE | {"request.time": NIGHT}, "another time than every day 22:00 to 06:00 (UTC)"),
        ("strong", EXECUTE, FINE, "rule 'strong': tell `claims.acr`, which decides it"),
    ],
)
def test_what_would_change_it(service: str, action: str, told: Any, change: str) -> None:
    assert any(change in one for one in asked(service, action, **told).changes)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("body.rowlimit", "1", "there is `body.row_limit`"),
        ("body.row_limit", "many", "no number"),
        ("body.readable", "maybe", "`true` or `false`"),
        ("path.id", "x", "not in the paths"),
        ("identity.service", "x", "said by the model"),
        ("request.time", "2026-01-01", "time zone"),
        ("request.time", "noon", "no time"),
        ("client.address", "here", "no IP address"),
        ("request.headers.X-Batch", "on", "lower case"),
        ("colour", "red", "no attribute of a request"),
        ("claims.acr", "x" * 5000, "longer than"),
    ],
)
def test_what_is_no_attribute_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        asked("plain", EXECUTE, **{name: value})


BODY_NAMES = {
    "row_limit": "row_limit",
    "warehouse_id": "warehouse_id",
    "catalog": "catalog",
    "wait_seconds": "wait_timeout",
}
told_bodies = st.fixed_dictionaries(
    {},
    optional={
        "row_limit": st.integers(0, 130),
        "warehouse_id": st.sampled_from(["w1", "w3"]),
        "catalog": st.sampled_from(["main", "secret"]),
        "wait_seconds": st.integers(0, 30),
    },
)


@settings(max_examples=300, deadline=None)
@given(
    service=st.sampled_from(SERVICES),
    body=told_bodies,
    claims=st.sampled_from([{}, {"acr": "phr"}, {"acr": "pwd"}]),
    headers=st.sampled_from([{}, {"x-batch": "on"}, {"x-batch": "off"}]),
    time=st.sampled_from([DAY, NIGHT]),
    address=st.sampled_from(["10.1.1.1", "192.0.2.1"]),
    action=st.sampled_from([EXECUTE, GET, THRIFT]),
    hidden=st.sets(st.integers(0, 8)),
)
def test_an_explanation_is_the_decision_and_what_is_hidden_is_never_guessed(
    service: str, body: Any, claims: Any, headers: Any, time: str, address: str, action: str, hidden: set[int]
) -> None:
    members = {BODY_NAMES[name]: f"{value}s" if name == "wait_seconds" else value for name, value in body.items()}
    method, path = {
        EXECUTE: ("POST", "/api/2.0/sql/statements"),
        GET: ("GET", "/api/2.0/sql/warehouses/w1"),
        THRIFT: ("POST", "/sql/1.0/warehouses/w1"),
    }[action]
    content = json.dumps(members).encode() if action == EXECUTE else b""
    when = datetime.fromisoformat(time).astimezone(UTC)
    request = Request(
        method, path, "https://i.example", f"sub-{service}", claims, when, address, tuple(headers.items()), content
    )
    decision = decide(POLICY, request)
    told: dict[str, Any] = {f"claims.{name}": value for name, value in claims.items()}
    told |= {f"request.headers.{name}": value for name, value in headers.items()}
    told |= {"request.time": time, "client.address": address}
    told |= {"path.id": "w1"} if action != EXECUTE else {f"body.{name}": value for name, value in body.items()}
    whole = explain(POLICY, service, action, Asked(told, complete=True))
    assert whole.verdict != "not known"
    assert whole.decision == decision
    part = {name: value for index, (name, value) in enumerate(told.items()) if index not in hidden}
    partly = explain(POLICY, service, action, Asked(part))
    assert partly.verdict in ("not known", "allowed" if decision.allowed else "denied")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("body.row_limit > 1 && body['catalog'] == \"x\"", ("body.row_limit", "body.catalog")),
        ("'a' in body", ("body",)),
        ("request . headers [ 'x-a' ] == request.method", ("request.headers.x-a", "request.method")),
        ("claims.realm.roles == ['x']", ("claims.realm",)),
        ("identity.subject.startsWith('x')", ("identity.subject",)),
    ],
)
def test_what_a_condition_speaks_of(text: str, names: Any) -> None:
    assert named(text) == names


def test_white_space_within_a_name_changes_nothing() -> None:
    assert expression("request . method == 'GET'").proven({"request.method": "GET"})


def test_a_model_and_its_delivered_configuration_are_one_policy() -> None:
    data = yaml.safe_load(WIDE)
    data["rules"] = RULES | {"small": {"for": {"roles": ["reader"], "environments": ["production"]}, "deny": True}}
    data["rules"] = {name: rule for name, rule in data["rules"].items() if "services" not in rule.get("for", {})}
    data["gateway"]["mode"] = data["services"]["exporter"]["mode"] = "observe"
    model = AccessModel.read(text(data))
    assert model.gateway is not None
    identities: Any = {name: {"subject": f"id-{name}", "application_id": "1"} for name in model.gateway_services()}
    delivered = GatewayConfig.parse(gateway_config(model, model.gateway, audience="a", identities=identities)).policy
    assert delivered == policy_of(model, {name: one["subject"] for name, one in identities.items()})
    assert delivered.subjects["exporter"].subject == "0oa1"


def test_a_delivered_configuration_asks_in_the_order_of_the_model() -> None:
    data = yaml.safe_load(WIDE)
    data["rules"] = {"second": {"deny": True}, "first": {"deny": True}}
    data["roles"]["also"] = {"actions": ["current_user.me"]}
    data["services"]["exporter"]["roles"] = ["reader", "also"]
    model = AccessModel.read(text(data))
    assert model.gateway is not None
    identities: Any = {name: {"subject": f"id-{name}", "application_id": "1"} for name in model.gateway_services()}
    plain = gateway_config(model, model.gateway, audience="a", identities=identities)
    made = GatewayConfig.parse(plain | {"rules": dict(reversed(plain["rules"].items()))})
    for policy in (policy_of(model), made.policy, GatewayConfig.parse(json.loads(made.file())).policy):
        assert explain(policy, "exporter", "current_user.me").decision.rule == "rule:first"
        assert policy.subjects["exporter"].grants["current_user.me"] == "also"


def test_a_subject_that_is_not_known_yet_decides_nothing() -> None:
    data = yaml.safe_load(WIDE)
    data["rules"] = {"who": {"require": "identity.subject == 'x'"}}
    policy = policy_of(AccessModel.read(text(data)))
    assert policy.subjects["nightly-report"].subject == unknown_subject("nightly-report")
    assert explain(policy, "nightly-report", "current_user.me").unknown == ("identity.subject",)
    assert explain(policy, "exporter", "current_user.me").verdict == "denied"
