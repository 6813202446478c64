"""Proves that rules which cannot hold are refused with their place, and that the schema and fragments know rules."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.wide import WIDE, text

from lakelatch.access import schema
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of
from lakelatch.errors import ModelError

EXECUTE = "statement_execution.execute_statement"


def model(rule: Any) -> str:
    return text(yaml.safe_load(WIDE) | {"rules": {"one": rule}})


BAD: list[Any] = [
    pytest.param({"for": {"services": ["nobody"]}, "deny": True}, "for.services[0]", "'nobody'", id="service"),
    pytest.param({"for": {"services": ["etl-deploy"]}, "deny": True}, "for.services[0]", "via the", id="direct"),
    pytest.param({"for": {"roles": ["admin"]}, "deny": True}, "for.roles[0]", "one of deployer, reader", id="role"),
    pytest.param({"for": {"environments": ["moon"]}, "deny": True}, "for.environments[0]", "prod", id="environment"),
    pytest.param({"for": {"actions": ["jobs.lst"]}, "deny": True}, "for.actions[0]", "'jobs.lst'", id="action"),
    pytest.param({"require": "identity.environment =="}, "require", "(at 1:", id="no CEL"),
    pytest.param({"require": "identity.colour == 'red'"}, "require", "undeclared", id="unknown name"),
    pytest.param({"require": "size(identity.roles)"}, "require", "comes to int", id="number"),
    pytest.param({"require": "identity.roles.exists(x, x == 'a')"}, "require", "`exists`", id="macro"),
    pytest.param({"require": "claims.x.matches('^a')"}, "require", "`matches`", id="pattern"),
    pytest.param({"require": "int (body.row_limit) == 1"}, "require", "`int`", id="conversion"),
    pytest.param({"require": "identity.environment == 1"}, "require", "no matching overload", id="types"),
    pytest.param({"require": "true // always"}, "require", "ends in a comment", id="comment"),
    pytest.param({"deny": "false // never"}, "deny", "ends in a comment", id="comment of a denial"),
    pytest.param({"deny": False}, "deny", "refuses nothing", id="deny: false"),
    pytest.param({"deny": ""}, "deny", "", id="empty"),
    pytest.param({"limit": {"row_limit": 1}}, "", "`for.actions`", id="limit without actions"),
    pytest.param({"for": {"actions": [EXECUTE]}, "limit": {}}, "limit", "limits nothing", id="empty limit"),
    pytest.param({"for": {"actions": [EXECUTE]}, "limit": {"row_limit": 0}}, "limit.row_limit", "least is 1", id="0"),
    pytest.param({"for": {"actions": [EXECUTE]}, "limit": {"rows": 1}}, "limit.rows", "not a known key", id="bound"),
    pytest.param({}, "", "would refuse nothing", id="empty rule"),
    pytest.param({"during": {"days": ["sun"]}}, "", "would refuse nothing", id="window alone"),
    pytest.param({"networks": ["10.0.0.1/8"]}, "networks[0]", "is no network", id="network with host bits"),
    pytest.param({"networks": ["inside"]}, "networks[0]", "is no network", id="network"),
    pytest.param({"during": {"timezone": "Mars/Base"}, "deny": True}, "during.timezone", "time zone", id="time zone"),
    pytest.param({"during": {"timezone": "../../etc/passwd"}, "deny": True}, "during.timezone", "time zone", id="path"),
    pytest.param({"during": {"start": "24:00"}, "deny": True}, "during.start", "must match", id="start"),
    pytest.param({"during": {"end": "9:00"}, "deny": True}, "during.end", "must match", id="end"),
    pytest.param({"during": {"days": []}, "deny": True}, "during.days", "is empty", id="no day"),
    pytest.param({"during": {"days": ["sunday"]}, "deny": True}, "during.days[0]", "one of the values", id="day"),
    pytest.param({"mode": "off", "deny": True}, "mode", "one of the values", id="mode"),
    pytest.param({"require": "true || " * 12_500 + "true"}, "require", "4096", id="100 KB"),
    pytest.param({"deny": "true || " * 12_500 + "true"}, "deny", "4,096", id="100 KB denial"),
    pytest.param({"require": "(" * 2000 + "true" + ")" * 2000}, "require", "", id="nested too deep"),
    pytest.param({"when": "x", "deny": True}, "when", "not a known key", id="key"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "words"), BAD)
def test_a_rule_that_cannot_hold_is_refused_with_its_place(rule: Any, path: str, words: str) -> None:
    with pytest.raises(ModelError) as refusal:
        AccessModel.read(model(rule))
    told = str(refusal.value)
    place = f"rules.one.{path}" if path else "rules.one"
    assert place in {finding.path for finding in refusal.value.findings}, told
    assert all(finding.path.startswith("rules.one") for finding in refusal.value.findings)
    assert words in told
    assert len(told) < 1000
    assert all(finding.line for finding in refusal.value.findings)


GOOD: list[Any] = [
    {"deny": True},
    {"deny": "request.method == 'DELETE'"},
    {"for": {"actions": [EXECUTE, "all:queries", "jobs.*"]}, "limit": {"row_limit": 1}, "mode": "observe"},
    {"during": {"days": ["sat", "sun"], "start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"}, "deny": True},
    {"networks": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"], "require": "claims.acr == 'phr'", "description": "x"},
]


@pytest.mark.parametrize("rule", GOOD)
def test_a_sound_rule_is_taken_by_the_model_and_by_its_schema(rule: Any) -> None:
    assert AccessModel.read(model(rule)).rules["one"]
    assert Draft202012Validator(schema.whole()).is_valid(yaml.safe_load(model(rule)))
    assert Draft202012Validator(schema.fragment()).is_valid({"rules": {"one": rule}})


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"deny": False},
        {"deny": 1},
        {"limit": {}},
        {"limit": {"row_limit": 0}},
        {"for": {"actions": ["jobs.lst"]}, "deny": True},
        {"during": {"start": "25:00"}, "deny": True},
        {"mode": "off", "deny": True},
        {"when": "x", "deny": True},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(rule: Any) -> None:
    assert not Draft202012Validator(schema.whole()).is_valid(yaml.safe_load(model(rule)))


def test_rules_may_stand_in_fragments_and_are_asked_in_the_order_of_their_names() -> None:
    parts = {"b.yaml": "rules:\n  zone: {deny: true}\n", "c.yaml": "rules:\n  alpha: {deny: true}\n"}
    found = AccessModel.read(model({"deny": True}), parts=parts)
    assert list(policy_of(found).rules) == ["alpha", "one", "zone"]


def test_a_rule_in_two_files_is_a_conflict() -> None:
    with pytest.raises(ModelError, match=r"rules\.one \(b\.yaml line 2\): stands in"):
        AccessModel.read(model({"deny": True}), parts={"b.yaml": "rules:\n  one: {deny: true}\n"})


def test_a_broken_rule_hides_nothing_else() -> None:
    data = yaml.safe_load(model({"deny": False}))
    data["services"]["exporter"]["roles"] = ["nothing"]
    with pytest.raises(ModelError) as refusal:
        AccessModel.read(text(data))
    assert {finding.path for finding in refusal.value.findings} == {"rules.one.deny", "services.exporter.roles[0]"}
