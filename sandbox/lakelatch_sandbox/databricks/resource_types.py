"""The three kinds of principals as SCIM resource types (RFC 7643 §6), with the vendor's attributes and messages."""

from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True)
class ResourceType:
    """One SCIM resource type. What is not named here is not kept."""

    name: str
    collection: str
    """The last part of its path."""
    kind: str
    """Where the store keeps it."""
    key: str
    """The attribute that no two resources share, by which grants and tokens name the principal."""
    called: str
    taken: str
    """The vendor's message when the key is taken; the official plugin compares it word by word to adopt by `force`."""
    lists: tuple[str, ...]
    """Multi-valued attributes of `{"value": ...}`."""
    texts: tuple[str, ...] = ("displayName", "externalId")
    has_active: bool = True
    has_person: bool = False
    """Whether it has `name` and `emails`."""
    schema: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", f"urn:ietf:params:scim:schemas:core:2.0:{self.name}")

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute that a client may set."""
        person = ("name", "emails") if self.has_person else ()
        active = ("active",) if self.has_active else ()
        return (*dict.fromkeys((self.key, *self.texts)), *active, *person, *self.lists)


SERVICE_PRINCIPAL: Final = ResourceType(
    name="ServicePrincipal",
    collection="ServicePrincipals",
    kind="databricks/service_principals",
    key="applicationId",
    called="Service principal",
    taken="Service principal with application ID {} already exists.",
    lists=("entitlements", "roles"),
)

USER: Final = ResourceType(
    name="User",
    collection="Users",
    kind="databricks/users",
    key="userName",
    called="User",
    taken="User with username {} already exists.",
    lists=("entitlements", "roles"),
    has_person=True,
)

GROUP: Final = ResourceType(
    name="Group",
    collection="Groups",
    kind="databricks/groups",
    key="displayName",
    called="Group",
    taken="Group with name {} already exists.",
    lists=("members", "entitlements", "roles"),
    has_active=False,
)

WORKSPACE_GROUP: Final = replace(GROUP, kind="databricks/workspace_groups")
"""A group that one workspace alone knows: `users` and `admins`, and what its own SCIM API makes."""

TYPES: Final = (SERVICE_PRINCIPAL, USER, GROUP, WORKSPACE_GROUP)
