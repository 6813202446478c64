"""Who may do what in Graph: the permissions of which one is enough, and those that reach only what one owns.

From learn.microsoft.com/graph/permissions-reference and the permission tables of each operation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.errors import denied
from lakelatch_sandbox.graph.schema import Document

OWNED_BY = "Application.ReadWrite.OwnedBy"
"""Create applications and service principals, read all of them, and change those of which the caller is an owner."""


@dataclass(frozen=True)
class Requirement:
    """What a caller must hold: one of the sets, wholly."""

    any_of: tuple[frozenset[str], ...]
    owned: Callable[[Directory, str], Document] | None = None
    """Finds the object of the request by its id; with it, `OWNED_BY` is enough for one who owns that object."""

    def check(self, held: frozenset[str], caller: str, directory: Directory, id: str | None) -> None:
        """Raise `GraphError` (403) unless the caller's permissions are enough; `id` is the one in the path."""
        enough = any(wanted <= held for wanted in self.any_of)
        if not enough and self.owned is not None and OWNED_BY in held and id is not None:
            enough = caller in self.owned(directory, id)["owners"]
        if not enough:
            raise denied()


def either(*permissions: str) -> Requirement:
    """Any one of these."""
    return Requirement(tuple(frozenset({one}) for one in permissions))


def owning(kind: str) -> Requirement:
    """To change an object of this kind: the right to change all of them, or to be its owner."""
    return Requirement(
        (frozenset({"Application.ReadWrite.All"}), frozenset({"Directory.ReadWrite.All"})),
        owned=lambda directory, id: directory.get(kind, id),
    )


READ_APPLICATIONS = either(
    "Application.Read.All", OWNED_BY, "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"
)
CREATE_APPLICATIONS = either(OWNED_BY, "Application.ReadWrite.All", "Directory.ReadWrite.All")
GRANT_ROLES = either("AppRoleAssignment.ReadWrite.All")
"""Giving a role takes a permission of its own: `Application.ReadWrite.All` is not enough."""
READ_ROLES = Requirement((*READ_APPLICATIONS.any_of, *GRANT_ROLES.any_of))

READ_DELEGATED_GRANTS = either(
    "Directory.Read.All", "DelegatedPermissionGrant.Read.All", "DelegatedPermissionGrant.ReadWrite.All"
)
WRITE_DELEGATED_GRANTS = either("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")

READ_GROUPS = either(
    "GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"
)
CREATE_GROUPS = either("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_GROUPS = either("Group.ReadWrite.All", "Directory.ReadWrite.All")
WRITE_MEMBERS = either("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")

READ_USERS = either("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
WRITE_USERS = either("User.ReadWrite.All", "Directory.ReadWrite.All")
READ_DIRECTORY = either(
    "Directory.Read.All", "Directory.ReadWrite.All", "Application.Read.All", "Application.ReadWrite.All", OWNED_BY
)

READ_POLICIES = either("Policy.Read.All", "Policy.Read.ConditionalAccess")
WRITE_POLICIES = Requirement((frozenset({"Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"}),))
"""Conditional Access wants both: what is written is read as well."""
WRITE_STRENGTHS = either("Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess")
WRITE_CONTEXTS = either("AuthenticationContext.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess")
READ_CONTEXTS = either("AuthenticationContext.Read.All", *(next(iter(one)) for one in READ_POLICIES.any_of))
