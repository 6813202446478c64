"""What a diff compares: who may do what, whom Databricks and the gateway trust, and how long things live."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Final, NamedTuple

from lakelatch.access.evidence import named
from lakelatch.access.model_policy import unknown_subject
from lakelatch.access.persons import person, roles_of
from lakelatch.access.policy import Policy
from lakelatch.access.reach import Reach, Reaches
from lakelatch.access.summary import Trusted


class Identity(NamedTuple):
    """Who asks, as the gateway tells them apart."""

    issuer: str
    """The `iss`, to the letter."""
    subject: str = ""
    """The subject claim of a service's tokens; empty for people."""
    claim: str = ""
    """For people, the claim that names their groups."""
    groups: tuple[str, ...] = ()
    """For people, the groups that their token names, in order."""


MEMBER: Final = "member"
"""The right to whatever else a group has."""


@dataclass(frozen=True)
class Right:
    """Something that a Databricks group has, and everybody in it with it."""

    who: str
    kind: str
    """`service`, `people`, or `group` where only the group is known."""
    what: str
    """`MEMBER`, or as in `SELECT on schema main.sales` or `entitlement databricks-sql-access`."""
    group: str
    workspace: str = ""


@dataclass(frozen=True)
class Life:
    """How long something lives."""

    what: str
    seconds: int | None
    """None: it never ends."""


@dataclass(frozen=True)
class Setting:
    """Something else that is said of somebody, or of all."""

    what: str
    value: str
    """In words."""
    looseness: float | None = None
    """The more, the looser; None where values are only different."""


@dataclass(frozen=True)
class Snapshot:
    """One side of a comparison."""

    policy: Policy = field(default_factory=lambda: Policy({}))
    """What the gateway decides from."""
    people: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Issuer and group as tokens name it, to the name of the people."""
    trusts: tuple[Trusted, ...] = ()
    rights: tuple[Right, ...] = ()
    lives: tuple[Life, ...] = ()
    settings: tuple[Setting, ...] = ()
    round_it: frozenset[tuple[str, str]] = frozenset()
    """Who goes round the gateway, so that nothing checks their actions: `service` or `people`, and the name."""
    unseen: tuple[str, ...] = ()
    """What could not be read, in words."""

    @cached_property
    def services(self) -> Mapping[Identity, str]:
        """The identities of services, with the services' names."""
        return {Identity(one.issuer, one.subject): name for name, one in self.policy.subjects.items()}

    def identities(self) -> Iterator[Identity]:
        """Everybody whom decisions tell apart: services, and people by their group."""
        yield from self.services
        for people in self.policy.people.values():
            for group in people.groups:
                yield Identity(people.issuer, "", people.groups_claim, (group,))

    def pairs(self) -> Iterator[Identity]:
        """People of two groups, where a rule is about some roles alone; elsewhere single groups tell everything.

        Of people in more groups all that is told follows from every two of them: granted is what one of them has, asked
        is what is asked of any. Only a condition over `identity.roles` may see more than two.
        """
        if not any(rule.for_.roles or _of_roles(rule) for rule in self.policy.rules.values()):
            return
        for people in self.policy.people.values():
            for two in combinations(sorted(people.groups), 2):
                yield Identity(people.issuer, "", people.groups_claim, two)

    def reach(self, identity: Identity) -> Reach | None:
        """What an identity may do; None for one that is nobody here."""
        if not identity.groups:
            name = self.services.get(identity)
            if name is None:
                return None
            subject = self.policy.subjects[name]
            return self._reaches.of(subject, known=subject.subject != unknown_subject(name))
        people = self.policy.people.get(identity.issuer)
        if people is None or people.groups_claim != identity.claim:
            return None
        roles = roles_of(people, {identity.claim: list(identity.groups)})
        return self._reaches.of(person(people, SOMEBODY, roles), known=False) if roles else None

    @cached_property
    def _reaches(self) -> Reaches:
        return Reaches(self.policy)


SOMEBODY: Final = "somebody"
"""Stands for the name of a person, whichever it is."""


def _of_roles(rule: object) -> bool:
    texts = (getattr(rule, "deny", None), getattr(rule, "require", None))
    return any("identity.roles" in named(text) for text in texts if isinstance(text, str))
