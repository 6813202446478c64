"""The audit log: who did what, with the vendor's service and action names, as rows of `system.access.audit`.

Columns and names: docs.databricks.com/aws/en/admin/system-tables/audit-logs and .../account-settings/audit-logs. The
names of events about federation policies are not in that reference: they are those of the API's operations here.
"""

import datetime
import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

LOG: Final = "databricks/audit"

ACCOUNT_LEVEL: Final = 0
"""The `workspace_id` of what happened to the account itself."""

STRUCTURE: Final = {
    "account_id": "VARCHAR",
    "workspace_id": "BIGINT",
    "version": "VARCHAR",
    "event_time": "TIMESTAMP",
    "event_date": "DATE",
    "source_ip_address": "VARCHAR",
    "user_agent": "VARCHAR",
    "session_id": "VARCHAR",
    "user_identity": "STRUCT(email VARCHAR, subject_name VARCHAR)",
    "service_name": "VARCHAR",
    "action_name": "VARCHAR",
    "request_id": "VARCHAR",
    "request_params": "MAP(VARCHAR, VARCHAR)",
    "response": "STRUCT(status_code INTEGER, error_message VARCHAR, result VARCHAR)",
    "audit_level": "VARCHAR",
    "event_id": "VARCHAR",
}
"""The columns of `system.access.audit`, with their types in DuckDB's words; each entry of the log is such a row."""

SELECT: Final = "SELECT row.* FROM (SELECT unnest(from_json(?::JSON, '[{}]')) AS row)".format(  # noqa: S608
    "{" + ", ".join(f'"{name}": "{type}"' for name, type in STRUCTURE.items()) + "}"
)
"""The table as a query of DuckDB; its one parameter is `Audit.as_json()`."""


class Audit:
    """Writes and reads the log. It has no state of its own: every double may make one.

    To query it, give `SELECT` and `as_json()` to DuckDB; `as_json` may be called from any thread.
    """

    def __init__(self, store: Store, clock: Clock, endpoints: Endpoints) -> None:
        self._store = store
        self._clock = clock
        self._account_id = endpoints.account_id
        self._workspace_id = int(endpoints.workspace_id)

    def record(
        self,
        request: Request | None,
        service: str,
        action: str,
        *,
        by: str,
        params: Mapping[str, Any] | None = None,
        status: int = 200,
        error: str | None = None,
        on_account: bool = False,
    ) -> None:
        """Add one event.

        `by` is the user name or application id; `params` are shown as texts and must hold no secret; `error` is the
        message of a refusal. Events of the account itself (`on_account`) have the workspace id 0, as the vendor's.
        """
        now = datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC)
        headers: Mapping[str, str] = {} if request is None else request.headers
        client = None if request is None else request.client
        self._store.append(
            LOG,
            {
                "account_id": self._account_id,
                "workspace_id": ACCOUNT_LEVEL if on_account else self._workspace_id,
                "version": "2.0",
                "event_time": now.strftime("%Y-%m-%d %H:%M:%S"),
                "event_date": now.strftime("%Y-%m-%d"),
                "source_ip_address": None if client is None else client.host,
                "user_agent": headers.get("user-agent"),
                "session_id": None,
                "user_identity": {"email": by, "subject_name": None},
                "service_name": service,
                "action_name": action,
                "request_id": headers.get("x-request-id") or str(uuid.UUID(bytes=secrets.token_bytes(16))),
                "request_params": {name: str(value) for name, value in (params or {}).items() if value is not None},
                "response": {"status_code": status, "error_message": error, "result": None},
                "audit_level": "ACCOUNT_LEVEL" if on_account else "WORKSPACE_LEVEL",
                "event_id": secrets.token_hex(16),
            },
        )

    def authorized(
        self, request: Request, by: str, *, refusal: ApiError | None = None, on_account: bool = False
    ) -> None:
        """A request of the API that an OAuth token was accepted for, and why it went no further."""
        self.record(
            request,
            "accounts",
            "oidcTokenAuthorization",
            by=by,
            params={"endpoint": request.url.path, "method": request.method},
            status=200 if refusal is None else refusal.status,
            error=None if refusal is None else refusal.message,
            on_account=on_account,
        )

    def as_json(self) -> str:
        """Every row, oldest first, as one JSON array."""
        return f"[{','.join(self._store.entries(LOG))}]"

    def rows(self) -> list[Document]:
        """Every row, oldest first."""
        found: list[Document] = json.loads(self.as_json())
        return found
