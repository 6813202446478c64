"""Groups of people: who they are at the identity provider, and what they get at Databricks."""

from typing import Annotated, Literal

from pydantic import Field

from lakelatch.access.parts import Part, Text
from lakelatch.access.roles import Group
from lakelatch.access.validation import Name

Assurance = Literal["mfa", "phishing-resistant", "attested-hardware"]
"""How surely a person must have signed in: more than one factor; bound to the site (a passkey or certificate); with a
key whose maker was checked when it was registered."""


class People(Part):
    """A group of people that an identity provider keeps."""

    issuer: Name
    """Who signs their tokens; it must have `users`."""
    identity_provider_group: Text
    """The group at the identity provider, as tokens name it: an id, or a name."""
    group: Group
    """The Databricks group that has them as members, usually synchronised by the identity provider."""
    roles: Annotated[tuple[Name, ...], Field(min_length=1)]
    """What they may do; their group becomes a member of each role's group."""
    assurance: Assurance | None = None
    """How surely they must have signed in."""
