"""What principals may use in the workspace beyond being let in: kept by the workspace, shared through groups."""

from typing import Final

from lakelatch_sandbox.databricks.directory import ENTITLEMENTS, Directory
from lakelatch_sandbox.databricks.resource_types import WORKSPACE_GROUP
from lakelatch_sandbox.databricks.scim import bad
from lakelatch_sandbox.store import Document, Store

KNOWN: Final = (
    "workspace-access",
    "databricks-sql-access",
    "allow-cluster-create",
    "allow-instance-pool-create",
    "workspace-consume",
)

USERS, ADMINS = "users", "admins"
"""Every principal of a workspace is in `users`, its administrators in `admins`; neither group can be changed."""

DEFAULT: Final = ("workspace-access", "databricks-sql-access")
"""What `users` has in a fresh workspace, and so everyone in it."""


class Entitlements:
    """The entitlements of one workspace."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory
        for name, granted in ((USERS, DEFAULT), (ADMINS, KNOWN[:4])):
            if directory.by_key(WORKSPACE_GROUP, name) is None:
                made: Document = {"schemas": [WORKSPACE_GROUP.schema], "id": directory.new_id(), "displayName": name}
                directory.save(WORKSPACE_GROUP, made)
                self.grant(made["id"], [{"value": one} for one in granted])

    def of(self, id: str) -> list[Document]:
        """The principal's own, as SCIM shows them."""
        found = self._store.get(ENTITLEMENTS, id)
        return [] if found is None else list(found["entitlements"])

    def grant(self, id: str, entitlements: list[Document]) -> None:
        """Give a principal these, in place of those it had; raises `ScimError` 400 for one that does not exist."""
        for one in entitlements:
            if one["value"] not in KNOWN:
                raise bad(f"Entitlement {one['value'][:100]} is not one of {', '.join(KNOWN)}")
        if entitlements:
            self._store.put(ENTITLEMENTS, id, {"id": id, "entitlements": entitlements})
        else:
            self._store.delete(ENTITLEMENTS, id)

    def effective(self, id: str) -> frozenset[str]:
        """Everything that a principal has: its own, its groups', and that of `users` and `admins`."""
        system = [USERS, *([ADMINS] if "ADMIN" in self._directory.permissions(id) else [])]
        groups = [self._directory.by_key(WORKSPACE_GROUP, name) for name in system]
        holders = [id, *(group["id"] for group in (*groups, *self._directory.groups_of(id)) if group is not None)]
        return frozenset(one["value"] for holder in holders for one in self.of(holder))
