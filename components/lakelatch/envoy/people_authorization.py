"""Authorization of an issuer's people: as of a service, but their roles are known only when they come.

`lakelatch.people` has put the roles of their groups into an internal header. Without it, because somebody is in no
group of the model or because that filter failed, nothing goes through.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from lakelatch.access.checks import Check
from lakelatch.access.decisions import (
    RULE_DEFAULT_DENY,
    RULE_EXPIRING,
    RULE_NO_GROUP,
    RULE_NO_TOKEN,
    RULE_NO_USER,
    RULE_OBSERVED,
)
from lakelatch.access.policy import People, Policy, Subject
from lakelatch.envoy import authorization
from lakelatch.envoy.authorization import HEADER_INPUT, RULE_NO_SUBJECT, by_header, verdict
from lakelatch.envoy.expressions import Place, header_place, roles_place
from lakelatch.envoy.identity import EXCHANGE_HEADER, ROLES_HEADER, USER_HEADER
from lakelatch.envoy.runtime import Json, any_of

FAILURES: Final[Mapping[str, str]] = {
    "unavailable": RULE_NO_TOKEN,
    "refused": RULE_NO_USER,
    "expiring": RULE_EXPIRING,
}
"""Why there is no Databricks token, to the rule that refuses for it."""


def of_people(policy: Policy, people: People) -> Json:
    """The per-route configuration of the requests of an issuer's people."""
    observes = policy.mode == "observe"
    enforced = _swapped(verdict(RULE_OBSERVED, allow=True)) if observes else _decisions(policy, people, observed=False)
    rbac = {"matcher": _known(people, enforced)}
    if observes or any(rule.mode == "observe" for rule in policy.rules.values()):
        rbac["shadow_matcher"] = _known(people, _decisions(policy, people, observed=True))
    return any_of(authorization.PER_ROUTE, {"rbac": rbac})


def tells_roles(policy: Policy, people: People) -> bool:
    """Whether a condition about them speaks of their roles."""
    rules = [policy.rules[name] for name in policy.about_people(people)]
    return any("identity" in f"{rule.deny} {rule.require}" for rule in rules)


def _known(people: People, decided: Json) -> Json:
    """What is decided about somebody who is known: with a user name, and in a group of the model."""
    none = by_header(EXCHANGE_HEADER, {"unavailable": verdict(RULE_NO_TOKEN, allow=False)}, _no_group())
    grouped = _first([(_any_role(tuple(people.roles)), decided)], none)
    named = _first([(_header(USER_HEADER, _SOME), grouped)], verdict(RULE_NO_SUBJECT, allow=False))
    matcher: Json = authorization.without_token_in_query(named)["matcher"]
    return matcher


def _no_group() -> Json:
    return verdict(RULE_NO_GROUP, allow=False)


def _decisions(policy: Policy, people: People, *, observed: bool) -> Json:
    classes: dict[str, str] = {}
    for actions in people.roles.values():
        for action in actions:
            classes.setdefault(policy.classes[action], action)
    chains = {name: _of_class(policy, people, action, observed=observed) for name, action in sorted(classes.items())}
    return authorization.by_class(chains)


def _of_class(policy: Policy, people: People, action: str, *, observed: bool) -> Json:
    """The first of somebody's roles that grants an action, then every rule about them, then their token."""
    rules = policy.about_people(people)
    checks = [check for check in policy.asked(rules, action) if observed or not check.observed]
    known = _attributes(people, action)
    rows = []
    for role, actions in people.roles.items():
        if action in actions:
            end = _swapped(verdict(f"role:{role}", allow=True))
            rows.append((_any_role((role,)), _chain(policy, checks, known, end)))
    return _first(rows, verdict(RULE_DEFAULT_DENY, allow=False))


def _chain(policy: Policy, checks: Sequence[Check], known: Mapping[str, object], end: Json) -> Json:
    for check in reversed(checks):
        met = authorization.met(check, known)
        if roles := policy.rules[check.rule].for_.roles:
            met = {"or_matcher": {"predicate": [{"not_matcher": _any_role(roles)}, met]}}
        end = _first([(met, end)], verdict(f"rule:{check.rule}", allow=False))
    return end


def _attributes(people: People, action: str) -> Mapping[str, object]:
    somebody = Subject("", people.issuer, "", people.environment, {}, user="")
    places: dict[str, Place] = {"identity.subject": header_place(USER_HEADER), "identity.roles": roles_place()}
    return {**authorization.known_of(somebody, action), **places}


def _swapped(end: Json) -> Json:
    """Nothing goes on without a Databricks token, whatever is decided."""
    refused = {failure: verdict(rule, allow=False) for failure, rule in FAILURES.items()}
    none = by_header(EXCHANGE_HEADER, refused, verdict(RULE_NO_TOKEN, allow=False))
    return _first([(_header(EXCHANGE_HEADER, _SOME), none)], end)


_SOME: Final[Json] = {"safe_regex": {"google_re2": {}, "regex": ".+"}}


def _any_role(roles: Sequence[str]) -> Json:
    rows = [_header(ROLES_HEADER, {"contains": f",{role},"}) for role in roles]
    return rows[0] if len(rows) == 1 else {"or_matcher": {"predicate": rows}}


def _header(name: str, value: Json) -> Json:
    header = {"name": name, "typed_config": any_of(HEADER_INPUT, {"header_name": name})}
    return {"single_predicate": {"input": header, "value_match": value}}


def _first(rows: Sequence[tuple[Json, Json]], otherwise: Json) -> Json:
    matchers = [{"predicate": predicate, "on_match": end} for predicate, end in rows]
    return {"matcher": {"matcher_list": {"matchers": matchers}, "on_no_match": otherwise}}
