"""Who exists in the account, who belongs to whom, and who may use the workspace."""

import secrets
from collections.abc import Iterator
from typing import Any, Final

from lakelatch_sandbox.databricks.resource_types import (
    GROUP,
    SERVICE_PRINCIPAL,
    TYPES,
    USER,
    WORKSPACE_GROUP,
    ResourceType,
)
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

ASSIGNMENTS: Final = "databricks/permission_assignments"
ENTITLEMENTS: Final = "databricks/entitlements"
GRANTS: Final = "databricks/grants"
_NAMES: Final = "_databricks/names"
_MEMBER_OF: Final = "_databricks/member_of"

ACCOUNT_ADMIN = "account_admin"
"""The role that the vendor's SCIM API shows for account administrators."""

LEAST_ID, MOST_ID = 10**14, 2**53 - 1
"""Ids have 15 or 16 digits and fit in a double, as the vendor's do; the official plugin rounds larger ones."""


def new_id() -> str:
    """A numeric id, as SCIM ids of the vendor look."""
    return str(LEAST_ID + secrets.randbelow(MOST_ID - LEAST_ID))


def policies_kind(principal_id: str | None) -> str:
    """Where the federation policies of a service principal, or of the account, are kept."""
    return "databricks/federation_policies" + ("" if principal_id is None else f"/{principal_id}")


def secrets_kind(principal_id: str) -> str:
    """Where the OAuth secrets of a service principal are kept."""
    return f"databricks/service_principal_secrets/{principal_id}"


class Directory:
    """Principals as SCIM resources, found by id and by name, with group membership and workspace assignments."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        if not store.count(_NAMES):  # a state that is older than the index
            for type in TYPES:
                for one in self.all(type):
                    self._store.put(_NAMES, f"{type.kind}/{one[type.key]}", {"id": one["id"]})
        if self.by_application(endpoints.admin_client_id) is None:
            admin = {
                "schemas": [SERVICE_PRINCIPAL.schema],
                "id": new_id(),
                "applicationId": endpoints.admin_client_id,
                "displayName": "sandbox account admin",
                "active": True,
                "roles": [{"value": ACCOUNT_ADMIN}],
            }
            self.save(SERVICE_PRINCIPAL, admin)
            self.assign(str(admin["id"]), ["ADMIN"])

    def all(self, type: ResourceType) -> Iterator[Document]:
        """Every resource of a type, oldest first."""
        return self._store.all(type.kind)

    def get(self, id: str, type: ResourceType = SERVICE_PRINCIPAL) -> Document | None:
        """The resource of a type with this SCIM id."""
        return self._store.get(type.kind, id)

    def principal(self, id: str) -> tuple[ResourceType, Document] | None:
        """The user, service principal or group with this id; ids are unique across the types."""
        found = ((type, self._store.get(type.kind, id)) for type in TYPES)
        return next(((type, document) for type, document in found if document is not None), None)

    def by_key(self, type: ResourceType, key: str) -> Document | None:
        """The resource of a type with this name: application id, user name, or a group's display name."""
        found = self._store.get(_NAMES, f"{type.kind}/{key}")
        return None if found is None else self.get(found["id"], type)

    def by_application(self, application_id: str) -> Document | None:
        """The service principal with this application id, which is its OAuth client id."""
        return self.by_key(SERVICE_PRINCIPAL, application_id)

    def by_name(self, name: str) -> tuple[ResourceType, Document] | None:
        """Whom a token's `sub` names: a service principal by its application id, a user by the user name."""
        for type in (SERVICE_PRINCIPAL, USER):
            found = self.by_key(type, name)
            if found is not None:
                return type, found
        return None

    def new_id(self) -> str:
        """An id that no principal has."""
        id = new_id()
        while self.principal(id) is not None:
            id = new_id()
        return id

    def save(self, type: ResourceType, resource: Document) -> Document:
        """Create or replace a resource; names and membership follow."""
        id, key = resource["id"], resource[type.key]
        old = self.get(id, type)
        if old is not None and old[type.key] != key:
            self._store.delete(_NAMES, f"{type.kind}/{old[type.key]}")
        self._store.put(_NAMES, f"{type.kind}/{key}", {"id": id})
        if type in (GROUP, WORKSPACE_GROUP):
            before, after = _members(old or {}), _members(resource)
            for member in after - before:
                self._store.put(_MEMBER_OF, member, {"groups": sorted({*self._parents(member), id})})
            for member in before - after:
                self._forget_member(member, id)
        return self._store.put(type.kind, id, _without_empty_lists(resource))

    def delete(self, type: ResourceType, resource: Document) -> None:
        """Remove a resource with everything that hangs on it: policies, secrets, grants, memberships, assignment."""
        id = resource["id"]
        for kind in (policies_kind(id), secrets_kind(id)):
            for document in self._store.all(kind):
                self._store.delete(kind, document.get("policy_id") or document["id"])
        for member in _members(resource):
            self._forget_member(member, id)
        for parent in self._parents(id):
            for kind in (GROUP.kind, WORKSPACE_GROUP.kind):
                group = self._store.get(kind, parent)
                if group is not None:
                    left = [one for one in group.get("members", []) if one["value"] != id]
                    self._store.put(kind, parent, _without_empty_lists({**group, "members": left}))
        self._store.delete(_MEMBER_OF, id)
        for grant in self._store.all(GRANTS):
            if id in grant["privileges"]:
                self.save_grant({**grant, "privileges": {k: v for k, v in grant["privileges"].items() if k != id}})
        self.unassign(id)
        self._store.delete(_NAMES, f"{type.kind}/{resource[type.key]}")
        self._store.delete(type.kind, id)

    def _forget_member(self, member: str, group: str) -> None:
        left = [one for one in self._parents(member) if one != group]
        if left:
            self._store.put(_MEMBER_OF, member, {"groups": left})
        else:
            self._store.delete(_MEMBER_OF, member)

    def _parents(self, id: str) -> list[str]:
        found = self._store.get(_MEMBER_OF, id)
        return [] if found is None else list(found["groups"])

    def groups_of(self, id: str, *, direct: bool = False) -> list[Document]:
        """The groups that a principal belongs to, nested ones included; the direct ones first."""
        seen: dict[str, Document] = {}
        waiting = self._parents(id)
        while waiting:
            next_id = waiting.pop(0)
            group = self.get(next_id, GROUP) or self.get(next_id, WORKSPACE_GROUP)
            if group is not None and group["id"] not in seen:
                seen[group["id"]] = group
                if not direct:
                    waiting += self._parents(group["id"])
        return list(seen.values())

    def assign(self, principal_id: str, permissions: list[str]) -> Document:
        """Give a principal these permissions in the workspace, in place of those it had."""
        return self._store.put(ASSIGNMENTS, principal_id, {"principal_id": principal_id, "permissions": permissions})

    def unassign(self, principal_id: str) -> bool:
        """Take the workspace from a principal, and what it was entitled to there; False when it did not have it."""
        self._store.delete(ENTITLEMENTS, principal_id)
        return self._store.delete(ASSIGNMENTS, principal_id)

    def assignments(self) -> Iterator[Document]:
        """Every assignment, oldest first."""
        return self._store.all(ASSIGNMENTS)

    def permissions(self, principal_id: str) -> list[str]:
        """What a principal may do in the workspace, by itself or through its groups: `USER`, `ADMIN`, or nothing."""
        found = [self._store.get(ASSIGNMENTS, principal_id)]
        if found[0] is None or "ADMIN" not in found[0]["permissions"]:
            found += [self._store.get(ASSIGNMENTS, group["id"]) for group in self.groups_of(principal_id)]
        return sorted({one for assignment in found if assignment for one in assignment["permissions"]})

    def save_grant(self, grant: Document) -> None:
        """Keep the privileges on a securable: principal id to privileges; one without any is forgotten."""
        held = {id: privileges for id, privileges in grant["privileges"].items() if privileges}
        id = f"{grant['securable_type']}/{grant['full_name']}"
        if held:
            self._store.put(GRANTS, id, {**grant, "privileges": held})
        else:
            self._store.delete(GRANTS, id)

    def is_account_admin(self, principal: Document) -> bool:
        """Whether a principal administers the account, by itself or through a group."""
        return any(
            role.get("value") == ACCOUNT_ADMIN
            for one in (principal, *self.groups_of(principal["id"]))
            for role in one.get("roles", ())
        )


def _without_empty_lists(resource: Document) -> Document:
    """A resource without the lists that became empty: unassigned and empty are one state (RFC 7643 §2.5)."""
    return {name: value for name, value in resource.items() if value != []}


def _members(group: dict[str, Any]) -> set[str]:
    return {one["value"] for one in group.get("members", ())}
