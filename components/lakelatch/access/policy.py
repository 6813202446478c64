"""What decisions are made from: services with what roles grant them, and rules; one for simulator and gateway."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lakelatch.access.actions import ACTIONS, expand
from lakelatch.access.checks import Check, check
from lakelatch.access.rules import Mode, Rule, Selector


@dataclass(frozen=True)
class Subject:
    """A service as decisions see it."""

    name: str
    issuer: str
    """The `iss` of its tokens, to the letter."""
    subject: str
    """The subject claim of its tokens, to the letter."""
    environment: str
    roles: Mapping[str, tuple[str, ...]]
    """Role name to the actions that it lets through."""
    mode: Mode = "enforce"

    @cached_property
    def grants(self) -> Mapping[str, str]:
        """Action to the first role that lets it through."""
        found: dict[str, str] = {}
        for role, actions in self.roles.items():
            for action in actions:
                found.setdefault(action, role)
        return found


@dataclass(frozen=True)
class Policy:
    """Who may do what, as decisions are made from it."""

    subjects: Mapping[str, Subject]
    rules: Mapping[str, Rule] = field(default_factory=dict)
    mode: Mode = "enforce"
    """`observe` for all."""

    @cached_property
    def by_identity(self) -> Mapping[tuple[str, str], Subject]:
        """Issuer and subject to the one service of that identity."""
        return {(one.issuer, one.subject): one for one in self.subjects.values()}

    def observes(self, subject: Subject) -> bool:
        """Whether nothing is refused to a service, only told."""
        return "observe" in (self.mode, subject.mode)

    def checks(self, subject: Subject, action: str) -> tuple[Check, ...]:
        """What the rules ask of a service's requests for an action, in the order of the rules."""
        key = (subject.name, action)
        found = self._checks.get(key)
        if found is None:
            rows = self._about.get(subject.name)
            if rows is None:
                rows = self._about[subject.name] = self.about(subject)
            found = self._checks[key] = tuple(
                check(name, self.rules[name], action)
                for name in rows
                if not self._actions[name] or action in self._actions[name]
            )
        return found

    def known(self, subject: Subject, action: str) -> Mapping[str, object]:
        """What expressions may name and is known before any request."""
        key = (subject.name, action)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = static_attributes(subject, action)
        return found

    @cached_property
    def _known(self) -> dict[tuple[str, str], Mapping[str, object]]:
        return {}

    def about(self, subject: Subject) -> list[str]:
        """The rules that are about a service, whatever it asks for."""
        return [name for name, rule in self.rules.items() if concerns(rule.for_, subject)]

    @cached_property
    def classes(self) -> Mapping[str, str]:
        """Action to its class: within one, every service is decided about alike, so one decision stands for all.

        There are few, however many actions and services there are: as many as roles and rules tell apart. Actions that
        no role grants are in none.
        """
        roles: dict[str, list[str]] = defaultdict(list)
        for role, actions in self._roles.items():
            for action in actions:
                roles[action].append(role)
        names: dict[object, str] = {}
        return {
            action: names.setdefault((tuple(roles[action]), self._told_apart(action)), f"class-{len(names)}")
            for action in sorted(roles)
        }

    @cached_property
    def _roles(self) -> Mapping[str, tuple[str, ...]]:
        """Every role of every service, told apart also where services have roles of one name with other actions."""
        found: dict[tuple[str, ...], str] = {}
        for subject in self.subjects.values():
            for role, actions in subject.roles.items():
                found.setdefault(actions, f"{role} {len(found)}")
        return {name: actions for actions, name in found.items()}

    def _told_apart(self, action: str) -> tuple[object, ...]:
        asked = [
            check(name, rule, action)
            for name, rule in self.rules.items()
            if not self._actions[name] or action in self._actions[name]
        ]
        by_name = any("action" in one.condition for one in asked)
        return (tuple(asked), action if by_name or any(one.inspects for one in asked) else "")

    def inspects(self, subject: Subject) -> bool:
        """Whether a rule about a service speaks of what has to be read out of its requests."""
        return any(one.inspects for action in self.granted(subject).values() for one in self.checks(subject, action))

    def granted(self, subject: Subject) -> Mapping[str, str]:
        """Class to one of its actions, of those that a service's roles grant."""
        found: dict[str, str] = {}
        for action in subject.grants:
            found.setdefault(self.classes[action], action)
        return found

    def inspected(self) -> frozenset[str]:
        """The actions whose requests some rule wants read."""
        return frozenset(
            action
            for subject in self.subjects.values()
            if self.inspects(subject)
            for action in subject.grants
            if any(one.inspects for one in self.checks(subject, action))
        )

    @cached_property
    def _checks(self) -> dict[tuple[str, str], tuple[Check, ...]]:
        return {}

    @cached_property
    def _about(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def _actions(self) -> Mapping[str, frozenset[str]]:
        """Rule to the actions that it is about; empty means all."""
        return {
            name: frozenset(action for pattern in rule.for_.actions for action in expand(pattern))
            for name, rule in self.rules.items()
        }


def concerns(selector: Selector, subject: Subject) -> bool:
    """Whether a rule is about a service, whatever it asks for."""
    return (
        (not selector.services or subject.name in selector.services)
        and (not selector.environments or subject.environment in selector.environments)
        and (not selector.roles or any(role in subject.roles for role in selector.roles))
    )


def static_attributes(subject: Subject, action: str) -> dict[str, object]:
    """What expressions may name and is known before any request."""
    known = ACTIONS[action]
    return {
        "identity.service": subject.name,
        "identity.environment": subject.environment,
        "identity.issuer": subject.issuer,
        "identity.subject": subject.subject,
        "identity.roles": list(subject.roles),
        "action.name": action,
        "action.access": known.access,
    }
