"""Proves that an explanation about a person says what the reference decides about one, and what would change it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakelatch.access.asked import Asked
from lakelatch.access.decisions import Request, decide
from lakelatch.access.explanation import Explanation, explain
from lakelatch.access.persons import Person, people_of_issuer
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.access.rules import Rule

ISSUER, ME, LIST, RUN = "https://staff.example", "current_user.me", "jobs.list", "jobs.run_now"
PEOPLE = People(
    ISSUER,
    {"g-all": ("admin", "reader"), "g-read": ("reader",)},
    {"admin": (LIST,), "reader": (ME,)},
    "roles",
    "staging",
)
RULES: dict[str, Any] = {
    "strong": {"for": {"roles": ["admin"]}, "require": "claims.acr == 'phr'"},
    "own": {"for": {"actions": [LIST]}, "deny": "identity.subject == 'mallory'"},
    "member": {"for": {"actions": [ME]}, "require": "!('g-out' in claims.roles)"},
    "robots": {"for": {"services": ["robot"]}, "deny": True},
}
ROBOT = Subject("robot", ISSUER, "sub-Robot", "staging", {"reader": (ME,)})
POLICY = Policy(
    {"robot": ROBOT}, {name: Rule.model_validate(row) for name, row in RULES.items()}, "enforce", {ISSUER: PEOPLE}
)
OBSERVED = Policy(POLICY.subjects, POLICY.rules, "observe", POLICY.people)
ROLES = {"admin": [LIST], "reader": [ME], "runner": [RUN]}
PHR = {"claims.acr": "phr"}


def asked(groups: tuple[str, ...], user: str | None, action: str | None, **told: Any) -> Explanation:
    return explain(POLICY, Person(PEOPLE, groups, user), action, Asked(told), ROLES)


CASES: list[Any] = [
    (("g-read",), "alice", ME, {}, "allowed", "role:reader", ()),
    (("g-read",), None, ME, {}, "allowed", "role:reader", ()),
    (("other", "g-read"), "alice", ME, {}, "allowed", "role:reader", ()),
    (("g-out", "g-read"), "alice", ME, {}, "denied", "rule:member", ()),
    (("g-read",), "alice", LIST, {}, "denied", "default-deny", ()),
    (("g-read",), "alice", None, {}, "denied", "unknown-action", ()),
    (("g-all",), "alice", LIST, {}, "not known", "rule:strong", ("claims.acr",)),
    (("g-all",), "alice", LIST, PHR, "allowed", "role:admin", ()),
    (("g-all",), "mallory", LIST, PHR, "denied", "rule:own", ()),
    (("g-all",), None, LIST, PHR, "not known", "rule:own", ("identity.subject",)),
    (("G-READ",), "alice", ME, {}, "denied", "no-group", ()),
    ((), "alice", ME, {}, "denied", "no-group", ()),
    ((), "alice", None, {}, "denied", "no-group", ()),
    (("g-read",), "alice", ME, {"claims.sub": "SUB-robot"}, "denied", "unknown-identity", ()),
    (("g-read",), "alice", ME, {"claims.sub": "sub-alice"}, "allowed", "role:reader", ()),
]  # fmt: skip


@pytest.mark.parametrize(("groups", "user", "action", "told", "verdict", "rule", "unknown"), CASES)
def test_verdict(groups: Any, user: Any, action: Any, told: Any, verdict: str, rule: str, unknown: Any) -> None:
    found = asked(groups, user, action, **told)
    assert (found.verdict, found.decision.rule, found.unknown) == (verdict, rule, unknown)
    assert found.changes or verdict == "allowed"
    assert (found.service, found.plain()["user"], found.plain()["groups"]) == (None, user, list(groups))


@pytest.mark.parametrize(
    ("groups", "action", "change"),
    [
        ((), ME, "membership in the group 'g-all', by the role 'reader', which has 'current_user.me'"),
        ((), None, "name an action of the catalogue; the action reference has every method and path"),
        ((), RUN, "membership in a group of the model's `people`, and a role of that group with the action"),
        (("g-read",), LIST, "membership in the group 'g-all', by the role 'admin', which has 'jobs.list'"),
        (("g-read",), LIST, "add 'jobs.list' to their role 'reader'"),
        (("g-read",), RUN, "give one of their groups the role 'runner', which has 'jobs.run_now'"),
        (("g-all",), LIST, "rule 'strong': tell `claims.acr`, which decides it"),
    ],
)
def test_what_would_change_it(groups: Any, action: str | None, change: str) -> None:
    assert change in asked(groups, "alice", action).changes


def test_the_groups_are_the_first_thing_asked() -> None:
    first = asked(("other", "g-read"), "alice", ME).steps[0]
    assert (first.state, first.of) == ("met", "group")
    assert "other" not in first.asked
    first = asked(("other",), "alice", ME).steps[0]
    assert (first.state, first.of, first.told) == ("not met", "group", "its groups: 'other'")


@pytest.mark.parametrize("groups", [("g-read",), ()], ids=["in a group", "in none"])
@pytest.mark.parametrize(
    ("told", "words"),
    [({"claims.roles": "[]"}, "said by the groups"), ({"colour": "red"}, "no attribute of a request")],
)
def test_what_is_no_attribute_is_refused_whatever_is_decided(groups: Any, told: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asked(groups, "alice", ME, **told)


@pytest.mark.parametrize(
    ("issuers", "name", "words"),
    [
        ({"a": ISSUER, "b": "https://b"}, None, None),
        ({"a": ISSUER}, "a", None),
        ({"a": ISSUER, "b": "https://b"}, "b", "'b' call the gateway; there are those of a"),
        ({"b": "https://b"}, None, "no people call the gateway; "),
        ({"a": ISSUER, "c": ISSUER}, None, "name one of a, c"),
    ],
)
def test_the_issuer_is_named_where_there_are_several(issuers: Any, name: Any, words: str | None) -> None:
    if words is None:
        assert people_of_issuer(POLICY, issuers, name) is PEOPLE
    else:
        with pytest.raises(ValueError, match=words):
            people_of_issuer(POLICY, issuers, name)


@settings(max_examples=200, deadline=None)
@given(
    policy=st.sampled_from([POLICY, OBSERVED]),
    groups=st.lists(st.sampled_from(["g-all", "g-read", "g-out", "other"]), unique=True).map(tuple),
    user=st.sampled_from(["alice", "mallory"]),
    sub=st.sampled_from(["sub-alice", "SUB-ROBOT"]),
    acr=st.sampled_from([None, "phr", "pwd"]),
    call=st.sampled_from(
        [(ME, "GET", "/api/2.0/preview/scim/v2/Me"), (LIST, "GET", "/api/2.2/jobs/list"), (None, "GET", "/nowhere")]
    ),
    hidden=st.sets(st.sampled_from(["user", "claims.acr"])),
)
def test_an_explanation_is_the_decision_and_what_is_hidden_is_never_guessed(
    policy: Policy, groups: Any, user: str, sub: str, acr: str | None, call: Any, hidden: set[str]
) -> None:
    action, method, path = call
    claims = {"sub": sub} | ({"acr": acr} if acr else {})
    when = datetime(2026, 11, 2, 12, tzinfo=UTC)
    of_token = claims | ({"roles": list(groups)} if groups else {})
    decision = decide(policy, Request(method, path, ISSUER, sub, of_token, when, user=user))
    told = {f"claims.{name}": value for name, value in claims.items()}
    whole = explain(policy, Person(PEOPLE, groups, user), action, Asked(told, complete=True))
    assert whole.decision == decision
    assert whole.verdict == ("allowed" if decision.allowed else "denied")
    part = {name: value for name, value in told.items() if name not in hidden}
    partly = explain(policy, Person(PEOPLE, groups, None if "user" in hidden else user), action, Asked(part))
    assert partly.verdict in ("not known", whole.verdict)
