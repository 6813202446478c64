"""Which principals may use the workspace: permission assignments of the account API, and the list of workspaces."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.metadata import CLOUD
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.endpoints import Endpoints
from lakelatch_sandbox.store import Document

PERMISSIONS = ("USER", "ADMIN")


class AssignmentApi:
    """The handlers; the caller has been authenticated as an account administrator."""

    def __init__(self, directory: Directory, endpoints: Endpoints) -> None:
        self._directory = directory
        self._endpoints = endpoints

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
        asked = request.path_params["workspace_id"]
        if asked != self._endpoints.workspace_id:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Workspace {asked} does not exist in the account.")

    def _principal(self, request: Request) -> Document:
        id = request.path_params["principal_id"]
        found = self._directory.get(id)
        if found is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Principal {id} does not exist in the account.")
        return found

    async def workspaces(self, _: Request) -> Response:
        """`GET .../workspaces`."""
        return JSONResponse([self._workspace()])

    async def workspace(self, request: Request) -> Response:
        """`GET .../workspaces/{workspace_id}`."""
        self._check_workspace(request)
        return JSONResponse(self._workspace())

    async def put(self, request: Request) -> Response:
        """`PUT .../permissionassignments/principals/{principal_id}`; an empty list takes the workspace away."""
        self._check_workspace(request)
        principal = self._principal(request)
        permissions = (await json_object(request)).get("permissions", [])
        if not isinstance(permissions, list) or not all(one in PERMISSIONS for one in permissions):
            raise invalid(f"permissions must be a list of {' or '.join(PERMISSIONS)}")
        if permissions:
            self._directory.assign(principal["id"], permissions)
        else:
            self._directory.unassign(principal["id"])
        return JSONResponse({"principal": _shown(principal), "permissions": permissions})

    async def list(self, request: Request) -> Response:
        """`GET .../permissionassignments`; the principals' ids are numbers."""
        self._check_workspace(request)
        found = []
        for assignment in self._directory.assignments():
            principal = self._directory.get(assignment["principal_id"])
            if principal is not None:
                found.append({"principal": _shown(principal), "permissions": assignment["permissions"]})
        return JSONResponse({"permission_assignments": found})

    async def delete(self, request: Request) -> Response:
        """`DELETE .../permissionassignments/principals/{principal_id}`."""
        self._check_workspace(request)
        if not self._directory.unassign(request.path_params["principal_id"]):
            raise ApiError(
                404, "RESOURCE_DOES_NOT_EXIST", f"Principal {request.path_params['principal_id']} not in workspace."
            )
        return JSONResponse({})


def _shown(principal: Document) -> Document:
    return {
        "principal_id": int(principal["id"]),
        "service_principal_name": principal["applicationId"],
        "display_name": principal.get("displayName", ""),
    }
