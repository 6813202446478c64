"""Who may do what: the reference that the compiled routes follow and the tests hold live Envoy against.

Decision order of this version: known identity, known action, role grants, else deny. Every decision names its rule.
"""

from dataclasses import dataclass
from typing import Final

from lakelatch.access.actions import ACTIONS, Action, action_of
from lakelatch.envoy.config import GatewayConfig, GatewayService

RULE_AUTHENTICATION: Final = "authentication"
RULE_UNKNOWN_IDENTITY: Final = "unknown-identity"
RULE_UNKNOWN_ACTION: Final = "unknown-action"
RULE_DEFAULT_DENY: Final = "default-deny"
RULE_NO_TOKEN: Final = "databricks-token"  # noqa: S105 - the name of a rule
RULE_ENDPOINT: Final = "public-endpoint"
RULE_PROTOCOL: Final = "protocol"
RULE_AUDIT: Final = "audit"
RULE_QUERY_TOKEN: Final = "token-in-query"  # noqa: S105 - the name of a rule


@dataclass(frozen=True)
class Decision:
    """What was decided about one request, by which rule, and what to tell the caller when it was refused."""

    allowed: bool
    rule: str
    service: str | None = None
    action: str | None = None
    message: str = ""


def decide(config: GatewayConfig, *, method: str, path: str, issuer: str, subject: str) -> Decision:
    """Decide about a request of a verified identity.

    `path` is normalised (RFC 3986 §6.2.2, no dot segments, single slashes) and has no query; `issuer` and `subject` are
    the verified `iss` and `sub` claims, compared to the letter.
    """
    name = service_of(config, issuer, subject)
    if name is None:
        return unknown_identity()
    action = action_of(method, path)
    return unknown_action(name) if action is None else decide_action(name, config.services[name], action)


def service_of(config: GatewayConfig, issuer: str, subject: str) -> str | None:
    """The service with this identity; the configuration sees to it that there is at most one."""
    for name, service in config.services.items():
        if service.subject == subject and config.issuers[service.issuer].issuer == issuer:
            return name
    return None


def decide_action(name: str, service: GatewayService, action: Action) -> Decision:
    """Decide whether a service's roles let an action through; the first role that does is the rule."""
    for role, actions in service.roles.items():
        if action.name in actions:
            return Decision(True, f"role:{role}", name, action.name)
    roles = ", ".join(f"'{role}'" for role in service.roles) or "none"
    summary = action.summary[:1].lower() + action.summary[1:]
    message = (
        f"service '{name}' may not call '{action.name}' ({summary}): no role of it has this action."
        f" Its roles: {roles}. Add '{action.name}' to one of them, or give the service a role that has it."
    )
    return Decision(False, RULE_DEFAULT_DENY, name, action.name, message)


def unknown_action(name: str) -> Decision:
    """Refuse a request that stands for no action of the catalogue."""
    message = (
        f"this method and path are not an action that the gateway knows, so service '{name}' may not call it."
        f" The gateway lets {len(ACTIONS)} actions through; see the action reference for their methods and paths."
    )
    return Decision(False, RULE_UNKNOWN_ACTION, name, None, message)


def unknown_identity() -> Decision:
    """Refuse an identity that is verified but belongs to no service."""
    message = (
        "the token is valid, but its issuer and subject belong to no service of this gateway."
        " Both are compared to the letter: add a service with exactly this subject to the access model, or use the"
        " token of one that is there."
    )
    return Decision(False, RULE_UNKNOWN_IDENTITY, message=message)
