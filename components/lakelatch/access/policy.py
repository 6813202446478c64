"""What decisions are made from: services and people with what roles grant them, and rules; one for simulator and
gateway.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lakelatch.access.actions import ACTIONS, expand
from lakelatch.access.checks import Check, check
from lakelatch.access.rules import Mode, Rule, Selector


@dataclass(frozen=True)
class Subject:
    """A service, or a person, as decisions see it."""

    name: str
    """The service's name; empty for a person, as no service's is."""
    issuer: str
    """The `iss` of its tokens, to the letter."""
    subject: str
    """The subject claim of its tokens, to the letter."""
    environment: str
    roles: Mapping[str, tuple[str, ...]]
    """Role name to the actions that it lets through."""
    mode: Mode = "enforce"
    user: str | None = None
    """The Databricks user that a person is."""

    @property
    def service(self) -> str | None:
        """The service's name; None for a person."""
        return self.name or None

    @cached_property
    def key(self) -> tuple[str, ...]:
        """What rules tell it apart by, whatever is asked: a service's name, or a person's roles."""
        return (self.name,) if self.user is None else ("", self.issuer, *self.roles)

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"service '{self.name}'" if self.user is None else f"user '{self.user}'"

    @cached_property
    def grants(self) -> Mapping[str, str]:
        """Action to the first role that lets it through."""
        found: dict[str, str] = {}
        for role, actions in self.roles.items():
            for action in actions:
                found.setdefault(action, role)
        return found


@dataclass(frozen=True)
class People:
    """The people of one issuer as decisions see them."""

    issuer: str
    """The `iss` of their tokens, to the letter."""
    groups: Mapping[str, tuple[str, ...]]
    """Group at the identity provider, as tokens name it, to the roles of its members."""
    roles: Mapping[str, tuple[str, ...]]
    """Role name to the actions that it lets through, in the order of the names."""
    groups_claim: str = "groups"
    """The claim that holds somebody's groups."""
    environment: str = "production"


@dataclass(frozen=True)
class Policy:
    """Who may do what, as decisions are made from it."""

    subjects: Mapping[str, Subject]
    rules: Mapping[str, Rule] = field(default_factory=dict)
    mode: Mode = "enforce"
    """`observe` for all."""
    people: Mapping[str, People] = field(default_factory=dict)
    """By the `iss` of their tokens."""

    @cached_property
    def borne(self) -> frozenset[str]:
        """Subjects of services, of any issuer, in lower case: whoever bears one is no person."""
        return frozenset(one.subject.lower() for one in self.subjects.values())

    @cached_property
    def by_identity(self) -> Mapping[tuple[str, str], Subject]:
        """Issuer and subject to the one service of that identity."""
        return {(one.issuer, one.subject): one for one in self.subjects.values()}

    def observes(self, subject: Subject) -> bool:
        """Whether nothing is refused to a service, only told."""
        return "observe" in (self.mode, subject.mode)

    def checks(self, subject: Subject, action: str) -> tuple[Check, ...]:
        """What the rules ask of somebody's requests for an action, in the order of the rules."""
        key = (subject.key, action)
        found = self._checks.get(key)
        if found is None:
            rows = self._about.get(subject.key)
            if rows is None:
                rows = self._about[subject.key] = self.about(subject)
            found = self._checks[key] = self.asked(rows, action)
        return found

    def asked(self, rules: Iterable[str], action: str) -> tuple[Check, ...]:
        """What rules ask of requests for an action, without those that are about other actions."""
        return tuple(
            check(name, self.rules[name], action)
            for name in rules
            if not self._actions[name] or action in self._actions[name]
        )

    def known(self, subject: Subject, action: str) -> Mapping[str, object]:
        """What expressions may name and is known before any request."""
        if subject.user is not None:  # of people there is no end
            return static_attributes(subject, action)
        key = (subject.name, action)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = static_attributes(subject, action)
        return found

    @cached_property
    def _known(self) -> dict[tuple[str, str], Mapping[str, object]]:
        return {}

    def about(self, subject: Subject) -> list[str]:
        """The rules that are about somebody, whatever they ask for."""
        return [name for name, rule in self.rules.items() if concerns(rule.for_, subject)]

    def about_people(self, people: People) -> list[str]:
        """The rules that are about some of an issuer's people: of a rule with roles, those who have one of them."""
        everybody = Subject("", people.issuer, "", people.environment, people.roles, user="")
        return self.about(everybody)

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
        for granted in (*(one.roles for one in self.subjects.values()), *(one.roles for one in self.people.values())):
            for role, actions in granted.items():
                found.setdefault(actions, f"{role} {len(found)}")
        return {name: actions for actions, name in found.items()}

    def _told_apart(self, action: str) -> tuple[object, ...]:
        asked = self.asked(self.rules, action)
        by_name = any("action" in one.condition for one in asked)
        return (asked, action if by_name or any(one.inspects for one in asked) else "")

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
        of_people = (
            action
            for people in self.people.values()
            if (rules := self.about_people(people))
            for action in {action for actions in people.roles.values() for action in actions}
            if any(one.inspects for one in self.asked(rules, action))
        )
        of_services = (
            action
            for subject in self.subjects.values()
            if self.inspects(subject)
            for action in subject.grants
            if any(one.inspects for one in self.checks(subject, action))
        )
        return frozenset((*of_services, *of_people))

    @cached_property
    def _checks(self) -> dict[tuple[tuple[str, ...], str], tuple[Check, ...]]:
        return {}

    @cached_property
    def _about(self) -> dict[tuple[str, ...], list[str]]:
        return {}

    @cached_property
    def _actions(self) -> Mapping[str, frozenset[str]]:
        """Rule to the actions that it is about; empty means all."""
        return {
            name: frozenset(action for pattern in rule.for_.actions for action in expand(pattern))
            for name, rule in self.rules.items()
        }


def concerns(selector: Selector, subject: Subject) -> bool:
    """Whether a rule is about somebody, whatever they ask for; one that names services is about no person."""
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
