"""Proves that a report's data are what `decide()` says of everybody and the whole catalogue, each fact once."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.wide import WIDE, text

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import conclude
from lakelatch.access.model import AccessModel
from lakelatch.access.model_policy import policy_of
from lakelatch.access.report.data import data, runs
from lakelatch.access.report.page import embedded

NAMES = list(ACTIONS)


def spread(numbers: list[int]) -> list[int]:
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [first + step for first, count in pairs for step in range(count)]


def reach(told: dict[str, Any], who: str) -> dict[str, tuple[str, list[str]]] | None:
    """Action to role and terms, of one service or people; None where nothing is checked."""
    row = next(one for one in told["who"] if one[0] == who)
    if row[6] is None:
        return None
    return {
        NAMES[number]: (told["roles"][role][0] if role >= 0 else "", told["terms"][terms])
        for role, terms, numbers in told["reaches"][row[6]]
        for number in spread(numbers)
    }


def model(**changes: Any) -> AccessModel:
    raw = yaml.safe_load(WIDE)
    raw["roles"]["second"] = {"workspace": "analytics", "actions": ["jobs.*", "current_user.me"]}
    raw["services"]["exporter"]["roles"] = ["reader", "second"]
    for key, value in changes.items():
        raw[key] = value
    return AccessModel.read(text(raw))


RULES: dict[str, Any] = {
    "cap": {"for": {"actions": ["statement_execution.execute_statement"]}, "limit": {"row_limit": 100}},
    "never": {"for": {"services": ["exporter"], "actions": ["jobs.delete"]}, "deny": True},
    "seen": {"deny": True, "mode": "observe"},
}


@pytest.mark.parametrize("rules", [{}, RULES], ids=["roles alone", "rules"])
def test_everybody_has_what_is_decided_of_the_whole_catalogue(rules: dict[str, Any]) -> None:
    found = model(rules=rules)
    told, policy = data(found, "model"), policy_of(found)
    for name, subject in policy.subjects.items():
        rows = reach(told, name)
        assert rows is not None
        for action in ACTIONS:
            # Fulfilled whatever a request can fulfil: what is denied then is denied always.
            most = conclude(policy, subject, action, lambda check: check.condition != "(false)")
            least = conclude(policy, subject, action, lambda check: False)
            assert (action in rows) == most.allowed, (name, action)
            if action in rows:
                role, terms = rows[action]
                assert f"role:{role}" == most.rule
                assert (terms == []) == least.allowed
    assert reach(told, "etl-deploy") is None
    assert reach(told, "analysts") is None


def test_the_same_actions_on_other_terms_are_told_apart() -> None:
    raw = yaml.safe_load(WIDE)
    raw["rules"] = {"cap": {"for": {"services": ["exporter"]}, "networks": ["10.0.0.0/8"]}}
    told = data(AccessModel.read(text(raw)), "model")
    bound, free = reach(told, "exporter"), reach(told, "nightly-report")
    assert bound is not None
    assert free is not None
    assert bound.keys() == free.keys()
    assert {tuple(terms) for _, terms in bound.values()} == {("client.address in 10.0.0.0/8",)}
    assert {tuple(terms) for _, terms in free.values()} == {()}


def test_whoever_is_only_observed_has_everything() -> None:
    raw = yaml.safe_load(WIDE)
    raw["services"]["exporter"]["mode"] = "observe"
    told = data(AccessModel.read(text(raw)), "model")
    rows = reach(told, "exporter")
    assert rows is not None
    assert rows.keys() == ACTIONS.keys()


def test_people_who_come_through_the_gateway_have_their_actions() -> None:
    raw = yaml.safe_load(WIDE)
    del raw["people"]["analysts"]["assurance"]
    rows = reach(data(AccessModel.read(text(raw)), "model"), "analysts")
    assert rows is not None
    assert len(rows) == 7


def test_services_that_may_do_the_same_share_it() -> None:
    raw = yaml.safe_load(WIDE)
    for number in range(50):
        workload = {"client_id": f"0oa-{number}"}
        row = {"issuer": "okta", "workspace": "analytics", "roles": ["reader"], "workload": workload}
        raw["services"][f"copy-{number}"] = row
    told = data(AccessModel.read(text(raw)), "model")
    assert (len(told["who"]), len(told["reaches"]), len(told["terms"])) == (54, 1, 1)


@given(st.sets(st.integers(0, 60)).map(sorted))
def test_runs_are_the_numbers(numbers: list[int]) -> None:
    assert spread(runs(numbers)) == numbers


@given(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5))
def test_embedded_data_come_back_and_leave_their_element_never(value: Any) -> None:
    shown = embedded([value, "</script><!--"])
    assert "<" not in shown
    assert json.loads(shown) == [value, "</script><!--"]


def test_a_service_and_people_of_one_name_are_two() -> None:
    raw = yaml.safe_load(WIDE)
    raw["people"]["exporter"] = raw["people"].pop("analysts")
    told = data(AccessModel.read(text(raw)), "model")
    service, people = (one for one in told["who"] if one[0] == "exporter")
    assert (service[1], people[1]) == ("service", "people")
    assert [told["trusts"][number][1] for number in service[8]] == ["the gateway", "Databricks"]
    assert [told["trusts"][number][1] for number in people[8]] == ["the Databricks account"]


def test_a_rule_tells_the_services_and_the_groups_that_it_is_about() -> None:
    raw = yaml.safe_load(WIDE)
    del raw["people"]["analysts"]["assurance"]
    raw["rules"] = {
        "everybody": {"for": {"actions": ["jobs.delete"]}, "deny": True},
        "readers": {"for": {"roles": ["reader"]}, "networks": ["10.0.0.0/8"]},
    }
    about = {one[0]: one[3] for one in data(AccessModel.read(text(raw)), "model")["rules"]}
    assert about["everybody"] == []
    assert {"exporter", "analysts"} <= {*about["readers"]}
