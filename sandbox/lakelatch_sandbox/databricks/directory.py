"""Who exists in the account and who may use the workspace."""

import secrets
from collections.abc import Iterator
from typing import Any

from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

PRINCIPALS = "databricks/service_principals"
ASSIGNMENTS = "databricks/permission_assignments"
_BY_APPLICATION = "_databricks/application_ids"

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


class Directory:
    """Service principals as SCIM resources, found by id and by application id, and their workspace assignments."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        if self.by_application(endpoints.admin_client_id) is None:
            admin = {
                "id": new_id(),
                "applicationId": endpoints.admin_client_id,
                "displayName": "sandbox account admin",
                "active": True,
                "roles": [{"value": ACCOUNT_ADMIN}],
            }
            self.save(admin)
            self.assign(str(admin["id"]), ["ADMIN"])

    def all(self) -> Iterator[Document]:
        """Every service principal, oldest first."""
        return self._store.all(PRINCIPALS)

    def get(self, id: str) -> Document | None:
        """The service principal with this SCIM id."""
        return self._store.get(PRINCIPALS, id)

    def by_application(self, application_id: str) -> Document | None:
        """The service principal with this application id, which is its OAuth client id."""
        found = self._store.get(_BY_APPLICATION, application_id)
        return None if found is None else self.get(found["id"])

    def save(self, principal: Document) -> Document:
        """Create or replace a service principal. Its application id never changes."""
        self._store.put(_BY_APPLICATION, principal["applicationId"], {"id": principal["id"]})
        return self._store.put(PRINCIPALS, principal["id"], principal)

    def delete(self, principal: Document) -> None:
        """Remove a service principal with everything that hangs on it: policies and assignment."""
        id = principal["id"]
        kind = policies_kind(id)
        for policy in self._store.all(kind):
            self._store.delete(kind, policy["policy_id"])
        self._store.delete(ASSIGNMENTS, id)
        self._store.delete(_BY_APPLICATION, principal["applicationId"])
        self._store.delete(PRINCIPALS, id)

    def assign(self, principal_id: str, permissions: list[str]) -> Document:
        """Give a principal these permissions in the workspace, in place of those it had."""
        return self._store.put(ASSIGNMENTS, principal_id, {"principal_id": principal_id, "permissions": permissions})

    def unassign(self, principal_id: str) -> bool:
        """Take the workspace from a principal; False when it did not have it."""
        return self._store.delete(ASSIGNMENTS, principal_id)

    def assignments(self) -> Iterator[Document]:
        """Every assignment, oldest first."""
        return self._store.all(ASSIGNMENTS)

    def permissions(self, principal_id: str) -> list[str]:
        """What a principal may do in the workspace: `USER`, `ADMIN`, or nothing."""
        found = self._store.get(ASSIGNMENTS, principal_id)
        return [] if found is None else list(found["permissions"])


def is_account_admin(principal: dict[str, Any]) -> bool:
    """Whether a service principal administers the account."""
    return any(role.get("value") == ACCOUNT_ADMIN for role in principal.get("roles", ()))
