"""People as decisions see them: whoever an issuer's token names, with the roles of their groups.

A token is a person's by what it is made out to, which its issuer's `users` say; its kind is settled when it is
verified (RFC 8725 §3.12). Whoever bears a service's subject is never a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch.access.policy import People, Policy, Subject

SOMEBODY: Final = "somebody"
"""How messages call a person whose user name is not told."""


@dataclass(frozen=True)
class Person:
    """A person whom somebody asks about: what their token names, as far as it was told."""

    people: People
    groups: tuple[str, ...] = ()
    """All of the groups that the token names."""
    user: str | None = None
    """The Databricks user name; None when it is not told."""

    @property
    def groups_attribute(self) -> str:
        """The attribute that holds the groups."""
        return f"claims.{self.people.groups_claim}"

    @property
    def subject(self) -> Subject:
        """The person as decisions see them."""
        roles = roles_of(self.people, {self.people.groups_claim: list(self.groups)})
        return person(self.people, self.user or SOMEBODY, roles)


def people_of_issuer(policy: Policy, issuers: Mapping[str, str], name: str | None) -> People:
    """The people of the issuer of a name, or of the only one that has some; `issuers` has the `iss` of each name.

    Raises:
        ValueError: there is no such issuer, or several and none was named; says what would be right after `; `.

    """
    names = sorted(one for one, issuer in issuers.items() if issuer in policy.people)
    if not names:
        raise ValueError(
            "no people call the gateway; let a group without an `assurance` have a role that has actions in the"
            " gateway's workspace"
        )
    listed = ", ".join(names)
    if name is None and len(names) > 1:
        raise ValueError(f"people of several issuers call the gateway; name one of {listed}")
    if name is not None and name not in names:
        raise ValueError(f"no people of the issuer {name!r} call the gateway; there are those of {listed}")
    return policy.people[issuers[name or names[0]]]


def groups_of(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """The groups that a token names: a list of texts, or one text. Whatever else stands there is no group."""
    value = claims.get(claim)
    rows = value if isinstance(value, list) else [value]
    return tuple(one for one in rows if isinstance(one, str) and one)


def roles_of(people: People, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles of somebody's groups, in the order of their names; none for whoever is in no group of the model."""
    found = {role for group in groups_of(claims, people.groups_claim) for role in people.groups.get(group, ())}
    return tuple(sorted(found))


def person(people: People, user: str, roles: tuple[str, ...]) -> Subject:
    """A person as decisions see them; without roles they have no say in anything."""
    granted = {role: people.roles[role] for role in roles}
    return Subject("", people.issuer, user, people.environment, granted, user=user)
