"""The reference decision: who may do this, by which rule, and what to tell whom it is refused.

The gateway decides natively in Envoy, from the same policy; a test holds the two together. Order: a known identity, a
known action, a role that grants it, then every rule that is about it, in the order of the rules. A grant is asked first
because it needs nothing of the request; no order lets through what another would refuse.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lakelatch.access.actions import ACTIONS, Action, action_of
from lakelatch.access.attributes import path_attributes, read_body
from lakelatch.access.checks import Check
from lakelatch.access.expressions import expression
from lakelatch.access.policy import Policy, Subject

RULE_AUTHENTICATION: Final = "authentication"
RULE_UNKNOWN_IDENTITY: Final = "unknown-identity"
RULE_UNKNOWN_ACTION: Final = "unknown-action"
RULE_DEFAULT_DENY: Final = "default-deny"
RULE_NO_TOKEN: Final = "databricks-token"  # noqa: S105 - the name of a rule
RULE_ENDPOINT: Final = "public-endpoint"
RULE_PROTOCOL: Final = "protocol"
RULE_QUERY_TOKEN: Final = "token-in-query"  # noqa: S105 - the name of a rule
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


@dataclass(frozen=True)
class Decision:
    """What was decided about one request, by which rule, and what to tell the caller when it was refused."""

    allowed: bool
    rule: str
    service: str | None = None
    action: str | None = None
    message: str = ""
    observed: str | None = None
    """The rule that would have refused, where rules are only observed."""


def decide(policy: Policy, request: Request) -> Decision:
    """Decide about a request; identities are compared to the letter."""
    subject = policy.by_identity.get((request.issuer, request.subject))
    if subject is None:
        return unknown_identity()
    action = action_of(request.method, request.path)
    if action is None:
        decision = unknown_action(subject.name)
    elif action.name not in subject.grants:
        decision = default_deny(subject, action.name)
    else:
        decision = _by_rules(policy, subject, action, request)
    if not decision.allowed and policy.observes(subject):
        return Decision(True, RULE_OBSERVED, subject.name, decision.action, observed=decision.rule)
    return decision


def _by_rules(policy: Policy, subject: Subject, action: Action, request: Request) -> Decision:
    """Refused by the first rule that is not met; allowed by the role where every enforced one is."""
    asked = policy.checks(subject, action.name)
    attributes = _attributes(policy, subject, action, request, any(check.inspects for check in asked)) if asked else {}
    observed = None
    for check in asked:
        if _met(check, attributes, request.client_address):
            continue
        rule = f"rule:{check.rule}"
        if not check.observed:
            message = rule_message(check.rule, policy.rules[check.rule].description)
            return Decision(False, rule, subject.name, action.name, message)
        observed = observed or rule
    return Decision(True, f"role:{subject.grants[action.name]}", subject.name, action.name, observed=observed)


def _attributes(policy: Policy, subject: Subject, action: Action, request: Request, inspects: bool) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        **policy.known(subject, action.name),
        "request.time": request.time,
        "request.method": request.method,
        "request.headers": dict(request.headers),
        "claims": dict(request.claims),
        "path": {},
        "body": {},
    }
    if inspects:
        attributes["path"] = path_attributes(action.name, request.path)
        attributes["body"] = read_body(action.name, request.headers, request.body).attributes
    return attributes


def _met(check: Check, attributes: Mapping[str, Any], client_address: str) -> bool:
    if check.unless and expression(check.unless).proven(attributes):
        return True
    if check.networks and not _within(client_address, check.networks):
        return False
    if check.reads_body and attributes["body"].get("readable") is not True:
        return False
    return expression(check.condition).proven(attributes)


def _within(address: str, networks: Sequence[str]) -> bool:
    one = ipaddress.ip_address(address)
    return any(one in ipaddress.ip_network(network) for network in networks)


def default_deny(subject: Subject, action: str) -> Decision:
    """Refuse an action that no role grants."""
    return Decision(
        False, RULE_DEFAULT_DENY, subject.name, action, default_deny_message(subject.name, action, list(subject.roles))
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


def unknown_action(name: str) -> Decision:
    """Refuse a request that stands for no action of the catalogue."""
    return Decision(False, RULE_UNKNOWN_ACTION, name, None, unknown_action_message(name))


def unknown_action_message(service: str) -> str:
    """What is told about a method and path that no action has."""
    return (
        f"this method and path are not an action that the gateway knows, so service '{service}' may not call it."
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
