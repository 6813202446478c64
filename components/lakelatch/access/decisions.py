"""The reference decision: who may do this, by which rule, and what to tell whom it is refused.

The gateway decides natively in Envoy, from the same policy; a test holds the two together. Order: a known identity, a
known action, a role that grants it, then every rule that is about it, in the order of the rules. A grant is asked first
because it needs nothing of the request; no order lets through what another would refuse.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from lakelatch.access.actions import ACTIONS, action_of
from lakelatch.access.attributes import path_attributes, read_body
from lakelatch.access.checks import Check
from lakelatch.access.evidence import Evidence, met
from lakelatch.access.persons import person, roles_of
from lakelatch.access.policy import Policy, Subject

RULE_AUTHENTICATION: Final = "authentication"
RULE_UNKNOWN_IDENTITY: Final = "unknown-identity"
RULE_UNKNOWN_ACTION: Final = "unknown-action"
RULE_DEFAULT_DENY: Final = "default-deny"
RULE_NO_GROUP: Final = "no-group"
"""Refuses a person who is in no group of the model."""
RULE_NO_TOKEN: Final = "databricks-token"  # noqa: S105 - the name of a rule
RULE_NO_USER: Final = "databricks-user"
"""Refuses a person whom Databricks does not take for one of its users."""
RULE_EXPIRING: Final = "token-expiring"
"""Refuses a person's token that ends before a Databricks token could be of use."""
RULE_ENDPOINT: Final = "public-endpoint"
RULE_PROTOCOL: Final = "protocol"
RULE_AUDIT: Final = "audit"
RULE_QUERY_TOKEN: Final = "token-in-query"  # noqa: S105 - the name of a rule
RULE_RATE_LIMIT: Final = "rate-limit"
RULE_OBSERVED: Final = "observe"
"""Lets through what is only observed."""

NEVER: Final = datetime.fromtimestamp(0, UTC)
"""The time of a request for which time does not matter."""


@dataclass(frozen=True)
class Request:
    """One request of a verified identity, as it reaches the decision."""

    method: str
    path: str
    """Normalised (RFC 3986 §6.2.2, no dot segments, single slashes), without a query."""
    issuer: str
    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    time: datetime = NEVER
    client_address: str = "127.0.0.1"
    headers: Sequence[tuple[str, str]] = ()
    """Names in lower case."""
    body: bytes = b""
    user: str | None = None
    """Whom a token that is made out for people names by its user claim; None for a service's token."""


class Decision(NamedTuple):
    """What was decided about one request, by which rule, and what to tell the caller when it was refused."""

    allowed: bool
    rule: str
    service: str | None = None
    action: str | None = None
    message: str = ""
    observed: str | None = None
    """The rule that would have refused, where rules are only observed."""
    user: str | None = None
    """The person it was decided about."""


def decide(policy: Policy, request: Request) -> Decision:
    """Decide about a request; identities are compared to the letter."""
    if request.user is not None:
        return _of_person(policy, request, request.user)
    subject = policy.by_identity.get((request.issuer, request.subject))
    if subject is None:
        return unknown_identity()
    return _of_subject(policy, subject, request)


def _of_person(policy: Policy, request: Request, user: str) -> Decision:
    people = policy.people.get(request.issuer)
    if people is None or request.subject.lower() in policy.borne:
        return unknown_identity()
    roles = roles_of(people, request.claims)
    decision = _of_subject(policy, person(people, user, roles), request) if roles else no_group(people.groups_claim)
    return decision._replace(user=user)


def _of_subject(policy: Policy, subject: Subject, request: Request) -> Decision:
    action = action_of(request.method, request.path)
    if action is None:
        return conclude(policy, subject, None, lambda _: False)
    evidence = Evidence(_Attributes(policy, subject, action.name, request), request.client_address)
    return conclude(policy, subject, action.name, lambda check: met(check, evidence))


def conclude(policy: Policy, subject: Subject, action: str | None, met: Callable[[Check], bool]) -> Decision:
    """Decide about an action of a service or person; `action` is None for one that the catalogue does not know.

    `met` says of a check whether a request fulfils it; it is asked in the order of the rules.
    """
    if action is None:
        decision = unknown_action(subject)
    elif action not in subject.grants:
        decision = default_deny(subject, action)
    else:
        decision = _by_rules(policy, subject, action, met)
    if not decision.allowed and policy.observes(subject):
        return Decision(True, RULE_OBSERVED, subject.service, decision.action, observed=decision.rule)
    return decision


def _by_rules(policy: Policy, subject: Subject, action: str, met: Callable[[Check], bool]) -> Decision:
    """Refused by the first rule that is not met; allowed by the role where every enforced one is.

    Where everything is only observed, what would refuse if nothing were is told: there all rules count alike.
    """
    observed, alike = None, policy.observes(subject)
    for check in policy.checks(subject, action):
        if met(check):
            continue
        rule = f"rule:{check.rule}"
        if alike or not check.observed:
            message = rule_message(check.rule, policy.rules[check.rule].description)
            return Decision(False, rule, subject.service, action, message)
        observed = observed or rule
    return Decision(True, f"role:{subject.grants[action]}", subject.service, action, observed=observed)


class _Attributes(dict[str, Any]):
    """What rules can speak of, each read out of the request when one first asks for it."""

    def __init__(self, policy: Policy, subject: Subject, action: str, request: Request) -> None:
        self._of = policy, subject, action, request

    def __missing__(self, name: str) -> Any:
        policy, subject, action, request = self._of
        match name:
            case "body":
                value: Any = read_body(action, request.headers, request.body).attributes
            case "path":
                value = path_attributes(action, request.path)
            case "claims":
                value = dict(request.claims)
            case "request.headers":
                value = _joined(request.headers)
            case "request.method":
                value = request.method
            case "request.time":
                value = request.time
            case _:
                return policy.known(subject, action)[name]
        self[name] = value
        return value


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What is sent in several fields is one list (RFC 9110 §5.3), joined as Envoy joins it."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def default_deny(subject: Subject, action: str) -> Decision:
    """Refuse an action that no role grants."""
    told = person_default_deny_message if subject.user is not None else default_deny_message
    message = told(subject.user or subject.name, action, list(subject.roles))
    return Decision(False, RULE_DEFAULT_DENY, subject.service, action, message)


def person_default_deny_message(user: str, action: str, roles: Sequence[str]) -> str:
    """What a person is told about an action that none of their roles has."""
    listed = ", ".join(f"'{role}'" for role in roles) or "none"
    return (
        f"user '{user}' may not call '{action}': no role of their groups has this action. Their roles: {listed}."
        f" Add '{action}' to one of them, or put the user into a group that has a role with it."
    )


def default_deny_message(service: str, action: str, roles: Sequence[str]) -> str:
    """What a service is told about an action that none of its roles has."""
    listed = ", ".join(f"'{role}'" for role in roles) or "none"
    return (
        f"service '{service}' may not call '{action}': no role of it has this action. Its roles: {listed}."
        f" Add '{action}' to one of them, or give the service a role that has it."
    )


def rule_message(rule: str, description: str) -> str:
    """What is told about a refusal by a rule of the model."""
    why = f": {description}" if description else ""
    return f"the rule '{rule}' of the access model refuses this request{why}"


def no_group(claim: str) -> Decision:
    """Refuse a person who is in no group of the model."""
    return Decision(False, RULE_NO_GROUP, message=no_group_message(claim))


def no_group_message(claim: str) -> str:
    """What is told to a person who is in no group of the model."""
    return (
        f"the token is valid, but none of the groups that it names (claim '{claim}') is a group of people of this"
        " gateway. Ask for membership in one that is, and sign in anew; if the token has no such claim, let the"
        " identity provider put in the groups that are assigned to its application."
    )


def unknown_action(subject: Subject) -> Decision:
    """Refuse a request that stands for no action of the catalogue."""
    return Decision(False, RULE_UNKNOWN_ACTION, subject.service, None, unknown_action_message(subject.title))


def unknown_action_message(who: str) -> str:
    """What is told about a method and path that no action has."""
    return (
        f"this method and path are not an action that the gateway knows, so {who} may not call it."
        f" The gateway knows {len(ACTIONS)} actions; see the action reference for their methods and paths."
    )


def unknown_identity() -> Decision:
    """Refuse an identity that is verified but belongs to no service."""
    message = (
        "the token is valid, but its issuer and subject belong to no service of this gateway."
        " Both are compared to the letter: add a service with exactly this subject to the access model, or use the"
        " token of one that is there."
    )
    return Decision(False, RULE_UNKNOWN_IDENTITY, message=message)
