"""What must hold between rules and the rest of the model."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakelatch.access.actions import ACTIONS, expand
from lakelatch.access.validation import Location, one_of

if TYPE_CHECKING:
    from lakelatch.access.consistency import Contradiction
    from lakelatch.access.model import AccessModel


def contradictions(model: "AccessModel") -> Iterator["Contradiction"]:
    """Everything that does not hold between rules and what they are about."""
    for name, rule in model.rules.items():
        at: Location = ("rules", name)
        if model.gateway is None:
            yield at, "would be asked by nobody: there is no gateway", "add a `gateway`, or take the rule away"
        environments = {workspace.environment for workspace in model.workspaces.values()}
        known: dict[str, set[str]] = {
            "services": set(model.gateway_services()),
            "roles": set(model.roles),
            "environments": environments,
        }
        for key, there in known.items():
            for index, one in enumerate(getattr(rule.for_, key)):
                if one not in there:
                    wrong = f"names {one!r}, which no service via the gateway has"
                    yield (*at, "for", key, index), wrong, one_of(there)
        for index, action in enumerate(rule.for_.actions):
            if not expand(action):
                wrong = f"names the action {action!r}, which the catalogue does not have"
                yield (*at, "for", "actions", index), wrong, f"{one_of(ACTIONS)}, or `service.*`"
