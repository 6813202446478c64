"""Proves that what identities share is shared and nothing else: each has what it would have alone."""

from typing import Any, Final

import pytest

from lakelatch.access.policy import Policy, Subject
from lakelatch.access.reach import Reaches
from lakelatch.access.rules import Mode, Rule

STATEMENT: Final = "statement_execution.execute_statement"
ROLES: Final = {"reader": (STATEMENT, "jobs.run_now", "jobs.list", "warehouses.get")}
RULES: Final[dict[str, dict[str, Any]]] = {
    "of one service": {"for": {"services": ["one"]}, "require": "claims.a == 'b'"},
    "of one environment": {"for": {"environments": ["staging"]}, "deny": True},
    "of a role": {"for": {"roles": ["writer"]}, "deny": True},
    "of a name": {"require": "identity.service == 'one'"},
    "of a name that stays": {"require": "identity.service == claims.name"},
    "of an environment": {"deny": "identity.environment == 'staging'"},
    "of a subject": {"require": "identity.subject != 'id-one'"},
    "of an action": {"require": "action.access == 'read'"},
    "of a method": {"require": "request.method == 'GET'"},
    "of a body": {"require": "body.row_limit < 5"},
    "of a path": {"require": "path.id == 'w1'"},
    "of a limit": {"for": {"actions": [STATEMENT, "jobs.run_now"]}, "limit": {"row_limit": 5}},
    "of all": {"networks": ["10.0.0.0/8"]},
}


def subjects() -> dict[str, Subject]:
    def one(name: str, environment: str = "production", mode: Mode = "enforce", **more: tuple[str, ...]) -> Subject:
        return Subject(name, "https://issuer", f"id-{name}", environment, ROLES | more, mode)

    rows = (
        one("one"),
        one("two"),
        one("three", "staging"),
        one("four", writer=("jobs.delete",)),
        one("five", mode="observe"),
        Subject("six", "https://issuer", "id-six", "production", {"reader": ("jobs.list",)}),
    )
    return {row.name: row for row in rows}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("backwards", [False, True], ids=["first to last", "last to first"])
def test_each_has_what_it_would_have_alone(rule: dict[str, Any], backwards: bool) -> None:
    policy = Policy(subjects(), {"rule": Rule.model_validate(rule)})
    together = Reaches(policy)
    rows = list(policy.subjects.values())
    for subject in reversed(rows) if backwards else rows:
        for known in (True, False):
            assert together.of(subject, known=known) == Reaches(policy).of(subject, known=known)


def test_what_is_the_same_is_found_out_once() -> None:
    policy = Policy(subjects(), {"rule": Rule.model_validate(RULES["of all"])})
    reaches = Reaches(policy)
    one, two = (reaches.of(policy.subjects[name]) for name in ("one", "two"))
    assert one.terms is two.terms


def test_rules_that_are_about_others_ask_nothing() -> None:
    policy = Policy(subjects(), {"rule": Rule.model_validate(RULES["of one service"])})
    reaches = Reaches(policy)
    assert all(reaches.of(policy.subjects["one"]).terms.values())
    assert not any(reaches.of(policy.subjects["two"]).terms.values())


@pytest.mark.parametrize("rule", ["of an action", "of a method"])
def test_what_is_asked_of_each_action_is_found_out_for_each(rule: str) -> None:
    policy = Policy(subjects(), {"rule": Rule.model_validate(RULES[rule])})
    assert set(Reaches(policy).of(policy.subjects["one"]).terms) == {"jobs.list", "warehouses.get"}
