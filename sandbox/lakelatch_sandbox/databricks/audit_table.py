"""Who may read `system.access.audit`, and its rows."""

from collections.abc import Callable

from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import GRANTS, Directory
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.store import Store

_SECURABLES = ("table/system.access.audit", "schema/system.access", "catalog/system")
_PRIVILEGES = {"SELECT", "ALL_PRIVILEGES"}
_EVERYONE = "account users"


class AuditTable:
    """The table behind the grants: administrators of the workspace read it, and who has SELECT on it or above it."""

    def __init__(self, store: Store, directory: Directory, audit: Audit) -> None:
        self._store = store
        self._directory = directory
        self._audit = audit

    def rows_for(self, who: Caller) -> Callable[[], str] | None:
        """What gives the rows, or None for a user who may not read them."""
        mine = {who.id, _EVERYONE, *(group["id"] for group in self._directory.groups_of(who.id))}
        granted = {
            privilege
            for securable in _SECURABLES
            for id, privileges in (self._store.get(GRANTS, securable) or {"privileges": {}})["privileges"].items()
            if id in mine
            for privilege in privileges
        }
        allowed = "ADMIN" in self._directory.permissions(who.id) or granted & _PRIVILEGES
        return self._audit.as_json if allowed else None
