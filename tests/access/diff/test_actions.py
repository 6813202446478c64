"""Proves what is said of actions: in which direction terms change, of people in two groups, and of what is observed."""

from dataclasses import replace
from typing import Any, Final

import pytest

from lakelatch.access.actions import ACTIONS
from lakelatch.access.diff.actions import action_changes
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.access.rules import Mode, Rule

ISSUER: Final = "https://issuer.example.test"
STATEMENT: Final = "statement_execution.execute_statement"
BIND: Final = {"limit": {"row_limit": 50}}


def side(
    *rules: dict[str, Any], actions: tuple[str, ...] = (STATEMENT,), subject: str = "id", mode: Mode = "enforce"
) -> Snapshot:
    found = {f"r{at}": Rule.model_validate({"for": {"actions": [STATEMENT]}} | rule) for at, rule in enumerate(rules)}
    one = Subject("one", ISSUER, subject, "production", {"role": actions}, mode)
    return Snapshot(Policy({"one": one}, found))


CASES: Final[dict[str, tuple[Snapshot, Snapshot, list[tuple[str, str]]]]] = {
    "nothing": (side(BIND), side(BIND), []),
    "a rule of another name": (side(BIND), side({"deny": True, "mode": "observe"}, BIND), []),
    "granted": (side(actions=()), side(), [("gains", "more")]),
    "granted on terms": (side(actions=()), side(BIND), [("gains", "more")]),
    "taken away": (side(), side(actions=()), [("loses", "less")]),
    "denied": (side(), side({"deny": True}), [("loses", "less")]),
    "bound": (side(), side(BIND), [("narrower", "less")]),
    "bound less": (side(BIND), side({"limit": {"row_limit": 100}}), [("wider", "more")]),
    "bound otherwise": (side(BIND), side({"require": "claims.a == 'b'"}), [("other terms", "other")]),
    "another workload": (side(), side(subject="other"), [("loses", "less"), ("gains", "more")]),
}


@pytest.mark.parametrize(("old", "new", "wanted"), CASES.values(), ids=CASES)
def test_what_changes(old: Snapshot, new: Snapshot, wanted: list[tuple[str, str]]) -> None:
    changes = list(action_changes(old, new))
    assert [(change.change, change.effect) for change in changes] == wanted
    assert all(change.actions == (STATEMENT,) for change in changes)


def test_a_service_that_is_another_workload_is_told_with_both_subjects() -> None:
    assert [change.bearer for change in action_changes(side(), side(subject="other"))] == ["id", "other"]
    assert [change.bearer for change in action_changes(side(), side(BIND))] == [""]


def test_to_be_observed_is_to_have_everything() -> None:
    (gained,) = action_changes(side(), side(mode="observe"))
    assert (gained.change, gained.everything, gained.risk) == ("gains", True, "high")
    assert set(gained.actions) == ACTIONS.keys() - {STATEMENT}
    (lost,) = action_changes(side(mode="observe"), side())
    assert (lost.change, lost.everything) == ("loses", True)


def people(*rules: dict[str, Any]) -> Snapshot:
    found = {f"r{at}": Rule.model_validate(rule) for at, rule in enumerate(rules)}
    roles = {"reader": (STATEMENT,), "guest": ("current_user.me",)}
    rows = People(ISSUER, {"g1": ("reader",), "g2": ("guest",)}, roles)
    names = {(ISSUER, "g1"): "analysts", (ISSUER, "g2"): "guests"}
    return Snapshot(Policy({}, found, people={ISSUER: rows}), names)


def test_people_in_two_groups_are_told_where_neither_group_shows_it() -> None:
    """A rule about guests takes from whoever is an analyst as well what guests alone never had."""
    (change,) = action_changes(people(), people({"for": {"roles": ["guest"], "actions": [STATEMENT]}, "deny": True}))
    assert (change.who, change.kind, change.change, change.actions) == (
        "guests and analysts" if change.identity.groups[0] == "g2" else "analysts and guests",
        "people",
        "loses",
        (STATEMENT,),
    )


def test_people_by_another_claim_are_told_with_both() -> None:
    old, new = people(), people()
    rows = new.policy.people[ISSUER]
    new = replace(new, policy=replace(new.policy, people={ISSUER: replace(rows, groups_claim="roles")}))
    changes = [(change.who, change.bearer, change.change) for change in action_changes(old, new)]
    assert changes == [
        ("analysts", "claim groups", "loses"),
        ("guests", "claim groups", "loses"),
        ("analysts", "claim roles", "gains"),
        ("guests", "claim roles", "gains"),
    ]


def test_what_a_single_group_shows_is_not_told_of_two_again() -> None:
    (change,) = action_changes(people(), people({"for": {"roles": ["reader"], "actions": [STATEMENT]}, "deny": True}))
    assert (change.who, change.change) == ("analysts", "loses")
