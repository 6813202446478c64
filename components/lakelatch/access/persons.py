"""People as decisions see them: whoever an issuer's token names, with the roles of their groups.

A token is a person's by what it is made out to, which its issuer's `users` say; its kind is settled when it is
verified (RFC 8725 §3.12). Whoever bears a service's subject is never a person.
"""

from collections.abc import Mapping
from typing import Any

from lakelatch.access.policy import People, Subject


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
