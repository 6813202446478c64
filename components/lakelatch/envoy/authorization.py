"""Authorization: for one service, which actions go through and which rules have to be met (Envoy's `rbac`).

A map from the action's class to a chain of rules that ends in the role that grants it. Every end has a name, which
the audit line and the answer tell. A rule is met when its condition is *proven*: one that fails in Envoy does not
match, and what does not match is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from lakelatch.access.attributes import templates
from lakelatch.access.checks import Check
from lakelatch.access.decisions import (
    RULE_DEFAULT_DENY,
    RULE_OBSERVED,
    RULE_QUERY_TOKEN,
    RULE_UNKNOWN_ACTION,
    RULE_UNKNOWN_IDENTITY,
)
from lakelatch.access.policy import Policy, Subject, static_attributes
from lakelatch.envoy.expressions import predicate
from lakelatch.envoy.identity import (
    ACTION_HEADER,
    CLASS_HEADER,
    NO_SUBJECT,
    QUERY_CLASS,
    SUBJECT_HEADER,
    UNKNOWN_ACTION,
)
from lakelatch.envoy.runtime import Json, any_of

FILTER_NAME: Final = "lakelatch.authorization"
_TYPE: Final = "envoy.extensions.filters.http.rbac.v3.RBAC"
PER_ROUTE: Final = f"{_TYPE}PerRoute"
HEADER_INPUT: Final = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
RULE_NO_SUBJECT: Final = "no-subject"


def base_filter() -> Json:
    """The filter in the chain: refuses everything that no service's route decides about."""
    subject = {"name": "subject", "typed_config": any_of(HEADER_INPUT, {"header_name": SUBJECT_HEADER})}
    nobody = {"single_predicate": {"input": subject, "value_match": {"exact": NO_SUBJECT}}}
    # Authentication takes the header away when the token lacks the claim.
    somebody = {
        "single_predicate": {"input": subject, "value_match": {"safe_regex": {"google_re2": {}, "regex": ".+"}}}
    }
    absent = {"or_matcher": {"predicate": [nobody, {"not_matcher": somebody}]}}
    refused = {"predicate": absent, "on_match": verdict(RULE_NO_SUBJECT, allow=False)}
    otherwise = verdict(RULE_UNKNOWN_IDENTITY, allow=False)
    matcher = {"matcher_list": {"matchers": [refused]}, "on_no_match": otherwise}
    return {"name": FILTER_NAME, "typed_config": any_of(_TYPE, {"matcher": matcher})}


def open_to_all() -> Json:
    """The per-route configuration of what needs no decision."""
    return any_of(PER_ROUTE, {})


def of_service(policy: Policy, subject: Subject) -> Json:
    """The per-route configuration of one service's requests."""
    if policy.observes(subject):
        decided = _decisions(policy, subject, observed=True)["matcher"]
        # A mistake in the model is what observing finds; a token in the query is a mistake in any model.
        everything = without_token_in_query(verdict(RULE_OBSERVED, allow=True))["matcher"]
        return any_of(PER_ROUTE, {"rbac": {"matcher": everything, "shadow_matcher": decided}})
    rbac = {"matcher": _decisions(policy, subject, observed=False)["matcher"]}
    if any(check.observed for action in policy.granted(subject).values() for check in policy.checks(subject, action)):
        rbac["shadow_matcher"] = _decisions(policy, subject, observed=True)["matcher"]
    return any_of(PER_ROUTE, {"rbac": rbac})


def granted_outright(policy: Policy, subject: Subject) -> Mapping[str, str]:
    """Class of actions to the role that grants them, where nothing else is asked: to be routed there is the decision.

    What is only observed is decided with everything else, so that its verdict is told.
    """
    if policy.observes(subject):
        return {}
    return {
        name: f"role:{subject.grants[action]}"
        for name, action in policy.granted(subject).items()
        if not policy.checks(subject, action)
    }


def _decisions(policy: Policy, subject: Subject, *, observed: bool) -> Json:
    """Every decision about a service; `observed` tells whether rules that are only observed count as well."""
    chains = {
        name: _chain(
            [check for check in policy.checks(subject, action) if observed or not check.observed],
            known_of(subject, action),
            verdict(f"role:{subject.grants[action]}", allow=True),
        )
        for name, action in sorted(policy.granted(subject).items())
    }
    return by_class({**chains, **_REFUSED_CLASSES})


def known_of(subject: Subject, action: str) -> dict[str, object]:
    """What is known before any request; also that nothing varies in a path, which no metadata could tell."""
    return static_attributes(subject, action) | ({} if templates(action) else {"path": {}})


def by_class(chains: Mapping[str, Json]) -> Json:
    """Go on by the class of the action. What is in none of these is refused, for one of two reasons."""
    unknown = {UNKNOWN_ACTION: verdict(RULE_UNKNOWN_ACTION, allow=False)}
    refused = by_header(ACTION_HEADER, unknown, verdict(RULE_DEFAULT_DENY, allow=False))
    return by_header(CLASS_HEADER, chains, refused)


def without_token_in_query(otherwise: Json) -> Json:
    """Refuse a token in the query, then go on."""
    return by_header(CLASS_HEADER, _REFUSED_CLASSES, otherwise)


def _chain(checks: Sequence[Check], known: Mapping[str, object], end: Json) -> Json:
    return unless_refused([(check, met(check, known)) for check in checks], end)


def unless_refused(asked: Sequence[tuple[Check, Json]], end: Json) -> Json:
    """Refused by the first rule that is not met; `asked` has each with the predicate that it is.

    One after the other and not one within the other: Envoy reads no JSON that nests deeper than 100.
    """
    rows = [
        {"predicate": {"not_matcher": predicate}, "on_match": verdict(f"rule:{check.rule}", allow=False)}
        for check, predicate in asked
    ]
    return {"matcher": {"matcher_list": {"matchers": rows}, "on_no_match": end}} if rows else end


def met(check: Check, known: Mapping[str, object]) -> Json:
    """The predicate of a check that is met; `known` has what is known before any request."""
    wanted = [predicate(check.condition, known)] if check.condition != "true" else []
    if check.reads_body:
        wanted.insert(0, predicate("body.readable == true", known))
    if check.networks:
        wanted.insert(0, _within(check.networks))
    asked = {"and_matcher": {"predicate": wanted}} if len(wanted) > 1 else wanted[0]
    return {"or_matcher": {"predicate": [predicate(check.unless, known), asked]}} if check.unless else asked


def _within(networks: Sequence[str]) -> Json:
    ranges = []
    for network in networks:
        address, _, length = network.partition("/")
        ranges.append({"address_prefix": address, "prefix_len": int(length)})
    matcher = any_of(
        "envoy.extensions.matching.input_matchers.ip.v3.Ip", {"cidr_ranges": ranges, "stat_prefix": "networks"}
    )
    source = any_of("envoy.extensions.matching.common_inputs.network.v3.SourceIPInput", {})
    return {
        "single_predicate": {
            "input": {"name": "client", "typed_config": source},
            "custom_match": {"name": "networks", "typed_config": matcher},
        }
    }


def by_header(header: str, found: Mapping[str, Json], otherwise: Json) -> Json:
    """Go on by the exact value of a request header, at the cost of one look into a hash map."""
    tree: Json = {"on_no_match": otherwise}
    if found:
        tree["matcher_tree"] = {
            "input": {"name": header, "typed_config": any_of(HEADER_INPUT, {"header_name": header})},
            "exact_match_map": {"map": dict(found)},
        }
    return {"matcher": tree}


def verdict(rule: str, *, allow: bool) -> Json:
    """The end of a decision."""
    action = any_of("envoy.config.rbac.v3.Action", {"name": rule, "action": "ALLOW" if allow else "DENY"})
    return {"action": {"name": "verdict", "typed_config": action}}


_REFUSED_CLASSES: Final[Mapping[str, Json]] = {QUERY_CLASS: verdict(RULE_QUERY_TOKEN, allow=False)}
"""A token in the query ends in logs (RFC 6750 §5.3), so it goes no further, whoever else the request is from."""
