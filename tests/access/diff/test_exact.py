"""Proves that a diff's action section is exact: empty if and only if `decide()` agrees about the whole catalogue for
every identity of both sides; and that each request decided otherwise is told, in the direction in which it changed.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.generated import people as people_section
from support.generated import person, request, sections

from lakelatch.access.actions import ACTIONS
from lakelatch.access.decisions import Request, decide
from lakelatch.access.diff.actions import ActionChange, action_changes
from lakelatch.access.diff.snapshot import Identity, Snapshot
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.access.rules import Rule

ISSUER: Final = "https://issuer.example.test"
STATEMENT: Final = "statement_execution.execute_statement"
POOL: Final = (STATEMENT, "jobs.run_now", "warehouses.get", "current_user.me", "clusters.create")
"""Actions that roles and rules of the generated policies speak of; of all others nobody has anything."""
ROLES: Final = ("reader", "runner")
TIMES: Final = (datetime(2026, 1, 6, 12, tzinfo=UTC), datetime(2026, 1, 10, 12, tzinfo=UTC))
"""A Tuesday and a Saturday."""
ADDRESSES: Final = ("10.0.0.1", "10.128.0.1", "192.0.2.1", "2001:db8::1")
ROWS: Final = (1, 50, 1000)
WAREHOUSES: Final = ("w1", "w2", "w3")

granted = st.lists(st.sampled_from((*POOL, STATEMENT, STATEMENT)), max_size=4, unique=True).map(tuple)
subjects = st.builds(
    Subject,
    name=st.just("one"),
    issuer=st.just(ISSUER),
    subject=st.sampled_from(("id-1", "id-2")),
    environment=st.sampled_from(("staging", "production")),
    roles=st.dictionaries(st.sampled_from(ROLES), granted, max_size=2).map(lambda rows: dict(sorted(rows.items()))),
    mode=st.sampled_from(("enforce", "enforce", "enforce", "observe")),
)
selectors = st.fixed_dictionaries(
    {"actions": st.just([STATEMENT]) | st.lists(st.sampled_from(POOL), min_size=1, max_size=2)},
    optional={
        "services": st.lists(st.sampled_from(("one", "two")), min_size=1, max_size=1),
        "roles": st.lists(st.sampled_from(ROLES), min_size=1, max_size=1),
        "environments": st.lists(st.sampled_from(("staging", "production")), min_size=1, max_size=1),
    },
)
limits = st.one_of(
    st.fixed_dictionaries({"row_limit": st.sampled_from(ROWS)}),
    st.fixed_dictionaries({"warehouses": st.lists(st.sampled_from(WAREHOUSES), min_size=1, max_size=3)}),
)
asked = st.one_of(
    st.just({"deny": True}),
    st.sampled_from(
        (
            {"deny": "identity.environment == 'staging'"},
            {"require": "identity.service == 'one'"},
            {"require": "'reader' in identity.roles || action.access == 'read'"},
            {"require": "action.access == 'read'"},
        )
    ),
    limits.map(lambda limit: {"limit": limit}),
    st.lists(
        st.sampled_from(("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "0.0.0.0/0", "::/0", "2001:db8::/32")),
        min_size=1,
        max_size=3,
    ).map(lambda networks: {"networks": networks}),
)
windows = st.sampled_from(
    (
        {"days": ["sat", "sun"]},
        {"days": ["sun", "sat"], "start": "00:00", "end": "00:00"},
        {"days": ["sat", "sun"], "start": "11:00", "end": "11:00"},
        {"timezone": "Europe/Berlin"},
    )
)
"""Two of them apart: the weekend, and always, each in several ways to write it."""
rules = st.builds(
    lambda selector, bounds, window, mode: Rule.model_validate(
        {"for": selector, **bounds, "mode": mode, **({"during": window} if window else {})}
    ),
    selectors,
    asked,
    st.none() | windows,
    st.sampled_from(("enforce", "enforce", "observe")),
)


@st.composite
def policies(draw: Callable[..., Any]) -> Policy:
    first = draw(subjects)
    second = replace(draw(subjects), name="two", subject="id-3")
    roles = {role: draw(granted) for role in ROLES}
    groups = draw(st.dictionaries(st.sampled_from(("g1", "g2", "g3")), st.sampled_from(ROLES), max_size=3))
    people = People(ISSUER, {group: (role,) for group, role in groups.items()}, roles)
    found = draw(st.dictionaries(st.sampled_from(("a", "b", "c")), rules, min_size=1, max_size=3))
    mode = draw(st.sampled_from(("enforce",) * 9 + ("observe",)))
    return Policy({"one": first, "two": second}, dict(sorted(found.items())), mode, {ISSUER: people})


@st.composite
def pairs(draw: Callable[..., Any]) -> tuple[Policy, Policy]:
    """Two policies, mostly near to each other: with the rest of one, some parts of another."""
    old, other = draw(policies()), draw(policies())
    parts = draw(st.sets(st.sampled_from(("subjects", "rules", "mode", "people")), max_size=2))
    return old, replace(old, **{part: getattr(other, part) for part in parts})


def path(action: str) -> tuple[str, str]:
    template = ACTIONS[action].requests[0]
    segments = ["w1" + one.partition("}")[2] if one.startswith("{") else one for one in template.path.split("/")]
    return template.method, "/".join(segments)


def requests(action: str) -> Iterator[dict[str, Any]]:
    """Every kind of request that the generated rules could tell apart."""
    method, where = path(action)
    if action not in POOL:
        yield {"method": method, "path": where}
        return
    bodies = [b""]
    headers: tuple[tuple[str, str], ...] = ()
    if action == STATEMENT:
        headers = (("content-type", "application/json"),)
        members = product((*ROWS, None), (*WAREHOUSES, None))
        bodies = [json.dumps({"row_limit": rows, "warehouse_id": name}).encode() for rows, name in members] + [b"{"]
    paths = [where.replace("w1", name) for name in WAREHOUSES] if "w1" in where else [where]
    for body, one, time, address in product(bodies, paths, TIMES, ADDRESSES):
        yield {
            "method": method,
            "path": one,
            "time": time,
            "client_address": address,
            "headers": headers,
            "body": body,
        }


IDENTITIES: Final[tuple[dict[str, Any], ...]] = (
    *({"subject": subject} for subject in ("id-1", "id-2", "id-3")),
    *(
        {"subject": "a person", "user": "somebody", "claims": {"groups": groups}}
        for groups in (["g1"], ["g2"], ["g3"], ["g1", "g2"], ["g1", "g3"], ["g2", "g3"], ["g1", "g2", "g3"])
    ),
)


def decided_otherwise(
    old: Policy, new: Policy, actions: Iterable[str], identities: Iterable[dict[str, Any]] = IDENTITIES
) -> bool:
    for who, action in product(identities, actions):
        for told in requests(action):
            asked = Request(issuer=ISSUER, **who, **told)
            if decide(old, asked).allowed != decide(new, asked).allowed:
                return True
    return False


@settings(max_examples=30)
@given(pairs())
def test_nothing_is_told_if_and_only_if_every_decision_is_the_same(pair: tuple[Policy, Policy]) -> None:
    old, new = pair
    changes = list(action_changes(Snapshot(policy=old), Snapshot(policy=new)))
    assert bool(changes) == decided_otherwise(old, new, ACTIONS), changes


@settings(max_examples=200)
@given(pairs())
def test_the_same_for_the_actions_that_roles_and_rules_speak_of(pair: tuple[Policy, Policy]) -> None:
    """As above, of more pairs: beside these, only to be observed or not makes a difference."""
    old, new = pair
    changes = [
        change
        for change in action_changes(Snapshot(policy=old), Snapshot(policy=new))
        if not set(POOL).isdisjoint(change.actions)
    ]
    assert bool(changes) == decided_otherwise(old, new, POOL), changes


bounds = st.one_of(
    limits.map(lambda limit: {"limit": limit}),
    st.sampled_from((["10.0.0.0/8"], ["10.0.0.0/9"], ["10.128.0.0/9", "2001:db8::/32"])).map(
        lambda networks: {"networks": networks}
    ),
)
several = st.lists(bounds, min_size=1, max_size=3).map(
    lambda found: {
        name: Rule.model_validate({"for": {"actions": [STATEMENT]}, **bound})
        for name, bound in zip("abc", found, strict=False)
    }
)


@settings(max_examples=300)
@given(several, several)
def test_bounds_of_several_rules_come_together_as_decisions_have_them(
    old: dict[str, Rule], new: dict[str, Rule]
) -> None:
    """In whichever order they stand: of limits and networks for the same action the strictest hold."""
    one = Subject("one", ISSUER, "id-1", "production", {"reader": (STATEMENT,)}, "enforce")
    before, after = (Policy({"one": one}, found, "enforce", {}) for found in (old, new))
    changes = list(action_changes(Snapshot(policy=before), Snapshot(policy=after)))
    assert bool(changes) == decided_otherwise(before, after, (STATEMENT,), IDENTITIES[:1]), changes


WIDENING: Final = ("gains", "wider", "other terms")
NARROWING: Final = ("loses", "narrower", "other terms")


def told(changes: list[ActionChange], identity: Identity, action: str) -> set[str]:
    """The changes of an action for an identity; of people in several groups, also those of each."""
    return {
        change.change
        for change in changes
        if action in change.actions
        and (change.identity.issuer, change.identity.subject) == (identity.issuer, identity.subject)
        and set(change.identity.groups) <= set(identity.groups)
    }


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_decided_otherwise_is_told_in_its_direction(seed: int) -> None:
    """With conditions of any kind, and requests that lie near what they decide about."""
    random = Random(seed)
    services = sections(random)
    old = policy_of(services, people_section(random))
    other = sections(random)
    changed = services | {random.choice(("services", "rules", "mode")): None}
    changed = {key: other[key] if value is None else value for key, value in changed.items()}
    rows = people_section(random)
    new = policy_of(changed, rows)
    changes = list(action_changes(Snapshot(policy=old), Snapshot(policy=new)))
    for _ in range(400):
        if random.random() < 0.3:
            claims, sent = person(random, rows)
            who: dict[str, Any] = {"claims": claims, "user": claims["upn"]}
            identity = Identity("https://entra", "", "groups", tuple(sorted(claims["groups"])))
        else:
            sent = request(random, services["services"])
            who, identity = {}, Identity(f"https://{sent.issuer}", sent.subject)
        where = sent.target.partition("?")[0]
        asked = Request(
            sent.method, where, f"https://{sent.issuer}", sent.subject, headers=sent.headers, body=sent.body, **who
        )
        was, now = decide(old, asked), decide(new, asked)
        action = was.action or now.action
        if was.allowed != now.allowed and action is not None:
            wanted = WIDENING if now.allowed else NARROWING
            assert told(changes, identity, action) & set(wanted), (asked, was, now)


def policy_of(data: dict[str, Any], people: dict[str, Any]) -> Policy:
    found = {
        name: Subject(
            name,
            f"https://{row['issuer']}",
            row["subject"],
            row["environment"],
            {role: tuple(actions) for role, actions in sorted(row["roles"].items())},
            row["mode"],
        )
        for name, row in data["services"].items()
    }
    of_entra = people["entra"]
    groups = {group: tuple(roles) for group, roles in of_entra["groups"].items()}
    roles = {role: tuple(actions) for role, actions in sorted(of_entra["roles"].items())}
    persons = People("https://entra", groups, roles, "groups", of_entra["environment"])
    rules = {name: Rule.model_validate(row) for name, row in sorted(data["rules"].items())}
    return Policy(found, rules, data["mode"], {"https://entra": persons})
