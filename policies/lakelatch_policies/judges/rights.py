"""What a principal may do, as far as a stack says it: whether it may write."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lakelatch_policies.judges import types
from lakelatch_policies.reading import items
from lakelatch_policies.relation import Stack, plain, referred, value

PRINCIPAL: Final = "databricks:index/servicePrincipal:ServicePrincipal"
ENTRA_PRINCIPAL: Final = "azuread:index/servicePrincipal:ServicePrincipal"
NAMES: Final = {
    PRINCIPAL: ("id", "applicationId", "aclPrincipalId"),
    "databricks:index/group:Group": ("id", "displayName", "aclPrincipalId"),
    ENTRA_PRINCIPAL: ("id", "clientId", "objectId"),
    types.ENTRA_APPLICATION: ("id", "clientId", "objectId"),
    "azuread:index/applicationRegistration:ApplicationRegistration": ("id", "clientId", "objectId"),
    "azure-native:managedidentity:UserAssignedIdentity": ("id", "clientId", "principalId", "resourceName"),
    "azure:authorization/userAssignedIdentity:UserAssignedIdentity": ("id", "clientId", "principalId"),
}
"""What others name a principal, an application, an identity or a group by."""
GROUP_MEMBERS: Final = "databricks:index/groupMember:GroupMember"
READING: Final = frozenset(
    {"SELECT", "BROWSE", "USE_CATALOG", "USE_SCHEMA", "READ_VOLUME", "READ_FILES", "USE_CONNECTION", "USE_SHARE"}
)
"""Unity Catalog privileges that change nothing."""
VIEWING: Final = frozenset({"CAN_VIEW", "CAN_READ", "CAN_MONITOR", "CAN_QUERY"})
"""Permission levels that change nothing; CAN_USE runs statements."""
READER: Final = r"\bReader$|acdd72a7-3385-48ef-bd42-f606fba81ae7"
"""Azure's Reader, by name or id."""


def aliases(stack: Stack, names: set[str]) -> set[str]:
    """All names of a principal: its URN, its ids, and those of the groups that it is in."""
    found = set(names)
    for token, ids in NAMES.items():
        for resource in stack.get(token, ()):
            own = {plain(one) for one in (value(resource, name) for name in ids) if isinstance(one, (str, float))}
            if resource.urn in found or own & found:
                found |= own | {resource.urn}
    grown = set(found)
    for resource in stack.get(ENTRA_PRINCIPAL, ()):
        if referred(resource, "clientId") & found:
            grown.add(resource.urn)
    for resource in stack.get(GROUP_MEMBERS, ()):
        if referred(resource, "memberId") & found:
            grown |= referred(resource, "groupId")
    return grown if grown == names else aliases(stack, grown)


def write(stack: Stack, names: set[str]) -> str | None:
    """Say what a principal may write, or None when the stack gives it nothing of the kind."""
    return next((reason for reason, owners in _rights(stack) if owners & names), None)


def _rights(stack: Stack) -> Iterator[tuple[str, set[str]]]:
    for resource in stack.get(types.WORKSPACE_ASSIGNMENT, ()):
        if "ADMIN" in items(value(resource, "permissions")):
            yield "administers a workspace", referred(resource, "principalId")
    for resource in stack.get("databricks:index/permissionAssignment:PermissionAssignment", ()):
        if "ADMIN" in items(value(resource, "permissions")):
            yield "administers a workspace", referred(resource, "principalId", "servicePrincipalName")
    for resource in stack.get("databricks:index/servicePrincipalRole:ServicePrincipalRole", ()):
        yield "has a role of the account", referred(resource, "servicePrincipalId")
    for resource in stack.get("databricks:index/grant:Grant", ()):
        if _other(value(resource, "privileges"), READING):
            yield "may write in Unity Catalog", referred(resource, "principal")
    for resource in stack.get("databricks:index/grants:Grants", ()):
        for grant in items(value(resource, "grants")):
            if _other(grant.get("privileges"), READING):
                yield "may write in Unity Catalog", {str(grant.get("principal"))} | referred(resource, "grants")
    for resource in stack.get("databricks:index/permissions:Permissions", ()):
        for rule in items(value(resource, "accessControls")):
            if rule.get("permissionLevel") not in VIEWING:
                named = {str(rule.get(name)) for name in ("servicePrincipalName", "groupName") if rule.get(name)}
                yield "may change or run an object", named | referred(resource, "accessControls")
    for token in (
        "azure-native:authorization:RoleAssignment",
        "azure:authorization/assignment:Assignment",
    ):
        for resource in stack.get(token, ()):
            role = value(resource, "roleDefinitionName") or value(resource, "roleDefinitionId") or ""
            if not re.search(READER, str(role)):
                yield "has a role in Azure", referred(resource, "principalId")


def _other(values: Iterable[str] | None, harmless: frozenset[str]) -> bool:
    return any(str(one).upper().replace(" ", "_") not in harmless for one in items(values))
