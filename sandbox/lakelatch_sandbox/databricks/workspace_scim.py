"""SCIM on the workspace's paths: the principals that may use it, with their entitlements, and its own groups.

With identity federation users, service principals and account groups belong to the account; the workspace shows those
that were assigned to it. What it makes of users and service principals is made in the account and assigned.
"""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from lakelatch_sandbox.databricks import scim
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory
from lakelatch_sandbox.databricks.entitlements import ADMINS, USERS, Entitlements
from lakelatch_sandbox.databricks.errors import ScimError
from lakelatch_sandbox.databricks.requests import json_object
from lakelatch_sandbox.databricks.resource_types import GROUP, WORKSPACE_GROUP, ResourceType
from lakelatch_sandbox.databricks.scim_api import ScimApi
from lakelatch_sandbox.store import Document


class WorkspaceScimApi(ScimApi):
    """The handlers of one type; the caller has been authenticated, as an administrator where something changes."""

    on_account = False

    def __init__(self, type: ResourceType, directory: Directory, audit: Audit, entitlements: Entitlements) -> None:
        super().__init__(type, directory, audit)
        self._entitlements = entitlements

    def _all(self) -> Iterable[Document]:
        assigned = (one for one in self._directory.all(self._type) if self._directory.permissions(one["id"]))
        return [*self._directory.all(WORKSPACE_GROUP), *assigned] if self._type is GROUP else assigned

    def _find(self, request: Request) -> tuple[ResourceType, Document]:
        id = request.path_params["id"]
        local = self._directory.get(id, WORKSPACE_GROUP) if self._type is GROUP else None
        found = local or self._directory.get(id, self._type)
        if found is None or not (local or self._directory.permissions(id)):
            raise self._missing(id)
        resource = {**found, "entitlements": self._entitlements.of(id)}
        return (WORKSPACE_GROUP if local else self._type), resource

    def _filled(self, resource: Document) -> Document:
        id = resource["id"]
        filled = super()._filled({**resource, "entitlements": self._entitlements.of(id)})
        if self._type is not GROUP:
            return filled
        local = self._directory.get(id, WORKSPACE_GROUP) is not None
        filled["meta"] = {"resourceType": "WorkspaceGroup" if local else "Group"}
        if local and resource["displayName"] in (USERS, ADMINS):
            wanted = "ADMIN" if resource["displayName"] == ADMINS else None
            filled["members"] = [
                self._member(one["principal_id"])
                for one in self._directory.assignments()
                if wanted is None or wanted in one["permissions"]
            ]
        return filled

    async def create(self, request: Request) -> Response:
        """`POST /api/2.0/preview/scim/v2/{collection}`: a local group, or a principal of the account, assigned.

        A principal that the account has and the workspace has not is taken from the account.
        """
        body = await json_object(request)
        type = WORKSPACE_GROUP if self._type is GROUP else self._type
        resource = scim.from_body(type, body, id=self._directory.new_id())
        known = self._directory.by_key(type, resource[type.key])
        if type is not WORKSPACE_GROUP and known is not None and not self._directory.permissions(known["id"]):
            resource = {**known, "entitlements": resource.get("entitlements", [])}
        else:
            self._check(type, resource, None)
        if type is not WORKSPACE_GROUP:
            self._directory.assign(resource["id"], ["USER"])
        self._keep(type, resource)
        self._record(request, "createGroup" if type is WORKSPACE_GROUP else "add", resource)
        return self._answer(request, resource, 201)

    def _keep(self, type: ResourceType, resource: Document) -> None:
        self._entitlements.grant(resource["id"], resource.get("entitlements", []))
        # what the account's API was told of entitlements is echoed there, and has no effect
        echoed = (self._directory.get(resource["id"], type) or {}).get("entitlements", [])
        self._directory.save(type, {**resource, "entitlements": echoed})

    def _save(self, request: Request, type: ResourceType, old: Document, new: Document) -> Response:
        inner = ("displayName", "members", "externalId")
        system = type is WORKSPACE_GROUP and old["displayName"] in (USERS, ADMINS)
        if (type is GROUP or system) and any(new.get(name, []) != old.get(name, []) for name in inner):
            whose = "the workspace's own" if system else "the account's; change it there"
            raise ScimError(403, f"Group {old['displayName']} is {whose}: only its entitlements can be changed here.")
        self._check(type, new, old)
        if type is GROUP:
            self._entitlements.grant(new["id"], new.get("entitlements", []))
        else:
            self._keep(type, new)
        if old.get("entitlements") != new.get("entitlements"):
            granted = ",".join(one["value"] for one in new.get("entitlements", ()))
            self._record(request, "changeDatabricksWorkspaceAcl", new, aclPermissionSet=granted)
        without: Document = {"entitlements": []}
        self._record_change(request, {**old, **without}, {**new, **without})
        return self._answer(request, new)

    async def delete(self, request: Request) -> Response:
        """`DELETE .../{collection}/{id}`: a local group is deleted, others only lose the workspace."""
        type, found = self._find(request)
        if type is WORKSPACE_GROUP:
            if found["displayName"] in (USERS, ADMINS):
                raise ScimError(403, f"Group {found['displayName']} cannot be deleted.")
            self._directory.delete(type, found)
        else:
            if not self._directory.unassign(found["id"]):
                raise ScimError(403, f"{type.called} {found['id']} is in the workspace through a group.")
        self._record(request, "removeGroup" if self._type is GROUP else "delete", found)
        return Response(status_code=204)
