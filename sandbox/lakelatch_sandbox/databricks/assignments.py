"""Which principals may use the workspace: permission assignments on account and workspace paths, and the workspaces."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.metadata import CLOUD
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.resource_types import GROUP, SERVICE_PRINCIPAL, USER, ResourceType
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document

PERMISSIONS = ("USER", "ADMIN")

_NAMED = {"group_name": GROUP, "service_principal_name": SERVICE_PRINCIPAL, "user_name": USER}
"""The field that names a principal of each type, in requests and answers."""


class AssignmentApi:
    """The handlers; the caller has been authenticated, as an administrator of the account or of the workspace."""

    def __init__(self, directory: Directory, endpoints: Endpoints, audit: Audit, *, on_account: bool) -> None:
        self._directory = directory
        self._endpoints = endpoints
        self._audit = audit
        self._on_account = on_account

    def _workspace(self) -> Document:
        return {
            "workspace_id": int(self._endpoints.workspace_id),
            "workspace_name": "sandbox",
            "workspace_status": "RUNNING",
            "account_id": self._endpoints.account_id,
            "deployment_name": self._endpoints.workspace_host.removeprefix("https://"),
            "cloud": CLOUD.lower(),
            "pricing_tier": "PREMIUM",
        }

    def _check_workspace(self, request: Request) -> None:
        asked = request.path_params.get("workspace_id", self._endpoints.workspace_id)
        if asked != self._endpoints.workspace_id:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Workspace {asked} does not exist in the account.")

    def _principal(self, id: str) -> tuple[ResourceType, Document]:
        found = self._directory.principal(id)
        if found is None or found[0] not in _NAMED.values():
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Principal {id} does not exist in the account.")
        return found

    async def workspaces(self, _: Request) -> Response:
        """`GET .../workspaces`."""
        return JSONResponse([self._workspace()])

    async def workspace(self, request: Request) -> Response:
        """`GET .../workspaces/{workspace_id}`."""
        self._check_workspace(request)
        return JSONResponse(self._workspace())

    async def permissions(self, request: Request) -> Response:
        """`GET .../permissionassignments/permissions`: what may be assigned."""
        self._check_workspace(request)
        described = {"USER": "Access the workspace", "ADMIN": "Administer the workspace"}
        return JSONResponse(
            {"permissions": [{"permission_level": one, "description": described[one]} for one in PERMISSIONS]}
        )

    def _assign(self, request: Request, type: ResourceType, principal: Document, permissions: object) -> Document:
        if not isinstance(permissions, list) or not all(one in PERMISSIONS for one in permissions):
            raise invalid(f"permissions must be a list of {' or '.join(PERMISSIONS)}")
        if permissions:
            self._directory.assign(principal["id"], permissions)
        else:
            self._directory.unassign(principal["id"])
        self._record(request, principal["id"], ",".join(permissions))
        return {"principal": _shown(type, principal), "permissions": permissions}

    def _record(self, request: Request, id: str, permissions: str) -> None:
        self._audit.record(
            request,
            "accounts",
            "changeDatabricksWorkspaceAcl",
            by=request.state.caller.name,
            params={
                "targetUserId": id,
                "resourceId": self._endpoints.workspace_id,
                "aclPermissionSet": permissions,
            },
            on_account=self._on_account,
        )

    async def put(self, request: Request) -> Response:
        """`PUT .../permissionassignments/principals/{principal_id}`; an empty list takes the workspace away."""
        self._check_workspace(request)
        body = await json_object(request)
        principal = self._principal(request.path_params["principal_id"])
        return JSONResponse(self._assign(request, *principal, body.get("permissions", [])))

    async def create(self, request: Request) -> Response:
        """`POST /api/2.0/preview/permissionassignments`: principals by their names, on the workspace's paths."""
        items = (await json_object(request)).get("permission_assignments")
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise invalid("permission_assignments must be a non-empty list of objects")
        return JSONResponse({"permission_assignments": [self._create(request, item) for item in items]})

    def _create(self, request: Request, item: Document) -> Document:
        named = [(field, type) for field, type in _NAMED.items() if item.get(field)]
        if len(named) != 1:
            raise invalid(f"a permission assignment must have one of {', '.join(_NAMED)}")
        [(field, type)] = named
        principal = self._directory.by_key(type, str(item[field]))
        if principal is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Principal {item[field]} does not exist in the account.")
        return self._assign(request, type, principal, item.get("permissions", []))

    async def list(self, request: Request) -> Response:
        """`GET .../permissionassignments`; the principals' ids are numbers."""
        self._check_workspace(request)
        found = []
        for assignment in self._directory.assignments():
            principal = self._directory.principal(assignment["principal_id"])
            if principal is not None:
                found.append({"principal": _shown(*principal), "permissions": assignment["permissions"]})
        return JSONResponse({"permission_assignments": found})

    async def delete(self, request: Request) -> Response:
        """`DELETE .../permissionassignments/principals/{principal_id}`."""
        self._check_workspace(request)
        id = request.path_params["principal_id"]
        if not self._directory.unassign(id):
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Principal {id} not in workspace.")
        self._record(request, id, "")
        return JSONResponse({})


def _shown(type: ResourceType, principal: Document) -> Document:
    field = next(name for name, named in _NAMED.items() if named is type)
    return {
        "principal_id": int(principal["id"]),
        field: principal[type.key],
        "display_name": principal.get("displayName", ""),
    }
