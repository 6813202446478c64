"""The workspace's administration: current user, principals, entitlements, assignments, secrets, grants."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.assignments import AssignmentApi
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.entitlements import Entitlements
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.grants import GrantApi
from lakelatch_sandbox.databricks.ip_access_lists import IpAccessLists
from lakelatch_sandbox.databricks.principal_secrets import PrincipalSecrets
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, USER
from lakelatch_sandbox.databricks.scim_api import MEDIA_TYPE, ScimApi, scim_routes
from lakelatch_sandbox.databricks.tokens import Caller
from lakelatch_sandbox.databricks.workspace_scim import WorkspaceScimApi
from lakelatch_sandbox.databricks.workspace_settings import WorkspaceSettings
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document, Store

Handler = Callable[[Request], Awaitable[Response]]
CallerHandler = Callable[[Request, Caller], Awaitable[Response]]
Route = tuple[str, str, str | None, CallerHandler]
"""Method, path, the OAuth scope that it needs (None: any token will do), handler."""

_ADMINISTRATION = ("access-management", "authentication", "networking", "scim", "settings", "unity-catalog")
"""Scopes of what needs no entitlement: administration, and data that grants protect."""


class WorkspaceAdmin:
    """Makes the routes, and knows what a principal may do in the workspace."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        directory: Directory,
        audit: Audit,
        principal_secrets: PrincipalSecrets,
    ) -> None:
        self._endpoints = endpoints
        self._directory = directory
        self._audit = audit
        self._secrets = principal_secrets
        self.entitlements = Entitlements(store, directory)
        self._grants = GrantApi(store, directory, audit)
        self._settings = WorkspaceSettings(store)
        self._lists = IpAccessLists(store)

    def obstacle(self, principal: Document) -> str | None:
        """What keeps a principal out of the workspace, as the end of a sentence; None when nothing does."""
        if self._directory.permissions(principal["id"]):
            return None
        return f"is not assigned to workspace {self._endpoints.workspace_id}; assign it first."

    def missing_entitlement(self, who: Caller, scope: str | None) -> str | None:
        """The entitlement without which the caller may not use an API of this scope; None when it may."""
        if scope is None or scope in _ADMINISTRATION:
            return None
        needed = "databricks-sql-access" if scope == "sql" else "workspace-access"
        return None if needed in self.entitlements.effective(who.id) else needed

    def me(self, who: Caller) -> Document:
        """`/scim/v2/Me`: of a service principal the user name is its application id."""
        id, principal = who.id, who.principal
        system = ["users", *(["admins"] if "ADMIN" in self._directory.permissions(id) else [])]
        groups: list[dict[str, Any]] = [{"display": name, "type": "direct"} for name in system]
        groups += [
            {"display": group["displayName"], "value": group["id"], "type": "direct", "$ref": f"Groups/{group['id']}"}
            for group in self._directory.groups_of(id)
        ]
        return {
            **{name: value for name, value in principal.items() if name not in ("roles", "entitlements")},
            "schemas": [USER.schema],
            "userName": who.name,
            "displayName": principal.get("displayName", ""),
            "active": principal.get("active", True),
            "groups": groups,
            "entitlements": [{"value": one} for one in sorted(self.entitlements.effective(id))],
        }

    def routes(self) -> list[Route]:
        """Every route of the administration."""

        async def me(_: Request, who: Caller) -> Response:
            return JSONResponse(self.me(who), media_type=MEDIA_TYPE)

        def anyone(handler: Handler) -> CallerHandler:
            async def called(request: Request, _: Caller) -> Response:
                return await handler(request)

            return called

        def admin(handler: Handler) -> CallerHandler:
            async def called(request: Request, who: Caller) -> Response:
                if "ADMIN" not in self._directory.permissions(who.id):
                    raise ApiError(403, "PERMISSION_DENIED", f"{who.name} is not an administrator of the workspace.")
                return await handler(request)

            return called

        found: list[Route] = [("GET", "/api/2.0/preview/scim/v2/Me", None, me)]
        for type in (SERVICE_PRINCIPAL, USER, GROUP):
            scim = WorkspaceScimApi(type, self._directory, self._audit, self.entitlements)
            # the workspace's view of the whole account, which only reads
            whole = ScimApi(type, self._directory, self._audit)
            for base, methods, view in (("preview", None, scim), ("account", ("GET",), whole)):
                found += [
                    (method, path, "scim", anyone(handler) if method == "GET" else admin(handler))
                    for method, path, handler in scim_routes(f"/api/2.0/{base}/scim/v2", type, view)
                    if methods is None or method in methods
                ]
        assignments = AssignmentApi(self._directory, self._endpoints, self._audit, on_account=False)
        assigned = "/api/2.0/preview/permissionassignments"
        secrets = "/api/2.0/accounts/servicePrincipals/{principal_id}/credentials/secrets"
        catalog, grants = "/api/2.1/unity-catalog", self._grants
        conf, setting = "/api/2.0/workspace-conf", "/api/2.0/settings/types/{type}/names/default"
        lists, settings = "/api/2.0/ip-access-lists", self._settings
        return [
            *found,
            ("GET", assigned, "access-management", admin(assignments.list)),
            ("POST", assigned, "access-management", admin(assignments.create)),
            ("PUT", assigned + "/principals/{principal_id}", "access-management", admin(assignments.put)),
            ("DELETE", assigned + "/principals/{principal_id}", "access-management", admin(assignments.delete)),
            ("GET", conf, "settings", admin(settings.read_conf)),
            ("PATCH", conf, "settings", admin(settings.write_conf)),
            ("GET", setting, "settings", admin(settings.read)),
            ("PATCH", setting, "settings", admin(settings.update)),
            ("DELETE", setting, "settings", admin(settings.delete)),
            ("GET", lists, "networking", admin(self._lists.list)),
            ("POST", lists, "networking", admin(self._lists.create)),
            ("GET", lists + "/{list_id}", "networking", admin(self._lists.read)),
            ("PATCH", lists + "/{list_id}", "networking", admin(self._lists.update)),
            ("DELETE", lists + "/{list_id}", "networking", admin(self._lists.delete)),
            ("POST", secrets, "authentication", admin(self._secrets.create)),
            ("GET", secrets, "authentication", admin(self._secrets.list)),
            ("DELETE", secrets + "/{secret_id}", "authentication", admin(self._secrets.delete)),
            ("GET", catalog + "/permissions/{type}/{name}", "unity-catalog", anyone(grants.read)),
            ("PATCH", catalog + "/permissions/{type}/{name}", "unity-catalog", admin(grants.update)),
            ("GET", catalog + "/effective-permissions/{type}/{name}", "unity-catalog", anyone(grants.effective)),
            *(
                (method, f"{catalog}/{collection}{rest}", "unity-catalog", handler)
                for collection in ("catalogs", "schemas")
                for method, rest, handler in (
                    ("GET", "", anyone(grants.list)),
                    ("POST", "", admin(grants.create)),
                    ("GET", "/{name}", anyone(grants.describe)),
                    ("DELETE", "/{name}", admin(grants.delete)),
                )
            ),
        ]
