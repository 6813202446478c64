"""What must hold between the parts of a model: names that exist, identities that differ, trusts that are exact."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakelatch.access import account_rules, attribute_rules, gateway_rules, role_rules, service_rules
from lakelatch.access.key_sets import weaknesses
from lakelatch.access.validation import Location

if TYPE_CHECKING:
    from lakelatch.access.model import AccessModel

Contradiction = tuple[Location, str, str]
"""Where, what is wrong, what would be right."""


def contradictions(model: "AccessModel") -> list[Contradiction]:
    """Everything that does not hold together in a model whose structure is right."""
    found = [*_account(model), *_issuers(model)]
    for rules in (account_rules, gateway_rules, role_rules, service_rules, attribute_rules):
        found += rules.contradictions(model)
    return found


def _account(model: "AccessModel") -> Iterator[Contradiction]:
    ids: dict[str, str] = {}
    for name, workspace in model.workspaces.items():
        first = ids.setdefault(workspace.id, name)
        # The local stack lays one double over every workspace, address and all; two names for one are no mistake there.
        if first != name and model.workspaces[first].host != workspace.host:
            yield ("workspaces", name, "id"), f"is the id of workspace {first!r} as well", "each has an id of its own"
        if workspace.stack is not None and model.account.stack is None:
            wrong = "has an owner, but the account has none"
            yield ("workspaces", name, "stack"), wrong, "say which stack owns account-wide objects: `account.stack`"


def _issuers(model: "AccessModel") -> Iterator[Contradiction]:
    for name, issuer in model.issuers.items():
        for position, reason in weaknesses(issuer.keys[1]):
            where = ("issuers", name, "jwks_json")
            yield where, f"{reason}{f' (at {position})' if position else ''}", "publish RSA (2048 bits) or P-256 keys"
        if issuer.keys[0] and issuer.keys[1]:
            wrong = "stands beside `jwks_uri`"
            yield ("issuers", name, "jwks_json"), wrong, "keep one: keys are either fetched or written down"
